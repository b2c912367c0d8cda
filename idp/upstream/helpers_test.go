package upstream_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/jose"
)

const (
	issuer   = "https://op.test"
	callback = "https://id.test/login/callback/op"
	clientID = "client-7a1"
	password = "k8Jd02-sLqPz55tRvWx"
)

func noon() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// An internet answers requests by their URLs without query.
type internet struct {
	mu    sync.Mutex
	pages map[string]http.HandlerFunc
	asked []string
	forms []url.Values
	heads []http.Header
}

func (n *internet) RoundTrip(r *http.Request) (*http.Response, error) {
	at := r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
	n.mu.Lock()
	page := n.pages[at]
	n.asked = append(n.asked, r.Method+" "+at)
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil {
			n.mu.Unlock()
			return nil, err
		}
		n.forms = append(n.forms, r.PostForm)
	}
	n.heads = append(n.heads, r.Header)
	n.mu.Unlock()
	if page == nil {
		return nil, fmt.Errorf("no route to %s", at)
	}
	w := httptest.NewRecorder()
	page(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func (n *internet) count(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(n.asked), func(s string) bool { return s != what }))
}

func (n *internet) form(t *testing.T) url.Values {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.forms) == 0 {
		t.Fatal("no form was sent")
	}
	return n.forms[len(n.forms)-1]
}

func says(status int, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if text, ok := body.(string); ok {
			w.WriteHeader(status)
			fmt.Fprint(w, text)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
}

// An op is an OpenID provider whose every word a test can change.
type op struct {
	*internet
	issuer string
	key    *jose.Key
	signer *jose.Key      // of ID tokens, instead of key
	typ    string         // of ID tokens
	aud    []string       // of ID tokens
	iss    string         // of ID tokens, instead of issuer
	sub    string         // of ID tokens
	expiry time.Duration  // of ID tokens, from noon
	extra  map[string]any // further claims; nil removes one
	token  http.HandlerFunc
	raw    string // ID token, instead of a signed one
	tokens map[string]any
	nonce  string
}

func newKey(t *testing.T, kid string, alg jose.Algorithm) *jose.Key {
	t.Helper()
	k, err := jose.GenerateKey(kid, alg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newOP(t *testing.T) *op {
	o := &op{
		internet: &internet{pages: make(map[string]http.HandlerFunc)}, issuer: issuer, key: newKey(t, "k1", jose.ES256),
		typ: "JWT", aud: []string{clientID}, sub: "u-1", expiry: time.Hour, extra: make(map[string]any), tokens: make(map[string]any),
	}
	o.pages[issuer+"/.well-known/openid-configuration"] = says(http.StatusOK, o.metadata())
	o.serve(issuer+"/token", issuer+"/keys")
	return o
}

func (o *op) metadata() map[string]any {
	return map[string]any{
		"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
		"jwks_uri": issuer + "/keys", "end_session_endpoint": issuer + "/logout",
	}
}

// serve lets the token endpoint and the keys of o be at these URLs.
func (o *op) serve(token, keys string) {
	o.pages[token] = func(w http.ResponseWriter, r *http.Request) {
		if o.token != nil {
			o.token(w, r)
			return
		}
		says(http.StatusOK, o.answer())(w, r)
	}
	o.pages[keys] = func(w http.ResponseWriter, r *http.Request) {
		jwk, err := json.Marshal(o.key)
		if err != nil {
			panic(err)
		}
		says(http.StatusOK, `{"keys":[`+string(jwk)+`]}`)(w, r)
	}
}

func (o *op) answer() map[string]any {
	body := map[string]any{"access_token": "at-4711-secret", "token_type": "Bearer", "expires_in": 300, "refresh_token": "rt-4711-secret", "id_token": o.idToken()}
	maps.Copy(body, o.tokens)
	return body
}

func (o *op) idToken() string {
	if o.raw != "" {
		return o.raw
	}
	claims := &jose.Claims{
		Issuer: o.issuer, Subject: o.sub, Audience: o.aud, IssuedAt: noon(), Expiry: noon().Add(o.expiry),
		Extra: map[string]any{"nonce": o.nonce},
	}
	if o.iss != "" {
		claims.Issuer = o.iss
	}
	for name, value := range o.extra {
		if claims.Extra[name] = value; value == nil {
			delete(claims.Extra, name)
		}
	}
	key := o.key
	if o.signer != nil {
		key = o.signer
	}
	raw, err := jose.Sign(key, o.typ, claims)
	if err != nil {
		panic(err)
	}
	return raw
}

func connect(t *testing.T, n http.RoundTripper, change func(*upstream.Config)) *upstream.Connection {
	t.Helper()
	cfg := upstream.Config{
		Name: "op", Strategy: upstream.OIDC, ClientID: clientID, ClientSecret: password, Issuer: issuer, Transport: n, Now: noon,
	}
	if change != nil {
		change(&cfg)
	}
	c, err := upstream.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// preset is a connection that has nothing but what its strategy knows.
func preset(strategy string) func(*upstream.Config) {
	return func(cfg *upstream.Config) { cfg.Strategy, cfg.Name, cfg.Issuer = strategy, "c1", "" }
}

func start(t *testing.T, c *upstream.Connection, req upstream.StartRequest) (url.Values, upstream.Pending) {
	t.Helper()
	if req.RedirectURI == "" {
		req.RedirectURI = callback
	}
	to, p, err := c.Start(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query(), p
}

func good(p *upstream.Pending) url.Values {
	return url.Values{"code": {"c0de"}, "state": {p.State}}
}

// logIn starts and finishes a log-in with o.
func (o *op) logIn(t *testing.T, c *upstream.Connection) (*upstream.Profile, error) {
	t.Helper()
	_, p := start(t, c, upstream.StartRequest{})
	o.nonce = p.Nonce
	return c.Finish(t.Context(), p, good(&p))
}

// wants checks that an error has one reason and no other.
func wants(t *testing.T, err error, reason upstream.Reason) {
	t.Helper()
	for _, r := range []upstream.Reason{
		upstream.ErrDenied, upstream.ErrExpired, upstream.ErrInvalid, upstream.ErrNotAllowed, upstream.ErrRefused, upstream.ErrUnavailable,
	} {
		if got := errors.Is(err, r); got != (r == reason) {
			t.Errorf("%v: it is %q: %v", err, r, got)
		}
	}
	if err != nil && (strings.Contains(err.Error(), "4711-secret") || strings.Contains(err.Error(), password)) {
		t.Errorf("%v: a secret in an error", err)
	}
}
