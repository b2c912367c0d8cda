package crud_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestChangedAgain: a hook changes the row of the change that it belongs to once more, by
// a change of its own. What is answered, and told, is the row that is kept, and its tag
// is good for the next change.
func TestChangedAgain(t *testing.T) {
	label := func(s *stock, ctx context.Context, box int64, label string) error {
		_, err := s.boxes.Patch(authz.System(ctx), strconv.FormatInt(box, 10), &crud.Change[Box]{Row: Box{Label: label}, Set: model.Fields(BoxLabel)})
		return err
	}
	shelve := func(s *stock, ctx context.Context, box int64) error {
		shelf, err := s.shelves.CreateRow(authz.System(ctx), []byte(`{"name":"new"}`), nil)
		if err == nil {
			_, err = s.boxes.PatchRow(authz.System(ctx), strconv.FormatInt(box, 10), []byte(`{"shelfId":`+shelf.ID+`}`), nil)
		}
		return err
	}
	tests := map[string]struct {
		hook func(s *stock)
		do   func(s *stock, ctx context.Context, box string) (crud.Row, error)
		want string // label, shelf, version
	}{
		"after a create": {
			func(s *stock) {
				s.boxes.After(authz.Create, func(ctx context.Context, ch *crud.Change[Box]) error { return label(s, ctx, ch.Row.ID, "hook") })
			},
			func(s *stock, ctx context.Context, _ string) (crud.Row, error) {
				return s.boxes.CreateRow(ctx, []byte(`{"label":"sent","shelfId":`+s.shelf+`}`), nil)
			},
			"hook 1 2",
		},
		"by a child of a create": {
			func(s *stock) {
				s.things.After(authz.Create, func(ctx context.Context, ch *crud.Change[Part]) error { return label(s, ctx, ch.Row.BoxID, "hook") })
			},
			func(s *stock, ctx context.Context, _ string) (crud.Row, error) {
				return s.boxes.CreateRow(ctx, []byte(`{"label":"sent","shelfId":`+s.shelf+`,"things":{"create":[{},{}]}}`), nil)
			},
			"hook 1 2",
		},
		"by a child of a patch": {
			func(s *stock) {
				s.things.After(authz.Create, func(ctx context.Context, ch *crud.Change[Part]) error { return label(s, ctx, ch.Row.BoxID, "hook") })
			},
			func(s *stock, ctx context.Context, box string) (crud.Row, error) {
				return s.boxes.PatchRow(ctx, box, []byte(`{"label":"sent","things":{"create":[{}]}}`), nil, crud.IfVersion(1))
			},
			"hook 1 3",
		},
		"after a patch": {
			func(s *stock) {
				s.boxes.After(authz.Update, func(ctx context.Context, ch *crud.Change[Box]) error {
					if ch.Row.Label == "hook" {
						return nil
					}
					return label(s, ctx, ch.Row.ID, "hook")
				})
			},
			func(s *stock, ctx context.Context, box string) (crud.Row, error) {
				return s.boxes.PatchRow(ctx, box, []byte(`{"label":"sent"}`), nil)
			},
			"hook 1 3",
		},
		"before a patch": {
			func(s *stock) {
				s.boxes.Before(authz.Update, func(ctx context.Context, ch *crud.Change[Box]) error {
					if ch.Set.Has(BoxShelf) {
						return nil
					}
					return shelve(s, ctx, ch.Row.ID)
				})
			},
			func(s *stock, ctx context.Context, box string) (crud.Row, error) {
				return s.boxes.PatchRow(ctx, box, []byte(`{"label":"sent"}`), nil, crud.IfVersion(1))
			},
			"sent 2 3",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				s := newStock(t, db)
				box := s.box(t, "first")
				var told string
				s.boxes.OnChange(func(ctx context.Context, c crud.Changed) {
					row, _ := c.After.View(authz.System(ctx))
					told = described(t, row)
				})
				tt.hook(s)
				row, err := tt.do(s, as(t, s.max), box)
				if err != nil {
					t.Fatal(err, problems(err))
				}
				if got := described(t, row); got != tt.want {
					t.Errorf("answered %q, want %q", got, tt.want)
				}
				kept, err := s.boxes.GetRow(as(t, s.max), row.ID, nil)
				if err != nil || described(t, kept) != tt.want || kept.Tag() != row.Tag() {
					t.Errorf("kept %q %s, answered %s, %v", described(t, kept), kept.Tag(), row.Tag(), err)
				}
				if told != tt.want {
					t.Errorf("told last %q, want %q", told, tt.want)
				}
			})
		})
	}
}

func described(t *testing.T, row crud.Row) string {
	t.Helper()
	m := members(t, row)
	return fmt.Sprintf("%v %v %v", m["label"], m["shelfId"], m["version"])
}
