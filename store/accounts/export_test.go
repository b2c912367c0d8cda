package accounts

import "time"

// CacheLen returns the number of sessions remembered.
func (s *Sessions) CacheLen() int { return len(s.cache.entries) }

// RememberLate does what Active does when the session ends between its look at
// the database and its note of the answer, and reports whether it was noted.
func RememberLate(end func(drop func(id string))) bool {
	c := newCache(10, time.Minute)
	now := time.Now()
	epoch := c.epoch()
	end(c.drop)
	c.put("id", owner{}, epoch, now, now.Add(time.Hour))
	_, ok := c.get("id", now)
	return ok
}

// Len returns the number of counters in each table.
func (t *Throttle) Len() [3]int {
	return [3]int{len(t.pairs.records), len(t.networks.records), len(t.accounts.records)}
}
