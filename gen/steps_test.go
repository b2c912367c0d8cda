package gen_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/store/storetest"
)

// A tool is a plugin that contributes what a test says.
type tool struct{ contribute func(*gen.Build) }

func (tool) Settings() any { return nil }

func (tool) Validate(*design.Design, *design.Plugin) error { return nil }

func (t tool) Contribute(b *gen.Build) error {
	t.contribute(b)
	return nil
}

func aPlugin(name string, contribute func(*gen.Build)) gen.Plugin {
	return gen.Plugin{Name: name, Summary: "a test", Version: "v0.1.0", New: func() gen.Part { return tool{contribute} }}
}

// sqlFiles are migrations for both databases.
func sqlFiles(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range files {
		for _, db := range []string{"sqlite", "postgres"} {
			m[db+"/"+name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return m
}

const (
	stepped    = "gate: 1\nservice: {name: shop, module: example.com/shop}\nplugins: {my-notes: {}}\nentities:\n  Item: {fields: {name: text}}\n"
	noteTable  = "CREATE TABLE notes (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES notes (id) ON DELETE CASCADE);\n"
	noteColumn = "ALTER TABLE notes ADD COLUMN text TEXT;\nCREATE INDEX notes_text ON notes (text);\n"
)

func migrates(files fs.FS) []gen.Plugin {
	return append(standard.Plugins(), aPlugin("my-notes", func(b *gen.Build) { b.Migrate(files) }))
}

// step generates for a folder with the plugins of a test.
func step(t *testing.T, dir, src string, plugins []gen.Plugin) error {
	t.Helper()
	d := parse(t, src)
	state, err := gen.ReadState(dir, d.Service.Database, plugins...)
	if err != nil {
		t.Fatal(err)
	}
	files, err := gen.Generate(d, gen.Options{Replace: "/gate", State: state}, plugins...)
	if err != nil {
		return err
	}
	_, err = gen.Apply(dir, files, gen.ApplyOptions{})
	return err
}

func migrationNames(t *testing.T, dir, database string) []string {
	t.Helper()
	names, err := fs.Glob(os.DirFS(dir), "migrations/"+database+"/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		names[i] = filepath.Base(name)
	}
	return names
}

// TestMigrationsOfPlugins: they are written once, in the order in which they came, for
// either database, and stay when the plugin goes.
func TestMigrationsOfPlugins(t *testing.T) {
	first := map[string]string{"0001_init.sql": noteTable, "0001_init.down.sql": "DROP TABLE notes;\n"}
	second := maps.Clone(first)
	second["0002_text.sql"] = noteColumn
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			dir := t.TempDir()
			with := func(fields string) string {
				return strings.NewReplacer("module:", "database: "+database+", module:", "name: text", "name: text"+fields).Replace(stepped)
			}
			do := func(src string, files map[string]string, want ...string) {
				t.Helper()
				for range 2 {
					if err := step(t, dir, src, migrates(sqlFiles(files))); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(want, migrationNames(t, dir, database)); diff != "" {
						t.Fatal(diff)
					}
				}
			}
			list := []string{"0001_init.sql", "0002_my_notes_0001_init.down.sql", "0002_my_notes_0001_init.sql"}
			do(with(""), first, list...)
			list = append(list, "0003_add_items_price.sql")
			do(with(", price: decimal"), first, list...)
			list = append(list, "0004_my_notes_0002_text.sql")
			do(with(", price: decimal"), second, list...)
			do(strings.Replace(with(", price: decimal"), "my-notes: {}", "my-notes: {enabled: false}", 1), second, list...)
			do(with(", price: decimal"), second, list...)

			edited := maps.Clone(second)
			edited["0001_init.sql"] = "CREATE TABLE notes (id TEXT PRIMARY KEY);\n"
			before := tree(t, dir)
			err := step(t, dir, with(", price: decimal"), migrates(sqlFiles(edited)))
			if err == nil || !strings.Contains(err.Error(), "0002_my_notes_0001_init.sql exists and differs") {
				t.Errorf("a file that is out was changed: %v", err)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Error(diff)
			}
			runs(t, dir, database)
		})
	}
}

