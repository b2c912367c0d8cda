package store_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

func TestNew_refusals(t *testing.T) {
	handle := &sql.DB{}
	other := func(error) store.Problem { return store.Problem{} }
	for _, tt := range []struct {
		name string
		cfg  store.Config
	}{
		{"zero", store.Config{}},
		{"dialect", store.Config{Dialect: 3, Write: handle, Classify: other}},
		{"no handle", store.Config{Dialect: store.SQLite, Classify: other}},
		{"no classifier", store.Config{Dialect: store.SQLite, Write: handle}},
		{"negative wait", store.Config{Dialect: store.SQLite, Write: handle, Classify: other, Wait: -1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if db, err := store.New(tt.cfg); err == nil {
				t.Errorf("New = %v, want an error", db)
			}
		})
	}
}

func TestClassify_withoutDriver(t *testing.T) {
	db, err := sqlite.Open(t.Context(), ":memory:", sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, err := range []error{
		t.Context().Err(), // nil
		sql.ErrNoRows,
		errors.New("anything else"),
		fmt.Errorf("wrapped: %w", sql.ErrNoRows),
	} {
		if got := db.Classify(err); got.Kind != store.Other {
			t.Errorf("%v: kind = %v, want other", err, got.Kind)
		}
		if wrapped := db.Wrap(err); !same(wrapped, err) {
			t.Errorf("Wrap(%v) = %v", err, wrapped)
		}
	}
	for _, cause := range []error{
		driver.ErrBadConn,
		sql.ErrConnDone,
		&net.OpError{Op: "dial", Err: errors.New("refused")},
		store.ErrUnavailable,
	} {
		err := db.Wrap(fmt.Errorf("get: %w", cause))
		if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, cause) {
			t.Errorf("Wrap(%v) = %v, want both", cause, err)
		}
		if again := db.Wrap(err); !same(again, err) {
			t.Errorf("wrapped twice: %v", again)
		}
	}
}

// same reports whether two errors are one, where errors.Is would look inside.
func same(a, b error) bool { return any(a) == any(b) }

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		store.SQLite.String():                           "sqlite",
		store.Postgres.String():                         "postgresql",
		store.Dialect(0).String():                       "Dialect(0)",
		store.Postgres.Placeholder(12):                  "$12",
		store.SQLite.Quote(`a"b`):                       `"a""b"`,
		store.Unique.String():                           "unique",
		store.ForeignKey.String():                       "foreign key",
		store.NotNull.String():                          "not null",
		store.Check.String():                            "check",
		store.Unavailable.String():                      "unavailable",
		store.Other.String():                            "other",
		store.Kind(99).String():                         "Kind(99)",
		store.Migration{Version: 7, Name: "x"}.String(): "0007_x.sql",
		store.Migration{SQL: "a\r\nb"}.Checksum():       store.Migration{SQL: "a\nb"}.Checksum(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLoadFS(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for _, tt := range []struct {
		name  string
		files fstest.MapFS
		want  []store.Migration
		err   string
	}{
		{
			"in order",
			fstest.MapFS{"m/0002_more_things.sql": file("b;"), "m/0001_init.sql": file("a;"), "m/sum.txt": file("x"), "m/old/0001_x.sql": file("y")},
			[]store.Migration{{Version: 1, Name: "init", SQL: "a;"}, {Version: 2, Name: "more_things", SQL: "b;"}},
			"",
		},
		{
			"with a way back",
			fstest.MapFS{"m/0001_init.sql": file("a;"), "m/0002_key.down.sql": file("c;"), "m/0002_key.sql": file("b;")},
			[]store.Migration{{Version: 1, Name: "init", SQL: "a;"}, {Version: 2, Name: "key", SQL: "b;", Down: "c;"}},
			"",
		},
		{"back from nowhere", fstest.MapFS{"m/0001_a.sql": file(""), "m/0002_b.down.sql": file("x")}, nil, "m/0002_b.down.sql undoes 0002_b.sql, which is not there"},
		{"back from another", fstest.MapFS{"m/0001_a.sql": file(""), "m/0001_b.down.sql": file("x")}, nil, "undoes 0001_b.sql"},
		{"back before the first", fstest.MapFS{"m/0001_a.sql": file(""), "m/0000_a.down.sql": file("x")}, nil, "undoes 0000_a.sql"},
		{"back by nothing", fstest.MapFS{"m/0001_a.sql": file(""), "m/0001_a.down.sql": file(" \n")}, nil, "m/0001_a.down.sql is empty"},
		{"gap", fstest.MapFS{"m/0001_a.sql": file(""), "m/0003_b.sql": file("")}, nil, "version 2 expected, 0003_b.sql found"},
		{"not from 1", fstest.MapFS{"m/0002_a.sql": file("")}, nil, "version 1 expected"},
		{"from 0", fstest.MapFS{"m/0000_a.sql": file(""), "m/0001_b.sql": file("")}, nil, "version 1 expected"},
		{"twice", fstest.MapFS{"m/0001_a.sql": file(""), "m/0001_b.sql": file("")}, nil, "version 2 expected, 0001_b.sql found"},
		{"name", fstest.MapFS{"m/1_init.sql": file("")}, nil, "m/1_init.sql: not named like"},
		{"upper case", fstest.MapFS{"m/0001_Init.sql": file("")}, nil, "not named like"},
		{"no folder", fstest.MapFS{}, nil, "migrations: open m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := store.LoadFS(tt.files, "m")
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("LoadFS = %v, want %q in it", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	_, err := store.LoadFS(fstest.MapFS{"m/0002_a.sql": file("")}, "m")
	if !errors.Is(err, store.ErrGap) {
		t.Errorf("err = %v, want %v", err, store.ErrGap)
	}
}

// TestAcquire_waits: a writer that is not given back makes others give up.
func TestAcquire_waits(t *testing.T) {
	db, err := sqlite.Open(t.Context(), ":memory:", sqlite.Config{BusyTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Write().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := db.Exec(t.Context(), "SELECT 1"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Exec = %v, want %v", err, store.ErrUnavailable)
	}
	if err := db.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Ping = %v, want %v", err, store.ErrUnavailable)
	}
	if took := time.Since(began); took > 30*time.Second { // whatever else the machine does
		t.Errorf("waited for %v", took)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
