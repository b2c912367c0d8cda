package crud

import (
	"context"
	"database/sql"

	"github.com/gatewright/gate/store"
)

type txKey struct{ db *store.DB }

// transaction is what a context carries inside a change.
type transaction struct {
	tx        *sql.Tx
	committed []func(context.Context)
}

// Tx returns the transaction on db that a hook runs in, for statements of the
// service's own. It ends by itself: neither commit it nor roll it back.
func Tx(ctx context.Context, db *store.DB) (*sql.Tx, bool) {
	t, ok := ctx.Value(txKey{db}).(*transaction)
	if !ok {
		return nil, false
	}
	return t.tx, true
}

func (r *Resource[T]) tx(ctx context.Context) (*sql.Tx, bool) { return Tx(ctx, r.db) }

// inTx runs fn in the transaction of ctx, or in one of its own; only then what
// fn leaves to be told is told here, after the commit.
func (r *Resource[T]) inTx(ctx context.Context, fn func(ctx context.Context, t *transaction) error) error {
	if outer, ok := ctx.Value(txKey{r.db}).(*transaction); ok {
		return r.answer(fn(ctx, outer))
	}
	var t transaction
	err := r.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t.tx = tx
		return fn(context.WithValue(ctx, txKey{r.db}, &t), &t)
	})
	if err != nil {
		return r.answer(err)
	}
	for _, tell := range t.committed {
		tell(ctx)
	}
	return nil
}

// tell leaves word of a change for after the commit.
func (r *Resource[T]) tell(t *transaction, c Changed) {
	c.Entity = r.entity.Name
	for _, listener := range r.onChange {
		t.committed = append(t.committed, func(ctx context.Context) { listener(ctx, c) })
	}
}
