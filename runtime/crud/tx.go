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

// OnCommit has fn run once the transaction on db that ctx is in was committed, with
// who listens to changes; of one that is rolled back nobody hears. It reports
// whether there is a transaction.
func OnCommit(ctx context.Context, db *store.DB, fn func(context.Context)) bool {
	t, ok := ctx.Value(txKey{db}).(*transaction)
	if ok {
		t.committed = append(t.committed, fn)
	}
	return ok
}

// InTx runs fn in one transaction on db, which every change that fn makes with
// its context is a part of: all of them are kept, or none. Who listens to changes
// hears of them after the commit. Within a transaction fn joins it.
//
// When PostgreSQL undoes the transaction to let another one pass (a deadlock, a
// serialization failure), fn runs again in a new one, three times at most; if that
// does not help, the error matches [store.ErrUnavailable]. So fn, and the hooks of
// what it changes, leave the same outside of the database after one run and after
// three: what is to happen once is for [OnCommit].
func InTx(ctx context.Context, db *store.DB, fn func(ctx context.Context) error) error {
	if _, ok := Tx(ctx, db); ok {
		return fn(ctx)
	}
	for try := 1; ; try++ {
		var t transaction // what the run before left to be told was undone with it
		err := db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			t.tx = tx
			return fn(context.WithValue(ctx, txKey{db}, &t))
		})
		switch {
		case err == nil:
			for _, tell := range t.committed {
				tell(ctx)
			}
			return nil
		case !again(ctx, db, try, err):
			return err
		}
	}
}

func (r *Resource[T]) tx(ctx context.Context) (*sql.Tx, bool) { return Tx(ctx, r.db) }

// inTx runs fn in the transaction of ctx, or in one of its own; only then what
// fn leaves to be told is told here, after the commit.
func (r *Resource[T]) inTx(ctx context.Context, fn func(ctx context.Context, t *transaction) error) error {
	if outer, ok := ctx.Value(txKey{r.db}).(*transaction); ok {
		return r.answer(fn(ctx, outer))
	}
	return r.answer(InTx(ctx, r.db, func(ctx context.Context) error {
		return fn(ctx, ctx.Value(txKey{r.db}).(*transaction)) //nolint:forcetypeassert // InTx puts it there
	}))
}

// tell leaves word of a change for after the commit.
func (r *Resource[T]) tell(t *transaction, c Changed) {
	c.Entity = r.entity.Name
	for _, listener := range r.onChange {
		t.committed = append(t.committed, func(ctx context.Context) { listener(ctx, c) })
	}
}
