package crud

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// restoreRecord answers [Resource.Restore].
func (r *engine) restoreRecord(ctx context.Context, id string, opts []Option) (record, error) {
	c := callerFrom(ctx)
	ch, err := r.restore(ctx, c, id, opts...)
	if err != nil {
		return record{}, err
	}
	r.clear(ch.Row, r.answered(ctx, c, ch.Row, model.FieldSet{}))
	return ch.Row, nil
}

// RestoreRow implements [Service].
func (r *engine) RestoreRow(ctx context.Context, id string, sel []string, opts ...Option) (Row, error) {
	c := callerFrom(ctx)
	if err := r.may(c, authz.Delete); err != nil {
		return Row{}, err
	}
	selected, err := r.selection(c, sel)
	if err != nil {
		return Row{}, err
	}
	ch, err := r.restore(ctx, c, id, opts...)
	if err != nil {
		return Row{}, err
	}
	return r.answerRow(ch.Row, r.answered(ctx, c, ch.Row, model.FieldSet{}), selected), nil
}

func (r *engine) restore(ctx context.Context, c caller, id string, opts ...Option) (*change, error) {
	if err := r.may(c, authz.Delete); err != nil {
		return nil, err
	}
	filter, err := r.rules.reach(c, authz.Delete)
	if err != nil {
		return nil, err
	}
	key, ok := r.parseID(id)
	if !ok || !r.keeps() {
		return nil, notFound(id)
	}
	o := optionsOf(opts)
	var ch *change
	err = r.inTx(ctx, o, func(ctx context.Context, t *transaction) error {
		old, err := r.buried(ctx, key, query.Every(r.rules.visible(c), filter))
		if err != nil {
			return err
		}
		if old.none() {
			return notFound(id)
		}
		if err := r.unchanged(old, o.expect.deleted()); err != nil {
			return err
		}
		ch = &change{Action: authz.Update, Row: r.form.clone(old), Old: old, Set: model.Fields(r.entity.SoftDeleteField())}
		if err := r.revive(ctx, t, ch); err != nil {
			return err
		}
		r.tell(t, Changed{Action: authz.Create, ID: r.id(old), Set: r.entity.All()}, old, ch.Row)
		return nil
	})
	return ch, err
}

// buried reads and locks a deleted row; nil if there is none.
func (r *engine) buried(ctx context.Context, key any, filter query.Filter) (record, error) {
	s := r.statement()
	defer r.recycle(s)
	r.graves.One(s, key, filter, r.entity.All(), query.ForRemoval)
	rows, err := r.read(ctx, s, r.entity.All(), 1)
	if err != nil || len(rows) == 0 {
		return record{}, err
	}
	return rows[0], nil
}

// revive makes a deleted row one that is there, with the hooks of a change, and then
// those that went with it.
func (r *engine) revive(ctx context.Context, t *transaction, ch *change) error {
	up, err := r.rising(ctx, ch.Old)
	if err != nil {
		return err
	}
	if !up.among[r.graveOf(ch.Old)] {
		return &gate.Error{Status: http.StatusConflict, Message: "A row that this one points to is deleted: restore that first"}
	}
	r.detach(ch.Row, up)
	field, p := r.field(ch.Row, r.entity.SoftDeleteField())
	field.Clear(p)
	if err := r.permit(ctx, Changed{Action: authz.Update, ID: r.id(ch.Old), Set: ch.Set, Before: r.snapshot(ch.Old)}); err != nil {
		return err
	}
	if hooks := r.before[authz.Update]; len(hooks) > 0 {
		if err := run(ctx, hooks, ch); err != nil {
			return err
		}
		if err := refused(r.check(ch.Row, r.different(ch.Row, ch.Old))); err != nil {
			return err
		}
	}
	if err := r.exhume(ctx, t, ch.Row, ch.Old); err != nil {
		return err
	}
	if err := up.follow(ctx, t); err != nil {
		return err
	}
	watching := t.watch(r, ch.Row)
	if err := run(ctx, r.after[authz.Update], ch); err != nil {
		return err
	}
	return r.catchUp(ctx, t, watching, ch.Row)
}

