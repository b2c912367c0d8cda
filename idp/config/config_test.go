package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/idp/config"
)

// parse reads a file in an environment of these variables.
func parse(text string, env ...string) (*config.Config, error) {
	return config.Parse("idp.yaml", []byte(text), lookup(env...))
}

func lookup(env ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, pair := range env {
			if n, value, _ := strings.Cut(pair, "="); n == name {
				return value, true
			}
		}
		return "", false
	}
}

const local = "issuer: http://localhost:3001/\n"

func TestParse_refused(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want string // the first problem
		hint string
	}{
		"empty":                 {"", "1:1: the file is empty", "a provider needs an issuer"},
		"comment alone":         {"# nothing\n", "1:1: the file is empty", ""},
		"not YAML":              {"issuer: [\n", "1:9: sequence end token ']' not found", ""},
		"a list":                {"[issuer]", "1:1: the file has to be a mapping, not a list", ""},
		"two documents":         {local + "---\nissuer: x\n", "1:1: more than one document", ""},
		"alias":                 {"issuer: &a x\n", "1:9: not allowed here", "anchors"},
		"misspelt":              {local + "sign-up: open\n", `2:1: unknown key "sign-up", did you mean "signup"?`, "the keys here are: issuer"},
		"misspelt, deep":        {local + "looks: {acent: {}}\n", `2:9: unknown key "acent", did you mean "accent"?`, "name, logo, accent"},
		"nothing near":          {local + "zzz: 1\n", `2:1: unknown key "zzz"`, ""},
		"twice":                 {local + "signup: open\nsignup: closed\n", `3:1: "signup" stands twice, first in line 2`, ""},
		"no issuer":             {"signup: open\n", "1:1: issuer is missing", "address of the provider, with a slash at its end"},
		"empty key":             {local + "signup:\n", "2:1: signup is empty", ""},
		"number for text":       {local + "database: 3\n", "2:11: database has to be a text, not 3", "sqlite:FILE"},
		"text for number":       {local + "managementLimit: many\n", `2:18: managementLimit has to be a whole number, not "many"`, ""},
		"negative limit":        {local + "requestLimit: -1\n", "2:15: requestLimit has to be a whole number, not -1", ""},
		"negative":              {local + "managementLimit: -1\n", "2:18: managementLimit has to be a whole number, not -1", ""},
		"time":                  {local + "rotateKeys: 90d\n", `2:13: rotateKeys has to be a time such as 15m or 24h, not "90d"`, ""},
		"port alone":            {local + "listen: 443\n", `2:9: listen has to be a text, not 443`, `write listen: ":443"`},
		"enum":                  {local + "signup: opn\n", `2:9: signup has to be one of closed, confirm, open, not "opn", did you mean "open"?`, "who may make an account: nobody"},
		"terminal escapes":      {local + "signup: \"\\e[2J\"\n", `2:9: signup has to be one of closed, confirm, open, not "\x1b[2J"`, ""},
		"synchronous elsewhere": {local + "database: postgres://idp@db/idp\nsynchronous: full\n", "3:14: synchronous is for SQLite", "leave it out"},
		"another machine":       {"issuer: http://192.0.2.1:3001/\n", `1:9: issuer "http://192.0.2.1:3001/" is not https, and http is for this machine alone`, "https://192.0.2.1:3001/"},
		"issuer, slash":         {"issuer: https://id.example.com\n", `1:9: issuer "https://id.example.com" has to end with a slash, and has no other path: SDKs put paths behind it`, "https://id.example.com/"},
		"issuer, path":          {"issuer: https://id.example.com/auth/\n", `1:9: issuer "https://id.example.com/auth/" has to end`, ""},
		"issuer, http":          {"issuer: http://id.example.com/\n", `1:9: issuer "http://id.example.com/" is not https, and http is for this machine alone`, ""},
		"issuer, user":          {"issuer: https://u:p@id.example.com/\n", "1:9: issuer", ""},
		"issuer, word":          {"issuer: id.example.com\n", `1:9: issuer "id.example.com" is not an address`, "https://id.example.com/"},
		"no TLS":                {"issuer: https://id.example.com/\n", "1:9: the issuer is https, and nothing says who speaks TLS", "trustedProxies"},
		"TLS for http":          {local + "tls: local\n", "2:6: the issuer is http, which has no use for tls", ""},
		"TLS, other word":       {local + "tls: auto\n", `2:6: tls has to be the word local or a mapping with certificate and key, not "auto"`, ""},
		"TLS, half":             {"issuer: https://id.example.com/\ntls: {certificate: a.pem}\n", "2:6: tls: certificate and key belong together, and one is missing", ""},
		"TLS, local elsewhere":  {"issuer: https://id.example.com/\ntls: local\n", "2:6: tls: local is for this machine alone", ""},
		"listen":                {local + "listen: localhost\n", `2:9: listen "localhost" is not HOST:PORT`, ""},
		"listen, port":          {local + "listen: \":http\"\n", `2:9: listen ":http" is not HOST:PORT`, ""},
		"proxy by name":         {local + "trustedProxies: [proxy.local]\n", `2:18: trustedProxies[0]: "proxy.local" is not an address`, ""},
		"everybody a proxy":     {local + "trustedProxies: [0.0.0.0/0]\n", `2:18: trustedProxies[0]: "0.0.0.0/0" is everybody`, ""},
		"everybody, by IPv6":    {local + "trustedProxies: [10.0.0.0/8, \"::/0\"]\n", `2:30: trustedProxies[1]: "::/0" is everybody`, ""},
		"database":              {local + "database: mysql://db\n", "2:11: the database is of no kind that is known", ""},
		"database, password":    {local + "database: postgres://u:hidden@db/idp\n", "2:11: the database has a password, which does not belong into a file", "IDP_DATABASE_URL"},
		"mail, password":        {local + "mail: {url: \"smtp://u:hidden@mail.example.com\"}\n", "2:13: mail.url has a password, which does not belong into a file", "MAIL_URL"},
		"mail, scheme":          {local + "mail: {url: \"http://mail.example.com\"}\n", "2:13: mail.url is neither smtp, smtps nor folder", ""},
		"mail, from":            {local + "mail: {from: nobody}\n", `2:14: mail.from: "nobody" is not an address of mail`, ""},
		"breach check":          {local + "protection: {breachCheck: \"http://example.com/\"}\n", "2:27: breachCheck", ""},
		"accent":                {local + "looks: {accent: {light: green}}\n", "2:25: ", "write it as #1f6feb"},
		"language":              {local + "looks: {languages: [xx]}\n", "2:20: languages: there are no texts in \"xx\"", "languages offered"},
		"text":                  {local + "looks: {texts: {de: {nothing: x}}}\n", "2:16: texts: de: there is no message \"nothing\"", "texts in place of ours"},
		"scope with a colon":    {local + "seed: {roles: [{name: a, permissions: {\"urn:a\": [create:items]}}]}\n", "2:50: urn:a[0] has to be a text, not a mapping", "a text with a colon in it needs quotes here"},
		"API twice":             {local + "seed: {apis: [{identifier: a}, {identifier: a}]}\n", `2:32: seed.apis[1]: "a" stands twice`, "take one of them out"},
		"permission, API":       {local + "seed: {apis: [{identifier: abc}], roles: [{name: r, permissions: {abd: []}}]}\n", `2:72: there is no API "abd" in the seed, did you mean "abc"?`, "seed.apis"},
		"permission, scope":     {local + "seed: {apis: [{identifier: abc, scopes: [\"get:a\"]}], roles: [{name: r, permissions: {abc: [\"got:a\"]}}]}\n", `2:92: the API "abc" has no scope "got:a", did you mean "get:a"?`, ""},
		"client, type":          {local + "seed: {clients: [{name: a, type: robot}]}\n", `2:34: type has to be one of spa, native, web, machine, not "robot"`, ""},
		"client, grants":        {local + "seed: {clients: [{name: a, type: spa, grants: {management: [\"*\"]}}]}\n", "2:47: grants are for clients of the type machine", ""},
		"secret for variable":   {local + "seed: {clients: [{name: a, type: web, secretEnv: \"s3cr3t-value\"}]}\n", "2:50: seed.clients[0].secretEnv: this is not the name of a variable of the environment", "export it"},
		"connection, name":      {local + "seed: {connections: [{name: a b}]}\n", `2:29: name "a b" has to be letters and digits`, ""},
		"connection, no client": {local + "seed: {connections: [{name: github, strategy: github}]}\n", "2:22: seed.connections[0]: the connection has no clientID", "clientID: "},
		"connection, client":    {local + "seed: {connections: [{name: a, clients: [b]}]}\n", `2:42: seed.connections[0].clients[0]: there is no client "b" in the seed`, "seed.clients"},
		"client, callback":      {local + "seed: {clients: [{name: a, type: spa, callbacks: ['javascript:x']}]}\n", `2:51: seed.clients[0].callbacks[0]: "javascript:x" has the scheme javascript`, ""},
		"client, logout":        {local + "seed: {clients: [{name: a, type: spa, logoutURLs: ['https://u@a.example']}]}\n", `"https://u@a.example" names a user`, ""},
		"client, origin":        {local + "seed: {clients: [{name: a, type: spa, webOrigins: ['https://a.example/x']}]}\n", `"https://a.example/x" is no origin: it has a path`, ""},
		"client, id":            {local + "seed: {clients: [{name: a, type: spa, id: 'a b'}]}\n", `id "a b" has to be at most 64 letters`, ""},
		"API, scope":            {local + "seed: {apis: [{identifier: a, scopes: ['read all']}]}\n", `"read all" cannot be a scope`, ""},
		"user, two addresses":   {local + "seed: {users: [{email: 'a@b.example, c@d.example'}]}\n", `"a@b.example, c@d.example" is not an address of mail`, ""},
		"user, address":         {local + "seed: {users: [{email: ada}]}\n", `2:24: seed.users[0].email: "ada" is not an address of mail`, ""},
		"user, role":            {local + "seed: {roles: [{name: cook}], users: [{email: a@b.c, roles: [coook]}]}\n", `2:62: seed.users[0].roles[0]: there is no role "coook" in the seed, did you mean "cook"?`, "seed.roles"},
		"action, trigger":       {local + "seed: {actions: [{name: a, file: a.js, trigger: post-logon}]}\n", `did you mean "post-login"?`, ""},
		"too deep":              {local + "seed: " + strings.Repeat("[", 30) + strings.Repeat("]", 30) + "\n", "mappings and lists inside each other", ""},
		"too large":             {local + "# " + strings.Repeat("x", 1<<20), "1:1: the file has", ""},
		"not text":              {"issuer: \xff\n", "1:1: not UTF-8 text", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := parse(tt.text)
			if err == nil {
				t.Fatalf("read as %+v", c)
			}
			problems, ok := errors.AsType[*design.Errors](err)
			if !ok {
				t.Fatalf("%T: %v", err, err)
			}
			text := err.Error()
			if strings.HasPrefix(tt.want, "1:") || strings.HasPrefix(tt.want, "2:") || strings.HasPrefix(tt.want, "3:") {
				if !strings.HasPrefix(text, "idp.yaml:"+tt.want) {
					t.Errorf("got %s\nwant %s", text, tt.want)
				}
			} else if !strings.Contains(text, tt.want) {
				t.Errorf("got %s\nwant %s", text, tt.want)
			}
			if !strings.Contains(problems.Problems[0].Hint, tt.hint) {
				t.Errorf("hint %q, want %q", problems.Problems[0].Hint, tt.hint)
			}
			for _, hidden := range []string{"hidden", "s3cr3t"} {
				if strings.Contains(text, hidden) {
					t.Errorf("the error tells a secret: %s", text)
				}
			}
		})
	}
}

