package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// SES-03: an action bounds the session and the refresh token of a log-in, and
// makes neither last longer than the settings and the client have it.
func TestSES03_boundByAction(t *testing.T) {
	const hour = 3600
	for name, tt := range map[string]struct {
		calls            string
		session, refresh time.Duration // used for the first time after that
		lives            bool          // of both
	}{
		"before the end":           {`setExpiresAt(at(2))`, time.Hour, time.Hour, true},
		"after the end":            {`setExpiresAt(at(2))`, 3 * time.Hour, 3 * time.Hour, false},
		"before the idle end":      {`setIdleExpiresAt(at(2))`, time.Hour, time.Hour, true},
		"after the idle end":       {`setIdleExpiresAt(at(2))`, 3 * time.Hour, 3 * time.Hour, false},
		"later than allowed":       {`setExpiresAt(at(20000))`, 169 * time.Hour, 721 * time.Hour, false},
		"later than allowed, idle": {`setIdleExpiresAt(at(20000))`, 73 * time.Hour, 361 * time.Hour, false},
		"both, the first counts":   {`setIdleExpiresAt(at(90)).session.setExpiresAt(at(2))`, 3 * time.Hour, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, now := withClock(t)
			s.AddUser("ada@example.com")
			refreshCalls := strings.ReplaceAll(tt.calls, ".session.", ".refreshToken.")
			bind(t, s, "post-login", `exports.onExecutePostLogin = async (event, api) => {
				if (event.transaction.prompt && event.transaction.prompt[0] === 'none' || event.transaction.protocol === 'oauth2-refresh-token') return;
				const at = (hours) => new Date(event.session.authenticated_at).getTime() + hours * 3600000;
				api.session.`+tt.calls+`; api.refreshToken.`+refreshCalls+`; };`)
			idle := strings.Contains(tt.calls, "Idle")
			if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error {
				if !idle {
					set.SessionLifetime, set.IdleSessionLifetime = 168, 168
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			setClient(t, s, idptest.SPA, func(c *tenant.Client) {
				c.Refresh = &tenant.RefreshPolicy{Rotation: "rotating", Expiration: "expiring", Lifetime: 720 * hour, IdleLifetime: 720 * hour}
				if idle {
					c.Refresh.IdleLifetime = 360 * hour
				}
			})
			browser, began := s.Browser(), now.now()
			tokens := enter(t, s, browser, "ada@example.com")
			if !idle { // what is used goes on, to the end
				now.turn(tt.session / 2)
				silent(t, s, browser)
			}
			now.turn(tt.session - now.now().Sub(began))
			if got := silent(t, s, browser).Has("code"); got != tt.lives {
				t.Errorf("the session lives: %v, want %v", got, tt.lives)
			}
			if !idle && tt.refresh > tt.session {
				_, tokens = refresh(s, tokens["refresh_token"])
			}
			now.turn(max(0, tt.refresh-tt.session))
			if res, body := refresh(s, tokens["refresh_token"]); (res.StatusCode == http.StatusOK) != tt.lives {
				t.Errorf("the refresh token: %d %v, want %v", res.StatusCode, body, tt.lives)
			}
		})
	}
}

// An action that runs at a refresh bounds what is there by then.
func TestSES03_boundAtRefresh(t *testing.T) {
	for _, method := range []string{"setExpiresAt", "setIdleExpiresAt"} {
		s, now := withClock(t)
		s.AddUser("ada@example.com")
		browser := s.Browser()
		tokens := enter(t, s, browser, "ada@example.com")
		bind(t, s, "post-login", `exports.onExecutePostLogin = async (event, api) => {
			if (event.transaction.protocol !== 'oauth2-refresh-token') return;
			const at = new Date(event.refresh_token.created_at).getTime() + 3600000;
			api.session.`+method+`(at); api.refreshToken.`+method+`(at); };`)
		_, tokens = refresh(s, tokens["refresh_token"])
		now.turn(30 * time.Minute)
		res, tokens := refresh(s, tokens["refresh_token"])
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s, before the end: %d %v", method, res.StatusCode, tokens)
		}
		now.turn(31 * time.Minute)
		if silent(t, s, browser).Has("code") {
			t.Errorf("%s: the session goes on", method)
		}
		if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode == http.StatusOK {
			t.Errorf("%s: the refresh token goes on: %v", method, body)
		}
	}
}

