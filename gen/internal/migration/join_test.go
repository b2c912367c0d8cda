package migration_test

import (
	"strings"
	"testing"
)

const (
	untagged = "  Item: {fields: {name: text}}\n  Tag: {fields: {id: {type: id, kind: serial}, name: text}}\n"
	tagged   = "  Item: {fields: {name: text, tags: {type: relation, to: Tag, many: true, inverse: items}}}\n  Tag: {fields: {id: {type: id, kind: serial}, name: text}}\n"
)

// TestJoins: a table of pairs is added to what is there, holds each pair once, loses
// the pairs of a row that goes, and is a loss when it is dropped.
func TestJoins(t *testing.T) {
	each(t, func(h *history) {
		h.to(untagged)
		h.exec(`INSERT INTO items (id, ` + times + `) VALUES (` + idA + `, ` + at + `), (` + idB + `, ` + at + `)`)
		h.exec(`INSERT INTO tags (id, ` + times + `) VALUES (1, ` + at + `), (2, ` + at + `)`)
		h.to(tagged)
		pair := `INSERT INTO item_tags (item_id, tag_id) VALUES `
		h.exec(pair + `(` + idA + `, 1), (` + idA + `, 2), (` + idB + `, 1)`)
		for _, wrong := range []string{`(` + idA + `, 1)`, `(` + idC + `, 1)`, `(` + idA + `, 3)`, `(NULL, 1)`, `(` + idB + `, NULL)`} {
			if _, err := h.db.Exec(h.Context(), pair+wrong); err == nil {
				t.Errorf("the pair %s is kept", wrong)
			}
		}
		h.exec(`DELETE FROM tags WHERE id = 1`)
		h.expect(`SELECT tag_id FROM item_tags`, "2")
		h.exec(`DELETE FROM items WHERE id = ` + idA)
		h.expect(`SELECT count(*) FROM item_tags`, "0")
		h.to(strings.ReplaceAll(tagged, "inverse: items", "inverse: things"))
		if len(h.steps) != 2 {
			t.Errorf("the name of an end became a migration:\n%s", h.steps[len(h.steps)-1].SQL)
		}
		h.to(strings.Replace(tagged, "name: text", "name: text, size: integer", 1)) // rows around the pairs change
		h.to(untagged+"  Other: {}\n", "items.size", "item_tags")
		if _, err := h.db.Exec(h.Context(), "SELECT 1 FROM item_tags"); err == nil {
			t.Error("the table item_tags is still there")
		}
	})
}

// TestJoinsFromNothing: entities may stand in any order, point to themselves, and
// have several relations with each other.
func TestJoinsFromNothing(t *testing.T) {
	each(t, func(h *history) {
		h.to(`  User:
    fields:
      friends: {type: relation, to: User, many: true, inverse: friendOf}
      likes: {type: relation, to: Post, many: true, inverse: likedBy, through: likes}
      read: {type: relation, to: Post, many: true}
  Post: {fields: {author: {type: relation, to: User, inverse: posts}}}
`)
		h.exec(`INSERT INTO users (id, ` + times + `) VALUES (` + idA + `, ` + at + `), (` + idB + `, ` + at + `)`)
		h.exec(`INSERT INTO user_friends (from_user_id, to_user_id) VALUES (` + idA + `, ` + idB + `), (` + idA + `, ` + idA + `)`)
		h.expect(`SELECT count(*) FROM likes`, "0")
		h.expect(`SELECT count(*) FROM user_read`, "0")
		h.to("  User: {}\n  Post: {}\n", "posts.author_id", "user_friends", "likes", "user_read")
	})
}

// TestJoinsAreNotReused: the pairs of one relation are not those of another.
func TestJoinsAreNotReused(t *testing.T) {
	each(t, func(h *history) {
		h.to(tagged + "  Color: {}\n")
		for name, next := range map[string]string{
			"another entity": strings.Replace(tagged, "to: Tag", "to: Color, through: item_tags", 1) + "  Color: {}\n",
			"an entity":      untagged + "  Color: {table: item_tags}\n",
		} {
			err := h.try(next)
			if err == nil || !strings.Contains(err.Error(), "table item_tags holds something else already") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
