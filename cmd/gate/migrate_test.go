package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/store/storetest"
)

// notes is a design of one entity; DATABASE and FIELD are what the test changes.
const notes = `gate: 1
service: {name: notes, module: example.com/notes, database: DATABASE}
entities:
  Note:
    fields:
      title: FIELD
    allow: {view: public, list: public, create: public}
`

// A workshop is the folder of a service in development, and the command.
type workshop struct {
	*testing.T

	gate, dir string
	environ   []string
}

// run runs a command, and returns what it prints.
func (w *workshop) run(want int, args ...string) (stdout, stderr string) {
	w.Helper()
	cmd := exec.Command(w.gate, args...)
	cmd.Env = append(os.Environ(), w.environ...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		w.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != want {
		w.Fatalf("gate %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, &out, &errs)
	}
	return out.String(), errs.String()
}

// TestMigrateCommand takes a service through a change and back, on both databases.
func TestMigrateCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		w := &workshop{T: t, gate: gateBinary(t), dir: t.TempDir()}
		w.life("sqlite", func() (*store.DB, error) {
			return sqlite.Open(t.Context(), filepath.Join(w.dir, ".gate", "notes.db"), sqlite.Config{})
		})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := storetest.PostgresURL(t)
		w := &workshop{T: t, gate: gateBinary(t), dir: t.TempDir(), environ: []string{"DATABASE_URL=" + url, "DATABASE_MAX_CONNS=2"}}
		w.life("{kind: postgres, maxConns: 3, statementTimeout: 2s}", func() (*store.DB, error) {
			return postgres.Open(t.Context(), url, postgres.Config{})
		})
	})
}

func (w *workshop) life(database string, open func() (*store.DB, error)) {
	w.Helper()
	yaml := strings.Replace(notes, "DATABASE", database, 1)
	file := filepath.Join(w.dir, "gate.yaml")
	write(w.T, file, strings.Replace(yaml, "FIELD", "text", 1))
	w.run(0, "generate", w.dir)
	if out, _ := w.run(3, "migrate", "status", w.dir, "--json"); !strings.HasPrefix(out, `{"component":"app","name":"init","state":"pending","version":1}`+"\n") {
		w.Errorf("status: %s", out)
	}
	if out, _ := w.run(3, "migrate", "plan", w.dir); !strings.Contains(out, "-- app 0001_init.sql\n") || !strings.Contains(out, `CREATE TABLE "notes"`) {
		w.Errorf("plan: %s", out)
	}
	w.run(0, "migrate", "apply", w.dir)
	if out, said := w.run(0, "migrate", "status", w.dir); !strings.Contains(out, "up to date") || strings.Contains(said, "not generated") {
		w.Errorf("status: %s%s", out, said)
	}

	// A change that is not generated is no migration yet.
	write(w.T, file, strings.Replace(yaml, "FIELD", "{type: text, unique: true}", 1))
	if out, said := w.run(0, "migrate", "status", w.dir); !strings.Contains(out, "up to date") || !strings.Contains(said, "not generated: gate generate "+w.dir) {
		w.Errorf("status: %s%s", out, said)
	}
	w.run(0, "generate", w.dir)
	names, err := filepath.Glob(filepath.Join(w.dir, "migrations", "*", "*.sql"))
	if err != nil || len(names) != 3 || !slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, ".down.sql") }) {
		w.Fatalf("migrations: %v, %v", names, err)
	}
	w.run(0, "generate", w.dir, "--check")
	if out, _ := w.run(3, "migrate", "plan", w.dir); !strings.Contains(out, ", can be taken back\n") || !strings.Contains(out, `CREATE UNIQUE INDEX "notes_title_key"`) {
		w.Errorf("plan: %s", out)
	}
	if out, _ := w.run(0, "migrate", "apply", w.dir, "--json"); !strings.HasPrefix(out, `{"component":"app","version":2,`) {
		w.Errorf("apply: %s", out)
	}

	// Somebody with a console.
	db, err := open()
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	exec := func(stmt string) {
		w.Helper()
		if _, err := db.Exec(w.Context(), stmt); err != nil {
			w.Fatal(err)
		}
	}
	exec("ALTER TABLE notes ADD COLUMN stars INTEGER")
	if out, _ := w.run(3, "migrate", "status", w.dir); !strings.Contains(out, "\n  table notes: column stars is not of a migration: integer\n") {
		w.Errorf("status: %s", out)
	}
	exec("ALTER TABLE notes DROP COLUMN stars")
	w.run(0, "migrate", "down", w.dir)
	w.run(3, "migrate", "status", w.dir)
	if _, said := w.run(1, "migrate", "down", w.dir); !strings.Contains(said, "gate: take back a migration of app: no way back") || !strings.Contains(said, "there is no 0001_init.down.sql") {
		w.Errorf("down: %s", said)
	}
	w.environ = append(w.environ, "DATABASE_URL=postgres://127.0.0.1:1/nowhere?sslmode=disable")
	if out, said := w.run(1, "migrate", "status", w.dir); out != "" || !strings.Contains(said, "gate: open the database") {
		w.Errorf("without a database: %s%s", out, said)
	}
}
