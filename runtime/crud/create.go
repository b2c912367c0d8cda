package crud

import (
	"context"
	"slices"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
)

// createRecord answers [Resource.Create].
func (r *engine) createRecord(ctx context.Context, row record, set model.FieldSet, opts []Option) (record, error) {
	if err := r.dropped(row, set); err != nil {
		return record{}, err
	}
	c := callerFrom(ctx)
	d, err := r.create(ctx, c, r.fromGo(row, set), opts...)
	if err != nil {
		return record{}, err
	}
	r.clear(d.Row, r.answered(ctx, c, d.Row, d.sent))
	return d.Row, nil
}

// CreateRow implements [Service].
func (r *engine) CreateRow(ctx context.Context, body []byte, sel []string, opts ...Option) (Row, error) {
	c := callerFrom(ctx)
	if err := r.may(c, authz.Create); err != nil {
		return Row{}, err
	}
	selected, err := r.selection(c, sel)
	if err != nil {
		return Row{}, err
	}
	d, err := r.create(ctx, c, r.fromJSON(body, outermost()), opts...)
	if err != nil {
		return Row{}, err
	}
	return r.answerRow(d.Row, r.answered(ctx, c, d.Row, d.sent), selected), nil
}

// draft is a row that is about to be created.
type draft struct {
	change
	have model.FieldSet // sent, or set by the service

	filter query.Filter // what the caller may make
	fields scope
}

func (r *engine) create(ctx context.Context, c caller, in input, opts ...Option) (*draft, error) {
	if err := r.may(c, authz.Create); err != nil {
		return nil, err
	}
	d, problems, err := r.draft(c, in)
	if err != nil {
		return nil, err
	}
	if err := refused(problems); err != nil {
		return nil, err
	}
	if err := r.hash(ctx, &d.change); err != nil {
		return nil, err
	}
	var made *draft
	o := optionsOf(opts)
	err = r.inTx(ctx, o, func(ctx context.Context, t *transaction) error {
		made = r.freshDraft(d)
		if err := r.insert(ctx, t, c, made); err != nil {
			return err
		}
		return o.finish(ctx, t, r.id(made.Row))
	})
	return made, err
}

// draft makes the row and finds what is wrong with it.
func (r *engine) draft(c caller, in input) (*draft, model.Problems, error) {
	filter, err := r.rules.reach(c, authz.Create)
	if err != nil {
		return nil, nil, err
	}
	fields := r.rules.fieldsFor(c, authz.Create, filter)
	ch, problems, err := in(fields.ever, "")
	if err != nil {
		return nil, nil, badRequest(err)
	}
	if err := r.mayNest(c, ch); err != nil {
		return nil, nil, err
	}
	d := &draft{change: *ch, filter: filter, fields: fields}
	d.Action, d.sent = authz.Create, ch.Set
	problems = append(problems, r.checkPassword(ch)...)
	if roles := r.roles.field; roles != model.NoField && ch.Set.Has(roles) {
		problems = append(problems, r.roles.check(c, nil, r.rolesOf(ch.Row))...)
	}
	r.complete(c, d)
	r.belongs(c, d.Row)
	if len(problems) > 0 || len(r.before[authz.Create]) == 0 {
		missing, unset := r.missing(c, d.Row, d.have.Union(d.led).Union(r.named(problems)))
		if len(problems) == 0 && len(missing) == 0 && unset != nil {
			return nil, nil, unset
		}
		problems = append(problems, missing...)
	}
	if len(problems) > 0 || !d.led.Without(d.Set).Empty() { // judged when the keys are known
		return d, problems, nil
	}
	return d, r.beyond(d.Row, d.sent, &fields), r.stays(filter, d.Row)
}

// lead creates the rows to which keys of a draft point, and judges it then.
func (r *engine) lead(ctx context.Context, c caller, d *draft) error {
	made, err := r.nestKeys(ctx, c, &d.change)
	if err != nil || made.Empty() {
		return err
	}
	d.have = d.have.Union(made)
	if err := refused(r.beyond(d.Row, d.sent, &d.fields)); err != nil {
		return err
	}
	return r.stays(d.filter, d.Row)
}

