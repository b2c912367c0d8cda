package realtime

import (
	"sync"
	"time"
)

// Calls of one connection.
const (
	callBurst  = 100
	callsEvery = 20 * time.Millisecond // one more
)

// A bucket holds what may be spent now and fills up as time goes by.
type bucket struct {
	mu   sync.Mutex
	left int
	at   time.Time // to when it was filled
}

func newBucket(now time.Time) *bucket { return &bucket{left: callBurst, at: now} }

// take takes one out, or returns how long to wait for the next.
func (b *bucket) take(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	passed := now.Sub(b.at)
	if n := int(min(passed/callsEvery, callBurst)); n > 0 {
		b.left = min(b.left+n, callBurst)
		b.at = now.Add(-(passed % callsEvery)) // the rest counts towards the next
	}
	if b.left == 0 {
		return callsEvery - now.Sub(b.at)
	}
	b.left--
	return 0
}
