package app

import (
	"context"
	"net/http"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// MenuIn is what the menu of the day is asked with.
type MenuIn struct {
	Most *int64 `json:"most" min:"1" max:"10" doc:"How many dishes. Default: 3."`
}

// Dish is one line of the menu of the day.
type Dish struct {
	Name  string        `json:"name"`
	Price model.Decimal `json:"price"`
}

// menuOfTheDay answers the cheapest dishes that the caller may list.
func (a *App) menuOfTheDay(ctx context.Context, in MenuIn) ([]Dish, error) {
	limit := 3
	if in.Most != nil {
		limit = int(*in.Most)
	}
	page, err := a.Items.Find(ctx, &query.Query{Limit: limit, Sort: []query.Sort{{Field: "price"}}, NoTotal: true})
	if err != nil {
		return nil, err
	}
	menu := make([]Dish, len(page.Data))
	for i, item := range page.Data {
		menu[i] = Dish{Name: item.Name, Price: item.Price}
	}
	return menu, nil
}

// documented says with every answer where the service is described (RFC 8631 §4.1).
func documented(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", `</api/openapi.json>; rel="service-desc"`)
		next.ServeHTTP(w, r)
	})
}
