package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/strategy/local"
)

func TestNew_refuses(t *testing.T) {
	keys := newKeys(t)
	good := gate.Config{Keys: keys, Issuer: "i", Audience: []string{"a"}}
	if _, err := gate.New(good); err != nil {
		t.Fatalf("a good configuration: %v", err)
	}
	for name, change := range map[string]func(*gate.Config){
		"no issuer":           func(c *gate.Config) { c.Issuer = "" },
		"no audience":         func(c *gate.Config) { c.Audience = nil },
		"empty audience":      func(c *gate.Config) { c.Audience = []string{"a", ""} },
		"no keys":             func(c *gate.Config) { c.Keys = nil },
		"negative life":       func(c *gate.Config) { c.ExpiresIn = -time.Hour },
		"life below a second": func(c *gate.Config) { c.ExpiresIn = time.Millisecond },
		"entity taken":        func(c *gate.Config) { c.Entity = "accessToken" },
		"strategy twice":      func(c *gate.Config) { c.AuthStrategies = []string{"jwt", "jwt"} },
		"strategy unnamed":    func(c *gate.Config) { c.ParseStrategies = []string{""} },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			change(&cfg)
			if svc, err := gate.New(cfg); err == nil || svc != nil {
				t.Errorf("got %v, %v", svc, err)
			}
		})
	}
}

