package gate_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
)

// These tests hold the wire against that of Feathers 5 (dove). What is answered
// otherwise on purpose is told, row by row, in docs/guides/feathers.md.

// post logs in with a body and answers the error, if it is one.
func post(t *testing.T, w *world, target, body string, headers ...string) (status int, answer feathersError) {
	t.Helper()
	got := serve(mounted(w), http.MethodPost, target, body, append([]string{"Content-Type", asJSON}, headers...)...)
	if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %s", err, got.Body)
	}
	return got.Code, answer
}

type feathersError struct {
	Name, Message, ClassName string
	Code                     int
	Data                     map[string]any
	AccessToken              string
}

// signed is a token of the service in which something is different.
func (w *world) signed(t *testing.T, typ string, change func(*jose.Claims)) string {
	t.Helper()
	now := time.Unix(w.now.Load(), 0)
	id, err := w.sessions.Create(t.Context(), gate.Session{Subject: "7"})
	if err != nil {
		t.Fatal(err)
	}
	claims := &jose.Claims{
		Issuer: "https://gate.test", Audience: []string{"https://api.test"}, Subject: "7", ID: "j",
		IssuedAt: now, Expiry: now.Add(time.Hour), Extra: map[string]any{"sid": id},
	}
	change(claims)
	token, err := jose.Sign(w.cfg.Keys.Signing(), typ, claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func unsigned(header, payload string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	return b64([]byte(header)) + "." + b64([]byte(payload))
}

// forged is what package jose refuses to make, with a signature that is good.
func forged(header, payload string) string {
	text := unsigned(header, payload)
	mac := hmac.New(sha256.New, []byte(strings.Repeat("0123456789abcdef", 4))) // as newKeys has it
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestFeathers_tokenMessages(t *testing.T) {
	w := newWorld(t)
	good := w.token(t)
	parts := strings.Split(good, ".")
	tests := []struct {
		name, token, message string
		problem              any // data.name
	}{
		{"empty", "", "No access token", nil},
		{"two parts", "a.b", "jwt malformed", "JsonWebTokenError"},
		{"four parts", good + ".x", "jwt malformed", "JsonWebTokenError"},
		{"not base64url", "?." + parts[1] + "." + parts[2], "jwt malformed", "JsonWebTokenError"},
		{"no signature", parts[0] + "." + parts[1] + ".", "invalid signature", "JsonWebTokenError"}, // Feathers: jwt signature is required
		{"none", unsigned(`{"alg":"none","typ":"at+jwt"}`, `{"sub":"7"}`) + ".", "invalid algorithm", "JsonWebTokenError"},
		{"another algorithm", unsigned(`{"alg":"HS512","typ":"at+jwt","kid":"k1"}`, `{"sub":"7"}`) + ".AAAA", "invalid algorithm", "JsonWebTokenError"},
		{"another signature", parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])), "invalid signature", "JsonWebTokenError"},
		{"expired", w.signed(t, jose.AccessTokenType, func(c *jose.Claims) {
			c.IssuedAt, c.Expiry = c.IssuedAt.Add(-2*time.Hour), c.IssuedAt.Add(-time.Hour)
		}), "jwt expired", "TokenExpiredError"},
		{"not active", w.signed(t, jose.AccessTokenType, func(c *jose.Claims) { c.NotBefore = c.IssuedAt.Add(30 * time.Minute) }), "jwt not active", "NotBeforeError"},
		{"another audience", w.signed(t, jose.AccessTokenType, func(c *jose.Claims) { c.Audience = []string{"x"} }), "jwt audience invalid. expected: https://api.test", "JsonWebTokenError"},
		{"another issuer", w.signed(t, jose.AccessTokenType, func(c *jose.Claims) { c.Issuer = "x" }), "jwt issuer invalid. expected: https://gate.test", "JsonWebTokenError"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, got := post(t, w, "/authentication", `{"strategy":"jwt","accessToken":"`+tt.token+`"}`)
			if status != http.StatusUnauthorized || got.Name != "NotAuthenticated" || got.Message != tt.message || got.Data["name"] != tt.problem {
				t.Errorf("%d %+v, want %q and %v", status, got, tt.message, tt.problem)
			}
			when := map[any]string{"TokenExpiredError": "expiredAt", "NotBeforeError": "date"}[tt.problem]
			if text, _ := got.Data[when].(string); when != "" && !strings.HasSuffix(text, ":20.000Z") {
				t.Errorf("%s is %q", when, text)
			}
		})
	}
	if status, got := post(t, w, "/authentication", `{"strategy":"jwt","accessToken":"`+w.signed(t, jose.AccessTokenType, func(*jose.Claims) {})+`"}`); status != http.StatusCreated {
		t.Errorf("a good one: %d %+v", status, got)
	}
}

