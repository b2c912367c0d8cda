package management

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gatewright/gate/idp/internal/bucket"
)

// maxBuckets bounds the clients that are counted at a time.
const maxBuckets = 4096

// newLimiter returns what counts the requests of each client.
func newLimiter(l Limit, now func() time.Time) *bucket.Limit[string] {
	burst := float64(l.Burst)
	if burst == 0 {
		burst = max(1, l.PerSecond)
	}
	return bucket.New[string](l.PerSecond, burst, maxBuckets, now)
}

// rateHeaders says what a client has left.
func rateHeaders(h http.Header, s bucket.Share, now time.Time) {
	reset := s.Reset
	if least := now.Add(time.Second); reset.Before(least) {
		reset = least
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(s.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(s.Left))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
}