func TestSetup_refuses(t *testing.T) {
	for name, cfg := range map[string]gate.Config{
		"auth strategy unknown":  {AuthStrategies: []string{"nope"}, Keys: newKeys(t), Issuer: "i", Audience: []string{"a"}},
		"parse strategy unknown": {ParseStrategies: []string{"nope"}},
		"parse strategy blind":   {ParseStrategies: []string{"blind"}},
		"log in without keys":    {AuthStrategies: []string{"blind"}},
	} {
		t.Run(name, func(t *testing.T) {
			svc, err := gate.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if err := svc.Register("blind", strategyFunc(nil)); err != nil {
				t.Fatal(err)
			}
			if err := svc.Setup(); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestRegister(t *testing.T) {
	w := newWorld(t)
	if diff := cmp.Diff([]string{"jwt", "local", "basic"}, w.Strategies()); diff != "" {
		t.Error(diff)
	}
	if _, ok := w.Strategy("local").(*local.Strategy); !ok {
		t.Errorf("strategy %T", w.Strategy("local"))
	}
	if st := w.Strategy("nope"); st != nil {
		t.Errorf("strategy %T under a name that is not registered", st)
	}
	if err := w.Register("bad", local.New(nil, nil, local.Config{})); err == nil {
		t.Error("a strategy that refuses its configuration was registered")
	}
	if slices.Contains(w.Strategies(), "bad") {
		t.Error("it is listed nevertheless")
	}
}

func TestConfiguration(t *testing.T) {
	w := newWorld(t)
	got := w.Configuration()
	if got.ExpiresIn != gate.DefaultExpiresIn || got.Entity != "user" {
		t.Errorf("defaults are missing: %v %q", got.ExpiresIn, got.Entity)
	}
	got.Audience[0], got.AuthStrategies[0], got.ParseStrategies[0] = "x", "x", "x"
	w.cfg.Audience[0] = "y"
	if again := w.Configuration(); again.Audience[0] != "https://api.test" || again.AuthStrategies[0] != "jwt" || again.ParseStrategies[0] != "jwt" {
		t.Errorf("the service shares memory with its callers: %v", again)
	}
}

func TestConfigure(t *testing.T) {
	w := newWorld(t)
	next := w.Configuration()
	next.AuthStrategies = []string{"jwt"}
	next.Entity = "account"
	if err := w.Configure(next); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Create(t.Context(), login()); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("local is no longer allowed, got %v", err)
	}
	if got := w.Configuration().Entity; got != "account" {
		t.Errorf("entity %q", got)
	}
	for name, change := range map[string]func(*gate.Config){
		"incomplete":       func(c *gate.Config) { c.Issuer = "" },
		"unknown strategy": func(c *gate.Config) { c.AuthStrategies = []string{"nope"} },
	} {
		bad := w.Configuration()
		change(&bad)
		if err := w.Configure(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if diff := cmp.Diff([]string{"jwt"}, w.Configuration().AuthStrategies); diff != "" {
		t.Errorf("a refused configuration is in force: %s", diff)
	}
}

func TestConfigure_whileServing(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if _, err := w.Authenticate(t.Context(), bearer(token)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 50 {
		if err := w.Configure(w.Configuration()); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

func TestServices_sideBySide(t *testing.T) {
	one := newWorld(t)
	two := newWorld(t, func(c *gate.Config) { c.Issuer = "https://other.test" })
	if _, err := two.VerifyAccessToken(t.Context(), one.token(t)); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("a token of the other service: %v", err)
	}
}

func TestAuthenticate_names(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	basic := gate.Credentials{Strategy: "basic", Fields: map[string]any{"username": ada, "password": adasPassword}}
	for _, tt := range []struct {
		name  string
		c     gate.Credentials
		names []string
		want  string
	}{
		{"default", bearer(token), nil, ""},
		{"named", basic, []string{"basic"}, ""},
		{"not in the default", basic, nil, "Invalid authentication information (strategy not allowed in authStrategies)"},
		{"not named", bearer(token), []string{"local"}, "Invalid authentication information (strategy not allowed in authStrategies)"},
		{"named, not registered", gate.Credentials{Strategy: "nope"}, []string{"nope"}, "Invalid authentication information"},
		{"none", gate.Credentials{}, nil, "Invalid authentication information (no `strategy` set)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := w.Authenticate(t.Context(), tt.c, tt.names...)
			if tt.want == "" {
				if err != nil || p.Subject != "7" || p.Strategy != tt.c.Strategy || !p.HasPermission("cook:items") {
					t.Errorf("%v %v", p, err)
				}
				return
			}
			if p != nil || err == nil || err.Error() != tt.want || !errors.Is(err, gate.ErrNotAuthenticated) {
				t.Errorf("%v %v", p, err)
			}
		})
	}
}

func TestCreate_nobodyMay(t *testing.T) {
	w := newWorld(t)
	_, err := w.Create(t.Context(), login(), gate.WithStrategies())
	if !errors.Is(err, gate.ErrNotAuthenticated) || !strings.Contains(err.Error(), "No authentication strategies allowed") {
		t.Errorf("got %v", err)
	}
}

func TestCreate_payload(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) {
		c.Payload = func(_ context.Context, p *gate.Principal) (map[string]any, error) {
			return map[string]any{"roles": p.Roles, "tenant": "a"}, nil
		}
		c.TokenOptions = func(context.Context, *gate.Principal) (gate.TokenOptions, error) {
			return gate.TokenOptions{ExpiresIn: time.Minute}, nil
		}
	})
	result, err := w.Create(t.Context(), login(), gate.WithPayload(map[string]any{"tenant": "b"}))
	if err != nil {
		t.Fatal(err)
	}
	claims := result.Authentication.Payload
	if claims.Extra["tenant"] != "b" || claims.Expiry.Sub(claims.IssuedAt) != time.Minute || claims.Subject != "7" {
		t.Errorf("claims %+v", claims)
	}
	if _, err := w.VerifyAccessToken(t.Context(), result.AccessToken); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid"} {
		before := w.sessions.count()
		if _, err := w.Create(t.Context(), login(), gate.WithPayload(map[string]any{name: "x"})); err == nil {
			t.Errorf("the payload sets %s", name)
		}
		if w.sessions.count() != before {
			t.Errorf("%s: a session is left of a login that failed", name)
		}
	}
}

// TestCreateAccessToken_shortLife: claims count whole seconds, so that a shorter
// life would be none.
func TestCreateAccessToken_shortLife(t *testing.T) {
	w := newWorld(t)
	for life, good := range map[time.Duration]bool{time.Millisecond: false, 999 * time.Millisecond: false, time.Second: true} {
		before := w.sessions.count()
		_, _, err := w.CreateAccessToken(t.Context(), nil, gate.TokenOptions{Subject: "7", ExpiresIn: life})
		if (err == nil) != good || !good && w.sessions.count() != before {
			t.Errorf("a life of %v: %v, %d sessions more", life, err, w.sessions.count()-before)
		}
	}
}

func TestCreate_faultsOfFunctions(t *testing.T) {
	fault := errors.New("disk on fire")
	for name, change := range map[string]func(*gate.Config){
		"payload": func(c *gate.Config) {
			c.Payload = func(context.Context, *gate.Principal) (map[string]any, error) { return nil, fault }
		},
		"options": func(c *gate.Config) {
			c.TokenOptions = func(context.Context, *gate.Principal) (gate.TokenOptions, error) { return gate.TokenOptions{}, fault }
		},
		"entity": func(c *gate.Config) {
			c.LoadEntity = func(context.Context, *gate.Principal) (any, error) { return nil, fault }
		},
		"permissions": func(c *gate.Config) { c.Permissions = func([]string) []string { panic("oops") } },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, change)
			if result, err := w.Create(t.Context(), login()); result != nil || !errors.Is(err, gate.ErrUnavailable) {
				t.Errorf("got %v, %v", result, err)
			}
			if w.sessions.count() != 0 {
				t.Error("a session is left")
			}
		})
	}
}

