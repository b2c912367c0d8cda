package authauth0_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// The settings that have to be there.
const (
	domain   = `domain: shop.eu.auth0.com`
	client   = `clientId: Zq3web`
	issuer   = `issuerURL: "https://shop.eu.auth0.com/"`
	audience = `audience: "urn:shop"`
	good     = domain + ", " + client + ", " + issuer + ", " + audience
)

// fields are those of the accounts, from line 13.
const fields = `      email: {type: email, required: true, unique: true, searchable: true}
      password: password
      name: text
      roles: roles
`

// parse returns a design with the settings of auth-auth0 in line 8.
func parse(t *testing.T, settings, fields string) (*design.Design, error) {
	t.Helper()
	return design.Parse("gate.yaml", []byte(text(settings, fields)))
}

func text(settings, fields string) string {
	return `gate: 1
service: {name: shop, module: example.com/shop}
roles:
  customer: {default: true}
  clerk: {permissions: ["update:users"]}
plugins:
  auth-core: {entity: User}
  auth-auth0: {` + settings + `}
entities:
  User:
    owner: id
    fields:
` + fields + `    allow: {view: owner, update: ["update:users"]}
`
}

// check returns what is wrong with the design.
func check(t *testing.T, settings, fields string) error {
	t.Helper()
	d, err := parse(t, settings, fields)
	if err == nil {
		err = gen.Check(d, standard.Plugins()...)
	}
	return err
}

