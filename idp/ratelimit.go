package idp

import (
	"container/list"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/login"
)

const (
	requestsPerSecond = 100 // of one network, where Config.RequestLimit says nothing
	burstSeconds      = 5
	maxNetworks       = 16384
	noLimit           = 1000 // what the headers say where there is none
)

// A requestLimit counts the requests of each network in a bucket that fills
// evenly, in this process alone. It is there so that one program that runs wild
// does not take the place of all others; guesses are for the throttle.
type requestLimit struct {
	rate, burst float64 // a rate of zero is no limit
	now         func() time.Time

	mu      sync.Mutex
	buckets map[netip.Prefix]*list.Element
	order   *list.List // of *bucket, the one used last in front
}

type bucket struct {
	network netip.Prefix
	left    float64
	at      time.Time
	empty   bool // was found so, which is said once
}

// newRequestLimit returns the limit of a configuration.
func newRequestLimit(perSecond int, development bool, now func() time.Time) *requestLimit {
	if perSecond == 0 && !development {
		perSecond = requestsPerSecond
	}
	rate := float64(max(perSecond, 0))
	return &requestLimit{rate: rate, burst: rate * burstSeconds, now: now, buckets: map[netip.Prefix]*list.Element{}, order: list.New()}
}

// A share is what a network has left.
type share struct {
	limit, left int
	reset       time.Time     // when it has all again
	wait        time.Duration // until the next request; zero lets this one through
	first       bool          // to be refused since there was some left
}

// take counts a request of a network.
func (l *requestLimit) take(network netip.Prefix) share {
	now := l.now()
	if l.rate == 0 {
		return share{limit: noLimit, left: noLimit, reset: now.Add(time.Second)}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(network, now)
	if d := now.Sub(b.at); d > 0 {
		b.left = min(l.burst, b.left+d.Seconds()*l.rate)
		b.at = now
	}
	s := share{limit: int(l.burst)}
	if b.left < 1 {
		s.wait = time.Duration((1 - b.left) / l.rate * float64(time.Second))
		s.wait = max(s.wait, time.Millisecond)
		s.first, b.empty = !b.empty, true
	} else {
		b.left--
		b.empty = false
	}
	s.left = int(b.left)
	s.reset = now.Add(time.Duration((l.burst - b.left) / l.rate * float64(time.Second)))
	return s
}

// bucket returns the bucket of a network. When there are too many, the one that
// was not used for longest goes.
func (l *requestLimit) bucket(network netip.Prefix, now time.Time) *bucket {
	if e, ok := l.buckets[network]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*bucket) //nolint:forcetypeassert // the list holds nothing else
	}
	if l.order.Len() >= maxNetworks {
		last := l.order.Remove(l.order.Back()).(*bucket) //nolint:forcetypeassert // the list holds nothing else
		delete(l.buckets, last.network)
	}
	b := &bucket{network: network, left: l.burst, at: now}
	l.buckets[network] = l.order.PushFront(b)
	return b
}

// networkOf returns what one client can hardly leave: an IPv4 address, or the /64
// of an IPv6 address. All whose address is not known are one network.
func networkOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // an address that is none
	}
	return network
}

// limited lets through as many requests as a network may send, and says in the
// headers how many are left.
func (p *Provider) limited(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		client, _ := gate.ClientFromContext(r.Context())
		s := p.requests.take(networkOf(client.Address))
		h := w.Header()
		h.Set("X-RateLimit-Limit", strconv.Itoa(s.limit))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(s.left))
		h.Set("X-RateLimit-Reset", strconv.FormatInt(int64(math.Ceil(float64(s.reset.UnixMilli())/1000)), 10))
		if s.wait == 0 {
			next(w, r)
			return
		}
		if s.first {
			p.record(r, "api_limit", nil, nil, "Too many requests of one network", map[string]any{"path": r.URL.Path})
		}
		refused := refuse("too_many_requests", "Too many requests. Look at the headers X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset.")
		refused.retryAfter = s.wait
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			p.errorPage(w, r, &pageError{oauthError: refused, fault: login.FaultTooMany})
			return
		}
		p.fail(w, r, refused)
	}
}
