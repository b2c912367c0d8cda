package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/store/storetest"
)

// A release is the restaurant at some point of its life, on one of the databases.
type release struct {
	*testing.T

	service server.Service
	url     string
	db      *store.DB // of somebody with a console
}

// releases runs test with the restaurant on both databases.
func releases(t *testing.T, test func(t *testing.T, r *release)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Chdir(t.TempDir())
		db, err := sqlite.Open(t.Context(), "test.db", sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		test(t, &release{T: t, service: restaurant(true, false, nil), url: "test.db", db: db})
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Chdir(t.TempDir())
		url := storetest.PostgresURL(t)
		db, err := postgres.Open(t.Context(), url, postgres.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		test(t, &release{T: t, service: onServer(restaurant(true, false, nil)), url: url, db: db})
	})
}

// onServer is a service on PostgreSQL.
func onServer(s server.Service) server.Service {
	s.Database, s.Open = "", nil
	s.Connect = func(ctx context.Context, url string, pool server.Pool) (*store.DB, error) {
		return postgres.Open(ctx, url, postgres.Config{MaxConns: pool.MaxConns, StatementTimeout: pool.StatementTimeout})
	}
	s.Migrations = func() ([]store.Migration, error) {
		ms, err := migrations()
		ms[0].SQL = strings.NewReplacer(
			`"id" TEXT`, `"id" uuid`, `"price" INTEGER`, `"price" numeric(10,2)`, `"roles" TEXT`, `"roles" jsonb`, `_at" TEXT`, `_at" timestamptz`,
			" COLLATE NOCASE", "", "BLOB", "bytea", `"row_id" TEXT`, `"row_id" uuid`, `"photo" TEXT`, `"photo" jsonb`, `("email")`, `(lower("email" COLLATE "C"))`,
		).Replace(ms[0].SQL)
		return ms, err
	}
	return s
}

// with adds migrations to those of the service.
func (r *release) with(steps ...store.Migration) {
	first := r.service.Migrations
	r.service.Migrations = func() ([]store.Migration, error) {
		ms, err := first()
		for _, m := range steps {
			m.Version = len(ms) + 1
			ms = append(ms, m)
		}
		return ms, err
	}
}

// run runs a command below migrate, without a secret.
func (r *release) run(want int, args ...string) (stdout, stderr string) {
	r.Helper()
	code, out, errs := programOf(r.T, r.service, append([]string{"migrate"}, args...), []string{"DATABASE_URL=" + r.url}, true)
	if code != want {
		r.Errorf("%q: exit code %d, want %d\n%s%s", args, code, want, out, errs)
	}
	return out, errs
}

func (r *release) exec(stmt string) {
	r.Helper()
	if _, err := r.db.Exec(r.Context(), stmt); err != nil {
		r.Fatalf("%s: %v", stmt, err)
	}
}

// states returns what status says, a line for each migration and difference.
func (r *release) states(want int) (list []string) {
	r.Helper()
	out, errs := r.run(want, "status", "--json")
	if errs != "" {
		r.Errorf("status says %s", errs)
	}
	for line := range strings.Lines(out) {
		var s struct {
			Component, Name, State, Drift string
			Version                       int
		}
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			r.Fatalf("%q: %v", line, err)
		}
		switch {
		case s.Drift != "":
			list = append(list, s.Drift)
		case s.Component == "app":
			list = append(list, fmt.Sprintf("%d %s %s", s.Version, s.Name, s.State))
		}
	}
	return list
}

func (r *release) expect(code int, want ...string) {
	r.Helper()
	if diff := cmp.Diff(want, r.states(code)); diff != "" {
		r.Errorf("status (-want +got):\n%s", diff)
	}
}

var initApplied = regexp.MustCompile(`(?m)^app +0001_init\.sql +applied$`)

