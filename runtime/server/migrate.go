package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/store"
)

// A migrator is what the commands below "migrate" work with: the database alone,
// of a service that is not built.
type migrator struct {
	service    string
	missing    error // there is no file, and db is an empty database in memory
	auth       *auth.Config
	db         *store.DB
	components []store.Component // that of the service's own tables first
	out        io.Writer
	lines      *json.Encoder // a line for each object, instead of words
}

// A migration is a command below "migrate".
type migration struct {
	run   func(*migrator, context.Context) (int, error)
	looks bool // and makes no database
	lines bool // it answers programs
}

// migrationOf returns the command that the arguments of the program name.
func migrationOf(args []string) (c migration, ok bool) {
	if len(args) < 2 || len(args) > 3 || args[0] != "migrate" {
		return c, false
	}
	switch args[1] {
	case "status":
		c = migration{run: (*migrator).status, looks: true}
	case "plan":
		c = migration{run: (*migrator).plan, looks: true}
	case "apply":
		c = migration{run: (*migrator).apply}
	case "down":
		c = migration{run: (*migrator).down, looks: true}
	}
	c.lines = len(args) == 3 && args[2] == "--json"
	return c, c.run != nil && (c.lines || len(args) == 2)
}

// migrations runs such a command. It needs none of the secrets that serving takes.
func migrations(ctx context.Context, s Service, p process, c migration) int {
	code, err := func() (int, error) {
		m, err := s.migrator(ctx, p, c)
		if err != nil {
			return exitFault, err
		}
		code, err := c.run(m, ctx)
		return code, errors.Join(err, m.db.Close())
	}()
	if err != nil {
		_, _ = fmt.Fprintf(p.stderr, "%s: %v\n", s.Name, err)
		return exitFault
	}
	return code
}

