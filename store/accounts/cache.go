package accounts

import (
	"sync"
	"time"
)

// owner is the account that something belongs to.
type owner struct{ entity, subject string }

// cache remembers for a moment what the database said is good. It never
// remembers that something is not.
type cache[K comparable, V any] struct {
	size int
	ttl  time.Duration

	mu      sync.RWMutex
	entries map[K]entry[V]
	drops   uint64 // counts the calls of drop and dropIf
}

type entry[V any] struct {
	value V
	until int64 // in nanoseconds since 1970: a third of a time.Time
}

func newCache[K comparable, V any](size int, ttl time.Duration) *cache[K, V] {
	return &cache[K, V]{size: size, ttl: ttl, entries: make(map[K]entry[V])}
}

// get returns what is remembered of key.
func (c *cache[K, V]) get(key K, now time.Time) (V, bool) {
	c.mu.RLock()
	e, ok := c.entries[key]
	c.mu.RUnlock()
	if !ok || !c.fresh(e, now) {
		var none V
		return none, false
	}
	return e.value, true
}

// fresh reports whether an entry still counts. One that would count for longer
// than any is from before the clock was set back.
func (c *cache[K, V]) fresh(e entry[V], now time.Time) bool {
	left := e.until - now.UnixNano()
	return left > 0 && left <= int64(c.ttl)
}

// epoch is taken before the database is asked, for put.
func (c *cache[K, V]) epoch() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.drops
}

// put remembers a value, never past expires. It does nothing if anything was
// dropped since epoch: the answer of the database may be from before an end.
func (c *cache[K, V]) put(key K, value V, epoch uint64, now, expires time.Time) {
	until := now.Add(c.ttl)
	if expires.Before(until) {
		until = expires
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != epoch {
		return
	}
	if _, ok := c.entries[key]; !ok && len(c.entries) >= c.size {
		c.makeRoom(now)
	}
	c.entries[key] = entry[V]{value, until.UnixNano()}
}

// makeRoom removes what is stale among a few entries, and at least one.
func (c *cache[K, V]) makeRoom(now time.Time) {
	looked := 0
	for key, e := range c.entries { // in no particular order
		if looked == 0 || !c.fresh(e, now) {
			delete(c.entries, key)
		}
		if looked++; looked == 8 {
			return
		}
	}
}

func (c *cache[K, V]) drop(keys ...K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	for _, key := range keys {
		delete(c.entries, key)
	}
}

func (c *cache[K, V]) dropIf(match func(V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	for key, e := range c.entries {
		if match(e.value) {
			delete(c.entries, key)
		}
	}
}
