package server

import (
	"net/http"
	"strings"

	"github.com/gatewright/gate"
)

// notFound answers what no route takes: 405 when another method would be
// taken, else 404, both in the words of every other error.
type notFound struct {
	mux    *http.ServeMux
	errors gate.ErrorWriter
}

// everything is the pattern under which notFound is registered.
const everything = "/"

// ServeHTTP implements [http.Handler].
func (n *notFound) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	probe := r.Clone(r.Context())
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe.Method = method
		if _, pattern := n.mux.Handler(probe); pattern != everything && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		n.errors.Write(w, r, &gate.Error{Status: http.StatusNotFound})
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	n.errors.Write(w, r, &gate.Error{Status: http.StatusMethodNotAllowed})
}
