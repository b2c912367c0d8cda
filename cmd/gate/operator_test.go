package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// fails runs the service where it cannot start, and returns what it says.
func (c *canteen) fails(t *testing.T, want int, args ...string) string {
	t.Helper()
	said := new(transcript)
	c.said = append(c.said, said)
	cmd := exec.Command(c.bin, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, append(os.Environ(), "ADDR=127.0.0.1:0"), said, said
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != want {
		t.Fatalf("%v: %v, want the exit code %d:\n%s", args, err, want, said)
	}
	return said.String()
}

// TestMissingSettings starts a service with every plugin from nothing: each
// refusal names what is missing, until nothing is.
func TestMissingSettings(t *testing.T) {
	c := open(t)
	env := filepath.Join(c.dir, ".env")
	settings := slices.Collect(strings.Lines(read(t, env)))
	for _, name := range []string{"AUTH_SECRET", "MAIL_URL", "MAIL_FROM", "PUBLIC_URL"} {
		rest := slices.DeleteFunc(slices.Clone(settings), func(line string) bool { return strings.HasPrefix(line, name+"=") })
		if len(rest) != len(settings)-1 {
			t.Fatalf("%s is not in %q", name, settings)
		}
		write(t, env, strings.Join(rest, ""))
		if said := c.fails(t, 1); !strings.Contains(said, name) {
			t.Errorf("without %s:\n%s", name, said)
		}
	}
	// Another secret does not open the keys, and says so instead of making new ones.
	wrong := c.note("another AUTH_SECRET", rand.Text()+rand.Text())
	for i, line := range settings {
		if strings.HasPrefix(line, "AUTH_SECRET=") {
			settings[i] = "AUTH_SECRET=" + wrong + "\n"
		}
	}
	write(t, env, strings.Join(settings, ""))
	if said := c.fails(t, 1); !strings.Contains(said, "sealed with another secret") {
		t.Errorf("with another secret:\n%s", said)
	}
}

// TestOperatorCommands runs the commands of a service with every plugin: what
// goes wrong is an exit code and a sentence, what goes right is on standard
// output alone.
func TestOperatorCommands(t *testing.T) {
	c := open(t)
	c.dir = t.TempDir() // without a database
	write(t, filepath.Join(c.dir, ".env"), "AUTH_SECRET="+c.note("AUTH_SECRET", rand.Text()+rand.Text())+
		"\nMAIL_URL=smtp://127.0.0.1:9\nMAIL_FROM=no-reply@kitchen.example\nPUBLIC_URL=https://kitchen.example\n")
	applied := map[string]bool{}
	for line := range strings.Lines(c.run(t, "migrate")) {
		var m struct{ Component string }
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		applied[m.Component] = true
	}
	want := map[string]bool{"app": true, "accounts": true, "throttle": true, "audit": true, "idempotency": true, "keyring": true}
	if diff := gocmp.Diff(want, applied); diff != "" {
		t.Errorf("migrated (-want +got):\n%s", diff)
	}
	if again := c.run(t, "migrate"); again != "" {
		t.Errorf("migrated again: %s", again)
	}
	if list := c.run(t, "keys"); strings.Count(list, "\n") != 1 || !strings.Contains(list, "ES256") {
		t.Errorf("keys: %s", list)
	}
	if first, second := c.run(t, "keys", "rotate"), c.run(t, "keys", "rotate"); first != second {
		t.Errorf("two next keys, %s and %s", first, second)
	}
	for _, args := range [][]string{{"logout"}, {"logout", "a", "b"}, {"keys", "turn"}, {"keys", "remove"}, {"serv"}} {
		if said := c.fails(t, 2, args...); !strings.Contains(said, "Usage:") {
			t.Errorf("%v: %s", args, said)
		}
	}
	if said := c.fails(t, 1, "keys", "remove", "nope"); !strings.Contains(said, "no such signing key") {
		t.Errorf("keys remove: %s", said)
	}
	if said := c.fails(t, 1, "logout", "nobody"); !strings.Contains(said, `no account "nobody"`) {
		t.Errorf("logout: %s", said)
	}
}

// TestStopSendsLetters stops the service right after letters were asked for:
// they are sent.
func TestStopSendsLetters(t *testing.T) {
	c := open(t)
	maria := c.signUp(t, "maria")
	maria.ask(t, "POST", "/api/account/password/forgot", `{"email":"`+maria.email+`"}`).is(t, 202)
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	path, token := maria.link(t, "reset")
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the service stopped: %v\n%s", err, c.running.said)
	}
	maria.at = c.serve(t)
	maria.ask(t, "GET", path+"?token="+token, "").is(t, 200)
}
