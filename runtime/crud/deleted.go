package crud

import (
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
	// leave does to the rows that point to deleted ones what the field says.
	leave(ctx context.Context, t *transaction, f model.FieldID, keys []any, b *burial) error
	// rise adds those rows that were deleted with the ones they point to.
	rise(ctx context.Context, f model.FieldID, keys []any, up *rising) error
	// purge deletes for good what keeps the database from deleting some rows, and nobody
	// sees.
	purge(ctx context.Context, t *transaction, f model.FieldID, keys []any, w *way) error
	// inTheWay reports whether deleted rows may keep the database from deleting those
	// that the field points to.
	inTheWay(f model.FieldID) bool
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

func (r *engine) unrefer() { r.references, r.blocked = nil, false }

// inTheWay implements referrer.
func (r *engine) inTheWay(f model.FieldID) bool {
	switch r.entity.Fields[f].OnDelete {
	case model.SetNull:
		return false
	case model.Cascade:
		return r.blocked
	default:
		return r.keeps()
	}
}

// block notes whether deleted rows may be in the way of those of the entity, and
// reports whether that is news.
func (r *engine) block() bool {
	if r.blocked {
		return false
	}
	r.blocked = slices.ContainsFunc(r.references, func(ref reference) bool { return ref.from.inTheWay(ref.field) })
	return r.blocked
}

// keeps reports whether deleted rows of the entity stay in the database.
func (r *engine) keeps() bool { return r.graves != nil }

// erase deletes a row that was read in this transaction, or marks it as deleted.
func (r *engine) erase(ctx context.Context, t *transaction, id string, old record, filter query.Filter, x expected) error {
	filter = r.still(filter, old, x)
	if r.keeps() {
		b := &burial{at: now(), left: r.mostBuried(ctx)}
		if err := r.bury(ctx, t, old, filter, x.missed(id), b); err != nil {
			return err
		}
		return b.judge()
	}
	key := r.value(old, r.entity.IDField())
	if r.blocked {
		w := &way{seen: map[grave]bool{}, left: r.mostBuried(ctx)}
		if err := r.clearWay(ctx, t, []any{key}, w); err != nil {
			return r.needed(err)
		}
	}
	s := r.statement()
	defer r.recycle(s)
	r.compile.Delete(s, key, filter)
	return r.needed(r.exec(ctx, t, s, x.missed(id)))
}

// A burial is a row that is marked as deleted, with all that go with it.
type burial struct {
	at    time.Time
	left  int            // how many more may go
	later []func() error // what is done when all of them are marked: they need nothing of each other, and keep their keys
}

func (b *burial) judge() error {
	for _, do := range b.later {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// atOnce is how many rows one statement marks.
const atOnce = 500

// maxBuried is how many rows go with one, and come back: on SQLite nobody else writes
// meanwhile.
const maxBuried = 10_000

// mostBuried is [maxBuried] for callers. The program deletes and restores what it likes,
// and a tenant is closed and opened however much it has.
func (r *engine) mostBuried(ctx context.Context) int {
	tenant := slices.ContainsFunc(r.references, func(ref reference) bool { return ref.field == ref.from.Entity().TenantField() })
	if tenant || authz.IsSystem(ctx) {
		return math.MaxInt
	}
	return maxBuried
}

// bury marks a row as deleted, and then those that go with it.
func (r *engine) bury(ctx context.Context, t *transaction, old record, filter query.Filter, missed error, b *burial) error {
	row, key := r.form.clone(old), r.value(old, r.entity.IDField())
	field, p := r.field(row, r.entity.SoftDeleteField())
	field.Store(p, b.at)
	changed := model.Fields(r.entity.SoftDeleteField())
	r.count(row, old, &changed)
	s := r.statement()
	defer r.recycle(s)
	r.compile.Update(s, key, filter, changed, r.values(row))
	if err := r.exec(ctx, t, s, missed); err != nil {
		return err
	}
	return r.left(ctx, t, []any{key}, b)
}

// left does to the rows that point to those that were marked what they say.
func (r *engine) left(ctx context.Context, t *transaction, keys []any, b *burial) error {
	for _, ref := range r.references {
		if err := ref.from.leave(ctx, t, ref.field, keys, b); err != nil {
			return err
		}
	}
	return nil
}

// leave implements referrer.
func (r *engine) leave(ctx context.Context, t *transaction, f model.FieldID, keys []any, b *burial) error {
	switch r.entity.Fields[f].OnDelete {
	case model.SetNull:
		b.later = append(b.later, func() error {
			s := r.statement()
			defer r.recycle(s)
			r.compile.Empty(s, f, query.Among(f, keys))
			_, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...)
			return err
		})
		return nil
	case model.Cascade:
		if closes(r.entity, f) {
			return nil
		}
		return r.goAlong(ctx, t, f, keys, b)
	default:
		b.later = append(b.later, func() error {
			s := r.statement()
			defer r.recycle(s)
			id := model.Fields(r.entity.IDField())
			r.compile.Every(s, query.Among(f, keys), id, 1)
			rows, err := r.read(ctx, s, id, 1)
			if err == nil && len(rows) > 0 {
				return stillNeeded()
			}
			return err
		})
		return nil
	}
}

// goAlong marks the rows that point to some that were, all before what goes with them.
func (r *engine) goAlong(ctx context.Context, t *transaction, f model.FieldID, keys []any, b *burial) error {
	rows, err := r.pointing(ctx, r.compile, query.Among(f, keys), min(b.left, math.MaxInt-1)+1)
	if err != nil {
		return err
	}
	if b.left -= len(rows); b.left < 0 {
		return tooManyGo()
	}
	for some := range slices.Chunk(rows, atOnce) {
		keys := make([]any, len(some))
		for i, row := range some {
			keys[i] = r.value(row, r.entity.IDField())
			r.tell(t, Changed{Action: authz.Delete, ID: r.id(row), Set: r.entity.All(), Before: r.snapshot(row)}, row)
		}
		s := r.statement()
		defer r.recycle(s)
		r.compile.Mark(s, query.Among(r.entity.IDField(), keys), b.at)
		if _, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(rows, atOnce) {
		keys := make([]any, len(some))
		for i, row := range some {
			keys[i] = r.value(row, r.entity.IDField())
		}
		if err := r.left(ctx, t, keys, b); err != nil {
			return err
		}
	}
	return nil
}

// pointing reads the rows of a compiler that pass a filter, at most limit if that is not
// 0, and locks them.
func (r *engine) pointing(ctx context.Context, from *query.Compiler, filter query.Filter, limit int) ([]record, error) {
	s := r.statement()
	defer r.recycle(s)
	from.Every(s, filter, r.entity.All(), limit)
	return r.read(ctx, s, r.entity.All(), 1)
}

// A way is what has been looked at for deleted rows that are in the way of one.
type way struct {
	seen map[grave]bool
	left int // how many more may be
}

// purge implements referrer.
func (r *engine) purge(ctx context.Context, t *transaction, f model.FieldID, keys []any, w *way) error {
	if !r.inTheWay(f) {
		return nil
	}
	if r.entity.Fields[f].OnDelete == model.Cascade {
		err := r.each(ctx, r.compile, f, keys, w, func(keys []any) error { return r.clearWay(ctx, t, keys, w) })
		if err != nil {
			return err
		}
	}
	if !r.keeps() {
		return nil
	}
	s := r.statement()
	defer r.recycle(s)
	if !r.blocked {
		r.graves.Clear(s, query.Among(f, keys))
		_, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...)
		return err
	}
	return r.each(ctx, r.graves, f, keys, w, func(keys []any) error {
		for _, key := range keys { // one may be in the way of the next
			if err := r.clearWay(ctx, t, []any{key}, w); err != nil {
				return err
			}
			s.Reset()
			r.graves.Delete(s, key, query.Filter{})
			if _, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// each hands on the keys of the rows of a compiler that point to some, in pieces, and
// locks the rows. Nothing else of them is read.
func (r *engine) each(ctx context.Context, from *query.Compiler, f model.FieldID, keys []any, w *way, do func(keys []any) error) error {
	s := r.statement()
	defer r.recycle(s)
	id := model.Fields(r.entity.IDField())
	from.Every(s, query.Among(f, keys), id, min(w.left, math.MaxInt-1)+1)
	rows, err := r.query(ctx, s)
	if err != nil {
		return err
	}
	found, err := r.keysOf(rows, id)
	if err != nil {
		return err
	}
	if len(found) > w.left {
		return tooManyGo()
	}
	for some := range slices.Chunk(found, atOnce) {
		if err := do(some); err != nil {
			return err
		}
	}
	return nil
}

// keysOf returns the keys of rows.
func (r *engine) keysOf(rows answered, id model.FieldSet) (keys []any, err error) {
	defer rows.Close()
	in := r.scanner(id)
	in.spare = r.form.rows(1)
	for row := in.spare; rows.Next(); in.spare = row {
		if _, err := in.scan(rows, nil); err != nil {
			return nil, err
		}
		keys = append(keys, r.value(row[0], r.entity.IDField()))
	}
	return keys, rows.Err()
}

func tooManyGo() error {
	return &gate.Error{Status: http.StatusConflict, Message: fmt.Sprintf("More than %d rows would go with this one: delete some of those first", maxBuried)}
}

// grave is a row.
type grave struct {
	entity *model.Entity
	key    any
}

// clearWay deletes for good the deleted rows that would keep the database from
// deleting some rows: nobody can bring them back without these.
func (r *engine) clearWay(ctx context.Context, t *transaction, keys []any, w *way) error {
	if !r.blocked {
		return nil
	}
	keys = slices.DeleteFunc(slices.Clone(keys), func(key any) bool { return w.seen[grave{r.entity, key}] })
	if len(keys) == 0 {
		return nil
	}
	for _, key := range keys {
		w.seen[grave{r.entity, key}] = true
	}
	if w.left -= len(keys); w.left < 0 {
		return tooManyGo()
	}
	for _, ref := range r.references {
		if err := ref.from.purge(ctx, t, ref.field, keys, w); err != nil {
			return err
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
