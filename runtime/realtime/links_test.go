package realtime_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/realtime"
)

// TestAUZ06_links: that a row was tied to one that somebody may not see is nothing that
// they are told, from whichever end it was, and whatever the service writes with it.
func TestAUZ06_links(t *testing.T) {
	for _, stamped := range []bool{true, false} {
		t.Run(fmt.Sprint("stamped ", stamped), func(t *testing.T) {
			s := newShop(t, func(_ *realtime.Config, _ *gate.Config, notes *model.Entity) {
				notes.Links = []model.Link{
					{Name: "about", To: "Note", Many: true, Through: &model.Join{Table: "abouts", Near: "from_id", Far: "to_id"}},
					{Name: "named", To: "Note", Many: true, Through: &model.Join{Table: "abouts", Near: "to_id", Far: "from_id", Inverse: "about"}},
					{Name: "answers", To: "Note", Many: true, Inverse: "toId"},
				}
				changed := model.Field{Name: "updatedAt", Column: "updated_at", Type: model.CreatedAt, Required: true}
				if stamped {
					notes.Version = "version"
					changed.Type = model.UpdatedAt
				}
				notes.Fields = append(notes.Fields,
					model.Field{Name: "version", Column: "version", Type: model.Integer, Required: true, ReadOnly: true, Default: int64(1)},
					changed, model.Field{Name: "toId", Column: "to_id", Type: model.Relation, To: "Note", ID: model.Serial})
			})
			notes := make(map[string]string, 4)
			for i, owner := range []string{"ann", "ann", "bob", "bob"} {
				row, err := s.notes.CreateRow(s.as(t, owner), []byte(`{"text":"milk"}`), nil)
				check(t, err)
				notes[fmt.Sprint(owner, i)] = row.ID
			}
			ann, max := listen(t, s, "ann"), listen(t, s, "max")
			events := stream(t, s, s.token(t, "ann"), "?entities=notes,items", nil)
			events.began()
			s.newItem(t, `{"name":"bell","price":1}`)
			ann.until("items created")
			max.until("items created")
			for e := events.next(); e["event"] != "items created"; e = events.next() {
				continue // what was made before
			}
			for _, tt := range []struct {
				id, body string
				hidden   []string // rows that ann is not told of, and max is
				told     []string // and those that both are
			}{
				{"ann0", `{"about":{"connect":[{"id":` + notes["bob2"] + `}]}}`, []string{"ann0"}, nil},
				{"ann0", `{"about":{"connect":[{"id":` + notes["ann1"] + `}]}}`, nil, []string{"ann0"}},
				{"ann0", `{"about":{"disconnect":[{"id":` + notes["bob2"] + `}],"connect":[{"id":` + notes["bob3"] + `}]}}`, []string{"ann0"}, nil},
				{"ann0", `{"about":{"disconnect":[{"id":` + notes["bob3"] + `},{"id":` + notes["ann1"] + `}]}}`, nil, []string{"ann0"}},
				{"bob2", `{"named":{"connect":[{"id":` + notes["ann0"] + `}]}}`, []string{"ann0", "bob2"}, nil},
				{"ann1", `{"named":{"connect":[{"id":` + notes["ann0"] + `}]}}`, nil, []string{"ann0", "ann1"}},
				{"ann0", `{"answers":{"connect":[{"id":` + notes["bob2"] + `}]}}`, []string{"ann0", "bob2"}, nil},
				{"ann0", `{"answers":{"connect":[{"id":` + notes["ann1"] + `}]}}`, nil, []string{"ann0", "ann1"}},
				{"ann0", `{"about":{"connect":[{"id":` + notes["bob3"] + `}]},"remark":"never pays"}`, []string{"ann0"}, nil},
			} {
				_, err := s.notes.PatchRow(s.as(t, "max"), notes[tt.id], []byte(tt.body), nil)
				check(t, err)
				s.newItem(t, `{"name":"bell","price":1}`)
				if got, want := rowIDs(t, max.until("items created")), numbers(notes, tt.hidden, tt.told); !slices.Equal(got, want) {
					t.Errorf("%s %s: max is told of %v, want %v", tt.id, tt.body, got, want)
				}
				want := numbers(notes, tt.told)
				if got := rowIDs(t, ann.until("items created")); !slices.Equal(got, want) {
					t.Errorf("%s %s: ann is told of %v, want %v", tt.id, tt.body, got, want)
				}
				var streamed []string
				for e := events.next(); e["event"] != "items created"; e = events.next() {
					streamed = append(streamed, e["event"]+" "+e["data"])
				}
				if got := rowIDs(t, streamed); !slices.Equal(got, want) {
					t.Errorf("%s %s: the stream of ann has %v, want %v", tt.id, tt.body, got, want)
				}
			}
		})
	}
}

// rowIDs returns the ids of rows in events, in their order.
func rowIDs(t *testing.T, events []string) []float64 {
	t.Helper()
	list := make([]float64, 0, len(events))
	for _, e := range events {
		id, _ := values(t, []byte(e[len("notes patched "):]))["id"].(float64)
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}

// numbers returns the ids of notes, in their order.
func numbers(notes map[string]string, names ...[]string) []float64 {
	list := []float64{}
	for _, name := range slices.Concat(names...) {
		var id float64
		_, _ = fmt.Sscan(notes[name], &id)
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}
