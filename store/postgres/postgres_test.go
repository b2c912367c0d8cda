package postgres_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.DB { return storetest.Postgres(t) })
}

const password = "canary-7b1f"

// open opens what storetest gives, once more.
func open(t *testing.T, url string, cfg postgres.Config) *store.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func run(t *testing.T, db *store.DB, stmt string) {
	t.Helper()
	if _, err := db.Exec(t.Context(), stmt); err != nil {
		t.Fatalf("%s: %v", stmt, err)
	}
}

func TestOPS09_weakTLS(t *testing.T) {
	for _, tt := range []struct{ name, url, env string }{
		{"nothing said", "postgres://u:" + password + "@db.example/app", ""},
		{"disable", "postgres://u:" + password + "@db.example/app?sslmode=disable", ""},
		{"allow", "postgres://u:" + password + "@db.example/app?sslmode=allow", ""},
		{"prefer", "postgres://u:" + password + "@db.example/app?sslmode=prefer", ""},
		{"require", "postgres://u:" + password + "@db.example/app?sslmode=require", ""},
		{"verify-ca", "postgres://u:" + password + "@db.example/app?sslmode=verify-ca", ""},
		{"by environment", "postgres://u:" + password + "@db.example/app", "require"},
		{"an address", "postgres://u:" + password + "@192.0.2.1/app?sslmode=require", ""},
		{"looks like loopback", "postgres://u:" + password + "@localhost.example/app?sslmode=disable", ""},
		{"second host", "postgres://u:" + password + "@localhost,db.example/app?sslmode=disable", ""},
		{"key and value", "host=db.example user=u password=" + password + " sslmode=disable", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PGSSLMODE", tt.env)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := postgres.Open(ctx, tt.url, postgres.Config{})
			if err == nil || !strings.Contains(err.Error(), "sslmode=verify-full") {
				t.Errorf("Open = %v, want it to ask for sslmode=verify-full", err)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// TestOPS09_strongTLS: these get as far as trying to connect.
func TestOPS09_strongTLS(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, url := range []string{
		"postgres://u@192.0.2.1/app?sslmode=verify-full",
		"postgres://u@192.0.2.1/app?sslrootcert=system",
		"postgres://u@localhost/app",
		"postgres://u@127.0.0.8/app?sslmode=disable",
		"postgres://u@[::1]/app?sslmode=prefer",
		"postgres:///app?host=/run/postgresql&sslmode=disable",
	} {
		if _, err := postgres.Open(ctx, url, postgres.Config{}); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v, want %v", url, err, store.ErrUnavailable)
		}
	}
}

func TestOPS10_errorsShowNoPassword(t *testing.T) {
	for _, url := range []string{
		"postgres://u:" + password + "/x@localhost/app", // the slash ends the host
		"postgres://u:" + password + "%zz@localhost/app",
		"postgres://u:" + password + "@localhost:port/app",
		"postgres://u:" + password + "@localhost:1:2/app",
		"postgres://u:" + password + "@localhost/app?sslmode=nonsense",
		"postgres://u:" + password + "@localhost/app?sslrootcert=/does/not/exist&sslmode=verify-full",
		"user=u password='" + password + " host=localhost",
		"host=localhost =" + password,
		"postgres://u:" + password + "@localhost:1/app",
		password,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := postgres.Open(ctx, url, postgres.Config{})
		cancel()
		if err == nil {
			t.Errorf("%s: no error", url)
		}
		if text := fmt.Sprintf("%v %+v %q", err, err, err); strings.Contains(text, password) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestOpen_refusals(t *testing.T) {
	for _, tt := range []struct {
		name, url string
		cfg       postgres.Config
		want      string
	}{
		{"empty", "", postgres.Config{}, "no database URL"},
		{"AUZ-13 simple protocol", "postgres://localhost/app?default_query_exec_mode=simple_protocol", postgres.Config{}, "default_query_exec_mode"},
		{"AUZ-13 exec", "postgres://localhost/app?default_query_exec_mode=exec", postgres.Config{}, "default_query_exec_mode"},
		{"connections", "postgres://localhost/app", postgres.Config{MaxConns: -1}, "negative number of connections"},
		{"timeout", "postgres://localhost/app", postgres.Config{StatementTimeout: -1}, "negative statement timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := postgres.Open(t.Context(), tt.url, tt.cfg)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open = %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestLOG16_nobodyThere(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err = postgres.Open(t.Context(), "postgres://u@"+address+"/app?sslmode=disable", postgres.Config{})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Open = %v, want %v", err, store.ErrUnavailable)
	}
	if took := time.Since(began); took > 30*time.Second { // whatever else the machine does
		t.Errorf("it took %v", took)
	}
}

// TestLOG16_silent: a server that accepts and says nothing.
func TestLOG16_silent(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	began := time.Now()
	_, err = postgres.Open(t.Context(), "postgres://u@"+l.Addr().String()+"/app?sslmode=disable", postgres.Config{})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Open = %v, want %v", err, store.ErrUnavailable)
	}
	if took := time.Since(began); took > 30*time.Second { // whatever else the machine does
		t.Errorf("it took %v", took)
	}
}

func TestSession_settings(t *testing.T) {
	url := storetest.PostgresURL(t)
	db := open(t, url, postgres.Config{})
	for setting, want := range map[string]string{
		"statement_timeout": "5s", "application_name": "gate", "TimeZone": "UTC", "idle_in_transaction_session_timeout": "1min",
	} {
		var got string
		if err := db.Read().QueryRowContext(t.Context(), "SELECT current_setting($1)", setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", setting, got, err, want)
		}
	}
	db = open(t, url+"&statement_timeout=7000", postgres.Config{StatementTimeout: time.Second})
	var got string
	if err := db.Read().QueryRowContext(t.Context(), "SHOW statement_timeout").Scan(&got); err != nil || got != "7s" {
		t.Errorf("statement_timeout = %q, %v, want what the URL says", got, err)
	}
}

func TestLOG16_statementTimeout(t *testing.T) {
	db := open(t, storetest.PostgresURL(t), postgres.Config{StatementTimeout: 50 * time.Millisecond})
	began := time.Now()
	if _, err := db.Exec(t.Context(), "SELECT pg_sleep(20)"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Exec = %v, want %v", err, store.ErrUnavailable)
	}
	if took := time.Since(began); took > 15*time.Second { // not the twenty that it was asked for
		t.Errorf("it took %v", took)
	}
	// A migration may take longer.
	slow := []store.Migration{{Version: 1, Name: "slow", SQL: "SELECT pg_sleep(0.2);"}}
	if _, err := db.Migrate(t.Context(), "app", slow); err != nil {
		t.Error(err)
	}
	// And the limit is back.
	if _, err := db.Exec(t.Context(), "SELECT pg_sleep(20)"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Exec = %v, want %v", err, store.ErrUnavailable)
	}
}

func TestLOG16_connectionKilled(t *testing.T) {
	url := storetest.PostgresURL(t)
	db := open(t, url, postgres.Config{})
	killer := open(t, url, postgres.Config{ApplicationName: "killer"})
	kill := func() {
		run(t, killer, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gate' AND datname = current_database()")
	}
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT 1"); err != nil {
			return err
		}
		kill()
		_, err := tx.ExecContext(ctx, "SELECT 1")
		return err
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("InTx = %v, want %v", err, store.ErrUnavailable)
	}
	kill()
	// At most the connections that were there fail.
	for range 3 {
		_, err := db.Exec(t.Context(), "SELECT 1")
		if err == nil {
			return
		}
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Exec = %v, want %v", err, store.ErrUnavailable)
		}
	}
	t.Error("it did not recover")
}

// TestClassify_retry: of two transactions that wait for each other one is told
// to try again.
func TestClassify_retry(t *testing.T) {
	db := storetest.Postgres(t)
	run(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)")
	run(t, db, "INSERT INTO t VALUES (1, 0), (2, 0)")
	var first, wg sync.WaitGroup
	first.Add(2)
	errs := make([]error, 2)
	for i := range 2 {
		wg.Go(func() {
			errs[i] = db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, "UPDATE t SET n = 1 WHERE id = $1", 1+i)
				first.Done()
				first.Wait()
				if err == nil {
					_, err = tx.ExecContext(ctx, "UPDATE t SET n = 1 WHERE id = $1", 2-i)
				}
				return err
			})
		})
	}
	wg.Wait()
	err := errors.Join(errs...)
	if got := db.Classify(err); !errors.Is(err, store.ErrUnavailable) || !got.Retry || got.Kind != store.Unavailable {
		t.Errorf("Classify(%v) = %+v, want a retry", err, got)
	}
	if errs[0] != nil && errs[1] != nil {
		t.Error("both were refused")
	}
}

