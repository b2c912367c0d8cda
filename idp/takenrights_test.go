package idp_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// IDP-21: what an administrator takes from a client counts at once at the Management
// API: no token of before does more than the grant of now, and none gives it back.
func TestIDP21_takenFromMachine(t *testing.T) {
	ctx := t.Context()
	for name, tt := range map[string]struct {
		take func(*testing.T, *idptest.Server, *tenant.ClientGrant) error
		want int
	}{
		"nothing": {func(*testing.T, *idptest.Server, *tenant.ClientGrant) error { return nil }, http.StatusOK},
		"client grant": {func(_ *testing.T, s *idptest.Server, g *tenant.ClientGrant) error {
			return s.Tenant().Grants.Delete(ctx, g.ID)
		}, http.StatusUnauthorized},
		"scope of the grant": {func(_ *testing.T, s *idptest.Server, g *tenant.ClientGrant) error {
			_, err := s.Tenant().Grants.Update(ctx, g.ID, func(g *tenant.ClientGrant) error {
				g.Scope = slices.DeleteFunc(g.Scope, func(s string) bool { return s == "read:users" || s == "create:client_grants" })
				return nil
			})
			return err
		}, http.StatusForbidden},
		"grant type": {func(t *testing.T, s *idptest.Server, _ *tenant.ClientGrant) error {
			t.Helper()
			setClient(t, s, idptest.Management, func(c *tenant.Client) { c.GrantTypes = []string{} })
			return nil
		}, http.StatusUnauthorized},
		"secret": {func(t *testing.T, s *idptest.Server, _ *tenant.ClientGrant) error {
			t.Helper()
			setClient(t, s, idptest.Management, func(c *tenant.Client) { c.Secret = idptest.Secret + "2" })
			return nil
		}, http.StatusUnauthorized},
		"client, made anew": {func(_ *testing.T, s *idptest.Server, g *tenant.ClientGrant) error {
			c, err := s.Tenant().Clients.Get(ctx, idptest.Management)
			return errors.Join(err, s.Tenant().Clients.Delete(ctx, c.ID), s.Tenant().Clients.Create(ctx, c), s.Tenant().Grants.Create(ctx, g))
		}, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			token := managementToken(t, s)
			g, err := s.Tenant().Grants.ByName(ctx, idptest.Management+" "+s.Issuer()+"api/v2/")
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.take(t, s, g); err != nil {
				t.Fatal(err)
			}
			if status, got := manage(t, s, token, http.MethodGet, "users", ""); status != tt.want {
				t.Errorf("read: %d %v", status, got)
			}
			status, got := manage(t, s, token, http.MethodPost, "client-grants",
				`{"client_id":"`+idptest.Machine+`","audience":"`+s.Issuer()+`api/v2/","scope":["read:users"]}`)
			if (status == http.StatusCreated) != (tt.want == http.StatusOK) {
				t.Errorf("granted: %d %v", status, got)
			}
		})
	}
}

// A token that one process gave a client of another secret is good at the others at
// once: what they know of clients may be a second old.
func TestReplicas_newSecret(t *testing.T) {
	a, b := replicas(t)
	for i := range 3 {
		if _, err := b.Tenant().Clients.Get(t.Context(), idptest.Management); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%s-%d-%s", idptest.Secret, i, strings.Repeat("x", 32))
		setClient(t, a, idptest.Management, func(c *tenant.Client) { c.Secret = text })
		_, body := a.Do(a.HTTP, http.MethodPost, "/oauth/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {idptest.Management}, "client_secret": {text}, "audience": {a.Issuer() + "api/v2/"},
		})
		token, _ := a.JSON(body)["access_token"].(string)
		if status, got := manage(t, b, token, http.MethodGet, "users", ""); status != http.StatusOK {
			t.Errorf("at the other process: %d %v", status, got)
		}
	}
}

