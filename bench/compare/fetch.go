package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	auth0 "github.com/auth0/go-jwt-middleware/v3/jwks"
	golang "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwx "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwks"
)

// An issuer publishes keys and counts who asks.
type keyIssuer struct {
	server *httptest.Server
	asked  atomic.Int64
	delay  atomic.Int64 // before an answer
	page   atomic.Pointer[[]byte]
}

func newIssuer() *keyIssuer {
	i := new(keyIssuer)
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.asked.Add(1)
		time.Sleep(time.Duration(i.delay.Load()))
		page := i.page.Load()
		if page == nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(*page)
	}))
	return i
}

func (i *keyIssuer) url() string { return i.server.URL + "/keys" }

func (i *keyIssuer) publish(keys ...*jose.Key) error {
	set, err := jose.NewKeySet(keys...)
	if err != nil {
		return err
	}
	page := set.JWKS()
	i.page.Store(&page)
	return nil
}

// A fetcher is a library that gets its keys from an issuer, used as its
// documentation shows. ctx is for its life.
type fetcher struct {
	column int
	make   func(ctx context.Context, url string) (verifier, error)
}

func fetchers() []fetcher {
	return []fetcher{{1, fetchOurs}, {4, fetchJWX}, {5, fetchKeyfunc}, {6, fetchMiddleware}}
}

func fetchOurs(ctx context.Context, url string) (verifier, error) {
	s, err := jwks.New(jwks.Config{URL: url})
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	return oursWith(s, 0)
}

func fetchKeyfunc(ctx context.Context, url string) (verifier, error) {
	k, err := keyfunc.NewDefaultCtx(ctx, []string{url})
	if err != nil {
		return nil, err
	}
	p := golangParser(jose.EdDSA)
	return func(ctx context.Context, token string) error {
		_, err := p.ParseWithClaims(token, golang.MapClaims{}, k.KeyfuncCtx(ctx))
		return err
	}, nil
}

func fetchJWX(ctx context.Context, url string) (verifier, error) {
	cache, err := jwk.NewCache(ctx, httprc.NewClient())
	if err != nil {
		return nil, err
	}
	ready, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := cache.Register(ready, url); err != nil {
		return nil, err
	}
	return func(ctx context.Context, token string) error {
		set, err := cache.Lookup(ctx, url)
		if err != nil {
			return err
		}
		return jwxWith(jwx.WithKeySet(set))(ctx, token)
	}, nil
}

func fetchMiddleware(_ context.Context, url string) (verifier, error) {
	// Its time to live is 15 minutes, as is ours at most: shorter here, so that it
	// has to fetch while somebody looks.
	provider, err := newProvider(url, auth0.WithCacheTTL(5*time.Second))
	if err != nil {
		return nil, err
	}
	return middlewareWith(jose.EdDSA, provider.KeyFunc)
}

// patience is how long somebody waits for one answer.
const patience = 100 * time.Millisecond

// try verifies a token with patience.
func try(verify verifier, token string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return verify(ctx, token)
}

// until returns how long it takes until a token is accepted.
func until(verify verifier, token string, limit time.Duration) string {
	began := time.Now()
	for time.Since(began) < limit {
		if try(verify, token) == nil {
			return fmt.Sprintf("after %.0f s", time.Since(began).Seconds())
		}
		time.Sleep(200 * time.Millisecond)
	}
	return fmt.Sprintf("not in %.0f s", limit.Seconds())
}

// A trial is what one fetcher is put through, and what it was like.
type trial struct {
	fetcher
	old, next *material
	unknown   []string // tokens of keys that nobody has

	flood, rotation, stampede, stale, recovery string
	err                                        error
}