// One mistake hides no other one, and has no others follow from it.
func TestParse_all(t *testing.T) {
	const text = `isuer: https://id.example.com/
databse: sqlite:idp.db
listen: 3001
rotateKeys: 90d
rotateKeys: 91d
trustedProxies: 10.0.0.0/8
mail: {from: nobody, url: &a smtp://mail.example.com}
looks: {languages: [en, xx], termsURL: terms, texts: 3}
protection: {breachCheck: http://example.com/}
seed:
  apis: [{identifier: shop, scopes: [read all]}, {scopes: []}]
  roles: [{name: cook, permissions: {shop: [cook]}}, {name: cook}]
  clients: [{name: Menu, type: sap, grants: {shop: [fry]}, callbacks: [nowhere]}]
  connections: [{name: github, strategy: githbu, clients: [Menuu]}]
  users: [{email: ada, roles: [cok], passwordEnv: "pass word"}]
  actions: [{name: a, trigger: post-login}, {name: b, trigger: post-login, file: b.js, secrets: {KEY: [x]}}]
`
	const want = `1:1: unknown key "isuer", did you mean "issuer"?
2:1: unknown key "databse", did you mean "database"?
3:9: listen has to be a text, not 3001
4:13: rotateKeys has to be a time such as 15m or 24h, not "90d"
5:1: "rotateKeys" stands twice, first in line 4
6:17: trustedProxies has to be a list, not "10.0.0.0/8"
7:14: mail.from: "nobody" is not an address of mail
7:27: not allowed here
8:20: languages: there are no texts in "xx", only in en, de, fr
8:40: termsURL: "terms" is neither http, https nor mailto
8:54: texts has to be a mapping, not 3
9:27: breachCheck "http://example.com/" is not an https address
11:38: seed.apis[0].scopes[0]: "read all" cannot be a scope: no blanks, quotes and backslashes, at most 280 characters
11:50: seed.apis[1].identifier is missing
12:54: seed.roles[1]: "cook" stands twice
13:32: type has to be one of spa, native, web, machine, not "sap", did you mean "spa"?
13:72: seed.clients[0].callbacks[0]: "nowhere" is no URL with a scheme
14:17: seed.connections[0]: the connection has no clientID
14:42: there is no strategy "githbu", did you mean "github"?
15:19: seed.users[0].email: "ada" is not an address of mail
15:32: seed.users[0].roles[0]: there is no role "cok" in the seed, did you mean "cook"?
15:51: seed.users[0].passwordEnv: this is not the name of a variable of the environment
16:13: seed.actions[0]: the action has no file
16:103: KEY has to be a text, not a list
`
	_, err := parse(text)
	problems, ok := errors.AsType[*design.Errors](err)
	if !ok {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, p := range problems.Problems {
		fmt.Fprintf(&got, "%d:%d: %s\n", p.Line, p.Column, p.Message)
		if p.Hint == "" || strings.ContainsRune(p.Hint, utf8.RuneError) || p.File != "idp.yaml" {
			t.Errorf("nothing says what to do, or where: %+v", p)
		}
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

// What a variable says is told by its name: it stands in no file.
func TestParse_variables(t *testing.T) {
	_, err := parse(local+"mail: {from: Shop <id@example.com>}\n", "IDP_DATABASE_URL=mysql://u:hidden@db", "MAIL_URL=http://u:hidden@mail", "MAIL_FROM=nobody")
	const want = `IDP_DATABASE_URL: the database is of no kind that is known
    write it as sqlite:idp.db or postgres://…
MAIL_FROM: mail.from: "nobody" is not an address of mail
    write it as Restaurant <id@example.com>
MAIL_URL: mail.url is neither smtp, smtps nor folder
    write it as smtp://mail.example.com:587`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// whole has every key that a provider without files beside it can have.
const whole = `
issuer: https://id.example.com/
database: postgres://idp@db.example.com/idp
listen: ":8443"
tls: {certificate: tls.crt, key: tls.key}
trustedProxies: [10.0.0.0/8, 192.0.2.1, "fd00::/8"]
signup: confirm
rotateKeys: 720h
requestLimit: 2000
managementLimit: 50
logLevel: warn
mail: {url: "smtp://mail.example.com:587", from: Restaurant <id@example.com>}
looks:
  name: Restaurant
  accent: {light: "#1c5a43", dark: "#7fd1ae"}
  supportURL: https://example.com/help
  languages: [de, en]
actions: {allowedHosts: [api.example.com]}
protection: {breachCheck: "https://api.pwnedpasswords.com/range/"}
seed:
  apis:
    - identifier: https://restaurant.example/api
      name: Restaurant
      rbac: true
      offlineAccess: true
      tokenLifetime: 1h
      scopes: ["create:items", {value: "update:items", description: Change dishes}]
  roles:
    - {name: menu-admin, description: Keeps the menu, permissions: {"https://restaurant.example/api": ["create:items"]}}
  clients:
    - {name: Menu, type: spa, id: menu, callbacks: ["http://localhost:3000/cb"], logoutURLs: ["http://localhost:3000/"], webOrigins: ["http://localhost:3000"]}
    - {name: Cron, type: machine, grants: {"https://restaurant.example/api": ["*"], management: ["read:users"]}, secretEnv: CRON_SECRET}
  connections:
    - {name: People, passwordPolicy: excellent, closedSignup: true}
    - {name: github, strategy: github, clientID: Iv1, clientSecretEnv: GITHUB_SECRET, scope: ["read:user"], clients: [Menu], options: {set_user_root_attributes: on_first_login}}
  users:
    - {email: ada@example.com, name: Ada, roles: [menu-admin], connection: People, passwordEnv: ADA_PASSWORD}
  actions:
    - {name: profile, trigger: post-login, file: profile.js, secrets: {KEY: PROFILE_KEY}}
`

func TestParse_whole(t *testing.T) {
	c, err := parse(whole)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Address(), c.TLS.On(), c.Local(), c.Proxies(), c.RotateKeys); got != ":8443true false [10.0.0.0/8 192.0.2.1/32 fd00::/8] 720h0m0s" {
		t.Errorf("got %s", got)
	}
	api := c.Seed.APIs[0]
	if api.Scopes[0].Value != "create:items" || api.Scopes[1].Description != "Change dishes" || api.TokenLifetime.Hours() != 1 {
		t.Errorf("API %+v", api)
	}
	if c.Seed.Connections[1].Options["set_user_root_attributes"] != "on_first_login" || c.Seed.Actions[0].Secrets["KEY"] != "PROFILE_KEY" {
		t.Errorf("seed %+v", c.Seed)
	}
}

// TestParse_environment: a password in the environment is no problem, and takes
// the place of what the file says.
func TestParse_environment(t *testing.T) {
	c, err := parse(local+"database: sqlite:a.db\n", "IDP_DATABASE_URL=postgres://u:p@localhost/x", "MAIL_URL=smtp://u:p@localhost", "MAIL_FROM=a@b.example")
	if err != nil || c.Database != "postgres://u:p@localhost/x" || c.Mail.URL != "smtp://u:p@localhost" || c.Mail.From != "a@b.example" {
		t.Errorf("%v, %v", c, err)
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		local:                               "127.0.0.1:3001",
		"issuer: http://localhost/\n":       "127.0.0.1:80",
		local + "listen: \"127.0.0.1:1\"\n": "127.0.0.1:1",
		"issuer: https://localhost:3001/\ntls: local\n":                     "127.0.0.1:3001",
		"issuer: http://127.0.0.2:3001/\n":                                  "127.0.0.2:3001",
		"issuer: http://[::1]:3001/\n":                                      "[::1]:3001",
		"issuer: https://id.example.com/\ntrustedProxies: [10.0.0.1]\n":     ":8080",
		"issuer: https://id.example.com/\ntls: {certificate: a, key: b}\n":  ":8443",
		"issuer: https://login.localhost/\ntls: {certificate: a, key: b}\n": "127.0.0.1:443",
	} {
		c, err := parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if c.Address() != want {
			t.Errorf("%s: %s, want %s", text, c.Address(), want)
		}
	}
}

// TestJSONSchema: what Parse takes the schema takes, and what it misspells not.
func TestJSONSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(config.JSONSchema())))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(config.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(config.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{
		whole: true, local: true, "issuer: https://localhost/\ntls: local\n": true,
		local + "sign-up: open\n": false, "signup: open\n": false, local + "signup: opn\n": false,
		local + "seed: {clients: [{name: a}]}\n": false, local + "tls: auto\n": false,
	} {
		data, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// good is a secret that could be one.
const good = "vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA"

func TestOPS13_secret(t *testing.T) {
	for name, tt := range map[string]struct{ secret, want string }{
		"short":       {good[:31], "IDP_SECRET is shorter than 32 bytes"},
		"placeholder": {"please-change-me-before-going-to-production-1234", "IDP_SECRET was copied from an example"},
		"repeated":    {strings.Repeat("abcdefgh", 6), "IDP_SECRET repeats itself"},
		"blank":       {good + " ", "IDP_SECRET begins or ends with a blank"},
		"PEM":         {"-----BEGIN PRIVATE KEY-----" + good, "IDP_SECRET is a key in PEM"},
	} {
		c, err := parse(local, "IDP_SECRET="+tt.secret)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.Secret(true); err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), tt.secret) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	c, err := parse("issuer: https://id.example.com/\ntrustedProxies: [10.0.0.1]\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Secret(true); !errors.Is(err, config.ErrNoSecret) {
		t.Errorf("no secret is made up in production: %v", err)
	}
}

// TestOPS13_secretFile: in development the secret is made once, for its owner.
func TestOPS13_secretFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "idp.yaml")
	c, err := config.Parse(file, []byte(local), lookup())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Secret(false); !errors.Is(err, config.ErrNoSecret) {
		t.Errorf("made without being asked: %v", err)
	}
	first, err := c.Secret(true)
	if err != nil || len(first.Reveal()) < 32 {
		t.Fatal(err)
	}
	if second, err := c.Secret(false); err != nil || second != first {
		t.Errorf("another one: %v", err)
	}
	path := filepath.Join(filepath.Dir(file), "idp.secret")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Secret(true); err == nil || !strings.Contains(err.Error(), "only its owner may read") {
		t.Errorf("readable by others: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add(local + "tls: local\n")
	f.Add("a: &b [*b]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse(text)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v, %v: want one of both", c, err)
		}
	})
}