// runs applies the migrations in a folder, sees no drift, and sees what somebody does
// to the table of the plugin.
func runs(t *testing.T, dir, database string) {
	t.Helper()
	var db *store.DB
	if database == "sqlite" {
		var err error
		if db, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "shop.db"), sqlite.Config{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
	} else {
		db = storetest.Postgres(t)
	}
	ms, err := store.LoadFS(os.DirFS(filepath.Join(dir, "migrations")), database)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context(), "app", ms); err != nil {
		t.Fatal(err)
	}
	components := []store.Component{{Name: "app", Migrations: ms}}
	if drift, err := db.Drift(t.Context(), components); err != nil || drift != nil {
		t.Errorf("drift: %v, %v", drift, err)
	}
	if _, err := db.Write().ExecContext(t.Context(), "ALTER TABLE notes ADD COLUMN mine TEXT"); err != nil {
		t.Fatal(err)
	}
	if drift, err := db.Drift(t.Context(), components); err != nil || len(drift) != 1 || !strings.Contains(drift[0], "notes") {
		t.Errorf("drift of the plugin's table: %v, %v", drift, err)
	}
}

// TestMigrationsReferToEntities: a key to the table of an entity is no change of it.
func TestMigrationsReferToEntities(t *testing.T) {
	files := sqlFiles(map[string]string{"0001_x.sql": "CREATE TABLE seen (item TEXT NOT NULL REFERENCES items (id) ON DELETE CASCADE);\nCREATE INDEX seen_item ON seen (item);\n" +
		"-- a view: CREATE VIEW v, or an index on items, says /* FROM items */ 'nothing'\nINSERT INTO seen SELECT id FROM items;\n"})
	if _, err := gen.Generate(parse(t, stepped), gen.Options{Replace: "/gate"}, migrates(files)...); err != nil {
		t.Error(err)
	}
}

// TestMigrationsOfPluginsRefused names the plugin, the file, and what is wrong.
func TestMigrationsOfPluginsRefused(t *testing.T) {
	one := func(sql string) fs.FS { return sqlFiles(map[string]string{"0001_x.sql": sql}) }
	for name, tt := range map[string]struct {
		files fs.FS
		want  string
	}{
		"a column of an entity":  {one("alter table if exists only \"items\" ADD COLUMN x TEXT;"), "plugin my-notes: sqlite/0001_x.sql changes the table items, which follows from gate.yaml"},
		"its schema":             {one("ALTER TABLE public.ITEMS ADD COLUMN x TEXT;"), "changes the table ITEMS"},
		"its table":              {one("CREATE TABLE IF NOT EXISTS `items` (x TEXT);"), "changes the table items"},
		"its index":              {one("CREATE TABLE x (y TEXT);\nCREATE UNIQUE INDEX i\n\tON items (name);"), "changes the table items"},
		"its trigger":            {one("CREATE TRIGGER t AFTER INSERT ON items BEGIN SELECT 1; END;"), "changes the table items"},
		"on the way back":        {sqlFiles(map[string]string{"0001_x.sql": noteTable, "0001_x.down.sql": "DROP TABLE items;"}), "changes the table items"},
		"a view of it":           {one("CREATE VIEW names AS SELECT name FROM items;"), "0001_x.sql holds the table items in a view or a trigger"},
		"a view, joined":         {one(noteTable + "CREATE OR REPLACE VIEW v AS SELECT 1 FROM notes\nJOIN public.\"items\" ON true;"), "holds the table items"},
		"a trigger of its own":   {one(noteTable + "CREATE TRIGGER t AFTER INSERT ON notes BEGIN UPDATE items SET name = 'x'; END;"), "holds the table items"},
		"the ledger":             {one("DROP TABLE gate_migrations;"), "changes the table gate_migrations: names with gate_ are those of gate"},
		"one database":           {fstest.MapFS{"sqlite/0001_x.sql": {Data: []byte(noteTable)}}, "plugin my-notes: migrations: open postgres"},
		"other names":            {fstest.MapFS{"sqlite/0001_x.sql": {Data: []byte(noteTable)}, "postgres/0001_y.sql": {Data: []byte(noteTable)}}, "its migrations are 0001_x.sql for sqlite, and 0001_y.sql for postgres"},
		"a hole":                 {sqlFiles(map[string]string{"0002_x.sql": noteTable}), "plugin my-notes: migrations in sqlite: "},
		"a name that is no name": {sqlFiles(map[string]string{"x.sql": noteTable}), "sqlite/x.sql: not named like 0001_init.sql"},
		"a long name":            {sqlFiles(map[string]string{"0001_" + strings.Repeat("x", 80) + ".sql": noteTable}), "has too long a name: at most 76 letters"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gen.Generate(parse(t, stepped), gen.Options{Replace: "/gate"}, migrates(tt.files)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}
