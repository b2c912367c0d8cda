package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestDrift changes a schema behind the back of its migrations.
func TestDrift(t *testing.T) {
	shop := store.Component{Name: "app", Migrations: []store.Migration{
		{Version: 1, Name: "init", SQL: `CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
			CREATE TABLE items (id INTEGER PRIMARY KEY, title TEXT NOT NULL DEFAULT 'none', author INTEGER REFERENCES authors (id) ON DELETE CASCADE);
			CREATE INDEX items_author_idx ON items (author);`},
		{Version: 2, Name: "unique", SQL: `CREATE UNIQUE INDEX items_title_key ON items (title);`},
		{Version: 3, Name: "later", SQL: `CREATE TABLE later (id INTEGER PRIMARY KEY);`},
	}}
	two := store.Component{Name: "app", Migrations: shop.Migrations[:2]}
	for _, tt := range []struct {
		name, change string
		want         map[store.Dialect][]string
	}{
		{"nothing", "", nil},
		{"a table of others", "CREATE TABLE notes (id INTEGER PRIMARY KEY)", nil},
		{"a column too many", "ALTER TABLE items ADD COLUMN price INTEGER", both("table items: column price is not of a migration: integer")},
		{"a column less", "ALTER TABLE authors DROP COLUMN name", map[store.Dialect][]string{
			store.SQLite:   {"table authors: column name is missing: text not null"},
			store.Postgres: {"table authors: column name is missing: text not null"},
		}},
		{"an index less", "DROP INDEX items_title_key", map[store.Dialect][]string{
			store.SQLite:   {"table items: index items_title_key is missing: CREATE UNIQUE INDEX items_title_key ON items (title)"},
			store.Postgres: {"table items: index items_title_key is missing: CREATE UNIQUE INDEX items_title_key ON items USING btree (title)"},
		}},
		{"another index", "DROP INDEX items_author_idx; CREATE INDEX items_author_idx ON items (title)", map[store.Dialect][]string{
			store.SQLite:   {"table items: index items_author_idx is CREATE INDEX items_author_idx ON items (title), not CREATE INDEX items_author_idx ON items (author)"},
			store.Postgres: {"table items: index items_author_idx is CREATE INDEX items_author_idx ON items USING btree (title), not CREATE INDEX items_author_idx ON items USING btree (author)"},
		}},
		{"a table less", "DROP TABLE items", both("table items is missing")},
		{"another rule", "ALTER TABLE items DROP CONSTRAINT items_author_fkey; ALTER TABLE items ADD CONSTRAINT items_author_fkey FOREIGN KEY (author) REFERENCES authors (id)", map[store.Dialect][]string{
			store.Postgres: {"table items: constraint items_author_fkey is FOREIGN KEY (author) REFERENCES authors(id), not FOREIGN KEY (author) REFERENCES authors(id) ON DELETE CASCADE"},
		}},
		{"another type", "ALTER TABLE items ALTER COLUMN author TYPE bigint", map[store.Dialect][]string{
			store.Postgres: {"table items: column author is bigint, not integer"},
		}},
		{"rebuilt without its key", "DROP TABLE items; CREATE TABLE items (id INTEGER PRIMARY KEY, title TEXT, author INTEGER); " +
			"CREATE INDEX items_author_idx ON items (author); CREATE UNIQUE INDEX items_title_key ON items (title)", map[store.Dialect][]string{
			store.SQLite: {
				"table items: column title is text, not text not null default 'none'",
				"table items: constraint of author is missing: references authors (id) on delete cascade on update no action",
			},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				want, ok := tt.want[db.Dialect()]
				if !ok && tt.want != nil {
					return // it has no such statement
				}
				if _, err := db.Migrate(t.Context(), "app", two.Migrations); err != nil {
					t.Fatal(err)
				}
				if tt.change != "" {
					if _, err := db.Exec(t.Context(), tt.change); err != nil {
						t.Fatal(err)
					}
				}
				got, err := db.Drift(t.Context(), []store.Component{shop})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				// It leaves nothing behind, and may be asked again.
				if again, err := db.Drift(t.Context(), []store.Component{shop}); err != nil || !cmp.Equal(got, again) {
					t.Errorf("asked again: %v, %v", again, err)
				}
			})
		})
	}
}

func both(want ...string) map[store.Dialect][]string {
	return map[store.Dialect][]string{store.SQLite: want, store.Postgres: want}
}

// TestDrift_refusals: a history that is not the program's is none to compare with.
func TestDrift_refusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ms := []store.Migration{{Version: 1, Name: "init", SQL: "CREATE TABLE a (id INTEGER);"}}
		if _, err := db.Migrate(t.Context(), "app", ms); err != nil {
			t.Fatal(err)
		}
		edited := []store.Migration{{Version: 1, Name: "init", SQL: "CREATE TABLE b (id INTEGER);"}}
		if got, err := db.Drift(t.Context(), []store.Component{{Name: "app", Migrations: edited}}); err == nil {
			t.Errorf("an edited migration: %v", got)
		}
	})
}