func ExampleParse() {
	_, err := config.Parse("idp.yaml", []byte("issuer: https://id.example.com\nsignup: opn\n"), os.LookupEnv)
	fmt.Println(err)
	_, err = config.Parse("idp.yaml", []byte("signup: open\n"), os.LookupEnv)
	fmt.Println(err)
	// Output:
	// idp.yaml:1:9: issuer "https://id.example.com" has to end with a slash, and has no other path: SDKs put paths behind it
	//     write it as https://id.example.com/
	// idp.yaml:1:9: the issuer is https, and nothing says who speaks TLS
	//     tls: {certificate: …, key: …}, tls: local in development, or trustedProxies when a proxy in front does it
	// idp.yaml:2:9: signup has to be one of closed, confirm, open, not "opn", did you mean "open"?
	//     who may make an account: nobody (closed), whoever confirms their address (confirm), everybody at once (open)
	// idp.yaml:1:1: issuer is missing
	//     address of the provider, with a slash at its end: https://id.example.com/. http is for this machine alone
}

// TestGuide: every idp.yaml of the guide can be read.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/guides/idp.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(guide), "```yaml\n")[1:]
	if len(blocks) < 4 {
		t.Errorf("%d blocks", len(blocks))
	}
	for _, b := range blocks {
		text, _, _ := strings.Cut(b, "```")
		if _, err := parse(text); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}