// TestMigrate walks through the life of a database: what is asked changes nothing,
// what was not asked for does not happen.
func TestMigrate(t *testing.T) {
	releases(t, func(t *testing.T, r *release) {
		r.expect(3, "1 init pending")
		r.expect(3, "1 init pending")
		if out, _ := r.run(3, "plan"); !strings.Contains(out, "-- app 0001_init.sql\nCREATE TABLE \"items\"") || !strings.Contains(out, "-- accounts 0001_") {
			t.Errorf("plan: %s", out)
		}
		if out, _ := r.run(0, "apply"); !strings.Contains(out, "applied app 0001_init.sql\n") {
			t.Errorf("apply: %s", out)
		}
		if _, err := os.Stat(".gate"); !os.IsNotExist(err) {
			t.Errorf("an administrator was made: %v", err)
		}
		if out, _ := r.run(0, "apply"); out != "nothing is pending\n" {
			t.Errorf("apply again: %s", out)
		}
		if out, _ := r.run(0, "plan"); out != "-- nothing is pending\n" {
			t.Errorf("plan: %s", out)
		}
		if out, _ := r.run(0, "plan", "--json"); out != "" {
			t.Errorf("plan: %s", out)
		}
		r.expect(0, "1 init applied")
		if out, _ := r.run(0, "status"); !initApplied.MatchString(out) || !strings.HasSuffix(out, "\n\nup to date\n") {
			t.Errorf("status: %s", out)
		}

		r.with(store.Migration{Name: "key", SQL: "CREATE UNIQUE INDEX items_name_key ON items (name);", Down: "DROP INDEX items_name_key;"})
		r.expect(3, "1 init applied", "2 key pending")
		if out, _ := r.run(3, "status"); !strings.HasSuffix(out, "\n1 pending: restaurant migrate plan shows the SQL, restaurant migrate apply runs it\n") {
			t.Errorf("status: %s", out)
		}
		want := "-- app 0002_key.sql, can be taken back\nCREATE UNIQUE INDEX items_name_key ON items (name);\n\n"
		if out, _ := r.run(3, "plan"); out != want {
			t.Errorf("plan: %s", out)
		}
		want = `{"component":"app","down":"DROP INDEX items_name_key;","name":"key","sql":"CREATE UNIQUE INDEX items_name_key ON items (name);","version":2}` + "\n"
		if out, _ := r.run(3, "plan", "--json"); out != want {
			t.Errorf("plan: %s", out)
		}
		if out, _ := r.run(0, "apply", "--json"); out != `{"component":"app","version":2,"name":"key"}`+"\n" {
			t.Errorf("apply: %s", out)
		}
		r.expect(0, "1 init applied", "2 key applied")
		if out, _ := r.run(0, "down"); !strings.HasPrefix(out, "taken back app 0002_key.sql; ") {
			t.Errorf("down: %s", out)
		}
		r.expect(3, "1 init applied", "2 key pending")
		_, said := r.run(1, "down")
		for _, want := range []string{"restaurant: ", "0001_init.sql is the last one", "there is no 0001_init.down.sql", "only where nothing is lost", "Change gate.yaml back"} {
			if !strings.Contains(said, want) {
				t.Errorf("no way back, and nothing of %q: %s", want, said)
			}
		}
		r.run(0, "apply")
		if out, _ := r.run(0, "down", "--json"); out != `{"component":"app","name":"key","state":"taken back","version":2}`+"\n" {
			t.Errorf("down: %s", out)
		}
	})
}

// TestMigrate_drift changes the schema by hand: each change is named, and nothing
// is changed by looking.
func TestMigrate_drift(t *testing.T) {
	releases(t, func(t *testing.T, r *release) {
		r.with(store.Migration{Name: "index", SQL: "CREATE INDEX items_name_idx ON items (name);"})
		r.run(0, "apply")
		want := []string{"1 init applied", "2 index applied"}
		r.expect(0, want...)
		r.exec("ALTER TABLE items ADD COLUMN rating INTEGER")
		r.exec("DROP INDEX items_name_idx")
		index := "CREATE INDEX items_name_idx ON items (name)"
		if r.db.Dialect() == store.Postgres {
			index = "CREATE INDEX items_name_idx ON items USING btree (name)"
			r.exec("ALTER TABLE items ALTER COLUMN description TYPE varchar(20)")
			want = append(want, "table items: column description is character varying(20), not text")
		}
		want = append(want,
			"table items: column rating is not of a migration: integer",
			"table items: index items_name_idx is missing: "+index)
		r.expect(3, want...)
		r.expect(3, want...)
		out, _ := r.run(3, "status")
		if !strings.Contains(out, "\nchanged by hand, not by a migration:\n") || !strings.Contains(out, "\n  table items: column rating is not of a migration: integer\n") {
			t.Errorf("status: %s", out)
		}
		if out, _ := r.run(0, "plan"); out != "-- nothing is pending\n" {
			t.Errorf("plan: %s", out)
		}
	})
}

