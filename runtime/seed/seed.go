// Package seed puts the first rows of a generated service into its database: those
// of seed.yaml, which the generator checked, and what the service's own code makes.
//
// # Once
//
// What was made is noted in a table of this package, and never made again, whatever
// became of it: whoever deletes a row that came from a seed does not find it back.
// All of a run is one transaction, and runs wait for each other, so that replicas
// which start at the same time make every row once.
//
// # The same checks as every write
//
// Rows are made by package crud, as the service itself: values are checked, hooks
// and checks of the service's own run, passwords are judged and hashed, a row is
// tied to those of its own tenant only. The rules who may do what do not apply, as
// there is nobody who asks.
//
// # Passwords
//
// No password stands in a file. It comes from the environment, or is made here,
// written to a file that its owner alone can read and shown once. Outside of "gate
// dev" nothing makes an account with roles that not every account has, unless the
// command says so.
package seed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/server"
)

// commandName is the name of the command.
const commandName = "seed"

// Command describes the command of the program that seeds.
func Command() server.Command {
	return server.Command{Name: commandName, Usage: `make the rows of seed.yaml that were never made, and what
app/seed.go adds; with --administrators also accounts
whose roles not every account has, with --if-unused only
where no rows are but those of seeds`}
}

// Use says what the command does in a service: make rows, which the generator wrote,
// and then call hook, in the same transaction and as the service itself. Generated
// code calls it.
func Use(a *server.App, rows []byte, hook func(ctx context.Context, r *Run) error) error {
	var list []row
	if err := json.Unmarshal(rows, &list); err != nil {
		return fmt.Errorf("the rows of seed.yaml: %w", err)
	}
	a.OnCommand(commandName, func(ctx context.Context, c server.Call) error {
		s := &seeder{app: a, rows: list, hook: hook, file: passwordFile, entities: map[string]crud.Service{}}
		for _, e := range a.Entities() {
			s.entities[e.Entity().Name] = e
		}
		return s.command(ctx, c)
	})
	return nil
}

// A row is one row of seed.yaml. Keys, Later and Ties name other rows.
type row struct {
	Entity string                     `json:"entity"`
	Was    string                     `json:"was,omitempty"` // what the entity was called before
	Name   string                     `json:"name"`
	At     string                     `json:"at"` // seed.yaml:3:5
	Values map[string]json.RawMessage `json:"values,omitempty"`
	Keys   map[string]ref             `json:"keys,omitempty"`
	Ties   map[string][]ref           `json:"ties,omitempty"`

	// What leads to a row that is made after this one.
	LaterKeys map[string]ref   `json:"laterKeys,omitempty"`
	LaterTies map[string][]ref `json:"laterTies,omitempty"`

	Password *password `json:"password,omitempty"`
}

// A ref names a row.
type ref struct {
	Entity string `json:"entity"`
	Name   string `json:"name"`
}

// String returns the name for people.
func (r ref) String() string { return r.Entity + " " + r.Name }

// A password says where that of a row comes from.
type password struct {
	Field string `json:"field"`
	Env   string `json:"env,omitempty"`  // the variable that holds it
	Make  bool   `json:"make,omitempty"` // here; neither of the two means that none fits
}

// options are those of the command.
type options struct {
	administrators bool // accounts with roles that not every account has are meant
	ifUnused       bool // leave a database alone that others have filled
}

func readOptions(c server.Call) (o options, err error) {
	for _, arg := range c.Args {
		switch arg {
		case "-administrators", "--administrators":
			o.administrators = true
		case "-if-unused", "--if-unused":
			o.ifUnused = true
		default:
			return options{}, server.ErrUsage
		}
	}
	return o, nil
}

// seeder is one run of the command.
type seeder struct {
	app      *server.App
	rows     []row
	hook     func(context.Context, *Run) error
	file     string
	entities map[string]crud.Service
}

// A made is a row that this run made, as the command tells of it.
type made struct {
	Entity string `json:"entity,omitempty"`
	Name   string `json:"name"`
	ID     string `json:"id,omitempty"`
}

func (s *seeder) command(ctx context.Context, c server.Call) error {
	o, err := readOptions(c)
	if err != nil {
		return err
	}
	ctx = authz.System(ctx)
	if o.ifUnused {
		if used, err := s.used(ctx); used || err != nil {
			return errors.Join(err, say(c.Stdout, map[string]any{"unchanged": "the database holds rows that no seed made"}))
		}
	}
	var run *Run
	err = crud.InTx(ctx, s.app.DB, func(ctx context.Context) error {
		crud.Extend(ctx, s.app.DB, time.Hour) // rows of any number, and passwords to hash
		run.forget()                          // of a try that was undone
		run = &Run{seeder: s, options: o, known: map[ref]string{}}
		return run.all(ctx)
	})
	if err != nil {
		run.forget()
		return err
	}
	file, err := run.keep()
	for _, m := range run.made {
		err = errors.Join(err, say(c.Stdout, m))
	}
	if file != "" {
		err = errors.Join(err, say(c.Stdout, map[string]any{"passwords": file}))
		if c.Terminal {
			run.show(c.Stderr, file)
		}
	}
	return err
}

// say prints a line for programs, and people who read JSON.
func say(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }

// used reports whether the database holds rows and no seed has made any: accounts
// apart, as every service has one.
func (s *seeder) used(ctx context.Context) (bool, error) {
	var seeds int
	if err := s.app.DB.Read().QueryRowContext(ctx, `SELECT count(*) FROM gate_seeds`).Scan(&seeds); err != nil || seeds > 0 {
		return false, err
	}
	for _, e := range s.app.Entities() {
		if e.Entity().Find(model.Roles) != model.NoField {
			continue
		}
		rows, err := e.FindRows(ctx, &query.Query{Limit: 1, NoTotal: true})
		if err != nil {
			return false, err
		}
		if rows.Len() > 0 {
			return true, nil
		}
	}
	return false, nil
}
