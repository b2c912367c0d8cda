package crud

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// A reference is a field of another entity that points to rows of this one.
type reference struct {
	from  referrer
	field model.FieldID
}

// referrer is a resource as the rows see it that its rows point to. Keys are those
// of the rows that they point to.
type referrer interface {
	Entity() *model.Entity
	FindRows(ctx context.Context, q *query.Query) (*Rows, error)
	// leave does to the rows that point to a deleted one what the field says.
	leave(ctx context.Context, t *transaction, f model.FieldID, key any, at time.Time) error
	// comeBack brings those rows back that were deleted with the one they point to.
	comeBack(ctx context.Context, t *transaction, f model.FieldID, key any, at time.Time) error
	// purge deletes for good what keeps the database from deleting a row, and nobody
	// sees.
	purge(ctx context.Context, t *transaction, f model.FieldID, key any, seen map[grave]bool) error
}

// refer notes what points to rows of the entity.
func (r *engine) refer(ref reference) error {
	f := &ref.from.Entity().Fields[ref.field]
	if r.keeps() && f.OnDelete == model.Cascade && ref.from.Entity().SoftDelete == "" && !closes(ref.from.Entity(), ref.field) {
		return fmt.Errorf("%s.%s goes with rows that can come back, and cannot itself", ref.from.Entity().Name, f.Name)
	}
	r.references = append(r.references, ref)
	return nil
}

func (r *engine) unrefer(keeping bool) { r.references, r.keeping = nil, keeping }

// keeps reports whether deleted rows of the entity stay in the database.
func (r *engine) keeps() bool { return r.graves != nil }

// erase deletes a row that was read in this transaction, or marks it as deleted.
func (r *engine) erase(ctx context.Context, t *transaction, id string, old record, filter query.Filter, x expected) error {
	filter = r.still(filter, old, x)
	if r.keeps() {
		return r.bury(ctx, t, old, filter, x.missed(id), now())
	}
	key := r.value(old, r.entity.IDField())
	if r.keeping {
		if err := r.clearWay(ctx, t, key, map[grave]bool{}); err != nil {
			return r.needed(err)
		}
	}
	s := r.statement()
	defer r.recycle(s)
	r.compile.Delete(s, key, filter)
	return r.needed(r.exec(ctx, t, s, x.missed(id)))
}

// bury marks a row as deleted, and then does to those that point to it what they
// say: it counts as gone by then, also for itself.
func (r *engine) bury(ctx context.Context, t *transaction, old record, filter query.Filter, missed error, at time.Time) error {
	row, key := r.form.clone(old), r.value(old, r.entity.IDField())
	field, p := r.field(row, r.entity.SoftDeleteField())
	field.Store(p, at)
	changed := model.Fields(r.entity.SoftDeleteField())
	r.count(row, old, &changed)
	s := r.statement()
	defer r.recycle(s)
	r.compile.Update(s, key, filter, changed, r.values(row))
	if err := r.exec(ctx, t, s, missed); err != nil {
		return err
	}
	for _, ref := range r.references {
		if err := ref.from.leave(ctx, t, ref.field, key, at); err != nil {
			return err
		}
	}
	return nil
}

// leave implements referrer.
func (r *engine) leave(ctx context.Context, t *transaction, f model.FieldID, key any, at time.Time) error {
	switch r.entity.Fields[f].OnDelete {
	case model.SetNull:
		s := r.statement()
		defer r.recycle(s)
		r.compile.Empty(s, f, key)
		_, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...)
		return err
	case model.Cascade:
		if closes(r.entity, f) {
			return nil
		}
		rows, err := r.pointing(ctx, r.compile, f, key)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := r.bury(ctx, t, rows[i], query.Filter{}, stillNeeded(), at); err != nil {
				return err
			}
			r.tell(t, Changed{Action: authz.Delete, ID: r.id(rows[i]), Set: r.entity.All(), Before: r.snapshot(rows[i])}, rows[i])
		}
		return nil
	default:
		s := r.statement()
		defer r.recycle(s)
		id := model.Fields(r.entity.IDField())
		r.compile.Every(s, query.Equals(r.entity, f, text(key)), id, 1)
		rows, err := r.read(ctx, s, id, 1)
		if err == nil && len(rows) > 0 {
			return stillNeeded()
		}
		return err
	}
}

