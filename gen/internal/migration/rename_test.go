package migration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/internal/migration"
	"github.com/gatewright/gate/store"
)

// TestRenamed: what has another name keeps its rows, its keys and what is unique, and
// leaves its old name to others; the hint is read once and does nothing after that.
func TestRenamed(t *testing.T) {
	each(t, func(h *history) {
		before := "  Item:\n    version: true\n    fields: {name: {type: text, unique: true}, mail: {type: email, unique: true}, price: {type: decimal, scale: 2}, maker: {type: relation, to: Item, onDelete: set-null}, tags: {type: relation, to: Tag, many: true}}\n" +
			"    softDelete: true\n    unique: [[name, price]]\n    indexes: [price]\n" +
			"  Tag: {fields: {id: {type: id, kind: serial}, item: {type: relation, to: Item, onDelete: cascade}}, softDelete: true}\n"
		after := "  Product:\n    version: true\n    renamedFrom: Item\n    fields: {title: {type: text, unique: true, renamedFrom: name}, mail: {type: email, unique: true}, price: {type: decimal, scale: 2}, supplier: {type: relation, to: Product, onDelete: set-null, renamedFrom: maker}, labels: {type: relation, to: Label, many: true, renamedFrom: tags}}\n" +
			"    softDelete: true\n    unique: [[title, price]]\n    indexes: [price]\n" +
			"  Label: {renamedFrom: Tag, fields: {id: {type: id, kind: serial}, product: {type: relation, to: Product, onDelete: cascade, renamedFrom: item}}, softDelete: true}\n"
		h.to(before)
		h.exec(`INSERT INTO items (id, name, mail, price, version, ` + times + `) VALUES (` + idA + `, 'fig', 'a@example.com', 1, 1, ` + at + `)`)
		h.exec(`INSERT INTO items (id, name, mail, price, maker_id, version, ` + times + `) VALUES (` + idB + `, 'nut', 'b@example.com', 1, ` + idA + `, 1, ` + at + `)`)
		h.exec(`INSERT INTO tags (item_id, ` + times + `) VALUES (` + idB + `, ` + at + `)`)
		h.exec(`INSERT INTO item_tags (item_id, tag_id) VALUES (` + idA + `, 1)`)
		h.to(after)
		for query, want := range map[string]string{
			`SELECT title FROM products ORDER BY title`:                     "fig nut",
			`SELECT COUNT(*) FROM products WHERE supplier_id = ` + idA:      "1",
			`SELECT COUNT(*) FROM labels WHERE product_id = ` + idB:         "1",
			`SELECT COUNT(*) FROM product_labels WHERE product_id = ` + idA: "1",
			`SELECT COUNT(*) FROM product_labels WHERE label_id = 1`:        "1",
			`SELECT COUNT(*) FROM products WHERE lower(mail) LIKE '%.com'`:  "2",
		} {
			if got := h.text(query); got != want {
				h.Errorf("%s: %s, want %s", query, got, want)
			}
		}
		for name, insert := range map[string]string{
			"name":  `INSERT INTO products (id, title, version, ` + times + `) VALUES (` + idC + `, 'fig', 1, ` + at + `)`,
			"mail":  `INSERT INTO products (id, mail, version, ` + times + `) VALUES (` + idC + `, 'A@EXAMPLE.com', 1, ` + at + `)`,
			"pairs": `INSERT INTO product_labels (product_id, label_id) VALUES (` + idA + `, 1)`,
		} {
			_, err := h.db.Exec(h.Context(), insert)
			if p := h.db.Classify(err); p.Kind != store.Unique {
				h.Errorf("%s is unique as before: %v", name, err)
			}
		}
		if _, err := h.db.Exec(h.Context(), `INSERT INTO labels (product_id, `+times+`) VALUES (`+idC+`, `+at+`)`); h.db.Classify(err).Kind != store.ForeignKey {
			h.Errorf("the keys point to nothing: %v", err)
		}
		if left := h.named("item", "tag"); left != "" {
			h.Errorf("left behind: %s", left)
		}
		steps := len(h.steps)
		h.to(after)
		if len(h.steps) != steps {
			h.Error("a hint that has done its work has done more")
		}
		last := h.steps[len(h.steps)-1]
		if last.Down == "" || !strings.HasPrefix(last.Name, "rename_items_products_and_") {
			h.Errorf("%s, back:\n%s", last.Name, last.Down)
		}
		h.to(strings.Replace(after, "    renamedFrom: Item\n", "", 1) + "  Item: {fields: {name: {type: text, unique: true}, mail: {type: email, unique: true}}}\n")
	})
}