func (s Service) migrator(ctx context.Context, p process, c migration) (*migrator, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	cfg, err := config.Load(s.options(p))
	if err != nil {
		return nil, err
	}
	var missing error
	if c.looks {
		if missing = s.there(cfg); missing != nil {
			cfg.DatabaseURL = secret.String(store.SQLiteMemory)
		}
	}
	db, err := s.database(ctx, cfg)
	if err != nil {
		return nil, err
	}
	m := &migrator{service: s.Name, missing: missing, auth: s.Auth, db: db, out: p.stdout}
	if c.lines {
		m.lines = json.NewEncoder(p.stdout)
		m.lines.SetEscapeHTML(false)
	}
	if m.components, err = s.components(db.Dialect()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return m, nil
}

// status tells what was applied, what is pending, and what somebody changed by
// hand.
func (m *migrator) status(ctx context.Context) (int, error) {
	lines := table{{"COMPONENT", "MIGRATION", "STATE"}}
	pending := 0
	for _, c := range m.components {
		todo, err := m.db.Pending(ctx, c.Name, c.Migrations)
		if err != nil {
			return exitFault, err
		}
		pending += len(todo)
		for i, step := range c.Migrations {
			state := "applied"
			if i >= len(c.Migrations)-len(todo) {
				state = "pending"
			}
			if err := m.line(map[string]any{"component": c.Name, "version": step.Version, "name": step.Name, "state": state}); err != nil {
				return exitFault, err
			}
			lines = append(lines, []string{c.Name, step.String(), state})
		}
	}
	if err := m.say("%s", lines); err != nil {
		return exitFault, err
	}
	drift, err := m.db.Drift(ctx, m.components)
	if err != nil {
		return exitFault, err
	}
	return m.judge(pending, drift)
}

// judge ends a status.
func (m *migrator) judge(pending int, drift []string) (int, error) {
	for _, difference := range drift {
		if err := m.line(map[string]any{"drift": difference}); err != nil {
			return exitFault, err
		}
	}
	var b strings.Builder
	if len(drift) > 0 {
		b.WriteString("\nchanged by hand, not by a migration:\n  " + strings.Join(drift, "\n  ") + "\n")
	}
	code := exitBehind
	switch {
	case m.missing != nil:
		if err := m.tellMissing(); err != nil {
			return exitFault, err
		}
		fmt.Fprintf(&b, "\n%v\n", m.missing)
	case pending > 0:
		fmt.Fprintf(&b, "\n%d pending: %s migrate plan shows the SQL, %[2]s migrate apply runs it\n", pending, m.service)
	case len(drift) == 0:
		code = exitOK
		b.WriteString("\nup to date\n")
	}
	return code, m.say("%s", &b)
}

// plan prints the SQL that is pending, as a script with a comment before each
// migration.
func (m *migrator) plan(ctx context.Context) (int, error) {
	code := exitOK
	if m.missing != nil {
		if err := errors.Join(m.tellMissing(), m.say("-- %v\n\n", m.missing)); err != nil {
			return exitFault, err
		}
	}
	for _, c := range m.components {
		todo, err := m.db.Pending(ctx, c.Name, c.Migrations)
		if err != nil {
			return exitFault, err
		}
		for _, step := range todo {
			code = exitBehind
			back := ""
			if step.Down != "" {
				back = ", can be taken back"
			}
			err := errors.Join(
				m.line(map[string]any{"component": c.Name, "version": step.Version, "name": step.Name, "sql": step.SQL, "down": step.Down}),
				m.say("-- %s %s%s\n%s\n\n", c.Name, step, back, strings.TrimSpace(step.SQL)),
			)
			if err != nil {
				return exitFault, err
			}
		}
	}
	if code == exitOK {
		return code, m.say("-- nothing is pending\n")
	}
	return code, nil
}

// apply runs what is pending, and tells of what ran also when the next one fails.
func (m *migrator) apply(ctx context.Context) (int, error) {
	none := true
	for _, c := range m.components {
		done, err := m.db.Migrate(ctx, c.Name, c.Migrations)
		for _, step := range done {
			none = false
			err = errors.Join(err, m.line(applied{c.Name, step.Version, step.Name}), m.say("applied %s %s\n", c.Name, step))
		}
		if err != nil {
			return exitFault, stuck(m.service, c, done, err)
		}
	}
	if none {
		return exitOK, m.say("nothing is pending\n")
	}
	return exitOK, nil
}

// stuck is the error of migrations of which some ran and one did not, with what it
// left and what leads out of there.
func stuck(service string, c store.Component, done []store.Migration, err error) error {
	err = fmt.Errorf("migrate the database: %w", err)
	for _, told := range []error{store.ErrUnavailable, store.ErrChanged, store.ErrNewer, store.ErrGap} {
		if errors.Is(err, told) {
			return err
		}
	}
	if c.Name != "app" {
		return err // whose migrations depend on no rows of anybody
	}
	out := "nothing of this migration was kept: mend the rows that are in its way and start again, or revert the commit that brought it, and build"
	if n := len(done); n > 0 {
		out += fmt.Sprintf(". %s was applied by this start, and the program of before may not start any more: %s migrate down takes it back where nothing is lost by that", done[n-1], service)
	}
	return fmt.Errorf("%w; %s (guide to migrations, \"A migration that fails\")", err, out)
}

// down takes the last migration of the service's own tables back.
func (m *migrator) down(ctx context.Context) (int, error) {
	if m.missing != nil {
		return exitFault, m.missing
	}
	c := m.components[0]
	undone, err := m.db.Revert(ctx, c.Name, c.Migrations)
	if errors.Is(err, store.ErrNoWayBack) {
		return exitFault, fmt.Errorf("%w: gate writes such a file only where nothing is lost by it. "+
			"Change gate.yaml back and generate, for a migration forth to what was; or restore a backup; or write that file, and build", err)
	}
	if err != nil {
		return exitFault, err
	}
	if m.auth != nil {
		if err := m.auth.Unfollow(ctx, m.db, undone.Down); err != nil {
			return exitFault, err
		}
	}
	return exitOK, errors.Join(
		m.line(map[string]any{"component": c.Name, "version": undone.Version, "name": undone.Name, "state": "taken back"}),
		m.say("taken back %s %s; a start of this program applies it again: start the one before it\n", c.Name, undone),
	)
}

// tellMissing tells programs that there is no file.
func (m *migrator) tellMissing() error { return m.line(map[string]any{"missing": m.missing.Error()}) }

// line tells programs.
func (m *migrator) line(v any) error {
	if m.lines == nil {
		return nil
	}
	return m.lines.Encode(v)
}

// say tells people.
func (m *migrator) say(format string, args ...any) error {
	if m.lines != nil {
		return nil
	}
	_, err := fmt.Fprintf(m.out, format, args...)
	return err
}