// TestLOG09_newSession logs in twice: each login has a session of its own.
func TestLOG09_newSession(t *testing.T) {
	w := newWorld(t)
	ctx := gate.ContextWithClient(t.Context(), gate.Client{UserAgent: "curl"})
	one, err := w.Create(ctx, login())
	if err != nil {
		t.Fatal(err)
	}
	two, err := w.Create(ctx, login())
	if err != nil {
		t.Fatal(err)
	}
	a, b := one.Authentication.Payload.Extra["sid"], two.Authentication.Payload.Extra["sid"]
	if a == b || one.AccessToken == two.AccessToken || one.Authentication.Payload.ID == two.Authentication.Payload.ID {
		t.Errorf("sessions %v and %v", a, b)
	}
	want := gate.Session{
		Subject: "7", Entity: "user", Strategy: "local", Client: gate.Client{UserAgent: "curl"},
		AuthenticatedAt: time.Unix(1_700_000_000, 0), ExpiresAt: time.Unix(1_700_000_900, 0),
	}
	if got := w.sessions.open["s1"]; got != want {
		t.Errorf("session %+v", got)
	}
}

func TestRemove(t *testing.T) {
	w := newWorld(t)
	token, other := w.token(t), w.token(t)
	result, err := w.Remove(t.Context(), token, bearer(token))
	if err != nil || result.AccessToken != token || result.Entity != (user{"7", ada}) {
		t.Fatalf("%v %v", result, err)
	}
	if _, err := w.VerifyAccessToken(t.Context(), token); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("the token lives: %v", err)
	}
	if _, err := w.VerifyAccessToken(t.Context(), other); err != nil {
		t.Errorf("the other session ended as well: %v", err)
	}
	if _, err := w.Remove(t.Context(), other, login()); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("a token ended with a password: %v", err)
	}
}