// named lists what is still called by words of before.
func (h *history) named(words ...string) string {
	h.Helper()
	query := `SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'gate_%'`
	if h.name == design.Postgres {
		query = `SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = current_schema() AND relname NOT LIKE 'gate_%'
			UNION ALL SELECT conname FROM pg_constraint JOIN pg_namespace n ON n.oid = connamespace WHERE nspname = current_schema() AND contype IN ('f', 'p', 'u')`
	}
	var left []string
	for name := range strings.FieldsSeq(h.text(query)) {
		for _, word := range words {
			if strings.Contains(name, word) {
				left = append(left, name)
			}
		}
	}
	return strings.Join(left, " ")
}

// TestRenamed_back: the way back is the same names the other way round.
func TestRenamed_back(t *testing.T) {
	each(t, func(h *history) {
		before, after := "  Item: {fields: {name: {type: text, unique: true}}}\n", "  Product: {renamedFrom: Item, fields: {title: {type: text, unique: true, renamedFrom: name}}}\n"
		h.to(before)
		h.exec(`INSERT INTO items (id, name, ` + times + `) VALUES (` + idA + `, 'fig', ` + at + `)`)
		h.to(after)
		if _, err := h.db.Revert(h.Context(), "shop", h.steps); err != nil {
			h.Fatalf("%v in\n%s", err, h.steps[1].Down)
		}
		if got := h.text(`SELECT name FROM items`); got != "fig" || h.named("product", "title") != "" {
			h.Errorf("%s, and %s", got, h.named("product", "title"))
		}
	})
}

// TestRenamed_wrong: a hint about nothing is a mistake, with what there is.
func TestRenamed_wrong(t *testing.T) {
	for _, db := range []design.Database{design.SQLite, design.Postgres} {
		from := schema(t, db, "  Item: {fields: {name: text, note: text, tags: {type: relation, to: Item, many: true}}}\n  Label: {fields: {word: text}}\n")
		for _, tt := range []struct{ name, entities, want string }{
			{"no such table", "  Product: {renamedFrom: Itme, fields: {name: text}}\n", "there was no table itmes that could become products\n    the tables are items"},
			{"no such table by its name", "  Product: {renamedFrom: item, fields: {name: text}}\n", "there was no table item that could"},
			{"no such column", "  Item: {fields: {title: {type: text, renamedFrom: naem}, note: text}}\n", "had no column naem that could become title\n    the columns that go are name"},
			{"the column of a relation", "  Item: {fields: {owner: {type: relation, to: Item, renamedFrom: boss}, name: text, note: text}}\n", "had no column boss_id that could become owner_id\n    no column of the table goes"},
			{"no hint", "  Item: {fields: {title: {type: text, required: true}, note: text}}\n", "no value for it\n    if it is name by another name, say renamedFrom: name, or that one is lost; else give the field a default"},
			{"no hint, and nothing goes", "  Item: {fields: {title: {type: text, required: true}, name: text, note: text}}\n", "no value for it\n    give the field a default"},
			{"the name of another column", "  Item: {fields: {name: {type: text, renamedFrom: note}, tags: {type: relation, to: Item, many: true}}}\n", "column note of table items cannot become column name, which is there already\n    drop that one"},
			{"the name of another table", "  Label: {renamedFrom: Item, fields: {word: text}}\n", "table items cannot become table labels, which is there already\n    drop that one"},
			{"no such pairs", "  Item: {fields: {name: text, note: text, labels: {type: relation, to: Item, many: true, renamedFrom: marks}}}\n", "no table of pairs that could become item_labels"},
		} {
			_, err := migration.Diff(from, schema(t, db, tt.entities))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
			}
		}
		empty, err := migration.Parse(db, nil)
		if err != nil {
			t.Fatal(err)
		}
		fresh := "  Product: {renamedFrom: Item, fields: {title: {type: text, renamedFrom: name}, labels: {type: relation, to: Product, many: true, renamedFrom: tags}}}\n"
		if plan, err := migration.Diff(empty, schema(t, db, fresh)); err != nil || strings.Contains(string(plan.SQL), "RENAME") {
			t.Errorf("a service that begins with its hints: %v", err)
		}
		plan, err := migration.Diff(from, schema(t, db, "  Item: {fields: {title: {type: integer, renamedFrom: name}, note: text, tags: {type: relation, to: Item, many: true}}}\n  Label: {fields: {word: text}}\n"))
		if err != nil || fmt.Sprint(plan.Losses) != "[{items.title column title of table items changes from text to integer and is emptied}]" {
			t.Errorf("another type under another name: %v, %v", plan, err)
		}
	}
}
