package seed

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
)

// A Run is one run of the seeds, within its transaction. Its context acts as the
// service itself.
type Run struct {
	seeder    *seeder
	options   options
	known     map[ref]string // the ids of what was ever made
	made      []made
	passwords []account
	draft     string // the file of the passwords, until the transaction is kept
}

// ID returns the id of a row of seed.yaml, and whether it was ever made.
func (r *Run) ID(entity, name string) (id string, ok bool) {
	id, ok = r.known[ref{entity, name}]
	return id, ok
}

// Once runs step, unless a run before this one did so under that name. What it
// changes with its context is a part of the run: when anything of that fails,
// nothing of it is kept.
func (r *Run) Once(ctx context.Context, name string, step func(ctx context.Context) error) error {
	key := ref{Name: name}
	if _, done := r.known[key]; done || name == "" {
		return nil
	}
	if err := step(ctx); err != nil {
		return fmt.Errorf("seed %s: %w", name, explain(err))
	}
	return r.note(ctx, key, "")
}

// all makes what was never made.
func (r *Run) all(ctx context.Context) error {
	if err := r.lock(ctx); err != nil {
		return err
	}
	if err := r.read(ctx); err != nil {
		return err
	}
	if err := r.rename(ctx); err != nil {
		return err
	}
	if err := r.refuse(); err != nil {
		return err
	}
	var fresh []*row
	for i := range r.seeder.rows {
		if row := &r.seeder.rows[i]; r.known[row.ref()] == "" {
			fresh = append(fresh, row)
		}
	}
	for _, row := range fresh {
		if err := r.create(ctx, row); err != nil {
			return fmt.Errorf("%s: %s: %w", row.At, row.ref(), explain(err))
		}
	}
	for _, row := range fresh {
		if err := r.complete(ctx, row); err != nil {
			return fmt.Errorf("%s: %s: %w", row.At, row.ref(), explain(err))
		}
	}
	if r.seeder.hook != nil {
		if err := r.seeder.hook(ctx, r); err != nil {
			return explain(err)
		}
	}
	return r.write()
}

func (r *row) ref() ref { return ref{r.Entity, r.Name} }

// patience is how long a run waits for one of another process.
const patience = "60s"

// lock waits until no other run is under way. On SQLite the transaction has done so.
func (r *Run) lock(ctx context.Context) error {
	if r.seeder.app.DB.Dialect() != store.Postgres {
		return nil
	}
	for _, statement := range []string{
		`SET LOCAL statement_timeout = '` + patience + `'`,
		`LOCK TABLE gate_seeds IN SHARE ROW EXCLUSIVE MODE`,
	} {
		if _, err := r.tx(ctx).ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("wait for other runs of the seeds: %w", err)
		}
	}
	return nil
}

func (r *Run) tx(ctx context.Context) *sql.Tx {
	tx, ok := crud.Tx(ctx, r.seeder.app.DB)
	if !ok {
		panic("gate: seed: outside of its transaction")
	}
	return tx
}

// read learns what was ever made.
func (r *Run) read(ctx context.Context) error {
	rows, err := r.tx(ctx).QueryContext(ctx, `SELECT entity, name, row_id FROM gate_seeds`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key ref
		var id string
		if err := rows.Scan(&key.Entity, &key.Name, &id); err != nil {
			return err
		}
		r.known[key] = id
	}
	return rows.Err()
}

// rename remembers what was made under the name that an entity had before.
func (r *Run) rename(ctx context.Context) error {
	for i := range r.seeder.rows {
		row := &r.seeder.rows[i]
		was := ref{row.Was, row.Name}
		id, made := r.known[was]
		if _, done := r.known[row.ref()]; done || !made || row.Was == "" {
			continue
		}
		_, err := r.tx(ctx).ExecContext(ctx, `UPDATE gate_seeds SET entity = $1 WHERE entity = $2 AND name = $3`, row.Entity, was.Entity, was.Name)
		if err != nil {
			return fmt.Errorf("note that the seed %s is %s: %w", was, row.ref(), err)
		}
		r.known[row.ref()] = id
	}
	return nil
}

