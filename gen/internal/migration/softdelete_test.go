package migration_test

import (
	"testing"

	"github.com/gatewright/gate/store"
)

// TestSoftDelete: what is unique is so among the rows that are there, also when rows
// came before they were kept; and who stops keeping them is told what is lost.
func TestSoftDelete(t *testing.T) {
	each(t, func(h *history) {
		person := func(keys string) string {
			return "  Person: {" + keys + "fields: {mail: {type: email, required: true, unique: true}, room: text, day: date}, unique: [[room, day]]}\n"
		}
		insert := func(id, mail, room string) error {
			_, err := h.db.Exec(h.Context(), `INSERT INTO people (id, mail, room, day, `+times+`) VALUES (`+id+`, $1, $2, '2026-01-01', `+at+`)`, mail, room)
			return err
		}
		h.to(person(""))
		if err := insert(idA, "ada@example.com", "blue"); err != nil {
			h.Fatal(err)
		}
		h.to(person("softDelete: true, "))
		for _, taken := range [][2]string{{"ADA@example.com", "red"}, {"bob@example.com", "blue"}} {
			if p := h.db.Classify(insert(idB, taken[0], taken[1])); p.Kind != store.Unique {
				h.Errorf("%v is taken: %+v", taken, p)
			}
		}
		h.exec(`UPDATE people SET deleted_at = updated_at`)
		if err := insert(idB, "Ada@example.com", "blue"); err != nil {
			h.Errorf("of a deleted row: %v", err)
		}
		if p := h.db.Classify(insert(idC, "ada@example.com", "red")); p.Kind != store.Unique {
			h.Errorf("twice among the rows that are there: %+v", p)
		}
		_, err := h.db.Exec(h.Context(), `UPDATE people SET deleted_at = NULL`)
		if p := h.db.Classify(err); p.Kind != store.Unique {
			h.Errorf("brought back: %+v", p)
		}
		h.to(person("version: true, softDelete: true, "))
		if got := h.text(`SELECT DISTINCT version FROM people`); got != "1" {
			h.Errorf("versions %s", got)
		}
		h.to(person(""), "people.version", "people.deleted_at", "people")
		if got := h.text(`SELECT mail FROM people`); got != "Ada@example.com" {
			h.Errorf("left are %s", got)
		}
		if p := h.db.Classify(insert(idC, "ada@example.com", "red")); p.Kind != store.Unique {
			h.Errorf("unique as before: %+v", p)
		}
	})
}
