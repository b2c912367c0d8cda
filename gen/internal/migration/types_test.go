package migration_test

import "testing"

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
		h.exec(`UPDATE items SET place = '{"lat":1,"lng":2}'`)
		if err := h.try(item(", state: {type: enum, values: [open, done]}, days: {type: multi-enum, values: [mon]}, place: {type: geo, required: true}")); err == nil {
			h.Error("a place that every row needs and none may have")
		}
		h.to(item(", state: {type: multi-enum, values: [open, done]}, days: {type: enum, values: [mon]}, place: json"),
			"items.state", "items.days", "items.place")
	})
}
