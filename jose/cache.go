package jose

import (
	"crypto/sha256"
	"encoding/binary"
	"sync/atomic"
)

const defaultCacheSize = 10_000

// ways is in how many places of the cache a token can be.
const ways = 8

// An entry is a token that was verified, by its hash. It does not change, but
// for used.
type entry struct {
	sum         [sha256.Size]byte
	claims      Claims
	audience    [1]string // room for the usual audience
	key         *Key
	kid         string // as the token says it
	from, until int64  // seconds since 1970
	used        atomic.Bool
}

// A cache holds verified tokens. Its size is fixed and no operation takes a
// lock: a token has eight places, and a new one takes an empty or outdated
// place, else one that was not used of late.
type cache struct {
	epoch  atomic.Uint64
	places []atomic.Pointer[entry]
}

// newCache returns a cache for at most size tokens, nil for none.
func newCache(size int) *cache {
	if size < ways {
		return nil
	}
	return &cache{places: make([]atomic.Pointer[entry], size/ways*ways)}
}

// set returns the places for a token.
func (c *cache) set(sum *[sha256.Size]byte) []atomic.Pointer[entry] {
	i := binary.LittleEndian.Uint64(sum[:]) % uint64(len(c.places)/ways) * ways
	return c.places[i : i+ways]
}

// get returns the entry of a token, nil when there is none.
func (c *cache) get(sum *[sha256.Size]byte) *entry {
	if c == nil {
		return nil
	}
	set := c.set(sum)
	for i := range set {
		if e := set[i].Load(); e != nil && e.sum == *sum {
			if !e.used.Load() {
				e.used.Store(true)
			}
			return e
		}
	}
	return nil
}

// put keeps e, unless something was dropped since epoch: then e may be what
// should have been.
func (c *cache) put(e *entry, epoch uint64, now int64) {
	if c == nil {
		return
	}
	set := c.set(&e.sum)
	place := victim(set, e, now)
	place.Store(e)
	if c.epoch.Load() != epoch { // after storing: dropAll counts before it looks
		place.CompareAndSwap(e, nil)
	}
}

// victim returns the place that e gets: an empty or outdated one, else the next
// one that was not used since it was passed by, beginning anywhere.
func victim(set []atomic.Pointer[entry], e *entry, now int64) *atomic.Pointer[entry] {
	for i := range set {
		if old := set[i].Load(); old == nil || old.until <= now || old.sum == e.sum {
			return &set[i]
		}
	}
	begin := int(e.sum[len(e.sum)-1])
	for i := range ways {
		place := &set[(begin+i)%ways]
		if old := place.Load(); old == nil || !old.used.Swap(false) {
			return place
		}
	}
	return &set[begin%ways]
}

// drop removes e.
func (c *cache) drop(e *entry) {
	set := c.set(&e.sum)
	for i := range set {
		set[i].CompareAndSwap(e, nil)
	}
}

// dropAll removes all entries that match.
func (c *cache) dropAll(match func(*entry) bool) {
	if c == nil {
		return
	}
	c.epoch.Add(1) // before looking: see put
	for i := range c.places {
		if e := c.places[i].Load(); e != nil && match(e) {
			c.places[i].CompareAndSwap(e, nil)
		}
	}
}

// len returns the number of entries.
func (c *cache) len() int {
	if c == nil {
		return 0
	}
	n := 0
	for i := range c.places {
		if c.places[i].Load() != nil {
			n++
		}
	}
	return n
}

// currentEpoch returns the number of times that something was dropped on demand.
func (c *cache) currentEpoch() uint64 {
	if c == nil {
		return 0
	}
	return c.epoch.Load()
}
