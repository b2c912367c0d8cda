package crud

import (
	"context"
	"net/http"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// restoreRecord answers [Resource.Restore].
func (r *engine) restoreRecord(ctx context.Context, id string) (record, error) {
	c := callerFrom(ctx)
	ch, err := r.restore(ctx, c, id)
	if err != nil {
		return record{}, err
	}
	r.clear(ch.Row, r.answered(ctx, c, ch.Row, model.FieldSet{}))
	return ch.Row, nil
}

// RestoreRow implements [Service].
func (r *engine) RestoreRow(ctx context.Context, id string, sel []string) (Row, error) {
	c := callerFrom(ctx)
	if err := r.may(c, authz.Delete); err != nil {
		return Row{}, err
	}
	selected, err := r.selection(c, sel)
	if err != nil {
		return Row{}, err
	}
	ch, err := r.restore(ctx, c, id)
	if err != nil {
		return Row{}, err
	}
	return r.answerRow(ch.Row, r.answered(ctx, c, ch.Row, model.FieldSet{}), selected), nil
}

func (r *engine) restore(ctx context.Context, c caller, id string) (*change, error) {
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
	var ch *change
	err = r.inTx(ctx, options{}, func(ctx context.Context, t *transaction) error {
		old, err := r.buried(ctx, key, query.Every(r.rules.visible(c), filter))
		if err != nil {
			return err
		}
		if old.none() {
			return notFound(id)
		}
		ch = &change{Action: authz.Update, Row: r.form.clone(old), Old: old, Set: model.Fields(r.entity.SoftDeleteField())}
		if err := r.revive(ctx, t, ch); err != nil {
			return err
		}
		r.tell(t, Changed{Action: authz.Create, ID: r.id(old), Set: r.entity.All()}, old)
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
	if len(up.rows) == 0 {
		return &gate.Error{Status: http.StatusConflict, Message: "A row that this one points to is deleted: restore that first"}
	}
	if err := r.detach(ctx, ch.Row, up); err != nil {
		return err
	}
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
	for _, other := range up.rows[1:] {
		if err := other.of.comeBack(ctx, t, other.row, up); err != nil {
			return err
		}
	}
	return run(ctx, r.after[authz.Update], ch)
}

// rising is a deleted row that comes back, and those that went with it.
type rising struct {
	at    time.Time
	rows  []risen
	among map[grave]bool
	there map[grave]bool // of other rows, as far as that was asked
}

type risen struct {
	of  *engine
	row record
}

// rising finds the rows that come back with one. What points to a row that stays
// deleted stays so, too; when that is the row itself there are none.
func (r *engine) rising(ctx context.Context, row record) (*rising, error) {
	at, _ := r.value(row, r.entity.SoftDeleteField()).(time.Time)
	up := &rising{at: at, among: map[grave]bool{}, there: map[grave]bool{}}
	if err := r.add(ctx, row, up); err != nil {
		return nil, err
	}
	for kept := -1; kept != len(up.rows) && len(up.rows) > 0; {
		kept = len(up.rows)
		rows := up.rows[:0]
		for i, one := range up.rows {
			whole, err := one.of.leads(ctx, one.row, up)
			if err != nil {
				return nil, err
			}
			if whole {
				rows = append(rows, one)
				continue
			}
			if i == 0 {
				return &rising{}, nil
			}
			delete(up.among, one.of.graveOf(one.row))
		}
		up.rows = rows
	}
	return up, nil
}

func (r *engine) graveOf(row record) grave { return grave{r.entity, r.value(row, r.entity.IDField())} }

// add notes a row that comes back, and those that went with it.
func (r *engine) add(ctx context.Context, row record, up *rising) error {
	at := r.graveOf(row)
	if up.among[at] {
		return nil
	}
	up.among[at], up.rows = true, append(up.rows, risen{r, row})
	for _, ref := range r.references {
		if err := ref.from.rise(ctx, ref.field, at.key, up); err != nil {
			return err
		}
	}
	return nil
}

// rise implements referrer.
func (r *engine) rise(ctx context.Context, f model.FieldID, key any, up *rising) error {
	if !r.keeps() || r.entity.Fields[f].OnDelete != model.Cascade {
		return nil
	}
	with := query.Equals(r.entity, r.entity.SoftDeleteField(), up.at.Format(time.RFC3339Nano))
	rows, err := r.pointing(ctx, r.graves, query.Every(with, query.Equals(r.entity, f, text(key))), 0)
	for i := range rows {
		if err == nil {
			err = r.add(ctx, rows[i], up)
		}
	}
	return err
}

// leads reports whether the rows are there, or come back, that a deleted one has to
// point to.
func (r *engine) leads(ctx context.Context, row record, up *rising) (bool, error) {
	for f := range r.targets {
		if r.entity.Fields[f].OnDelete == model.SetNull {
			continue
		}
		if there, err := r.reaches(ctx, row, f, up); err != nil || !there {
			return false, err
		}
	}
	return true, nil
}

// reaches reports whether a key is empty, or of a row that is there or comes back.
func (r *engine) reaches(ctx context.Context, row record, f model.FieldID, up *rising) (bool, error) {
	id, target := r.value(row, f), r.targets[f]
	at := grave{target.Entity(), id}
	if id == nil || up.among[at] {
		return true, nil
	}
	there, known := up.there[at]
	if !known {
		var err error
		if there, err = target.gettable(ctx, caller{system: true}, id); err != nil {
			return false, err
		}
		up.there[at] = there
	}
	return there, nil
}

// detach empties the keys of a row that may be empty and lead to what stays deleted.
func (r *engine) detach(ctx context.Context, row record, up *rising) error {
	for f := range r.targets {
		if r.entity.Fields[f].OnDelete != model.SetNull {
			continue
		}
		there, err := r.reaches(ctx, row, f, up)
		if err != nil {
			return err
		}
		if !there {
			field, p := r.field(row, f)
			field.Clear(p)
		}
	}
	return nil
}

// comeBack brings a row back that went with another one.
func (r *engine) comeBack(ctx context.Context, t *transaction, old record, up *rising) error {
	row := r.form.clone(old)
	if err := r.detach(ctx, row, up); err != nil {
		return err
	}
	if err := r.exhume(ctx, t, row, old); err != nil {
		return err
	}
	r.tell(t, Changed{Action: authz.Create, ID: r.id(row), Set: r.entity.All()}, row)
	return nil
}

// exhume writes a row that was deleted as one that is there.
func (r *engine) exhume(ctx context.Context, t *transaction, row, old record) error {
	gone := r.entity.SoftDeleteField()
	field, p := r.field(row, gone)
	field.Clear(p)
	if f := r.entity.Find(model.UpdatedAt); f != model.NoField {
		field, p := r.field(row, f)
		field.Store(p, now())
	}
	r.count(row, old, new(model.FieldSet))
	key := r.value(old, r.entity.IDField())
	s := r.statement()
	defer r.recycle(s)
	r.graves.Update(s, key, query.Filter{}, r.different(row, old), r.values(row))
	return r.answer(r.exec(ctx, t, s, notFound(text(key))))
}
