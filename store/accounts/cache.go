package accounts

import (
	"sync"
	"time"
)

// owner is the account that a session belongs to.
type owner struct{ entity, subject string }

// cache remembers for a moment which sessions are active. It never remembers
// that one is not.
type cache struct {
	size int
	ttl  time.Duration

	mu      sync.RWMutex
	entries map[string]entry
	drops   uint64 // counts the calls of drop and dropOwner
}

type entry struct {
	owner owner
	until time.Time
}

func newCache(size int, ttl time.Duration) *cache {
	return &cache{size: size, ttl: ttl, entries: make(map[string]entry)}
}

// get returns the owner of the session if it is known to be active.
func (c *cache) get(id string, now time.Time) (owner, bool) {
	c.mu.RLock()
	e, ok := c.entries[id]
	c.mu.RUnlock()
	if !ok || !now.Before(e.until) {
		return owner{}, false
	}
	return e.owner, true
}

// epoch is taken before the database is asked, for put.
func (c *cache) epoch() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.drops
}

// put remembers a session, never past expires. It does nothing if anything was
// dropped since epoch: the answer of the database may be from before an end.
func (c *cache) put(id string, who owner, epoch uint64, now, expires time.Time) {
	until := now.Add(c.ttl)
	if expires.Before(until) {
		until = expires
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != epoch {
		return
	}
	if _, ok := c.entries[id]; !ok && len(c.entries) >= c.size {
		c.makeRoom(now)
	}
	c.entries[id] = entry{who, until}
}

// makeRoom removes what is stale among a few entries, and at least one.
func (c *cache) makeRoom(now time.Time) {
	looked := 0
	for id, e := range c.entries { // in no particular order
		if looked == 0 || !now.Before(e.until) {
			delete(c.entries, id)
		}
		if looked++; looked == 8 {
			return
		}
	}
}

func (c *cache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	delete(c.entries, id)
}

func (c *cache) dropOwner(who owner) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	for id, e := range c.entries {
		if e.owner == who {
			delete(c.entries, id)
		}
	}
}