// Feathers looks at neither typ nor crit, and takes a token without exp for one
// that never ends.
func TestFeathers_typAndExpAreChecked(t *testing.T) {
	w := newWorld(t)
	const (
		header = `{"alg":"HS256","typ":"at+jwt","kid":"k1"}`
		claims = `"iss":"https://gate.test","aud":"https://api.test","sub":"7","jti":"j","sid":"s1","iat":1700000000`
	)
	w.token(t) // session s1
	if status, got := post(t, w, "/authentication", `{"strategy":"jwt","accessToken":"`+forged(header, "{"+claims+`,"exp":1700000900}`)+`"}`); status != http.StatusCreated {
		t.Fatalf("a good one: %d %+v", status, got)
	}
	for name, token := range map[string]string{
		"no exp":      forged(header, "{"+claims+"}"),
		"exp as text": forged(header, "{"+claims+`,"exp":"1700000900"}`),
		"no aud":      forged(header, strings.Replace("{"+claims+`,"exp":1700000900}`, `"aud":"https://api.test",`, "", 1)),
		"empty aud":   forged(header, strings.Replace("{"+claims+`,"exp":1700000900}`, "https://api.test", "", 1)),
		"no sub":      forged(header, strings.Replace("{"+claims+`,"exp":1700000900}`, `"sub":"7",`, "", 1)),
		"crit":        forged(`{"alg":"HS256","typ":"at+jwt","kid":"k1","crit":["x"],"x":1}`, "{"+claims+`,"exp":1700000900}`),
		"no typ":      forged(`{"alg":"HS256","kid":"k1"}`, "{"+claims+`,"exp":1700000900}`),
		"typ access":  w.signed(t, "access", func(*jose.Claims) {}),
		"typ JWT":     w.signed(t, "JWT", func(*jose.Claims) {}),
		"no session":  w.signed(t, jose.AccessTokenType, func(c *jose.Claims) { c.Extra = nil }),
		"__proto__":   w.signed(t, jose.AccessTokenType, func(c *jose.Claims) { c.Subject = "__proto__" }),
		"other user":  w.signed(t, jose.AccessTokenType, func(c *jose.Claims) { c.Subject = "8" }),
		"from future": w.signed(t, jose.AccessTokenType, func(c *jose.Claims) { c.IssuedAt = c.IssuedAt.Add(30 * time.Minute) }),
	} {
		if status, got := post(t, w, "/authentication", `{"strategy":"jwt","accessToken":"`+token+`"}`); status != http.StatusUnauthorized {
			t.Errorf("%s: %d %+v", name, status, got)
		}
	}
}

// Feathers finds its scheme anywhere in the first word, and ignores what follows
// the second.
func TestFeathers_laxHeaders(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	guarded := w.Guard("jwt").Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for header, want := range map[string]int{
		"Bearer " + token:           200,
		"bearer " + token:           200,
		"JWT " + token:              401,
		"Bearer: " + token:          401,
		"XBearerX " + token:         401,
		"Bearer " + token + " junk": 400,
		"Bearer  " + token:          400,
		"Bearer":                    400,
		token:                       401,
		"Basic " + token:            401,
	} {
		if got := serve(guarded, http.MethodGet, "/", "", "Authorization", header); got.Code != want {
			t.Errorf("%.12q: %d %s, want %d", header, got.Code, got.Body, want)
		}
	}
}

// Feathers asks the database for a user whose name is an operator, and lets in.
func TestFeathers_operatorsAreNoNames(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{
		`{"strategy":"local","email":{"$ne":null},"password":"correct horse battery"}`,
		`{"strategy":"local","email":{"$in":["ada@example.com"]},"password":"correct horse battery"}`,
		`{"strategy":"local","email":["ada@example.com"],"password":"correct horse battery"}`,
		`{"strategy":"local","email":"ada@example.com","password":{"$gte":""}}`,
		`{"strategy":{"toString":"local"},"email":"ada@example.com","password":"correct horse battery"}`,
		`{"strategy":["local"],"email":"ada@example.com","password":"correct horse battery"}`,
	} {
		if status, got := post(t, w, "/authentication", body); status != http.StatusBadRequest || got.Name != "BadRequest" {
			t.Errorf("%s: %d %+v", body, status, got)
		}
	}
}

