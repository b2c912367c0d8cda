package crud

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// Get returns the row with that id. Fields that the caller may not read have
// their zero value.
func (r *Resource[T]) Get(ctx context.Context, id string) (*T, error) {
	row, err := r.get(ctx, id, &query.Selection{}, query.Unlocked)
	if err != nil {
		return nil, err
	}
	r.clear(row.row, row.set)
	return row.row, nil
}

// GetForUpdate is Get for who changes the row after looking at it, or something
// else because of it: nobody else changes or deletes the row before the transaction
// ends, and what they changed until now is seen. It waits for whoever does the same.
// On SQLite, where transactions of changes run one after the other, it is Get; on
// PostgreSQL, SELECT … FOR NO KEY UPDATE.
//
// It is for the inside of [InTx], of hooks, and of actions that change something;
// elsewhere it is an error. Two that get several rows each get them in one order, or
// the database undoes one of them, and [InTx] runs it again.
func (r *Resource[T]) GetForUpdate(ctx context.Context, id string) (*T, error) {
	if _, inside := r.tx(ctx); !inside {
		return nil, fmt.Errorf("crud: GetForUpdate of %s holds nothing outside of a transaction: call it inside of crud.InTx", r.entity.Name)
	}
	row, err := r.get(ctx, id, &query.Selection{}, query.ForChange)
	if err != nil {
		return nil, err
	}
	r.clear(row.row, row.set)
	return row.row, nil
}

// GetRow implements [Service].
func (r *Resource[T]) GetRow(ctx context.Context, id string, sel *query.Selection) (Row, error) {
	if sel == nil {
		sel = &query.Selection{}
	}
	row, err := r.get(ctx, id, sel, query.Unlocked)
	if err != nil {
		return Row{}, err
	}
	answer := r.answerRow(row.row, row.shown, row.set)
	if answer.crops = row.crops; len(row.crops) > 0 {
		answer.version = 0 // other rows are part of it
	}
	return answer, nil
}

// got is a row with what the caller may read of it.
type got[T any] struct {
	row   *T
	set   model.FieldSet
	shown model.FieldSet // whatever was selected
	crops crops
}

