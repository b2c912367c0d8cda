package config_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/internal/unverified"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store/storetest"
)

// replicas are two providers of one issuer over one database, as behind a
// balancer: requests go to the one that is chosen.
type replicas struct {
	t      *testing.T
	file   string
	env    []string
	all    [2]*config.Instance
	srv    [2]*httptest.Server
	client *http.Client
	chosen int
}

const replicaIssuer = "http://localhost:3001"

func newReplicas(t *testing.T) *replicas {
	t.Helper()
	db := storetest.PostgresURL(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &replicas{t: t, file: filepath.Join(t.TempDir(), "idp.yaml"), env: []string{"IDP_DATABASE_URL=" + db, "IDP_SECRET=" + good}}
	r.client = &http.Client{Jar: jar, Transport: r, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for i := range r.all {
		r.start(i)
	}
	return r
}

// start opens a replica, in place of the one that was there.
func (r *replicas) start(i int) {
	r.t.Helper()
	r.all[i] = openAt(r.t, r.file, r.env...)
	r.srv[i] = httptest.NewServer(r.all[i])
	r.t.Cleanup(r.srv[i].Close)
}

// RoundTrip sends a request for the issuer to the chosen replica.
func (r *replicas) RoundTrip(req *http.Request) (*http.Response, error) {
	to := req.Clone(req.Context())
	to.URL.Host = r.srv[r.chosen].Listener.Addr().String()
	to.Host = "localhost:3001"
	return http.DefaultTransport.RoundTrip(to)
}

// A reply is what came back.
type reply struct {
	status         int
	location, body string
}

func (r *replicas) do(method, path string, form url.Values, header ...string) reply {
	r.t.Helper()
	target := path
	if strings.HasPrefix(path, "/") {
		target = replicaIssuer + path
	}
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	} else if form != nil {
		target += "?" + form.Encode()
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, target, body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", replicaIssuer)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header.Get("Location"), string(data)}
}

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

func authorization(client string, more ...string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	in := url.Values{
		"client_id": {client}, "redirect_uri": {"http://localhost:3000/cb"}, "response_type": {"code"}, "scope": {"openid offline_access"},
		"state": {"s"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	return in
}

// TestReplicas logs in across two processes on one PostgreSQL: the page comes from
// one, the form goes to the other, whose code the first exchanges.
func TestReplicas(t *testing.T) {
	r := newReplicas(t)
	s := seed()
	s.Actions, s.Clients = nil, s.Clients[:1]
	report := plant(t, r.all[0], s)
	menu, _ := report.Find(config.KindClient, "Menu")
	ada, _ := report.Find(config.KindUser, "Ada@example.com")

	start := r.do(http.MethodGet, "/authorize", authorization(menu.ID))
	if start.status != http.StatusSeeOther {
		t.Fatalf("authorize: %+v", start)
	}
	r.chosen = 1
	form := idptest.Hidden(r.do(http.MethodGet, start.location, nil).body)
	form.Set("username", "ada@example.com")
	form.Set("password", ada.Secret.Reveal())
	r.chosen = 0
	exchange := redeem(menu.ID, codeOf(t, r.do(http.MethodPost, "/u/login", form)))

	r.chosen = 1
	got := r.do(http.MethodPost, "/oauth/token", exchange)
	tokens := object(t, got.body)
	if got.status != http.StatusOK || tokens["refresh_token"] == nil {
		t.Fatalf("a code of the one at the other: %+v", got)
	}
	r.chosen = 0
	if got := r.do(http.MethodPost, "/oauth/token", exchange); got.status == http.StatusOK {
		t.Errorf("a code was good at both: %+v", got)
	}
	// The session of the browser is known to both.
	for i := range r.all {
		r.chosen = i
		code := codeOf(t, r.do(http.MethodGet, "/authorize", authorization(menu.ID, "prompt", "none")))
		tokens = object(t, r.do(http.MethodPost, "/oauth/token", redeem(menu.ID, code)).body)
	}
	r.rotated(menu.ID, tokens)
}

// rotated turns to the next key: a process that signs with it takes the tokens of
// those that do not yet, and they take its tokens.
func (r *replicas) rotated(client string, tokens map[string]any) {
	t := r.t
	rings, err := r.all[0].Admin.Rings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rings[0].Algorithm != jose.RS256 {
		t.Fatalf("the first ring is of %s", rings[0].Algorithm)
	}
	key, err := rings[0].Promote(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.start(0)
	r.chosen = 0
	code := codeOf(t, r.do(http.MethodGet, "/authorize", authorization(client, "prompt", "none")))
	fresh := object(t, r.do(http.MethodPost, "/oauth/token", redeem(client, code)).body)
	token, err := unverified.DecodeUnverified(fresh["id_token"].(string))
	if err != nil || !strings.Contains(string(token.Header), key.ID) {
		t.Errorf("a token after the rotation: %s, %v, want the key %s", token.Header, err, key.ID)
	}
	for i, bearer := range []map[string]any{tokens, fresh} {
		r.chosen = i
		if got := r.do(http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+bearer["access_token"].(string)); got.status != http.StatusOK {
			t.Errorf("replica %d refuses a token of the other key: %+v", i, got)
		}
	}
}

func redeem(client, code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {client}, "code": {code}, "redirect_uri": {"http://localhost:3000/cb"}, "code_verifier": {verifier},
	}
}

func codeOf(t *testing.T, r reply) string {
	t.Helper()
	u, err := url.Parse(r.location)
	if err != nil || u.Query().Get("code") == "" {
		t.Fatalf("no code: %+v", r)
	}
	return u.Query().Get("code")
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return out
}
