package idp_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// IDP-21: a token for the Management API ends with the session that it was got in, by a
// log-out or an administrator. One of another session goes on, and so does one of a
// password, which has none.
func TestIDP21_tokenAfterLogout(t *testing.T) {
	all := []string{"userinfo", "introspection", "Management API"}
	for name, tt := range map[string]struct {
		end             func(*idptest.Server, *http.Client, *tenant.User) error
		here, elsewhere []string
	}{
		"nothing": {func(*idptest.Server, *http.Client, *tenant.User) error { return nil }, all, all},
		"log-out": {func(s *idptest.Server, browser *http.Client, _ *tenant.User) error {
			s.Do(browser, http.MethodGet, "/v2/logout", url.Values{"client_id": {idptest.Web}})
			return nil
		}, nil, all},
		"administrator": {func(s *idptest.Server, _ *http.Client, u *tenant.User) error {
			_, err := s.Tenant().EndSessions(t.Context(), u.ID)
			return err
		}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			ada, browser := s.AddUser("ada@example.com"), s.Browser()
			in := []string{"audience", s.Issuer() + "api/v2/", "scope", "openid read:current_user"}
			here, elsewhere := enterWeb(t, s, browser, ada.Email, in...), enterWeb(t, s, s.Browser(), ada.Email, in...)
			_, byPassword := realmTokens(t, s, ada.Email, in...)
			if err := tt.end(s, browser, ada); err != nil {
				t.Fatal(err)
			}
			if got := takenAt(t, s, ada, here); !slices.Equal(got, tt.here) {
				t.Errorf("taken at %q, want %q", got, tt.here)
			}
			if got := takenAt(t, s, ada, elsewhere); !slices.Equal(got, tt.elsewhere) {
				t.Errorf("of another browser: taken at %q, want %q", got, tt.elsewhere)
			}
			if got := takenAt(t, s, ada, byPassword); !slices.Equal(got, all) {
				t.Errorf("of a password: taken at %q", got)
			}
		})
	}
}

// takenAt names where an access token of [idptest.Web] is taken.
func takenAt(t *testing.T, s *idptest.Server, u *tenant.User, token string) (out []string) {
	t.Helper()
	if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+token); res.StatusCode == http.StatusOK {
		out = append(out, "userinfo")
	}
	switch status, body := at(s, "/oauth/introspect", idptest.Web, token); {
	case status != http.StatusOK:
		t.Errorf("introspection: %d %v", status, body)
	case body["active"] == true:
		out = append(out, "introspection")
	}
	if status, _ := manage(t, s, token, http.MethodGet, "users/"+url.PathEscape(u.ID), ""); status == http.StatusOK {
		out = append(out, "Management API")
	}
	return out
}

// enterWeb logs in, and returns the access token.
func enterWeb(t *testing.T, s *idptest.Server, browser *http.Client, email string, more ...string) string {
	t.Helper()
	res, body := s.Login(browser, web(more...), email, idptest.Password)
	_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
	text, _ := tokens["access_token"].(string)
	if text == "" {
		t.Fatalf("%v", tokens)
	}
	return text
}

// realmTokens gives a password, and returns the answer and the access token in it.
func realmTokens(t *testing.T, s *idptest.Server, email string, more ...string) (map[string]any, string) {
	t.Helper()
	in := url.Values{
		"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {idptest.Connection},
		"client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "username": {email}, "password": {idptest.Password},
	}
	for i := 0; i+1 < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in)
	tokens := s.JSON(body)
	text, _ := tokens["access_token"].(string)
	if text == "" {
		t.Fatal(strconv.Itoa(res.StatusCode) + " " + body)
	}
	return tokens, text
}
