package migration_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/store"
)

// TestBack goes to the next design and back: the schema is the one before, the
// rows are there, and the way leads there again.
func TestBack(t *testing.T) {
	const base = "  Item: {fields: {name: {type: text, required: true}, price: {type: decimal, precision: 10, scale: 0}, author: {type: relation, to: Writer}}}\n  Writer: {}\n"
	changed := func(old, next string) string { return strings.Replace(base, old, next, 1) }
	for name, next := range map[string]string{
		"unique":        changed("name: {type: text", "name: {type: text, unique: true"),
		"an index":      changed("Item: {", "Item: {indexes: [name, [name, price]], "),
		"unique lists":  changed("Item: {", "Item: {unique: [[name, price]], "),
		"optional rule": changed("to: Writer", "to: Writer, onDelete: cascade"),
		"whole numbers": changed("{type: decimal, precision: 10, scale: 0}", "integer"),
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(h *history) {
				h.to(base)
				h.exec(`INSERT INTO writers (id, ` + times + `) VALUES (` + idB + `, ` + at + `)`)
				h.exec(`INSERT INTO items (id, name, price, author_id, ` + times + `) VALUES (` + idA + `, 'Figs', 7, ` + idB + `, ` + at + `)`)
				h.to(next)
				if len(h.steps) != 2 || h.steps[1].Down == "" {
					h.Fatalf("no way back: %+v", h.steps)
				}
				if _, err := h.db.Revert(h.Context(), "shop", h.steps); err != nil {
					h.Fatal(err)
				}
				h.expect("SELECT name || price || author_id FROM items", "Figs7"+strings.Trim(idB, "'"))
				before := []store.Component{{Name: "shop", Migrations: h.steps[:1]}}
				if drift, err := h.db.Drift(h.Context(), before); err != nil || len(drift) > 0 {
					h.Errorf("back is somewhere else: %q, %v", drift, err)
				}
				if done, err := h.db.Migrate(h.Context(), "shop", h.steps); err != nil || len(done) != 1 {
					h.Errorf("forth again: %v, %v", done, err)
				}
			})
		})
	}
}

// TestBack_none: what would lose something on the way back, or has lost something
// on the way there, has none.
func TestBack_none(t *testing.T) {
	const base = "  Item: {fields: {name: {type: text, required: true}, note: text, price: {type: decimal, precision: 6, scale: 2}, day: date}}\n"
	changed := func(old, next string) string { return strings.Replace(base, old, next, 1) }
	for name, next := range map[string]string{
		"a table":                base + "  Other: {}\n",
		"a column":               changed("note: text", "note: text, more: text"),
		"a column less":          changed("note: text, ", ""),
		"more decimals":          changed("scale: 2", "scale: 3"),
		"more digits":            changed("precision: 6", "precision: 8"),
		"a day becomes a moment": changed("day: date", "day: datetime"),
		"may be empty":           changed("name: {type: text, required: true}", "name: text"),
		"pairs":                  changed("note: text", "note: text, tags: {type: relation, to: Tag, many: true}") + "  Tag: {}\n",
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(h *history) {
				h.to(base)
				if err := h.try(next); err != nil {
					h.Fatal(err)
				}
				if diff := cmp.Diff("", h.steps[len(h.steps)-1].Down); diff != "" || len(h.steps) != 2 {
					h.Errorf("%d steps, the last with a way back:\n%s", len(h.steps), diff)
				}
			})
		})
	}
}
