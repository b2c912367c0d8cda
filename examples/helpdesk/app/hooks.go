// Package app is the helpdesk service: its entities, who may use them, and how
// callers are known. The files that end in _gen.go follow from gate.yaml; this
// one is yours, and is never written again.
package app

import (
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/server/graph"
)

// configure is called once, before the service listens. It is the place for what
// gate.yaml cannot say: hooks, routes and strategies of your own.
func configure(a *App) error {
	a.Tickets.Before(authz.Create, a.numberTicket)
	a.Tickets.Before(authz.Update, noteEnd)
	a.Comments.Before(authz.Create, a.signComment)
	a.Comments.After(authz.Create, a.noteResponse)
	a.Decorate("Ticket", func(next crud.Service) crud.Service { return newestFirst{next} })
	a.HandleFunc("GET /api/help/{organization}", a.helpCenter)
	graph.RowField(a.App, "Ticket.waiting", []string{"agent"}, waiting)
	return nil
}
