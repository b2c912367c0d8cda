package tenant_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/store/storetest"
)

// Close waits for a look at the database that nobody waits for any more.
func TestClose_waitsForLooks(t *testing.T) {
	c := newClock()
	var armed atomic.Bool
	var asked atomic.Int32
	looks, hold := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	db := storetest.SQLite(t)
	s := open(t, db, func() time.Time {
		if armed.Load() && asked.Add(1) == 2 { // the first is of whoever asks for an object
			close(looks)
			<-hold
		}
		return c.Now()
	})
	t.Cleanup(release)
	armed.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := s.Clients.Get(ctx, "c")
		gone <- err
	}()
	<-looks
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("whoever does not wait: %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.Close(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while a look is under way: %v", err)
	}
	release()
	must(t, s.Close(t.Context()))
}
