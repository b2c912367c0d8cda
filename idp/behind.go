package idp

import (
	"context"
	"sync"
)

// behind is what a provider does behind its answers: clients are told of log-outs, and
// actions run that stop nobody. The zero value is ready.
type behind struct {
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup // Add only while it is not closed
}

// begin runs f beside whoever calls, and reports false without that when the provider
// has ended.
func (b *behind) begin(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.running.Go(f)
	return true
}

// close waits for what has begun, until ctx ends. Nothing begins after it.
func (b *behind) close(ctx context.Context) {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	done := make(chan struct{})
	go func() {
		b.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
