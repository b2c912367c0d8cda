package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

// The test binary runs itself as another process: with this variable set it is
// one of the children.
const childVariable = "GATE_TEST_SQLITE_CHILD"

func TestMain(m *testing.M) {
	role, path, _ := strings.Cut(os.Getenv(childVariable), ":")
	var err error
	switch role {
	case "":
		os.Exit(m.Run())
	case "write":
		err = writeForever(path)
	case "migrate":
		err = migrateOnce(path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childVariable+"="+role+":"+path)
	return cmd
}

// writeForever prints the number of each row after its commit.
func writeForever(path string) error {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, path, sqlite.Config{})
	if err != nil {
		return err
	}
	for i := 1; ; i++ {
		if _, err := db.Exec(ctx, "INSERT INTO t (id) VALUES ($1)", i); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// TestKill: what was answered is there after kill -9.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := open(t, path, sqlite.Config{})
	run(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	cmd := child(t, "write", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answered := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := fmt.Sscan(lines.Text(), &answered); err != nil {
			t.Fatalf("child says %q", lines.Text())
		}
		if answered == 500 {
			if err := cmd.Process.Kill(); err != nil { // and read on: what is in the pipe was answered, too
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || answered < 500 {
		t.Fatalf("the child ended by itself after %d rows: %v", answered, err)
	}

	db = open(t, path, sqlite.Config{})
	var n, last int
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*), max(id) FROM t").Scan(&n, &last); err != nil {
		t.Fatal(err)
	}
	if n < answered || n != last {
		t.Errorf("%d rows up to %d, want every one of the %d that were answered", n, last, answered)
	}
	var integrity string
	if err := db.Read().QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&integrity); err != nil || integrity != "ok" {
		t.Errorf("integrity: %s, %v", integrity, err)
	}
}

func migrations() []store.Migration {
	ms := []store.Migration{{Version: 1, Name: "init", SQL: `
		CREATE TABLE parent (id INTEGER PRIMARY KEY);
		CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id) ON DELETE CASCADE);
		INSERT INTO parent (id) VALUES (1);
		INSERT INTO child (id, parent_id) VALUES (1, 1);`}}
	for v := 2; v <= 20; v++ {
		ms = append(ms, store.Migration{Version: v, Name: "rebuild", SQL: `
			CREATE TABLE new_parent (id INTEGER PRIMARY KEY);
			INSERT INTO new_parent (id) SELECT id FROM parent;
			INSERT INTO child (parent_id) VALUES (1);
			DROP TABLE parent;
			ALTER TABLE new_parent RENAME TO parent;`})
	}
	return ms
}

// migrateOnce prints how many migrations it applied.
func migrateOnce(path string) error {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, path, sqlite.Config{})
	if err != nil {
		return err
	}
	applied, err := db.Migrate(ctx, "app", migrations())
	fmt.Println(len(applied))
	return err
}

// TestOPS15_processes: processes that start at once on a file that is not
// there yet apply each migration once.
func TestOPS15_processes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "test.db")
	const n = 4
	var out [n]strings.Builder
	var children [n]*exec.Cmd
	for i := range n {
		children[i] = child(t, "migrate", path)
		children[i].Stdout, children[i].Stderr = &out[i], os.Stderr
		if err := children[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	total := 0
	for i := range n {
		if err := children[i].Wait(); err != nil {
			t.Errorf("process %d: %v", i, err)
		}
		var applied int
		if _, err := fmt.Sscan(out[i].String(), &applied); err != nil {
			t.Errorf("process %d says %q", i, out[i].String())
		}
		total += applied
	}
	if total != 20 {
		t.Errorf("%d migrations applied, want 20", total)
	}
	db := open(t, path, sqlite.Config{})
	var rows int
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM child").Scan(&rows); err != nil || rows != 20 {
		t.Errorf("%d children, %v, want 20", rows, err)
	}
}
