package idp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// away is a client that answers with the statuses of a list, and with 200 after
// those.
func away(t *testing.T, s *idptest.Server, statuses ...int) chan int {
	t.Helper()
	heard := make(chan int, 20)
	client := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		if len(statuses) > 0 {
			status, statuses = statuses[0], statuses[1:]
		}
		if r.PostFormValue("logout_token") == "" {
			status = http.StatusTeapot
		}
		w.WriteHeader(status)
		heard <- status
	}))
	t.Cleanup(client.Close)
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.OIDCLogout = &tenant.OIDCLogout{BackchannelURLs: []string{client.URL}} })
	return heard
}

// killed ends the session of somebody as a process does that is killed before it
// tells anybody.
func killed(t *testing.T, s *idptest.Server) (sid string) {
	t.Helper()
	claims := claimsMap(t, enter(t, s, s.Browser(), "ada@example.com")["id_token"])
	sid, _ = claims["sid"].(string)
	sub, _ := claims["sub"].(string)
	if _, err := s.Tenant().RevokeSession(t.Context(), sub, sid); err != nil || sid == "" {
		t.Fatal(err)
	}
	return sid
}

// CLI-12: a log-out whose process was killed is told by the next one that runs,
// once, when the other one had its time.
func TestCLI12_toldLater(t *testing.T) {
	s, now := withClock(t)
	heard := away(t, s)
	s.AddUser("ada@example.com")
	sid := killed(t, s)
	if err := s.TellWaiting(t.Context()); err != nil || len(heard) != 0 {
		t.Errorf("told while somebody else is telling: %v", err)
	}
	now.turn(tenant.LogoutLease)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	ended := make(chan struct{})
	go func() {
		s.Run(ctx)
		close(ended)
	}()
	select {
	case <-heard:
	case <-ctx.Done():
		t.Fatal("nobody was told")
	}
	stop()
	<-ended
	if _, err := s.Tenant().Logout(t.Context(), sid); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("it is to be told once more: %v", err)
	}
}

// A client that is away is told again, later and later, and not for ever; one that
// does not take what it is sent is not.
func TestCLI12_tries(t *testing.T) {
	for name, tt := range map[string]struct {
		statuses []int
		times    int // that it is told
	}{
		"back at once":    {nil, 1},
		"back later":      {[]int{503, 500, 429}, 4},
		"never back":      {[]int{503, 503, 503, 503, 503, 503}, 5},
		"not interested":  {[]int{400}, 1},
		"gone for a time": {[]int{502, 404}, 2},
		"behind a log-in": {[]int{302, 303}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s, now := withClock(t)
			heard := away(t, s, tt.statuses...)
			s.AddUser("ada@example.com")
			sid := killed(t, s)
			s.TellLogout(t.Context(), sid) // as who ended it does
			for wait := tenant.LogoutLease; wait <= 16*tenant.LogoutLease; wait *= 2 {
				now.turn(wait - time.Second)
				before := len(heard)
				if err := s.TellWaiting(t.Context()); err != nil || len(heard) != before {
					t.Errorf("before %v: told %d times, %v", wait, len(heard), err)
				}
				now.turn(time.Second)
				if err := s.TellWaiting(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if len(heard) != tt.times {
				t.Errorf("told %d times, want %d", len(heard), tt.times)
			}
			if _, err := s.Tenant().Logout(t.Context(), sid); !errors.Is(err, tenant.ErrNotFound) {
				t.Errorf("it is kept: %v", err)
			}
		})
	}
}

// CLI-12: a provider that has ended begins nothing: a log-out that comes after that
// waits for the next process.
func TestCLI12_closed(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	heard := away(t, s)
	s.AddUser("ada@example.com")
	sid, _ := claimsMap(t, enter(t, s, s.HTTP, "ada@example.com")["id_token"])["sid"].(string)
	closed := func() {
		t.Helper()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	closed()
	if res, body := s.Do(s.HTTP, http.MethodGet, "/v2/logout", url.Values{"client_id": {idptest.SPA}}); res.StatusCode != http.StatusFound {
		t.Fatalf("%d %.300s", res.StatusCode, body)
	}
	closed() // and waits for whatever began in spite of that
	if _, err := s.Tenant().Logout(t.Context(), sid); err != nil || len(heard) != 0 {
		t.Errorf("told %d times, kept: %v", len(heard), err)
	}
}
