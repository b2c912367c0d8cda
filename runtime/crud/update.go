package crud

import (
	"cmp"
	"context"
	"database/sql"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// updateRecord answers [Resource.Patch] and [Resource.Update].
func (r *engine) updateRecord(ctx context.Context, id string, row record, set model.FieldSet, replace bool, opts []Option) (record, error) {
	if err := r.dropped(row, set); err != nil {
		return record{}, err
	}
	c := callerFrom(ctx)
	done, err := r.update(ctx, c, id, r.fromGo(row, set), replace, opts...)
	if err != nil {
		return record{}, err
	}
	r.clear(done.Row, r.answered(ctx, c, done.Row, done.sent))
	return done.Row, nil
}

// UpdateRow implements [Service].
func (r *engine) UpdateRow(ctx context.Context, id string, body []byte, sel []string, opts ...Option) (Row, error) {
	return r.updateJSON(ctx, id, body, sel, true, opts)
}

// PatchRow implements [Service].
func (r *engine) PatchRow(ctx context.Context, id string, body []byte, sel []string, opts ...Option) (Row, error) {
	return r.updateJSON(ctx, id, body, sel, false, opts)
}

func (r *engine) updateJSON(ctx context.Context, id string, body []byte, sel []string, replace bool, opts []Option) (Row, error) {
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
	return r.answerRow(done.Row, r.answered(ctx, c, done.Row, done.sent), selected), nil
}

// may answers 401 and 403 before anything is read.
func (r *engine) may(c caller, action authz.Action) error {
	if err := r.ready(); err != nil {
		return err
	}
	_, err := r.rules.reach(c, action)
	return err
}

func (r *engine) update(ctx context.Context, c caller, id string, in input, replace bool, opts ...Option) (*change, error) {
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
	ch.sent = ch.Set
	u := updating{change: ch, key: key, filter: filter, fields: fields, password: plain, replace: replace, file: o.file}
	err = r.inTx(ctx, o, func(ctx context.Context, t *transaction) error {
		u.change = r.fresh(ch)
		return r.rewrite(ctx, t, c, id, u)
	})
	return u.change, err
}

// replace sets the fields that a replacement did not name and the caller may
// write.
func (r *engine) replace(ch *change, writable model.FieldSet, problems model.Problems) model.Problems {
	at := now()
	known := ch.Set.Union(ch.led).Union(r.named(problems))
	var found model.Problems
	for f := range writable.Without(known).All() {
		field, p := r.field(ch.Row, f)
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
func (r *engine) mayReach(ctx context.Context, c caller, id string, key any, filter query.Filter) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	_, err := r.reachable(ctx, c, id, key, filter, query.Unlocked)
	return r.answer(err)
}

// reachable reads a row that the caller is about to change: 404 unless get would
// show it, 403 unless the filter of the action lets it through.
func (r *engine) reachable(ctx context.Context, c caller, id string, key any, filter query.Filter, lock query.Lock) (record, error) {
	row, err := r.one(ctx, key, r.rules.visible(c), r.entity.All(), lock)
	switch {
	case err != nil:
		return record{}, err
	case row.none():
		return record{}, notFound(id)
	}
	switch reached, err := r.passes(ctx, row, filter); {
	case err != nil:
		return record{}, err
	case !reached:
		return record{}, forbidden("")
	}
	return row, nil
}

// updating is a change and what its caller may do.
type updating struct {
	*change
	key      any
	filter   query.Filter
	fields   scope
	password string // as it was sent, for the policy
	replace  bool
	file     *fileChange // nil unless a file is sent or removed
}

// rewrite changes a row within a transaction.
func (r *engine) rewrite(ctx context.Context, t *transaction, c caller, id string, u updating) error {
	old, err := r.reachable(ctx, c, id, u.key, u.filter, query.ForChange)
	if err != nil {
		return err
	}
	if _, err := r.nestKeys(ctx, c, u.change); err != nil {
		return err
	}
	if err := refused(r.beyond(old, u.Set, &u.fields)); err != nil {
		return err
	}
	if err := r.unchanged(old, u.expect); err != nil {
		return err
	}
	if err := r.sameFile(c, old, u.file); err != nil {
		return err
	}
	r.merge(u.change, old)
	if err := refused(r.judgePassword(u.password, u.Row, r.entity.All())); err != nil {
		return err
	}
	changed, unread := r.different(u.Row, old), r.unread(c, old, u.Set)
	if err := r.mayChangeAccount(ctx, c, old, u.Row, changed); err != nil {
		return err
	}
	if len(r.checks) > 0 && (!changed.Empty() || u.links()) {
		if err := r.permit(ctx, Changed{Action: authz.Update, ID: r.id(old), Set: changed, Before: r.snapshot(old)}); err != nil {
			return err
		}
	}
	var before asked
	if hooks := r.before[authz.Update]; len(hooks) > 0 {
		if before, err = r.ask(ctx, c, u.Row, r.keysToCheck(changed, u.Set).Union(unread)); err != nil {
			return cmp.Or(r.stays(u.filter, u.Row), err)
		}
		watching := t.watch(r, old)
		if err := run(ctx, hooks, u.change); err != nil {
			return err
		}
		if err := r.rebase(ctx, t, watching, u.change); err != nil {
			return err
		}
		old = u.Old
		changed = r.different(u.Row, old)
		if err := refused(r.check(u.Row, changed)); err != nil {
			return err
		}
	}
	if err := refused(r.foreignFiles(u.Row, changed, u.file)); err != nil {
		return err
	}
	changed.Remove(r.entity.IDField())
	same := changed.Empty() && !u.links()
	if same && unread.Empty() {
		return nil
	}
	if !same {
		r.count(u.Row, old, &changed)
	}
	if err := r.stays(u.filter, u.Row); err != nil {
		return err
	}
	if err := r.checkTargets(ctx, c, u.Row, r.unasked(before, u.Row, r.keysToCheck(changed, u.Set).Union(unread))); err != nil {
		return err
	}
	if same {
		return nil
	}
	if f := r.entity.Find(model.UpdatedAt); f != model.NoField && !u.Set.Has(f) {
		field, p := r.field(u.Row, f)
		field.Store(p, now())
		changed.Add(f)
	}
	if err := r.execUpdate(ctx, t, id, &u, changed); err != nil {
		return err
	}
	if err := r.keepFiles(ctx, t, &u, changed); err != nil {
		return err
	}
	if err := r.recompute(u.Row, old, &changed); err != nil {
		return err
	}
	if err := r.checkReturning(ctx, c, u.Row, changed.Intersect(u.Set)); err != nil {
		return err
	}
	watching := t.watch(r, old)
	if err := r.nest(ctx, t, c, u.change); err != nil {
		return err
	}
	if err := r.stayed(ctx, u.filter, u.Row); err != nil {
		return err
	}
	if err := run(ctx, r.after[authz.Update], u.change); err != nil {
		return err
	}
	if err := r.catchUp(ctx, t, watching, u.Row); err != nil {
		return err
	}
	r.tell(t, Changed{
		Action: authz.Update, ID: r.id(u.Row), Set: changed, Links: u.linked, Replaced: u.replace, Before: r.snapshot(old),
	}, old, u.Row)
	return nil
}

// execUpdate writes the fields that changed, if there are any beside pairs.
func (r *engine) execUpdate(ctx context.Context, t *transaction, id string, u *updating, changed model.FieldSet) error {
	if changed.Empty() {
		return nil
	}
	s := r.statement()
	defer r.recycle(s)
	r.compile.Update(s, u.key, r.still(u.filter, u.Old, u.expect), changed, r.values(u.Row))
	return r.written(r.exec(ctx, t, s, u.expect.missed(id)))
}

// merge makes Row the old row with the fields in Set. Nothing that they point to is
// shared, for a hook may change it in its place.
func (r *engine) merge(ch *change, old record) {
	row := r.form.clone(old)
	for f := range r.entity.All().All() {
		if ch.Set.Has(f) {
			r.copy(row, ch.Row, f)
		} else {
			r.copy(row, old, f)
		}
	}
	ch.Row, ch.Old = row, old
}

// exec runs a statement that must reach one row; missed is the answer if it does not.
func (r *engine) exec(ctx context.Context, t *transaction, s *query.Statement, missed error) error {
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
