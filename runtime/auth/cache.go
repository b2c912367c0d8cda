package auth

import (
	"sync"
	"time"

	"github.com/gatewright/gate"
)

const (
	cacheFor  = 5 * time.Second
	cacheSize = 16384
	maxLogin  = 254 // longer names are looked up each time

	readTimeout = 3 * time.Second // a look-up that takes longer is no answer
)

// cache remembers accounts for a moment. It never remembers that there is none.
type cache struct {
	mu       sync.RWMutex
	subjects map[string]*entry
	logins   map[string]*entry // by the name as it was sent
	drops    uint64
}

// entry is an account, immutable once it is in the cache.
type entry struct {
	account   gate.Account
	principal *gate.Principal
	login     string // empty when it was found by its identifier
	until     time.Time
}

func newCache() *cache {
	return &cache{subjects: make(map[string]*entry), logins: make(map[string]*entry)}
}

func (c *cache) subject(id string, now time.Time) (*entry, bool) {
	c.mu.RLock()
	e := c.subjects[id]
	c.mu.RUnlock()
	return e, e != nil && now.Before(e.until)
}

func (c *cache) login(name string, now time.Time) (*entry, bool) {
	c.mu.RLock()
	e := c.logins[name]
	c.mu.RUnlock()
	return e, e != nil && now.Before(e.until)
}

// epoch is taken before the database is asked, for put.
func (c *cache) epoch() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.drops
}

// put remembers an account, unless one was dropped since epoch: what was read
// may be from before a change.
func (c *cache) put(e *entry, epoch uint64, now time.Time) {
	e.until = now.Add(cacheFor)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != epoch {
		return
	}
	if len(c.subjects) >= cacheSize || len(c.logins) >= cacheSize {
		clear(c.subjects) // all of it is five seconds old at most
		clear(c.logins)
	}
	c.subjects[e.account.Subject] = e
	if e.login != "" && len(e.login) <= maxLogin {
		c.logins[e.login] = e
	}
}

// empty forgets all accounts.
func (c *cache) empty() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	clear(c.subjects)
	clear(c.logins)
}

// drop forgets an account under all of its names.
func (c *cache) drop(subject string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	delete(c.subjects, subject)
	for name, e := range c.logins {
		if e.account.Subject == subject {
			delete(c.logins, name)
		}
	}
}
