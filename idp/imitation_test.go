package idp_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// The access token of somebody whom an imitation of a provider made up is good
// in development alone; a linked identity of another connection makes a person.
func TestImitation_token(t *testing.T) {
	for name, tt := range map[string]struct {
		development, linked bool
		want                int
	}{
		"production":         {false, false, http.StatusUnauthorized},
		"development":        {true, false, http.StatusOK},
		"with another login": {false, true, http.StatusOK},
	} {
		s := idptest.New(t, idptest.Config{TLS: true, Edit: func(c *idp.Config) { c.Development = tt.development }})
		ctx, store := t.Context(), s.Tenant()
		for _, doc := range []string{
			`{"id":"con_i","name":"fake","strategy":"github","options":{"imitation":true},"enabled_clients":["imitated"]}`,
			`{"id":"con_r","name":"real","strategy":"gitlab","enabled_clients":["imitated"]}`,
		} {
			c := new(tenant.Connection)
			if err := c.UnmarshalJSON([]byte(doc)); err != nil {
				t.Fatal(err)
			}
			if err := store.Connections.Create(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		u := &tenant.User{Name: "Fake", Identities: []tenant.Identity{{Connection: "fake", Provider: "github", UserID: "1", Social: true}}}
		if tt.linked {
			u.Identities = append(u.Identities, tenant.Identity{Connection: "real", Provider: "gitlab", UserID: "2", Social: true})
		}
		if err := store.CreateUser(ctx, u); err != nil {
			t.Fatal(err)
		}
		if err := store.Clients.Create(ctx, &tenant.Client{ID: "imitated", Name: "imitated", FirstParty: true}); err != nil {
			t.Fatal(err)
		}
		text := secret.Text()
		if err := store.CreateToken(ctx, text, tenant.Token{
			Kind: tenant.OpaqueToken, UserID: u.ID, ClientID: "imitated", ExpiresAt: time.Now().Add(time.Hour), Data: []byte(`{"scope":["openid"]}`),
		}); err != nil {
			t.Fatal(err)
		}
		if res, body := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+text.Reveal()); res.StatusCode != tt.want {
			t.Errorf("%s: %d %s, want %d", name, res.StatusCode, body, tt.want)
		}
	}
}
