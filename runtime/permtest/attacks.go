package permtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// attack is the action of cells about who somebody is.
const attack = "attack"

// attacks tries to be somebody else, and to find out who there is.
func (k *kit) attacks() {
	k.t.Helper()
	if k.accounts == nil {
		return
	}
	k.forges()
	k.guesses()
}

// forges tries tokens that the service did not sign, nor its issuer, for somebody who
// is known to it: what a good one says, with the signature of somebody else.
func (k *kit) forges() {
	k.t.Helper()
	at := slices.IndexFunc(k.callers, func(c *caller) bool {
		return strings.Count(c.headers.Get("Authorization"), ".") == 2 && strings.HasPrefix(c.headers.Get("Authorization"), "Bearer ")
	})
	cell := "anonymous · " + attack + " · token"
	if at < 0 || k.except(cell) {
		return
	}
	good, _ := strings.CutPrefix(k.callers[at].headers.Get("Authorization"), "Bearer ")
	parts := strings.Split(good, ".")
	head, err := base64.RawURLEncoding.DecodeString(parts[0])
	var header map[string]any
	if err == nil {
		err = json.Unmarshal(head, &header)
	}
	if err != nil {
		k.t.Fatalf("the token of %s cannot be read: %v", k.callers[at], err)
	}
	with := func(alg string) string {
		h := map[string]any{"alg": alg}
		for name, v := range header {
			if name != "alg" {
				h[name] = v
			}
		}
		raw, err := json.Marshal(h)
		if err != nil {
			k.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw) + "." + parts[1]
	}
	signed := func(secret []byte) string {
		input := with("HS256")
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	tokens := map[string]string{
		"without a signature":                  with("none") + ".",
		"that says none, with a signature":     with("none") + "." + parts[2],
		"with a signature cut off":             parts[0] + "." + parts[1] + ".",
		"signed with nothing":                  signed(nil),
		"signed with the secret of an example": signed([]byte("Change_ME!!!")),
	}
	if i, ok := k.door.(*issuer); ok {
		public, err := i.key.PublicPEM()
		if err == nil {
			tokens["signed with the public key"] = signed(public)
			tokens["signed with the public key, trimmed"] = signed(bytes.TrimSpace(public))
		}
	}
	for what, token := range tokens {
		status, raw := k.do(&caller{kind: anonymous, headers: http.Header{"Authorization": {"Bearer " + token}}}, http.MethodGet, "/api/me", nil)
		if status != http.StatusUnauthorized {
			k.t.Errorf("%s: want 401, got %d (%s): %s", cell, status, what, short(raw))
		}
	}
}

// guesses tries to log in as somebody who is there, with a wrong password, and as
// nobody: the answers must not tell one from the other.
func (k *kit) guesses() {
	k.t.Helper()
	p, ok := k.door.(*password)
	cell := "anonymous · " + attack + " · log-in"
	if !ok || k.except(cell) {
		return
	}
	r := k.accounts.rows[0]
	there := fmt.Sprint(r.values[p.as.login])
	answers := map[string]string{}
	for _, name := range []string{there, "x" + there} {
		status, raw := p.guess(name, "not-the-password-of-anybody-1")
		if status != http.StatusUnauthorized {
			k.t.Errorf("%s: want 401, got %d (a wrong password): %s", cell, status, short(raw))
		}
		answers[name] = fmt.Sprint(status, " ", string(bytes.ReplaceAll(raw, []byte(name), []byte("NAME"))))
	}
	if answers[there] != answers["x"+there] {
		k.t.Errorf("%s: tells who has an account: %s, and of nobody %s", cell, short([]byte(answers[there])), short([]byte(answers["x"+there])))
	}
}

// guess sends a name and a password.
func (p *password) guess(name, secret string) (status int, raw []byte) {
	p.t.Helper()
	if p.path == "" {
		basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+secret))
		return p.do(&caller{kind: anonymous, headers: http.Header{"Authorization": {basic}}}, http.MethodGet, "/api/me", nil)
	}
	return p.do(&caller{kind: anonymous}, http.MethodPost, p.path, map[string]string{"strategy": p.as.strategy, p.as.login: name, p.as.password: secret})
}
