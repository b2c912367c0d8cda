package mail

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// The rates of letters that strangers can cause.
const (
	// PerAddress is how many letters one address gets in an hour.
	PerAddress = 5
	// PerNetwork is how many one network may cause in an hour.
	PerNetwork = 20
)

// RatesConfig configures [NewRates]. The zero value is ready to use.
type RatesConfig struct {
	// MaxEntries bounds the counters kept; zero means 32768. Beyond it the
	// counter untouched for longest is forgotten.
	MaxEntries int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Rates counts what happens by key, in the memory of this process: with n
// processes there is n times as much. It is safe for concurrent use; [NewRates]
// makes one.
type Rates struct {
	size int
	now  func() time.Time

	mu      sync.Mutex
	entries map[string]*list.Element
	order   *list.List // of *rate, the one touched last in front
}

type rate struct {
	key   string
	times []time.Time // the oldest first
}

// NewRates returns counters that stand at zero.
func NewRates(cfg RatesConfig) *Rates {
	if cfg.MaxEntries <= 0 {
		cfg.MaxEntries = 32768
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Rates{size: cfg.MaxEntries, now: cfg.Now, entries: make(map[string]*list.Element), order: list.New()}
}

// Allow counts one under key and reports true while that makes no more than
// limit within the window. What is not allowed is not counted. The error is
// always nil; it is there for counters that are kept elsewhere.
func (c *Rates) Allow(_ context.Context, key string, limit int, window time.Duration) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	r := c.touch(key)
	for len(r.times) > 0 && !r.times[0].After(now.Add(-window)) {
		r.times = r.times[1:]
	}
	if len(r.times) >= limit {
		return false, nil
	}
	r.times = append(r.times, now)
	return true, nil
}

// touch returns the counter of key.
func (c *Rates) touch(key string) *rate {
	if e, ok := c.entries[key]; ok {
		c.order.MoveToFront(e)
		return e.Value.(*rate) //nolint:forcetypeassert // the list holds nothing else
	}
	if c.order.Len() >= c.size {
		oldest := c.order.Remove(c.order.Back()).(*rate) //nolint:forcetypeassert // the list holds nothing else
		delete(c.entries, oldest.key)
	}
	r := &rate{key: key}
	c.entries[key] = c.order.PushFront(r)
	return r
}