// TestOPS15_twoPools: two processes, as far as the server can tell.
func TestOPS15_twoPools(t *testing.T) {
	url := storetest.PostgresURL(t)
	var ms []store.Migration
	for v := 1; v <= 10; v++ {
		ms = append(ms, store.Migration{Version: v, Name: "step", SQL: fmt.Sprintf("CREATE TABLE t%d (id INTEGER); SELECT pg_sleep(0.01);", v)})
	}
	var wg sync.WaitGroup
	var applied [3]int
	for i := range applied {
		db := open(t, url, postgres.Config{MaxConns: 2})
		wg.Go(func() {
			done, err := db.Migrate(t.Context(), "app", ms)
			if err != nil {
				t.Error(err)
			}
			applied[i] = len(done)
		})
	}
	wg.Wait()
	if applied[0]+applied[1]+applied[2] != 10 {
		t.Errorf("applied %v, want 10 in all", applied)
	}
}

// TestOPS15_serviceRole: a role that may not create tables learns whether it
// may start, and does start when there is nothing to do.
func TestOPS15_serviceRole(t *testing.T) {
	url := storetest.PostgresURL(t)
	owner := open(t, url, postgres.Config{})
	role := "gate_test_" + strings.ToLower(rand.Text())
	run(t, owner, "CREATE ROLE "+role)
	t.Cleanup(func() {
		for _, stmt := range []string{"DROP OWNED BY ", "DROP ROLE "} {
			if _, err := owner.Exec(context.Background(), stmt+role); err != nil {
				t.Error(err)
			}
		}
	})
	ms := []store.Migration{{Version: 1, Name: "init", SQL: "CREATE TABLE t (id INTEGER);"}}
	service := open(t, url+"&role="+role, postgres.Config{})
	if pending, err := service.Pending(t.Context(), "app", ms); err != nil || len(pending) != 1 {
		t.Errorf("Pending = %v, %v, want one", pending, err)
	}
	if applied, err := service.Migrate(t.Context(), "app", ms); err == nil || applied != nil {
		t.Errorf("Migrate = %v, %v, want an error", applied, err)
	}
	if _, err := owner.Migrate(t.Context(), "app", ms); err != nil {
		t.Fatal(err)
	}
	run(t, owner, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "+role)
	if applied, err := service.Migrate(t.Context(), "app", ms); err != nil || applied != nil {
		t.Errorf("Migrate = %v, %v, want nothing to do", applied, err)
	}
}

// TestMigrate_waits: while another process migrates, the call ends with its
// context.
func TestMigrate_waits(t *testing.T) {
	url := storetest.PostgresURL(t)
	db := open(t, url, postgres.Config{})
	other := open(t, url, postgres.Config{})
	ms := []store.Migration{{Version: 1, Name: "init", SQL: "CREATE TABLE t (id INTEGER);"}}
	const lock = 0x67617465_00000001
	err := other.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(lock)); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if applied, err := db.Migrate(short, "app", ms); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Migrate = %v, %v, want %v", applied, err, store.ErrUnavailable)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if applied, err := db.Migrate(t.Context(), "app", ms); err != nil || len(applied) != 1 {
		t.Errorf("Migrate = %v, %v, want one", applied, err)
	}
}

