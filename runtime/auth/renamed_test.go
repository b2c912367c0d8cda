package auth_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/model"
)

// TestRenamed: a start hands sessions to the entity by its name of now, and a migration
// that is taken back to the one of before.
func TestRenamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rows.db")
	before, err := openBoth(t, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	session := gate.Session{Entity: "member", Subject: "Sponsor/1", Strategy: "local", ExpiresAt: time.Now().AddDate(0, 0, 1)}
	id, err := before.Sessions().Create(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	renamed := []auth.Renamed{{From: "Sponsor/", To: "Guest/", Table: "sponsors"}}
	after, err := openBoth(t, file, func(cfg *auth.Config, _ *model.Entity) { cfg.Renamed = renamed })
	if err != nil {
		t.Fatal(err)
	}
	subject := func(want string) {
		t.Helper()
		var got string
		if err := after.db.Read().QueryRowContext(t.Context(), "SELECT subject FROM gate_sessions WHERE id = $1", id).Scan(&got); err != nil || got != want {
			t.Errorf("the session is of %s, %v, want %s", got, err, want)
		}
	}
	subject("Guest/1")
	cfg := auth.Config{Renamed: renamed}
	if err := cfg.Unfollow(t.Context(), after.db, `ALTER TABLE "guests" DROP COLUMN "sponsors";`); err != nil {
		t.Fatal(err)
	}
	subject("Guest/1")
	if err := cfg.Unfollow(t.Context(), after.db, `ALTER TABLE "guests" RENAME TO "sponsors";`); err != nil {
		t.Fatal(err)
	}
	subject("Sponsor/1")
}