// rising is a deleted row that comes back, and those that went with it.
type rising struct {
	at    time.Time
	most  int // how many may come back with it
	rows  []risen
	among map[grave]bool // the rows that come back
	there map[grave]bool // those of the others that they point to which are there
}

type risen struct {
	of  *engine
	row record
}

// rising finds the rows that come back with one. What points to a row that stays
// deleted stays so, too, be it the row itself.
func (r *engine) rising(ctx context.Context, row record) (*rising, error) {
	at, _ := r.value(row, r.entity.SoftDeleteField()).(time.Time)
	up := &rising{at: at, most: r.mostBuried(ctx), among: map[grave]bool{}, there: map[grave]bool{}}
	if err := r.add(ctx, []record{row}, up); err != nil {
		return nil, err
	}
	if err := up.look(ctx); err != nil {
		return nil, err
	}
	up.settle()
	return up, nil
}

func (r *engine) graveOf(row record) grave { return grave{r.entity, r.value(row, r.entity.IDField())} }

// add notes rows that come back, and those that went with them.
func (r *engine) add(ctx context.Context, rows []record, up *rising) error {
	for _, row := range rows {
		up.among[r.graveOf(row)], up.rows = true, append(up.rows, risen{r, row})
	}
	for some := range slices.Chunk(rows, atOnce) {
		keys := make([]any, len(some))
		for i, row := range some {
			keys[i] = r.value(row, r.entity.IDField())
		}
		for _, ref := range r.references {
			if err := ref.from.rise(ctx, ref.field, keys, up); err != nil {
				return err
			}
		}
	}
	return nil
}

// rise implements referrer.
func (r *engine) rise(ctx context.Context, f model.FieldID, keys []any, up *rising) error {
	if !r.keeps() || r.entity.Fields[f].OnDelete != model.Cascade {
		return nil
	}
	with := query.Equals(r.entity, r.entity.SoftDeleteField(), up.at.Format(time.RFC3339Nano))
	rows, err := r.pointing(ctx, r.graves, query.Every(with, query.Among(f, keys)), min(up.most, math.MaxInt-1)+1)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(row record) bool { return up.among[r.graveOf(row)] })
	if len(up.rows)-1 > up.most-len(rows) {
		return &gate.Error{Status: http.StatusConflict, Message: fmt.Sprintf("More than %d rows went with this one: who runs the service can restore it", maxBuried)}
	}
	return r.add(ctx, rows, up)
}

// look finds out which of the other rows that they point to are there.
func (up *rising) look(ctx context.Context) error {
	asked, others := map[grave]bool{}, map[target][]any{}
	for _, one := range up.rows {
		for f, to := range one.of.targets {
			at := one.to(f)
			if at.key == nil || up.among[at] || asked[at] {
				continue
			}
			asked[at], others[to] = true, append(others[to], at.key)
		}
	}
	for to, keys := range others {
		for some := range slices.Chunk(keys, atOnce) {
			there, err := to.existing(ctx, some)
			if err != nil {
				return err
			}
			for _, key := range there {
				up.there[grave{to.Entity(), key}] = true
			}
		}
	}
	return nil
}

// to returns the row that a key of one leads to.
func (one risen) to(f model.FieldID) grave {
	return grave{one.of.targets[f].Entity(), one.of.value(one.row, f)}
}

// settle leaves out the rows that have to point to one that stays deleted, and then
// those that have to point to them.
func (up *rising) settle() {
	needed := map[grave][]risen{} // by whom
	var stay []risen
	for _, one := range up.rows {
		for f := range one.of.targets {
			at := one.to(f)
			switch {
			case one.of.entity.Fields[f].OnDelete == model.SetNull || at.key == nil || up.there[at]:
			case up.among[at]:
				needed[at] = append(needed[at], one)
			default:
				stay = append(stay, one)
			}
		}
	}
	for len(stay) > 0 {
		at := stay[0].of.graveOf(stay[0].row)
		stay = stay[1:]
		if up.among[at] {
			delete(up.among, at)
			stay = append(stay, needed[at]...)
		}
	}
	up.rows = slices.DeleteFunc(up.rows, func(one risen) bool { return !up.among[one.of.graveOf(one.row)] })
}

