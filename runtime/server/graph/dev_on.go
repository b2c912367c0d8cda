//go:build gatedev

package graph

import (
	"mime"
	"net/http"
	"strings"

	"github.com/gatewright/gate/runtime/devpage"
	"github.com/gatewright/gate/runtime/server"
)

// mountGet serves what is asked for by GET: under "gate dev" to browsers the page that
// tries the API, whoever they are logged in as, and everything else is the API's.
func mountGet(a *server.App, api http.Handler) {
	if a.Config.Dev == nil {
		a.Handle("GET "+Path, api)
		return
	}
	if a.Auth != nil {
		api = a.Auth.Protect(api)
	}
	page := devpage.GraphQLPage{Service: a.Name, Address: Path}
	a.Mount("GET "+page.Files()+"{file}", page)
	a.Mount("GET "+Path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wantsPage(r) {
			page.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	}))
}

// wantsPage reports whether a person looks at the address: what asks for a document by
// its name is a program, whatever it takes.
func wantsPage(r *http.Request) bool {
	if r.URL.Query().Has("extensions") {
		return false
	}
	for _, value := range r.Header["Accept"] {
		for entry := range strings.SplitSeq(value, ",") {
			if media, params, err := mime.ParseMediaType(entry); err == nil && media == "text/html" && params["q"] != "0" {
				return true
			}
		}
	}
	return false
}
