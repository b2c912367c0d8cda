package gen_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

const carriedShop = `gate: 1
service: {name: shop, module: example.com/shop, apis: [rest, graphql]}
entities:
  Item:
    fields:
      name: {type: text, required: true}
      status: {type: enum, values: [open, sold-out], required: true, default: open}
      label: {type: text, computed: [name]}
    allow: {view: public, list: public, create: public, update: public}
  ItemPrice:
    fields: {item: {type: relation, to: Item}, amount: decimal}
    allow: {view: public, list: public}
`

// renamedShop is the same with other names for an entity and one of its fields.
var renamedShop = strings.NewReplacer("  Item:", "  Product:\n    renamedFrom: Item", "to: Item}", "to: Product}",
	"name: {type: text, r", "title: {type: text, renamedFrom: name, r", "[name]", "[title]").Replace(carriedShop)

// carriedFiles are what a user wrote for it, and what becomes of that.
var carriedFiles = map[string][2]string{
	"app/hooks.go": {`package app

import (
	"context"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/server/graph"
)

// Item stays in a comment.
func configure(a *App) error {
	a.Decorate("Item", func(next crud.Service) crud.Service { return next })
	a.App.Decorate("Item", func(next crud.Service) crud.Service { return next })
	graph.RowField(a.App, "Item.rating", []string{"public"}, rating)
	a.ComputeItemLabel(func(i *Item) *string { return &i.Name })
	a.Items.Before(authz.Create, func(_ context.Context, c *crud.Change[Item]) error {
		c.Row.Status = next(ItemStatusOpen)
		if c.Old != nil && c.Old.Name != "" {
			c.Row.Name += c.Old.Name
		}
		page, err := a.Items.Find(context.Background(), &query.Query{})
		if err != nil {
			return err
		}
		for _, i := range page.Data {
			c.Row.Name += i.Name
		}
		return nil
	})
	_, _ = ItemFieldName, ItemPriceFieldAmount
	return nil
}

func next(ItemStatus) ItemStatus { return ItemStatusSoldOut }

func rating(_ context.Context, row *Item, _ struct{}) (int64, error) { return int64(len(row.Name)), nil }
`, `package app

import (
	"context"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/server/graph"
)

// Item stays in a comment.
func configure(a *App) error {
	a.Decorate("Product", func(next crud.Service) crud.Service { return next })
	a.App.Decorate("Product", func(next crud.Service) crud.Service { return next })
	graph.RowField(a.App, "Product.rating", []string{"public"}, rating)
	a.ComputeProductLabel(func(i *Product) *string { return &i.Title })
	a.Products.Before(authz.Create, func(_ context.Context, c *crud.Change[Product]) error {
		c.Row.Status = next(ProductStatusOpen)
		if c.Old != nil && c.Old.Title != "" {
			c.Row.Title += c.Old.Title
		}
		page, err := a.Products.Find(context.Background(), &query.Query{})
		if err != nil {
			return err
		}
		for _, i := range page.Data {
			c.Row.Title += i.Title
		}
		return nil
	})
	_, _ = ProductFieldTitle, ItemPriceFieldAmount
	return nil
}

func next(ProductStatus) ProductStatus { return ProductStatusSoldOut }

func rating(_ context.Context, row *Product, _ struct{}) (int64, error) { return int64(len(row.Title)), nil }
`},
	"app/item.go=app/product.go": {`package app

type shelf struct {
	*Item
	rest []Item
	app  *App
}

func (i *Item) Loud() string { return i.Name + "!" }

func newShelf(a *App) shelf {
	Items := []Item{{Name: "x"}}
	switch Item := any(a).(type) {
	case *App:
		_ = Item
	}
	return shelf{Item: &Items[0], rest: Items, app: a}
}

func (s shelf) first() string { return s.Item.Loud() + s.Name }

func (s shelf) all() any { return s.app.Items }
`, `package app

type shelf struct {
	*Product
	rest []Product
	app  *App
}

func (i *Product) Loud() string { return i.Title + "!" }

func newShelf(a *App) shelf {
	Items := []Product{{Title: "x"}}
	switch Item := any(a).(type) {
	case *App:
		_ = Item
	}
	return shelf{Product: &Items[0], rest: Items, app: a}
}

func (s shelf) first() string { return s.Product.Loud() + s.Title }

func (s shelf) all() any { return s.app.Products }
`},
	"app/items_test.go=app/products_test.go": {`package app_test

import (
	kitchen "example.com/shop/app"
	"github.com/gatewright/gate/runtime/crud"
)

type Item struct{ kitchen.ItemPrice }

var _ = []any{crud.Change[kitchen.Item]{}, kitchen.Item{Name: "x"}, kitchen.ItemStatusOpen, Item{}, "Items"}
`, `package app_test

import (
	kitchen "example.com/shop/app"
	"github.com/gatewright/gate/runtime/crud"
)

type Item struct{ kitchen.ItemPrice }

var _ = []any{crud.Change[kitchen.Product]{}, kitchen.Product{Title: "x"}, kitchen.ProductStatusOpen, Item{}, "Items"}
`},
	"app/item_price.go": {"package app\n\nvar _ = ItemPrice{ItemID: nil}\n", "package app\n\nvar _ = ItemPrice{ItemID: nil}\n"},
	"tools/list.go": {
		"package tools\n\nimport \"example.com/shop/app\"\n\nfunc  List() (i app.Item) { return }\n",
		"package tools\n\nimport \"example.com/shop/app\"\n\nfunc  List() (i app.Product) { return }\n",
	},
	"tools/own/own.go": {"package own\n\ntype Item struct{}\n\nvar Items []Item\n", "package own\n\ntype Item struct{}\n\nvar Items []Item\n"},
	"app/schema.graphql": {`# Über Item
extend type Item {
  rating: Int
}

enum Kind { Item, Other }

type Shelf {
  "an Item"
  Item(Item: Kind = Item): [Item!] @Item
  status: ItemStatus
}
`, `# Über Item
extend type Product {
  rating: Int
}

enum Kind { Item, Other }

type Shelf {
  "an Item"
  Item(Item: Kind = Item): [Product!] @Item
  status: ProductStatus
}
`},
}

