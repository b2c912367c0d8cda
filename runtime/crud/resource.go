package crud

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
)

// A Resource reads and writes the rows of one entity, for callers and within
// the rules. It is made by [New], set up, linked once by [Link], and then safe
// for concurrent use.
type Resource[T any] struct{ engine }

// A Hook is code of the service that runs inside the transaction of a change.
// Before the change it may alter Row; what it sets is not measured against what
// the caller may write, but must be valid. The keys that the caller sent are those of
// rows that the caller may get. An error undoes the change and becomes the answer.
//
// On PostgreSQL a transaction that the database undid to let another one pass runs
// again, with the change as it was sent and eight times at most: see [InTx]. A hook
// runs once for each try, of which one is kept. What it does outside of the
// database, a letter or a payment, belongs into [OnCommit].
//
// Others who write wait for hooks on SQLite. A change, hooks and tries and all, that
// has no transaction around it ends after ten seconds: the answer is 503.
type Hook[T any] func(ctx context.Context, ch *Change[T]) error

// A Change is a row that is being created, changed or removed.
type Change[T any] struct {
	// Action is Create, Update (for both ways to change a row) or Delete.
	Action authz.Action
	// Row is the row as it will be; for Delete, as it was. To a method of
	// [Resource] it brings the values of the fields in Set.
	Row T
	// Set has the fields that the caller sent. A method of [Resource] refuses a Row with
	// values and an empty Set: none of them would be written.
	Set model.FieldSet
	// Old is the row as it was; nil for Create.
	Old *T
	// Links names the relations whose rows the caller connects, disconnects or
	// creates, too. Each of these rows is changed as if by itself: its own rules,
	// checks and hooks hold, for the caller of the request.
	Links []string
}

// Has reports whether the caller sent the field.
func (c *Change[T]) Has(f model.FieldID) bool { return c.Set.Has(f) }

// New returns the resource of an entity. pointer returns the address of a field
// in a row, as the comment of package model describes. A mistake in the entity
// or its rules is an error; nothing is asked of the database.
func New[T any](db *store.DB, policy *authz.Policy, e *model.Entity, pointer func(*T, model.FieldID) any) (*Resource[T], error) {
	if db == nil || policy == nil || e == nil || pointer == nil {
		return nil, errors.New("crud: database, policy, entity and pointer are needed")
	}
	r := new(Resource[T])
	if err := r.init(db, policy, e, formOf(pointer)); err != nil {
		return nil, err
	}
	return r, nil
}

// init makes the engine of an entity. It knows the type of the rows by form alone, and so
// there is one of it for all of them.
func (r *engine) init(db *store.DB, policy *authz.Policy, e *model.Entity, form form) error {
	if err := e.Check(); err != nil {
		return fmt.Errorf("crud: %w", err)
	}
	probe := form.row()
	for i := range e.Fields {
		if err := e.Fields[i].CheckPointer(form.pointer(probe, model.FieldID(i))); err != nil {
			return fmt.Errorf("crud: entity %s: %w", e.Name, err)
		}
	}
	rules, err := compileRules(policy, e)
	if err != nil {
		return fmt.Errorf("crud: entity %s: %w", e.Name, err)
	}
	r.db, r.entity, r.form, r.rules = db, e, form, rules
	r.compile = query.NewCompiler(db.Dialect(), e)
	r.reader = query.NewReader(db)
	r.timeout = findTimeout
	r.cursors = newSealer()
	if e.SoftDeleteField() != model.NoField {
		r.graves = query.NewDeletedCompiler(db.Dialect(), e)
	}
	r.roles = compileRoles(policy, e, rules)
	r.shape = shapeOf(e)
	r.buffers.New = func() any { return new(query.Statement) }
	return nil
}

// Before adds code that runs before rows are created, updated or deleted, in
// the order of registration. It panics for another action.
func (r *Resource[T]) Before(action authz.Action, hook Hook[T]) {
	r.before[writing(action)] = append(r.before[action], untyped(hook))
}

// After adds code that runs when a row was created, updated or deleted, before
// the commit, in the order of registration. It panics for another action.
func (r *Resource[T]) After(action authz.Action, hook Hook[T]) {
	r.after[writing(action)] = append(r.after[action], untyped(hook))
}

func writing(action authz.Action) authz.Action {
	if action != authz.Create && action != authz.Update && action != authz.Delete {
		panic("crud: no hooks for the action " + action.String())
	}
	return action
}

// untyped returns a hook for the engine. Whatever a hook does to the change is done.
func untyped[T any](h Hook[T]) hook {
	return func(ctx context.Context, ch *change) error {
		row := typed[T](ch.Row)
		own := &Change[T]{Action: ch.Action, Row: *row, Set: ch.Set, Old: typed[T](ch.Old), Links: ch.Links}
		err := h(ctx, own)
		*row, ch.Set, ch.Links = own.Row, own.Set, own.Links
		return err
	}
}

