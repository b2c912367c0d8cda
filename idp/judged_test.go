package idp_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// LOG-13: UserInfo and introspection call a token good for as long as what it came of
// is: the consent, the connection, the client. A password is no consent, and a client
// of others that got a token by one needs none.
func TestLOG13_judgedAlike(t *testing.T) {
	ctx := t.Context()
	all := []string{"JWT at userinfo", "JWT at introspection", "opaque at userinfo", "opaque at introspection", "refresh at introspection"}
	const foreignClient, byPassword = 1, 2 // how the tokens come: flags
	becomesForeign := func(s *idptest.Server, _ *tenant.User) error {
		_, err := s.Tenant().Clients.Update(ctx, idptest.Web, func(c *tenant.Client) error { c.FirstParty = false; return nil })
		return err
	}
	nothing := func(*idptest.Server, *tenant.User) error { return nil }
	for name, tt := range map[string]struct {
		of   int
		take func(*idptest.Server, *tenant.User) error
		want []string
	}{
		"nothing":                        {foreignClient, nothing, all},
		"nothing, of our own":            {0, nothing, all},
		"consent":                        {foreignClient, func(s *idptest.Server, u *tenant.User) error { return s.Tenant().RevokeConsents(ctx, u.ID, "", "") }, nil},
		"not ours any more":              {0, becomesForeign, nil},
		"connection":                     {foreignClient, func(s *idptest.Server, _ *tenant.User) error { return offer(s, idptest.SPA) }, nil},
		"connection, of our own":         {0, func(s *idptest.Server, _ *tenant.User) error { return offer(s, idptest.SPA) }, nil},
		"connection, by password":        {foreignClient | byPassword, func(s *idptest.Server, _ *tenant.User) error { return offer(s, idptest.SPA) }, nil},
		"nothing, by password":           {foreignClient | byPassword, nothing, all},
		"not ours any more, by password": {byPassword, becomesForeign, all},
		"offline access": {0, func(s *idptest.Server, _ *tenant.User) error {
			_, err := s.Tenant().APIs.Update(ctx, apiID(t, s, idptest.Audience), func(a *tenant.API) error { a.AllowOfflineAccess = false; return nil })
			return err
		}, all[:4]},
	} {
		for _, dialect := range []string{"access_token", "rfc9068_profile"} {
			t.Run(name+" "+dialect, func(t *testing.T) {
				s := idptest.New(t, idptest.Config{})
				u := s.AddUser("ada@example.com")
				_, err := s.Tenant().APIs.Update(ctx, apiID(t, s, idptest.Audience), func(a *tenant.API) error { a.TokenDialect = dialect; return nil })
				if tt.of&foreignClient != 0 {
					err = errors.Join(err, becomesForeign(s, u))
				}
				if tt.of == foreignClient {
					for _, audience := range []string{"", idptest.Audience} {
						err = errors.Join(err, s.Tenant().AddConsent(ctx, u.ID, idptest.Web, audience, []string{"login:", "openid", "offline_access"}))
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				ask := func(audience string) map[string]any {
					t.Helper()
					in := []string{"audience", audience, "scope", "openid offline_access"}
					if tt.of&byPassword != 0 {
						return byRealm(t, s, u.Email, in...)
					}
					return enterWeb(t, s, s.Browser(), u.Email, in...)
				}
				jwt, opaque := ask(idptest.Audience), ask("")
				if err := tt.take(s, u); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, token := range []struct {
					name string
					text any
				}{{"JWT", jwt["access_token"]}, {"opaque", opaque["access_token"]}, {"refresh", jwt["refresh_token"]}} {
					text, _ := token.text.(string)
					if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+text); res.StatusCode == http.StatusOK {
						got = append(got, token.name+" at userinfo")
					}
					if _, body := at(s, "/oauth/introspect", idptest.Web, text); body["active"] == true {
						got = append(got, token.name+" at introspection")
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("good are %q, want %q", got, tt.want)
				}
			})
		}
	}
}

// LOG-13: introspection says of the scope of a token what is given now.
func TestLOG13_scopeOfNow(t *testing.T) {
	ctx := t.Context()
	s := idptest.New(t, idptest.Config{})
	_, tokens := machineToken(s)
	token, _ := tokens["access_token"].(string)
	g, err := s.Tenant().Grants.ByName(ctx, idptest.Machine+" "+idptest.Audience)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		take   func() error
		active bool
		scope  any
	}{
		{func() error { return nil }, true, "create:items"},
		{func() error {
			_, err := s.Tenant().Grants.Update(ctx, g.ID, func(g *tenant.ClientGrant) error { g.Scope = []string{"update:items"}; return nil })
			return err
		}, true, ""},
		{func() error { return s.Tenant().Grants.Delete(ctx, g.ID) }, false, nil},
	} {
		if err := tt.take(); err != nil {
			t.Fatal(err)
		}
		if _, body := at(s, "/oauth/introspect", idptest.Machine, token); body["active"] != tt.active || body["scope"] != tt.scope {
			t.Errorf("%v, want %t %v", body, tt.active, tt.scope)
		}
	}
	if err := s.Tenant().Grants.Create(ctx, g); err != nil {
		t.Fatal(err)
	}
	setClient(t, s, idptest.Machine, func(c *tenant.Client) { c.GrantTypes = []string{} })
	if _, body := at(s, "/oauth/introspect", idptest.Machine, token); body["active"] != false {
		t.Errorf("without the grant type: %v", body)
	}

	// So it does of that of a person: here a role is taken, of which a refresh token
	// would bring nothing.
	u := s.AddUser("ada@example.com", "menu-admin")
	refresh, _ := enterWeb(t, s, s.Browser(), u.Email, "scope", "openid offline_access create:items")["refresh_token"].(string)
	if _, body := at(s, "/oauth/introspect", idptest.Web, refresh); body["scope"] != "openid offline_access create:items" {
		t.Errorf("%v", body)
	}
	if err := s.Tenant().RemoveRoles(ctx, u.ID, "rol_menuadmin0000001"); err != nil {
		t.Fatal(err)
	}
	if _, body := at(s, "/oauth/introspect", idptest.Web, refresh); body["scope"] != "openid offline_access" {
		t.Errorf("without the role: %v", body)
	}
}

// enterWeb logs in, and returns the tokens.
func enterWeb(t *testing.T, s *idptest.Server, browser *http.Client, email string, more ...string) map[string]any {
	t.Helper()
	res, body := s.Login(browser, web(more...), email, idptest.Password)
	_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
	if tokens["access_token"] == nil {
		t.Fatalf("%v", tokens)
	}
	return tokens
}

// byRealm gives a password, and returns the tokens.
func byRealm(t *testing.T, s *idptest.Server, email string, more ...string) map[string]any {
	t.Helper()
	in := url.Values{
		"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {idptest.Connection},
		"client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "username": {email}, "password": {idptest.Password},
	}
	for i := 0; i+1 < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	_, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in)
	tokens := s.JSON(body)
	if tokens["access_token"] == nil {
		t.Fatal(body)
	}
	return tokens
}
