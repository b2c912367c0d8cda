package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/server"
)

// TestJKS08_keys: a key that leaked is out with one command.
func TestJKS08_keys(t *testing.T) {
	t.Chdir(t.TempDir())
	s := restaurant(true, false, nil)
	s.Auth.JWT = &auth.JWT{Algorithm: jose.EdDSA, RotateKeys: auth.Rotate(24 * time.Hour)}
	run := func(want int, args ...string) string {
		t.Helper()
		code, out, errs := programOf(t, s, args, nil, false)
		if code != want {
			t.Fatalf("%q: %d\n%s%s", args, code, out, errs)
		}
		return out
	}
	run(1, "keys")
	run(0, "migrate", "apply")
	first := run(0, "keys")
	if !strings.Contains(first, "signing") && !strings.Contains(first, "signs") {
		t.Errorf("keys:\n%s", first)
	}
	fields := strings.Fields(strings.Split(first, "\n")[1])
	next := strings.TrimSpace(run(0, "keys", "rotate"))
	if list := run(0, "keys"); !strings.Contains(list, next) || !strings.Contains(list, fields[0]) {
		t.Errorf("after rotate %s:\n%s", next, list)
	}
	run(0, "keys", "remove", fields[0])
	if list := run(0, "keys"); strings.Contains(list, fields[0]) {
		t.Errorf("after remove:\n%s", list)
	}
	run(1, "keys", "remove", "nosuch")
	run(2, "keys", "forget")
	run(2, "logout")
	if out := run(0, "logout", "--all"); !strings.HasPrefix(out, "0 sessions ended") {
		t.Errorf("logout: %s", out)
	}
	run(1, "logout", "01a1")
	run(0, "logout", "--help")
}

func TestKeys_notInTheDatabase(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, s := range []server.Service{restaurant(true, false, nil), restaurant(false, false, nil)} {
		if code, _, errs := programOf(t, s, []string{"migrate", "apply"}, nil, false); code != 0 {
			t.Fatal(errs)
		}
		if code, _, errs := programOf(t, s, []string{"keys"}, nil, false); code != 1 || !strings.Contains(errs, "rotateKeys") {
			t.Errorf("%d %s", code, errs)
		}
	}
	if code, _, errs := programOf(t, restaurant(false, false, nil), []string{"logout", "--all"}, nil, false); code != 1 || !strings.Contains(errs, "no authentication") {
		t.Errorf("%d %s", code, errs)
	}
}
