package server

import (
	"context"
	"net/http"
	"slices"
)

// Use puts own middleware around all routes, those of the service and those of its own
// code. The first one that was added is the outermost.
//
// It stands inside of the edge: when it is asked the request has an identifier and its
// client's address, preflights of CORS are answered, the path has one meaning and the
// body is bounded; what it panics with is a 500 with a line in the log, and the answer
// is logged and measured with all headers. It stands before authentication, which
// every route does for itself: [gate.PrincipalFromContext] knows nobody yet, and what a
// middleware refuses nobody was asked about. What is to know the caller is a
// decorator ([App.Decorate]), a hook, or around the handler of an own route.
//
// Middleware refuses with [gate.WriteError]. It is for [Service.Build].
func (a *App) Use(middleware func(next http.Handler) http.Handler) {
	a.middleware = append(a.middleware, middleware)
}

type outermostKey struct{}

// handler returns the mux with the middleware around it.
func (a *App) handler() http.Handler {
	if len(a.middleware) == 0 {
		return a.mux
	}
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { // middleware may have made another request of it, and the log wants to know the route
			if outermost, ok := r.Context().Value(outermostKey{}).(*http.Request); ok {
				outermost.Pattern = r.Pattern
			}
		}()
		a.mux.ServeHTTP(w, r)
	})
	for _, m := range slices.Backward(a.middleware) {
		h = m(h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), outermostKey{}, r)))
	})
}
