package app

import (
	"encoding/json"
	"net/http"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/query"
)

// An answer is an article as the web sees it.
type answer struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}

// helpCenter answers the published articles of an organization, by the name that it
// has on the web, to everybody. Rules cannot say that: who is not signed in is in no
// organization. So the service asks for itself, and says here what it shows.
func (a *App) helpCenter(w http.ResponseWriter, r *http.Request) {
	ctx := authz.System(r.Context())
	page, err := a.Articles.Find(ctx, &query.Query{
		Where: query.And{
			query.Term{Field: "status", Op: query.Eq, Value: ArticleStatusPublished},
			query.Related{Relation: "organization", Where: query.Term{Field: "slug", Op: query.Eq, Value: r.PathValue("organization")}},
		},
		Search: r.URL.Query().Get("q"),
		Sort:   []query.Sort{{Field: "title"}},
		Limit:  query.MaxLimit,
	})
	if err != nil {
		gate.WriteError(w, r, err)
		return
	}
	list := make([]answer, len(page.Data))
	for i, article := range page.Data {
		list[i] = answer{article.Title, article.Body}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list) // nobody is left to be told
}
