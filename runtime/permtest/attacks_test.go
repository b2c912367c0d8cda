package permtest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/permtest"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/strategy/apikey"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

// trusting believes what a token says.
type trusting struct {
	*jwt.Strategy

	auth *auth.Auth
}

func (trusting) Parse(r *http.Request) (c gate.Credentials, found bool, err error) {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	c.SetText("token", token)
	return c, found, nil
}

func (t trusting) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	token, err := c.Text("token")
	if err != nil {
		return nil, err
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, gate.ErrNotAuthenticated
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, gate.ErrNotAuthenticated
	}
	var claims struct{ Sub string }
	if err := json.Unmarshal(raw, &claims); err != nil {
		return nil, gate.ErrNotAuthenticated
	}
	return t.auth.Accounts().Subject(ctx, claims.Sub)
}

// telling tells who has no account.
type telling struct{ *local.Strategy }

func (s telling) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	if name, err := c.Text("email"); err == nil && strings.HasPrefix(name, "x") {
		return nil, &gate.AuthError{Code: gate.ErrInvalidCredentials, Message: "There is no such account"}
	}
	return s.Strategy.Authenticate(ctx, c)
}

func bearer(a *auth.Auth) *jwt.Strategy {
	return jwt.New(a.Service(), a.Accounts(), jwt.Config{Realm: "shop"})
}

// TestRun_attacks finds a service that takes tokens of anybody, that tells who has an
// account, and that lets keys do what their account may.
func TestRun_attacks(t *testing.T) {
	long(t)
	src := strings.NewReplacer(", apis: [rest, graphql]", "", "auth-jwt: {}", "auth-jwt: {}, auth-apikey: {}").Replace(market)
	for name, tt := range map[string]struct {
		strategies func(*auth.Auth) error
		want       []string
	}{
		"tokens": {func(a *auth.Auth) error {
			return errors.Join(a.Register("jwt", trusting{bearer(a), a}), a.Register("local", passwords(a)))
		}, []string{
			"anonymous · attack · token: want 401, got 200 (without a signature)",
			"anonymous · attack · token: want 401, got 200 (signed with the secret of an example)",
		}},
		"log-in": {func(a *auth.Auth) error {
			return errors.Join(a.Register("jwt", bearer(a)), a.Register("local", telling{passwords(a)}))
		}, []string{"anonymous · attack · log-in: tells who has an account: 401 "}},
		"keys": {func(a *auth.Auth) error {
			everything := apikey.KeysFunc(func(ctx context.Context, text string) (apikey.Key, error) {
				k, err := a.APIKeys().Find(ctx, text)
				k.Scopes = []string{"*", gate.ScopeOwner, "signed-in"}
				return k, err
			})
			return errors.Join(tokens(a), a.Register("apikey", apikey.New(everything, a.Accounts(), apikey.Config{Entity: a.EntityKey()})))
		}, []string{
			"key for nothing · list · User · rest: want 403, got 200", "key for nothing · view · User · rest: want 403, got 200",
			"key for signed-in · update · Order · rest: want 403, got 200", "key for view:users · list · User · rest: want 403, got 200",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, src)
			s.change = func(out *server.Service) {
				if name == "keys" {
					out.Auth.APIKeys = &auth.APIKeys{}
				}
				out.Auth.Strategies = tt.strategies
			}
			got := wrong(t, s, func(c *permtest.Config) {
				c.Except = map[string]string{}
				for _, caller := range []string{"signed-in", "customer", "clerk", "ghost", "anonymous · list", "anonymous · view", "anonymous · create", "anonymous · update", "anonymous · delete"} {
					c.Except[caller] = "nothing is changed for them"
				}
			})
			for _, w := range tt.want {
				if !slices.ContainsFunc(got, func(f string) bool { return strings.HasPrefix(f, w) }) {
					t.Errorf("nothing begins with %q:\n%s", w, strings.Join(got, "\n"))
				}
			}
		})
	}
}
