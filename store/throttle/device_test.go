package throttle_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/throttle"
	"github.com/gatewright/gate/strategy/local"
)

// besiege closes the account to strangers, from 50 networks.
func besiege(t *testing.T, th *throttle.Throttle, account string) {
	t.Helper()
	where := func(i int) context.Context { return from(t, "198.51.100.%d", i%50) }
	if n, wait := failures(t, th, 200, always(account), where); n != 100 || wait < 23*time.Hour {
		t.Fatalf("%d guesses, then wait %v; want the account closed after 100", n, wait)
	}
}

func TestLOG04_device(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		th := newThrottle(t, throttle.Config{DB: db, Now: c.Now})
		home := from(t, "192.0.2.1")
		token, expires := th.IssueDevice("alice")
		if want := c.Now().Add(180 * 24 * time.Hour); !expires.Equal(want) {
			t.Errorf("expires %v, want %v", expires, want)
		}
		besiege(t, th, "alice")
		if attempt(t, th, home, "alice", gate.Succeeded) == 0 {
			t.Fatal("a browser without a token is let through")
		}
		known := throttle.ContextWithDevice(home, token)
		if wait := attempt(t, th, known, "alice", gate.Succeeded); wait > 0 {
			t.Errorf("the owner's browser waits %v", wait)
		}
		// His success there opens nothing to the strangers.
		if attempt(t, th, home, "alice", gate.Failed) == 0 {
			t.Error("the account is open again")
		}
		// The network that guesses is his own: still let in.
		siege := throttle.ContextWithDevice(from(t, "198.51.100.1"), token)
		if wait := attempt(t, th, siege, "alice", gate.Succeeded); wait > 0 {
			t.Errorf("the owner's browser behind the same address waits %v", wait)
		}
	})
}

// TestLOG04_budget: a stolen token buys ten guesses, then longer and longer
// waits, and a hundred in a row altogether.
func TestLOG04_budget(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		th := newThrottle(t, throttle.Config{DB: db, Now: c.Now})
		token, _ := th.IssueDevice("alice")
		known := throttle.ContextWithDevice(from(t, "192.0.2.1"), token)
		total := 0
		for _, minutes := range []int{15, 30, 60, 120, 240, 480, 720, 720, 720, 24 * 60} {
			want := time.Duration(minutes) * time.Minute
			n, wait := failures(t, th, 11, always("alice"), always(known))
			if total += n; n != 10 || wait != want {
				t.Errorf("after %d: wait %v, want %v", total, wait, want)
			}
			c.advance(wait)
		}
		// Another browser of the account is not concerned.
		other, _ := th.IssueDevice("alice")
		if wait := attempt(t, th, throttle.ContextWithDevice(t.Context(), other), "alice", gate.Failed); wait > 0 {
			t.Errorf("another browser waits %v", wait)
		}
	})
}

func TestLOG04_forged(t *testing.T) {
	c := newClock()
	th := newThrottle(t, throttle.Config{Now: c.Now})
	stranger := newThrottle(t, throttle.Config{Now: c.Now}) // another secret
	token, _ := th.IssueDevice("alice")
	foreign, _ := stranger.IssueDevice("alice")
	mallory, _ := th.IssueDevice("mallory")
	flipped := []byte(token)
	flipped[0] ^= 1
	later := []byte(token)
	later[24] ^= 1 // in the expiry
	besiege(t, th, "alice")
	for name, forged := range map[string]string{
		"none":            "",
		"of another key":  foreign,
		"of another":      mallory,
		"identifier":      string(flipped),
		"expiry":          string(later),
		"cut":             token[:len(token)-1],
		"longer":          token + "A",
		"padding":         token[:len(token)-1] + "=",
		"not base64":      strings.Repeat("!", len(token)),
		"last bit unused": token[:len(token)-1] + "_",
	} {
		if forged == token {
			t.Fatalf("%s: is the token itself", name)
		}
		ctx := throttle.ContextWithDevice(from(t, "192.0.2.1"), forged)
		if attempt(t, th, ctx, "alice", gate.Failed) == 0 {
			t.Errorf("%s: let through", name)
		}
	}
	c.advance(180*24*time.Hour - time.Millisecond)
	besiege(t, th, "alice")
	ctx := throttle.ContextWithDevice(from(t, "192.0.2.1"), token)
	if attempt(t, th, ctx, "alice", gate.Failed) > 0 {
		t.Error("refused before it ends")
	}
	c.advance(time.Millisecond)
	if attempt(t, th, ctx, "alice", gate.Failed) == 0 {
		t.Error("let through after it ended")
	}
	if strings.Contains(token, "alice") {
		t.Error("the account stands in the token")
	}
}

