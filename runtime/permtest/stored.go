package permtest

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/gatewright/gate/runtime/model"
)

// What a refusal must not change is read where it is kept: by statements of the
// test's own, not by the code that is tried.

// columns is a row as the database has it; nil if there is none.
type columns map[string]string

// stored reads a row.
func (k *kit) stored(e *entity, id string) columns {
	k.t.Helper()
	q := k.app.DB.Dialect().Quote
	rows, err := k.app.DB.Read().QueryContext(k.ctx(), "SELECT * FROM "+q(e.model.Table)+" WHERE "+q(e.id().Column)+" = $1", e.key(id))
	if err != nil {
		k.t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		k.t.Fatal(err)
	}
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			k.t.Fatal(err)
		}
		return nil
	}
	cells := make([]any, len(names))
	for i := range cells {
		cells[i] = new(any)
	}
	if err := rows.Scan(cells...); err != nil {
		k.t.Fatal(err)
	}
	c := columns{}
	for i, name := range names {
		v := *cells[i].(*any) //nolint:forcetypeassert // made above
		if raw, ok := v.([]byte); ok {
			v = string(raw)
		}
		c[name] = fmt.Sprintf("%v", v)
		if f := e.model.SoftDeleteField(); f != model.NoField && name == e.model.Fields[f].Column && v != nil {
			return nil // kept, and there for nobody
		}
	}
	return c
}

// differ lists the columns in which two rows differ.
func differ(a, b columns) []string {
	names := map[string]bool{}
	for name := range a {
		names[name] = a[name] != b[name]
	}
	return sorted(names)
}

// count returns how many rows an entity has.
func (k *kit) count(e *entity) int {
	k.t.Helper()
	return k.number("SELECT count(*) FROM " + k.app.DB.Dialect().Quote(e.model.Table))
}

// tied reports whether two rows are a pair.
func (k *kit) tied(l *ends) bool {
	k.t.Helper()
	q := k.app.DB.Dialect().Quote
	j := l.link.Through
	return k.number("SELECT count(*) FROM "+q(j.Table)+" WHERE "+q(j.Near)+" = $1 AND "+q(j.Far)+" = $2",
		l.near.entity.key(l.near.id), l.far.entity.key(l.far.id)) > 0
}

func (k *kit) number(query string, args ...any) int {
	k.t.Helper()
	var n int
	if err := k.app.DB.Read().QueryRowContext(k.ctx(), query, args...).Scan(&n); err != nil && !errors.Is(err, sql.ErrNoRows) {
		k.t.Fatal(err)
	}
	return n
}

// drop deletes a row that a caller was allowed to make. One that others point to
// by now, through a hook, stays.
func (k *kit) drop(e *entity, id string) {
	q := k.app.DB.Dialect().Quote
	_, _ = k.app.DB.Exec(k.ctx(), "DELETE FROM "+q(e.model.Table)+" WHERE "+q(e.id().Column)+" = $1", e.key(id)) // see above
}

// hasValue reports whether a field of a row has a value already, which a hook of another
// row can have set: to set it again is no change.
func (k *kit) hasValue(r *row, f *model.Field, v any) bool {
	k.t.Helper()
	q := k.app.DB.Dialect().Quote
	kept := k.kept(&row{entity: r.entity, values: map[string]any{f.Name: v}}, f)
	return kept != nil && k.number("SELECT count(*) FROM "+q(r.entity.model.Table)+" WHERE "+q(r.entity.id().Column)+" = $1 AND "+q(f.Column)+" = $2",
		r.entity.key(r.id), kept) > 0
}
