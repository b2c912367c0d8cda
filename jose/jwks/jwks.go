// Package jwks keeps the keys of an issuer that lives elsewhere: it fetches a
// JSON Web Key Set (RFC 7517 §5), keeps it fresh in the background, and gives
// its keys to a [jose.Verifier].
//
// # What an attacker or a bad day cannot do
//
// Tokens with made-up key IDs cause one request to the issuer in a cool-down of
// 30 seconds, however many come, and no request waits that names a key which is
// known. A key that the issuer begins to use is found within one cool-down, one
// that it takes back is refused after the next refresh, at most 15 minutes
// later. While the issuer is down its last keys serve for a day; then nothing
// can be decided any more, which is [jose.ErrUnavailable] and not a refusal.
//
// An answer counts only when it has the status 200 and a usable key; nothing
// else replaces what is there. Redirects are not followed, the body is bounded,
// shared secrets are never taken from it.
package jwks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatewright/gate/internal/outbound"
	"github.com/gatewright/gate/jose"
)

// The times of a [Set].
const (
	// CoolDown is how long a set waits after a request before it asks for a key
	// that it does not know.
	CoolDown = 30 * time.Second
	// MaxStale is how old keys get while the issuer does not answer.
	MaxStale = 24 * time.Hour
	// MinRefresh and MaxRefresh bound how long an answer is fresh, whatever its
	// Cache-Control says.
	MinRefresh = time.Minute
	MaxRefresh = 15 * time.Minute

	defaultRefresh = 5 * time.Minute // without a Cache-Control
	firstRetry     = time.Second     // doubles until it is the cool-down
	locationLife   = time.Hour       // of what Locate said
)

// Config configures a [Set]. Either URL or Locate is required.
type Config struct {
	// URL is where the key set is: https, or http on a loopback address.
	URL string
	// Locate finds out where the key set is, by discovery for example. It is
	// asked anew after an hour and after a request that failed, and counts as a
	// part of the request: ctx ends when the set is closed.
	Locate func(ctx context.Context) (string, error)
	// Algorithms are those that keys may be for; nil means all that are
	// asymmetric, and then an RSA key has to say which one is its. Shared
	// secrets are refused.
	Algorithms []jose.Algorithm
	// Guarded has to be set when the URL did not come from the operator, but
	// from a client or a tenant: then only public addresses on port 443 are
	// connected to, whatever the name resolves to.
	Guarded bool
	// Proxy says which proxy requests take; nil means none, and the environment
	// is not asked. It does not go together with Guarded.
	Proxy func(*http.Request) (*url.URL, error)
	// Transport does the requests; nil means the set's own, which keeps no
	// connection open. It does not go together with Guarded.
	Transport http.RoundTripper
}

// A Set holds the keys of one issuer. It is safe for concurrent use; looking up
// a key that it knows takes no lock and never waits. The zero value knows no key
// and never will. The set asks nobody before it is asked itself; then it
// refreshes itself until it is closed.
type Set struct {
	cfg    Config
	client *outbound.Client

	current atomic.Pointer[snapshot] // nil without usable keys

	mu      sync.Mutex
	flight  *flight     // the request under way, nil when there is none
	next    time.Time   // when the next request is allowed
	timer   *time.Timer // does it, even if nobody asks
	expiry  *time.Timer // forgets keys that are too old
	failed  int         // requests since the last good answer
	lastErr error       // of the last request, nil when it was good
	fetched time.Time   // when the last good answer came
	closed  bool
	running sync.WaitGroup

	location string // used by the request under way alone
	located  time.Time
}

var _ jose.KeySource = (*Set)(nil)

// A flight is one request, for all who wait for it.
type flight struct {
	done   chan struct{}
	cancel context.CancelFunc
}

// errClosed is why a closed set has no answer.
var errClosed = errors.New("the key set is closed")

// New returns a set after checking cfg. It makes no request.
func New(cfg Config) (*Set, error) {
	client, err := outbound.New(outbound.Config{Guarded: cfg.Guarded, Proxy: cfg.Proxy, Transport: cfg.Transport})
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	if (cfg.URL == "") == (cfg.Locate == nil) {
		return nil, errors.New("key set: it needs a URL or a way to find one, not both")
	}
	if cfg.URL != "" {
		if _, err := client.ParseURL(cfg.URL); err != nil {
			return nil, fmt.Errorf("key set: %w", err)
		}
	}
	for _, alg := range cfg.Algorithms {
		if !asymmetric(alg) {
			return nil, fmt.Errorf("key set: algorithm %q is not for keys of others", alg)
		}
	}
	return &Set{cfg: cfg, client: client, location: cfg.URL}, nil
}

func asymmetric(alg jose.Algorithm) bool {
	switch canonical(alg) {
	case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA:
		return true
	default:
		return false
	}
}

// canonical returns the name that keys have for alg (RFC 9864 §2.2).
func canonical(alg jose.Algorithm) jose.Algorithm {
	if alg == "Ed25519" {
		return jose.EdDSA
	}
	return alg
}