// named returns the fields that problems are about.
func (r *engine) named(problems model.Problems) model.FieldSet {
	var set model.FieldSet
	for _, p := range problems {
		if f, ok := r.entity.Field(p.Field); ok {
			set.Add(f)
		}
	}
	return set
}

// beyond names the fields that the caller may write in some rows, of which this
// is none.
func (r *engine) beyond(row record, set model.FieldSet, fields *scope) model.Problems {
	if set = set.Without(fields.always); set.Empty() {
		return nil
	}
	var problems model.Problems
	for f := range set.Without(fields.in(r.values(row))).All() {
		problems = append(problems, r.unwritable(f))
	}
	return problems
}

// stays refuses a row that the caller's rights to write would not reach, as far
// as the row tells by itself.
func (r *engine) stays(filter query.Filter, row record) error {
	if holds, known := filter.Match(r.values(row)); holds || !known {
		return nil
	}
	return unreachable()
}

// stayed is [Resource.stays] for a row that is written, of which the database
// tells the rest.
func (r *engine) stayed(ctx context.Context, filter query.Filter, row record) error {
	if _, known := filter.Match(r.values(row)); known {
		return nil // stays has asked
	}
	switch reached, err := r.passes(ctx, row, filter); {
	case err != nil:
		return err
	case !reached:
		return unreachable()
	}
	return nil
}

func unreachable() error { return forbidden("The row would not be one that you may write") }

// complete sets what the caller did not send.
func (r *engine) complete(c caller, d *draft) {
	at := now()
	d.have = d.Set
	for i := range r.entity.Fields {
		f := model.FieldID(i)
		if d.Set.Has(f) {
			continue
		}
		field, p := r.field(d.Row, f)
		field.SetDefault(p, at)
		switch {
		case field.HasDefault():
			d.have.Add(f)
		case field.Type == model.ID && field.ID == model.Serial:
			d.have.Add(f)
		case field.Type == model.ID:
			field.Store(p, field.ID.New(at))
		case field.Type == model.CreatedAt || field.Type == model.UpdatedAt:
			field.Store(p, at)
		case field.Type == model.Roles:
			field.Store(p, slices.Clone(r.roles.defaults))
		case field.Type == model.Password && (c.noPassword || r.rules.closed(authz.Create, f)):
			field.Store(p, "") // no password fits
			d.have.Add(f)
		case f == r.entity.OwnerField() && !c.system:
			if v, err := field.Parse(r.rules.account(&c)); err == nil {
				field.Store(p, v)
			}
		}
	}
}

// insert adds the row of a draft within a transaction.
func (r *engine) insert(ctx context.Context, t *transaction, c caller, d *draft) error {
	if err := r.lead(ctx, c, d); err != nil {
		return err
	}
	if len(r.checks) > 0 {
		if err := r.permit(ctx, Changed{Action: authz.Create, ID: r.id(d.Row), Set: d.Set}); err != nil {
			return err
		}
	}
	keys := d.sent
	if hooks := r.before[authz.Create]; len(hooks) > 0 {
		asked, err := r.ask(ctx, c, d.Row, keys)
		if err != nil {
			return err
		}
		if err := run(ctx, hooks, &d.change); err != nil {
			return err
		}
		keys = r.unasked(asked, d.Row, keys)
		missing, unset := r.missing(c, d.Row, d.have.Union(d.Set))
		for _, p := range r.check(d.Row, r.filled(d.Row)) { // what is not there is not wrong as well
			if !slices.ContainsFunc(missing, func(m model.Problem) bool { return m.Field == p.Field }) {
				missing = append(missing, p)
			}
		}
		if err := refused(missing); err != nil {
			return err
		}
		if unset != nil {
			return unset
		}
	}
	if err := refused(r.foreignFiles(d.Row, r.entity.All(), nil)); err != nil {
		return err
	}
	if err := r.checkTargets(ctx, c, d.Row, keys); err != nil {
		return err
	}
	if err := r.execInsert(ctx, t, d); err != nil {
		return err
	}
	if err := r.compute(d.Row, r.entity.Computed()); err != nil {
		return err
	}
	if err := r.checkReturning(ctx, c, d.Row, d.sent); err != nil {
		return err
	}
	watching := t.watch(r, d.Row)
	if err := r.nest(ctx, t, c, &d.change); err != nil {
		return err
	}
	if err := r.stayed(ctx, d.filter, d.Row); err != nil {
		return err
	}
	if err := run(ctx, r.after[authz.Create], &d.change); err != nil {
		return err
	}
	if err := r.catchUp(ctx, t, watching, d.Row); err != nil {
		return err
	}
	r.tell(t, Changed{Action: authz.Create, ID: r.id(d.Row), Set: r.entity.All()}, d.Row)
	return nil
}

