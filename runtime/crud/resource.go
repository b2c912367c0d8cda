package crud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
)

// A Resource reads and writes the rows of one entity, for callers and within
// the rules. It is made by [New], set up, linked once by [Link], and then safe
// for concurrent use.
type Resource[T any] struct {
	db      *store.DB
	entity  *model.Entity
	pointer func(*T, model.FieldID) any

	rules   rules
	roles   roleRules
	compile *query.Compiler
	reader  *query.Reader
	buffers sync.Pool // of *query.Statement
	timeout time.Duration

	hasher   Hasher
	before   [authz.Delete + 1][]Hook[T]
	after    [authz.Delete + 1][]Hook[T]
	checks   []func(context.Context, Changed) error
	onChange []func(context.Context, Changed)

	targets    map[model.FieldID]target // what relations point to
	returning  bool                     // some of them can be deleted and come back
	graves     *query.Compiler          // of deleted rows; nil when they are not kept
	references []reference              // to rows of this entity
	keeping    bool                     // some entity keeps deleted rows
	relations  map[string]*relation
	linked     bool
	shape      uint64 // of rows, for their tags
	computed   map[model.FieldID]func(row, from *T)
	cursors    sealer
}

// findTimeout is how long the statements of one Get or Find may take.
const findTimeout = 5 * time.Second

// A Hook is code of the service that runs inside the transaction of a change.
// Before the change it may alter Row; what it sets is not measured against what
// the caller may write, but must be valid. The keys that the caller sent are those of
// rows that the caller may get. An error undoes the change and becomes the answer.
//
// On PostgreSQL a transaction that the database undid to let another one pass runs
// again, with the change as it was sent and at most three times: see [InTx]. A hook
// runs once for each try, of which one is kept. What it does outside of the
// database, a letter or a payment, belongs into [OnCommit].
//
// Others who write wait for hooks on SQLite. A change, hooks and all, that has no
// transaction around it ends after ten seconds: the answer is 503.
type Hook[T any] func(ctx context.Context, ch *Change[T]) error

// A Change is a row that is being created, changed or removed.
type Change[T any] struct {
	// Action is Create, Update (for both ways to change a row) or Delete.
	Action authz.Action
	// Row is the row as it will be; for Delete, as it was. To a method of
	// [Resource] it brings the values of the fields in Set.
	Row T
	// Set has the fields that the caller sent.
	Set model.FieldSet
	// Old is the row as it was; nil for Create.
	Old *T
	// Links names the relations whose rows the caller connects, disconnects or
	// creates, too. Each of these rows is changed as if by itself: its own rules,
	// checks and hooks hold, for the caller of the request.
	Links []string

	pairs  []pairing
	expect expected // of Old
	nested []nested
	led    model.FieldSet // keys that Links are about
	at     nesting
}

// Has reports whether the caller sent the field.
func (c *Change[T]) Has(f model.FieldID) bool { return c.Set.Has(f) }

// Changed tells what happened to a row. It names no values.
type Changed struct {
	Entity string
	Action authz.Action
	ID     string
	Set    model.FieldSet // the fields that differ now; all of them for Create and Delete
	// Replaced tells the two ways to update apart: the row was replaced as a
	// whole, not changed in part.
	Replaced bool
	// Before is the row before the change; for Create there was none, and
	// nobody sees it.
	Before Snapshot
	// Size is how many bytes the texts of the row have, before the change and after.
	Size int
}

// A Hasher turns passwords into what is stored.
type Hasher interface {
	// Hash returns the hash. An error means that it could not be done now; a
	// [*gate.Error] is answered as it is, any other as 503.
	Hash(ctx context.Context, password string) (string, error)
	// Check returns why the password is refused, in words for the one who
	// chose it. The context is what it must not resemble: names, addresses.
	Check(password string, context ...string) error
}

// New returns the resource of an entity. pointer returns the address of a field
// in a row, as the comment of package model describes. A mistake in the entity
// or its rules is an error; nothing is asked of the database.
func New[T any](db *store.DB, policy *authz.Policy, e *model.Entity, pointer func(*T, model.FieldID) any) (*Resource[T], error) {
	if db == nil || policy == nil || e == nil || pointer == nil {
		return nil, errors.New("crud: database, policy, entity and pointer are needed")
	}
	if err := e.Check(); err != nil {
		return nil, fmt.Errorf("crud: %w", err)
	}
	var probe T
	for i := range e.Fields {
		if err := e.Fields[i].CheckPointer(pointer(&probe, model.FieldID(i))); err != nil {
			return nil, fmt.Errorf("crud: entity %s: %w", e.Name, err)
		}
	}
	rules, err := compileRules(policy, e)
	if err != nil {
		return nil, fmt.Errorf("crud: entity %s: %w", e.Name, err)
	}
	r := &Resource[T]{
		db: db, entity: e, pointer: pointer, rules: rules,
		compile: query.NewCompiler(db.Dialect(), e),
		reader:  query.NewReader(db),
		timeout: findTimeout,
		cursors: newSealer(),
	}
	if e.SoftDeleteField() != model.NoField {
		r.graves = query.NewDeletedCompiler(db.Dialect(), e)
	}
	r.roles = compileRoles(policy, e, rules)
	r.shape = shapeOf(e)
	r.buffers.New = func() any { return new(query.Statement) }
	return r, nil
}

// Entity returns the description of the entity. It must not be changed.
func (r *Resource[T]) Entity() *model.Entity { return r.entity }

// Before adds code that runs before rows are created, updated or deleted, in
// the order of registration. It panics for another action.
func (r *Resource[T]) Before(action authz.Action, hook Hook[T]) {
	r.before[writing(action)] = append(r.before[action], hook)
}

