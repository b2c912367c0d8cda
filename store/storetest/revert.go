package storetest

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate/store"
)

// back is [two] with a way back from the second.
func back() []store.Migration {
	ms := two()
	ms[1].Down = "-- as it was\nALTER TABLE note DROP COLUMN title;\n"
	return ms
}

func revert(t *testing.T, db *store.DB) {
	ms := back()
	expectMigrate(t, db, ms, 1, 2)
	undone, err := db.Revert(t.Context(), component, ms)
	if err != nil || undone.Version != 2 {
		t.Fatalf("Revert = %v, %v, want the second", undone, err)
	}
	mustExec(t, db, "ALTER TABLE note ADD COLUMN title TEXT") // it is not there any more
	mustExec(t, db, "ALTER TABLE note DROP COLUMN title")
	if _, err := db.Revert(t.Context(), component, ms); !errors.Is(err, store.ErrNoWayBack) || !strings.Contains(err.Error(), "there is no 0001_init.down.sql") {
		t.Errorf("the first: %v, want %v", err, store.ErrNoWayBack)
	}
	expectMigrate(t, db, ms, 2) // forth again
}

func revertRefusals(t *testing.T, db *store.DB) {
	if _, err := db.Revert(t.Context(), component, back()); !errors.Is(err, store.ErrNoWayBack) {
		t.Errorf("nothing was applied: %v, want %v", err, store.ErrNoWayBack)
	}
	expectMigrate(t, db, back(), 1, 2)
	third := store.Migration{Version: 3, Name: "third", SQL: "CREATE TABLE third (id INTEGER)", Down: "DROP TABLE third"}
	for _, tt := range []struct {
		name   string
		change func([]store.Migration) []store.Migration
		want   error
		text   string
	}{
		{"no way back", func(ms []store.Migration) []store.Migration { ms[1].Down = ""; return ms }, store.ErrNoWayBack, "0002_title.sql is the last one"},
		{"the next is pending", func(ms []store.Migration) []store.Migration { ms[1].Down = ""; return append(ms, third) }, store.ErrNoWayBack, "0002_title.sql"},
		{"older program", func(ms []store.Migration) []store.Migration { return ms[:1] }, store.ErrNewer, ""},
		{"edited", func(ms []store.Migration) []store.Migration { ms[1].SQL += " "; return ms }, store.ErrChanged, ""},
		{"fails half-way", func(ms []store.Migration) []store.Migration {
			ms[1].Down = "ALTER TABLE note DROP COLUMN title;\nDROP TABLE nowhere;"
			return ms
		}, nil, "0002_title.down.sql:2: "},
		{"commits", func(ms []store.Migration) []store.Migration {
			ms[1].Down = "ALTER TABLE note DROP COLUMN title; COMMIT;"
			return ms
		}, nil, "0002_title.down.sql:1: COMMIT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			undone, err := db.Revert(t.Context(), component, tt.change(back()))
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("Revert = %v, %v, want %v %q", undone, err, tt.want, tt.text)
			}
			if pending, err := db.Pending(t.Context(), component, back()); err != nil || len(pending) > 0 {
				t.Errorf("pending %v, %v: it was taken back", pending, err)
			}
			mustExec(t, db, "UPDATE note SET title = 'still there'")
		})
	}
}

// revertAtOnce: of many one takes the migration back, and those that come after it
// find that the one before it has no way back.
func revertAtOnce(t *testing.T, db *store.DB) {
	expectMigrate(t, db, back(), 1, 2)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { _, errs[i] = db.Revert(t.Context(), component, back()) })
	}
	wg.Wait()
	done := 0
	for _, err := range errs {
		switch {
		case err == nil:
			done++
		case !errors.Is(err, store.ErrNoWayBack):
			t.Error(err)
		}
	}
	if done != 1 {
		t.Errorf("%d took it back, want one", done)
	}
}
