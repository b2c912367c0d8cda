package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

const (
	issuer     = "http://localhost:3001/"
	callback   = "https://app.example/callback"
	machine    = "machineClient000000000000000000a"
	spa        = "spaClient0000000000000000000000a"
	secretText = "Xq3vB7nM1kT9wZ5yR2uP8sL4jH6gF0dCa"
	password   = "Tin-Otter-Marsh-41"
	connection = "Username-Password-Authentication"
	verifier   = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

// requestLimit is the setting of this name in idp.yaml: all that is measured comes
// from one network, and the limit is counted for each request as anywhere.
const requestLimit = 1_000_000

// A world is a provider with a few objects.
type world struct {
	*idp.Provider
	db *store.DB
}

type nobody struct{}

func (nobody) Send(context.Context, mail.Message) error { return nil }

// open opens a provider over a file. With full each commit waits for the disk.
func open(file string, full bool) (*world, error) {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, file, sqlite.Config{SyncFull: full})
	if err != nil {
		return nil, err
	}
	p, err := idp.Open(ctx, db, idp.Config{
		Issuer: issuer, Secret: []byte(strings.Repeat("s", 32)), Mail: nobody{}, Signup: idp.SignupOpen,
		RequestLimit: requestLimit, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &world{p, db}, nil
}

func (w *world) close() error {
	return errors.Join(w.Close(context.Background()), w.db.Close())
}

// api makes an API that signs with this algorithm, and lets the machine have
// tokens for it.
func (w *world) api(alg jose.Algorithm) error {
	ctx, k := context.Background(), w.Tenant()
	name := audience(alg)
	return errors.Join(
		k.APIs.Create(ctx, &tenant.API{
			ID: tenant.NewSubject(), Name: string(alg), Identifier: name, SigningAlg: string(alg), AllowOfflineAccess: true, SkipConsent: true,
			Scopes: []tenant.APIScope{{Value: "read:items"}},
		}),
		k.Grants.Create(ctx, &tenant.ClientGrant{ID: "cgr_" + string(alg), ClientID: machine, Audience: name, Scope: []string{"read:items"}}),
	)
}

// seed makes clients and one user.
func (w *world) seed() error {
	ctx, k := context.Background(), w.Tenant()
	hash, err := w.HashPassword(ctx, password)
	if err != nil {
		return err
	}
	return errors.Join(
		k.Clients.Create(ctx, &tenant.Client{
			ID: machine, Secret: secretText, Name: "Machine", AppType: tenant.NonInteractive, FirstParty: true, AuthMethod: tenant.AuthPost,
			GrantTypes: []string{"client_credentials"},
		}),
		k.Clients.Create(ctx, &tenant.Client{
			ID: spa, Name: "SPA", AppType: tenant.SPA, FirstParty: true, AuthMethod: tenant.AuthNone, OIDCConformant: true,
			GrantTypes: []string{"authorization_code", "refresh_token"}, Callbacks: []string{callback},
		}),
		k.Connections.Create(ctx, &tenant.Connection{ID: "con_1", Name: connection, Strategy: tenant.Database, EnabledClients: []string{spa}}),
		k.CreateUser(ctx, &tenant.User{Email: "ada@example.com", EmailVerified: true, Identities: []tenant.Identity{{
			Connection: connection, Provider: tenant.Database, UserID: tenant.NewSubject(), Email: "ada@example.com", PasswordHash: hash,
		}}}),
		w.api(jose.RS256), w.api(jose.ES256),
	)
}

// An answer is what the provider answered.
type answer struct {
	*http.Response
	body []byte
}

// call calls the provider. Cookies are those of jar, which takes new ones.
func (w *world) call(method, target string, form url.Values, jar map[string]string) answer {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, strings.TrimSuffix(issuer, "/")+target, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	res := rec.Result()
	if jar != nil {
		for _, c := range res.Cookies() {
			if jar[c.Name] = c.Value; c.MaxAge < 0 {
				delete(jar, c.Name)
			}
		}
	}
	return answer{res, rec.Body.Bytes()}
}

// token asks the token endpoint.
func (w *world) token(form url.Values) (map[string]any, error) {
	a := w.call(http.MethodPost, "/oauth/token", form, nil)
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("token endpoint: %s %s", a.Status, a.body)
	}
	out := map[string]any{}
	return out, json.Unmarshal(a.body, &out)
}

// A sink is a ResponseWriter that keeps the status and the body alone.
type sink struct {
	header http.Header
	status int
	body   []byte
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { s.body = append(s.body, p...); return len(p), nil }

// ask is token without what a test needs: of the time that it takes nearly all
// is the provider's. It returns the body.
func (w *world) ask(form string) ([]byte, error) {
	r := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/oauth/token"}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "localhost:3001",
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: io.NopCloser(strings.NewReader(form)),
		RemoteAddr: "127.0.0.1:1234",
	}
	s := sink{header: http.Header{}}
	w.ServeHTTP(&s, r)
	if s.status != http.StatusOK {
		return nil, fmt.Errorf("token endpoint: %d %s", s.status, s.body)
	}
	return s.body, nil
}

// authorization is a request of the single-page client; an API is named by its
// algorithm, and none means an opaque token.
func authorization(alg jose.Algorithm, scope string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	in := url.Values{
		"client_id": {spa}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {scope},
		"state": {"s"}, "nonce": {"n"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if alg != "" {
		in.Set("audience", audience(alg))
	}
	return in
}

func exchange(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {spa}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}
}

// codeOf returns the code that an answer brings.
func codeOf(a answer) (string, error) {
	u, err := a.Location()
	if err != nil || u.Query().Get("code") == "" {
		return "", fmt.Errorf("no code: %s %v %.300s", a.Status, u, a.body)
	}
	return u.Query().Get("code"), nil
}