// After adds code that runs when a row was created, updated or deleted, before
// the commit, in the order of registration. It panics for another action.
func (r *Resource[T]) After(action authz.Action, hook Hook[T]) {
	r.after[writing(action)] = append(r.after[action], hook)
}

// OnChange adds code that is told of every change after its commit. It must
// not block. Where deleted rows are kept it is told of those that are deleted and
// restored with another one, too, for which neither hooks nor checks run. What the
// database does to rows by their onDelete, cascade or set-null, nobody is told of.
func (r *Resource[T]) OnChange(tell func(context.Context, Changed)) {
	r.onChange = append(r.onChange, tell)
}

// Check adds code that may refuse a change which the rules allow, within its
// transaction and before the hooks. It is told what [Resource.OnChange] would be
// told, with the fields that differ so far; of a new row those that were sent.
func (r *Resource[T]) Check(check func(context.Context, Changed) error) {
	r.checks = append(r.checks, check)
}

// permit asks the checks.
func (r *Resource[T]) permit(ctx context.Context, c Changed) error {
	c.Entity = r.entity.Name
	for _, check := range r.checks {
		if err := check(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// UsePasswords says how the password field of the entity is checked and hashed.
func (r *Resource[T]) UsePasswords(h Hasher) { r.hasher = h }

func writing(action authz.Action) authz.Action {
	if action != authz.Create && action != authz.Update && action != authz.Delete {
		panic("crud: no hooks for the action " + action.String())
	}
	return action
}

// target is the resource that a relation points to.
type target interface {
	Entity() *model.Entity
	// gettable reports whether the caller may get the row with that id.
	gettable(ctx context.Context, c caller, id any) (bool, error)
	// unrefer forgets what points to its rows, and refer notes it. Keeping says that
	// some entity keeps its deleted rows.
	unrefer(keeping bool)
	refer(ref reference) error
}

// Link makes the resources of a service known to each other, by the names of
// their entities, and finishes their set-up. It must be called once, with all
// of them: before it they refuse to work. It is an error when a relation points
// to an entity that is not among them, or when an entity has a password and
// nothing to hash it with.
func Link(resources ...Service) error {
	targets := make(map[string]target, len(resources))
	for _, s := range resources {
		name := s.Entity().Name
		t, ok := s.(target)
		if !ok {
			return fmt.Errorf("crud: %s is not a resource of this package", name)
		}
		if _, twice := targets[name]; twice {
			return fmt.Errorf("crud: two resources of %s", name)
		}
		targets[name] = t
	}
	keeping := slices.ContainsFunc(resources, func(s Service) bool { return s.Entity().SoftDelete != "" })
	for _, t := range targets {
		t.unrefer(keeping)
	}
	for _, s := range resources {
		l, ok := s.(interface{ link(map[string]target) error })
		if !ok {
			return fmt.Errorf("crud: %s is not a resource of this package", s.Entity().Name)
		}
		if err := l.link(targets); err != nil {
			return fmt.Errorf("crud: entity %s: %w", s.Entity().Name, err)
		}
	}
	return nil
}

func (r *Resource[T]) link(targets map[string]target) error {
	if r.entity.Find(model.Password) != model.NoField && r.hasher == nil {
		return errors.New("a password field, and nothing to hash it with")
	}
	if err := r.checkComputed(); err != nil {
		return err
	}
	r.targets = make(map[model.FieldID]target)
	for i := range r.entity.Fields {
		f := &r.entity.Fields[i]
		if f.Type != model.Relation {
			continue
		}
		t, ok := targets[f.To]
		if !ok {
			return fmt.Errorf("field %q points to %s, which is not there", f.Name, f.To)
		}
		if kind := t.Entity().Fields[t.Entity().IDField()].ID; kind != f.ID {
			return fmt.Errorf("field %q is a %s and the id of %s a %s", f.Name, f.ID, f.To, kind)
		}
		r.targets[model.FieldID(i)] = t
		if err := t.refer(reference{r, model.FieldID(i)}); err != nil {
			return err
		}
		r.returning = r.returning || t.Entity().SoftDelete != ""
	}
	if err := r.relate(targets); err != nil {
		return err
	}
	if err := r.rules.link(targets); err != nil {
		return err
	}
	r.linked = true
	return nil
}

// ready refuses to work before [Link].
func (r *Resource[T]) ready() error {
	if !r.linked {
		return fmt.Errorf("crud: %s is used before it was linked", r.entity.Name)
	}
	return nil
}

// field returns the field and its address in the row.
func (r *Resource[T]) field(row *T, f model.FieldID) (*model.Field, any) {
	return &r.entity.Fields[f], r.pointer(row, f)
}

// value returns what a field of the row holds.
func (r *Resource[T]) value(row *T, f model.FieldID) any {
	field, p := r.field(row, f)
	return field.Value(p)
}

// values returns [Resource.value] for one row.
func (r *Resource[T]) values(row *T) func(model.FieldID) any {
	return func(f model.FieldID) any { return r.value(row, f) }
}

// id returns the id of a row as text.
func (r *Resource[T]) id(row *T) string { return text(r.value(row, r.entity.IDField())) }

// statement lends a statement; what it returned goes back with recycle.
func (r *Resource[T]) statement() *query.Statement {
	s, ok := r.buffers.Get().(*query.Statement)
	if !ok {
		return new(query.Statement)
	}
	return s
}

func (r *Resource[T]) recycle(s *query.Statement) {
	s.Reset()
	r.buffers.Put(s)
}

// now is the time of a write, as it is kept.
func now() time.Time { return model.Moment(time.Now()) }