func TestVerifyAccessToken(t *testing.T) {
	w := newWorld(t)
	sign := func(o gate.TokenOptions) string {
		t.Helper()
		if o.Subject == "" {
			o.Subject = "7"
		}
		token, claims, err := w.CreateAccessToken(t.Context(), map[string]any{"x": 1}, o)
		if err != nil {
			t.Fatal(err)
		}
		if claims.ID == "" || claims.Extra["x"] != 1 {
			t.Errorf("claims %+v", claims)
		}
		return token
	}
	good := sign(gate.TokenOptions{})
	stateless := newWorld(t, func(c *gate.Config) { c.Sessions = nil }).token(t)
	for name, tt := range map[string]struct{ token, message string }{
		"empty":              {"", "jwt malformed"},
		"garbage":            {"a.b", "jwt malformed"},
		"signature":          {good[:len(good)-4] + "AAAA", "invalid signature"},
		"session unknown":    {sign(gate.TokenOptions{SessionID: "s99"}), "jwt session ended"},
		"session of another": {sign(gate.TokenOptions{SessionID: "s1", Subject: "8"}), "jwt session ended"},
		"no session":         {stateless, "jwt without a session"},
		"audience":           {sign(gate.TokenOptions{Audience: []string{"other"}}), "jwt audience invalid. expected: https://api.test"},
	} {
		t.Run(name, func(t *testing.T) {
			claims, err := w.VerifyAccessToken(t.Context(), tt.token)
			var refusal *gate.AuthError
			if claims != nil || !errors.As(err, &refusal) || refusal.Code != gate.ErrNotAuthenticated || refusal.Message != tt.message {
				t.Errorf("%v %v", claims, err)
			}
			if err != nil && tt.token != "" && strings.Contains(err.Error(), tt.token) {
				t.Error("the error shows the token")
			}
		})
	}
	if _, err := w.VerifyAccessToken(t.Context(), good); err != nil {
		t.Fatalf("a good token: %v", err)
	}
	w.now.Add(int64(time.Hour / time.Second))
	if _, err := w.VerifyAccessToken(t.Context(), good); err == nil || !strings.HasPrefix(err.Error(), "jwt expired") {
		t.Errorf("an hour later: %v", err)
	}
}

func TestCreateAccessToken_refuses(t *testing.T) {
	w := newWorld(t)
	for name, o := range map[string]gate.TokenOptions{
		"no subject": {}, "dead already": {Subject: "7", ExpiresIn: -time.Second},
	} {
		if token, _, err := w.CreateAccessToken(t.Context(), nil, o); err == nil || token != "" {
			t.Errorf("%s: %q %v", name, token, err)
		}
	}
	payload := map[string]any{"x": 1}
	if _, _, err := w.CreateAccessToken(t.Context(), payload, gate.TokenOptions{Subject: "7"}); err != nil || len(payload) != 1 {
		t.Errorf("%v, payload now %v", err, payload)
	}
	bare, err := gate.New(gate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := bare.CreateAccessToken(t.Context(), nil, gate.TokenOptions{Subject: "7"}); err == nil {
		t.Error("a service without keys made a token")
	}
	if _, err := bare.VerifyAccessToken(t.Context(), "a.b.c"); !errors.Is(err, gate.ErrUnavailable) {
		t.Errorf("a service without keys judged a token: %v", err)
	}
}

func TestParse(t *testing.T) {
	w := newWorld(t)
	r := basicRequest(adasPassword)
	if _, found, err := w.Parse(r); found || err != nil {
		t.Errorf("basic is not among the parse strategies: %v %v", found, err)
	}
	c, found, err := w.Parse(r, "nope", "local", "jwt", "basic")
	if !found || err != nil || c.Strategy != "basic" {
		t.Errorf("%v %v %v", c, found, err)
	}
}

// TestOPS_nothingPrintsSecrets prints everything that holds a secret in every
// way there is.
func TestOPS_nothingPrintsSecrets(t *testing.T) {
	w := newWorld(t)
	c := login()
	c.SetText("email", ada)
	c.SetText("password", adasPassword)
	result, err := w.Create(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	jwtResult, err := w.Create(t.Context(), bearer(result.AccessToken))
	if err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "c", c, "cp", &c, "r", result, "rv", *result, "a", jwtResult.Authentication)
	text := log.String()
	for _, v := range []any{c, &c, *result, result, jwtResult, jwtResult.Authentication, []any{c, result}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t"} {
			text += fmt.Sprintf(verb, v)
		}
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	text += string(encoded) + w.log.String()
	for _, secret := range []string{adasPassword, result.AccessToken} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is shown in %s", secret, text)
		}
	}
}