// TestMigrate_faults: what cannot be answered is 1 and a sentence, and never looks
// like an answer.
func TestMigrate_faults(t *testing.T) {
	releases(t, func(t *testing.T, r *release) {
		r.with(store.Migration{Name: "good", SQL: "CREATE TABLE good (id INTEGER);"}, store.Migration{Name: "bad", SQL: "CREATE TABEL bad;"})
		out, said := r.run(1, "apply")
		if !strings.HasSuffix(out, "applied app 0002_good.sql\n") || !strings.Contains(said, "0003_bad.sql:1: ") {
			t.Errorf("the third fails:\n%s%s", out, said)
		}
		newer := r.service
		r.service = restaurant(true, false, nil)
		if r.db.Dialect() == store.Postgres {
			r.service = onServer(r.service)
		}
		for _, command := range []string{"status", "plan", "apply", "down"} {
			if _, said := r.run(1, command); !strings.Contains(said, "database is newer than this program") {
				t.Errorf("%s of the one before: %s", command, said)
			}
		}
		r.service = newer
		r.exec("UPDATE gate_migrations SET checksum = 'x' WHERE version = 1 AND component = 'app'")
		if _, said := r.run(1, "status"); !strings.Contains(said, "applied migration was changed") {
			t.Errorf("an edited one: %s", said)
		}
		r.url = map[store.Dialect]string{store.SQLite: "nowhere/\x00", store.Postgres: "postgres://127.0.0.1:1/none?sslmode=disable"}[r.db.Dialect()]
		for _, command := range []string{"status", "plan", "apply", "down"} {
			if out, said := r.run(1, command); out != "" || !strings.Contains(said, "open the database") {
				t.Errorf("%s without a database: %s%s", command, out, said)
			}
		}
	})
}

func TestMigrate_usage(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{{"migrate", "up"}, {"migrate", "status", "now"}, {"migrate", "--json"}, {"migrate", "down", "--json", "--json"}, {"migrate", ""}} {
		if code, out, errs := program(t, args, nil, false); code != 2 || out != "" || !strings.Contains(errs, "migrate plan ") {
			t.Errorf("%q: %d\n%s%s", args, code, out, errs)
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 0 {
		t.Errorf("wrong usage left %v, %v", entries, err)
	}
}

// TestMigrate_atOnce starts several processes on an empty database: each migration
// runs once, and every process comes up.
func TestMigrate_atOnce(t *testing.T) {
	releases(t, func(t *testing.T, r *release) {
		r.with(store.Migration{Name: "key", SQL: "CREATE UNIQUE INDEX items_name_key ON items (name);"})
		environ := []string{"AUTH_SECRET=" + testSecret, "DATABASE_URL=" + r.url}
		var mu sync.Mutex
		applied := map[string]int{}
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				args := []string{"migrate"} // as a start does
				if i%2 == 1 {
					args = append(args, "apply", "--json")
				}
				code, out, errs := programOf(t, r.service, args, environ, false)
				if code != 0 {
					t.Errorf("%q: %d\n%s", args, code, errs)
				}
				mu.Lock()
				defer mu.Unlock()
				for line := range strings.Lines(out) {
					applied[line]++
				}
			})
		}
		wg.Wait()
		for line, n := range applied {
			if n != 1 {
				t.Errorf("applied %d times: %s", n, line)
			}
		}
		if len(applied) < 5 {
			t.Errorf("applied %v", applied)
		}
		r.expect(0, "1 init applied", "2 key applied")
	})
}

// TestStatementTimeout asks a service whose database lets a statement wait: the
// setting of the environment wins over that of the design, and the answer says
// when to come again.
func TestStatementTimeout(t *testing.T) {
	t.Chdir(t.TempDir())
	url := storetest.PostgresURL(t)
	s := onServer(restaurant(false, false, nil))
	s.Pool = server.Pool{MaxConns: 3}
	cfg, err := config.Load(config.Options{Environ: []string{"DATABASE_URL=" + url, "DATABASE_STATEMENT_TIMEOUT=200ms"}, Addr: "127.0.0.1:0", Pool: s.Pool})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.Open(t.Context(), s, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	db, err := postgres.Open(t.Context(), url, postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Write().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE items"); err != nil { // for which every statement waits now
		t.Fatal(err)
	}
	for _, path := range []string{"/api/items", "/api/items/01941f29-7c00-7a3e-8b1d-00000000000a"} {
		res := httptest.NewRecorder()
		srv.Handler().ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if res.Code != http.StatusServiceUnavailable || res.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d, Retry-After %q\n%s", path, res.Code, res.Header().Get("Retry-After"), res.Body)
		}
	}
}
