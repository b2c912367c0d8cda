package accounts

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/gatewright/gate/store"
)

// recorder writes when sessions were last seen, aside from the requests: one
// goroutine while there is something to write, one transaction for all that
// came together.
type recorder struct {
	db *store.DB

	mu      sync.Mutex
	waiting map[string]time.Time
	running bool
	closed  bool
	done    sync.WaitGroup
}

const (
	maxWaiting    = 4096 // beyond it a sighting is lost; the next one counts
	recordTimeout = 10 * time.Second
)

// record notes that a session was seen, and returns at once.
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

// run writes until nothing is waiting. What cannot be written is dropped: the
// session is seen again.
func (r *recorder) run(ctx context.Context) {
	for {
		r.mu.Lock()
		batch := r.waiting
		r.waiting = nil
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
		stmt, err := tx.PrepareContext(ctx,
			"UPDATE gate_sessions SET last_seen_at = $1 WHERE id = $2 AND last_seen_at < $1")
		if err != nil {
			return err
		}
		defer stmt.Close()
		for id, at := range batch {
			if _, err := stmt.ExecContext(ctx, at.UnixMilli(), id); err != nil {
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
