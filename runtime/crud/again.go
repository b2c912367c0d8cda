package crud

import (
	"context"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// A watch notices that the row of a change is changed once more in its transaction: by
// a hook, or by the hook of another row that its body writes.
type watch struct {
	of      *engine
	id      string
	changed bool
}

// watch begins one.
func (t *transaction) watch(r *engine, row record) (at int) {
	t.watched = append(t.watched, watch{of: r, id: r.id(row)})
	return len(t.watched) - 1
}

// noticed tells who watches the row.
func (t *transaction) noticed(r *engine, id string) {
	for i := range t.watched {
		if w := &t.watched[i]; w.of == r && w.id == id {
			w.changed = true
		}
	}
}

// again ends a watch, and returns the row as it is now if it was changed once more.
func (r *engine) again(ctx context.Context, t *transaction, at int) (record, error) {
	w := t.watched[at]
	t.watched = t.watched[:at]
	if !w.changed {
		return record{}, nil
	}
	key, _ := r.parseID(w.id)
	return r.fetch(ctx, key, query.Filter{}, r.entity.All(), query.Unlocked)
}

// catchUp ends a watch, and makes row what it is now: what is answered and told is the
// row that is kept.
func (r *engine) catchUp(ctx context.Context, t *transaction, at int, row record) error {
	now, err := r.again(ctx, t, at)
	if err != nil || now.none() {
		return err
	}
	r.copyAll(row, now, r.entity.All())
	return nil
}

// rebase ends a watch, and puts what a change does to its row on top of what its hook
// made of the row meanwhile. Of one that is gone by now the statement finds nothing.
func (r *engine) rebase(ctx context.Context, t *transaction, at int, ch *change) error {
	now, err := r.again(ctx, t, at)
	if err != nil || now.none() {
		return err
	}
	r.copyAll(ch.Row, now, r.entity.All().Without(r.different(ch.Row, ch.Old)))
	ch.Old = now
	return nil
}

func (r *engine) copyAll(to, from record, set model.FieldSet) {
	for f := range set.All() {
		r.copy(to, from, f)
	}
}
