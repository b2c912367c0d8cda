package crud

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
)

// PatchRows implements [Service].
func (r *engine) PatchRows(ctx context.Context, q *query.Query, body []byte, sel []string, opts ...Option) (*Rows, error) {
	c := callerFrom(ctx)
	selected, err := r.mayMany(c, authz.Update, q, sel)
	if err != nil {
		return nil, err
	}
	if err := r.checkMany(c, body); err != nil {
		return nil, err
	}
	var done []*change
	each := append(slices.Clone(opts), asPart)
	err = r.choose(ctx, c, authz.Update, q, func(ctx context.Context, ids []string) (err error) {
		done = make([]*change, len(ids)) // anew whenever this runs
		at := outermost()
		for i, id := range ids {
			if done[i], err = r.update(ctx, c, id, r.fromJSON(body, at), false, each...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows, sets := make([]record, len(done)), make([]model.FieldSet, len(done))
	for i, ch := range done {
		rows[i], sets[i] = ch.Row, r.answered(ctx, c, ch.Row, ch.sent).Intersect(selected)
	}
	return r.answerRows(rows, sets), nil
}

// RemoveRows implements [Service].
func (r *engine) RemoveRows(ctx context.Context, q *query.Query, sel []string, opts ...Option) (*Rows, error) {
	c := callerFrom(ctx)
	selected, err := r.mayMany(c, authz.Delete, q, sel)
	if err != nil {
		return nil, err
	}
	filter, err := r.rules.reach(c, authz.Delete)
	if err != nil {
		return nil, err
	}
	var rows []record
	each := append(slices.Clone(opts), asPart)
	err = r.choose(ctx, c, authz.Delete, q, func(ctx context.Context, ids []string) error {
		rows = make([]record, len(ids))
		for i, id := range ids { // as they are before one goes with another
			key, _ := r.parseID(id)
			if rows[i], err = r.reachable(ctx, c, id, key, filter, query.ForRemoval); err != nil {
				return err
			}
		}
		for _, id := range ids {
			key, _ := r.parseID(id)
			if row, err := r.one(ctx, key, query.Filter{}, model.Fields(r.entity.IDField()), query.Unlocked); err != nil {
				return err
			} else if row.none() {
				continue // it went with another
			}
			if _, err := r.remove(ctx, c, id, each...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sets := make([]model.FieldSet, len(rows))
	for i := range rows {
		sets[i] = r.viewed(c, rows[i], r.rules.visible(c)).Intersect(selected)
	}
	return r.answerRows(rows, sets), nil
}

// answerRows makes the answer of rows that were written.
func (r *engine) answerRows(rows []record, sets []model.FieldSet) *Rows {
	return &Rows{Total: int64(len(rows)), Limit: len(rows), enc: r, len: len(rows), rows: rows, sets: sets}
}

// mayMany answers 401 and 403 to a change of many rows, and refuses a choice of rows
// that is none.
func (r *engine) mayMany(c caller, action authz.Action, q *query.Query, sel []string) (model.FieldSet, error) {
	for _, needed := range []authz.Action{action, authz.List} {
		if err := r.may(c, needed); err != nil {
			return model.FieldSet{}, err
		}
	}
	if query.FindsAll(q.Where) && q.Search == "" {
		return model.FieldSet{}, &gate.Error{Status: http.StatusBadRequest, Message: "Say which " + r.entity.Plural + " by a condition: this would be all of them"}
	}
	if len(q.Sort) > 0 || q.Limit != 0 || q.CountOnly || q.Skip != 0 || q.Cursor != nil || len(q.Include) > 0 {
		return model.FieldSet{}, &gate.Error{Status: http.StatusBadRequest, Message: "Rows to change are chosen by conditions, without order, page or relations"}
	}
	return r.selection(c, sel)
}

// checkMany refuses a body that no row could be changed by, also when there is no
// row.
func (r *engine) checkMany(c caller, body []byte) error {
	filter, err := r.rules.reach(c, authz.Update)
	if err != nil {
		return err
	}
	ch, problems, err := r.fromJSON(body, outermost())(r.rules.fieldsFor(c, authz.Update, filter).ever, manyRows)
	if err != nil {
		return badRequest(err)
	}
	for f := range ch.Set.All() {
		if r.entity.Fields[f].Secret() { // hashing is work, and one password for many is none
			problems.Add(r.entity.Fields[f].Name, model.CodeFormat, "is changed in one row at a time")
		}
	}
	return refused(problems)
}

// manyRows is no id.
const manyRows = "*"

// againTimeout is how long it may take to look again at rows that were found already,
// while nobody else can write.
const againTimeout = 500 * time.Millisecond

// choose runs fn in a transaction, with the ids of the rows that the caller chose.
// They are looked for before it begins: nobody who writes waits for that. Of those
// that were found then fn gets the ones that are such rows still, and nobody else
// changes them until the transaction ends.
func (r *engine) choose(ctx context.Context, c caller, action authz.Action, q *query.Query, fn func(ctx context.Context, ids []string) error) error {
	var among query.Filter
	limit := r.timeout
	if _, inside := r.tx(ctx); !inside {
		ids, err := r.pick(ctx, c, action, q, among, query.Unlocked, limit)
		if err != nil || len(ids) == 0 {
			return r.answer(err)
		}
		clause := model.Clause{Field: r.entity.Fields[r.entity.IDField()].Name}
		for _, id := range ids {
			clause.Values = append(clause.Values, id)
		}
		if among, err = query.Holds(r.entity, []model.Clause{clause}); err != nil {
			return err
		}
		if r.db.Dialect() == store.SQLite {
			limit = min(limit, againTimeout)
		}
	}
	lock := query.ForChange
	if action == authz.Delete {
		lock = query.ForRemoval
	}
	return r.inTx(ctx, options{}, func(ctx context.Context, _ *transaction) error {
		ids, err := r.pick(ctx, c, action, q, among, lock, limit)
		if err != nil && limit == againTimeout && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return &gate.Error{
				Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Err: err,
				Message: "The conditions take too long to be asked of these rows while nobody else can write: narrow them",
			}
		}
		if err != nil {
			return err
		}
		return fn(ctx, ids)
	})
}

// pick returns the ids of the rows that the caller chose of those that they may
// list, get and change, in their order.
func (r *engine) pick(ctx context.Context, c caller, action authz.Action, q *query.Query, among query.Filter, lock query.Lock, limit time.Duration) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	listed, err := r.rules.reach(c, authz.List)
	if err != nil {
		return nil, err
	}
	changed, err := r.rules.reach(c, action)
	if err != nil {
		return nil, err
	}
	fields := r.rules.fieldsFor(c, authz.View, listed)
	plan, err := query.Resolve(r.entity, &query.Query{Where: q.Where, Search: q.Search}, fields.always, fields.ever, r.onward(c, fields.always, ""))
	if err != nil {
		return nil, badRequest(err)
	}
	plan.Limit = MaxBulk + 1
	columns := model.Fields(r.entity.IDField())
	s := r.statement()
	defer r.recycle(s)
	r.compile.Page(s, plan, query.Every(listed, r.rules.visible(c), changed, among), columns)
	r.compile.Lock(s, lock)
	rows, err := r.read(ctx, s, columns, plan.Limit)
	if err != nil {
		return nil, err
	}
	if len(rows) > MaxBulk {
		return nil, badRequest(model.Problems{{Code: model.CodeLimit, Message: "more than " + strconv.Itoa(MaxBulk) + " rows: narrow the conditions"}})
	}
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = r.id(rows[i])
	}
	return ids, nil
}
