package gen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

const before = `gate: 1
service: {name: shop, module: example.com/shop}
entities:
  Item:
    fields:
      name: text
`

const folder = "migrations/sqlite/"

// bring takes the folder to a design, as gate generate --force does.
func bring(dir, text string) error {
	d, err := design.Parse("gate.yaml", []byte(text))
	if err != nil {
		return err
	}
	state, err := gen.ReadState(dir, design.SQLite)
	if err != nil {
		return err
	}
	files, err := gen.Generate(d, gen.Options{Replace: "/gate", State: state}, standard.Plugins()...)
	if err != nil {
		return err
	}
	_, err = gen.Apply(dir, files, gen.ApplyOptions{Force: true})
	return err
}

// branch is a service as a branch has it that added fields to [before].
func branch(t *testing.T, fields string) string {
	t.Helper()
	dir := t.TempDir()
	for _, text := range []string{before, before + fields} {
		if err := bring(dir, text); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// carryOver copies a file of one folder to another.
func carryOver(t *testing.T, from, to, name string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(from, name))
	if err != nil {
		t.Fatal(err)
	}
	put(t, to, name, string(b))
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Two branches that each changed the schema have migrations of the same number, which no
// database could apply. The way out that the error tells leads out.
func TestTwoBranches(t *testing.T) {
	t.Parallel()
	const ours, theirs = "      rank: integer\n", "      notes: text\n"
	other, merged := branch(t, ours), branch(t, theirs)
	carryOver(t, other, merged, folder+"0002_add_items_rank.sql")

	err := bring(merged, before+ours+theirs)
	wantError(t, err, "0002_add_items_notes.sql and 0002_add_items_rank.sql, which have the same number", folder[:len(folder)-1]+" and gate.manifest.json of the branch", "Two branches")

	// The branch that came first, whole, and nothing of the other one.
	for _, name := range []string{folder + "schema.json", "gate.manifest.json"} {
		carryOver(t, other, merged, name)
	}
	if err := os.Remove(filepath.Join(merged, folder, "0002_add_items_notes.sql")); err != nil {
		t.Fatal(err)
	}
	if err := bring(merged, before+ours+theirs); err != nil {
		t.Fatal(err)
	}
	state, err := gen.ReadState(merged, design.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(state.Migrations, " "); got != "0001_init.sql 0002_add_items_rank.sql 0003_add_items_notes.sql" {
		t.Errorf("migrations %s", got)
	}
}

func TestMigrations_gap(t *testing.T) {
	t.Parallel()
	dir := branch(t, "      rank: integer\n")
	if err := os.Remove(filepath.Join(dir, folder, "0001_init.sql")); err != nil {
		t.Fatal(err)
	}
	wantError(t, bring(dir, before+"      rank: integer\n"), "0002_add_items_rank.sql, but no migration number 0001", "restore it")
}

// Whoever misspells what may go is told so, and not only that it has to be allowed.
func TestDestructive_misspelt(t *testing.T) {
	t.Parallel()
	dir := branch(t, "      rank: integer\n")
	state, err := gen.ReadState(dir, design.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	_, err = gen.Generate(parse(t, before), gen.Options{Replace: "/gate", State: state, AllowDestructive: []string{"items.rnak"}}, standard.Plugins()...)
	wantError(t, err, "column rank of table items is dropped", "nothing of it is called items.rnak")
}

// What a merge could not put together says so, not what its first character is.
func TestMergeMarks(t *testing.T) {
	t.Parallel()
	const marks = "{\n<<<<<<< HEAD\n\t\"format\": 1\n=======\n\t\"format\": 1\n>>>>>>> other\n}\n"
	for name, want := range map[string]string{
		folder + "schema.json": "of the branch that came first",
		"gate.manifest.json":   "take that of the branch that came first",
		"gate.lock":            "delete it and generate",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := branch(t, "      rank: integer\n")
			put(t, dir, name, marks)
			wantError(t, bring(dir, before+"      rank: integer\n"), name, "after a merge", want)
		})
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
}
