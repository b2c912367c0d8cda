package jwks

import (
	"net/http"
	"time"
)

// Age makes the last good answer older on the wall.
func (s *Set) Age(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetched = s.fetched.Add(-d)
}

// Lifetime returns how long an answer is fresh.
func Lifetime(h http.Header) time.Duration { return lifetime(h) }
