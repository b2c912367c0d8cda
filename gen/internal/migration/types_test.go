package migration_test

import (
	"testing"

	"github.com/gatewright/gate/store"
)

// TestTypes: lists of values and places are added to rows that are there; a value
// does not become a list of values, nor the other way.
func TestTypes(t *testing.T) {
	each(t, func(h *history) {
		item := func(fields string) string { return "  Item: {fields: {name: text" + fields + "}}\n" }
		h.to(item(", state: {type: enum, values: [open, done]}"))
		h.exec(`INSERT INTO items (id, name, state, ` + times + `) VALUES (` + idA + `, 'a', 'open', ` + at + `)`)
		h.to(item(", state: {type: enum, values: [open, done]}, days: {type: multi-enum, values: [mon, by-night], required: true, default: [by-night, mon]}, place: geo"))
		if got := h.text(`SELECT REPLACE(CAST(days AS text), ' ', '') FROM items`); got != `["by-night","mon"]` {
			h.Errorf("days %s", got)
		}
		if err := h.try(item(", state: {type: enum, values: [open, done]}, days: {type: multi-enum, values: [mon]}, place: {type: geo, required: true}")); err == nil {
			h.Error("a place that every row needs and this one does not have")
		}
		h.exec(`UPDATE items SET place = '{"lat":1,"lng":2}'`)
		h.to(item(", state: {type: multi-enum, values: [open, done]}, days: {type: enum, values: [mon]}, place: json"),
			"items.state", "items.days", "items.place")
	})
}

// TestCaseInsensitive: what is unique is so in letters of either case, once it is said,
// alone and with others, and not beyond ASCII.
func TestCaseInsensitive(t *testing.T) {
	each(t, func(h *history) {
		item := func(more string) string {
			return "  Item: {unique: [[shelf, box]], fields: {code: {type: text, unique: true" + more + "}, shelf: {type: text" + more + "}, box: integer}}\n"
		}
		insert := func(id, code, shelf string) error {
			_, err := h.db.Exec(h.Context(), `INSERT INTO items (id, code, shelf, box, `+times+`) VALUES (`+id+`, '`+code+`', '`+shelf+`', 1, `+at+`)`)
			return err
		}
		h.to(item(""))
		if err := insert(idA, "fig", "top"); err != nil {
			h.Fatal(err)
		}
		h.to(item(", caseInsensitive: true"))
		for _, tt := range []struct{ code, shelf string }{{"FIG", "low"}, {"nut", "TOP"}} {
			if err := insert(idB, tt.code, tt.shelf); h.db.Classify(err).Kind != store.Unique {
				h.Errorf("%v beside fig on top: %v", tt, err)
			}
		}
		if err := insert(idB, "\u00e9", "\u00e9"); err != nil {
			h.Fatal(err)
		}
		if err := insert(idC, "\u00c9", "\u00c9"); err != nil {
			h.Errorf("letters beyond ASCII are as they are: %v", err)
		}
	})
}