// takes reports whether a key of alg could ever be in the set.
func (s *Set) takes(alg jose.Algorithm) bool {
	return asymmetric(alg) && (len(s.cfg.Algorithms) == 0 ||
		slices.ContainsFunc(s.cfg.Algorithms, func(a jose.Algorithm) bool { return canonical(a) == canonical(alg) }))
}

// Key implements [jose.KeySource]. A key that is not known is asked for at the
// issuer, unless that was done less than a cool-down ago, and the caller waits
// for the answer as long as ctx allows; the request goes on without it. When the
// issuer has answered that there is no such key the error is
// [jose.ErrUnknownKey], and [jose.ErrUnavailable] when it could not be asked.
func (s *Set) Key(ctx context.Context, kid string, alg jose.Algorithm) (*jose.Key, error) {
	if now := s.current.Load(); now != nil {
		if k := now.find(kid, alg); k != nil {
			return k, nil
		}
	}
	return s.miss(ctx, kid, alg)
}

func (s *Set) miss(ctx context.Context, kid string, alg jose.Algorithm) (*jose.Key, error) {
	if !s.takes(alg) { // whatever the issuer says
		return nil, jose.ErrAlgorithm
	}
	if err := s.await(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", jose.ErrUnavailable, err)
	}
	if k := s.current.Load().find(kid, alg); k != nil {
		return k, nil
	}
	return nil, jose.ErrUnknownKey
}

// Ready reports whether the set has keys, for a readiness probe or to have them
// before the first token comes. If it has none it waits for the request under
// way, or makes one, as [Set.Key] does; the error says what is wrong.
func (s *Set) Ready(ctx context.Context) error {
	if s.current.Load() != nil {
		return nil
	}
	if err := s.await(ctx); err != nil && s.current.Load() == nil {
		return fmt.Errorf("key set: %w", err)
	}
	return nil
}

// await waits until the issuer has been asked, if it may be. The error is nil
// when its last answer was good and still counts.
func (s *Set) await(ctx context.Context) error {
	s.mu.Lock()
	f := s.flight
	if f == nil && !time.Now().Before(s.next) {
		f = s.begin()
	}
	s.mu.Unlock()
	if f != nil {
		select {
		case <-f.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed, s.client == nil:
		return errClosed
	case s.current.Load() == nil && s.lastErr == nil:
		return errors.New("there are no keys")
	default:
		return s.lastErr
	}
}

// begin makes a request. It is called with the lock held and none under way.
func (s *Set) begin() *flight {
	if s.closed || s.client == nil {
		return nil
	}
	stop(s.timer)
	ctx, cancel := context.WithTimeout(context.Background(), outbound.Timeout)
	f := &flight{done: make(chan struct{}), cancel: cancel}
	s.flight = f
	began := time.Now()
	s.running.Go(func() {
		defer cancel()
		now, err := s.fetch(ctx)
		s.end(f, began, now, err)
	})
	return f
}

// end takes what a request brought, and decides when the next one is due.
func (s *Set) end(f *flight, began time.Time, now *answer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(f.done)
	s.flight = nil
	if s.closed {
		return
	}
	var due time.Time
	if s.lastErr = err; err != nil {
		s.failed++
		s.dropStale() // the machine may have slept
		due = time.Now().Add(s.backOff())
		s.next = due
	} else {
		s.failed, s.fetched = 0, began
		s.current.Store(now.keys)
		stop(s.expiry)
		s.expiry = time.AfterFunc(time.Until(began.Add(MaxStale)), s.expire)
		due = began.Add(now.life - spread(now.life/10)) // before it is over
		s.next = began.Add(CoolDown)
	}
	s.timer = time.AfterFunc(time.Until(due), s.refresh)
}

// backOff returns how long after a request that failed the next one is made: a
// cool-down while there are keys, sooner at first when there never were.
func (s *Set) backOff() time.Duration {
	if s.current.Load() != nil {
		return CoolDown
	}
	d := firstRetry << min(s.failed-1, 10)
	return min(d/2+spread(d), CoolDown)
}

// spread returns a time below d by chance, so that not everybody asks at once.
func spread(d time.Duration) time.Duration {
	return rand.N(d) //nolint:gosec // nothing secret is at stake
}

// dropStale forgets the keys when they are too old. The clock on the wall
// counts: the other one stands still while the machine sleeps.
func (s *Set) dropStale() {
	if age := time.Now().Round(0).Sub(s.fetched.Round(0)); age >= MaxStale {
		s.current.Store(nil)
	}
}

// expire forgets the keys because it is time.
func (s *Set) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropStale()
}

// refresh makes a request because it is time, unless somebody who asked at the
// same moment was faster.
func (s *Set) refresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight == nil && !time.Now().Before(s.next) {
		s.begin()
	}
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}

// Close ends the request under way and makes no further one. What the set knows
// it forgets: from then on every key is [jose.ErrUnavailable]. It returns when
// the last goroutine has, and always nil.
func (s *Set) Close() error {
	s.mu.Lock()
	s.closed = true
	s.current.Store(nil)
	stop(s.timer)
	stop(s.expiry)
	if s.flight != nil {
		s.flight.cancel()
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}
