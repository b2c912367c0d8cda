package management

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxBuckets bounds the clients that are counted at a time.
const maxBuckets = 4096

// A limiter counts the requests of each client in a bucket that fills evenly.
type limiter struct {
	rate, burst float64
	now         func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// unlimited is what the headers say where there is no limit.
const unlimited = 1000

func newLimiter(l Limit, now func() time.Time) *limiter {
	burst := float64(l.Burst)
	if burst == 0 {
		burst = max(1, l.PerSecond)
	}
	return &limiter{rate: l.PerSecond, burst: burst, now: now, buckets: map[string]*bucket{}}
}

// fill returns the bucket of a client as it is now.
func (l *limiter) fill(client string) *bucket {
	now := l.now()
	b := l.buckets[client]
	if b == nil {
		if len(l.buckets) >= maxBuckets {
			l.forget(now)
		}
		b = &bucket{left: l.burst, at: now}
		l.buckets[client] = b
	}
	if d := now.Sub(b.at).Seconds(); d > 0 {
		b.left = min(l.burst, b.left+d*l.rate)
	}
	b.at = now
	return b
}

// forget drops the buckets that are full again, and all if there is none.
func (l *limiter) forget(now time.Time) {
	for client, b := range l.buckets {
		if b.left+now.Sub(b.at).Seconds()*l.rate >= l.burst {
			delete(l.buckets, client)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}

// take counts a request, and returns the seconds to wait when there are none
// left.
func (l *limiter) take(client string) int {
	if l.rate == 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.fill(client)
	if b.left < 1 {
		return int(math.Ceil((1 - b.left) / l.rate))
	}
	b.left--
	return 0
}

// headers says what a client has left; the empty client is one not known yet.
func (l *limiter) headers(h http.Header, client string) {
	limit, left, wait := float64(unlimited), float64(unlimited), 1.0
	if l.rate > 0 {
		limit, left = l.burst, l.burst
		if client != "" {
			l.mu.Lock()
			left = l.fill(client).left
			l.mu.Unlock()
		}
		wait = max(1, (l.burst-left)/l.rate)
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(int(limit)))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(int(left)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(l.now().Add(time.Duration(wait*float64(time.Second))).Unix(), 10))
}
