package storetest

import (
	"path/filepath"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

// SQLite returns an empty SQLite database in a file of its own for this test,
// open, and closes it at the end.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