// fetching puts all fetchers through the same, at the same time.
func fetching(t *table) error {
	const tokens = 10_000
	unknown := make([]string, tokens)
	for i := range unknown {
		m, err := newMaterial(jose.EdDSA, fmt.Sprint("made-up-", i))
		if err != nil {
			return err
		}
		if unknown[i], err = m.token(); err != nil {
			return err
		}
	}
	var trials []*trial
	var running sync.WaitGroup
	for _, f := range fetchers() {
		x := &trial{fetcher: f, unknown: unknown}
		var err error
		if x.old, err = newMaterial(jose.EdDSA, "old"); err != nil {
			return err
		}
		if x.next, err = newMaterial(jose.EdDSA, "next"); err != nil {
			return err
		}
		trials = append(trials, x)
		running.Go(x.run)
	}
	running.Wait()
	names := []string{
		"10,000 unknown keys: requests", "  key rotated in the middle", "1,000 first callers: requests", "issuer down: known key", "  down at start, up later",
	}
	rows := make([][]string, len(names))
	for i := range rows {
		rows[i] = []string{"", "–", "–", "", "", ""}
	}
	for _, x := range trials {
		if x.err != nil {
			return x.err
		}
		for i, cell := range []string{x.flood, x.rotation, x.stampede, x.stale, x.recovery} {
			rows[i][x.column-1] = cell
		}
	}
	for i, name := range names {
		t.add(name, rows[i]...)
	}
	return nil
}

func (x *trial) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if x.err = x.runStampede(ctx); x.err != nil {
		return
	}
	parts := []func(context.Context) error{x.runFlood, x.runDown, x.runRecovery}
	errs := make([]error, len(parts))
	var running sync.WaitGroup
	for i, part := range parts {
		running.Go(func() { errs[i] = part(ctx) })
	}
	running.Wait()
	x.err = errors.Join(errs...)
}

func (x *trial) runStampede(ctx context.Context) error {
	i := newIssuer()
	defer i.server.Close()
	if err := i.publish(x.old.key); err != nil {
		return err
	}
	i.delay.Store(int64(200 * time.Millisecond))
	token, err := x.old.token()
	if err != nil {
		return err
	}
	verify, err := x.make(ctx, i.url())
	if err != nil {
		return err
	}
	var failed atomic.Int64
	var callers sync.WaitGroup
	for range 1000 {
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			if verify(ctx, token) != nil {
				failed.Add(1)
			}
		})
	}
	callers.Wait()
	x.stampede = fmt.Sprintf("%d, %d refused", i.asked.Load(), failed.Load())
	return nil
}

func (x *trial) runDown(ctx context.Context) error {
	i := newIssuer()
	defer i.server.Close()
	if err := i.publish(x.old.key); err != nil {
		return err
	}
	verify, err := x.make(ctx, i.url())
	if err != nil {
		return err
	}
	token, err := x.old.token()
	if err != nil {
		return err
	}
	until(verify, token, time.Second)
	i.page.Store(nil)
	_ = try(verify, x.unknown[0])
	time.Sleep(6 * time.Second) // let the time to live pass
	if token, err = x.old.token(); err != nil {
		return err
	}
	x.stale = "served"
	for range 5 {
		if try(verify, token) != nil {
			x.stale = "refused"
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

func (x *trial) runRecovery(ctx context.Context) error {
	i := newIssuer()
	defer i.server.Close()
	token, err := x.old.token()
	if err != nil {
		return err
	}
	verify, err := x.make(ctx, i.url())
	if err != nil {
		x.recovery = "does not start"
		return nil
	}
	_ = try(verify, token)
	time.Sleep(time.Second)
	if err := i.publish(x.old.key); err != nil {
		return err
	}
	x.recovery = until(verify, token, 5*time.Second)
	return nil
}

func (x *trial) runFlood(ctx context.Context) error {
	i := newIssuer()
	defer i.server.Close()
	if err := i.publish(x.old.key); err != nil {
		return err
	}
	verify, err := x.make(ctx, i.url())
	if err != nil {
		return err
	}
	token, err := x.old.token()
	if err != nil {
		return err
	}
	until(verify, token, time.Second)
	began := time.Now()
	const attackers = 1000
	flood := func(tokens []string) {
		next := make(chan string)
		var workers sync.WaitGroup
		for range attackers {
			workers.Go(func() {
				for token := range next {
					_ = try(verify, token)
				}
			})
		}
		for _, token := range tokens {
			next <- token
		}
		close(next)
		workers.Wait()
	}
	flood(x.unknown[:len(x.unknown)/2])
	if err := i.publish(x.old.key, x.next.key); err != nil {
		return err
	}
	flood(x.unknown[len(x.unknown)/2:])
	if token, err = x.next.token(); err != nil {
		return err
	}
	x.rotation = until(verify, token, 31*time.Second)
	x.flood = fmt.Sprintf("%d in %.0f s", i.asked.Load(), time.Since(began).Seconds())
	return nil
}
