package migration_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/internal/migration"
	"github.com/gatewright/gate/store"
)

// posts is a design with an enum and a multi-enum of these values.
func posts(states, days string) string {
	return "  Post: {fields: {state: {type: enum, values: [" + states + "], required: true}, days: {type: multi-enum, values: [" + days + "]}, title: {type: text, unique: true}}}\n"
}

// fill adds a row of two states, and one of no days.
func (h *history) fill() {
	h.Helper()
	h.exec(`INSERT INTO posts (id, state, days, title, ` + times + `) VALUES (` + idA + `, 'draft', '["tue","mon","mon-late"]', 'mon', ` + at + `)`)
	h.exec(`INSERT INTO posts (id, state, days, title, ` + times + `) VALUES (` + idB + `, 'open', '["tue"]', 'draft', ` + at + `)`)
	h.exec(`INSERT INTO posts (id, state, days, title, ` + times + `) VALUES (` + idC + `, 'draft', NULL, 'mail', ` + at + `)`)
}

func (h *history) filled(states, days string) {
	h.Helper()
	h.expect(`SELECT state FROM posts ORDER BY id`, states)
	got := strings.ReplaceAll(h.text(`SELECT days FROM posts WHERE days IS NOT NULL ORDER BY id`), ", ", ",")
	if got != days {
		h.Errorf("days %s, want %s", got, days)
	}
	h.expect(`SELECT title FROM posts ORDER BY id`, "mon draft mail")
}

// TestValues: more values and another order are no migration; one less is a loss, and
// told once.
func TestValues(t *testing.T) {
	each(t, func(h *history) {
		h.to(posts("draft, open", "mon, tue"))
		h.to(posts("open, draft, closed", "wed, tue, mon"))
		h.to(posts("open, {name: closed, label: Closed}", "wed"), "posts.state=draft", "posts.days=tue", "posts.days=mon")
		h.to(posts("open, closed", "wed"))
		if len(h.steps) != 1 {
			h.Errorf("%d migrations", len(h.steps))
		}
		plan, err := migration.Diff(h.now, schema(t, h.name, posts("open", "wed")))
		if err != nil || !plan.Empty() {
			h.Fatalf("%s, %v", plan.SQL, err)
		}
		want := []migration.Loss{{Name: "posts.state=closed", What: "value closed of column state of table posts goes, and rows would keep it as what is no value any more and no filter finds: " +
			"write {name: …, renamedFrom: closed} at the one that they get, or change the rows first"}}
		if diff := cmp.Diff(want, plan.Losses); diff != "" {
			h.Errorf("losses (-want +got):\n%s", diff)
		}
		h.to(strings.Replace(posts("open", "wed"), "{type: enum, values: [open], required: true}", "{type: text, required: true}", 1))
	})
}

// TestValues_unknown: a snapshot of before they were kept tells nothing.
func TestValues_unknown(t *testing.T) {
	each(t, func(h *history) {
		h.to(posts("draft, open", "mon, tue"))
		h.now.Enums = false
		for _, table := range h.now.Tables {
			for _, c := range table.Columns {
				c.Values = nil
			}
		}
		h.to(posts("open", "tue"))
		h.to(posts("closed", "tue"), "posts.state=open")
		if len(h.steps) != 1 {
			h.Errorf("%d migrations", len(h.steps))
		}
	})
}

// TestValues_renamed: the rows get the other value, whole values alone, and back.
func TestValues_renamed(t *testing.T) {
	each(t, func(h *history) {
		h.to(posts("draft, open", "mon, mon-late, tue"))
		h.fill()
		after := posts("{name: Published-now, renamedFrom: draft}, open", "{name: monday, renamedFrom: mon}, mon-late, tue")
		h.to(after)
		h.filled("Published-now open Published-now", `["tue","monday","mon-late"] ["tue"]`)
		if len(h.steps) != 2 || h.steps[1].Name != "rename_posts_state_value_and_1_more" || h.steps[1].Down == "" {
			h.Fatalf("%+v", h.steps)
		}
		h.to(after)
		if len(h.steps) != 2 {
			h.Error("a hint that has done its work has done more")
		}
		if drift, err := h.db.Drift(h.Context(), []store.Component{{Name: "shop", Migrations: h.steps}}); err != nil || len(drift) > 0 {
			h.Errorf("drift: %q, %v", drift, err)
		}
		if _, err := h.db.Revert(h.Context(), "shop", h.steps); err != nil {
			h.Fatalf("%v in\n%s", err, h.steps[1].Down)
		}
		h.filled("draft open draft", `["tue","mon","mon-late"] ["tue"]`)
	})
}

