//go:build generated

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatewright/gate/bench/compare/entgql/ent"
	_ "github.com/gatewright/gate/bench/compare/entgql/ent/runtime" // the policies
	"github.com/gatewright/gate/bench/compare/entgql/graph"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "entgql:", err)
		os.Exit(1)
	}
}

// notes are printed below the table.
var notes = []string{
	"ent " + version("entgo.io/ent") + ", entgql " + version("entgo.io/contrib") + ", gqlgen " + version("github.com/99designs/gqlgen") +
		"; GraphQL alone, so that it has no lines for get, list, create and mixed",
	"the same rows and indices as the service, WAL, one connection that writes and a pool that reads, the same pool on PostgreSQL; " +
		"field collection (one statement a level), cache of parsed documents, no transaction around a create (the service and bare have one), nothing of debugging",
	"on SQLite statements are prepared anew each time: ent gives text to database/sql, and the driver keeps none; on PostgreSQL the driver keeps them",
	"verifies a JWT for each request and has the rule of the design as a privacy policy on every entity; it has no login, no sessions that end, " +
		"no limits of depth and cost, no rules of fields and no exact decimals: the service has them and pays for them",
}

func run(ctx context.Context, args []string) error {
	if len(args) != 4 {
		return errors.New("usage: entgql FOLDER ROWS DATABASE ADDRESS")
	}
	r, err := readRows(filepath.Join(args[0], "rows.json"))
	if err != nil {
		return err
	}
	client, err := open(args[2], args[0], args[3])
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Schema.Create(ctx); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if err := r.fill(ctx, client); err != nil {
		return fmt.Errorf("rows: %w", err)
	}
	t, err := newTokens()
	if err != nil {
		return err
	}
	bearer, err := t.issue()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	what := map[string]any{"name": "ent + gqlgen", "addr": l.Addr().String(), "asks": r.asks(bearer), "sameRows": true, "notes": notes}
	if err := json.NewEncoder(os.Stdout).Encode(what); err != nil {
		return err
	}
	r = nil
	debug.FreeOSMemory() // what filling it took is not what serving it takes
	server := &http.Server{Handler: t.check(api(client)), ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(l)
}

// api is the handler of GraphQL as the documentation of gqlgen sets it up for
// production: without introspection and playground, with the cache of documents.
func api(client *ent.Client) http.Handler {
	server := handler.New(graph.NewExecutableSchema(graph.Config{Resolvers: &resolver{client}}))
	server.AddTransport(transport.POST{})
	server.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	return server
}

// version returns the version of a module that this was built with.
func version(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "?"
}