// Feathers passes the query on to the users, and what a client writes into
// payload or params is none of its business either.
func TestFeathers_onlyTheCredentialsCount(t *testing.T) {
	w := newWorld(t)
	body := `{"strategy":"local","email":"ada@example.com","password":"correct horse battery","payload":{"roles":["admin"]},"subject":"8","params":{"authenticated":true}}`
	status, got := post(t, w, "/authentication?email=eve@example.com&$select=password", body, "Authorization", "Bearer of.bad.news")
	if status != http.StatusCreated {
		t.Fatalf("%d %+v", status, got)
	}
	claims, err := w.VerifyAccessToken(t.Context(), got.AccessToken)
	if err != nil || claims.Subject != "7" || claims.Extra["roles"] != nil {
		t.Errorf("claims %+v, %v", claims, err)
	}
}

// Feathers answers 404 for a token whose user is gone.
func TestFeathers_deletedUserIs401(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	w.accounts.mu.Lock()
	delete(w.accounts.byName, ada)
	w.accounts.mu.Unlock()
	guarded := w.Guard("jwt").Protect(http.NotFoundHandler())
	if got := serve(guarded, http.MethodGet, "/", "", "Authorization", "Bearer "+token); got.Code != http.StatusUnauthorized {
		t.Errorf("guard: %d %s", got.Code, got.Body)
	}
	if status, got := post(t, w, "/authentication", `{"strategy":"jwt","accessToken":"`+token+`"}`); status != http.StatusUnauthorized {
		t.Errorf("create: %d %+v", status, got)
	}
}

// Feathers answers 500 for a DELETE with a token in its path and none in its
// header, and revokes nothing.
func TestFeathers_remove(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	h := mounted(w)
	got := serve(h, http.MethodDelete, "/authentication/"+token, "")
	checkError(t, got.Result(), got.Body.Bytes(), http.StatusUnauthorized)
	if got = serve(h, http.MethodDelete, "/authentication", "", "Authorization", "Bearer "+token); got.Code != http.StatusOK {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	if _, err := w.VerifyAccessToken(t.Context(), token); err == nil {
		t.Error("the token works on")
	}
}

// Feathers answers 500 for broken, empty and large bodies, and logs in by forms
// that any site can make a browser send.
func TestFeathers_bodies(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		body, media string
		status      int
		name        string
	}{
		"broken": {`{"strategy":`, asJSON, 400, "BadRequest"},
		"null":   {`null`, asJSON, 400, "BadRequest"},
		"list":   {`[]`, asJSON, 400, "BadRequest"},
		"large":  {`{"strategy":"local","x":"` + strings.Repeat("x", 1<<20) + `"}`, asJSON, 413, "PayloadTooLarge"},
		"form":   {"strategy=local", "application/x-www-form-urlencoded", 415, "UnsupportedMediaType"},
		"text":   {loginBody(ada, adasPassword), "text/plain", 415, "UnsupportedMediaType"},
	} {
		t.Run(name, func(t *testing.T) {
			got := serve(mounted(w), http.MethodPost, "/authentication", tt.body, "Content-Type", tt.media)
			checkError(t, got.Result(), got.Body.Bytes(), tt.status)
			if !strings.Contains(got.Body.String(), `"name":"`+tt.name+`"`) {
				t.Errorf("%s, want %s", got.Body, tt.name)
			}
		})
	}
}

func TestFeathers_nobodyMayLogIn(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) { c.AuthStrategies = nil })
	status, got := post(t, w, "/authentication", loginBody(ada, adasPassword))
	if want := "No authentication strategies allowed for creating a JWT (`authStrategies`)"; status != http.StatusUnauthorized || got.Message != want {
		t.Errorf("%d %+v, want %q", status, got, want)
	}
}

// Events are about what happens from outside, and tell of re-authentication too.
func TestFeathers_events(t *testing.T) {
	w := newWorld(t)
	var told []string
	note := func(kind string) func(context.Context, *gate.Event) error {
		return func(_ context.Context, e *gate.Event) error {
			told = append(told, kind+" "+e.Result.Authentication.Strategy)
			return nil
		}
	}
	w.OnLoginMust(note("login"))
	w.OnLogoutMust(note("logout"))
	token := w.token(t) // from inside
	if _, err := w.Remove(t.Context(), "", bearer(token)); err != nil {
		t.Fatal(err)
	}
	_, result := post(t, w, "/authentication", loginBody(ada, adasPassword))
	post(t, w, "/authentication", `{"strategy":"jwt","accessToken":"`+result.AccessToken+`"}`)
	post(t, w, "/authentication", loginBody(ada, "wrong"))
	serve(mounted(w), http.MethodDelete, "/authentication", "", "Authorization", "Bearer "+result.AccessToken)
	if want := []string{"login local", "login jwt", "logout jwt"}; !slices.Equal(told, want) {
		t.Errorf("events %q, want %q", told, want)
	}
}