// column returns where a word stands in the line of the plugin.
func column(settings, word string) string {
	return "gate.yaml:8:" + itoa(len("  auth-auth0: {")+strings.LastIndex(settings, word)+1)
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// TestOPS13_settings: what cannot work is refused with its place and what to do.
func TestOPS13_settings(t *testing.T) {
	with := func(setting, value string) string { // instead of the good one
		lines := []string{domain, client, issuer, audience}
		for i, line := range lines {
			if name, _, _ := strings.Cut(line, ":"); name == setting {
				lines[i] = setting + ": " + value
			}
		}
		return strings.Join(lines, ", ")
	}
	const plugin = "gate.yaml:8:3: plugin auth-auth0"
	for name, tt := range map[string]struct{ settings, at, want, hint string }{
		"A1 no domain":             {client + ", " + issuer + ", " + audience, plugin + " has no domain", "", "the host of the tenant"},
		"A1 no client":             {domain + ", " + issuer + ", " + audience, plugin + " has no clientId", "", "the Client ID"},
		"A1 no issuer":             {domain + ", " + client + ", " + audience, plugin + " has no issuerURL", "", "who makes the tokens"},
		"A1 no audience":           {domain + ", " + client + ", " + issuer, plugin + " has no audience", "", "identifier"},
		"A1 empty audience":        {with("audience", `""`), `""`, `audience cannot be ""`, ""},
		"A1 placeholder domain":    {with("domain", "AUTH0_DOMAIN"), "AUTH0_DOMAIN", `domain is a placeholder: "AUTH0_DOMAIN"`, "real value"},
		"A1 placeholder client":    {with("clientId", "AUTH0_CLIENT_ID"), "AUTH0_CLIENT_ID", `clientId is a placeholder`, ""},
		"A1 placeholder issuer":    {with("issuerURL", "AUTH0_ISSUER_URL"), "AUTH0_ISSUER_URL", `issuerURL is a placeholder`, ""},
		"A1 placeholder audience":  {with("audience", "YOUR_API"), "YOUR_API", `audience is a placeholder`, ""},
		"A1 placeholder in braces": {with("domain", `"{yourDomain}"`), `"{your`, `domain is a placeholder`, ""},
		"A1 braces inside":         {with("issuerURL", `"https://{yourDomain}/"`), `"https://{`, `issuerURL is a placeholder: "https://{yourDomain}/"`, "what the tenant says"},
		"A1 your-tenant":           {with("domain", "your-tenant.auth0.com"), "your-tenant", `domain is a placeholder`, ""},
		"A1 no slash":              {with("issuerURL", `"https://shop.eu.auth0.com"`), `"https://shop.eu`, `issuerURL has no slash at the end`, "https://shop.eu.auth0.com/"},
		"A1 no scheme":             {with("issuerURL", "shop.eu.auth0.com/"), "shop.eu.auth0.com/", `issuerURL has no scheme`, "https://shop.eu.auth0.com/"},
		"A1 plain http":            {with("issuerURL", `"http://shop.eu.auth0.com/"`), `"http://`, `issuerURL has to begin with https://`, "localhost"},
		"A1 another host":          {with("issuerURL", `"https://evil.example/"`), `"https://evil`, `issuerURL is of another host than the domain shop.eu.auth0.com`, "custom domain"},
		"A1 a path":                {with("issuerURL", `"https://shop.eu.auth0.com/oauth/"`), `"https://shop`, `issuerURL has a path`, "auth-oidc"},
		"A1 a document":            {with("issuerURL", `"https://shop.eu.auth0.com/.well-known/openid-configuration"`), `"https://shop`, `issuerURL is the address of a document`, ""},
		"A1 domain with a scheme":  {with("domain", `"https://shop.eu.auth0.com"`), `"https://shop.eu.auth0.com"`, `domain has a scheme`, "for instance shop.eu"},
		"A1 domain with a path":    {with("domain", "shop.eu.auth0.com/x"), "shop.eu.auth0.com/x", `domain has a path`, ""},
		"A1 two audiences":         {with("audience", `"a b"`), `"a b"`, `audience has to be one name`, ""},
		"JWT-08 ID tokens":         {with("audience", "Zq3web"), "Zq3web", `audience cannot be the client`, ""},
		"JWT-02 shared secret":     {good + ", algorithm: HS256", "HS256", `algorithm cannot be "HS256"`, "RS256"},
		"two clients":              {good + ", clientID: x", "x}", `clientID stands there twice, as clientId too`, ""},
		"two mappings":             {good + ", payloadFieldMapping: {name: name}, payLoadMapping: {name: nickname}", "{name: nick", `payLoadMapping stands there twice`, ""},
		"secret in the file":       {good + ", managementParams: {accessToken: eyJhbGciOi}", "eyJ", `managementParams.accessToken does not belong into a file`, "AUTH0_MGMT_TOKEN"},
		"passwordless":             {good + ", recipe: {type: passwordless}", "passwordless", `recipe.type cannot be "passwordless"`, "leave it out"},
		"misspelt":                 {good + ", recipe: {emailField: x}", "emailField: x", `unknown setting "emailField" of recipe`, ""},
		"redirect elsewhere":       {good + `, redirectUri: "//evil.example"`, `"//evil`, `redirectUri has to be a path or a URL`, ""},
		"redirect by script":       {good + `, redirectUri: "javascript:alert(1)"`, `"javascript`, `redirectUri has to begin with https://`, ""},
		"first administrator":      {good + `, firstAdmin: boss`, `boss`, `firstAdmin is not an e-mail address`, ""},
		"A2 no such field":         {good + ", emailFieldName: mail", "mail}", `emailFieldName: User has no field "mail"`, "email, name"},
		"A2 no e-mail":             {good + ", recipe: {emailFieldName: name}", "name}", `the e-mail address of an account is the field name of User, which has to be of type email and unique and searchable`, "type: email"},
		"A3 no such field":         {good + ", payloadFieldMapping: {nick: nickname}", "nick: ", `payloadFieldMapping: User has no field "nick"`, ""},
		"A3 the password":          {good + ", payloadFieldMapping: {password: sub}", "password: ", `payloadFieldMapping: the issuer keeps the passwords`, ""},
		"A3 the roles":             {good + ", payloadFieldMapping: {roles: roles}", "roles: ", `payloadFieldMapping: roles come from the setting roles`, "map"},
		"A3 the id":                {good + ", payloadFieldMapping: {id: sub}", "id: sub", `payloadFieldMapping: the service itself sets the field id of User`, ""},
		"A4 no such role":          {good + ", defaultUser: {roles: [admin]}", "admin", `defaultUser: there is no role "admin"`, "customer, clerk"},
		"A4 roles are a list":      {good + ", defaultUser: {roles: clerk}", "clerk", `defaultUser: roles has to be a list`, ""},
		"A4 another type":          {good + ", defaultUser: {name: 7}", "7}", `defaultUser: name of User has to be text`, ""},
		"AUZ-16 roles without map": {good + ", roles: {claim: groups}", "{claim", `roles has no map`, "menu-admin"},
		"AUZ-16 unknown role":      {good + ", roles: {map: {a: admin}}", "admin", `roles: there is no role "admin"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := check(t, tt.settings, fields)
			errs, ok := errors.AsType[*design.Errors](err)
			if !ok || len(errs.Problems) != 1 {
				t.Fatalf("got %v", err)
			}
			want := tt.at
			if tt.want != "" {
				want = column(tt.settings+"}", tt.at) + ": " + tt.want
			}
			if got := errs.Problems[0]; !strings.HasPrefix(got.String(), want) || !strings.Contains(got.Hint, tt.hint) {
				t.Errorf("got  %v, hint %s\nwant %s, hint %s", got, got.Hint, want, tt.hint)
			}
		})
	}
	if err := check(t, good+"}\n  auth-oidc: {issuer: \"https://a.example/\", audience: x", fields); err == nil ||
		!strings.Contains(err.Error(), "plugin auth-auth0 cannot be on together with auth-oidc") {
		t.Errorf("two issuers: %v", err)
	}
}

// TestGood: what the walkthroughs write is taken as it stands.
func TestGood(t *testing.T) {
	for name, settings := range map[string]string{
		"least":         good,
		"amplication's": domain + `, clientID: Zq3web, ` + issuer + `, ` + audience + `, recipe: {type: password, method: database, emailFieldName: email, payloadFieldMapping: {name: name}}, defaultUser: {roles: [clerk]}, useManagementApi: true, managementParams: {identifier: "https://shop.eu.auth0.com/api/v2/", clientName: Shop, apiName: Shop API, actionName: Add user details to access token, audience: "urn:shop"}`,
		"readme's":      good + `, recipe: {payLoadMapping: {name: nickname}}`,
		"everything":    good + `, algorithm: PS256, createUsers: false, requireVerifiedEmail: true, updateProfile: onLogin, machines: refuse, firstAdmin: boss@shop.example, namespace: "https://shop.example", roles: {claim: realm_access.roles, map: {staff: clerk}}, permissionsClaim: scope, redirectUri: "https://app.shop.example/cb", logoutRedirectUri: /bye, scope: openid email, defaultUser: {name: Guest}`,
		"own provider":  `domain: "localhost:3001", ` + client + `, issuerURL: "http://localhost:3001/", ` + audience,
	} {
		t.Run(name, func(t *testing.T) {
			if err := check(t, settings, fields); err != nil {
				t.Fatal(err)
			}
			schema(t, settings, true)
		})
	}
	schema(t, good+`, roles: {map: {a: 1}}`, false)
	schema(t, good+`, recipe: {x: y}`, false)
	schema(t, good+`, machines: perhaps`, false)
	schema(t, good+`, defaultUser: [x]`, false)
}

// schema sees that editors agree with the plugin.
func schema(t *testing.T, settings string, want bool) {
	t.Helper()
	src, err := gen.Schema(standard.Plugins()...)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(src)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:test", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("urn:test")
	if err != nil {
		t.Fatal(err)
	}
	d, err := parse(t, settings, fields)
	if err != nil {
		t.Fatal(err)
	}
	value := map[string]any{
		"gate": 1, "service": map[string]any{"name": "shop", "module": "example.com/shop"},
		"plugins": map[string]any{"auth-auth0": tree(&d.Plugin("auth-auth0").Settings)},
	}
	if err := compiled.Validate(value); (err == nil) != want {
		t.Errorf("the schema says %v of %s", err, settings)
	}
}

// tree returns settings as JSON has them.
func tree(s *design.Setting) any {
	switch s.Kind {
	case design.KindMapping:
		m := map[string]any{}
		for i := range s.Children {
			m[s.Children[i].Key] = tree(&s.Children[i])
		}
		return m
	case design.KindList:
		var list []any
		for i := range s.Children {
			list = append(list, tree(&s.Children[i]))
		}
		return list
	case design.KindInteger:
		return json.Number(itoa(int(s.Value.(int64))))
	}
	return s.Value
}

// TestEmailField: the field with the address is found in three ways, and has to
// be one that finds an account.
func TestEmailField(t *testing.T) {
	const two = `      password: password
      login: username
      contact: {type: email, unique: true, searchable: true}
      work: {type: email, unique: true, searchable: true}
      plain: {type: email}
      roles: roles
`
	mapped := `payloadFieldMapping: {login: nickname`
	for name, tt := range map[string]struct{ settings, fields, want, err string }{
		"first of its type":  {mapped + "}", two, "contact", ""},
		"mapped to email":    {mapped + ", work: email}", two, "work", ""},
		"named":              {mapped + ", work: email}, emailFieldName: contact", two, "contact", ""},
		"named in recipe":    {mapped + "}, recipe: {emailFieldName: work}", two, "work", ""},
		"cannot find":        {mapped + "}, emailFieldName: plain", two, "", "the field plain of User, which has to be unique and searchable"},
		"first cannot find":  {mapped + "}", strings.ReplaceAll(two, ", searchable: true", ""), "", "gate.yaml:15:7: the e-mail address of an account is the field contact of User, which has to be searchable"},
		"none":               {mapped + "}", "      password: password\n      login: username\n      roles: roles\n", "", "User has no field for the e-mail address of an account"},
		"mapped, wrong type": {mapped + ", other: email}", "      other: text\n" + two, "", "the field other of User, which has to be of type email and unique and searchable"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parse(t, good+", "+tt.settings, tt.fields)
			if err != nil {
				t.Fatal(err)
			}
			files, err := gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			src, _ := files.Get("app/auth_gen.go")
			if !strings.Contains(string(src), `Email:  "`+tt.want+`",`) {
				t.Errorf("not %s:\n%s", tt.want, src)
			}
		})
	}
}

// TestNewAccountIsComplete: a field that every account needs has to come from
// somewhere, and from somewhere else for each when it is unique.
func TestNewAccountIsComplete(t *testing.T) {
	for name, tt := range map[string]struct{ field, settings, want string }{
		"required":                    {"plan: {type: text, required: true}", "", "gate.yaml:17:7: plugin auth-auth0: the field plan of User is required, and a new account would have none"},
		"required, mapped":            {"plan: {type: text, required: true}", "payloadFieldMapping: {plan: name}", ""},
		"required, given":             {"plan: {type: text, required: true}", "defaultUser: {plan: free}", ""},
		"required, default":           {"plan: {type: text, required: true, default: free}", "", ""},
		"unique, mapped":              {"login: {type: text, required: true, unique: true}", "payloadFieldMapping: {login: sub}", ""},
		"unique, nothing":             {"login: {type: text, required: true, unique: true}", "", "the field login of User is required, and a new account would have none"},
		"unique, given":               {"login: {type: text, required: true, unique: true}", "defaultUser: {login: admin}", "the field login of User is unique, so the second account could not have the same value"},
		"unique, may be empty":        {"login: {type: text, unique: true}", "", ""},
		"unique, may be empty, given": {"login: {type: text, unique: true}", "defaultUser: {login: admin}", "the field login of User is unique"},
		"user name":                   {"login: username", "", "the field login of User is required"},
		"enum":                        {"plan: {type: enum, values: [free, paid], required: true}", "defaultUser: {plan: gold}", "defaultUser: plan of User has to be one of free, paid"},
	} {
		t.Run(name, func(t *testing.T) {
			settings := good
			if tt.settings != "" {
				settings += ", " + tt.settings
			}
			err := check(t, settings, fields+"      "+tt.field+"\n")
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestWarnings: a role for everybody that changes the accounts of others is said
// aloud, once.
func TestWarnings(t *testing.T) {
	for settings, want := range map[string]int{
		good: 0,
		good + ", defaultUser: {roles: [customer]}":        0,
		good + ", defaultUser: {roles: [customer, clerk]}": 1,
	} {
		d, err := parse(t, settings, fields)
		if err != nil {
			t.Fatal(err)
		}
		list := gen.Warnings(d, standard.Plugins()...)
		list = slices.DeleteFunc(list, func(p design.Problem) bool { return !strings.Contains(p.Message, "defaultUser") })
		if len(list) != want {
			t.Errorf("%s: %v", settings, list)
		}
		for _, w := range list {
			if w.Severity != design.Warning || w.Line != 8 || !strings.Contains(w.Message, `the role "clerk"`) {
				t.Errorf("warning %v", w)
			}
		}
	}
}

// TestWarnings_openAccounts: strangers who make accounts occupy the addresses of
// those who log in at the issuer.
func TestWarnings_openAccounts(t *testing.T) {
	for name, tt := range map[string]struct {
		create, plugin string
		want           bool
	}{
		"public":                {create: "public", want: true},
		"public among others":   {create: "[clerk, public]", want: true},
		"with passwords off":    {create: "public", plugin: "auth-jwt: {enabled: false}", want: true},
		"with keys":             {create: "public", plugin: "auth-apikey: {}", want: true},
		"with tokens":           {create: "public", plugin: "auth-jwt: {}"},
		"with passwords":        {create: "public", plugin: "auth-basic: {}"},
		"with cookies":          {create: "public", plugin: "auth-session: {}"},
		"nobody":                {create: "nobody"},
		"whoever has the right": {create: `["update:users"]`},
	} {
		t.Run(name, func(t *testing.T) {
			src := strings.Replace(text(good, fields), "allow: {view: owner", "allow: {create: "+tt.create+", view: owner", 1)
			src = strings.Replace(src, "entities:\n", "  "+tt.plugin+"\nentities:\n", 1)
			d, err := design.Parse("gate.yaml", []byte(src))
			if err != nil {
				t.Fatal(err)
			}
			var found []design.Problem
			for _, p := range gen.Warnings(d, standard.Plugins()...) {
				if strings.Contains(p.Message, "by auth-auth0 alone") {
					found = append(found, p)
				}
			}
			if (len(found) == 1) != tt.want || len(found) > 1 {
				t.Fatalf("warnings: %v", found)
			}
			if tt.want && (found[0].Severity != design.Warning || found[0].Path != "entities.User.allow.create" || !strings.Contains(found[0].Hint, "create: nobody")) {
				t.Errorf("warning %+v", found[0])
			}
		})
	}
}

// TestReadme: the first thing to read says where people log in.
func TestReadme(t *testing.T) {
	readme := func(src string) string {
		t.Helper()
		d, err := design.Parse("gate.yaml", []byte(src))
		if err != nil {
			t.Fatal(err)
		}
		files, err := gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := files.Get("README.md")
		return string(text)
	}
	cloud := text(good, fields)
	own := strings.ReplaceAll(strings.ReplaceAll(cloud, "https://shop.eu.auth0.com", "http://localhost:3001"), "shop.eu.auth0.com", "localhost:3001")
	off := strings.Replace(cloud, "  auth-auth0: {", "  auth-jwt: {}\n  auth-auth0: {enabled: false, ", 1)
	for name, tt := range map[string]struct {
		src        string
		has, lacks []string
	}{
		"this machine": {own, []string{"## Where people log in", "http://localhost:3001/try\n", ".gate/idp.json", "AUTH0_ISSUER_URL"}, nil},
		"the cloud":    {cloud, []string{"## Where people log in", "https://shop.eu.auth0.com/\n", "AUTH0_ISSUER_URL"}, []string{"/try", "idp.json"}},
		"off":          {off, []string{"with the plugin `swagger-ui`.\n"}, []string{"log in", "AUTH0_", "/try"}},
	} {
		got := readme(tt.src)
		for _, want := range tt.has {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the README lacks %q:\n%s", name, want, got)
			}
		}
		for _, bad := range tt.lacks {
			if strings.Contains(got, bad) {
				t.Errorf("%s: the README has %q:\n%s", name, bad, got)
			}
		}
	}
}

// TestAUZ09_tenantsOfTokens: no setting lets a token, or everybody, into a tenant, or
// above them.
func TestAUZ09_tenantsOfTokens(t *testing.T) {
	for settings, want := range map[string]string{
		good + ", defaultUser: {firmId: 01941f29-7c00-7a3e-8b1d-3f5a7c9e1b2d}":     "firmId:: defaultUser: no token and no default says in which tenant an account is",
		good + ", recipe: {type: password, payloadFieldMapping: {firmId: org_id}}": "firmId:: payloadFieldMapping: no token and no default says in which tenant an account is",
		good + ", defaultUser: {roles: [clerk]}":                                   "clerk]: defaultUser: every new account would stand above tenants",
	} {
		src := text(settings, fields+"      firm: {type: relation, to: Firm}\n    tenant: firm\n")
		src = strings.Replace(src, "  clerk: {", "  root: {acrossTenants: true}\n  clerk: {inherits: [root], ", 1) + "  Firm: {tenant: id, fields: {name: text}, allow: {view: clerk}}\n"
		d, err := design.Parse("gate.yaml", []byte(src))
		if err == nil {
			err = gen.Check(d, standard.Plugins()...)
		}
		word, message, _ := strings.Cut(want, ": ")
		place := strings.Replace(column(settings, word), ":8:", ":9:", 1)
		if err == nil || !strings.HasPrefix(err.Error(), place+": "+message) {
			t.Errorf("%s: %v\nwant %s: %s", settings, err, place, message)
		}
	}
}
