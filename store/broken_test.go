package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

// brokenAtFirst opens connections, of which the first ones do not work.
type brokenAtFirst struct {
	driver driver.Driver
	file   string
	broken int
}

func (b *brokenAtFirst) Driver() driver.Driver { return b.driver }

func (b *brokenAtFirst) Connect(context.Context) (driver.Conn, error) {
	if b.broken--; b.broken >= 0 {
		return nil, driver.ErrBadConn
	}
	return b.driver.Open(b.file)
}

// TestInTx_brokenConnections: whose client goes away breaks off the connection that
// answered it, which is handed to somebody else: they get one that works. There is an
// end to that.
func TestInTx_brokenConnections(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.db")
	whole, err := sqlite.Open(t.Context(), file, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = whole.Close() })
	for broken, want := range map[int]error{0: nil, 9: nil, 1_000_000: store.ErrUnavailable} {
		write := sql.OpenDB(&brokenAtFirst{whole.Write().Driver(), file, broken})
		t.Cleanup(func() { _ = write.Close() })
		db, err := store.New(store.Config{Dialect: store.SQLite, Write: write, Classify: whole.Classify})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.InTx(t.Context(), func(context.Context, *sql.Tx) error { return nil }); !errors.Is(err, want) {
			t.Errorf("%d broken connections: %v, want %v", broken, err, want)
		}
	}
}
