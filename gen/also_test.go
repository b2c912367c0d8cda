package gen_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// TestAlso_refused says what does not go together with a second entity that logs in,
// and what that entity lacks, where it is written.
func TestAlso_refused(t *testing.T) {
	const full = "email: {type: email, required: true, unique: true, searchable: true}, password: password, roles: roles"
	auth0 := "auth-auth0: {issuerURL: https://shop.eu.auth0.com/, domain: shop.eu.auth0.com, clientId: abc123, audience: https://api.shop.example}"
	for name, tt := range map[string]struct{ plugin, fields, want string }{
		"basic":      {"auth-basic: {}", full, "gate.yaml:4:29: also does not go together with auth-basic"},
		"letters":    {"auth-letters: {}", full, "gate.yaml:4:29: also does not go together with auth-letters"},
		"auth0":      {auth0, full, "gate.yaml:4:29: also does not go together with auth-auth0"},
		"oidc":       {"auth-oidc: {issuer: https://issuer.example, audience: shop}", full, "gate.yaml:4:29: also does not go together with auth-oidc"},
		"no login":   {"auth-session: {}", "name: text, password: password, roles: roles", "gate.yaml:9:3: Customer logs in and has nothing to sign in with"},
		"no secret":  {"auth-session: {}", "email: {type: email, required: true, unique: true}, roles: roles", "gate.yaml:9:3: Customer logs in and has no password"},
		"no roles":   {"auth-session: {}", "email: {type: email, required: true, unique: true}, password: password", "gate.yaml:9:3: Customer logs in and has no roles"},
		"strategy":   {"auth-session: {}", "strategy: {type: username, required: true, unique: true}, password: password, roles: roles", `gate.yaml:9:23: "strategy" is a word of the log-in itself`},
		"optional":   {"auth-session: {}", "email: {type: email, required: true, unique: true}, password: {type: password, required: false}, roles: roles", "gate.yaml:9:75: the password of an account has to be required"},
		"turned off": {"auth-letters: {enabled: false}", full, ""},
		"keys":       {"auth-apikey: {}", full, ""},
	} {
		t.Run(name, func(t *testing.T) {
			src := `gate: 1
service: {name: shop, module: example.com/shop}
plugins:
  auth-core: {entity: User, also: [Customer]}
  auth-jwt: {}
  ` + tt.plugin + `
entities:
  User: {fields: {` + full + `}, allow: {view: nobody}}
  Customer: {fields: {` + tt.fields + `}, allow: {view: nobody}}
`
			d, err := design.Parse("gate.yaml", []byte(src))
			if err != nil {
				t.Fatal(err)
			}
			err = gen.Check(d, standard.Plugins()...)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			errs, ok := errors.AsType[*design.Errors](err)
			if !ok || len(errs.Problems) != 1 || !strings.HasPrefix(errs.Problems[0].String(), tt.want) || errs.Problems[0].Hint == "" {
				t.Errorf("got  %v\nwant %s, and a hint", err, tt.want)
			}
			if _, err := gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...); err == nil {
				t.Error("generated nevertheless")
			}
		})
	}
}
