package accounts

import (
	"time"

	"github.com/gatewright/gate"
)

// CacheLen returns the number of sessions remembered.
func (s *Sessions) CacheLen() int { return len(s.live.entries) }

// RememberLate does what Active does when the session ends between its look at
// the database and its note of the answer, and reports whether it was noted.
func RememberLate(end func(drop func(id ...string))) bool {
	c := newCache[string, owner](10, time.Minute)
	now := time.Now()
	epoch := c.epoch()
	end(c.drop)
	c.put("id", owner{}, epoch, now, now.Add(time.Hour))
	_, ok := c.get("id", now)
	return ok
}

// SpliceKeys returns a key with the identifier of one and the secret of another,
// and the checksum that belongs to it.
func SpliceKeys(id, secret string) string {
	body := id[:len(id)-keyCheckLen-secretLen] + secret[len(secret)-keyCheckLen-secretLen:len(secret)-keyCheckLen]
	return body + checksum(body)
}

// Forget empties what is remembered.
func (s *Sessions) Forget() {
	s.live = newCache[string, owner](s.live.size, s.live.ttl)
	s.secrets = newCache[[32]byte, *gate.Session](s.secrets.size, s.secrets.ttl)
}
