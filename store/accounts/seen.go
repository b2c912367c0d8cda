package accounts

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gatewright/gate/store"
)

// recorder writes when rows were last used, aside from the requests: one
// goroutine while there is something to write, one transaction for all that
// came together.
type recorder struct {
	db *store.DB
	// update takes the time in milliseconds and the identifier of the row.
	update string

	mu      sync.Mutex
	waiting map[string]time.Time
	writing map[string]time.Time
	running bool
	closed  bool
	done    sync.WaitGroup
}

const (
	maxWaiting    = 4096 // beyond it a sighting is lost; the next one counts
	recordTimeout = 10 * time.Second
	ahead         = time.Minute // what was used later than that was noted by a clock that was wrong
)

// record notes that a row was used, and returns at once.
func (r *recorder) record(ctx context.Context, id string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || len(r.waiting) >= maxWaiting {
		return
	}
	if r.waiting == nil {
		r.waiting = make(map[string]time.Time)
	}
	r.waiting[id] = at
	if !r.running {
		r.running = true
		ctx := context.WithoutCancel(ctx) // the request may end first
		r.done.Go(func() { r.run(ctx) })
	}
}

// noted returns when a row was last used as far as that is not written yet, the
// zero time if it is.
func (r *recorder) noted(id string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.waiting[id]; ok {
		return at
	}
	return r.writing[id]
}

// run writes until nothing is waiting. What cannot be written is dropped: the
// row is used again.
func (r *recorder) run(ctx context.Context) {
	for {
		r.mu.Lock()
		r.writing, r.waiting = r.waiting, nil
		batch := r.writing
		r.running = len(batch) > 0
		r.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		_ = r.write(ctx, batch) // nobody to tell, and nothing is lost
	}
}

func (r *recorder) write(ctx context.Context, batch map[string]time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	return r.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, r.update)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for _, id := range slices.Sorted(maps.Keys(batch)) { // in one order, or two processes wait for each other
			if _, err := stmt.ExecContext(ctx, batch[id].UnixMilli(), id); err != nil {
				return err
			}
		}
		return nil
	})
}

// close waits for the goroutine, if there is one.
func (r *recorder) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.done.Wait()
}
