package basic

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"sync"
	"time"

	"github.com/gatewright/gate"
)

// A digest stands for a user name with its password. The key it is made with
// lives as long as the process, so a digest is worth nothing elsewhere.
type digest [sha256.Size]byte

// cache remembers for which digests the password was right, and which are being
// judged.
type cache struct {
	macs    sync.Pool // of hash.Hash, keyed
	mu      sync.RWMutex
	limit   int
	entries map[digest]entry
	flights map[digest]*flight
	closed  map[digest]time.Time // by name and network: until when nothing counts
}

// A flight is a judgment under way. Its result may be read when done is closed.
type flight struct {
	done      chan struct{}
	principal *gate.Principal
	err       error
}

// entry is the stored hash that the password matched: when the account has
// another one now, the entry says nothing.
type entry struct {
	hash    string
	expires time.Time
}

func newCache(limit int) *cache {
	secret := make([]byte, sha256.Size)
	_, _ = rand.Read(secret) // never fails
	return &cache{
		macs:    sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }},
		limit:   limit,
		entries: make(map[digest]entry),
		flights: make(map[digest]*flight),
		closed:  make(map[digest]time.Time),
	}
}

// key returns the digest of network, name and password. Lengths come first:
// otherwise "a" with "bc" and "ab" with "c" would be the same.
func (c *cache) key(network, username, password string) digest {
	mac := c.macs.Get().(hash.Hash) //nolint:forcetypeassert // the pool holds nothing else
	defer c.macs.Put(mac)
	mac.Reset()
	message := make([]byte, 16, 160)
	binary.BigEndian.PutUint64(message, uint64(len(network)))
	binary.BigEndian.PutUint64(message[8:], uint64(len(username)))
	message = append(message, network...)
	message = append(message, username...)
	message = append(message, password...)
	mac.Write(message)
	clear(message)
	var d digest
	mac.Sum(d[:0])
	return d
}

func (c *cache) get(key digest, now time.Time) (hash string, ok bool) {
	c.mu.RLock()
	e, ok := c.entries[key]
	c.mu.RUnlock()
	if !ok || !now.Before(e.expires) {
		return "", false
	}
	return e.hash, true
}

// shut takes nothing for known that comes for this name from this network, until
// then: whoever was told to wait guesses no further by what others proved.
func (c *cache) shut(who digest, until, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.closed) >= c.limit {
		for d, t := range c.closed {
			if !now.Before(t) {
				delete(c.closed, d)
			}
		}
	}
	if len(c.closed) >= c.limit {
		clear(c.entries) // no room to remember who: nobody is known
		return
	}
	c.closed[who] = until
}

func (c *cache) isShut(who digest, now time.Time) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	until, ok := c.closed[who]
	return ok && now.Before(until)
}

func (c *cache) put(key digest, hash string, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.entries[key]; !there && len(c.entries) >= c.limit {
		for victim := range c.entries { // any: all are gone within a minute
			delete(c.entries, victim)
			break
		}
	}
	c.entries[key] = entry{hash, expires}
}

func (c *cache) drop(key digest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}

// join returns the judgment of key that is under way, or begins one; first
// tells who has to make it, and to leave it.
func (c *cache) join(key digest) (f *flight, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.flights[key]; ok {
		return f, false
	}
	f = &flight{done: make(chan struct{}), err: errors.New("the judgment was not finished")}
	c.flights[key] = f
	return f, true
}

func (c *cache) leave(key digest, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flights, key)
	close(f.done)
}
