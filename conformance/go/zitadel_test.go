package conformance_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// An app whose log-in is that of zitadel's relying party.
type app struct {
	*idptest.Server
	url   string
	party rp.RelyingParty
	user  string
}

func zitadel(t *testing.T, clientID, secret string) *app {
	t.Helper()
	s := idptest.New(t, idptest.Config{})
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	a := &app{Server: s, url: strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), user: s.AddUser(email, "menu-admin").ID}
	if _, err := s.Tenant().Clients.Update(t.Context(), clientID, func(c *tenant.Client) error {
		c.Callbacks = []string{a.url + "/callback"}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	cookies := httphelper.NewCookieHandler([]byte("0123456789abcdef"), []byte("0123456789abcdef"), httphelper.WithUnsecure())
	var err error
	a.party, err = rp.NewRelyingPartyOIDC(t.Context(), s.Issuer(), clientID, secret, a.url+"/callback",
		[]string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopeOfflineAccess},
		rp.WithCookieHandler(cookies), rp.WithPKCE(cookies), rp.WithSigningAlgsFromDiscovery())
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/login", rp.AuthURLHandler(func() string { return "st" }, a.party, rp.WithURLParam("audience", idptest.Audience)))
	mux.Handle("/callback", rp.CodeExchangeHandler(rp.UserinfoCallback(
		func(w http.ResponseWriter, _ *http.Request, tokens *oidc.Tokens[*oidc.IDTokenClaims], state string, _ rp.RelyingParty, info *oidc.UserInfo) {
			_ = json.NewEncoder(w).Encode(session{state, tokens.IDToken, tokens.AccessToken, tokens.RefreshToken, tokens.IDTokenClaims, info})
		}), a.party))
	return a
}

// A session is what the app knows after a log-in.
type session struct {
	State, ID, Access, Refresh string
	Claims                     *oidc.IDTokenClaims
	Info                       *oidc.UserInfo
}

func (a *app) login(t *testing.T, browser *http.Client) session {
	t.Helper()
	back := answer(t, a.Server, browser, a.url+"/login", a.url+"/callback")
	res, body := a.Do(browser, http.MethodGet, back.String(), nil)
	var s session
	if err := json.Unmarshal([]byte(body), &s); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v %s", res.StatusCode, err, body)
	}
	return s
}

func TestZitadel_login(t *testing.T) {
	for name, client := range map[string][2]string{"confidential": {idptest.Web, idptest.Secret}, "public": {idptest.SPA, ""}} {
		t.Run(name, func(t *testing.T) {
			a := zitadel(t, client[0], client[1])
			s := a.login(t, a.Browser())
			if s.State != "st" || s.Claims.Subject != a.user || s.Claims.Email != email || !bool(s.Claims.EmailVerified) || s.Info.Subject != a.user || s.Info.Email != email {
				t.Errorf("%+v %+v", s.Claims, s.Info)
			}
			tokens, err := rp.RefreshTokens[*oidc.IDTokenClaims](t.Context(), a.party, s.Refresh, "", "")
			if err != nil {
				t.Fatal(err)
			}
			if tokens.IDTokenClaims.Subject != a.user || tokens.RefreshToken == "" {
				t.Errorf("after a refresh: %+v", tokens)
			}
			if _, err := rp.RefreshTokens[*oidc.IDTokenClaims](t.Context(), a.party, "nobody", "", ""); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
				t.Errorf("no refresh token of ours: %v", err)
			}
		})
	}
}

// The state is in a cookie of the browser that began.
func TestZitadel_otherBrowser(t *testing.T) {
	a := zitadel(t, idptest.Web, idptest.Secret)
	back := answer(t, a.Server, a.Browser(), a.url+"/login", a.url+"/callback")
	if res, body := a.Do(a.Browser(), http.MethodGet, back.String(), nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestZitadel_revoke(t *testing.T) {
	a := zitadel(t, idptest.Web, idptest.Secret)
	s := a.login(t, a.Browser())
	if err := rp.RevokeToken(t.Context(), a.party, s.Refresh, "refresh_token"); err != nil {
		t.Fatal(err)
	}
	if _, err := rp.RefreshTokens[*oidc.IDTokenClaims](t.Context(), a.party, s.Refresh, "", ""); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("a revoked token: %v", err)
	}
}

// EndSession asks the provider itself and hands the browser where to go.
func TestZitadel_logout(t *testing.T) {
	a := zitadel(t, idptest.SPA, "")
	browser := a.Browser()
	s := a.login(t, browser)
	where, err := rp.EndSession(t.Context(), a.party, s.ID, idptest.LogoutURL, "bye", "", nil)
	if err != nil || where.String() != idptest.LogoutURL+"?state=bye" {
		t.Errorf("%v %v", where, err)
	}
	if _, err := rp.EndSession(t.Context(), a.party, s.ID, "http://localhost:3000/elsewhere", "", "", nil); err == nil {
		t.Error("an address that is not registered was taken")
	}
	// In the browser the session ends.
	leave := a.party.GetEndSessionEndpoint() + "?" + url.Values{"id_token_hint": {s.ID}, "post_logout_redirect_uri": {idptest.LogoutURL}}.Encode()
	answer(t, a.Server, browser, leave, idptest.LogoutURL)
	res, _ := a.Do(browser, http.MethodGet, a.url+"/login", nil)
	res, _ = a.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	if !strings.Contains(res.Header.Get("Location"), "/u/login") {
		t.Errorf("logged in still: %s", res.Header.Get("Location"))
	}
}

func TestZitadel_introspection(t *testing.T) {
	a := zitadel(t, idptest.Web, idptest.Secret)
	s := a.login(t, a.Browser())
	server, err := rs.NewResourceServerClientCredentials(t.Context(), a.Issuer(), idptest.Web, idptest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	got, err := rs.Introspect[*oidc.IntrospectionResponse](t.Context(), server, s.Access)
	if err != nil || !got.Active || got.Subject != a.user || got.ClientID != idptest.Web {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := rs.Introspect[*oidc.IntrospectionResponse](t.Context(), server, "nobody"); err != nil || got.Active {
		t.Errorf("no token of ours: %+v %v", got, err)
	}
	stranger, err := rs.NewResourceServerClientCredentials(t.Context(), a.Issuer(), idptest.Web, "wrong")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rs.Introspect[*oidc.IntrospectionResponse](t.Context(), stranger, s.Access); err == nil {
		t.Error("a wrong secret was taken")
	}
}
