package migration_test

import (
	"strings"
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

// TestSoftDelete_references: rows that are kept no more go with what points to them,
// whatever that is, and nothing else goes.
func TestSoftDelete_references(t *testing.T) {
	each(t, func(h *history) {
		const kept = `  Post:
    softDelete: true
    fields: {after: {type: relation, to: Post}, tags: {type: relation, to: Tag, many: true}}
  Tag: {fields: {id: {type: id, kind: serial}, best: {type: relation, to: Post, onDelete: set-null}}}
  Remark:
    softDelete: true
    fields: {post: {type: relation, to: Post, required: true, onDelete: cascade}}
  Answer:
    softDelete: true
    fields: {remark: {type: relation, to: Remark, required: true}, tags: {type: relation, to: Tag, many: true}}
  Link:
    softDelete: true
    fields: {post: {type: relation, to: Post, onDelete: set-null}}
`
		h.to(kept)
		insert := func(table, columns, values string) {
			h.exec(`INSERT INTO ` + table + ` (` + columns + `, ` + times + `) VALUES (` + strings.ReplaceAll(values, ")", ", "+at+")"))
		}
		gone, _, _ := strings.Cut(at, ",")
		insert("posts", "id, deleted_at", idA+`, NULL)`)
		insert("posts", "id, deleted_at, after_id", idB+`, `+gone+`, `+idA+`)`)
		insert("posts", "id, deleted_at, after_id", idC+`, `+gone+`, `+idB+`)`)
		insert("tags", "id, best_id", `1, `+idA+`)`)
		insert("tags", "id, best_id", `2, `+idB+`)`)
		h.exec(`INSERT INTO post_tags (post_id, tag_id) VALUES (` + idA + `, 1), (` + idB + `, 1)`)
		insert("remarks", "id, deleted_at, post_id", idA+`, NULL, `+idA+`)`)
		insert("remarks", "id, deleted_at, post_id", idB+`, `+gone+`, `+idB+`)`)
		insert("remarks", "id, deleted_at, post_id", idC+`, `+gone+`, `+idA+`)`)
		insert("answers", "id, deleted_at, remark_id", idA+`, `+gone+`, `+idA+`)`)
		insert("answers", "id, deleted_at, remark_id", idB+`, `+gone+`, `+idB+`)`)
		h.exec(`INSERT INTO answer_tags (answer_id, tag_id) VALUES (` + idA + `, 1), (` + idB + `, 1)`)
		insert("links", "id, deleted_at, post_id", idB+`, `+gone+`, `+idB+`)`)
		h.to(strings.Replace(kept, "    softDelete: true\n", "", 1), "posts.deleted_at", "posts", "remarks", "answers")
		h.expect(`SELECT count(*) FROM posts`, "1")
		h.expect(`SELECT count(*) FROM post_tags`, "1")
		h.expect(`SELECT count(*) FROM tags WHERE best_id IS NOT NULL`, "1")
		h.expect(`SELECT count(*) FROM remarks`, "2")
		h.expect(`SELECT count(*) FROM answers`, "1")
		h.expect(`SELECT count(*) FROM answer_tags`, "1")
		h.expect(`SELECT count(*) FROM links WHERE post_id IS NULL`, "1")
	})
}
