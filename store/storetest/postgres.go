package storetest

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
)

// Postgres returns an empty PostgreSQL database of its own for this test, open,
// and drops it at the end. See [PostgresURL] for where it comes from.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), PostgresURL(t), postgres.Config{ApplicationName: "gate test", MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// PostgresURL returns the URL of an empty database of its own for this test,
// and drops it at the end.
//
// The server is the one that GATE_TEST_POSTGRES names by a URL whose user may
// create databases; without it, one that is started once for the test binary,
// from initdb and pg_ctl in PATH or /usr/lib/postgresql/*/bin, on a unix socket
// in a temporary folder. It ends, and its folder goes, when the test binary
// ends, however that comes about.
//
// Without either the test is skipped, unless GATE_TEST_REQUIRE contains
// "postgres": then it fails.
func PostgresURL(t testing.TB) string {
	t.Helper()
	server, err := Server()
	if err != nil {
		without(t, err)
	}
	name := "gate_test_" + strings.ToLower(rand.Text())
	run := func(ctx context.Context, stmt string) error {
		db, err := postgres.Open(ctx, server, postgres.Config{MaxConns: 1, StatementTimeout: time.Minute})
		if err != nil {
			return err
		}
		_, err = db.Write().ExecContext(ctx, stmt)
		return errors.Join(err, db.Close())
	}
	if err := run(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // t.Context has ended by then
		if err := run(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("GATE_TEST_POSTGRES is not a URL")
	}
	u.Path = "/" + name
	return u.String()
}

// without ends a test that has no server.
func without(t testing.TB, err error) {
	t.Helper()
	if strings.Contains(os.Getenv("GATE_TEST_REQUIRE"), "postgres") {
		t.Fatalf("PostgreSQL is required: %v", err)
	}
	t.Skipf("no PostgreSQL: %v", err)
}

// server is a server that this process started.
type server struct {
	url  string
	dir  string
	life io.WriteCloser // its end is the end of the server; held, lest a finalizer close it
	said *bufio.Reader
}

var started = sync.OnceValues(func() (*server, error) { return startServer(forgetful) })

// Server returns the URL of the server that [PostgresURL] says, started if need
// be, for a program that makes its databases itself.
func Server() (string, error) {
	if named := os.Getenv("GATE_TEST_POSTGRES"); named != "" {
		return named, nil
	}
	s, err := started()
	if err != nil {
		return "", err
	}
	return s.url, nil
}

// The script runs as the user of the server. It says "ready" once the server
// answers, stops it and starts it again as its input says, a way to stop on each
// line, "start" on the next, and cleans up when its input ends, which it does with
// the process that holds the other end of the pipe.
const script = `
bin=$1 dir=$2 settings=$3
cd "$dir" || exit 1
stop() { "$bin/pg_ctl" -D "$dir/data" -m "$1" -w stop >/dev/null 2>&1; }
start() { "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 -o "-c listen_addresses='' -c unix_socket_directories='$dir' -c unix_socket_permissions=0700 -c fsync=off -c full_page_writes=off $settings -c max_connections=200" start >>"$dir/log" 2>&1; }
trap 'stop immediate; rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -U gate -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 && start ||
{ tail -n 5 "$dir/log" "$dir/server.log" 2>/dev/null; exit 1; }
echo ready
while read -r word; do
	case $word in
	start) start ;;
	*) stop "$word" ;;
	esac && echo ready || echo fault
done
`

// What a server of tests is started with, besides: the shared one may forget its
// last commits in a crash, as nobody ends it before the tests do.
const (
	forgetful = "-c synchronous_commit=off -c shared_buffers=32MB"
	careful   = "-c synchronous_commit=on -c shared_buffers=32MB"
)

// startServer starts a server that lives as long as this process.
func startServer(settings string) (*server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gate-pg-") // short: the path of a socket is limited to 107 bytes
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", "-c", script, "sh", bin, dir, settings) // its life is that of the process, not of a test
	cmd.Dir = "/"
	if err := ownGroup(cmd, dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	said := bufio.NewReader(out)
	first, err := said.ReadString('\n')
	if err != nil || first != "ready\n" {
		rest, _ := io.ReadAll(io.LimitReader(said, 4096))
		return nil, fmt.Errorf("start PostgreSQL: %s%s: %w", first, rest, errors.Join(err, in.Close(), cmd.Wait()))
	}
	q := url.Values{"host": {dir}, "user": {"gate"}, "sslmode": {"disable"}}
	return &server{url: "postgres:///postgres?" + q.Encode(), dir: dir, life: in, said: said}, nil
}

// programs returns the folder with initdb and pg_ctl, of the newest version.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if dir := filepath.Dir(path); isProgram(filepath.Join(dir, "pg_ctl")) {
			return dir, nil
		}
	}
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(dirs, func(a, b string) int { return major(b) - major(a) })
	for _, dir := range dirs {
		if isProgram(filepath.Join(dir, "initdb")) && isProgram(filepath.Join(dir, "pg_ctl")) {
			return dir, nil
		}
	}
	return "", errors.New("neither GATE_TEST_POSTGRES nor initdb and pg_ctl in PATH or /usr/lib/postgresql/*/bin")
}

// major returns the version in /usr/lib/postgresql/17/bin, 0 if it is none.
func major(bin string) int {
	text, _, _ := strings.Cut(filepath.Base(filepath.Dir(bin)), ".")
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// serverUser is who runs the server when the tests run as root, whom it
// refuses.
func serverUser() (*user.User, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	return u, err
}
