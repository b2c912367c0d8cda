package crud_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestOptions: what is said of a change counts whichever method makes it.
func TestOptions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStock(t, db)
		boxes := []string{s.box(t, "a"), s.box(t, "b")}
		if _, err := s.boxes.PatchRow(as(t, s.max), boxes[1], []byte(`{"label":"c"}`), nil); err != nil {
			t.Fatal(err)
		}
		all := &query.Query{Where: query.Term{Field: "id", Op: query.Null, Value: false}}
		labels := func() []string {
			t.Helper()
			page, err := s.boxes.Find(as(t, s.max), &query.Query{Sort: []query.Sort{{Field: "id"}}})
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, box := range page.Data {
				list = append(list, box.Label)
			}
			return list
		}
		_, patched := s.boxes.PatchRows(as(t, s.max), all, []byte(`{"shelfId":1}`), nil, crud.IfVersion(1))
		_, removed := s.boxes.RemoveRows(as(t, s.max), all, nil, crud.IfVersion(1))
		if got := labels(); status(t, patched) != http.StatusPreconditionFailed || status(t, removed) != http.StatusPreconditionFailed || !slices.Equal(got, []string{"a", "c"}) {
			t.Errorf("of many: %v, %v, boxes %v", patched, removed, got)
		}
		if _, err := s.boxes.Remove(as(t, s.max), boxes[1], crud.IfVersion(2)); err != nil {
			t.Fatal(err)
		}
		_, stale := s.boxes.Restore(as(t, s.max), boxes[1], crud.IfVersion(1))
		if got := labels(); status(t, stale) != http.StatusPreconditionFailed || !slices.Equal(got, []string{"a"}) {
			t.Errorf("restored: %v, boxes %v", stale, got)
		}
		if _, err := s.boxes.Restore(as(t, s.max), boxes[1], crud.IfVersion(2)); err != nil {
			t.Error(err)
		}
	})
}

// TestOptions_related: rows that are made by a relation as well.
func TestOptions_related(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		refusal := errors.New("not this one")
		var made []string
		_, err := w.all["Restaurant"].CreateRelated(as(t, w.max), uid("void"), "dishes", []byte(`{"name":"x"}`), nil,
			crud.BeforeCommit(func(_ context.Context, _ *sql.Tx, ids []string) error { made = ids; return refusal }))
		if !errors.Is(err, refusal) || len(made) != 1 {
			t.Errorf("related: %v, made %v", err, made)
		}
	})
}
