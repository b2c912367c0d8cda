package authoidc_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// parse returns a design with the settings of auth-oidc in line 5.
func parse(t *testing.T, settings string) (*design.Design, error) {
	t.Helper()
	return design.Parse("gate.yaml", []byte(`gate: 1
service: {name: shop, module: example.com/shop}
plugins:
  auth-core: {entity: User}
  auth-oidc: {`+settings+`}
entities:
  User:
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      roles: roles
`))
}

// TestOPS13_settings says which line of gate.yaml is wrong, and what to do.
func TestOPS13_settings(t *testing.T) {
	const (
		issuer   = `issuer: "https://a.example/"`
		audience = `audience: "urn:shop"`
		good     = issuer + ", " + audience
	)
	for name, tt := range map[string]struct{ settings, want, hint string }{
		"no issuer":               {audience, "gate.yaml:5:3: plugin auth-oidc has no issuer", "who makes the tokens"},
		"no audience":             {issuer, "gate.yaml:5:3: plugin auth-oidc has no audience", "what the issuer calls"},
		"issuer without a scheme": {"issuer: shop.eu.auth0.com, " + audience, "gate.yaml:5:23: issuer has to be https://", "https://login.example.com/"},
		"issuer without TLS":      {"issuer: \"http://a.example/\", " + audience, "gate.yaml:5:23: issuer has to be https://", ""},
		"issuer on this machine":  {"issuer: \"http://127.0.0.1:8080\", " + audience, "gate.yaml:5:23: issuer has to be https://", ""},
		"issuer with a user":      {"issuer: \"https://u:p@a.example/\", " + audience, "gate.yaml:5:23: issuer has to be https://", ""},
		"issuer with a query":     {"issuer: \"https://a.example/?\", " + audience, "gate.yaml:5:23: issuer has to be https://", ""},
		"issuer with a fragment":  {"issuer: \"https://a.example/#\", " + audience, "gate.yaml:5:23: issuer has to be https://", ""},
		"issuer with a bar":       {"issuer: \"https://a.example/|7\", " + audience, "gate.yaml:5:23: issuer has to be https://", ""},
		"a document":              {"issuer: \"https://a.example/.well-known/openid-configuration\", " + audience, "gate.yaml:5:23: issuer is the address of a document", ".well-known"},
		"placeholder":             {"issuer: AUTH0_ISSUER_URL, " + audience, "gate.yaml:5:23: issuer is a placeholder", ""},
		"two audiences":           {issuer + ", audience: \"a b\"", "gate.yaml:5:55: audience has to be one name", ""},
		"list of audiences":       {issuer + ", audience: [a, b]", "gate.yaml:5:55: audience has to be", ""},
		"JWT-02 shared secret":    {good + ", algorithm: HS256", "gate.yaml:5:78: algorithm cannot be \"HS256\"", "one of: RS256"},
		"algorithm none":          {good + ", algorithm: none", "gate.yaml:5:78: algorithm cannot be \"none\"", ""},
		"JWT-08 other type":       {good + ", type: id+jwt", "gate.yaml:5:73: type cannot be", "at+jwt, JWT"},
		"JWT-08 no client":        {good + ", type: JWT", "gate.yaml:5:3: plugin auth-oidc: clientId is missing", ""},
		"JWT-08 ID tokens":        {good + ", type: JWT, clientId: \"urn:shop\"", "gate.yaml:5:55: audience cannot be the client", ""},
		"empty claim":             {good + ", permissionsClaim: \"\"", "gate.yaml:5:85: permissionsClaim cannot be", ""},
		"roles twice":             {good + ", rolesClaim: x, roles: {map: {a: b}}", "gate.yaml:5:79: rolesClaim and roles cannot both", "roles: {claim: x"},
		"roles that are not":      {good + ", roles: {claim: realm_access.roles, map: {a: clerk}}", "gate.yaml:5:111: roles: there is no role \"clerk\"", ""},
		"accounts, but none":      {good + ", emailFieldName: email", "gate.yaml:5:83: emailFieldName is about accounts, and none are made", "createUsers: true"},
		"machines, but none":      {good + ", machines: principal", "gate.yaml:5:77: machines is about accounts", ""},
		"A2 not searchable":       {good + ", createUsers: true", "gate.yaml:9:7: the e-mail address of an account is the field email of User, which has to be searchable", "searchable: true"},
		"first administrator":     {good + ", createUsers: true, firstAdmin: boss", "gate.yaml:5:98: firstAdmin is not an e-mail address", ""},
		"misspelt":                {good + ", rolesClaims: x", "gate.yaml:5:67: unknown setting \"rolesClaims\"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parse(t, tt.settings)
			if err == nil {
				err = gen.Check(d, standard.Plugins()...)
			}
			errs, ok := errors.AsType[*design.Errors](err)
			if !ok || len(errs.Problems) != 1 {
				t.Fatalf("got %v", err)
			}
			if got := errs.Problems[0]; !strings.HasPrefix(got.String(), tt.want) || !strings.Contains(got.Hint, tt.hint) {
				t.Errorf("got  %v, hint %s\nwant %s, hint %s", got, got.Hint, tt.want, tt.hint)
			}
		})
	}
	for _, settings := range []string{
		good, `issuer: "https://a.example/tenant/v2.0", audience: x`,
		good + `, algorithm: EdDSA, type: JWT, clientId: web, rolesClaim: "https://a.example/roles", permissionsClaim: scope`,
	} {
		d, err := parse(t, settings)
		if err == nil {
			err = gen.Check(d, standard.Plugins()...)
		}
		if err != nil {
			t.Errorf("%s: %v", settings, err)
		}
	}
}

// TestSchema: editors know both settings that have to be there.
func TestSchema(t *testing.T) {
	src, err := gen.Schema(standard.Plugins()...)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties struct {
			Plugins struct {
				Properties map[string]struct {
					Required   []string
					Properties map[string]struct {
						Enum    []string
						Default any
					}
				}
			}
		}
	}
	if err := json.Unmarshal(src, &schema); err != nil {
		t.Fatal(err)
	}
	got := schema.Properties.Plugins.Properties["auth-oidc"]
	if !slices.Equal(got.Required, []string{"issuer", "audience"}) {
		t.Errorf("required: %v", got.Required)
	}
	for _, alg := range got.Properties["algorithm"].Enum {
		if strings.HasPrefix(alg, "HS") || alg == "none" {
			t.Errorf("JWT-02: %s is offered", alg)
		}
	}
	for name, want := range map[string]any{"algorithm": "RS256", "type": "at+jwt", "permissionsClaim": "permissions", "rolesClaim": nil} {
		if got := got.Properties[name].Default; got != want {
			t.Errorf("default of %s is %v, want %v", name, got, want)
		}
	}
}
