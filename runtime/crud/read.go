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
	row, set, err := r.get(ctx, id, nil)
	if err != nil {
		return nil, err
	}
	r.clear(row, set)
	return row, nil
}

// GetRow implements [Service].
func (r *Resource[T]) GetRow(ctx context.Context, id string, sel []string) (Row, error) {
	row, set, err := r.get(ctx, id, sel)
	if err != nil {
		return Row{}, err
	}
	return r.answerRow(row, set), nil
}

func (r *Resource[T]) get(ctx context.Context, id string, sel []string) (*T, model.FieldSet, error) {
	var none model.FieldSet
	if err := r.ready(); err != nil {
		return nil, none, err
	}
	c := callerFrom(ctx)
	filter, err := r.rules.reach(c, authz.View)
	if err != nil {
		return nil, none, err
	}
	fields := r.rules.fieldsFor(c, authz.View, filter)
	selected := fields.own
	if sel != nil {
		if selected, err = query.ResolveSelect(r.entity, sel, fields.own); err != nil {
			return nil, none, badRequest(err)
		}
	}
	key, ok := r.parseID(id)
	if !ok {
		return nil, none, notFound(id)
	}
	fetch := r.withOwner(selected, fields)
	fetch.Add(r.entity.IDField())
	row, err := r.one(ctx, key, filter, fetch, false)
	if err != nil {
		return nil, none, r.answer(err)
	}
	if row == nil {
		return nil, none, notFound(id)
	}
	return row, r.shown(c, row, selected, fields), nil
}

// withOwner adds the owner field to what is read when it matters whose row it
// is.
func (r *Resource[T]) withOwner(set model.FieldSet, fields scope) model.FieldSet {
	if fields.always != fields.own {
		set.Add(r.entity.OwnerField())
	}
	return set
}

// shown returns the selected fields that the caller may read in this row.
func (r *Resource[T]) shown(c caller, row *T, selected model.FieldSet, fields scope) model.FieldSet {
	if fields.always != fields.own && !c.owns(r.value(row, r.entity.OwnerField())) {
		return selected.Intersect(fields.always)
	}
	return selected
}

// parseID reads an id from outside; false means that no row can have it.
func (r *Resource[T]) parseID(id string) (any, bool) {
	key, err := r.entity.Fields[r.entity.IDField()].Parse(id)
	return key, err == nil && key != nil
}

// Find returns a page of the rows that the caller may list.
func (r *Resource[T]) Find(ctx context.Context, q *query.Query) (*Page[T], error) {
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
	return &Page[T]{Total: rows.Total, Limit: rows.Limit, Skip: rows.Skip, Data: data}, nil
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
	fields := r.rules.fieldsFor(c, authz.View, filter)
	plan, err := query.Resolve(r.entity, q, fields.always, fields.own)
	if err != nil {
		return nil, nil, badRequest(err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	selected := plan.Select
	data, err := r.page(ctx, plan, filter, r.withOwner(selected, fields))
	if err != nil {
		return nil, nil, r.answer(err)
	}
	rows := &Rows{Limit: plan.Limit, Skip: plan.Skip, enc: r, rows: data, len: len(data), set: selected}
	if !plan.NoTotal {
		if rows.Total, err = r.total(ctx, plan, filter, len(data)); err != nil {
			return nil, nil, r.answer(err)
		}
	}
	if fields.always != fields.own {
		rows.sets = make([]model.FieldSet, len(data))
		for i := range data {
			rows.sets[i] = r.shown(c, &data[i], selected, fields)
		}
	}
	return rows, data, nil
}

// total returns how many rows the plan has. A page that ends early has told.
func (r *Resource[T]) total(ctx context.Context, plan *query.Plan, filter query.Filter, found int) (int64, error) {
	if found < plan.Limit && (found > 0 || plan.Skip == 0) {
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
	return r.read(ctx, s, columns, plan.Limit)
}

// one reads the row with that id; nil if there is none.
func (r *Resource[T]) one(ctx context.Context, id any, filter query.Filter, columns model.FieldSet, lock bool) (*T, error) {
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
	cells := make([]model.Cell, 0, columns.Len())
	ids := make([]model.FieldID, 0, cap(cells))
	dest := make([]any, 0, cap(cells))
	for f := range columns.All() {
		cells = append(cells, model.Cell{Field: &r.entity.Fields[f]})
		ids = append(ids, f)
		dest = append(dest, &cells[len(cells)-1])
	}
	list := make([]T, 0, limit)
	for rows.Next() {
		list = append(list, *new(T))
		row := &list[len(list)-1]
		for i, f := range ids {
			cells[i].P = r.pointer(row, f)
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, fmt.Errorf("read %s: %w", r.entity.Table, err)
		}
	}
	return list, rows.Err()
}

// query runs a statement in the transaction of ctx, or else on the reader.
func (r *Resource[T]) query(ctx context.Context, s *query.Statement) (*sql.Rows, error) {
	if tx, ok := r.tx(ctx); ok {
		return tx.QueryContext(ctx, string(s.SQL), s.Args...)
	}
	return r.reader.Query(ctx, s)
}

// gettable implements target.
func (r *Resource[T]) gettable(ctx context.Context, c caller, id any) (bool, error) {
	s := r.statement()
	defer r.recycle(s)
	r.compile.One(s, id, r.rules.visible(c), model.FieldSet{}, false)
	rows, err := r.query(ctx, s)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	found := rows.Next()
	return found, rows.Err()
}
