package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// AUD-01: somebody who proved who they are, and gets nothing where no page is shown,
// is in the log: with the reason, and not without bound.
func TestAUD01_denied(t *testing.T) {
	byPassword := func(s *idptest.Server) int { return tryPassword(s, "", "ada@example.com", idptest.Password) }
	for name, tt := range map[string]struct {
		script string
		change func(u *tenant.User)
		// What the entries of both grants say; empty for a grant that goes on.
		password, refresh string
	}{
		"denied":      {script: `api.access.deny('not today')`, password: "not today", refresh: "not today"},
		"factor":      {script: `api.multifactor.enable('any')`, password: "Multifactor", refresh: "Multifactor"},
		"revoked":     {script: `api.session.revoke('stolen')`, password: "stolen", refresh: "refresh token"},
		"blocked":     {change: func(u *tenant.User) { u.Blocked = true }, password: "Wrong email", refresh: "user is blocked"},
		"unconfirmed": {change: func(u *tenant.User) { u.EmailVerified = false }, password: "has to be confirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
			ada := s.AddUser("ada@example.com")
			browser := s.Browser()
			token := enter(t, s, browser, ada.Email)["refresh_token"]
			if tt.script != "" {
				bind(t, s, "post-login", `exports.onExecutePostLogin = (event, api) => { `+tt.script+`; };`)
			}
			if tt.change != nil {
				if _, err := s.Tenant().UpdateUser(t.Context(), ada.ID, func(u *tenant.User) error { tt.change(u); return nil }); err != nil {
					t.Fatal(err)
				}
			}
			logged := func(kind, want string) {
				t.Helper()
				n := 0
				for _, e := range types(t, s, kind) {
					if want != "" && e.UserID == ada.ID && strings.Contains(e.Description, want) {
						n++
					}
				}
				if (n == 1) != (want != "") {
					t.Errorf("%s: %d entries with %q", kind, n, want)
				}
			}
			if status := byPassword(s); status == http.StatusOK {
				t.Fatal("a log-in")
			}
			logged("fepft", tt.password)
			res, body := refresh(s, token)
			if (res.StatusCode == http.StatusOK) != (tt.refresh == "") {
				t.Fatalf("refresh: %d %v", res.StatusCode, body)
			}
			logged("fertft", tt.refresh)
		})
	}
	t.Run("page", func(t *testing.T) {
		s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
		ada := s.AddUser("ada@example.com")
		if _, err := s.Tenant().UpdateUser(t.Context(), ada.ID, func(u *tenant.User) error { u.EmailVerified = false; return nil }); err != nil {
			t.Fatal(err)
		}
		s.Login(s.Browser(), authorization(), ada.Email, idptest.Password)
		if list := types(t, s, "fp"); len(list) != 1 || list[0].UserID != ada.ID {
			t.Errorf("%+v", list)
		}
	})
	t.Run("flood", func(t *testing.T) {
		s := idptest.New(t, idptest.Config{})
		token, _ := enter(t, s, s.Browser(), s.AddUser("ada@example.com").Email)["refresh_token"].(string)
		bind(t, s, "post-login", `exports.onExecutePostLogin = (event, api) => { api.access.deny('not today'); };`)
		for range 12 {
			s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {idptest.SPA}, "refresh_token": {token}})
		}
		if n := len(types(t, s, "fertft")); n != 5 {
			t.Errorf("%d entries, want 5", n)
		}
	})
}