// TestValues_renamedWith: values change under the names that table and column get.
func TestValues_renamedWith(t *testing.T) {
	each(t, func(h *history) {
		h.to(posts("draft, open", "mon, mon-late, tue"))
		h.fill()
		h.to("  Text: {renamedFrom: Post, fields: {phase: {type: enum, values: [{name: fresh, renamedFrom: draft}, open], required: true, renamedFrom: state}, " +
			"days: {type: multi-enum, values: [{name: monday, renamedFrom: mon}, mon-late, tue], required: true, default: []}, title: {type: text, unique: true}}}\n")
		h.expect(`SELECT phase FROM texts ORDER BY id`, "fresh open fresh")
		h.expect(`SELECT count(*) FROM texts WHERE days IS NULL`, "0")
		if _, err := h.db.Revert(h.Context(), "shop", h.steps); err != nil {
			h.Fatalf("%v in\n%s", err, h.steps[1].Down)
		}
		h.expect(`SELECT state FROM posts ORDER BY id`, "draft open draft")
	})
}

// TestValues_wrong: a hint about no value is a mistake, with those that go; one beside
// its own value of before has done its work, so that the value is lost.
func TestValues_wrong(t *testing.T) {
	for _, db := range []design.Database{design.SQLite, design.Postgres} {
		from := schema(t, db, posts("draft, open", "mon"))
		for states, want := range map[string]string{
			"{name: closed, renamedFrom: darft}, open":        "column state of table posts had no value darft that could become closed\n    the values that go are draft: name one of them, or remove the hint",
			"{name: closed, renamedFrom: darft}, open, draft": "no value of the column goes: remove the hint",
		} {
			_, err := migration.Diff(from, schema(t, db, posts(states, "mon")))
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "gate.yaml:4:") {
				t.Errorf("%s: %v, want %s", states, err, want)
			}
		}
		plan, err := migration.Diff(from, schema(t, db, posts("{name: open, renamedFrom: draft}", "mon")))
		if err != nil || !plan.Empty() || len(plan.Losses) != 1 || plan.Losses[0].Name != "posts.state=draft" {
			t.Errorf("two become one: %+v, %v", plan, err)
		}
		fresh, err := migration.Parse(db, nil)
		if err != nil {
			t.Fatal(err)
		}
		plan, err = migration.Diff(fresh, schema(t, db, posts("{name: open, renamedFrom: draft}", "mon")))
		if err != nil || strings.Contains(string(plan.SQL), "UPDATE") {
			t.Errorf("a service that begins with its hint: %v", err)
		}
		plan, err = migration.Diff(from, schema(t, db, strings.Replace(posts("{name: shut, renamedFrom: draft}, open", "mon"), "type: enum", "type: multi-enum", 1)))
		if err == nil || plan != nil || !strings.Contains(err.Error(), "is required, and the rows that are there have no value") {
			t.Errorf("another type: %+v, %v", plan, err)
		}
	}
}

// TestValues_new: what rows hold where a text or a number becomes an enum may be no
// value of it, which is told once; a snapshot of before values were kept tells nothing.
func TestValues_new(t *testing.T) {
	each(t, func(h *history) {
		before := strings.Replace(posts("draft", "mon"), "{type: enum, values: [draft], required: true}", "{type: text, required: true}", 1)
		before = strings.Replace(before, "title: {", "size: integer, title: {", 1)
		after := strings.Replace(posts("open, {name: public, renamedFrom: draft}", "mon"), "title: {", "size: {type: enum, values: [small]}, title: {", 1)
		h.to(before)
		h.fill()
		old := *h.now
		h.to(after, "posts.state", "posts.size")
		h.expect(`SELECT state FROM posts ORDER BY id`, "public open public")
		h.to(after)
		plan, err := migration.Diff(&old, schema(t, h.name, after))
		if err != nil {
			h.Fatal(err)
		}
		if want := "column state of table posts becomes an enum, and rows would keep texts that are not among open, public, which no filter finds: change them first"; plan.Losses[0].What != want {
			h.Errorf("%s, want %s", plan.Losses[0].What, want)
		}
		h.to(before, "posts.size") // no enum becomes a number; one becomes a text
		old.Enums = false
		if plan, err := migration.Diff(&old, schema(t, h.name, after)); err != nil || len(plan.Losses) > 0 {
			h.Errorf("%v, %v", plan.Losses, err)
		}
	})
}
