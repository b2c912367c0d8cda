package idp_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// An action that revokes a session ends the refresh tokens of every client in it,
// and tells them, as Auth0 does; unless it wants the tokens to be kept.
func TestSES04_revokedByAction(t *testing.T) {
	for options, keeps := range map[string]bool{``: false, `, {preserveRefreshTokens: false}`: false, `, {preserveRefreshTokens: true}`: true} {
		for name, end := range map[string]func(s *idptest.Server, browser *http.Client, own any){
			"log-in": func(s *idptest.Server, browser *http.Client, _ any) {
				res, body := s.Do(browser, http.MethodGet, "/authorize", authorization("prompt", "none"))
				if back := answerOf(t, res, body); back.Get("error") != "access_denied" || back.Get("error_description") != "stolen" {
					t.Errorf("%v", back)
				}
			},
			"refresh": func(s *idptest.Server, _ *http.Client, own any) {
				if res, body := refresh(s, own); res.StatusCode != http.StatusForbidden {
					t.Errorf("%d %v", res.StatusCode, body)
				}
			},
		} {
			t.Run(name+options, func(t *testing.T) {
				s := idptest.New(t, idptest.Config{})
				l := listen(t, s, idptest.SPA)
				ada := s.AddUser("ada@example.com")
				browser := s.Browser()
				own := enter(t, s, browser, ada.Email)["refresh_token"]
				elsewhere := enter(t, s, s.Browser(), ada.Email)["refresh_token"] // in another session
				res, body := s.Do(browser, http.MethodGet, "/authorize", web("scope", "openid offline_access"))
				_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
				bind(t, s, "post-login", `exports.onExecutePostLogin = async (event, api) => {
					if (event.request.user_agent !== 'calm') { api.session.revoke('stolen'`+options+`); } };`)
				end(s, browser, own)
				if sid := l.wait(t); sid == "" {
					t.Error("the client is not told of a session")
				}
				if silent(t, s, browser).Get("error") != "login_required" {
					t.Error("the session goes on")
				}
				for name, token := range map[string]struct {
					client string
					text   any
					want   bool
				}{"own": {idptest.SPA, own, keeps}, "of another client": {idptest.Web, tokens["refresh_token"], keeps}, "of another session": {idptest.SPA, elsewhere, true}} {
					text, _ := token.text.(string)
					res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
						"grant_type": {"refresh_token"}, "client_id": {token.client}, "client_secret": {map[string]string{idptest.Web: idptest.Secret}[token.client]}, "refresh_token": {text},
					}, "User-Agent", "calm")
					if (res.StatusCode == http.StatusOK) != token.want || text == "" {
						t.Errorf("%s: %d %s", name, res.StatusCode, body)
					}
				}
			})
		}
	}
}

// A refresh token of no session takes none with it when an action revokes one.
func TestSES04_revokedWithoutSession(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	ada := s.AddUser("ada@example.com")
	own := enter(t, s, s.Browser(), ada.Email)["refresh_token"]
	if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error { set.DefaultDirectory = idptest.Connection; return nil }); err != nil {
		t.Fatal(err)
	}
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"password"}, "client_id": {idptest.Web}, "client_secret": {idptest.Secret},
		"username": {ada.Email}, "password": {idptest.Password}, "scope": {"openid offline_access"},
	})
	text, _ := s.JSON(body)["refresh_token"].(string)
	if res.StatusCode != http.StatusOK || text == "" {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	bind(t, s, "post-login", `exports.onExecutePostLogin = async (event, api) => { if (event.client.name === 'Kitchen') { api.session.revoke('stolen'); } };`)
	res, body = s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "refresh_token": {text},
	})
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, body := refresh(s, own); res.StatusCode != http.StatusOK {
		t.Errorf("the token of a session: %d %v", res.StatusCode, body)
	}
}
