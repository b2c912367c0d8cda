package devpage

import (
	"embed"
	"net/http"
	"path"

	"github.com/gatewright/gate"
)

//go:embed assets/graphql.html assets/graphql.css assets/graphql.js assets/graphql-schema.js assets/graphql-text.js
var graphqlAssets embed.FS

// graphqlPolicy allows the page its own styles and scripts, to ask its own origin, and
// nothing else. No script can make elements of text, so that what a service answers
// stays text.
const graphqlPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// A GraphQLPage is a page to try the GraphQL of a service: documents, variables,
// headers, answers, and the schema beside them. It asks as whoever sits before it, with
// the token that they paste or the cookie of their browser, and so needs no right of
// its own. It loads nothing from elsewhere.
type GraphQLPage struct {
	// Service is the name of the service.
	Service string
	// Address is the path of its GraphQL. The page is served under it, and its files
	// below it.
	Address string
}

var _ http.Handler = GraphQLPage{}

// Files is the path below which the files of the page are.
func (p GraphQLPage) Files() string { return p.Address + "/" }

// ServeHTTP implements [http.Handler]. Whoever is not on this machine gets 404,
// whoever asks for another host 403.
func (p GraphQLPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case refuseStrangers(w, r):
	case r.URL.Path == p.Address:
		p.page(w, r)
	default:
		p.file(w, r)
	}
}

func (p GraphQLPage) page(w http.ResponseWriter, r *http.Request) {
	page, err := render(graphqlAssets, "graphql", p)
	if err != nil {
		gate.WriteError(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", graphqlPolicy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept")
	_, _ = w.Write(page) // nobody is left to be told
}

func (p GraphQLPage) file(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	if r.URL.Path != p.Files()+name {
		name = ""
	}
	switch name {
	case "graphql.css", "graphql.js", "graphql-schema.js", "graphql-text.js":
		serve(w, r, graphqlAssets, name)
	case "gate.css", "mark.svg":
		serve(w, r, assets, name)
	default:
		gate.WriteError(w, r, &gate.Error{Status: http.StatusNotFound})
	}
}
