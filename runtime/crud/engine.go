package crud

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
)

// An engine is a [Resource] without the type of its rows. A program has its code
// once, where that of a generic type would be there once for each entity.
type engine struct {
	db     *store.DB
	entity *model.Entity
	form   form

	rules   rules
	roles   roleRules
	compile *query.Compiler
	reader  *query.Reader
	buffers sync.Pool // of *query.Statement
	timeout time.Duration

	hasher   Hasher
	before   [authz.Delete + 1][]hook
	after    [authz.Delete + 1][]hook
	checks   []func(context.Context, Changed) error
	onChange []func(context.Context, Changed)

	targets    map[model.FieldID]target // what relations point to
	returning  bool                     // some of them can be deleted and come back
	graves     *query.Compiler          // of deleted rows; nil when they are not kept
	references []reference              // to rows of this entity
	blocked    bool                     // deleted rows may keep the database from deleting those of this entity
	relations  map[string]*relation
	linked     bool
	shape      uint64 // of rows, for their tags
	computed   map[model.FieldID]func(row, from record)
	cursors    sealer
}

// findTimeout is how long the statements of one Get or Find may take.
const findTimeout = 5 * time.Second

// A record is a row: a pointer to the struct that the rows of its entity have.
type record struct{ at any }

// none reports whether there is no row.
func (r record) none() bool { return r.at == nil }

// A form is what an engine has to know of the type of its rows.
type form struct {
	pointer func(row record, f model.FieldID) any
	rows    func(n int) []record // new ones, in one piece of memory
	set     func(to, from record)
}

// formOf returns the form of rows whose fields pointer finds.
func formOf[T any](pointer func(*T, model.FieldID) any) form {
	return form{
		pointer: func(row record, f model.FieldID) any { return pointer(row.at.(*T), f) }, //nolint:forcetypeassert // an engine has rows of one type
		rows: func(n int) []record {
			block, list := make([]T, n), make([]record, n)
			for i := range block {
				list[i] = record{&block[i]}
			}
			return list
		},
		set: func(to, from record) { *to.at.(*T) = *from.at.(*T) }, //nolint:forcetypeassert // as above
	}
}

// row returns a new row.
func (f *form) row() record { return f.rows(1)[0] }

// clone returns a copy of a row, which shares what its fields point to.
func (f *form) clone(row record) record {
	own := f.row()
	f.set(own, row)
	return own
}

// A change is a [Change] without the type of its row, and with what is not for hooks.
type change struct {
	Action authz.Action
	Row    record
	Set    model.FieldSet
	Old    record
	Links  []string

	sent   model.FieldSet // of Set, by the caller: not by hooks
	pairs  []pairing
	expect expected // of Old
	nested []nested
	led    model.FieldSet // keys that Links are about
	linked []Linked       // rows that Links were about
	at     nesting
}

// A hook is a [Hook] without the type of its row.
type hook func(ctx context.Context, ch *change) error

// newChange returns a change of nothing yet.
func (r *engine) newChange() *change { return &change{Row: r.form.row()} }

// Changed tells what happened to a row. It names no values.
type Changed struct {
	Entity string
	Action authz.Action
	ID     string
	Set    model.FieldSet // the fields that differ now; all of them for Create and Delete
	// Links are the rows of others whose relation to this one changed; for Update alone.
	// The fields that differ are those then that the service writes with every change.
	Links []Linked
	// Replaced tells the two ways to update apart: the row was replaced as a
	// whole, not changed in part.
	Replaced bool
	// Before is the row before the change; for Create there was none, and
	// nobody sees it.
	Before Snapshot
	// After is the row as it was written, where OnChange tells; for Delete there is
	// none. It may be another by now, of which there is another word.
	After Snapshot
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

// Entity returns the description of the entity. It must not be changed.
func (r *engine) Entity() *model.Entity { return r.entity }

// OnChange adds code that is told of every change after its commit. It must
// not block; if it panics, the log says so, and others are told. Where deleted rows
// are kept it is told of those that are deleted and restored with another one, too,
// for which neither hooks nor checks run. What the database does to rows by their
// onDelete, cascade or set-null, nobody is told of.
func (r *engine) OnChange(tell func(context.Context, Changed)) {
	r.onChange = append(r.onChange, tell)
}

// Check adds code that may refuse a change which the rules allow, within its
// transaction and before the hooks. It is told what [Resource.OnChange] would be
// told, with the fields that differ so far; of a new row those that were sent.
func (r *engine) Check(check func(context.Context, Changed) error) {
	r.checks = append(r.checks, check)
}

// permit asks the checks.
func (r *engine) permit(ctx context.Context, c Changed) error {
	c.Entity = r.entity.Name
	for _, check := range r.checks {
		if err := check(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// UsePasswords says how the password field of the entity is checked and hashed.
func (r *engine) UsePasswords(h Hasher) { r.hasher = h }

// ready refuses to work before [Link].
func (r *engine) ready() error {
	if !r.linked {
		return fmt.Errorf("crud: %s is used before it was linked", r.entity.Name)
	}
	return nil
}

// field returns the field and its address in the row.
func (r *engine) field(row record, f model.FieldID) (*model.Field, any) {
	return &r.entity.Fields[f], r.form.pointer(row, f)
}

// value returns what a field of the row holds.
func (r *engine) value(row record, f model.FieldID) any {
	field, p := r.field(row, f)
	return field.Value(p)
}

// values returns [Resource.value] for one row.
func (r *engine) values(row record) func(model.FieldID) any {
	return func(f model.FieldID) any { return r.value(row, f) }
}

// id returns the id of a row as text.
func (r *engine) id(row record) string { return text(r.value(row, r.entity.IDField())) }

// statement lends a statement; what it returned goes back with recycle.
func (r *engine) statement() *query.Statement {
	s, ok := r.buffers.Get().(*query.Statement)
	if !ok {
		return new(query.Statement)
	}
	return s
}

func (r *engine) recycle(s *query.Statement) {
	s.Reset()
	r.buffers.Put(s)
}

// now is the time of a write, as it is kept.
func now() time.Time { return model.Moment(time.Now()) }
