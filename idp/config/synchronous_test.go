package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/store"
)

// TestOpenDatabase_synchronous puts a folder where the log is: whoever waits for
// the disk finds out.
func TestOpenDatabase_synchronous(t *testing.T) {
	for text, waits := range map[string]bool{"": true, "full": true, "normal": false} {
		c := config.Config{Issuer: "https://id.example.com/", Database: "sqlite:" + filepath.Join(t.TempDir(), "idp.db"), Synchronous: text}
		db, err := c.OpenDatabase(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(t.Context(), "CREATE TABLE t (id INTEGER)"); err != nil {
			t.Fatal(err)
		}
		log := c.Database[len("sqlite:"):] + "-wal"
		if err := errors.Join(os.Rename(log, log+".away"), os.Mkdir(log, 0o700)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(t.Context(), "INSERT INTO t VALUES (1)"); errors.Is(err, store.ErrUnavailable) != waits {
			t.Errorf("%q: %v, want it to wait: %v", text, err, waits)
		}
		if err := errors.Join(os.Remove(log), os.Rename(log+".away", log), db.Close()); err != nil {
			t.Error(err)
		}
	}
}
