package rest

import (
	"net/http"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// A dialect is what a grammar says beside queries and pages: which routes there are,
// and how rows are spelt. A [Grammar] that says nothing of it speaks like [Feathers].
type dialect interface {
	// routes returns the routes of an entity.
	routes(h *handlers, route newRoute) []Route
	// body returns what was sent for a row in the words of package crud.
	body(e *model.Entity, body []byte) ([]byte, error)
	// appendRow appends a row as JSON.
	appendRow(dst []byte, row crud.Row) []byte
	// errors is how refusals are written; nil means that of Feathers.
	errors() gate.ErrorForm
	// lead says in the header of an answer where the page after this one is, if the
	// page does not say it itself.
	lead(header http.Header, r *http.Request, page *crud.Rows)
}

// newRoute makes a route of a function.
type newRoute func(method, path string, action authz.Action, f func(http.ResponseWriter, *http.Request) error) Route

// dialectOf returns how an API with that grammar speaks.
func dialectOf(g Grammar) dialect {
	if d, ok := g.(dialect); ok {
		return d
	}
	return Feathers{}
}

// routes implements dialect.
func (Feathers) routes(h *handlers, route newRoute) []Route {
	e := h.service.Entity()
	one := h.path + "/{id}"
	routes := []Route{
		route(http.MethodGet, h.path, authz.List, h.find),
		route(http.MethodGet, one, authz.View, h.get),
		route(http.MethodPost, h.path, authz.Create, h.create),
		route(http.MethodPut, one, authz.Update, h.update),
		route(http.MethodPatch, one, authz.Update, h.patch),
		route(http.MethodDelete, one, authz.Delete, h.remove),
		route(http.MethodPatch, h.path, authz.Update, h.patchMany),
		route(http.MethodDelete, h.path, authz.Delete, h.removeMany),
	}
	if e.SoftDelete != "" {
		routes = append(routes, route(http.MethodPost, one+"/restore", authz.Delete, h.restore))
	}
	for i := range e.Links {
		if l := &e.Links[i]; l.Many {
			related := func(method string, f func(http.ResponseWriter, *http.Request) error) {
				r := route(method, one+"/"+segment(l.Name), authz.View, f)
				r.Of = l.To
				routes = append(routes, r)
			}
			related(http.MethodGet, h.findRelated(l.Name))
			if l.Through != nil {
				routes = append(routes,
					route(http.MethodPost, one+"/"+segment(l.Name), authz.Update, h.connect(l.Name)),
					route(http.MethodDelete, one+"/"+segment(l.Name)+"/{other}", authz.Update, h.disconnect(l.Name)))
			}
			if l.Inverse != "" {
				related(http.MethodPost, h.createRelated(l.Name))
			}
		}
	}
	return append(routes, h.files(route)...)
}

// body implements dialect: package crud has the words of this grammar.
func (Feathers) body(_ *model.Entity, body []byte) ([]byte, error) { return body, nil }

// appendRow implements dialect.
func (Feathers) appendRow(dst []byte, row crud.Row) []byte { return row.AppendJSON(dst) }

// errors implements dialect.
func (Feathers) errors() gate.ErrorForm { return nil }

// lead implements dialect: a page says how many rows there are.
func (Feathers) lead(http.Header, *http.Request, *crud.Rows) {}

// InForm returns a handler whose refusals, and those of what it is handed to, are
// written as the grammar has them; h itself with [Feathers].
func InForm(g Grammar, h http.Handler) http.Handler {
	form := dialectOf(g).errors()
	if form == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(gate.ContextWithErrorForm(r.Context(), form)))
	})
}
