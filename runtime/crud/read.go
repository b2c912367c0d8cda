package crud

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/internal/household"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
)

// getRecord answers [Resource.Get] and [Resource.GetForUpdate].
func (r *engine) getRecord(ctx context.Context, id string, lock query.Lock) (record, error) {
	row, err := r.get(ctx, id, &query.Selection{}, lock)
	if err != nil {
		return record{}, err
	}
	r.clear(row.row, row.set)
	return row.row, nil
}

// GetRow implements [Service].
func (r *engine) GetRow(ctx context.Context, id string, sel *query.Selection) (Row, error) {
	if sel == nil {
		sel = &query.Selection{}
	}
	row, err := r.get(ctx, id, sel, sel.Lock)
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
type got struct {
	row   record
	set   model.FieldSet
	shown model.FieldSet // whatever was selected
	crops crops
}

func (r *engine) get(ctx context.Context, id string, sel *query.Selection, lock query.Lock) (got, error) {
	var none got
	if err := r.ready(); err != nil {
		return none, err
	}
	if _, inside := r.tx(ctx); !inside && lock != query.Unlocked {
		return none, fmt.Errorf("crud: GetForUpdate of %s holds nothing outside of a transaction: call it inside of crud.InTx", r.entity.Name)
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
	var row record
	if len(branches) == 0 && lock == query.Unlocked && r.brief(ctx, filter) {
		row, err = r.glance(ctx, key, filter, fetch)
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.timeout)
		defer cancel()
		row, err = r.one(ctx, key, filter, fetch, lock)
	}
	if err != nil {
		return none, r.answer(err)
	}
	if row.none() {
		return none, notFound(id)
	}
	answer := got{row: row, shown: r.shown(row, fields.ever, &fields)}
	answer.set = answer.shown.Intersect(selected)
	if len(branches) > 0 {
		answer.crops, err = r.loadOne(ctx, c, row, fields, branches)
	}
	return answer, err
}

// shown returns the selected fields that the caller may read in this row.
func (r *engine) shown(row record, selected model.FieldSet, fields *scope) model.FieldSet {
	if len(fields.grants) == 0 {
		return selected.Intersect(fields.always)
	}
	return selected.Intersect(fields.in(r.values(row)))
}

// parseID reads an id from outside; false means that no row can have it.
func (r *engine) parseID(id string) (any, bool) {
	key, err := r.entity.Fields[r.entity.IDField()].Parse(id)
	return key, err == nil && key != nil
}

// findRecords answers [Resource.Find].
func (r *engine) findRecords(ctx context.Context, q *query.Query) (*Rows, error) {
	if len(q.Include) > 0 {
		return nil, fmt.Errorf("crud: a page of %s has no place for relations: ask FindRows", r.entity.Plural)
	}
	rows, err := r.FindRows(ctx, q)
	if err != nil {
		return nil, err
	}
	for i, row := range rows.rows {
		r.clear(row, rows.shown(i))
	}
	return rows, nil
}

// FindRows implements [Service].
func (r *engine) FindRows(ctx context.Context, q *query.Query) (*Rows, error) {
	rows, _, err := r.find(ctx, q)
	return rows, err
}

func (r *engine) find(ctx context.Context, q *query.Query) (*Rows, []record, error) {
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
func (r *engine) findIn(ctx context.Context, c caller, q *query.Query, filter query.Filter, fields scope, of string) (*Rows, []record, error) {
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
	rows := &Rows{Limit: plan.Limit, Skip: plan.Skip, enc: r, making: makingOf(ctx), rows: data, len: len(data), set: selected}
	switch {
	case plan.NoTotal:
		rows.Total = -1
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
			rows.sets[i] = r.shown(data[i], selected, &fields)
		}
	}
	if rows.crops, err = r.load(ctx, c, data, fields, branches); err != nil {
		return nil, nil, err
	}
	return rows, data, nil
}

// total returns how many rows the plan has. A page that ends early has told.
func (r *engine) total(ctx context.Context, plan *query.Plan, filter query.Filter, found int, more bool) (int64, error) {
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
func (r *engine) page(ctx context.Context, plan *query.Plan, filter query.Filter, columns model.FieldSet) ([]record, error) {
	if plan.CountOnly {
		return []record{}, nil
	}
	s := r.statement()
	defer r.recycle(s)
	r.compile.Page(s, plan, filter, columns)
	return r.read(ctx, s, columns, plan.Limit+1)
}

// one reads the row with that id; nil if there is none.
func (r *engine) one(ctx context.Context, id any, filter query.Filter, columns model.FieldSet, lock query.Lock) (record, error) {
	if t, inside := ctx.Value(txKey{r.db}).(*transaction); inside && lock != query.Unlocked && retries(r.db) {
		return t.take(ctx, claim{r, id, lock}, filter, columns)
	}
	return r.fetch(ctx, id, filter, columns, lock)
}

func (r *engine) fetch(ctx context.Context, id any, filter query.Filter, columns model.FieldSet, lock query.Lock) (record, error) {
	s := r.statement()
	defer r.recycle(s)
	r.compile.One(s, id, filter, columns, lock)
	list, err := r.read(ctx, s, columns, 1)
	if err != nil || len(list) == 0 {
		return record{}, err
	}
	return list[0], nil
}

// brief reports whether to read a row that passes the filter takes no time: from a file,
// by its key, without another row, and with a connection that is free.
func (r *engine) brief(ctx context.Context, filter query.Filter) bool {
	if _, inside := r.tx(ctx); inside || ctx.Err() != nil || r.db.Dialect() != store.SQLite || !filter.Own() {
		return false
	}
	pool := r.db.Read().Stats()
	return pool.InUse < pool.MaxOpenConnections
}

// glance is fetch where it is brief. Neither a clock nor the end of ctx is watched once it
// is its turn: that is a fifth of the work, and would come too late.
func (r *engine) glance(ctx context.Context, id any, filter query.Filter, columns model.FieldSet) (record, error) {
	s := r.statement()
	defer r.recycle(s)
	r.compile.One(s, id, filter, columns, query.Unlocked)
	rows, err := r.await(ctx, context.WithoutCancel(ctx), s)
	if err != nil {
		return record{}, err
	}
	list, err := r.collect(ctx, rows, columns, 1)
	if err != nil || len(list) == 0 {
		return record{}, err
	}
	return list[0], nil
}

// read runs a query and returns its rows, of which there are at most limit.
func (r *engine) read(ctx context.Context, s *query.Statement, columns model.FieldSet, limit int) ([]record, error) {
	rows, err := r.query(ctx, s)
	if err != nil {
		return nil, err
	}
	return r.collect(ctx, rows, columns, limit)
}

func (r *engine) collect(ctx context.Context, rows answered, columns model.FieldSet, limit int) ([]record, error) {
	defer rows.Close()
	var err error
	in := r.scanner(columns)
	in.spare = r.form.rows(limit)
	list := in.spare[:0] // which has no more than were taken of the spare ones
	for rows.Next() {
		if list, err = in.scan(rows, list); err != nil {
			return nil, err
		}
		if limit > 1 && in.bytes() > MaxAnswer && !authz.IsSystem(ctx) {
			return nil, answerTooLarge()
		}
		if err := in.count(ctx); err != nil {
			return nil, err
		}
	}
	return list, rows.Err()
}

// scanner scans columns into rows.
type scanner struct {
	engine   *engine
	computed model.FieldSet
	cells    []model.Cell
	fields   []model.FieldID
	dest     []any
	spare    []record // new rows, in which there is nothing yet
	counted  int      // of bytes
}

func (r *engine) scanner(columns model.FieldSet) scanner {
	computed := columns.Intersect(r.entity.Computed())
	columns = r.entity.Stored(columns)
	n := columns.Len()
	in := scanner{engine: r, computed: computed, cells: make([]model.Cell, 0, n), fields: make([]model.FieldID, 0, n), dest: make([]any, 0, n)}
	for f := range columns.All() {
		in.cells = append(in.cells, model.Cell{Field: &r.entity.Fields[f]})
		in.fields = append(in.fields, f)
		in.dest = append(in.dest, &in.cells[len(in.cells)-1])
	}
	return in
}

// count lets what was read count for the answer that is made, if it is worth it.
func (in *scanner) count(ctx context.Context) error {
	const little = 16 << 10
	n := in.bytes() - in.counted
	if n < little {
		return nil
	}
	in.counted += n
	return makingOf(ctx).reads(n)
}

// bytes returns how much text was read.
func (in *scanner) bytes() int {
	sum := 0
	for i := range in.cells {
		sum += in.cells[i].Bytes
	}
	return sum
}

// scan appends a row to list.
func (in *scanner) scan(rows answered, list []record) ([]record, error) {
	if len(in.spare) == 0 {
		in.spare = in.engine.form.rows(len(list) + 8)
	}
	row := in.spare[0]
	in.spare, list = in.spare[1:], append(list, row)
	for i, f := range in.fields {
		in.cells[i].P = in.engine.form.pointer(row, f)
	}
	if err := rows.Scan(in.dest...); err != nil {
		return nil, fmt.Errorf("read %s: %w", in.engine.entity.Table, err)
	}
	if in.computed.Empty() {
		return list, nil
	}
	return list, in.engine.compute(row, in.computed)
}

// query runs a statement in the transaction of ctx, or else on the reader.
// Nobody takes all readers: each caller has turns.
func (r *engine) query(ctx context.Context, s *query.Statement) (answered, error) {
	if tx, ok := r.tx(ctx); ok {
		rows, err := tx.QueryContext(ctx, string(s.SQL), s.Args...) //nolint:rowserrcheck // the caller asks
		return answered{Rows: rows}, err
	}
	return r.await(ctx, ctx, s)
}

// await runs a statement outside of a transaction. It waits for its turn while waiting
// lasts, and takes as long as running does.
func (r *engine) await(waiting, running context.Context, s *query.Statement) (answered, error) {
	turnOf := r.db.Turn
	if s.Long() {
		turnOf = r.db.LongTurn
	}
	turn, err := turnOf(waiting, askedBy(waiting), r.timeout)
	if err != nil {
		return answered{}, err
	}
	rows, err := r.reader.Query(running, s) //nolint:rowserrcheck // the caller asks
	if err != nil {
		turn.End()
	}
	return answered{rows, turn}, err
}

// answered are the rows of a statement, which the caller closes once, before it runs
// the next.
type answered struct {
	*sql.Rows

	turn *store.Turn
}

// Close ends the turn, too.
func (a answered) Close() error {
	defer a.turn.End()
	return a.Rows.Close()
}

// askedBy returns for whom a statement is run.
func askedBy(ctx context.Context) store.Caller {
	var c store.Caller
	if authz.IsSystem(ctx) {
		return c
	}
	if client, ok := gate.ClientFromContext(ctx); ok {
		c.Network = household.Network(client.Address)
	}
	if p, ok := gate.PrincipalFromContext(ctx); ok {
		c.Account = p.Subject
	}
	return c
}

// passes reports whether a row that is in the database passes a filter: its own
// values tell, or else the database does.
func (r *engine) passes(ctx context.Context, row record, filter query.Filter) (bool, error) {
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
func (r *engine) gettable(ctx context.Context, c caller, id any) (bool, error) {
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
