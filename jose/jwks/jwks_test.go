package jwks_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwks"
)

// spaced checks that the issuer was left alone for gap after each request.
func spaced(t *testing.T, asked []time.Time, gap time.Duration) {
	t.Helper()
	for i := 1; i < len(asked); i++ {
		if d := asked[i].Sub(asked[i-1]); d < gap {
			t.Errorf("request %d came %v after the one before, want %v", i, d, gap)
		}
	}
}

// Ten thousand unknown key IDs in a hundred seconds, at an issuer that takes two
// seconds to answer and begins to use another key in the middle.
func TestJKS01_flood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := keySet(t, "old")
		i := newIssuer(t, keys)
		i.does(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(2 * time.Second)
			_, _ = w.Write(keys.JWKS())
		})
		s := i.set(t)
		load(t, s)
		began := time.Now()
		var found atomic.Int64 // when the new key was, after began
		var callers sync.WaitGroup
		for n := range 10_000 {
			if n == 5000 {
				if err := keys.Add(generate(t, "new")); err != nil {
					t.Fatal(err)
				}
			}
			callers.Go(func() {
				if k, err := s.Key(t.Context(), rand.Text(), jose.EdDSA); k != nil || !errors.Is(err, jose.ErrUnknownKey) {
					t.Errorf("a key nobody has: %v, %v", k, err)
				}
			})
			if n > 5000 {
				callers.Go(func() {
					if k, err := s.Key(t.Context(), "new", jose.EdDSA); err == nil && k.ID() == "new" {
						found.CompareAndSwap(0, int64(time.Since(began)))
					}
				})
			}
			has(t, s, "old")
			time.Sleep(10 * time.Millisecond)
		}
		callers.Wait()
		spaced(t, i.requests(), jwks.CoolDown)
		if n := len(i.requests()); n > 5 {
			t.Errorf("%d requests in %v", n, time.Since(began))
		}
		if after := time.Duration(found.Load()) - 50*time.Second; after <= 0 || after > jwks.CoolDown+2*time.Second {
			t.Errorf("the new key was accepted %v after it was published", after)
		}
	})
}

func TestJKS01_stampede(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := keySet(t, "k")
		i := newIssuer(t, keys)
		i.does(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			_, _ = w.Write(keys.JWKS())
		})
		s := i.set(t)
		var callers sync.WaitGroup
		for range 1000 {
			callers.Go(func() {
				if k, err := s.Key(t.Context(), "k", jose.EdDSA); err != nil || k.ID() != "k" {
					t.Errorf("%v, %v", k, err)
				}
			})
		}
		callers.Wait()
		if n := len(i.requests()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestJKS01_callersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := keySet(t, "k")
		i := newIssuer(t, keys)
		i.does(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(3 * time.Second)
			_, _ = w.Write(keys.JWKS())
		})
		s := i.set(t)
		ctx, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		for range 999 {
			callers.Go(func() {
				began := time.Now()
				_, err := s.Key(ctx, "k", jose.EdDSA)
				if !errors.Is(err, jose.ErrUnavailable) || !errors.Is(err, context.Canceled) {
					t.Errorf("a caller who left: %v", err)
				}
				if waited := time.Since(began); waited != time.Second {
					t.Errorf("a caller who left after a second waited %v", waited)
				}
			})
		}
		synctest.Wait() // the first of them has made the request
		callers.Go(func() {
			if k, err := s.Key(t.Context(), "k", jose.EdDSA); err != nil || k.ID() != "k" {
				t.Errorf("the one who stayed: %v, %v", k, err)
			}
		})
		time.Sleep(time.Second)
		cancel()
		callers.Wait()
		if n := len(i.requests()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// The issuer is down when the service starts.
func TestJKS01_recovers(t *testing.T) {
	for _, quiet := range []bool{true, false} {
		t.Run(fmt.Sprintf("quiet=%t", quiet), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newIssuer(t, nil)
				i.goesDown()
				began := time.Now()
				s := i.set(t)
				if n := len(i.requests()); n != 0 || time.Since(began) != 0 {
					t.Errorf("New made %d requests and took %v", n, time.Since(began))
				}
				lacks(t, s, "k", jose.ErrUnavailable)
				for range 300 {
					if !quiet {
						lacks(t, s, "k", jose.ErrUnavailable)
					}
					time.Sleep(time.Second)
				}
				asked := i.requests()
				for n := 1; n < len(asked); n++ {
					if gap := asked[n].Sub(asked[n-1]); gap > jwks.CoolDown || n > 6 && gap != jwks.CoolDown {
						t.Errorf("%v between attempts %d and %d", gap, n, n+1)
					}
				}
				if n := len(asked); n < 10 || n > 17 {
					t.Errorf("%d attempts in five minutes", n)
				}
				i.publish(keySet(t, "k"))
				time.Sleep(jwks.CoolDown)
				synctest.Wait()
				has(t, s, "k")
			})
		})
	}
}

