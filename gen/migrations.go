package gen

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/gen/internal/migration"
)

// A DestructiveError says that the change of a design would lose data, or that the
// migration fails where rows are in its way.
type DestructiveError struct {
	Changes []Destruction
	Unknown []string // what was allowed, and is none of what the change does
}

// A Destruction is one such change of the schema.
type Destruction struct {
	Name string // what to allow: items, items.price, or posts.state=closed
	What string // for people: column price of table items is dropped
}

// Error lists the changes.
func (e *DestructiveError) Error() string {
	what := make([]string, len(e.Changes))
	for i, c := range e.Changes {
		what[i] = c.What
	}
	text := "the change has to be allowed: " + strings.Join(what, "; ")
	if len(e.Unknown) > 0 {
		text += fmt.Sprintf(" (nothing of it is called %s)", strings.Join(e.Unknown, ", "))
	}
	return text
}

// migrations adds the migration that leads from the last snapshot to the design,
// and the new snapshot.
func (b *Build) migrations(opts Options) error {
	db := b.Design.Service.Database
	dir := migrationsDir(db)
	if opts.State.Schema == nil && len(opts.State.Migrations) > 0 {
		return fmt.Errorf("%s holds migrations but no schema.json, which says where they lead: restore it from version control", dir)
	}
	if err := consecutive(dir, opts.State.Migrations); err != nil {
		return err
	}
	was, err := migration.Parse(db, opts.State.Schema)
	if err != nil {
		return fmt.Errorf("%s/schema.json: %w%s", dir, err, afterMerge(opts.State.Schema, twoBranches(dir)))
	}
	is, err := migration.FromDesign(b.Design)
	if err != nil {
		return err
	}
	plan, err := migration.Diff(was, is)
	if err != nil {
		return err
	}
	if lost, unknown := destructive(plan, opts.AllowDestructive); len(lost) > 0 {
		return &DestructiveError{Changes: lost, Unknown: unknown}
	}
	names := opts.State.Migrations
	if !plan.Empty() {
		name := nextMigration(names, plan.Title)
		names = append(slices.Clone(names), name)
		b.Add(File{Path: path.Join(dir, name), Data: plan.SQL, Owner: AppendOnly})
		if plan.Down != nil {
			b.Add(File{Path: path.Join(dir, downFile(name)), Data: plan.Down, Owner: AppendOnly})
		}
	}
	if names, err = b.pluginMigrations(dir, names, is.Tables); err != nil {
		return err
	}
	snapshot, err := is.Snapshot()
	if err != nil {
		return err
	}
	b.Add(File{Path: path.Join(dir, "schema.json"), Data: snapshot, Owner: Merged})
	b.Template(File{Path: "migrations/migrations_gen.go", Owner: Generated}, templates, "templates/migrations.go.tmpl", migrationsData{
		Dialect: string(db), Any: len(names) > 0,
	})
	return nil
}

// migrationsData is what the template of the package migrations prints.
type migrationsData struct {
	Dialect string
	Any     bool
}

// destructive lists what plan loses and nobody allowed, and what was allowed that it
// does not lose.
func destructive(plan *migration.Plan, allowed []string) (lost []Destruction, unknown []string) {
	unknown = slices.Clone(allowed)
	for _, l := range plan.Losses {
		if !slices.Contains(allowed, l.Name) {
			lost = append(lost, Destruction(l))
		}
		unknown = slices.DeleteFunc(unknown, func(name string) bool { return name == l.Name })
	}
	return lost, unknown
}

var migrationName = regexp.MustCompile(`^(\d{4,9})_[a-z0-9_]{1,100}\.sql$`)

// downSuffix ends the names of files that undo a migration.
const downSuffix = ".down.sql"

// downFile names the file that undoes a migration: 0002_items_name_key.down.sql.
func downFile(migration string) string { return strings.TrimSuffix(migration, ".sql") + downSuffix }

// maxTitle bounds what follows the number of a migration.
const maxTitle = 90

// consecutive refuses migrations that are not numbered from one on: no database could
// apply them.
func consecutive(dir string, names []string) error {
	for i, name := range names { // sorted
		n, err := migrationNumber(name)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", dir, err)
		case n < i+1 && i > 0:
			return fmt.Errorf("%s holds %s and %s, which have the same number%s", dir, names[i-1], name, twoBranches(dir))
		case n != i+1:
			return fmt.Errorf("%s holds %s, but no migration number %04d: restore it from version control", dir, name, i+1)
		}
	}
	return nil
}

// twoBranches says what to do after a merge of two branches that each changed the
// schema, see docs/guides/migrations.md.
func twoBranches(dir string) string {
	return fmt.Sprintf(": after a merge, take %s and %s of the branch that came first, "+
		"delete what the other one added to the folder, and gate generate --force: it is planned again (docs/guides/migrations.md, \"Two branches\")", dir, manifestFile)
}

// afterMerge is what, if text has the marks that a merge leaves where it failed.
func afterMerge(text []byte, what string) string {
	if !bytes.HasPrefix(text, conflictMark) && !bytes.Contains(text, append([]byte{'\n'}, conflictMark...)) {
		return ""
	}
	return what
}

var conflictMark = []byte("<<<<<<< ")

func migrationNumber(name string) (int, error) {
	m := migrationName.FindStringSubmatch(name)
	if m == nil {
		return 0, fmt.Errorf("migration %s is not named like 0001_init.sql", name)
	}
	return strconv.Atoi(m[1])
}

// nextMigration names the migration that follows those there are, see [consecutive].
// Numbers, not dates: the same change makes the same file.
func nextMigration(names []string, title string) string {
	return fmt.Sprintf("%04d_%s.sql", len(names)+1, title[:min(len(title), maxTitle)])
}
