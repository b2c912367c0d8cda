package config_test

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/config"
)

// openText opens a provider for development that ends with the test.
func openText(t *testing.T, text string) *config.Instance {
	t.Helper()
	c, err := config.Parse(filepath.Join(t.TempDir(), "idp.yaml"), []byte(text), lookup())
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.Open(t.Context(), config.Options{Development: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := in.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return in
}

// TestOpen_ownAPI: a script speaks to the tenant that it is part of, with the
// rights of a client whose secret it was given. Nothing listens here.
func TestOpen_ownAPI(t *testing.T) {
	for name, text := range map[string]string{
		"http":  "issuer: http://localhost:1/\n",
		"https": "issuer: https://localhost:1/\ntls: local\n",
	} {
		t.Run(name, func(t *testing.T) {
			in := openText(t, text)
			ctx := t.Context()
			do := func(method, path string, body map[string]any) map[string]any {
				t.Helper()
				var out map[string]any
				var into any = &out
				if path == "users/auth0%7Cada/roles" {
					into = nil
				}
				if err := in.Admin.Do(ctx, method, path, body, into); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				return out
			}
			do(http.MethodPost, "connections", map[string]any{"name": "db", "strategy": "auth0"})
			do(http.MethodPost, "users", map[string]any{"connection": "db", "user_id": "ada", "email": "ada@example.com", "password": "correct horse battery"})
			role, _ := do(http.MethodPost, "roles", map[string]any{"name": "cook"})["id"].(string)
			do(http.MethodPost, "users/auth0%7Cada/roles", map[string]any{"roles": []string{role}})
			id, _ := do(http.MethodPost, "clients", map[string]any{
				"name": "script", "app_type": "non_interactive", "grant_types": []string{"client_credentials"},
			})["client_id"].(string)
			do(http.MethodPost, "client-grants", map[string]any{
				"client_id": id, "audience": in.Issuer() + "api/v2/", "scope": []string{"read:users", "read:roles"},
			})
			client, err := in.Tenant().Clients.Get(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			got, err := in.Actions.PostLogin(ctx, []actions.Action{{
				ID: "a", Name: "a", Secrets: map[string]string{"ID": id, "SECRET": client.Secret}, Code: `
const { ManagementClient } = require('auth0');
exports.onExecutePostLogin = async (event, api) => {
  const m = new ManagementClient({ domain: 'localhost:1', clientId: event.secrets.ID, clientSecret: event.secrets.SECRET });
  const roles = await m.users.getRoles({ id: 'auth0|ada' });
  const refused = await m.users.delete({ id: 'auth0|ada' }).then(() => 'deleted', (e) => e.statusCode);
  const other = new ManagementClient({ domain: 'localhost:1', clientId: event.secrets.ID, clientSecret: 'x' });
  const stranger = await other.users.getRoles({ id: 'auth0|ada' }).then(() => 'let in', (e) => e.statusCode);
  api.idToken.setCustomClaim('got', [(roles.data || roles)[0].name, refused, stranger].join());
};`,
			}}, actions.PostLoginEvent{User: actions.User{UserID: "auth0|ada"}}, actions.Flow{})
			if err != nil {
				t.Fatal(err)
			}
			if claim := got.IDToken["got"]; claim != "cook,403,401" {
				t.Errorf("the script got %v", claim)
			}
		})
	}
}

// TestOpen_fails: what cannot be opened leaves nothing open.
func TestOpen_fails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "idp.yaml")
	open := func(secret string) (*config.Instance, error) {
		c, err := config.Parse(file, []byte(local), lookup("IDP_SECRET="+secret))
		if err != nil {
			t.Fatal(err)
		}
		return c.Open(t.Context(), config.Options{Development: true, Logger: slog.New(slog.DiscardHandler)})
	}
	in, err := open(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if in, err := open("another-" + good); in != nil || err == nil {
		t.Errorf("with another secret: %v, %v", in, err)
	}
	if in, err = open(good); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestProvider_signup(t *testing.T) {
	for text, want := range map[string]string{"": "", "closed": "", "confirm": "confirm", "open": "open", "openclosed": "refused", "Open": "refused"} {
		c, err := config.Parse(filepath.Join(t.TempDir(), "idp.yaml"), []byte(local), lookup())
		if err != nil {
			t.Fatal(err)
		}
		c.Signup = text
		cfg, runner, err := c.Provider(config.Options{Development: true})
		if runner != nil {
			if err := runner.Close(); err != nil {
				t.Error(err)
			}
		}
		got := string(cfg.Signup)
		if err != nil {
			got = "refused"
		}
		if got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
