// Package app is the restaurant service: its entities, who may use them, and how
// callers are known. The files that end in _gen.go follow from gate.yaml; this
// one is yours, and is never written again.
package app

import (
	"fmt"

	"github.com/gatewright/gate/runtime/server"
)

// configure is called once, before the service listens. It is the place for what
// gate.yaml cannot say: hooks, routes and strategies of your own.
func configure(a *App) error {
	server.Handle(a.App, server.Route{
		Pattern: "GET /api/menu-of-the-day", Allow: []string{"public"}, Doc: "What there is for little money.",
	}, a.menuOfTheDay)
	a.Use(documented)

	setting, ok := a.Config.Lookup("TILLS")
	if !ok {
		return nil // the menu is changed by people with accounts alone
	}
	desks, err := readTills(setting)
	if err != nil {
		return fmt.Errorf("TILLS: %w", err)
	}
	return a.Auth.Register("till", desks)
}
