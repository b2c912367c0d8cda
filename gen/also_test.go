package gen_test

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

// TestAlso_names refuses entities whose names mean something else already.
func TestAlso_names(t *testing.T) {
	const full = "email: {type: email, required: true, unique: true, searchable: true}, password: password, roles: roles"
	for _, tt := range []struct{ name, more, want string }{
		{"AccessToken", "", `gate.yaml:4:36: "accessToken" is a word of the answer to a log-in`},
		{"RefreshToken", "", `gate.yaml:4:36: "refreshToken" is a word of the answer to a log-in`},
		{"Customer", "Thing: {plural: MeCustomer, allow: {view: nobody}}", "gate.yaml:10:3: meCustomer is the Customer that is calling, in GraphQL"},
	} {
		src := "gate: 1\nservice: {name: shop, module: example.com/shop}\nplugins:\n  auth-core: {entity: User, also: [" + tt.name + "]}\n  auth-jwt: {}\n  auth-session: {}\nentities:\n" +
			"  User: {fields: {" + full + "}, allow: {view: nobody}}\n  " + tt.name + ": {fields: {" + full + "}, allow: {view: nobody}}\n  " + tt.more + "\n"
		d, err := design.Parse("gate.yaml", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if err := gen.Check(d, standard.Plugins()...); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s %s: %v, want %s", tt.name, tt.more, err, tt.want)
		}
	}
}

// TestAlso_roles: what a customer may hold is all that seeds take and the description
// of the API names.
func TestAlso_roles(t *testing.T) {
	const full = "email: {type: email, required: true, unique: true, searchable: true}, password: password, roles: roles"
	d, err := design.Parse("gate.yaml", []byte(`gate: 1
service: {name: shop, module: example.com/shop}
roles: {clerk: {default: true}, customer: {entity: Customer, default: true}}
plugins: {auth-core: {entity: User, also: [Customer]}, auth-jwt: {}, seed: {}}
entities:
  User: {fields: {`+full+`}, allow: {view: clerk}}
  Customer: {fields: {`+full+`}, allow: {view: clerk}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"User": "clerk customer", "Customer": "customer"} {
		e := d.Entity(name)
		var got []string
		for _, r := range d.RolesOf(e.Field("roles")) {
			got = append(got, r.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s holds %v, want %s", name, got, want)
		}
	}
	files, err := gen.Generate(d, gen.Options{Replace: "/gate", State: gen.State{Inputs: map[string][]byte{}}}, standard.Plugins()...)
	if err != nil {
		t.Fatal(err)
	}
	file, _ := files.Get("app/openapi_gen.json")
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Items    struct{ Enum []string }
					Examples [][]string
				}
			}
		}
	}
	_ = json.Unmarshal(file, &doc) // properties of other schemas have other examples
	roles := doc.Components.Schemas["Customer"].Properties["roles"]
	if !slices.Equal(roles.Items.Enum, []string{"customer"}) || len(roles.Examples) != 1 || !slices.Equal(roles.Examples[0], []string{"customer"}) {
		t.Errorf("the description says %v, for instance %v", roles.Items.Enum, roles.Examples)
	}
	seeds := map[string][]byte{"seed.yaml": []byte("Customer:\n  ann: {email: ann@shop.example, roles: [clerk]}\n")}
	if _, err := gen.Generate(d, gen.Options{Replace: "/gate", State: gen.State{Inputs: seeds}}, standard.Plugins()...); err == nil || !strings.Contains(err.Error(), `"clerk", which is none of the roles: customer`) {
		t.Errorf("a seed with a role of the accounts: %v", err)
	}
}

// TestAlso_renamed: the service knows what the entities that log in were called.
func TestAlso_renamed(t *testing.T) {
	const src = `gate: 1
service: {name: shop, module: example.com/shop}
plugins: {auth-core: {entity: Member, also: [Donor]}, auth-session: {}}
entities:
  Member: {renamedFrom: User, table: users, fields: {FULL}, allow: {view: nobody}}
  Donor: {renamedFrom: Sponsor, fields: {FULL}, allow: {view: nobody}}
`
	const full = "email: {type: email, required: true, unique: true}, password: password, roles: roles"
	got, _ := generate(t, parse(t, strings.ReplaceAll(src, "FULL", full)), gen.Options{}).Get("app/auth_gen.go")
	for _, want := range []string{`{From: "user", To: "member"}`, `{From: "Sponsor/", To: "Donor/", Table: "sponsors"}`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}
