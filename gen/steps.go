package gen

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/internal/migration"
	"github.com/gatewright/gate/store"
)

// steps are the migrations of a plugin.
type steps struct {
	plugin string
	files  fs.FS
}

// Migrate adds SQL of the plugin to the migrations of the service: the files of the
// folder sqlite or postgres, named like 0001_init.sql, and 0001_init.down.sql for the way
// back. Both folders have the same names. Each is written once, as the next migration
// after those of the design, and then it is one of them: 0007_feedback_0001_init.sql. A
// next version of the plugin adds files and changes none; without the plugin they stay.
//
// They are for tables of the plugin alone. What the tables of entities are like follows
// from the design, see [Extender]: SQLite makes these anew when they change, without
// what others have put on them.
func (b *Build) Migrate(files fs.FS) {
	b.steps = append(b.steps, steps{b.plugin, files})
}

// load reads the migrations for a database, and sees that the other one has them, too.
func (s *steps) load(db design.Database, tables []*migration.Table) ([]store.Migration, error) {
	loaded := map[design.Database][]store.Migration{}
	for _, db := range []design.Database{design.SQLite, design.Postgres} {
		ms, err := store.LoadFS(s.files, string(db))
		if err != nil {
			return nil, fmt.Errorf("plugin %s: %w", s.plugin, err)
		}
		loaded[db] = ms
		for _, m := range ms {
			if err := s.check(path.Join(string(db), m.String()), m, tables); err != nil {
				return nil, err
			}
		}
	}
	names := func(db design.Database) []string {
		var list []string
		for _, m := range loaded[db] {
			list = append(list, m.String())
		}
		return list
	}
	if lite, pg := names(design.SQLite), names(design.Postgres); !slices.Equal(lite, pg) {
		return nil, fmt.Errorf("plugin %s: its migrations are %s for sqlite, and %s for postgres: both need the same names",
			s.plugin, strings.Join(lite, ", "), strings.Join(pg, ", "))
	}
	return loaded[db], nil
}

// touched finds the tables that a statement is about.
var touched = regexp.MustCompile(`(?is)\b(?:(?:create|alter|drop)\s+table\s+(?:if\s+(?:not\s+)?exists\s+)?|(?:index|trigger)\b[^;(]*?\bon\s+)(?:only\s+)?(?:"?\w+"?\s*\.\s*)?["\x60\[]?(\w+)`)

// What stands in a view or a trigger keeps the database from changing the tables that
// it reads and writes: SQLite makes a table anew to change it.
var (
	lasting   = regexp.MustCompile(`(?is)\bcreate\s+(?:or\s+replace\s+)?(?:temp\w*\s+|materialized\s+|recursive\s+)*(?:view|trigger)\b`)
	mentioned = regexp.MustCompile(`(?is)\b(?:from|join|into|update)\s+(?:only\s+)?(?:"?\w+"?\s*\.\s*)?["\x60\[]?(\w+)`)
	aside     = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'[^']*'`) // comments and texts
)

// check refuses what is about the table of somebody else.
func (s *steps) check(name string, m store.Migration, tables []*migration.Table) error {
	if title := s.title(m); len(title) > maxTitle {
		return fmt.Errorf("plugin %s: %s has too long a name: at most %d letters", s.plugin, name, len(m.Name)-len(title)+maxTitle)
	}
	text := aside.ReplaceAllString(m.SQL+"\n"+m.Down, " ")
	entity := func(table string) bool {
		return slices.ContainsFunc(tables, func(t *migration.Table) bool { return strings.EqualFold(t.Name, table) })
	}
	for _, found := range touched.FindAllStringSubmatch(text, -1) {
		table := found[1]
		if entity(table) {
			return fmt.Errorf("plugin %s: %s changes the table %s, which follows from gate.yaml: a plugin adds fields with Extend, and SQL for tables of its own", s.plugin, name, table)
		}
		if strings.HasPrefix(strings.ToLower(table), "gate_") {
			return fmt.Errorf("plugin %s: %s changes the table %s: names with gate_ are those of gate", s.plugin, name, table)
		}
	}
	if !lasting.MatchString(text) {
		return nil
	}
	for _, found := range mentioned.FindAllStringSubmatch(text, -1) {
		if table := found[1]; entity(table) {
			return fmt.Errorf("plugin %s: %s holds the table %s in a view or a trigger, and gate.yaml could not change it any more: ask the service for its rows instead", s.plugin, name, table)
		}
	}
	return nil
}

// title is what stands behind the number of a migration: feedback_0001_init.
func (s *steps) title(m store.Migration) string {
	return strings.ReplaceAll(s.plugin, "-", "_") + "_" + strings.TrimSuffix(m.String(), ".sql")
}

// pluginMigrations adds the migrations of plugins, after those there are, and returns
// the names of all.
func (b *Build) pluginMigrations(dir string, names []string, tables []*migration.Table) ([]string, error) {
	for _, s := range b.steps {
		ms, err := s.load(b.Design.Service.Database, tables)
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			title := s.title(m)
			i := slices.IndexFunc(names, func(name string) bool {
				_, rest, _ := strings.Cut(name, "_")
				return rest == title+".sql"
			})
			if i < 0 {
				i, names = len(names), append(slices.Clone(names), nextMigration(names, title))
			}
			b.Add(File{Path: path.Join(dir, names[i]), Data: []byte(m.SQL), Owner: AppendOnly})
			if m.Down != "" {
				b.Add(File{Path: path.Join(dir, downFile(names[i])), Data: []byte(m.Down), Owner: AppendOnly})
			}
		}
	}
	return names, nil
}