func TestMigrate_functions(t *testing.T) {
	db := storetest.Postgres(t)
	ms := []store.Migration{{Version: 1, Name: "init", SQL: `
		CREATE TABLE t (id INTEGER, n INTEGER DEFAULT 0);
		CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			NEW.n := 7; RETURN NEW; -- it's; $1
		END $$;
		CREATE TRIGGER bump BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION bump();
		CREATE FUNCTION two() RETURNS integer BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END;
		INSERT INTO t (id) SELECT two();`}}
	if _, err := db.Migrate(t.Context(), "app", ms); err != nil {
		t.Fatal(err)
	}
	var id, n int
	if err := db.Read().QueryRowContext(t.Context(), "SELECT id, n FROM t").Scan(&id, &n); err != nil || id != 2 || n != 7 {
		t.Errorf("row = %d, %d, %v, want 2, 7", id, n, err)
	}
}

func TestClassify_keyDetail(t *testing.T) {
	db := storetest.Postgres(t)
	run(t, db, `CREATE TABLE t (a TEXT, "B" TEXT, c TEXT, UNIQUE (a, c), UNIQUE ("B"))`)
	run(t, db, `CREATE UNIQUE INDEX t_lower ON t (lower(c), a)`)
	run(t, db, `INSERT INTO t VALUES ('a', '(c)=(d', '(x)=(y')`)
	for _, tt := range []struct{ stmt, constraint, columns string }{
		{`INSERT INTO t (a, c) VALUES ('a', '(x)=(y')`, "t_a_c_key", "[a c]"},
		{`INSERT INTO t ("B") VALUES ('(c)=(d')`, "t_B_key", "[]"},
		{`INSERT INTO t (a, c) VALUES ('a', '(X)=(y')`, "t_lower", "[]"},
	} {
		_, err := db.Exec(t.Context(), tt.stmt)
		got := db.Classify(err)
		if got.Kind != store.Unique || got.Constraint != tt.constraint || fmt.Sprint(got.Columns) != tt.columns {
			t.Errorf("%s: %+v, want %s %s", tt.stmt, got, tt.constraint, tt.columns)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	db := storetest.Postgres(b)
	if _, err := db.Exec(b.Context(), "CREATE TABLE t (id BIGSERIAL PRIMARY KEY, text TEXT)"); err != nil {
		b.Fatal(err)
	}
	b.Run("exec", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.Exec(b.Context(), "INSERT INTO t (text) VALUES ($1)", "hello"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestMigrate_timeouts: a migration waits for a table for a moment only, and works
// as long as it takes.
func TestMigrate_timeouts(t *testing.T) {
	db := storetest.Postgres(t)
	const seen = "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement;"
	ms := []store.Migration{{Version: 1, Name: "seen", SQL: seen, Down: "CREATE TABLE again AS SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement;"}}
	if _, err := db.Migrate(t.Context(), "app", ms); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Revert(t.Context(), "app", ms); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"seen", "again"} {
		var lock, statement string
		if err := db.Read().QueryRowContext(t.Context(), "SELECT lock, statement FROM "+table).Scan(&lock, &statement); err != nil {
			t.Fatal(err)
		}
		if lock != "5s" || statement != "0" {
			t.Errorf("%s: lock_timeout %s, statement_timeout %s; want 5s and none", table, lock, statement)
		}
	}
}

// TestMigrate_deadlock: a migration that waits for somebody who waits for it is
// undone, and runs again.
func TestMigrate_deadlock(t *testing.T) {
	url := storetest.PostgresURL(t)
	db := open(t, url+"&deadlock_timeout=100", postgres.Config{})      // who notices is undone,
	other := open(t, url+"&deadlock_timeout=60000", postgres.Config{}) // and that is not this one
	run(t, db, "CREATE TABLE a AS SELECT 1 AS n")
	run(t, db, "CREATE TABLE b AS SELECT 1 AS n")
	tx, err := other.Write().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), "UPDATE b SET n = 2"); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() {
		// Between its two tables it waits until somebody who has the second one waits for the first.
		_, err := db.Migrate(t.Context(), "app", []store.Migration{{Version: 1, Name: "both", SQL: `ALTER TABLE a ADD COLUMN m integer;
DO $$ BEGIN
	WHILE EXISTS (SELECT FROM pg_locks WHERE relation = 'b'::regclass AND granted AND pid <> pg_backend_pid())
		AND NOT EXISTS (SELECT FROM pg_locks WHERE relation = 'a'::regclass AND NOT granted)
	LOOP PERFORM pg_sleep(0.001); END LOOP;
END $$;
ALTER TABLE b ADD COLUMN m integer;`}})
		migrated <- err
	}()
	for locked := 0; locked == 0; time.Sleep(time.Millisecond) {
		if err := other.Read().QueryRowContext(t.Context(),
			"SELECT count(*) FROM pg_locks WHERE relation = 'a'::regclass AND mode = 'AccessExclusiveLock' AND granted").Scan(&locked); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.ExecContext(t.Context(), "UPDATE a SET n = 2"); err != nil {
		t.Fatalf("the other one: %v", err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Errorf("the migration: %v", err)
	}
}

// TestServerCrashes: a server that dies in the middle of a statement sends the end
// of the connection instead of an error, and says nothing of the data.
func TestServerCrashes(t *testing.T) {
	crasher := storetest.NewCrasher(t)
	db := open(t, crasher.URL, postgres.Config{StatementTimeout: time.Hour})
	asked := make(chan error, 2)
	go func() {
		asked <- db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "SELECT pg_sleep(3600)")
			return err
		})
	}()
	go func() {
		var nothing any
		asked <- db.Wrap(db.Read().QueryRowContext(t.Context(), "SELECT pg_sleep(3600)").Scan(&nothing))
	}()
	for sleeping := 0; sleeping < 2; time.Sleep(time.Millisecond) {
		if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").Scan(&sleeping); err != nil {
			t.Fatal(err)
		}
	}
	crasher.Stop(t, true)
	for range 2 {
		if err := <-asked; !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("in the middle of a statement: %v, want %v", err, store.ErrUnavailable)
		}
	}
	crasher.Start(t)
}
