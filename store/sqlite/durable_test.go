package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

// TestSyncFull takes the log away: whoever waits for the disk finds out.
func TestSyncFull(t *testing.T) {
	for name, tt := range map[string]struct {
		full, link bool
	}{"without": {}, "with": {full: true}, "by another name": {full: true, link: true}} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "test.db")
			opened := file
			if tt.link {
				db := open(t, file, sqlite.Config{})
				run(t, db, "CREATE TABLE first (id INTEGER)")
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				opened = filepath.Join(t.TempDir(), "link.db")
				if err := os.Symlink(file, opened); err != nil {
					t.Skip("no symbolic links here: " + err.Error())
				}
			}
			db := open(t, opened, sqlite.Config{SyncFull: tt.full})
			run(t, db, "CREATE TABLE t (id INTEGER)")
			log := file + "-wal"
			if err := os.Rename(log, log+".away"); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(log, 0o700); err != nil {
				t.Fatal(err)
			}
			insert := func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (1)")
				return err
			}
			if err := db.InTx(t.Context(), insert); errors.Is(err, store.ErrUnavailable) != tt.full {
				t.Errorf("InTx: %v", err)
			}
			if err := os.Remove(log); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(log+".away", log); err != nil {
				t.Fatal(err)
			}
			// What failed once is not known to be there: it stays failed.
			if _, err := db.Exec(t.Context(), "INSERT INTO t VALUES (2)"); errors.Is(err, store.ErrUnavailable) != tt.full {
				t.Errorf("Exec: %v", err)
			}
			if err := db.InTx(t.Context(), func(context.Context, *sql.Tx) error { return errors.ErrUnsupported }); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("what fails by itself: %v", err)
			}
		})
	}
}

// TestFlusher: a wait that began before a commit does not count for it, and all
// who come during one share the next.
func TestFlusher(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var waits atomic.Int32
	entered, leave := make(chan struct{}), make(chan struct{})
	flush, commits := sqlite.NewFlusher(log, func(*os.File) error {
		if waits.Add(1) == 1 {
			close(entered)
			<-leave
		}
		return nil
	})
	var all sync.WaitGroup
	flushed := func() {
		if err := flush(); err != nil {
			t.Error(err)
		}
	}
	all.Go(flushed)
	<-entered
	for range 20 {
		all.Go(flushed)
	}
	for commits() < 21 {
		runtime.Gosched()
	}
	close(leave)
	all.Wait()
	if n := waits.Load(); n != 2 {
		t.Errorf("%d waits for one commit and 20 more that came during it", n)
	}
	flushed()
	if n := waits.Load(); n != 3 {
		t.Errorf("a commit after all others did not wait")
	}
}

// TestFlusher_absent: the last connection has waited when it removed the log.
func TestFlusher_absent(t *testing.T) {
	flush, _ := sqlite.NewFlusher(filepath.Join(t.TempDir(), "log"), func(*os.File) error { return errors.New("nothing to wait for") })
	if err := flush(); err != nil {
		t.Error(err)
	}
}