func (r *Resource[T]) get(ctx context.Context, id string, sel *query.Selection, lock query.Lock) (got[T], error) {
	var none got[T]
	if err := r.ready(); err != nil {
		return none, err
	}
	c := callerFrom(ctx)
	filter, err := r.rules.reach(c, authz.View)
	if err != nil {
		return none, err
	}
	fields := r.rules.fieldsFor(c, authz.View, filter)
	selected := fields.ever
	if len(sel.Fields) > 0 {
		if selected, err = query.ResolveSelect(r.entity, sel.Fields, fields.ever); err != nil {
			return none, badRequest(err)
		}
	}
	branches, err := r.included(c, sel.Include, fields, 1, sel.Lenient)
	if err != nil {
		return none, err
	}
	key, ok := r.parseID(id)
	if !ok {
		return none, notFound(id)
	}
	fetch := selected.Union(fields.judged()).Union(near(branches))
	fetch.Add(r.entity.IDField())
	if f := r.entity.VersionField(); f != model.NoField {
		fetch.Add(f)
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	row, err := r.one(ctx, key, filter, fetch, lock)
	if err != nil {
		return none, r.answer(err)
	}
	if row == nil {
		return none, notFound(id)
	}
	answer := got[T]{row: row, shown: r.shown(row, fields.ever, &fields)}
	answer.set = answer.shown.Intersect(selected)
	if len(branches) > 0 {
		answer.crops, err = r.loadOne(ctx, c, row, fields, branches)
	}
	return answer, err
}

// shown returns the selected fields that the caller may read in this row.
func (r *Resource[T]) shown(row *T, selected model.FieldSet, fields *scope) model.FieldSet {
	if len(fields.grants) == 0 {
		return selected.Intersect(fields.always)
	}
	return selected.Intersect(fields.in(r.values(row)))
}

// parseID reads an id from outside; false means that no row can have it.
func (r *Resource[T]) parseID(id string) (any, bool) {
	key, err := r.entity.Fields[r.entity.IDField()].Parse(id)
	return key, err == nil && key != nil
}

// Find returns a page of the rows that the caller may list.
func (r *Resource[T]) Find(ctx context.Context, q *query.Query) (*Page[T], error) {
	if len(q.Include) > 0 {
		return nil, fmt.Errorf("crud: a page of %s has no place for relations: ask FindRows", r.entity.Plural)
	}
	rows, data, err := r.find(ctx, q)
	if err != nil {
		return nil, err
	}
	for i := range data {
		set := rows.set
		if rows.sets != nil {
			set = rows.sets[i]
		}
		r.clear(&data[i], set)
	}
	return &Page[T]{Total: rows.Total, Limit: rows.Limit, Skip: rows.Skip, Next: rows.Next, Previous: rows.Previous, Data: data}, nil
}

// FindRows implements [Service].
func (r *Resource[T]) FindRows(ctx context.Context, q *query.Query) (*Rows, error) {
	rows, _, err := r.find(ctx, q)
	return rows, err
}

func (r *Resource[T]) find(ctx context.Context, q *query.Query) (*Rows, []T, error) {
	if err := r.ready(); err != nil {
		return nil, nil, err
	}
	c := callerFrom(ctx)
	filter, err := r.rules.reach(c, authz.List)
	if err != nil {
		return nil, nil, err
	}
	return r.findIn(ctx, c, q, filter, r.rules.fieldsFor(c, authz.View, filter), "")
}

// findIn is find among rows of which the caller may read these fields, when they are
// not all of the entity: among those of that name.
func (r *Resource[T]) findIn(ctx context.Context, c caller, q *query.Query, filter query.Filter, fields scope, of string) (*Rows, []T, error) {
	var onward query.Reach
	if q.Where != nil {
		onward = r.onward(c, fields.always, "")
	}
	plan, err := query.Resolve(r.entity, q, fields.always, fields.ever, onward)
	if err != nil {
		return nil, nil, badRequest(err)
	}
	branches, err := r.included(c, q.Include, fields, plan.Limit, q.Lenient)
	if err != nil {
		return nil, nil, err
	}
	var at turn
	fetch := plan.Select.Union(fields.judged()).Union(near(branches))
	if plan.Cursor != nil {
		if at, err = r.turn(c, plan, of); err != nil {
			return nil, nil, err
		}
		fetch = fetch.Union(model.Fields(plan.Position()...))
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	data, err := r.page(ctx, plan, filter, fetch)
	if err != nil {
		return nil, nil, r.answer(err)
	}
	data, more := cut(plan, data)
	selected := plan.Select
	rows := &Rows{Limit: plan.Limit, Skip: plan.Skip, enc: r, rows: data, len: len(data), set: selected}
	switch {
	case plan.NoTotal:
	case plan.Begun() && at.total >= 0:
		rows.Total = at.total
	default:
		if rows.Total, err = r.total(ctx, plan, filter, len(data), more); err != nil {
			return nil, nil, r.answer(err)
		}
	}
	if plan.Cursor != nil {
		if err := r.turned(at, plan, rows, data, more); err != nil {
			return nil, nil, err
		}
	}
	if len(fields.grants) > 0 {
		rows.sets = make([]model.FieldSet, len(data))
		for i := range data {
			rows.sets[i] = r.shown(&data[i], selected, &fields)
		}
	}
	if rows.crops, err = r.load(ctx, c, data, fields, branches); err != nil {
		return nil, nil, err
	}
	return rows, data, nil
}

// total returns how many rows the plan has. A page that ends early has told.
func (r *Resource[T]) total(ctx context.Context, plan *query.Plan, filter query.Filter, found int, more bool) (int64, error) {
	if found < plan.Limit && (found > 0 || plan.Skip == 0) && !plan.Begun() && !more {
		return int64(plan.Skip + found), nil
	}
	s := r.statement()
	defer r.recycle(s)
	r.compile.Count(s, plan, filter)
	rows, err := r.query(ctx, s)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var total int64
	for rows.Next() {
		if err := rows.Scan(&total); err != nil {
			return 0, err
		}
	}
	return total, rows.Err()
}

// page reads the rows of a plan.
func (r *Resource[T]) page(ctx context.Context, plan *query.Plan, filter query.Filter, columns model.FieldSet) ([]T, error) {
	if plan.CountOnly {
		return []T{}, nil
	}
	s := r.statement()
	defer r.recycle(s)
	r.compile.Page(s, plan, filter, columns)
	return r.read(ctx, s, columns, plan.Limit+1)
}

// one reads the row with that id; nil if there is none.
func (r *Resource[T]) one(ctx context.Context, id any, filter query.Filter, columns model.FieldSet, lock query.Lock) (*T, error) {
	s := r.statement()
	defer r.recycle(s)
	r.compile.One(s, id, filter, columns, lock)
	list, err := r.read(ctx, s, columns, 1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// read runs a query and returns its rows, of which there are at most limit.
func (r *Resource[T]) read(ctx context.Context, s *query.Statement, columns model.FieldSet, limit int) ([]T, error) {
	rows, err := r.query(ctx, s)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	in := r.scanner(columns)
	list := make([]T, 0, limit)
	for rows.Next() {
		if list, err = in.scan(rows, list); err != nil {
			return nil, err
		}
	}
	return list, rows.Err()
}

// scanner scans columns into rows.
type scanner[T any] struct {
	resource *Resource[T]
	computed model.FieldSet
	cells    []model.Cell
	fields   []model.FieldID
	dest     []any
}

func (r *Resource[T]) scanner(columns model.FieldSet) scanner[T] {
	computed := columns.Intersect(r.entity.Computed())
	columns = r.entity.Stored(columns)
	n := columns.Len()
	in := scanner[T]{r, computed, make([]model.Cell, 0, n), make([]model.FieldID, 0, n), make([]any, 0, n)}
	for f := range columns.All() {
		in.cells = append(in.cells, model.Cell{Field: &r.entity.Fields[f]})
		in.fields = append(in.fields, f)
		in.dest = append(in.dest, &in.cells[len(in.cells)-1])
	}
	return in
}

// scan appends a row to list.
func (in *scanner[T]) scan(rows *sql.Rows, list []T) ([]T, error) {
	list = append(list, *new(T))
	row := &list[len(list)-1]
	for i, f := range in.fields {
		in.cells[i].P = in.resource.pointer(row, f)
	}
	if err := rows.Scan(in.dest...); err != nil {
		return nil, fmt.Errorf("read %s: %w", in.resource.entity.Table, err)
	}
	if in.computed.Empty() {
		return list, nil
	}
	return list, in.resource.compute(row, in.computed)
}

// query runs a statement in the transaction of ctx, or else on the reader.
func (r *Resource[T]) query(ctx context.Context, s *query.Statement) (*sql.Rows, error) {
	if tx, ok := r.tx(ctx); ok {
		return tx.QueryContext(ctx, string(s.SQL), s.Args...)
	}
	return r.reader.Query(ctx, s)
}

// passes reports whether a row that is in the database passes a filter: its own
// values tell, or else the database does.
func (r *Resource[T]) passes(ctx context.Context, row *T, filter query.Filter) (bool, error) {
	if holds, known := filter.Match(r.values(row)); known {
		return holds, nil
	}
	s := r.statement()
	defer r.recycle(s)
	r.compile.Judge(s, r.value(row, r.entity.IDField()), filter)
	rows, err := r.query(ctx, s)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var holds bool
	for rows.Next() {
		if err := rows.Scan(&holds); err != nil {
			return false, fmt.Errorf("judge a row of %s: %w", r.entity.Table, err)
		}
	}
	return holds, rows.Err()
}

// gettable implements target.
func (r *Resource[T]) gettable(ctx context.Context, c caller, id any) (bool, error) {
	s := r.statement()
	defer r.recycle(s)
	r.compile.One(s, id, r.rules.visible(c), model.FieldSet{}, query.Unlocked)
	rows, err := r.query(ctx, s)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	found := rows.Next()
	return found, rows.Err()
}