func TestLOG04_reset(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		th := newThrottle(t, throttle.Config{DB: db, Now: newClock().Now})
		home := from(t, "192.0.2.1")
		token, _ := th.IssueDevice("alice")
		known := throttle.ContextWithDevice(home, token)
		failures(t, th, 10, always("alice"), always(home))
		failures(t, th, 10, always("alice"), always(known))
		if attempt(t, th, home, "alice", gate.Failed) == 0 || attempt(t, th, known, "alice", gate.Failed) == 0 {
			t.Fatal("not closed")
		}
		besiege(t, th, "bob")
		if err := th.Reset(known, "alice"); err != nil {
			t.Fatal(err)
		}
		for name, ctx := range map[string]context.Context{"network": home, "device": known} {
			if wait := attempt(t, th, ctx, "alice", gate.Failed); wait > 0 {
				t.Errorf("%s: wait %v after a reset", name, wait)
			}
		}
		if attempt(t, th, home, "bob", gate.Failed) == 0 {
			t.Error("another account was reset too")
		}
		if err := th.Reset(home, "bob"); err != nil {
			t.Fatal(err)
		}
		if wait := attempt(t, th, home, "bob", gate.Failed); wait > 0 {
			t.Errorf("wait %v after a reset", wait)
		}
	})
}

func TestLOG04_cookie(t *testing.T) {
	th := newThrottle(t, throttle.Config{Now: newClock().Now})
	token, expires := th.IssueDevice("alice")
	w := httptest.NewRecorder()
	throttle.SetDeviceCookie(w, token, expires)
	want := "__Host-gate-device=" + token + "; Path=/; Expires=Fri, 28 Aug 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax"
	if diff := cmp.Diff([]string{want}, w.Header().Values("Set-Cookie")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if got := throttle.DeviceCookie(r); got != "" {
		t.Errorf("without a cookie: %q", got)
	}
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
	}
	if got := throttle.DeviceCookie(r); got != token {
		t.Errorf("DeviceCookie = %q, want %q", got, token)
	}
}

// users knows one account.
type users struct{}

func (users) ByLogin(_ context.Context, name string) (*gate.Account, error) {
	if name != "ann@example.com" {
		return nil, gate.ErrNotAuthenticated
	}
	return &gate.Account{Subject: "7", PasswordHash: "right"}, nil
}
func (users) ReplaceHash(context.Context, string, string, string) error { return nil }

// plain compares a password with itself.
type plain struct{}

func (plain) Verify(_ context.Context, encoded, password string) (ok, rehash bool, err error) {
	return encoded == password, false, nil
}
func (plain) Hash(_ context.Context, password string) (string, error) { return password, nil }
func (plain) Burn(context.Context, string) error                      { return nil }

// TestLOG04_strategy: the account has the name that strategies count by.
func TestLOG04_strategy(t *testing.T) {
	th := newThrottle(t, throttle.Config{})
	s := local.New(users{}, plain{}, local.Config{Throttle: th})
	var err error
	for i := range 101 {
		_, err = s.Verify(from(t, "198.51.%d.1", i), "ann@example.com", "wrong")
	}
	if !errors.Is(err, gate.ErrTooManyRequests) {
		t.Fatalf("after 100 failures: %v", err)
	}
	token, _ := th.IssueDevice(throttle.Account("7"))
	p, err := s.Verify(throttle.ContextWithDevice(from(t, "192.0.2.1"), token), "ann@example.com", "right")
	if err != nil || p.Subject != "7" {
		t.Errorf("with a device token: %v, %v", p, err)
	}
}
