package crud

import (
	"cmp"
	"context"
	"database/sql"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// Patch changes the fields in Set and answers the row as [Resource.Create]
// does. A change that changes nothing writes nothing.
func (r *Resource[T]) Patch(ctx context.Context, id string, ch *Change[T]) (*T, error) {
	return r.updateGo(ctx, id, ch, false)
}

// Update replaces the row: a field that is not in Set gets its default, or
// null. It keeps what the caller may not write, the password and the roles.
func (r *Resource[T]) Update(ctx context.Context, id string, ch *Change[T]) (*T, error) {
	return r.updateGo(ctx, id, ch, true)
}

func (r *Resource[T]) updateGo(ctx context.Context, id string, ch *Change[T], replace bool) (*T, error) {
	c := callerFrom(ctx)
	done, err := r.update(ctx, c, id, r.fromGo(ch), replace)
	if err != nil {
		return nil, err
	}
	r.clear(&done.Row, r.answered(ctx, c, &done.Row, done.Set))
	return &done.Row, nil
}

// UpdateRow implements [Service].
func (r *Resource[T]) UpdateRow(ctx context.Context, id string, body []byte, sel []string, opts ...Option) (Row, error) {
	return r.updateJSON(ctx, id, body, sel, true, opts)
}

// PatchRow implements [Service].
func (r *Resource[T]) PatchRow(ctx context.Context, id string, body []byte, sel []string, opts ...Option) (Row, error) {
	return r.updateJSON(ctx, id, body, sel, false, opts)
}

func (r *Resource[T]) updateJSON(ctx context.Context, id string, body []byte, sel []string, replace bool, opts []Option) (Row, error) {
	c := callerFrom(ctx)
	if err := r.may(c, authz.Update); err != nil {
		return Row{}, err
	}
	selected, err := r.selection(c, sel)
	if err != nil {
		return Row{}, err
	}
	done, err := r.update(ctx, c, id, r.fromJSON(body, outermost()), replace, opts...)
	if err != nil {
		return Row{}, err
	}
	return r.answerRow(&done.Row, r.answered(ctx, c, &done.Row, done.Set), selected), nil
}

// may answers 401 and 403 before anything is read.
func (r *Resource[T]) may(c caller, action authz.Action) error {
	if err := r.ready(); err != nil {
		return err
	}
	_, err := r.rules.reach(c, action)
	return err
}

func (r *Resource[T]) update(ctx context.Context, c caller, id string, in input[T], replace bool, opts ...Option) (*Change[T], error) {
	if err := r.may(c, authz.Update); err != nil {
		return nil, err
	}
	filter, err := r.rules.reach(c, authz.Update)
	if err != nil {
		return nil, err
	}
	key, ok := r.parseID(id)
	if !ok {
		return nil, notFound(id)
	}
	fields := r.rules.fieldsFor(c, authz.Update, filter)
	ch, problems, err := in(fields.ever, text(key))
	if err != nil {
		return nil, badRequest(err)
	}
	if err := r.mayNest(c, ch); err != nil {
		return nil, err
	}
	ch.Action = authz.Update
	o := optionsOf(opts)
	ch.expect = ch.expect.and(o.expect)
	if replace {
		problems = append(problems, r.replace(ch, fields.always, problems)...)
	}
	problems = append(problems, r.checkPassword(ch)...)
	if len(problems) > 0 {
		// Whoever may not see or change the row is told that, and nothing else.
		if err := r.mayReach(ctx, c, id, key, filter); err != nil {
			return nil, err
		}
		return nil, refused(problems)
	}
	plain := r.plainPassword(ch)
	if plain != "" { // hashing takes its time, and is for those who reach the row
		if err := r.mayReach(ctx, c, id, key, filter); err != nil {
			return nil, err
		}
	}
	if err := r.hash(ctx, ch); err != nil {
		return nil, err
	}
	u := updating[T]{Change: ch, key: key, filter: filter, fields: fields, password: plain, replace: replace, file: o.file}
	err = r.inTx(ctx, o, func(ctx context.Context, t *transaction) error {
		u.Change = r.fresh(ch)
		return r.rewrite(ctx, t, c, id, u)
	})
	return u.Change, err
}

// replace sets the fields that a replacement did not name and the caller may
// write.
func (r *Resource[T]) replace(ch *Change[T], writable model.FieldSet, problems model.Problems) model.Problems {
	at := now()
	known := ch.Set.Union(ch.led).Union(r.named(problems))
	var found model.Problems
	for f := range writable.Without(known).All() {
		field, p := r.field(&ch.Row, f)
		switch {
		case field.ReadOnly || field.Secret() || field.Type == model.Roles || field.Type == model.FileType || f == r.entity.OwnerField() || f == r.entity.TenantField():
		case field.Required && !field.HasDefault():
			found.Add(field.Name, model.CodeRequired, "is required")
		default:
			field.SetDefault(p, at)
			ch.Set.Add(f)
		}
	}
	return found
}

// mayReach asks whether the caller may change a row, within the time of a read.
func (r *Resource[T]) mayReach(ctx context.Context, c caller, id string, key any, filter query.Filter) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	_, err := r.reachable(ctx, c, id, key, filter, query.Unlocked)
	return r.answer(err)
}

