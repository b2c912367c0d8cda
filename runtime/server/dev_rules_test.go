//go:build gatedev

package server

import (
	"slices"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/rest"
)

type described struct {
	crud.Service

	e *model.Entity
}

func (d described) Entity() *model.Entity { return d.e }

// TestDev_rulesOfRelated: to list and make rows by way of another one takes what the
// rules of those rows say, and the start page says so.
func TestDev_rulesOfRelated(t *testing.T) {
	a := &App{entities: []crud.Service{
		described{e: &model.Entity{Name: "Category", Path: "categories", Allow: model.Allow{View: []string{"public"}}, Links: []model.Link{
			{Name: "products", To: "Product", Many: true, Inverse: "categoryId"},
		}}},
		described{e: &model.Entity{Name: "Product", Path: "products", Allow: model.Allow{List: []string{"signed-in"}, Create: []string{"clerk"}}}},
	}}
	seen := 0
	for _, route := range (rest.API{Policy: new(authz.Policy)}).Routes(a.entities[0]) {
		if route.Path != "/api/categories/{id}/products" {
			continue
		}
		seen++
		if want := map[string]string{"GET": "signed-in", "POST": "clerk"}[route.Method]; !slices.Equal(a.rulesOf(route), []string{want}) {
			t.Errorf("%s %s is for %v, want %s", route.Method, route.Path, a.rulesOf(route), want)
		}
	}
	if seen != 2 {
		t.Errorf("%d routes by way of a category, want 2", seen)
	}
}
