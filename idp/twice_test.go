package idp_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// atOnce sends a request to each of the processes many times, all at the same
// moment, and returns the answers.
func atOnce(servers []*idptest.Server, times int, ask func(s *idptest.Server) (*http.Response, map[string]any)) (statuses map[int]int, good []map[string]any) {
	statuses = map[int]int{}
	start := make(chan struct{})
	var mu sync.Mutex
	var all sync.WaitGroup
	for range times {
		for _, s := range servers {
			all.Go(func() {
				<-start
				res, body := ask(s)
				mu.Lock()
				defer mu.Unlock()
				statuses[res.StatusCode]++
				if res.StatusCode == http.StatusOK {
					good = append(good, body)
				}
			})
		}
	}
	close(start)
	all.Wait()
	return statuses, good
}

// over reports whether nothing of some tokens is good at any of the processes.
func over(t *testing.T, servers []*idptest.Server, tokens map[string]any) {
	t.Helper()
	for i, s := range servers {
		if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden || body["error"] != "invalid_grant" {
			t.Errorf("process %d takes the refresh token: %d %v", i, res.StatusCode, body)
		}
		if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string)); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("process %d takes the access token: %d", i, res.StatusCode)
		}
	}
}

// Two processes on one database, attacked at both at the same moment.
func TestReplicas_attacked(t *testing.T) {
	a, b := replicas(t)
	both := []*idptest.Server{a, b}
	a.AddUser("ada@example.com")

	t.Run("IDP03_code", func(t *testing.T) {
		for _, audience := range []string{idptest.Audience, "", idptest.Audience, ""} {
			res, body := a.Login(a.Browser(), authorization("audience", audience), "ada@example.com", idptest.Password)
			code := answerOf(t, res, body).Get("code")
			statuses, good := atOnce(both, 5, func(s *idptest.Server) (*http.Response, map[string]any) { return exchange(s, code) })
			if len(good) > 1 || statuses[http.StatusOK]+statuses[http.StatusForbidden] != 10 {
				t.Fatalf("a code sent ten times: %v", statuses)
			}
			for _, tokens := range good { // which came to somebody before it was known for stolen
				over(t, both, tokens)
			}
		}
	})

	t.Run("SES06_withoutLeeway", func(t *testing.T) {
		setClient(t, a, idptest.SPA, func(c *tenant.Client) {
			c.Refresh = &tenant.RefreshPolicy{Rotation: "rotating", Expiration: "expiring"}
		})
		eventually(t, func() bool { // the other has seen it
			c, err := b.Tenant().Clients.Get(t.Context(), idptest.SPA)
			return err == nil && c.Refresh != nil
		})
		for range 4 {
			tokens := enter(t, a, a.Browser(), "ada@example.com")
			statuses, good := atOnce(both, 2, func(s *idptest.Server) (*http.Response, map[string]any) { return refresh(s, tokens["refresh_token"]) })
			if len(good) > 1 || statuses[http.StatusOK]+statuses[http.StatusForbidden] != 4 {
				t.Fatalf("a refresh token sent four times: %v", statuses)
			}
			over(t, both, map[string]any{"refresh_token": tokens["refresh_token"], "access_token": "x"})
			for _, next := range good {
				if res, body := refresh(a, next["refresh_token"]); res.StatusCode != http.StatusForbidden {
					t.Errorf("the thief goes on: %d %v", res.StatusCode, body)
				}
			}
		}
		setClient(t, a, idptest.SPA, func(c *tenant.Client) { c.Refresh = nil })
	})

	t.Run("SES06_oldToken", func(t *testing.T) {
		tokens := enter(t, a, a.Browser(), "ada@example.com")
		first := tokens["refresh_token"]
		_, tokens = refresh(a, first)
		_, tokens = refresh(b, tokens["refresh_token"])
		// Two before the current one, while its owner refreshes at the other process.
		var both sync.WaitGroup
		both.Go(func() { refresh(b, tokens["refresh_token"]) })
		both.Go(func() {
			if res, body := refresh(a, first); res.StatusCode != http.StatusForbidden {
				t.Errorf("an old token: %d %v", res.StatusCode, body)
			}
		})
		both.Wait()
		for _, s := range []*idptest.Server{a, b} {
			if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden {
				t.Errorf("its family goes on: %d %v", res.StatusCode, body)
			}
		}
	})

	t.Run("LOG06_guesses", func(t *testing.T) {
		a.AddUser("ben@example.com")
		statuses, _ := atOnce(both, 12, func(s *idptest.Server) (*http.Response, map[string]any) {
			res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
				"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {idptest.Connection}, "client_id": {idptest.Web},
				"client_secret": {idptest.Secret}, "username": {"ben@example.com"}, "password": {"wrong"},
			})
			return res, s.JSON(body)
		})
		// What a busy machine cannot decide is no guess.
		judged, undecided := statuses[http.StatusForbidden], statuses[http.StatusServiceUnavailable]
		if judged > 10 || judged < 10 && undecided == 0 || judged+undecided+statuses[http.StatusTooManyRequests] != 24 {
			t.Errorf("of 24 guesses %v, want 10 that are judged", statuses)
		}
	})

	t.Run("IDP07_assertion", func(t *testing.T) {
		key, sign := assertions(t, a)
		setClient(t, a, idptest.Machine, func(c *tenant.Client) {
			c.AuthMethod, c.Credentials = tenant.AuthPrivateKeyJWT, []tenant.Credential{key}
		})
		eventually(t, func() bool {
			c, err := b.Tenant().Clients.Get(t.Context(), idptest.Machine)
			return err == nil && len(c.Credentials) == 1
		})
		assertion := sign("once", time.Now())
		statuses, _ := atOnce(both, 5, func(s *idptest.Server) (*http.Response, map[string]any) {
			res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", assertionForm(assertion))
			return res, s.JSON(body)
		})
		if statuses[http.StatusOK] != 1 || statuses[http.StatusUnauthorized] != 9 {
			t.Errorf("an assertion sent ten times: %v", statuses)
		}
	})
}