// While the issuer is down and keys are known it is asked once a cool-down.
func TestJKS01_downWithKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t, keySet(t, "k"))
		s := i.set(t)
		load(t, s)
		i.goesDown()
		for range 600 {
			time.Sleep(time.Second)
			_, err := s.Key(t.Context(), rand.Text(), jose.EdDSA)
			if !errors.Is(err, jose.ErrUnavailable) && !errors.Is(err, jose.ErrUnknownKey) {
				t.Fatal(err)
			}
			has(t, s, "k")
		}
		spaced(t, i.requests(), jwks.CoolDown)
		lacks(t, s, "other", jose.ErrUnavailable)
	})
}

func TestJKS06_stale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := keySet(t, "k")
		i := newIssuer(t, keys)
		s := i.set(t)
		v := verifier(t, s)
		good := token(t, keys, 48*time.Hour)
		loaded := time.Now()
		accepted(t, v, good)
		i.goesDown()
		time.Sleep(jwks.MaxStale - time.Second - time.Since(loaded))
		has(t, s, "k")
		accepted(t, v, good)
		lacks(t, s, "other", jose.ErrUnavailable)
		time.Sleep(time.Second)
		synctest.Wait()
		lacks(t, s, "k", jose.ErrUnavailable)
		if c, err := v.Verify(t.Context(), good); c != nil || !errors.Is(err, jose.ErrUnavailable) {
			t.Errorf("a remembered token after a day: %v, %v", c, err)
		}
		i.publish(keys)
		time.Sleep(jwks.CoolDown)
		synctest.Wait()
		has(t, s, "k")
		accepted(t, v, good)
	})
}

// A machine that sleeps does not see time pass; the clock on the wall does.
func TestJKS06_staleIsADayOnTheWall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t, keySet(t, "k"))
		s := i.set(t)
		load(t, s)
		s.Age(jwks.MaxStale)
		i.goesDown()
		time.Sleep(jwks.MaxRefresh)
		synctest.Wait()
		lacks(t, s, "k", jose.ErrUnavailable)
	})
}

