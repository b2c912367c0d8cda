package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

// TestMigrate_saysThatItWaits: a process that waits for another's migration says so, for
// it serves nobody meanwhile.
func TestMigrate_saysThatItWaits(t *testing.T) {
	defer store.NoticeMigrations(10 * time.Millisecond)()
	file := filepath.Join(t.TempDir(), "shared.db")
	said := make(chan string, 10)
	open := func() *store.DB {
		db, err := sqlite.Open(t.Context(), file, sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		db.LogTo(slog.New(slog.NewTextHandler(lines(said), nil)))
		return db
	}
	db, other := open(), open()
	ms := []store.Migration{{Version: 1, Name: "init", SQL: "CREATE TABLE t (id INTEGER);"}}
	migrated := make(chan error, 1)
	err := other.InTx(t.Context(), func(_ context.Context, _ *sql.Tx) error {
		go func() {
			_, err := db.Migrate(t.Context(), "app", ms)
			migrated <- err
		}()
		select {
		case line := <-said:
			if !strings.Contains(line, "migration waits for another process") || !strings.Contains(line, "component=app") || !strings.Contains(line, "waited=10ms") {
				t.Errorf("it says %q", line)
			}
		case <-time.After(20 * time.Second):
			t.Error("it waits in silence")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-migrated; err != nil {
		t.Error(err)
	}
}

// lines passes on what is written.
type lines chan<- string

func (l lines) Write(p []byte) (int, error) {
	l <- string(bytes.Clone(p))
	return len(p), nil
}
