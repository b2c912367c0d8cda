package gen_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
)

// auth0 is the settings of auth-auth0.
const auth0 = `  auth-auth0:
    domain: shop.eu.auth0.com
    clientId: Zq3web
    issuerURL: https://shop.eu.auth0.com/
    audience: urn:shop
`

// TestA10_auth0Builds compiles services whose people log in at Auth0, alone and
// beside other ways to authenticate, points them at another issuer by variables
// alone, and logs somebody in.
func TestA10_auth0Builds(t *testing.T) {
	if testing.Short() {
		t.Skip("builds services")
	}
	for name, others := range map[string]string{
		"alone":             "",
		"beside auth-jwt":   "  auth-jwt: {refresh: true}\n",
		"beside auth-basic": "  auth-basic: {}\n",
		"beside all":        "  auth-jwt: {rotateKeys: 2160h, encrypted: true}\n  auth-session: {}\n  auth-basic: {}\n  auth-apikey: {}\n  auth-letters: {}\n  realtime: {}\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			src := shop("  auth-core: {entity: User}\n" + others + auth0)
			src = strings.Replace(src, "unique: true}", "unique: true, searchable: true}", 1) + "    owner: id\n    allow: {view: owner}\n"
			regenerate(t, dir, src)
			goTool(t, dir, "vet", "./...")
			goTool(t, dir, "build", "-o", "shop", ".")

			issuer, key := newProvider(t)
			t.Setenv("AUTH0_ISSUER_URL", issuer)
			t.Setenv("AUTH0_AUDIENCE", "urn:other")
			url := start(t, dir, filepath.Join(dir, "shop"))
			for audience, want := range map[string]int{"urn:other": 200, "urn:shop": 401} {
				now := time.Now()
				token, err := jose.Sign(key, "JWT", &jose.Claims{
					Issuer: issuer, Subject: "auth0|7", Audience: []string{audience}, IssuedAt: now, Expiry: now.Add(time.Hour),
					Extra: map[string]any{"urn:other/user": map[string]any{"email": "ada@shop.example", "email_verified": true}},
				})
				if err != nil {
					t.Fatal(err)
				}
				status, answer := me(t, url, token)
				var account struct{ Email string }
				if err := json.Unmarshal([]byte(answer), &account); err != nil || status != want || want == 200 && account.Email != "ada@shop.example" {
					t.Errorf("%s: %d %s", audience, status, answer)
				}
			}
			if status, answer := get(t, url+"/api/auth-config.json"); status != 200 || !strings.Contains(answer, `"audience":"urn:other"`) {
				t.Errorf("pages are told %d %s", status, answer)
			}
		})
	}
}