func TestJKS06_badAnswersReplaceNothing(t *testing.T) {
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"HTML":            {200, "<!doctype html><title>Sorry</title>"},
		"not found":       {404, string(keySet(t, "other").JWKS())},
		"created":         {201, string(keySet(t, "other").JWKS())},
		"partial":         {206, string(keySet(t, "other").JWKS())},
		"server error":    {500, string(keySet(t, "other").JWKS())},
		"no content":      {204, ""},
		"empty":           {200, ""},
		"empty set":       {200, `{"keys":[]}`},
		"no set":          {200, `{}`},
		"null":            {200, `{"keys":null}`},
		"cut off":         {200, string(keySet(t, "other").JWKS()[:60])},
		"two documents":   {200, string(keySet(t, "other").JWKS()) + `{}`},
		"duplicate keys":  {200, `{"keys":[],` + string(keySet(t, "other").JWKS()[1:])},
		"a secret alone":  {200, `{"keys":[{"kty":"oct","alg":"HS256","kid":"other","k":"bm90IGEgcHVibGljIGtleSBhdCBhbGwsIGlzIGl0PyE"}]}`},
		"for encryption":  {200, `{"keys":[{"kty":"OKP","crv":"Ed25519","use":"enc","kid":"other","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`},
		"million of keys": {200, `{"keys":[{}` + manyKeys(1_000_000) + `]}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newIssuer(t, keySet(t, "k"))
				s := i.set(t)
				load(t, s)
				i.says(answer.status, answer.body)
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				has(t, s, "k")
				lacks(t, s, "other", jose.ErrUnavailable)

				fresh := i.set(t)
				lacks(t, fresh, "other", jose.ErrUnavailable)
			})
		})
	}
}

func manyKeys(n int) string {
	b := make([]byte, 0, 3*n)
	for range n {
		b = append(b, ",{}"...)
	}
	return string(b)
}

func TestJKS06_removedKey(t *testing.T) {
	for name, tt := range map[string]struct {
		header   http.Header
		min, max time.Duration // until the next refresh
	}{
		"says nothing":   {nil, 4 * time.Minute, 5 * time.Minute},
		"two minutes":    {http.Header{"Cache-Control": {"public, MAX-AGE=120"}}, 108 * time.Second, 2 * time.Minute},
		"quoted":         {http.Header{"Cache-Control": {`max-age="120"`}}, 108 * time.Second, 2 * time.Minute},
		"second line":    {http.Header{"Cache-Control": {"public", "max-age=120"}}, 108 * time.Second, 2 * time.Minute},
		"has an age":     {http.Header{"Cache-Control": {"max-age=300"}, "Age": {"120"}}, 162 * time.Second, 3 * time.Minute},
		"is old":         {http.Header{"Cache-Control": {"max-age=300"}, "Age": {"900"}}, 54 * time.Second, time.Minute},
		"a second":       {http.Header{"Cache-Control": {"max-age=1"}}, 54 * time.Second, time.Minute},
		"not at all":     {http.Header{"Cache-Control": {"max-age=900, no-store"}}, 54 * time.Second, time.Minute},
		"a year":         {http.Header{"Cache-Control": {"max-age=31536000, immutable"}}, 13 * time.Minute, 15 * time.Minute},
		"too big":        {http.Header{"Cache-Control": {"max-age=99999999999999999999"}}, 54 * time.Second, time.Minute},
		"negative":       {http.Header{"Cache-Control": {"max-age=-5"}}, 54 * time.Second, time.Minute},
		"another's word": {http.Header{"Cache-Control": {"s-maxage=1"}}, 4 * time.Minute, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				keys := keySet(t, "gone", "kept")
				i := newIssuer(t, keys)
				i.does(func(w http.ResponseWriter, _ *http.Request) {
					maps.Copy(w.Header(), tt.header)
					_, _ = w.Write(keys.JWKS())
				})
				s := i.set(t)
				v := verifier(t, s)
				good := token(t, keys, time.Hour)
				accepted(t, v, good)
				loaded := time.Now()
				keys.Remove("gone")
				time.Sleep(tt.min - time.Second)
				accepted(t, v, good)
				if n := len(i.requests()); n != 1 {
					t.Errorf("%d requests before it was time", n)
				}
				time.Sleep(tt.max - time.Since(loaded))
				synctest.Wait()
				if c, err := v.Verify(t.Context(), good); c != nil || !errors.Is(err, jose.ErrUnknownKey) {
					t.Errorf("a token of a key that is gone: %v, %v", c, err)
				}
				has(t, s, "kept")
			})
		})
	}
}

// A rotation as an issuer should do it: the next key is published two lives of an
// answer before it signs, the old one leaves when its last token has expired.
func TestJKS08_rotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := keySet(t, "old")
		i := newIssuer(t, keys)
		s := i.set(t)
		v := verifier(t, s)
		life := 5 * time.Minute
		last := token(t, keys, life)
		for second := 0; second < 3600; second += 5 {
			switch second {
			case 600:
				if err := keys.Add(generate(t, "new")); err != nil {
					t.Fatal(err)
				}
			case 600 + 2*300:
				if err := keys.Use("new"); err != nil {
					t.Fatal(err)
				}
			case 600 + 2*300 + 300 + 60:
				keys.Remove("old")
			}
			began := time.Now()
			accepted(t, v, last)
			last = token(t, keys, life)
			accepted(t, v, last)
			if waited := time.Since(began); waited != 0 {
				t.Errorf("second %d: a token waited %v", second, waited)
			}
			time.Sleep(5 * time.Second)
		}
		lacks(t, s, "old", jose.ErrUnknownKey)
	})
}

func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t, nil)
		i.goesDown()
		s := i.set(t)
		if s.Ready(t.Context()) == nil {
			t.Error("ready without keys")
		}
		keys := keySet(t, "k")
		i.does(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(time.Second)
			_, _ = w.Write(keys.JWKS())
		})
		time.Sleep(jwks.CoolDown)
		load(t, s)
		i.goesDown()
		time.Sleep(time.Hour)
		load(t, s)
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIssuer(t, nil)
		i.does(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		s := i.set(t)
		var callers sync.WaitGroup
		callers.Go(func() { lacks(t, s, "k", jose.ErrUnavailable) })
		synctest.Wait()
		began := time.Now()
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		callers.Wait()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("Close waited %v for the issuer", waited)
		}
		lacks(t, s, "k", jose.ErrUnavailable)
		time.Sleep(time.Hour)
		if n := len(i.requests()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
	var zero jwks.Set
	lacks(t, &zero, "k", jose.ErrUnavailable)
	if err := zero.Close(); err != nil || zero.Ready(t.Context()) == nil {
		t.Errorf("zero value: %v", err)
	}
}
