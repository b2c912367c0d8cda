package idp_test

import (
	"net/http"
	"net/url"
	"slices"
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
			byPassword := byRealm(t, s, ada.Email, in...)
			if err := tt.end(s, browser, ada); err != nil {
				t.Fatal(err)
			}
			if got := takenAt(t, s, ada, here["access_token"]); !slices.Equal(got, tt.here) {
				t.Errorf("taken at %q, want %q", got, tt.here)
			}
			if got := takenAt(t, s, ada, elsewhere["access_token"]); !slices.Equal(got, tt.elsewhere) {
				t.Errorf("of another browser: taken at %q, want %q", got, tt.elsewhere)
			}
			if got := takenAt(t, s, ada, byPassword["access_token"]); !slices.Equal(got, all) {
				t.Errorf("of a password: taken at %q", got)
			}
		})
	}
}

// takenAt names where an access token of [idptest.Web] is taken.
func takenAt(t *testing.T, s *idptest.Server, u *tenant.User, text any) (out []string) {
	t.Helper()
	token, _ := text.(string)
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