// LOG-13: so does what is taken from an application that people let at their account.
func TestLOG13_takenFromApplication(t *testing.T) {
	ctx := t.Context()
	remake := func(s *idptest.Server) error {
		c, err := s.Tenant().Clients.Get(ctx, idptest.SPA)
		return errors.Join(err, s.Tenant().Clients.Delete(ctx, c.ID), s.Tenant().Clients.Create(ctx, c), offer(s, idptest.SPA))
	}
	consented := func(s *idptest.Server, u *tenant.User, scope ...string) error {
		return errors.Join(s.Tenant().RevokeConsents(ctx, u.ID, "", ""),
			s.Tenant().AddConsent(ctx, u.ID, idptest.SPA, s.Issuer()+"api/v2/", scope))
	}
	for name, tt := range map[string]struct {
		foreign     bool
		take        func(*idptest.Server, *tenant.User) error
		read, write int
		userinfo    int
	}{
		"nothing": {true, func(*idptest.Server, *tenant.User) error { return nil }, 200, 200, 200},
		"consent": {true, func(s *idptest.Server, u *tenant.User) error { return s.Tenant().RevokeConsents(ctx, u.ID, "", "") }, 401, 401, 401},
		"some of the consent": {true, func(s *idptest.Server, u *tenant.User) error {
			return consented(s, u, "login:", "openid", "read:current_user")
		}, 200, 403, 200},
		"connection":                   {true, func(s *idptest.Server, _ *tenant.User) error { return offer(s) }, 401, 401, 401},
		"connection of our own":        {false, func(s *idptest.Server, _ *tenant.User) error { return offer(s) }, 401, 401, 401},
		"client, made anew":            {false, func(s *idptest.Server, _ *tenant.User) error { return remake(s) }, 401, 401, 401},
		"client of others, made anew":  {true, func(s *idptest.Server, _ *tenant.User) error { return remake(s) }, 401, 401, 401},
		"that it is one of our own":    {false, func(s *idptest.Server, _ *tenant.User) error { return foreign(s) }, 401, 401, 401},
		"nothing, from one of our own": {false, func(*idptest.Server, *tenant.User) error { return nil }, 200, 200, 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			u := s.AddUser("ada@example.com")
			const scope = "openid read:current_user update:current_user_metadata"
			if tt.foreign {
				if err := errors.Join(foreign(s), consented(s, u, "login:", "openid", "read:current_user", "update:current_user_metadata")); err != nil {
					t.Fatal(err)
				}
			}
			token, _ := enter(t, s, s.Browser(), "ada@example.com", "audience", s.Issuer()+"api/v2/", "scope", scope)["access_token"].(string)
			if err := tt.take(s, u); err != nil {
				t.Fatal(err)
			}
			path := "users/" + url.PathEscape(u.ID)
			if status, got := manage(t, s, token, http.MethodGet, path, ""); status != tt.read {
				t.Errorf("read: %d %v", status, got)
			}
			if status, got := manage(t, s, token, http.MethodPatch, path, `{"user_metadata":{"a":"b"}}`); status != tt.write {
				t.Errorf("written: %d %v", status, got)
			}
			if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+token); res.StatusCode != tt.userinfo {
				t.Errorf("userinfo: %d", res.StatusCode)
			}
		})
	}
}

// LOG-13: neither a code leads on once its connection was taken from the client, nor a
// refresh token of a password once the grant was that took it.
func TestLOG13_takenBeforeExchange(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	code := func() string {
		t.Helper()
		res, body := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
		return answerOf(t, res, body).Get("code")
	}
	text := code()
	if err := offer(s, idptest.Web); err != nil {
		t.Fatal(err)
	}
	if res, got := exchange(s, text); res.StatusCode != http.StatusForbidden || got["error"] != "invalid_grant" {
		t.Errorf("exchanged: %d %v", res.StatusCode, got)
	}
	if err := offer(s, idptest.Web, idptest.SPA); err != nil {
		t.Fatal(err)
	}
	if res, got := exchange(s, code()); res.StatusCode != http.StatusOK {
		t.Errorf("with the connection: %d %v", res.StatusCode, got)
	}

	client := url.Values{"client_id": {idptest.Web}, "client_secret": {idptest.Secret}}
	ask := func(grant string, more url.Values) (int, map[string]any) {
		t.Helper()
		in := maps.Clone(client)
		maps.Copy(in, more)
		in.Set("grant_type", grant)
		res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in)
		return res.StatusCode, s.JSON(body)
	}
	const realm = "http://auth0.com/oauth/grant-type/password-realm"
	tokens := map[string]string{}
	for _, grant := range []string{"password", realm} {
		status, got := ask(grant, url.Values{
			"username": {"ada@example.com"}, "password": {idptest.Password}, "realm": {idptest.Connection},
			"audience": {idptest.Audience}, "scope": {"openid offline_access"},
		})
		if tokens[grant], _ = got["refresh_token"].(string); status != http.StatusOK || tokens[grant] == "" {
			t.Fatalf("%d %v", status, got)
		}
	}
	for _, tt := range []struct {
		grants          []string
		password, realm int
	}{
		{[]string{"refresh_token"}, http.StatusForbidden, http.StatusForbidden},
		{[]string{"refresh_token", "password"}, http.StatusOK, http.StatusForbidden},
		{[]string{"refresh_token", realm}, http.StatusForbidden, http.StatusOK},
		{[]string{"refresh_token", "password", realm}, http.StatusOK, http.StatusOK},
	} {
		setClient(t, s, idptest.Web, func(c *tenant.Client) {
			c.GrantTypes, c.Refresh = tt.grants, &tenant.RefreshPolicy{Rotation: "non-rotating", Expiration: "non-expiring"}
		})
		for grant, want := range map[string]int{"password": tt.password, realm: tt.realm} {
			if status, got := ask("refresh_token", url.Values{"refresh_token": {tokens[grant]}}); status != want {
				t.Errorf("%v, token of %s: %d %v", tt.grants, grant, status, got["error"])
			}
		}
	}
}

// foreign makes the web application one of somebody else.
func foreign(s *idptest.Server) error {
	_, err := s.Tenant().Clients.Update(context.Background(), idptest.SPA, func(c *tenant.Client) error { c.FirstParty = false; return nil })
	return err
}

// offer lets these clients alone use the connection.
func offer(s *idptest.Server, clients ...string) error {
	_, err := s.Tenant().Connections.Update(context.Background(), "con_database00000001", func(c *tenant.Connection) error {
		c.EnabledClients = clients
		return nil
	})
	return err
}
