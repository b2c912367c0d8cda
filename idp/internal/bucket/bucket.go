// Package bucket counts requests in buckets that fill evenly, one for each of those
// who send them.
package bucket

import (
	"container/list"
	"sync"
	"time"
)

// unlimited is what a share has where there is no limit.
const unlimited = 1000

// A Limit counts in this process alone. It is safe for concurrent use; [New] makes
// one.
type Limit[K comparable] struct {
	rate, burst float64 // a rate of zero is no limit
	most        int
	now         func() time.Time

	mu      sync.Mutex
	buckets map[K]*list.Element
	order   *list.List // of *bucket[K], the one used last in front
}

type bucket[K comparable] struct {
	key  K
	left float64
	at   time.Time
}

// New returns a limit of rate requests a second and burst at once. A rate of zero
// is no limit. It counts most keys at a time, and forgets the one that was not used
// for longest.
func New[K comparable](rate, burst float64, most int, now func() time.Time) *Limit[K] {
	return &Limit[K]{rate: rate, burst: burst, most: most, now: now, buckets: map[K]*list.Element{}, order: list.New()}
}

// A Share is what a key has left.
type Share struct {
	Limit, Left int
	Reset       time.Time     // when it has all again
	Wait        time.Duration // until the next request; zero lets this one through
}

// Full is the share of a key that sent nothing yet.
func (l *Limit[K]) Full() Share {
	s := Share{Limit: unlimited, Left: unlimited, Reset: l.now().Add(time.Second)}
	if l.rate > 0 {
		s.Limit, s.Left = int(l.burst), int(l.burst)
	}
	return s
}

// Take counts a request.
func (l *Limit[K]) Take(key K) Share {
	if l.rate == 0 {
		return l.Full()
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key, now)
	if d := now.Sub(b.at); d > 0 {
		b.left = min(l.burst, b.left+d.Seconds()*l.rate)
		b.at = now
	}
	s := Share{Limit: int(l.burst)}
	if b.left < 1 {
		s.Wait = max(time.Duration((1-b.left)/l.rate*float64(time.Second)), time.Millisecond)
	} else {
		b.left--
	}
	s.Left = int(b.left)
	s.Reset = now.Add(time.Duration((l.burst - b.left) / l.rate * float64(time.Second)))
	return s
}

// Len returns how many keys are counted now.
func (l *Limit[K]) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.order.Len()
}

// bucket returns the bucket of a key. When there are too many, the one that was not
// used for longest goes.
func (l *Limit[K]) bucket(key K, now time.Time) *bucket[K] {
	if e, ok := l.buckets[key]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*bucket[K]) //nolint:forcetypeassert // the list holds nothing else
	}
	if l.order.Len() >= l.most {
		last := l.order.Remove(l.order.Back()).(*bucket[K]) //nolint:forcetypeassert // the list holds nothing else
		delete(l.buckets, last.key)
	}
	b := &bucket[K]{key: key, left: l.burst, at: now}
	l.buckets[key] = l.order.PushFront(b)
	return b
}