// reachable reads a row that the caller is about to change: 404 unless get would
// show it, 403 unless the filter of the action lets it through.
func (r *Resource[T]) reachable(ctx context.Context, c caller, id string, key any, filter query.Filter, lock query.Lock) (*T, error) {
	row, err := r.one(ctx, key, r.rules.visible(c), r.entity.All(), lock)
	switch {
	case err != nil:
		return nil, err
	case row == nil:
		return nil, notFound(id)
	}
	switch reached, err := r.passes(ctx, row, filter); {
	case err != nil:
		return nil, err
	case !reached:
		return nil, forbidden("")
	}
	return row, nil
}

// updating is a change and what its caller may do.
type updating[T any] struct {
	*Change[T]
	key      any
	filter   query.Filter
	fields   scope
	password string // as it was sent, for the policy
	replace  bool
	file     *fileChange // nil unless a file is sent or removed
}

// rewrite changes a row within a transaction.
func (r *Resource[T]) rewrite(ctx context.Context, t *transaction, c caller, id string, u updating[T]) error {
	old, err := r.reachable(ctx, c, id, u.key, u.filter, query.ForChange)
	if err != nil {
		return err
	}
	if _, err := r.nestKeys(ctx, c, u.Change); err != nil {
		return err
	}
	if err := refused(r.beyond(old, u.Set, &u.fields)); err != nil {
		return err
	}
	if err := r.unchanged(old, u.expect); err != nil {
		return err
	}
	if err := r.sameFile(old, u.file); err != nil {
		return err
	}
	r.merge(u.Change, old)
	if err := refused(r.judgePassword(u.password, &u.Row, r.entity.All())); err != nil {
		return err
	}
	changed := r.different(&u.Row, old)
	if err := r.mayChangeAccount(ctx, c, old, &u.Row, changed); err != nil {
		return err
	}
	if len(r.checks) > 0 && (!changed.Empty() || u.links()) {
		if err := r.permit(ctx, Changed{Action: authz.Update, ID: r.id(old), Set: changed, Before: r.snapshot(old)}); err != nil {
			return err
		}
	}
	var before asked
	if hooks := r.before[authz.Update]; len(hooks) > 0 {
		if before, err = r.ask(ctx, c, &u.Row, r.keysToCheck(changed, u.Set)); err != nil {
			return cmp.Or(r.stays(u.filter, &u.Row), err)
		}
		if err := run(ctx, hooks, u.Change); err != nil {
			return err
		}
		changed = r.different(&u.Row, old)
		if err := refused(r.check(&u.Row, changed)); err != nil {
			return err
		}
	}
	if err := refused(r.foreignFiles(&u.Row, changed, u.file)); err != nil {
		return err
	}
	changed.Remove(r.entity.IDField())
	if changed.Empty() && !u.links() {
		return nil
	}
	r.count(&u.Row, old, &changed)
	if err := r.stays(u.filter, &u.Row); err != nil {
		return err
	}
	if err := r.checkTargets(ctx, c, &u.Row, r.unasked(before, &u.Row, r.keysToCheck(changed, u.Set))); err != nil {
		return err
	}
	if f := r.entity.Find(model.UpdatedAt); f != model.NoField && !u.Set.Has(f) {
		field, p := r.field(&u.Row, f)
		field.Store(p, now())
		changed.Add(f)
	}
	if err := r.execUpdate(ctx, t, id, &u, changed); err != nil {
		return err
	}
	if err := r.keepFiles(ctx, t, &u, changed); err != nil {
		return err
	}
	if err := r.recompute(&u.Row, old, &changed); err != nil {
		return err
	}
	if err := r.checkReturning(ctx, c, &u.Row, changed.Intersect(u.Set)); err != nil {
		return err
	}
	if err := r.nest(ctx, t, c, u.Change); err != nil {
		return err
	}
	if err := r.stayed(ctx, u.filter, &u.Row); err != nil {
		return err
	}
	if err := run(ctx, r.after[authz.Update], u.Change); err != nil {
		return err
	}
	r.tell(t, Changed{
		Action: authz.Update, ID: r.id(&u.Row), Set: changed, Replaced: u.replace, Before: r.snapshot(old),
	}, old, &u.Row)
	return nil
}

// execUpdate writes the fields that changed, if there are any beside pairs.
func (r *Resource[T]) execUpdate(ctx context.Context, t *transaction, id string, u *updating[T], changed model.FieldSet) error {
	if changed.Empty() {
		return nil
	}
	s := r.statement()
	defer r.recycle(s)
	r.compile.Update(s, u.key, r.still(u.filter, u.Old, u.expect), changed, r.values(&u.Row))
	return r.written(r.exec(ctx, t, s, u.expect.missed(id)))
}

// merge makes Row the old row with the fields in Set. Nothing that they point to is
// shared, for a hook may change it in its place.
func (r *Resource[T]) merge(ch *Change[T], old *T) {
	row := *old
	for f := range r.entity.All().All() {
		if ch.Set.Has(f) {
			r.copy(&row, &ch.Row, f)
		} else {
			r.copy(&row, old, f)
		}
	}
	ch.Row, ch.Old = row, old
}

// exec runs a statement that must reach one row; missed is the answer if it does not.
func (r *Resource[T]) exec(ctx context.Context, t *transaction, s *query.Statement, missed error) error {
	res, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...)
	if err != nil {
		return err
	}
	return reached(res, missed)
}

func reached(res sql.Result, missed error) error {
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		return missed
	}
	return err
}
