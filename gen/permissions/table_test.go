package permissions_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/permissions"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const wideDesign = `
  Item:
    fields: {name: {type: text, required: true}, cost: integer, a: text, b: text, c: text, d: text, e: text}
    allow: {view: public, list: public, create: [clerk, "create:items"], update: clerk, delete: boss}
    fieldRules: {cost: {view: clerk, create: boss, update: boss}}
  Order:
    fields: {item: {type: relation, to: Item, onDelete: cascade}, buyer: {type: relation, to: User}}
    owner: buyer
    allow: {view: [owner, clerk], list: [owner, clerk], create: signed-in, delete: [owner]}
  Silent: {fields: {name: text}}
`

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestTable(t *testing.T) {
	restaurant, err := design.Load("../../examples/restaurant/gate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := permissions.Of(restaurant)
	if err != nil {
		t.Fatal(err)
	}
	wide := matrix(t, signedIn(`roles: {clerk: {permissions: ["create:items"], default: true}, boss: {inherits: [clerk]}}`, wideDesign))
	for _, tt := range []struct {
		golden string
		m      *permissions.Matrix
		look   permissions.Look
	}{
		{"restaurant.txt", m, permissions.Look{}},
		{"restaurant-112.txt", m, permissions.Look{Width: 112}},
		{"wide.txt", wide, permissions.Look{}},
		{"wide-ascii-60.txt", wide, permissions.Look{Width: 1, ASCII: true}},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			var b bytes.Buffer
			if err := tt.m.Table(&b, tt.look); err != nil {
				t.Fatal(err)
			}
			golden(t, tt.golden, b.String())
			width := max(60, tt.look.Width)
			if tt.look.Width == 0 {
				width = 76
			}
			for line := range strings.Lines(b.String()) {
				line = strings.TrimSuffix(line, "\n")
				if utf8.RuneCountInString(line) > width || strings.HasSuffix(line, " ") || strings.Contains(line, "\x1b") {
					t.Errorf("line of %d: %q", utf8.RuneCountInString(line), line)
				}
				if tt.look.ASCII && utf8.RuneCountInString(line) != len(line) {
					t.Errorf("not ASCII: %q", line)
				}
			}
			var color bytes.Buffer
			tt.look.Color = true
			if err := tt.m.Table(&color, tt.look); err != nil {
				t.Fatal(err)
			}
			bare := color.String()
			for _, code := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[33m"} {
				bare = strings.ReplaceAll(bare, code, "")
			}
			if bare != b.String() || bare == color.String() {
				t.Error("colour changes more than the colour")
			}
		})
	}
}

// TestTableHostileNames fills a matrix with what no design lets through: nothing of
// it may move a cursor, forge a line or turn text around.
func TestTableHostileNames(t *testing.T) {
	for _, name := range []string{
		"\x1b[2J\x1b[H", "a\nadmin   all all all", "a\rb", "\u202egnp.exe", "\x9b31m", "\x00", strings.Repeat("x", 10_000), "\xff\xfe", "e\u0301\u200b", "名前",
	} {
		cells := permissions.RowCells{Cells: permissions.Cells{View: permissions.Cell{Rows: permissions.All}}, Delete: permissions.Cell{Rows: permissions.All}}
		m := &permissions.Matrix{
			Service: name, Authentication: true,
			Callers: []permissions.Caller{{Kind: permissions.Anonymous}, {Kind: permissions.Role, Name: name, Inherits: []string{name}, Permissions: []string{name}}},
			Entities: []permissions.Entity{{
				Name: name, Plural: name, Owner: name, Cascades: []permissions.Cascade{{Entity: name, Beyond: []string{name}}},
				Rules:  []permissions.Rule{{Action: name, Field: name, Words: []string{name}}},
				Grants: []permissions.Grant{{Kind: permissions.Anonymous}, {Kind: permissions.Role, Name: name, Rows: cells, Fields: []permissions.Field{{Name: name}, {Name: "b", Cells: cells.Cells}}}},
			}},
		}
		var b bytes.Buffer
		if err := m.Table(&b, permissions.Look{ASCII: true}); err != nil {
			t.Fatal(err)
		}
		for _, r := range b.String() {
			if r != '\n' && (r < ' ' || r > '~') {
				t.Fatalf("%q prints %U", name, r)
			}
		}
		if strings.Contains(b.String(), "\nadmin") {
			t.Errorf("%q forges a line", name)
		}
	}
}

// TestTableOddMatrices wants no panic of what Of never returns.
func TestTableOddMatrices(t *testing.T) {
	for _, m := range []*permissions.Matrix{
		{},
		{Entities: []permissions.Entity{{Name: "A"}, {Name: "B", Cascades: []permissions.Cascade{{Entity: "A"}, {Entity: "C"}}, Grants: []permissions.Grant{{Rows: permissions.RowCells{Delete: permissions.Cell{Rows: 9}}}}}}},
	} {
		var b bytes.Buffer
		if err := m.Table(&b, permissions.Look{}); err != nil || b.Len() == 0 {
			t.Errorf("%v, %q", err, b.String())
		}
		if got := permissions.Compare(m, m); len(got) != 0 {
			t.Errorf("differs from itself: %v", got)
		}
		permissions.Compare(m, &permissions.Matrix{})
		permissions.Compare(&permissions.Matrix{}, m)
	}
}

// TestTable_conditions: rows that are reached because of what they are like.
func TestTable_conditions(t *testing.T) {
	m := matrix(t, signedIn("roles: {editor: {}}", `
  Post:
    fields: {title: text, note: text, stars: integer, status: {type: enum, values: [draft, published], required: true}, author: {type: relation, to: User}}
    owner: author
    allow:
      view: [editor, owner, {rules: public, when: {status: published}}]
      list: {rules: public, when: {status: published}}
      create: {rules: signed-in, when: {status: draft}}
      update: [editor, {rules: owner, when: {status: draft}}]
      delete: [{rules: [owner, editor], when: {status: draft, stars: null}}, {rules: owner, when: {status: draft}}]
    fieldRules: {note: {view: [editor, {rules: public, when: {stars: {not: null}}}]}}
`))
	var b bytes.Buffer
	if err := m.Only("Post").Table(&b, permissions.Look{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "conditions.txt", b.String())
	for _, g := range m.Entity("Post").Grants {
		if g.Kind != permissions.Anonymous {
			continue
		}
		want := permissions.Cell{
			Rows: permissions.Some, Parts: []permissions.Part{{
				Rows: permissions.All, When: "status is published and stars is not null",
				Where: []permissions.Clause{{Field: "status", Values: []any{"published"}}, {Field: "stars", Not: true}},
			}},
			By: []string{"public when stars is not null"},
		}
		for _, f := range g.Fields {
			if diff := cmp.Diff(want, f.View); f.Name == "note" && diff != "" {
				t.Error(diff)
			}
		}
	}
}
