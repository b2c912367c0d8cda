package permtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/model"
)

// boxes is small, and has what the other grammar spells otherwise: a relation to one,
// one to many of which a table keeps the pairs, and fields that are hidden.
const boxes = `gate: 1
service: {name: shop, module: example.com/shop, rest: amplication}
entities:
  Box:
    fields: {word: {type: text, required: true}, pin: integer}
    allow: {view: public, list: public, create: public, update: public, delete: public}
    fieldRules: {pin: {view: nobody}}
  BigThing:
    fields:
      word: {type: text, required: true}
      box: {type: relation, to: Box, inverse: things}
      photo: file
      marks: {type: relation, to: Mark, many: true, inverse: things}
    allow: {view: public, list: public, create: public, update: nobody, delete: nobody}
  Mark:
    fields: {word: {type: text, required: true}, box: {type: relation, to: Box}, photo: file}
    allow: {view: public, list: public, update: public}
`

// TestRun_amplication: what is opened in a service of that grammar is found there.
func TestRun_amplication(t *testing.T) {
	long(t)
	for name, tt := range map[string]struct {
		patch func(*model.Entity)
		want  []string
	}{
		"nothing": {},
		"a hidden field": {func(e *model.Entity) {
			if e.Name == "Box" {
				e.Fields[2].View = nil
			}
		}, []string{
			"anonymous · view · Box · rest: shows pin", "anonymous · list · Box.pin · rest: want 400, got 200 (filter)",
			"anonymous · list · Box.pin · rest: want 400, got 200 (sort)", "anonymous · include · BigThing.box · rest: want 400, got 200 (filter by pin)",
		}},
		"a row to all": {func(e *model.Entity) {
			if e.Name == "BigThing" {
				e.Allow.Update = []string{"public"}
			}
		}, []string{"anonymous · update · BigThing · rest: want 403, got 200", "anonymous · tie · BigThing.marks · rest: want 403, got 200 (connect"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, boxes)
			s.change, s.patch = withAmplication, tt.patch
			got := wrong(t, s, nil)
			if (len(got) > 0) != (len(tt.want) > 0) {
				t.Fatalf("found %q", got)
			}
			for _, w := range tt.want {
				if !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, w) }) {
					t.Errorf("nothing begins with %q:\n%s", w, strings.Join(got, "\n"))
				}
			}
		})
	}
}
