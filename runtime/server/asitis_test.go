package server_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/store"
)

// TestCommands_asItIs: to end sessions or to look at keys, somebody may run a program
// that is newer than what serves, or in the wrong folder. It changes no schema, makes
// nobody an administrator and no database.
func TestCommands_asItIs(t *testing.T) {
	releases(t, func(t *testing.T, r *release) {
		r.service.Auth.JWT = &auth.JWT{Algorithm: jose.EdDSA, RotateKeys: auth.Rotate(24 * time.Hour)}
		administer := func(want int, says string) {
			t.Helper()
			for _, args := range [][]string{{"keys"}, {"keys", "rotate"}, {"logout", "--all"}} {
				code, out, errs := programOf(t, r.service, args, []string{"AUTH_SECRET=" + testSecret, "DATABASE_URL=" + r.url}, true)
				if code != want || !strings.Contains(out+errs, says) {
					t.Errorf("%q: exit code %d, want %d and %q\n%s%s", args, code, want, says, out, errs)
				}
			}
			if _, err := os.Stat(".gate"); !os.IsNotExist(err) {
				t.Fatalf("an administrator was made: %v", err)
			}
		}
		administer(1, "of this program were not applied to the database: restaurant migrate apply")
		r.expect(3, "1 init pending")
		r.run(0, "apply")
		administer(0, "")
		r.with(store.Migration{Name: "more", SQL: `CREATE TABLE more (id INTEGER PRIMARY KEY);`})
		administer(1, "1 migrations of this program")
		r.expect(3, "1 init applied", "2 more pending")
		if r.db.Dialect() != store.SQLite {
			return
		}
		r.url = "sqlite:nowhere/data.db"
		administer(1, "nowhere/data.db: there is no such file")
		r.expect(3, "1 init pending", "2 more pending")
		if out, _ := r.run(3, "plan"); !strings.HasPrefix(out, "-- ") || !strings.Contains(out, "nowhere/data.db: there is no such file: restaurant migrate apply makes it, and DATABASE_URL names another\n\n-- app ") {
			t.Errorf("plan: %s", out)
		}
		for _, command := range []string{"plan", "status"} {
			if out, _ := r.run(3, command, "--json"); !strings.Contains(out, `{"missing":"`) || !strings.Contains(out, "nowhere/data.db: there is no such file: ") {
				t.Errorf("%s --json: %s", command, out)
			}
		}
		if out, _ := r.run(3, "status"); !strings.Contains(out, "nowhere/data.db: there is no such file: restaurant migrate apply makes it") {
			t.Errorf("status: %s", out)
		}
		if out, _ := r.run(3, "plan"); !strings.Contains(out, "-- app 0002_more.sql") {
			t.Errorf("plan: %s", out)
		}
		if _, errs := r.run(1, "down"); !strings.Contains(errs, "nowhere/data.db: there is no such file") {
			t.Errorf("down: %s", errs)
		}
		if _, err := os.Stat("nowhere"); !os.IsNotExist(err) {
			t.Errorf("a database was made: %v", err)
		}
		r.run(0, "apply")
		r.expect(0, "1 init applied", "2 more applied")
	})
}
