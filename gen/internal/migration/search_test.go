package migration_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/search"
)

// finds compares the names of the rows that have a text with those it should be.
func (h *history) finds(text, columns, want string) {
	h.Helper()
	x := search.Index{Dialect: h.db.Dialect(), Table: "items", ID: "id", Columns: strings.Fields(columns)}
	var args []any
	where := x.Condition("t0", search.Words(text), func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	})
	rows, err := h.db.Read().QueryContext(h.Context(), "SELECT t0.name FROM items AS t0 WHERE "+where+" ORDER BY t0.id", args...)
	if err != nil {
		h.Fatalf("%q: %v", text, err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			h.Fatal(err)
		}
		got = append(got, name)
	}
	if strings.Join(got, " ") != want || rows.Err() != nil {
		h.Errorf("%q finds %q, want %q (%v)", text, got, want, rows.Err())
	}
}

// TestSearch turns the search of a table with rows on, keeps it while the table
// changes around it, and turns it off.
func TestSearch(t *testing.T) {
	each(t, func(h *history) {
		item := func(keys string) string { return "  Item: {fields: {" + keys + "}}\n" }
		h.to(item("name: text, rank: text, size: integer"))
		h.exec(`INSERT INTO items (id, name, rank, ` + times + `) VALUES (` + idA + `, 'figs', 'first class', ` + at + `)`)
		h.to(item("name: {type: text, searchable: true}, rank: text, size: integer"))
		h.exec(`INSERT INTO items (id, name, rank, ` + times + `) VALUES (` + idB + `, 'honey', 'second class', ` + at + `)`)
		h.finds("fig", "name", "figs")
		h.finds("hon", "name", "honey")
		h.to(item("name: {type: text, searchable: true}, rank: {type: longtext, searchable: true}, size: integer"))
		h.finds("class first", "name rank", "figs")
		// SQLite copies the table for each of these.
		h.to(item("name: {type: text, searchable: true}, rank: {type: longtext, searchable: true}, size: {type: integer, required: true, default: 1}"))
		h.exec(`UPDATE items SET name = 'tea' WHERE id = ` + idB)
		h.finds("honey", "name rank", "")
		h.finds("second tea", "name rank", "tea")
		h.to(item("name: {type: text, required: true, searchable: true, default: x}, rank: {type: longtext, searchable: true}, size: {type: decimal, scale: 2, required: true, default: 1}"))
		h.exec(`DELETE FROM items WHERE id = ` + idA)
		h.finds("class", "name rank", "tea")
		h.to(item("name: {type: text, required: true, searchable: true, default: x}, size: {type: decimal, scale: 2, required: true, default: 1}"), "items.rank")
		h.finds("te", "name", "tea")
		drift, err := h.db.Drift(h.Context(), []store.Component{{Name: "shop", Migrations: h.steps}})
		if err != nil || len(drift) > 0 {
			h.Errorf("%q, %v", drift, err)
		}
		h.to(item("name: {type: text, required: true, default: x}, size: {type: decimal, scale: 2, required: true, default: 1}"))
		h.exec(`UPDATE items SET name = 'milk'`)
		h.left()
	})
}

// left looks for what searches a table that is not searched.
func (h *history) left() {
	h.Helper()
	if h.db.Dialect() == store.SQLite {
		h.expect(`SELECT name FROM sqlite_schema WHERE name LIKE 'gate_search%'`, "")
		return
	}
	h.expect(`SELECT indexname FROM pg_indexes WHERE indexname LIKE '%_search' AND schemaname = current_schema()`, "")
}

// TestSearch_back: what turns the search on can be taken back, and a table that goes
// takes with it what searched it.
func TestSearch_back(t *testing.T) {
	each(t, func(h *history) {
		h.to("  Item: {fields: {name: text}}\n")
		h.to("  Item: {fields: {name: {type: text, searchable: true}}}\n")
		if title := h.steps[1].Name; title != "search_items" {
			h.Errorf("the migration is called %s", title)
		}
		if _, err := h.db.Revert(h.Context(), "shop", h.steps); err != nil {
			h.Fatalf("%v in\n%s", err, h.steps[1].Down)
		}
		h.left()
		if _, err := h.db.Migrate(h.Context(), "shop", h.steps); err != nil {
			h.Fatal(err)
		}
		h.to("  Other: {fields: {item: {type: text, searchable: true}}}\n", "items")
		h.exec(`DELETE FROM others`)
	})
}

// TestSearch_renamed: what searches goes with its table and its columns, and what
// searches another table stays.
func TestSearch_renamed(t *testing.T) {
	each(t, func(h *history) {
		const other = "  Other: {fields: {word: {type: text, searchable: true}}}\n"
		h.to("  Thing: {fields: {title: {type: text, searchable: true}, rank: {type: text, searchable: true}}}\n" + other)
		h.exec(`INSERT INTO things (id, title, rank, ` + times + `) VALUES (` + idA + `, 'figs', 'first', ` + at + `)`)
		h.to("  Item: {renamedFrom: Thing, fields: {name: {type: text, searchable: true, renamedFrom: title}, rank: {type: text, searchable: true}}}\n" + other)
		h.finds("figs fir", "name rank", "figs")
		h.exec(`INSERT INTO items (id, name, rank, ` + times + `) VALUES (` + idB + `, 'honey', 'second', ` + at + `)`)
		h.exec(`UPDATE items SET rank = 'third' WHERE id = ` + idA)
		h.finds("honey sec", "name rank", "honey")
		h.finds("first", "name rank", "")
		drift, err := h.db.Drift(h.Context(), []store.Component{{Name: "shop", Migrations: h.steps}})
		if err != nil || len(drift) > 0 {
			h.Errorf("%q, %v", drift, err)
		}
		h.to("  Item: {fields: {name: text, rank: text}}\n  Other: {fields: {word: text}}\n")
		h.left()
	})
}
