// Package graph serves the entities of a generated service over GraphQL. It is a
// package of its own so that services without do not carry a parser of it.
package graph

import (
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/runtime/server"
)

// Path is where [Mount] serves.
const Path = "/api/graphql"

// Mount serves the entities of a under [Path], by the schema sdl and by what extends it,
// if anything does, see [Field]. Under "gate
// dev" it answers introspection, and otherwise not. It is for
// [server.App.Extend], which calls it when all entities are known; generated code
// does that.
func Mount(a *server.App, sdl string, extensions ...string) error {
	cfg := graphql.Config{
		SDL: sdl, Entities: a.Entities(), Actions: a.Actions(), Extension: strings.Join(extensions, "\n"), Fields: a.Fields(), Introspection: a.Config.Dev != nil, NoCredentials: a.Auth == nil,
		Errors: gate.ErrorWriter{Logger: a.Logger},
	}
	if a.Auth != nil && a.Auth.LogsIn() {
		cfg.Login = a.Auth.Login()
	}
	api, err := graphql.New(cfg)
	if err != nil {
		return err
	}
	a.Handle("POST "+Path, api)
	return nil
}
