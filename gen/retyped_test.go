package gen_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/gen"
)

// TestRetyped: the lines of a user that name a field of another Go type are told, also
// when the entity has another name, and no others.
func TestRetyped(t *testing.T) {
	const code = `package app

import (
	"context"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
)

func configure(a *App) error {
	a.Items.Before(authz.Create, func(_ context.Context, c *crud.Change[Item]) error {
		if c.Row.Name == "" {
			c.Row.Status = ItemStatusOpen
		}
		return nil
	})
	return nil
}

var empty = ItemPrice{Amount: nil}
`
	const amount = "app/hooks.go:20: Amount is model.Decimal now"
	for name, tt := range map[string]struct {
		change *strings.Replacer
		want   []string
	}{
		"nothing":      {strings.NewReplacer("amount: decimal", "amount: {type: decimal, min: 0}"), nil},
		"required":     {strings.NewReplacer("amount: decimal", "amount: {type: decimal, required: true, default: 1}"), []string{amount}},
		"optional":     {strings.NewReplacer("name: {type: text, required: true}", "name: text"), []string{"app/hooks.go:12: Name is *string now"}},
		"another name": {strings.NewReplacer("  Item:", "  Product:\n    renamedFrom: Item", "to: Item}", "to: Product}"), nil},
		"both": {
			strings.NewReplacer("  Item:", "  Product:\n    renamedFrom: Item", "to: Item}", "to: Product}", "name: {type: text, required: true}", "name: text"),
			[]string{"app/hooks.go:12: Name is *string now"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := carriedService(t)
			write(t, dir, "app/hooks.go", code)
			report, err := regenerated(t, dir, tt.change.Replace(carriedShop), gen.ApplyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(report.Look, tt.want) {
				t.Errorf("told %q, want %q", report.Look, tt.want)
			}
		})
	}
}
