package tenant

import (
	"context"
	"sync"
)

// looks are the looks at the database that are under way, which the store waits for
// at its end. The zero value has none.
type looks struct {
	mu     sync.Mutex
	closed bool
	all    sync.WaitGroup
}

// run has one run in the background, after close in the foreground.
func (l *looks) run(look func()) {
	if l.begin() {
		go func() {
			defer l.all.Done()
			look()
		}()
		return
	}
	look()
}

func (l *looks) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.all.Add(1)
	}
	return !l.closed
}

// close waits for those that are under way, until ctx ends: each takes lookTime at
// most.
func (l *looks) close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	done := make(chan struct{})
	go func() {
		l.all.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
