// Command generate makes what ent and gqlgen make of the schema, in the current
// folder.
package main

import (
	"fmt"
	"os"
	"slices"

	"entgo.io/contrib/entgql"
	"entgo.io/ent/entc"
	"entgo.io/ent/entc/gen"
	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/vektah/gqlparser/v2/ast"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	graphql, err := entgql.NewExtension(
		entgql.WithSchemaGenerator(),
		entgql.WithSchemaPath("ent.graphql"),
		entgql.WithConfigPath("gqlgen.yml"),
		entgql.WithWhereInputs(true),
		entgql.WithSchemaHook(byType),
	)
	if err != nil {
		return err
	}
	c := &gen.Config{Features: []gen.Feature{gen.FeaturePrivacy}}
	if err := entc.Generate("./ent/schema", c, entc.Extensions(graphql)); err != nil {
		return fmt.Errorf("ent: %w", err)
	}
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		return err
	}
	if err := api.Generate(cfg); err != nil {
		return fmt.Errorf("gqlgen: %w", err)
	}
	return nil
}

// byType takes node and nodes away: a row is asked for by its type and id.
func byType(_ *gen.Graph, s *ast.Schema) error {
	query := s.Types["Query"]
	query.Fields = slices.DeleteFunc(query.Fields, func(f *ast.FieldDefinition) bool { return f.Name == "node" || f.Name == "nodes" })
	return nil
}