// note remembers what was made.
func (r *Run) note(ctx context.Context, key ref, id string) error {
	_, err := r.tx(ctx).ExecContext(ctx, `INSERT INTO gate_seeds (entity, name, row_id, made_at) VALUES ($1, $2, $3, $4)`,
		key.Entity, key.Name, id, time.Now().UnixMilli())
	if err != nil {
		return fmt.Errorf("note the seed %s: %w", key, err)
	}
	r.known[key] = id
	r.made = append(r.made, made{key.Entity, key.Name, id})
	return nil
}

// refuse says which rows would be accounts with power, where that is not meant.
func (r *Run) refuse() error {
	if r.options.administrators || r.seeder.app.Config.Dev != nil {
		return nil
	}
	var names []string
	for i := range r.seeder.rows {
		row := &r.seeder.rows[i]
		if roles := r.power(row); len(roles) > 0 && r.known[row.ref()] == "" {
			names = append(names, fmt.Sprintf("%s: %s with the roles %s", row.At, row.ref(), strings.Join(roles, ", ")))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("nothing was made, as these would be accounts with more rights than everybody's: say --administrators if that is meant\n  %s", strings.Join(names, "\n  "))
}

// power returns the roles of a row that not every account has.
func (r *Run) power(row *row) []string {
	s := r.seeder.entities[row.Entity]
	if s == nil {
		return nil
	}
	f := s.Entity().Find(model.Roles)
	if f == model.NoField {
		return nil
	}
	var roles []string
	if raw, ok := row.Values[s.Entity().Fields[f].Name]; !ok || json.Unmarshal(raw, &roles) != nil {
		return nil
	}
	everybodys := r.seeder.app.Policy.Defaults(s.Entity().Kind())
	return slices.DeleteFunc(roles, func(name string) bool { return slices.Contains(everybodys, name) })
}

// create makes a row.
func (r *Run) create(ctx context.Context, row *row) error {
	s := r.seeder.entities[row.Entity]
	if s == nil {
		return fmt.Errorf("there is no entity %s", row.Entity)
	}
	body := map[string]any{}
	for name, value := range row.Values {
		body[name] = value
	}
	if err := r.refer(body, row.Keys, row.Ties); err != nil {
		return err
	}
	if p := row.Password; p != nil {
		switch plain, err := r.password(s.Entity(), row); {
		case err != nil:
			return err
		case plain == "":
			ctx = crud.WithoutPassword(ctx)
		default:
			body[p.Field] = plain
		}
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer, err := s.CreateRow(ctx, data, nil)
	if err != nil {
		return err
	}
	return r.note(ctx, row.ref(), answer.ID)
}

// complete adds what leads to rows that were made after this one.
func (r *Run) complete(ctx context.Context, row *row) error {
	if len(row.LaterKeys)+len(row.LaterTies) == 0 {
		return nil
	}
	body := map[string]any{}
	if err := r.refer(body, row.LaterKeys, row.LaterTies); err != nil {
		return err
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = r.seeder.entities[row.Entity].PatchRow(ctx, r.known[row.ref()], data, []string{})
	return err
}

// refer puts the keys of other rows into a body.
func (r *Run) refer(body map[string]any, keys map[string]ref, ties map[string][]ref) error {
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		id, err := r.id(keys[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		body[name] = id
	}
	for _, name := range slices.Sorted(maps.Keys(ties)) {
		var list []any
		for _, to := range ties[name] {
			id, err := r.id(to)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			list = append(list, map[string]any{"id": id})
		}
		body[name] = map[string]any{"connect": list}
	}
	return nil
}

// id returns the id of a row as JSON has it.
func (r *Run) id(to ref) (any, error) {
	id, s := r.known[to], r.seeder.entities[to.Entity]
	if id == "" || s == nil {
		return nil, fmt.Errorf("%s was not made", to)
	}
	e := s.Entity()
	if e.Fields[e.IDField()].ID == model.Serial {
		return json.Number(id), nil
	}
	return id, nil
}

// explain adds what is wrong with which field, which is not part of the text of an
// answer.
func explain(err error) error {
	e, ok := errors.AsType[*gate.Error](err)
	if !ok {
		return err
	}
	if problems, ok := e.Errors.(model.Problems); ok {
		return fmt.Errorf("%w: %w", err, problems)
	}
	return err
}