// existing implements target.
func (r *engine) existing(ctx context.Context, keys []any) ([]any, error) {
	s := r.statement()
	defer r.recycle(s)
	id := r.entity.IDField()
	r.compile.Known(s, query.Among(id, keys))
	rows, err := r.read(ctx, s, model.Fields(id), 1)
	there := make([]any, len(rows))
	for i, row := range rows {
		there[i] = r.value(row, id)
	}
	return there, err
}

// detach empties the keys of a row that may be empty and lead to what stays deleted,
// and returns which.
func (r *engine) detach(row record, up *rising) (emptied model.FieldSet) {
	for f := range r.targets {
		at := risen{r, row}.to(f)
		if r.entity.Fields[f].OnDelete != model.SetNull || at.key == nil || up.among[at] || up.there[at] {
			continue
		}
		field, p := r.field(row, f)
		field.Clear(p)
		emptied.Add(f)
	}
	return emptied
}

// follow brings back the rows that went with the first one.
func (up *rising) follow(ctx context.Context, t *transaction) error {
	var kinds []*engine
	of := map[*engine][]record{}
	for _, one := range up.rows[1:] {
		if of[one.of] == nil {
			kinds = append(kinds, one.of)
		}
		of[one.of] = append(of[one.of], one.row)
	}
	for _, r := range kinds {
		for some := range slices.Chunk(of[r], atOnce) {
			if err := r.comeBack(ctx, t, some, up); err != nil {
				return r.answer(err)
			}
		}
	}
	return nil
}

// comeBack brings rows back that went with another one.
func (r *engine) comeBack(ctx context.Context, t *transaction, rows []record, up *rising) error {
	at, keys, empty := now(), make([]any, len(rows)), map[model.FieldID][]any{}
	for i, old := range rows {
		row := r.form.clone(old)
		keys[i] = r.value(row, r.entity.IDField())
		for f := range r.detach(row, up).All() {
			empty[f] = append(empty[f], keys[i])
		}
		r.arise(row, old, at)
		r.tell(t, Changed{Action: authz.Create, ID: r.id(row), Set: r.entity.All()}, row)
	}
	s := r.statement()
	defer r.recycle(s)
	for f, some := range empty {
		s.Reset()
		r.graves.Empty(s, f, query.Among(r.entity.IDField(), some))
		if _, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...); err != nil {
			return err
		}
	}
	s.Reset()
	r.graves.Raise(s, query.Among(r.entity.IDField(), keys), at)
	res, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != int64(len(keys)) {
		return cmp.Or(err, error(&gate.Error{Status: http.StatusConflict, Message: "Rows that went with this one were changed meanwhile: try again"}))
	}
	return nil
}

// arise makes a row that was deleted one that is there.
func (r *engine) arise(row, old record, at time.Time) {
	field, p := r.field(row, r.entity.SoftDeleteField())
	field.Clear(p)
	if f := r.entity.Find(model.UpdatedAt); f != model.NoField {
		field, p := r.field(row, f)
		field.Store(p, at)
	}
	r.count(row, old, new(model.FieldSet))
}

// exhume writes a row that was deleted as one that is there.
func (r *engine) exhume(ctx context.Context, t *transaction, row, old record) error {
	r.arise(row, old, now())
	key := r.value(old, r.entity.IDField())
	s := r.statement()
	defer r.recycle(s)
	r.graves.Update(s, key, query.Filter{}, r.different(row, old), r.values(row))
	return r.answer(r.exec(ctx, t, s, notFound(text(key))))
}
