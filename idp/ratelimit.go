package idp

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/internal/bucket"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
)

const (
	requestsPerSecond = 100 // of one network, where Config.RequestLimit says nothing
	burstSeconds      = 5
	maxNetworks       = 16384
)

// newRequestLimit returns the limit of a configuration. It is there so that one
// program that runs wild does not take the place of all others; guesses are for the
// throttle.
func newRequestLimit(perSecond int, development bool, now func() time.Time) *bucket.Limit[netip.Prefix] {
	if perSecond == 0 && !development {
		perSecond = requestsPerSecond
	}
	rate := float64(max(perSecond, 0))
	return bucket.New[netip.Prefix](rate, rate*burstSeconds, maxNetworks, now)
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
		s := p.requests.Take(networkOf(client.Address))
		h := w.Header()
		h.Set("X-RateLimit-Limit", strconv.Itoa(s.Limit))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(s.Left))
		h.Set("X-RateLimit-Reset", strconv.FormatInt(int64(math.Ceil(float64(s.Reset.UnixMilli())/1000)), 10))
		if s.Wait == 0 {
			next(w, r)
			return
		}
		// As a share comes back all the time, each of them would be the first again.
		p.recordFew(r, &p.flooding, refusal{kind: "api_limit"}, tenant.Log{
			Type: "api_limit", Description: "Too many requests of one network", Details: map[string]any{"path": r.URL.Path},
		}, nil, nil)
		refused := refuse("too_many_requests", "Too many requests. Look at the headers X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset.")
		refused.retryAfter = s.Wait
		if p.refusedUnseen(w, r, refused) {
			return
		}
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			p.errorPage(w, r, &pageError{oauthError: refused, fault: login.FaultTooMany})
			return
		}
		p.fail(w, r, refused)
	}
}

// refusedUnseen sends the refusal of an authorization request that nobody sees back to
// the client. It asks the database for no more than whether the settings changed, once
// a second for all of them.
func (p *Provider) refusedUnseen(w http.ResponseWriter, r *http.Request, refused *oauthError) bool {
	if r.URL.Path != "/authorize" {
		return false
	}
	q, c := p.addressee(r)
	if q == nil {
		return false
	}
	setRetryAfter(w, refused.retryAfter)
	p.respondError(w, r, q, c, refuse("temporarily_unavailable", refused.description))
	return true
}
