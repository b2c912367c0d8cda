//go:build !gatedev

package graph

import (
	"net/http"

	"github.com/gatewright/gate/runtime/server"
)

// mountGet serves what is asked for by GET. A build for production has no page to try
// the API.
func mountGet(a *server.App, api http.Handler) { a.Handle("GET "+Path, api) }