// typed returns a row as what it is; nil for none.
func typed[T any](row record) *T {
	t, _ := row.at.(*T)
	return t
}

// answer returns an answer of the engine as what it is.
func answer[T any](row record, err error) (*T, error) { return typed[T](row), err }

// Get returns the row with that id. Fields that the caller may not read have
// their zero value.
func (r *Resource[T]) Get(ctx context.Context, id string) (*T, error) {
	return answer[T](r.getRecord(ctx, id, query.Unlocked))
}

// GetForUpdate is Get for who changes the row after looking at it, or something
// else because of it: nobody else changes or deletes the row before the transaction
// ends, and what they changed until now is seen. It waits for whoever does the same.
// On SQLite, where transactions of changes run one after the other, it is Get; on
// PostgreSQL, SELECT … FOR NO KEY UPDATE.
//
// It is for the inside of [InTx], of hooks, and of actions that change something;
// elsewhere it is an error. Two that get several rows get them in one order, or one of
// them runs again: on PostgreSQL whoever holds a row waits for the next one for about
// 50 ms at the first try, and [InTx] takes the rows of a try before the one that follows.
func (r *Resource[T]) GetForUpdate(ctx context.Context, id string) (*T, error) {
	return answer[T](r.getRecord(ctx, id, query.ForChange))
}

// A Page is a page of rows. Fields that the caller may not read, or did not
// select, have their zero value.
type Page[T any] struct {
	Total int64
	Limit int
	Skip  int
	// Next and Previous are the cursors of the pages behind and before this one, for
	// a query with [query.Cursor]; empty where there is none.
	Next, Previous string
	Data           []T
}

// Find returns a page of the rows that the caller may list.
func (r *Resource[T]) Find(ctx context.Context, q *query.Query) (*Page[T], error) {
	rows, err := r.findRecords(ctx, q)
	if err != nil {
		return nil, err
	}
	p := &Page[T]{Total: rows.Total, Limit: rows.Limit, Skip: rows.Skip, Next: rows.Next, Previous: rows.Previous, Data: make([]T, len(rows.rows))}
	for i, row := range rows.rows {
		p.Data[i] = *typed[T](row)
	}
	return p, nil
}

// Create makes a row of the fields in Set and answers it: with what the caller
// may read, or, when the row is out of the caller's sight, its id and what was
// sent. Ids, times, the owner, default values and roles that were not sent are
// set by the service.
func (r *Resource[T]) Create(ctx context.Context, ch *Change[T], opts ...Option) (*T, error) {
	return answer[T](r.createRecord(ctx, record{&ch.Row}, ch.Set, opts))
}

// Patch changes the fields in Set and answers the row as [Resource.Create]
// does. A change that changes nothing writes nothing.
func (r *Resource[T]) Patch(ctx context.Context, id string, ch *Change[T], opts ...Option) (*T, error) {
	return answer[T](r.updateRecord(ctx, id, record{&ch.Row}, ch.Set, false, opts))
}

// Update replaces the row: a field that is not in Set gets its default, or
// null. It keeps what the caller may not write, the password and the roles.
func (r *Resource[T]) Update(ctx context.Context, id string, ch *Change[T], opts ...Option) (*T, error) {
	return answer[T](r.updateRecord(ctx, id, record{&ch.Row}, ch.Set, true, opts))
}

// Remove deletes the row and answers it as it was.
func (r *Resource[T]) Remove(ctx context.Context, id string, opts ...Option) (*T, error) {
	return answer[T](r.removeRecord(ctx, id, opts))
}

// Restore brings a deleted row back, with those that were deleted because of it, and
// answers it as [Resource.Create] does. Whoever may delete it may restore it: to
// everybody else, and when it is not deleted, it is not there. [IfVersion] is about the
// version in which it was deleted.
func (r *Resource[T]) Restore(ctx context.Context, id string, opts ...Option) (*T, error) {
	return answer[T](r.restoreRecord(ctx, id, opts))
}

// Compute says how a computed field follows from the fields that it is made of. set
// is handed a row with these and no others, whatever was asked for, and stores the
// value in the other row; it asks nobody and changes nothing else, and may be
// called by many goroutines at once. It runs whenever the field is read, and after
// each write.
//
// It panics for a field that is not computed. [Link] wants it for each one that is.
func (r *Resource[T]) Compute(f model.FieldID, set func(row, from *T)) {
	r.computes(f, func(row, from record) { set(typed[T](row), typed[T](from)) })
}

var _ Service = (*Resource[struct{}])(nil)
