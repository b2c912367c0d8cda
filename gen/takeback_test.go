package gen_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// TestTakeBack: a migration that no database has is as if it had never been
// made, and one that somebody edited or follows stays.
func TestTakeBack(t *testing.T) {
	const first, second = "0001_init.sql", "0002_key.sql"
	folder := func(t *testing.T) (dir string, before gen.State) {
		t.Helper()
		dir = t.TempDir()
		files := gen.Files{
			{Path: "migrations/sqlite/" + first, Data: []byte("SELECT 1;\n"), Owner: gen.AppendOnly},
			{Path: "migrations/sqlite/schema.json", Data: []byte("{}\n"), Owner: gen.Merged},
		}
		apply(t, dir, files, gen.ApplyOptions{})
		before, err := gen.ReadState(dir, design.SQLite)
		if err != nil {
			t.Fatal(err)
		}
		return dir, before
	}
	next := func(t *testing.T, dir string) {
		t.Helper()
		apply(t, dir, gen.Files{
			{Path: "migrations/sqlite/" + second, Data: []byte("SELECT 2;\n"), Owner: gen.AppendOnly},
			{Path: "migrations/sqlite/0002_key.down.sql", Data: []byte("SELECT 1;\n"), Owner: gen.AppendOnly},
			{Path: "migrations/sqlite/schema.json", Data: []byte("{\"key\":1}\n"), Owner: gen.Merged},
		}, gen.ApplyOptions{})
	}
	t.Run("back", func(t *testing.T) {
		dir, before := folder(t)
		was := tree(t, dir)
		next(t, dir)
		if err := gen.TakeBack(dir, design.SQLite, before, second); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(was, tree(t, dir)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("the first", func(t *testing.T) {
		dir, _ := folder(t)
		if err := gen.TakeBack(dir, design.SQLite, gen.State{}, first); err != nil {
			t.Fatal(err)
		}
		if now, err := gen.ReadState(dir, design.SQLite); err != nil || now.Schema != nil || len(now.Migrations) > 0 {
			t.Errorf("%+v, %v", now, err)
		}
	})
	for name, tt := range map[string]struct {
		change func(t *testing.T, dir string)
		name   string
	}{
		"edited": {func(t *testing.T, dir string) { t.Helper(); write(t, dir, "migrations/sqlite/"+second, "SELECT 3;\n") }, second},
		"edited back": {func(t *testing.T, dir string) {
			t.Helper()
			write(t, dir, "migrations/sqlite/0002_key.down.sql", "SELECT 3;\n")
		}, second},
		"not the last": {func(t *testing.T, dir string) { t.Helper(); write(t, dir, "migrations/sqlite/0003_theirs.sql", "") }, second},
		"not there":    {func(*testing.T, string) {}, "0003_x.sql"},
		"a path":       {func(*testing.T, string) {}, filepath.Join("..", "sqlite", second)},
	} {
		t.Run(name, func(t *testing.T) {
			dir, before := folder(t)
			next(t, dir)
			tt.change(t, dir)
			was := tree(t, dir)
			if err := gen.TakeBack(dir, design.SQLite, before, tt.name); err == nil {
				t.Error("no error")
			}
			if diff := cmp.Diff(was, tree(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