// filled returns the fields that are not null.
func (r *engine) filled(row record) model.FieldSet {
	var set model.FieldSet
	for f := range r.entity.All().Without(r.entity.Computed()).All() {
		if r.value(row, f) != nil {
			set.Add(f)
		}
	}
	return set
}

func (r *engine) execInsert(ctx context.Context, t *transaction, d *draft) error {
	id, p := r.field(d.Row, r.entity.IDField())
	columns := r.entity.All()
	counted := id.ID == model.Serial && !d.Set.Has(r.entity.IDField())
	if counted {
		columns.Remove(r.entity.IDField())
	}
	s := r.statement()
	defer r.recycle(s)
	r.compile.Insert(s, columns, r.values(d.Row))
	if counted {
		cell := model.Cell{Field: id, P: p}
		return r.written(t.tx.QueryRowContext(ctx, string(s.SQL), s.Args...).Scan(&cell))
	}
	_, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...)
	if err == nil && id.ID == model.Serial && r.db.Dialect() == store.Postgres {
		err = r.countBeyond(ctx, t, r.value(d.Row, r.entity.IDField()))
	}
	return r.written(err)
}

// countBeyond keeps PostgreSQL from counting to a number that the service itself gave
// to a row. SQLite looks what there is.
func (r *engine) countBeyond(ctx context.Context, t *transaction, id any) error {
	_, err := t.tx.ExecContext(ctx, `SELECT CASE WHEN nextval(seq) < $3 THEN setval(seq, $3) END
		FROM (SELECT CAST(pg_get_serial_sequence($1, $2) AS regclass) AS seq) AS counted WHERE seq IS NOT NULL`,
		r.db.Dialect().Quote(r.entity.Table), r.entity.Fields[r.entity.IDField()].Column, id)
	return err
}

// written turns a broken foreign key into an answer: what the row points to is
// gone, since it was there a moment ago.
func (r *engine) written(err error) error {
	if err != nil && r.db.Classify(err).Kind == store.ForeignKey {
		return refused(model.Problems{{Code: model.CodeNotFound, Message: "a row that this one points to does not exist"}})
	}
	return err
}

// run calls hooks in their order.
func run(ctx context.Context, hooks []hook, ch *change) error {
	for _, hook := range hooks {
		if err := hook(ctx, ch); err != nil {
			return err
		}
	}
	return nil
}

// answered returns the fields of a written row that the answer shows. The change
// is kept by now: where it cannot be asked what the caller may see of it, that is
// not a fault, and they see what they sent.
func (r *engine) answered(ctx context.Context, c caller, row record, sent model.FieldSet) model.FieldSet {
	filter := r.rules.visible(c)
	if seen, err := r.passes(ctx, row, filter); !seen || err != nil {
		sent.Add(r.entity.IDField())
		return sent.Intersect(r.rules.systemFields(authz.View))
	}
	return r.viewed(c, row, filter)
}

// viewed returns the fields that the caller may read in a row that passes the
// filter of view.
func (r *engine) viewed(c caller, row record, filter query.Filter) model.FieldSet {
	fields := r.rules.fieldsFor(c, authz.View, filter)
	return r.shown(row, fields.ever, &fields)
}

// selection resolves the fields that a writer wants back, before anything is
// written. Nil selects all.
func (r *engine) selection(c caller, sel []string) (model.FieldSet, error) {
	if sel == nil {
		return r.entity.All(), nil
	}
	set, err := query.ResolveSelect(r.entity, sel, r.rules.fieldsFor(c, authz.View, r.rules.visible(c)).ever)
	return set, badRequest(err)
}
