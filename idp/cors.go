package idp

import (
	"net/http"
	"slices"

	"github.com/gatewright/gate/idp/tenant"
)

// cors lets the pages of registered clients read the answers of an endpoint. No
// cookie goes with such a request, so credentials are not allowed.
func (p *Provider) cors(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		w.Header().Add("Vary", "Origin")
		if origin != "" {
			ok, err := p.knownOrigin(r, origin)
			if err != nil {
				p.fail(w, r, err)
				return
			}
			if ok {
				h := w.Header()
				h.Set("Access-Control-Allow-Origin", origin)
				h.Set("Access-Control-Expose-Headers", "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, WWW-Authenticate")
			}
		}
		if r.Method == http.MethodOptions {
			preflight(w)
			return
		}
		next(w, r)
	}
}

func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Content-Type, Authorization, Auth0-Client, DPoP")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

// knownOrigin reports whether any client has its pages at the origin. A request
// that names a client is checked against that client too, by clientOrigin.
func (p *Provider) knownOrigin(r *http.Request, origin string) (bool, error) {
	clients, err := p.tenant.Clients.List(r.Context())
	if err != nil {
		return false, err
	}
	set := p.origins.Load()
	if set == nil || !slices.Equal(set.of, clients) {
		set = newOriginSet(clients)
		p.origins.Store(set)
	}
	return set.known[origin], nil
}

// An originSet is the origins of clients.
type originSet struct {
	// of are the clients. They are shared and never change: while the tenant
	// returns the same ones, nothing has changed.
	of    []*tenant.Client
	known map[string]bool
}

func newOriginSet(clients []*tenant.Client) *originSet {
	set := &originSet{of: clients, known: make(map[string]bool)}
	for _, c := range clients {
		for _, raw := range slices.Concat(c.WebOrigins, c.Origins, c.Callbacks) {
			if origin := originOf(raw); origin != "" {
				set.known[origin] = true
			}
		}
	}
	return set
}

// clientOrigin takes back the permission of cors when the origin is that of
// another client.
func clientOrigin(w http.ResponseWriter, r *http.Request, c *tenant.Client) {
	if origin := r.Header.Get("Origin"); origin != "" && !originAllowed(c, origin) {
		w.Header().Del("Access-Control-Allow-Origin")
	}
}

// public lets the pages of everyone read an answer.
func public(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			preflight(w)
			return
		}
		next(w, r)
	}
}
