package gen_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/gen"
)

// TestStale: what is declared no more is named where the user's files use it, and
// they stay as they are.
func TestStale(t *testing.T) {
	dir := t.TempDir()
	app := func(entity, plural string) gen.File {
		return generated("app/app_gen.go", "\ntype App struct {\n\t"+plural+" int\n\tUsers int\n}\n\nfunc new"+entity+"() {}\n")
	}
	apply(t, dir, gen.Files{
		app("Item", "Items"), generated("app/item_gen.go", "\ntype Item struct {\n\tName, Title string\n}\n\nconst ItemFieldName = 1\n"),
	}, gen.ApplyOptions{})
	const hooks = `package app

import "html"

// Item is in a comment.
func configure(a *App) error {
	a.Items, a.Users = ItemFieldName, 2
	i := Item{Name: "x"}
	_, _ = i.Name, html.Item
	note.Title = "my own"
	return nil
}

var note struct{}

type mine struct{ Title string }
`
	write(t, dir, "app/hooks.go", hooks)
	write(t, dir, "app/broken.go", "package app\n\nfunc Item( {\n")
	write(t, dir, "app/notes.txt", "Item")
	write(t, dir, "other/other.go", "package other\n\nvar Item int\n")
	after := gen.Files{app("Product", "Products"), generated("app/product_gen.go", "\ntype Product struct {\n\tLabel string\n}\n\nconst ProductLabel = 1\n")}
	report := apply(t, dir, after, gen.ApplyOptions{})
	want := []string{"app/hooks.go:7: Items", "app/hooks.go:7: ItemFieldName", "app/hooks.go:8: Item", "app/hooks.go:8: Name", "app/hooks.go:9: Name"}
	if diff := cmp.Diff(want, report.Stale); diff != "" {
		t.Error(diff)
	}
	if tree(t, dir)["app/hooks.go"] != hooks {
		t.Error("the file of the user was changed")
	}
	if again := apply(t, dir, after, gen.ApplyOptions{}); again.Stale != nil {
		t.Errorf("said again, when nothing is new: %v", again.Stale)
	}
}
