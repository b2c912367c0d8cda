package gate_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
)

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var got []string
		note := func(kind string) func(context.Context, *gate.Event) {
			return func(ctx context.Context, ev *gate.Event) {
				if ctx.Err() != nil {
					t.Error("the context ended with the request")
				}
				if ev.At != w.cfg.Now() || !ev.Client.Address.IsValid() && kind != "disconnect" {
					t.Errorf("%s: event %+v", kind, ev)
				}
				got = append(got, kind+" "+ev.Principal.Subject)
			}
		}
		w.OnLogin(note("login"))
		w.OnLogout(note("logout"))
		w.OnDisconnect(note("disconnect"))
		h := mounted(w)

		token := w.token(t) // from inside: no event
		_, _ = w.Remove(t.Context(), "", bearer(token))
		serve(h, http.MethodPost, "/authentication", loginBody(ada, "wrong"), "Content-Type", asJSON)
		serve(h, http.MethodDelete, "/authentication", "")
		synctest.Wait()
		if got != nil {
			t.Fatalf("events without cause: %v", got)
		}

		token = w.token(t)
		ctx, cancel := context.WithCancel(gate.ContextWithClient(t.Context(), gate.Client{Address: netip.IPv6Loopback()}))
		if _, err := w.Create(ctx, login(), gate.External()); err != nil {
			t.Fatal(err)
		}
		cancel() // the request is over before the listeners hear of it
		serve(h, http.MethodPost, "/authentication", loginBody(ada, adasPassword), "Content-Type", asJSON)
		serve(h, http.MethodPost, "/authentication", `{"strategy":"jwt","accessToken":"`+token+`"}`, "Content-Type", asJSON)
		serve(h, http.MethodDelete, "/authentication", "", "Authorization", "Bearer "+token)
		w.Disconnected(t.Context(), &gate.Principal{Subject: "9"})
		synctest.Wait()
		if diff := cmp.Diff([]string{"login 7", "login 7", "login 7", "logout 7", "disconnect 9"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestEvents_neverBlock has a listener that hangs and one that panics: logging
// in goes on.
func TestEvents_neverBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		release := make(chan struct{})
		delivered := 0
		w.OnLogin(func(context.Context, *gate.Event) { <-release })
		w.OnLogin(func(context.Context, *gate.Event) { panic("oops") })
		w.OnLogin(func(context.Context, *gate.Event) { delivered++ })
		const logins = 1100
		for range logins {
			if _, err := w.Create(t.Context(), login(), gate.External()); err != nil {
				t.Fatal(err)
			}
		}
		close(release)
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if delivered < 1024 || delivered >= logins {
			t.Errorf("%d of %d delivered", delivered, logins)
		}
		if !strings.Contains(w.log.String(), "event dropped") || !strings.Contains(w.log.String(), "event listener failed") {
			t.Error("neither the dropped events nor the panic are in the log")
		}
		if _, err := w.Create(t.Context(), login(), gate.External()); err != nil {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestClose_gaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		release := make(chan struct{})
		w.OnDisconnect(func(context.Context, *gate.Event) { <-release })
		w.Disconnected(t.Context(), nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Close(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(release)
	})
}

func TestOnLoginMust(t *testing.T) {
	for name, tt := range map[string]struct {
		f      func(context.Context, *gate.Event) error
		status int
	}{
		"agrees":  {func(context.Context, *gate.Event) error { return nil }, 201},
		"refuses": {func(context.Context, *gate.Event) error { return gate.ErrForbidden }, 403},
		"fails":   {func(context.Context, *gate.Event) error { return errors.New("audit log is full") }, 503},
		"panics":  {func(context.Context, *gate.Event) error { panic("oops") }, 503},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.OnLoginMust(tt.f)
			got := serve(mounted(w), http.MethodPost, "/authentication", loginBody(ada, adasPassword), "Content-Type", asJSON)
			if got.Code != tt.status {
				t.Errorf("status %d: %s", got.Code, got.Body)
			}
			if want := map[bool]int{true: 1}[tt.status == 201]; w.sessions.count() != want {
				t.Errorf("%d sessions, want %d", w.sessions.count(), want)
			}
		})
	}
}

// TestOnLoginMust_keepsTheSession refuses a log-in with a token: the session
// of the token is not the one to end.
func TestOnLoginMust_keepsTheSession(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	w.OnLoginMust(func(context.Context, *gate.Event) error { return gate.ErrForbidden })
	if _, err := w.Create(t.Context(), bearer(token), gate.External()); !errors.Is(err, gate.ErrForbidden) {
		t.Errorf("got %v", err)
	}
	if _, err := w.VerifyAccessToken(t.Context(), token); err != nil {
		t.Errorf("the session ended: %v", err)
	}
}

func TestOnLogoutMust(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	w.OnLogoutMust(func(context.Context, *gate.Event) error { return errors.New("audit log is full") })
	if _, err := w.Remove(t.Context(), "", bearer(token), gate.External()); !errors.Is(err, gate.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if w.sessions.count() != 0 {
		t.Error("the session did not end")
	}
}
