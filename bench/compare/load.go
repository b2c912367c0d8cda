package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	auth0 "github.com/auth0/go-jwt-middleware/v3/jwks"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/oidc"
	"github.com/gatewright/gate/strategy/jwt"
)

// scaling says how much faster all cores are than one.
func scaling(t *table) error {
	for _, tokens := range []int{256, 1} {
		m, err := newMaterial(jose.ES256, "k")
		if err != nil {
			return err
		}
		list, err := m.tokens(tokens)
		if err != nil {
			return err
		}
		verifiers, err := all(m, tokens)
		if err != nil {
			return err
		}
		var row []string
		for _, verify := range verifiers {
			one, many := 0.0, 0.0
			for range 3 {
				one = max(one, throughput(1, verify, list))
				many = max(many, throughput(runtime.NumCPU(), verify, list))
			}
			row = append(row, fmt.Sprintf("×%.2f", many/one))
		}
		t.add(fmt.Sprintf("1 core → %d, ES256 %s", runtime.NumCPU(), map[bool]string{true: "repeated", false: "new"}[tokens == 1]), row...)
	}
	return nil
}

func throughput(cores int, verify verifier, list []string) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	const length = 40 * time.Millisecond
	var done atomic.Int64
	var workers sync.WaitGroup
	for range cores {
		workers.Go(func() {
			n := 0
			for began := time.Now(); time.Since(began) < length; n++ {
				_ = verify(context.Background(), list[n%len(list)])
			}
			done.Add(int64(n))
		})
	}
	workers.Wait()
	return float64(done.Load())
}

// guarding measures a GET over HTTP: the handler bare, behind our guard, and
// behind the middleware of Auth0, all with the keys of one issuer.
func guarding(t *table) error {
	for _, alg := range []jose.Algorithm{jose.RS256, jose.ES256} {
		rates, err := guarded(alg)
		if err != nil {
			return fmt.Errorf("guarded GET: %w", err)
		}
		t.add(fmt.Sprintf("guarded GET %s, requests/s", alg),
			fmt.Sprintf("%.0f", rates[1]), "", "", "", "", fmt.Sprintf("%.2f", rates[2]/rates[1]))
		t.add("  of the bare handler", fmt.Sprintf("%.2f", rates[1]/rates[0]), "", "", "", "", fmt.Sprintf("%.2f", rates[2]/rates[0]))
	}
	return nil
}

// guarded returns requests a second: bare, ours, Auth0's.
func guarded(alg jose.Algorithm) ([]float64, error) {
	m, err := newMaterial(alg, "k")
	if err != nil {
		return nil, err
	}
	keys := newIssuer()
	defer keys.server.Close()
	if err := keys.publish(m.key); err != nil {
		return nil, err
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":7,"name":"Soup","price":"4.50"}`)
	})
	ours, stop, err := ourGuard(alg, keys.url(), handler)
	if err != nil {
		return nil, err
	}
	defer stop()
	theirs, err := theirGuard(alg, keys.url(), handler)
	if err != nil {
		return nil, err
	}
	token, err := m.token()
	if err != nil {
		return nil, err
	}
	handlers := []http.Handler{handler, ours, theirs}
	rates := make([][]float64, len(handlers))
	for range 5 {
		for i, h := range handlers {
			rate, err := load(h, token)
			if err != nil {
				return nil, err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	best := make([]float64, len(rates))
	for i, list := range rates {
		best[i] = slices.Max(list)
	}
	return best, nil
}

func ourGuard(alg jose.Algorithm, keysURL string, h http.Handler) (guarded http.Handler, stop func(), err error) {
	issuers, err := oidc.New(oidc.Config{Issuers: []oidc.Issuer{{
		Issuer: issuer, Audiences: []string{audience}, Algorithms: []jose.Algorithm{alg}, JWKSURL: keysURL,
	}}})
	if err != nil {
		return nil, nil, err
	}
	svc, err := gate.New(gate.Config{})
	if err != nil {
		return nil, nil, err
	}
	if err := svc.Register("jwt", jwt.New(issuers, nil, jwt.Config{Stateless: true, RolesClaim: "roles"})); err != nil {
		return nil, nil, err
	}
	return svc.Guard("jwt").Protect(h), func() { _ = issuers.Close() }, nil
}

func theirGuard(alg jose.Algorithm, keysURL string, h http.Handler) (http.Handler, error) {
	provider, err := newProvider(keysURL)
	if err != nil {
		return nil, err
	}
	v, err := newValidator(alg, provider.KeyFunc)
	if err != nil {
		return nil, err
	}
	m, err := jwtmiddleware.New(jwtmiddleware.WithValidator(v))
	if err != nil {
		return nil, err
	}
	return m.CheckJWT(h), nil
}

func newProvider(keysURL string, more ...any) (*auth0.CachingProvider, error) {
	at, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	keys, err := url.Parse(keysURL)
	if err != nil {
		return nil, err
	}
	return auth0.NewCachingProvider(append([]any{auth0.WithIssuerURL(at), auth0.WithCustomJWKSURI(keys)}, more...)...)
}

// load returns how many requests a second a handler answers over loopback.
func load(h http.Handler, token string) (float64, error) {
	const connections, length = 4, 250 * time.Millisecond
	server := httptest.NewServer(h)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var done atomic.Int64
	var failure atomic.Pointer[error]
	var workers sync.WaitGroup
	began := time.Now()
	for range connections {
		workers.Go(func() {
			for time.Since(began) < length {
				if err := get(client, server.URL, token); err != nil {
					failure.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	workers.Wait()
	if err := failure.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(began).Seconds(), nil
}

func get(client *http.Client, target, token string) error {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}