func carriedName(name string) (from, to string) {
	from, to, moved := strings.Cut(name, "=")
	if !moved {
		to = from
	}
	return from, to
}

// regenerated applies a design to the folder of a service.
func regenerated(t testing.TB, dir, src string, opts gen.ApplyOptions) (*gen.Report, error) {
	t.Helper()
	return gen.Apply(dir, remade(t, dir, parse(t, src)), opts)
}

// remade are the files of a design for a folder.
func remade(t testing.TB, dir string, d *design.Design) gen.Files {
	t.Helper()
	state, err := gen.ReadState(dir, d.Service.Database)
	if err != nil {
		t.Fatal(err)
	}
	return generate(t, d, gen.Options{Replace: "/gate", State: state})
}

func carriedService(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if _, err := regenerated(t, dir, carriedShop, gen.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestRenamesCarryUserFiles: what the user wrote names an entity as it is called now,
// and what only looks like it stays.
func TestRenamesCarryUserFiles(t *testing.T) {
	dir := carriedService(t)
	for name, f := range carriedFiles {
		from, _ := carriedName(name)
		write(t, dir, from, f[0])
	}
	c := newChecker(t)
	if found := c.check(t, dir); found != nil {
		t.Fatalf("before: %v", found)
	}
	before := tree(t, dir)
	planned, err := regenerated(t, dir, renamedShop, gen.ApplyOptions{Check: true, Diff: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("a check wrote:\n%s", diff)
	}
	for _, want := range []string{"rename from app/item.go\nrename to app/product.go\n", "\n+func (i *Product) Loud()"} {
		if !strings.Contains(planned.Diff, want) {
			t.Errorf("the difference lacks %q", want)
		}
	}
	report, err := regenerated(t, dir, renamedShop, gen.ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	planned.Diff = ""
	if diff := cmp.Diff(planned, report); diff != "" {
		t.Errorf("planned and done:\n%s", diff)
	}
	got := tree(t, dir)
	for name, f := range carriedFiles {
		from, to := carriedName(name)
		if diff := cmp.Diff(f[1], got[to]); diff != "" {
			t.Errorf("%s:\n%s", to, diff)
		}
		if _, there := got[from]; there && from != to {
			t.Errorf("%s is still there", from)
		}
	}
	if found := c.check(t, dir); found != nil {
		t.Errorf("after: %v", found)
	}
	if diff := cmp.Diff([]gen.Move{{From: "app/item.go", To: "app/product.go"}, {From: "app/items_test.go", To: "app/products_test.go"}}, report.Moved); diff != "" {
		t.Error(diff)
	}
	if again, err := regenerated(t, dir, renamedShop, gen.ApplyOptions{}); err != nil || again.Drift() || again.Look != nil {
		t.Errorf("again: %+v, %v", again, err)
	}
	without := strings.NewReplacer("    renamedFrom: Item\n", "", "renamedFrom: name, ", "").Replace(renamedShop)
	if _, err := regenerated(t, dir, without, gen.ApplyOptions{}); err != nil || tree(t, dir)["app/product.go"] != got["app/product.go"] {
		t.Errorf("without the hint: %v", err)
	}
}

// TestRenamedValuesCarryUserFiles: so are the constants of the values of an enum.
func TestRenamedValuesCarryUserFiles(t *testing.T) {
	dir := carriedService(t)
	const mine = "package app\n\n// ItemStatusOpen stays in a comment.\nvar states = []ItemStatus{ItemStatusOpen, ItemStatusSoldOut}\n"
	write(t, dir, "app/states.go", mine)
	renamed := strings.Replace(carriedShop, "values: [open,", "values: [{name: on-sale, renamedFrom: open},", 1)
	if _, err := regenerated(t, dir, strings.Replace(renamed, "default: open", "default: on-sale", 1), gen.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(mine, "{ItemStatusOpen,", "{ItemStatusOnSale,", 1)
	if diff := cmp.Diff(want, tree(t, dir)["app/states.go"]); diff != "" {
		t.Error(diff)
	}
}

// TestRenamedTexts: a name in quotes is no name for a compiler. It stays, and its line
// is told, in whatever package it stands.
func TestRenamedTexts(t *testing.T) {
	dir := carriedService(t)
	const mine = `package reports

import (
	"fmt"
	_ "name"
)

type row struct {
	Name string ` + "`json:\"name\"`" + `
}

var (
	sorted = map[string]any{"name": -1, "sort": "-name"}
	nested = "item.name"
	other  = []string{"names", "the name of it", fmt.Sprint("title")}
	sql    = ` + "`SELECT i.name\n\tFROM items i WHERE status = 'open'`" + `
	update = "update item_prices set amount = 1"
	value  = "open"
)
`
	write(t, dir, "reports/reports.go", mine)
	renamed := strings.NewReplacer("values: [open,", "values: [{name: on-sale, renamedFrom: open},", "default: open", "default: on-sale").Replace(renamedShop)
	report, err := regenerated(t, dir, renamed, gen.ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir)["reports/reports.go"]; got != mine {
		t.Errorf("it was changed:\n%s", got)
	}
	want := []string{
		`reports/reports.go:13: "-name" is a text; if it names the field name of Item, that is title now`,
		`reports/reports.go:13: "name" is a text; if it names the field name of Item, that is title now`,
		`reports/reports.go:14: "item.name" is a text; if it names the field name of Item, that is title now`,
		`reports/reports.go:16: SQL that names open; if that is the value open of Item.status, it is on-sale now`,
		`reports/reports.go:16: SQL that names items; if that is the table of Item, it is products now`,
		`reports/reports.go:16: SQL that names name; if that is the column name of items, it is title now`,
		`reports/reports.go:19: "open" is a text; if it names the value open of Item.status, that is on-sale now`,
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, report.Look); diff != "" {
		t.Error(diff)
	}
}

// TestRenamesAfterAMerge: of two branches one renamed, and the other wrote more with the
// names of before. With gate.lock as the other has it all follows, though the generated
// files are those of the one.
func TestRenamesAfterAMerge(t *testing.T) {
	dir, other := carriedService(t), carriedService(t)
	if _, err := regenerated(t, other, renamedShop, gen.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	merged := tree(t, other)
	for name := range tree(t, dir) {
		if _, stays := merged[name]; !stays {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range merged {
		if name != "gate.lock" && name != "gate.manifest.json" {
			write(t, dir, name, text)
		}
	}
	write(t, dir, "app/items.go", "package app\n\nfunc items(a *App) (Item, any) { return Item{Name: \"x\"}, a.Items }\n")
	report, err := regenerated(t, dir, renamedShop, gen.ApplyOptions{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	const want = "package app\n\nfunc items(a *App) (Product, any) { return Product{Title: \"x\"}, a.Products }\n"
	if got := tree(t, dir)["app/products.go"]; got != want {
		t.Errorf("got %s; %+v", got, report)
	}
	if found := newChecker(t).check(t, dir); found != nil {
		t.Error(found)
	}
}

// TestRenamesThatAreNotSafe are left alone, and told with their line.
func TestRenamesThatAreNotSafe(t *testing.T) {
	for name, tt := range map[string]struct {
		path, src, want string
	}{
		"no Go":         {"app/item.go", "package app\n\nfunc x( {\n\tvar i Item\n}\n", "app/product.go:3: the file is left as it is|app/product.go:4: Item is Product now"},
		"another thing": {"app/x.go", "package app\n\nfunc x() {\n\tProduct := 1\n\tvar i Item\n\t_, _ = i, Product\n}\n", "app/x.go:5: Item is Product now, but that is something else here"},
		"yours":         {"app/x.go", "package app\n\ntype Product struct{ Item }\n", "app/x.go:3: Product is yours"},
		"a method":      {"app/x.go", "package app\n\nfunc (a *App) Products() any { return a.Items }\n", "app/x.go:3: Products is yours"},
		"a text":        {"app/x.go", "package app\n\nvar x = []string{\n\t\"Item\",\n\t`Item.name`,\n}\n", "app/x.go:4: \"Item\" is a text|app/x.go:5: `Item.name` is a text"},
		"no type":       {"app/x.go", "package app\n\nimport (\n\t\"html\"\n\t\"slices\"\n)\n\nvar x, y = slices.Max[any](nil).Name, html.Name\n\nvar z = slices.Max[any](nil).Name()\n", "app/x.go:8: Name may be Item.Name, which is Title now"},
		"no UTF-8":      {"app/schema.graphql", "# caf\xe9\nextend type Item {\n  x: Int\n}\n", "app/schema.graphql:1: the file is left as it is, because it is not UTF-8"},
		"no schema":     {"app/schema.graphql", "extend type Item {\n  \"\n}\n", "app/schema.graphql:2: the file is left as it is"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := carriedService(t)
			write(t, dir, tt.path, tt.src)
			report, err := regenerated(t, dir, renamedShop, gen.ApplyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			all := strings.Join(report.Look, "\n")
			for want := range strings.SplitSeq(tt.want, "|") {
				if !strings.Contains(all, want) {
					t.Errorf("told %q, not %q", all, want)
				}
			}
			path := tt.path
			if len(report.Moved) > 0 {
				path = report.Moved[0].To
			}
			if name == "no type" && len(report.Look) != 1 {
				t.Errorf("told %q", all)
			}
			if got := tree(t, dir)[path]; got != tt.src && name != "yours" {
				t.Errorf("changed to %s", got)
			}
		})
	}
}

// TestMovesThatWouldLose are refused, with both files, and nothing is written.
func TestMovesThatWouldLose(t *testing.T) {
	for name, files := range map[string][]string{
		"there":         {"app/item.go", "app/product.go"},
		"another case":  {"app/item_x.go", "app/PRODUCT_x.go"},
		"a folder":      {"app/items.go", "app/products.go/x.txt"},
		"and its tests": {"app/item_test.go", "app/product_test.go"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := carriedService(t)
			for _, name := range files {
				write(t, dir, name, "package app\n")
			}
			before := tree(t, dir)
			_, err := regenerated(t, dir, renamedShop, gen.ApplyOptions{Force: true})
			moved, ok := errors.AsType[*gen.MoveError](err)
			if !ok || moved.From != files[0] || !strings.EqualFold(moved.To, strings.TrimSuffix(files[1], "/x.txt")) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFilesThatStay are those that a name would keep out of builds, those of somebody
// else, and those that are called like an entity by chance.
func TestFilesThatStay(t *testing.T) {
	dir := carriedService(t)
	stay := map[string]string{
		"app/item.txt": "Item", "tools/item.go": "package tools\n", "app/sub/item.go": "package sub\n", "app/itemize.go": "package app\n",
		"vendor/x/item.go": "package x\n\nimport _ \"example.com/shop/app\"\n", "other/go.mod": "module other\n", "other/item.go": "package other\n",
		"app/item.go": "package app\n",
	}
	for name, text := range stay {
		write(t, dir, name, text)
	}
	report, err := regenerated(t, dir, strings.NewReplacer("Product", "WorkLinux").Replace(renamedShop), gen.ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := tree(t, dir)
	for name, text := range stay {
		if got[name] != text {
			t.Errorf("%s is %q", name, got[name])
		}
	}
	if len(report.Moved) > 0 || len(report.Look) != 1 || !strings.HasPrefix(report.Look[0], "app/item.go:1: the file stays where it is") {
		t.Errorf("%+v", report)
	}
}

// TestFilesOfPluginsMove: what a plugin wrote once under the name of an entity is not
// written again under the next one.
func TestFilesOfPluginsMove(t *testing.T) {
	dir := t.TempDir()
	with := func(src, name string) gen.Files {
		return append(remade(t, dir, parse(t, src)), once("policy/"+name+".rego", "as it comes\n"))
	}
	if _, err := gen.Apply(dir, with(carriedShop, "item"), gen.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "policy/item.rego", "mine\n")
	report, err := gen.Apply(dir, with(renamedShop, "product"), gen.ApplyOptions{})
	got := tree(t, dir)
	if err != nil || got["policy/product.rego"] != "mine\n" || got["policy/item.rego"] != "" || len(report.Moved) != 1 {
		t.Fatalf("%+v, %v, %q", report, err, got["policy/product.rego"])
	}
	if strings.Contains(got["gate.manifest.json"], "policy/item.rego") || !strings.Contains(got["gate.manifest.json"], "policy/product.rego") {
		t.Error("the manifest names the file as it was")
	}
}

// TestInterruptedRename: wherever a run stops, the next one ends where one that was
// not interrupted does.
func TestInterruptedRename(t *testing.T) {
	var want map[string]string
	for writes := 0; ; writes++ {
		dir := carriedService(t)
		for name, f := range carriedFiles {
			from, _ := carriedName(name)
			write(t, dir, from, f[0])
		}
		files := remade(t, dir, parse(t, renamedShop))
		if want == nil {
			whole := t.TempDir()
			if err := os.CopyFS(whole, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			apply(t, whole, files, gen.ApplyOptions{})
			want = tree(t, whole)
		}
		err := gen.ApplyUntil(dir, files, writes)
		apply(t, dir, files, gen.ApplyOptions{})
		got := tree(t, dir)
		for name := range got {
			if strings.HasSuffix(name, ".gate-tmp") {
				t.Errorf("after %d writes: %s is left", writes, filepath.Base(name))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("after %d writes:\n%s", writes, diff)
		}
		if err == nil {
			if writes < 10 {
				t.Error(fmt.Sprint("only ", writes, " writes"))
			}
			return
		}
	}
}

// TestRenames_oneAfterTheOther: an entity that was renamed keeps its hint. When it is
// renamed again and a new one takes its first name, files follow the old one.
func TestRenames_oneAfterTheOther(t *testing.T) {
	const head = "gate: 1\nservice: {name: shop, module: example.com/shop}\nentities:\n"
	dir := t.TempDir()
	step := func(entities string) {
		t.Helper()
		if _, err := regenerated(t, dir, head+entities, gen.ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	step("  Item: {fields: {name: text}}\n")
	step("  Product: {renamedFrom: Item, fields: {name: text}}\n")
	write(t, dir, "app/product.go", "package app\n\nfunc loud(p *Product) string { return ProductFieldName }\n")
	step("  Ware: {renamedFrom: Product, fields: {name: text}}\n  Item: {fields: {name: text}}\n")
	got := tree(t, dir)
	if !strings.Contains(got["app/ware.go"], "func loud(p *Ware) string { return WareFieldName }") {
		t.Errorf("renamed again: %v", got["app/ware.go"])
	}
	// Back to the name that it had, by a hint of its own.
	step("  Product: {fields: {name: text}, renamedFrom: Ware}\n  Item: {fields: {name: text}}\n")
	if got := tree(t, dir); !strings.Contains(got["app/product.go"], "*Product") {
		t.Errorf("and back: %v", got["app/product.go"])
	}
}