// An end that has come is an end at once: there is no code, and no session. Nor
// is there a refresh token that nobody could use.
func TestSES03_boundInThePast(t *testing.T) {
	s, _ := withClock(t)
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.Browser(), "ada@example.com")
	bind(t, s, "post-login", `exports.onExecutePostLogin = async (event, api) => {
		const name = event.request.query.over || 'refreshToken';
		api[name].setExpiresAt(1000); };`)
	browser := s.Browser()
	res, body := s.Login(browser, authorization("over", "session"), "ada@example.com", idptest.Password)
	if back := answerOf(t, res, body); back.Get("error") != "access_denied" || back.Has("code") {
		t.Errorf("session: %v", back)
	}
	if back := silent(t, s, browser); back.Get("error") != "login_required" {
		t.Errorf("session, silently: %v", back)
	}
	if got := enter(t, s, s.Browser(), "ada@example.com"); got["refresh_token"] != nil || got["access_token"] == nil {
		t.Errorf("refresh token: %v", got)
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode == http.StatusOK {
		t.Errorf("at a refresh: %v", body)
	}
}

// LOG-16: a call that this provider does not do fails the log-in, and the log says
// which it was.
func TestLOG16_undone(t *testing.T) {
	for call, want := range map[string]string{
		`session.setCookieMode('non-persistent')`:                 "api.session.setCookieMode",
		`session.setMetadata('a', 'b')`:                           "api.session.setMetadata",
		`session.evictMetadata()`:                                 "api.session.evictMetadata",
		`refreshToken.setMetadata('a', 'b')`:                      "api.refreshToken.setMetadata",
		`refreshToken.deleteMetadata('a')`:                        "api.refreshToken.deleteMetadata",
		`refreshToken.evictMetadata()`:                            "api.refreshToken.evictMetadata",
		`authentication.recordMethod('https://quiz.example/won')`: "api.authentication.recordMethod",
		`session.setCookieMode('persistent')`:                     "",
		`refreshToken.revoke('stolen')`:                           "revoked",
		`session.revoke('stolen')`:                                "revoked",
	} {
		t.Run(call, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			s.AddUser("ada@example.com")
			browser := s.Browser()
			tokens := enter(t, s, browser, "ada@example.com")
			if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error { set.DefaultDirectory = idptest.Connection; return nil }); err != nil {
				t.Fatal(err)
			}
			bind(t, s, "post-login", `exports.onExecutePostLogin = async (event, api) => { api.`+call+`; };`)
			good := want == ""
			res, body := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
			if back := answerOf(t, res, body); back.Has("code") != good {
				t.Errorf("log-in: %v", back)
			}
			if back := silent(t, s, browser); back.Has("code") != good {
				t.Errorf("silently: %v", back)
			}
			if status, body := byPassword(s); (status == http.StatusOK) != good {
				t.Errorf("by password: %d %v", status, body)
			}
			if res, body := refresh(s, tokens["refresh_token"]); (res.StatusCode == http.StatusOK) != good {
				t.Errorf("refresh: %d %v", res.StatusCode, body)
			}
			if good || want == "revoked" {
				return
			}
			named := 0
			for _, entry := range types(t, s, "f") {
				if strings.Contains(entry.Description, want) {
					named++
				}
			}
			if named != 4 {
				t.Errorf("%d entries name %s, want 4", named, want)
			}
		})
	}
}

// byPassword asks for a token with a password.
func byPassword(s *idptest.Server) (int, map[string]any) {
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"password"}, "client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "username": {"ada@example.com"},
		"password": {idptest.Password}, "audience": {idptest.Audience},
	})
	return res.StatusCode, s.JSON(body)
}