func TestCreate_logsRefusals(t *testing.T) {
	w := newWorld(t)
	_, _ = w.Create(t.Context(), gate.Credentials{Strategy: "evil\nname"})
	bad := login()
	bad.Fields["password"] = "wrong"
	_, _ = w.Create(t.Context(), bad)
	if n := strings.Count(w.log.String(), "login refused"); n != 2 {
		t.Errorf("%d refusals logged:\n%s", n, w.log.String())
	}
	if strings.Contains(w.log.String(), "evil") {
		t.Error("the log repeats what strangers send")
	}
}

// TestJWT08_kinds presents tokens of other kinds that the same key signed.
func TestJWT08_kinds(t *testing.T) {
	w := newWorld(t)
	good, err := w.Create(t.Context(), login())
	if err != nil {
		t.Fatal(err)
	}
	h := w.Guard("jwt").Protect(whoami)
	for typ, want := range map[string]int{
		"at+jwt": 200, "application/at+jwt": 200, "AT+JWT": 200,
		"JWT": 401, "access": 401, "logout+jwt": 401, "dpop+jwt": 401, "secevent+jwt": 401, "id+jwt": 401, "reset+jwt": 401,
	} {
		token, err := jose.Sign(w.cfg.Keys.Signing(), typ, good.Authentication.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if got := serve(h, http.MethodGet, "/", "", "Authorization", "Bearer "+token); got.Code != want {
			t.Errorf("%s: %d, want %d: %s", typ, got.Code, want, got.Body)
		}
	}
}

func TestCredentials_text(t *testing.T) {
	var c gate.Credentials
	if v, err := c.Text(""); v != "" || err != nil {
		t.Errorf("no name: %q %v", v, err)
	}
	c.Fields = map[string]any{"a": 1}
	for _, name := range []string{"a", "b", "c", "a"} {
		c.SetText(name, name+"!")
	}
	for _, name := range []string{"a", "b", "c"} {
		if v, err := c.Text(name); v != name+"!" || err != nil {
			t.Errorf("%s: %q %v", name, v, err)
		}
	}
	if v, err := c.Text("d"); v != "" || err != nil {
		t.Errorf("absent: %q %v", v, err)
	}
}

// TestLOG16_sessionsConfused has a session store whose failure looks like a
// refusal.
func TestLOG16_sessionsConfused(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	for _, fault := range []error{gate.ErrNotAuthenticated, gate.ErrForbidden, context.Canceled} {
		w.sessions.fail(fault)
		if claims, err := w.VerifyAccessToken(t.Context(), token); claims != nil || !errors.Is(err, gate.ErrUnavailable) {
			t.Errorf("%v: got %v, %v", fault, claims, err)
		}
	}
}

// TestCreate_unsignable logs in with claims that no token holds.
func TestCreate_unsignable(t *testing.T) {
	w := newWorld(t)
	for name, value := range map[string]any{"too large": strings.Repeat("x", 9000), "no JSON": make(chan int)} {
		result, err := w.Create(t.Context(), login(), gate.WithPayload(map[string]any{"x": value}))
		if result != nil || err == nil || errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("%s: %v, %v", name, result, err)
		}
		if w.sessions.count() != 0 {
			t.Errorf("%s: a session is left of a login that failed", name)
		}
	}
}

// abroad recognises what somebody else issued.
type abroad struct{ gate.Strategy }

func (abroad) Authenticate(context.Context, gate.Credentials) (*gate.Principal, error) {
	return &gate.Principal{Subject: "7", Issuer: "https://elsewhere.test"}, nil
}

func TestRemove_issuedElsewhere(t *testing.T) {
	w := newWorld(t)
	if err := w.Register("abroad", abroad{}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Remove(t.Context(), "", gate.Credentials{Strategy: "abroad"}, gate.WithStrategies("abroad"))
	if !errors.Is(err, gate.ErrBadRequest) {
		t.Errorf("Remove = %v: the token works on, and it was not said", err)
	}
}
