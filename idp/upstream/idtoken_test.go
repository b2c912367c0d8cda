package upstream_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/jose"
)

func TestCLI04_idToken(t *testing.T) {
	hs, err := jose.NewHMACKey("k1", jose.HS256, []byte(password+password))
	if err != nil {
		t.Fatal(err)
	}
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	unsigned := func(header string) string {
		return part(header) + "." + part(fmt.Sprintf(`{"iss":%q,"sub":"u-1","aud":%q,"exp":%d}`, issuer, clientID, noon().Add(time.Hour).Unix())) + "."
	}
	for name, change := range map[string]func(*op){
		"another client":        func(o *op) { o.aud = []string{"somebody"} },
		"several, no azp":       func(o *op) { o.aud = []string{clientID, "somebody"} },
		"azp of another":        func(o *op) { o.extra["azp"] = "somebody" },
		"azp is no text":        func(o *op) { o.extra["azp"] = []string{clientID} },
		"several, azp another":  func(o *op) { o.aud, o.extra["azp"] = []string{clientID, "somebody"}, "somebody" },
		"another issuer":        func(o *op) { o.iss = "https://evil.test" },
		"issuer with a slash":   func(o *op) { o.iss = issuer + "/" },
		"expired":               func(o *op) { o.expiry = -time.Hour },
		"no nonce":              func(o *op) { o.extra["nonce"] = nil },
		"empty nonce":           func(o *op) { o.extra["nonce"] = "" },
		"another nonce":         func(o *op) { o.extra["nonce"] = "n-0S6_WzA2Mj" },
		"no subject":            func(o *op) { o.sub = "" },
		"a subject of 10 kB":    func(o *op) { o.sub = strings.Repeat("s", 5000) },
		"a subject with a line": func(o *op) { o.sub = "a\nb" },
		"at_hash of another":    func(o *op) { o.extra["at_hash"] = "MTIzNDU2Nzg5MDEyMzQ1Ng" },
		"at_hash is a number":   func(o *op) { o.extra["at_hash"] = 1 },
		"an access token":       func(o *op) { o.typ = jose.AccessTokenType },
		"a logout token":        func(o *op) { o.typ = "logout+jwt" },
		"alg none":              func(o *op) { o.raw = unsigned(`{"alg":"none"}`) },
		"alg none in capitals":  func(o *op) { o.raw = unsigned(`{"alg":"NONE","kid":"k1"}`) },
		"HS256 with the secret": func(o *op) { o.signer = hs },
		"unknown kid":           func(o *op) { o.signer = newKey(t, "k2", jose.ES256) },
		"same kid, other key":   func(o *op) { o.signer = newKey(t, "k1", jose.ES256) },
		"another algorithm":     func(o *op) { o.signer = newKey(t, "k1", jose.RS256) },
		"not a token":           func(o *op) { o.raw = "a.b.c" },
		"no ID token":           func(o *op) { o.tokens["id_token"] = "" },
		"ID token is a number":  func(o *op) { o.tokens["id_token"] = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOP(t)
			change(o)
			got, err := o.logIn(t, connect(t, o, nil))
			if got != nil {
				t.Errorf("accepted as %s", got.UserID())
			}
			wants(t, err, upstream.ErrInvalid)
		})
	}
}

func TestCLI04_authTime(t *testing.T) {
	for name, tt := range map[string]struct {
		at   any
		good bool
	}{
		"absent": {nil, false}, "old": {noon().Add(-time.Hour).Unix(), false}, "text": {"now", false},
		"fresh": {noon().Add(-10 * time.Second).Unix(), true}, "since then": {noon().Add(-250 * time.Second).Unix(), true},
	} {
		o := newOP(t)
		o.extra["auth_time"] = tt.at
		c := connect(t, o, nil)
		_, p := start(t, c, upstream.StartRequest{MaxAge: 30 * time.Second})
		o.nonce = p.Nonce
		if name == "since then" { // the person took their time
			p.Started -= 300
		}
		_, err := c.Finish(t.Context(), p, good(&p))
		if tt.good != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCLI04_acceptable(t *testing.T) {
	sum := sha256.Sum256([]byte("at-4711-secret"))
	for name, change := range map[string]func(*op){
		"plain":            func(*op) {},
		"at_hash":          func(o *op) { o.extra["at_hash"] = base64.RawURLEncoding.EncodeToString(sum[:16]) },
		"several with azp": func(o *op) { o.aud, o.extra["azp"] = []string{"api", clientID}, clientID },
		"RS256":            func(o *op) { o.key = newKey(t, "rsa", jose.RS256) },
		"EdDSA":            func(o *op) { o.key = newKey(t, "ed", jose.EdDSA) },
	} {
		o := newOP(t)
		change(o)
		if _, err := o.logIn(t, connect(t, o, nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
