package password

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// queue hands out a fixed number of slots, first come first served, and turns away
// those who would wait behind too many others.
type queue struct {
	slots   chan struct{}
	waiting atomic.Int64
	limit   int64
	hold    atomic.Int64 // moving average of the nanoseconds that a slot is held
}

func newQueue(slots, limit int) *queue {
	q := &queue{slots: make(chan struct{}, slots), limit: int64(limit)}
	q.hold.Store(int64(50 * time.Millisecond))
	return q
}

// acquire waits for a slot. The caller calls release when it is done, once.
func (q *queue) acquire(ctx context.Context) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("waiting to hash a password: %w", err)
	}
	select {
	case q.slots <- struct{}{}:
		return q.start(), nil
	default:
	}
	waiting := q.waiting.Add(1)
	defer q.waiting.Add(-1)
	if waiting > q.limit {
		return nil, &BusyError{RetryAfter: q.drain()}
	}
	select {
	case q.slots <- struct{}{}:
		return q.start(), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to hash a password: %w", ctx.Err())
	}
}

func (q *queue) start() (release func()) {
	began := time.Now()
	return func() {
		held, old := int64(time.Since(began)), q.hold.Load()
		q.hold.Store(old + (held-old)/8) // a lost update costs nothing: it is an estimate
		<-q.slots
	}
}

// drain estimates how long a full queue takes to empty, in whole seconds.
func (q *queue) drain() time.Duration {
	rounds := q.limit/int64(cap(q.slots)) + 1
	d := time.Duration(rounds * q.hold.Load())
	return max(d.Truncate(time.Second)+time.Second, time.Second)
}
