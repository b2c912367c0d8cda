package crud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
)

// errTooLong is why a context ended with the time of its transaction.
var errTooLong = errors.New("the transaction took too long")

// A bound is the context of a transaction: it ends with the time that this one has.
type bound struct {
	context.Context //nolint:containedctx // it is one

	mu    sync.Mutex
	until time.Time
	timer *time.Timer
}

// within returns a bound of so much time. To call stop releases what it holds.
func within(ctx context.Context, limit time.Duration) (b *bound, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	b = &bound{Context: ctx, until: time.Now().Add(limit)}
	b.timer = time.AfterFunc(limit, func() { cancel(errTooLong) })
	return b, func() {
		b.timer.Stop()
		cancel(nil)
	}
}

// Deadline implements [context.Context].
func (b *bound) Deadline() (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if outer, ok := b.Context.Deadline(); ok && outer.Before(b.until) {
		return outer, true
	}
	return b.until, true
}

// extend gives it so much time from now on.
func (b *bound) extend(limit time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.until = time.Now().Add(limit)
	b.timer.Reset(limit)
}

// explain makes the answer of a transaction that had its time.
func (b *bound) explain(db *store.DB, err error) error {
	if !errors.Is(context.Cause(b.Context), errTooLong) || db.Classify(err).Kind != store.Unavailable {
		return err
	}
	return &gate.Error{
		Status: http.StatusServiceUnavailable, Message: "It took too long, and was undone", RetryAfter: time.Second,
		Err: fmt.Errorf("%w: %w", errTooLong, err),
	}
}

// Extend gives the transaction on db that ctx is in so much time from now on, hooks and
// further tries and all, in place of what is left of its ten seconds. On SQLite
// everybody else who writes waits for it, and gives up after three seconds. It reports
// whether there is a transaction.
func Extend(ctx context.Context, db *store.DB, limit time.Duration) bool {
	t, ok := ctx.Value(txKey{db}).(*transaction)
	if ok {
		t.bound.extend(limit)
	}
	return ok
}
