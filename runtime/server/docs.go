package server

import (
	"net/http"
	"strconv"

	"github.com/gatewright/gate"
)

// The paths of the documentation.
const (
	pathOpenAPI = prefix + "/openapi.json"
	pathDocs    = prefix + "/docs"
)

// docs serves the description of the routes, and the page for people where the build
// has it.
func (a *App) docs(openAPI []byte) {
	a.mux.HandleFunc("GET "+pathOpenAPI, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(openAPI)))
		h.Set("Cache-Control", "no-cache")
		_, _ = w.Write(openAPI) // nobody is left to be told
	})
	page := a.service.Reference
	if page == nil {
		page = devReference
	}
	if page == nil {
		a.mux.HandleFunc("GET "+pathDocs, func(w http.ResponseWriter, r *http.Request) {
			a.errors.Write(w, r, &gate.Error{
				Status:  http.StatusNotFound,
				Message: "This build has no page for the API, which is described at " + pathOpenAPI + ": it comes with the plugin swagger-ui",
			})
		})
		return
	}
	viewer := page(a.Name, pathDocs, pathOpenAPI)
	a.mux.Handle("GET "+pathDocs, viewer)
	a.mux.Handle("GET "+pathDocs+"/{file}", viewer)
}
