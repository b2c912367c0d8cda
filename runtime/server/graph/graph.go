// Package graph serves the entities of a generated service over GraphQL. It is a
// package of its own so that services without do not carry a parser of it.
package graph

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/runtime/server"
)

// Path is where [Mount] serves.
const Path = "/api/graphql"

// Mount serves the entities of a under [Path], by the schema sdl and by what extends it,
// if anything does, see [Field]. Under "gate
// dev" it answers introspection, and browsers a page to try it, and otherwise not. It is for
// [server.App.Extend], which calls it when all entities are known; generated code
// does that.
func Mount(a *server.App, sdl string, extensions ...string) error {
	return mount(a, graphql.Config{SDL: sdl, Extension: strings.Join(extensions, "\n")})
}

// MountOnly is [Mount] for a service that answers no documents but its own: those of
// the files *.graphql, in whatever folder. All others are refused; under "gate dev" they
// are answered, and logged. A file that is not valid keeps the service from starting.
func MountOnly(a *server.App, operations fs.FS, sdl string, extensions ...string) error {
	files := map[string]string{}
	err := fs.WalkDir(operations, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".graphql" {
			return err
		}
		text, err := fs.ReadFile(operations, name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("graphql: operations: %w", err)
	}
	return mount(a, graphql.Config{SDL: sdl, Extension: strings.Join(extensions, "\n"), Operations: files, Only: true})
}

func mount(a *server.App, cfg graphql.Config) error {
	cfg.Entities, cfg.Actions, cfg.Fields = a.Entities(), a.Actions(), a.Fields()
	cfg.Introspection, cfg.NoCredentials = a.Config.Dev != nil, a.Auth == nil
	cfg.Errors = gate.ErrorWriter{Logger: a.Logger}
	if a.Auth != nil && a.Auth.LogsIn() {
		cfg.Login = a.Auth.Login()
	}
	api, err := graphql.New(cfg)
	if err != nil {
		return err
	}
	a.Handle("POST "+Path, api)
	mountGet(a, api)
	return nil
}