// pointing reads the rows of a compiler that point to a row, and locks them.
func (r *engine) pointing(ctx context.Context, from *query.Compiler, f model.FieldID, key any, more ...query.Filter) ([]record, error) {
	filter := query.Every(append(more, query.Equals(r.entity, f, text(key)))...)
	s := r.statement()
	defer r.recycle(s)
	from.Every(s, filter, r.entity.All(), 0)
	return r.read(ctx, s, r.entity.All(), 1)
}

// purge implements referrer.
func (r *engine) purge(ctx context.Context, t *transaction, f model.FieldID, key any, seen map[grave]bool) error {
	on := r.entity.Fields[f].OnDelete
	if on == model.Cascade {
		rows, err := r.pointing(ctx, r.compile, f, key)
		for i := range rows {
			if err == nil {
				err = r.clearWay(ctx, t, r.value(rows[i], r.entity.IDField()), seen)
			}
		}
		if err != nil {
			return err
		}
	}
	if !r.keeps() || on == model.SetNull {
		return nil
	}
	rows, err := r.pointing(ctx, r.graves, f, key)
	if err != nil {
		return err
	}
	s := r.statement()
	defer r.recycle(s)
	for i := range rows {
		id := r.value(rows[i], r.entity.IDField())
		if err := r.clearWay(ctx, t, id, seen); err != nil {
			return err
		}
		s.Reset()
		r.graves.Delete(s, id, query.Filter{})
		if _, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...); err != nil {
			return err
		}
	}
	return nil
}

// grave is a row.
type grave struct {
	entity *model.Entity
	key    any
}

// clearWay deletes for good the deleted rows that would keep the database from
// deleting a row: nobody can bring them back without it.
func (r *engine) clearWay(ctx context.Context, t *transaction, key any, seen map[grave]bool) error {
	at := grave{r.entity, key}
	if seen[at] {
		return nil
	}
	seen[at] = true
	for _, ref := range r.references {
		if err := ref.from.purge(ctx, t, ref.field, key, seen); err != nil {
			return err
		}
	}
	return nil
}

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
	switch whole, err := r.leads(ctx, ch.Old); {
	case err != nil:
		return err
	case !whole:
		return &gate.Error{Status: http.StatusConflict, Message: "A row that this one points to is deleted: restore that first"}
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
	return run(ctx, r.after[authz.Update], ch)
}

// leads reports whether the rows are there that a deleted one points to.
func (r *engine) leads(ctx context.Context, row record) (bool, error) {
	for f, target := range r.targets {
		id := r.value(row, f)
		if id == nil {
			continue
		}
		if there, err := target.gettable(ctx, caller{system: true}, id); err != nil || !there {
			return false, err
		}
	}
	return true, nil
}

// exhume writes a row that was deleted as one that is there, and brings those back
// that were deleted with it.
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
	if err := r.exec(ctx, t, s, notFound(text(key))); err != nil {
		return r.answer(err)
	}
	at, _ := r.value(old, gone).(time.Time)
	for _, ref := range r.references {
		if err := ref.from.comeBack(ctx, t, ref.field, key, at); err != nil {
			return err
		}
	}
	return nil
}

// comeBack implements referrer. What points to another deleted row stays deleted.
func (r *engine) comeBack(ctx context.Context, t *transaction, f model.FieldID, key any, at time.Time) error {
	if !r.keeps() || r.entity.Fields[f].OnDelete != model.Cascade {
		return nil
	}
	with := query.Equals(r.entity, r.entity.SoftDeleteField(), at.Format(time.RFC3339Nano))
	rows, err := r.pointing(ctx, r.graves, f, key, with)
	if err != nil {
		return err
	}
	for i := range rows {
		whole, err := r.leads(ctx, rows[i])
		if err != nil {
			return err
		}
		if row := r.form.clone(rows[i]); whole {
			if err := r.exhume(ctx, t, row, rows[i]); err != nil {
				return err
			}
			r.tell(t, Changed{Action: authz.Create, ID: r.id(row), Set: r.entity.All()}, row)
		}
	}
	return nil
}

// checkReturning is checkTargets once more, when a row is written: where deleted rows
// are kept a key does not keep the one that it points to from being deleted since.
func (r *engine) checkReturning(ctx context.Context, c caller, row record, set model.FieldSet) error {
	if !r.returning {
		return nil
	}
	return r.checkTargets(ctx, c, row, set)
}
