package gen_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// shop is a design whose plugins start at line 4.
func shop(plugins string) string {
	return "gate: 1\nservice: {name: shop, module: example.com/shop}\nplugins:\n" + plugins + `entities:
  User:
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      roles: roles
`
}

// TestPluginErrors says which line of gate.yaml is wrong, and what to do.
func TestPluginErrors(t *testing.T) {
	for name, tt := range map[string]struct{ plugins, want, hint string }{
		"unknown":           {"  auth-jwtt: {}\n", `gate.yaml:4:3: unknown plugin "auth-jwtt", did you mean "auth-jwt"?`, "auth-core, auth-jwt, "},
		"base":              {"  service: {}\n", `gate.yaml:4:3: unknown plugin "service"`, "auth-core"},
		"no provider":       {"  auth-core: {entity: User}\n", "gate.yaml:4:3: plugin auth-core needs a way to authenticate", "add auth-jwt or auth-basic"},
		"provider off":      {"  auth-core: {entity: User}\n  auth-jwt: {enabled: false}\n", "gate.yaml:4:3: plugin auth-core needs a way to authenticate", "add auth-jwt or auth-basic"},
		"provider alone":    {"  auth-basic:\n", "gate.yaml:4:3: plugin auth-basic requires auth-core", "add auth-core"},
		"core off":          {"  auth-core: {entity: User, enabled: false}\n  auth-jwt: {}\n", "gate.yaml:5:3: plugin auth-jwt requires auth-core, which is turned off", "remove enabled: false from auth-core"},
		"no entity":         {"  auth-core: {}\n  auth-jwt: {}\n", "gate.yaml:4:3: plugin auth-core has no entity", "the entity that holds the accounts"},
		"wrong entity":      {"  auth-core: {entity: Usr}\n  auth-jwt: {}\n", `gate.yaml:4:23: unknown entity "Usr"`, ""},
		"unknown setting":   {"  auth-core: {entity: User}\n  auth-jwt: {expires: 5m}\n", `gate.yaml:5:14: unknown setting "expires"`, ""},
		"algorithm none":    {"  auth-core: {entity: User}\n  auth-jwt: {algorithm: none}\n", `gate.yaml:5:25: algorithm cannot be "none"`, "one of: HS256"},
		"algorithm twice":   {"  auth-core: {entity: User}\n  auth-jwt: {algorithm: \"HS256,HS384\"}\n", `gate.yaml:5:25: algorithm cannot be "HS256,HS384"`, ""},
		"duration is words": {"  auth-core: {entity: User}\n  auth-jwt: {expiresIn: 900}\n", "gate.yaml:5:25: expiresIn has to be a duration", ""},
		"too long":          {"  auth-core: {entity: User}\n  auth-jwt: {expiresIn: 48h}\n", "gate.yaml:5:25: expiresIn has to be from 1m to 24h", ""},
		"negative":          {"  auth-core: {entity: User}\n  auth-jwt: {expiresIn: -5m}\n", "gate.yaml:5:25: expiresIn has to be from 1m to 24h", ""},
		"placeholder":       {"  auth-core: {entity: User}\n  auth-jwt: {issuer: AUTH0_ISSUER_URL}\n", "gate.yaml:5:22: issuer is a placeholder", "write the real value"},
		"change me":         {"  auth-core: {entity: User}\n  auth-jwt: {audience: Change_ME!!!}\n", "gate.yaml:5:24: audience is a placeholder", ""},
		"angle brackets":    {"  auth-core: {entity: User}\n  auth-jwt: {audience: <your-api>}\n", "gate.yaml:5:24: audience is a placeholder", ""},
		"empty":             {"  auth-core: {entity: User}\n  auth-jwt: {audience: \"\"}\n", "gate.yaml:5:24: audience cannot be", ""},
		"keys alone":        {"  auth-core: {entity: User}\n  auth-apikey: {}\n", "gate.yaml:4:3: plugin auth-core needs a way to authenticate", "add auth-jwt"},
		"letters alone":     {"  auth-core: {entity: User}\n  auth-letters: {}\n", "gate.yaml:4:3: plugin auth-core needs a way to authenticate", "add auth-jwt"},
		"keys, no core":     {"  auth-apikey: {}\n", "gate.yaml:4:3: plugin auth-apikey requires auth-core", "add auth-core"},
		"letters, no core":  {"  auth-letters: {}\n", "gate.yaml:4:3: plugin auth-letters requires auth-core", "add auth-core"},
		"letters setting":   {"  auth-core: {entity: User}\n  auth-basic: {}\n  auth-letters: {from: a@b.example}\n", `gate.yaml:6:18: unknown setting "from"`, ""},
		"long environment":  {"  auth-core: {entity: User}\n  auth-basic: {}\n  auth-apikey: {environment: Live_1}\n", "gate.yaml:6:30: environment is up to 16 lower-case letters and digits", "test"},
		"long cookie":       {"  auth-core: {entity: User}\n  auth-session: {expiresIn: 48h}\n", "gate.yaml:5:29: expiresIn has to be from 1m to 24h", ""},
		"idle cookie":       {"  auth-core: {entity: User}\n  auth-session: {idleFor: 5s}\n", "gate.yaml:5:27: idleFor has to be from 1m to 1h", ""},
		"long step-up":      {"  auth-core: {entity: User, stepUp: 48h}\n  auth-session: {}\n", "gate.yaml:4:37: stepUp has to be from 1m to 24h", ""},
		"hasty rotation":    {"  auth-core: {entity: User}\n  auth-jwt: {rotateKeys: 1h}\n", "gate.yaml:5:26: rotateKeys has to be from 24h", ""},
		"refresh is words":  {"  auth-core: {entity: User}\n  auth-jwt: {refresh: often}\n", "gate.yaml:5:23: refresh has to be", ""},
		"header splitting":  {"  auth-core: {entity: User}\n  auth-basic: {realm: \"a\\r\\nX: y\"}\n", "gate.yaml:5:23: realm cannot be", ""},
		"also unknown":      {"  auth-core: {entity: User, also: [Usr]}\n  auth-jwt: {}\n", `gate.yaml:4:36: unknown entity "Usr", did you mean "User"?`, "name the entity that logs in"},
		"also twice":        {"  auth-core: {entity: User, also: [User]}\n  auth-jwt: {}\n", "gate.yaml:4:36: User is listed twice, or holds the accounts", "remove it here"},
		"also a number":     {"  auth-core: {entity: User, also: [5]}\n  auth-jwt: {}\n", "gate.yaml:4:36: ", ""},
		"also no list":      {"  auth-core: {entity: User, also: User}\n  auth-jwt: {}\n", "gate.yaml:4:35: also has to be a list", ""},
		"pages alone":       {"  auth-core: {entity: User}\n  auth-jwt: {}\n  admin: {}\n", "gate.yaml:6:3: plugin admin requires client-ts", "add client-ts"},
		"pages of the API":  {"  auth-core: {entity: User}\n  auth-jwt: {}\n  client-ts: {}\n  admin: {path: /api/x}\n", "gate.yaml:7:17: path has to be a path", "/back-office"},
		"pages everywhere":  {"  auth-core: {entity: User}\n  auth-jwt: {}\n  client-ts: {}\n  admin: {path: /}\n", "gate.yaml:7:17: path has to be a path", ""},
		"pages elsewhere":   {"  auth-core: {entity: User}\n  auth-jwt: {}\n  client-ts: {}\n  admin: {path: /a/../b}\n", "gate.yaml:7:17: path has to be a path", ""},
		"pages with braces": {"  auth-core: {entity: User}\n  auth-jwt: {}\n  client-ts: {}\n  admin: {path: '/a/{x}'}\n", "gate.yaml:7:17: path has to be a path", ""},
		"realm with quotes": {"  auth-core: {entity: User}\n  auth-basic: {realm: 'a\", x=\"'}\n", "gate.yaml:5:23: realm can only hold", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := design.Parse("gate.yaml", []byte(shop(tt.plugins)))
			if err == nil {
				err = gen.Check(d, standard.Plugins()...)
				if _, again := gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...); again == nil {
					t.Error("generated nevertheless")
				}
			}
			errs, ok := errors.AsType[*design.Errors](err)
			if !ok || len(errs.Problems) != 1 {
				t.Fatalf("got %v", err)
			}
			if got := errs.Problems[0]; !strings.HasPrefix(got.String(), tt.want) || !strings.Contains(got.Hint, tt.hint) {
				t.Errorf("got  %v\nwant %s\nhint %s", got, tt.want, tt.hint)
			}
		})
	}
}

// TestPluginRoutes: no entity stands where a plugin answers.
func TestPluginRoutes(t *testing.T) {
	for route, plugins := range map[string]string{
		"session": "  auth-core: {entity: User}\n  auth-session: {}\n", "account": "  auth-core: {entity: User}\n  auth-jwt: {}\n",
		"events": "  realtime: {}\n", "socket": "  realtime: {}\n",
	} {
		for on, src := range map[bool]string{true: shop(plugins), false: shop("")} {
			d, err := design.Parse("gate.yaml", []byte(strings.Replace(src, "plugins:\nentities", "entities", 1)+"  Thing: {route: "+route+"}\n"))
			if err != nil {
				t.Fatal(err)
			}
			err = gen.Check(d, standard.Plugins()...)
			if (err != nil) != on || on && !strings.Contains(err.Error(), fmt.Sprintf("route %q belongs to plugin", route)) {
				t.Errorf("%s with the plugin %t: %v", route, on, err)
			}
		}
	}
}

// TestFilesOfEntities: the file of an entity is none of a plugin's.
func TestFilesOfEntities(t *testing.T) {
	d, err := design.Parse("gate.yaml", []byte(`gate: 1
service: {name: shop, module: example.com/shop, apis: [rest, graphql]}
entities:
  Graphql: {fields: {name: text}}
  AuthOidc: {fields: {name: text}}
`))
	if err != nil {
		t.Fatal(err)
	}
	files, err := gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...)
	if err == nil {
		_, err = gen.Apply(t.TempDir(), files, gen.ApplyOptions{})
	}
	if err != nil {
		t.Error(err)
	}
}

// TestSettingsHaveOneTruth reads settings that editors accept and that they
// refuse: gen.Schema and the plugins have to agree.
func TestSettingsHaveOneTruth(t *testing.T) {
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
	schema, err := c.Compile("urn:test")
	if err != nil {
		t.Fatal(err)
	}
	for plugins, good := range map[string]bool{
		`"auth-core": {"entity": "User"}, "auth-jwt": {"algorithm": "ES256", "expiresIn": "1h30m", "issuer": "x"}`:          true,
		`"auth-core": {"entity": "User"}, "auth-jwt": null`:                                                                 true,
		`"auth-core": {"entity": "User"}, "auth-basic": {"realm": "Shop", "enabled": true}`:                                 true,
		`"auth-core": {"entity": "User", "stepUp": "10m"}, "auth-session": {"idleFor": "10m"}`:                              true,
		`"auth-core": {"entity": "User"}, "auth-jwt": {"refresh": true, "rotateKeys": "2160h", "encrypted": true}`:          true,
		`"auth-core": {"entity": "User"}, "auth-session": {}, "auth-apikey": {"environment": "test"}, "auth-letters": null`: true,
		`"auth-core": {"entity": "User"}, "auth-apikey": {"environment": 1}, "auth-session": {}`:                            false,
		`"auth-core": {"entity": "User"}, "auth-session": {"expiresIn": true}`:                                              false,
		`"auth-core": {"entity": "User"}, "auth-session": {"sameSite": "none"}`:                                             false,
		`"auth-core": {"entity": "User"}, "auth-jwt": {"refresh": "yes"}`:                                                   false,
		`"auth-core": {"entity": "User"}, "auth-jwt": {"algorithm": "none"}`:                                                false,
		`"auth-core": {"entity": "User"}, "auth-jwt": {"expiresIn": 15}`:                                                    false,
		`"auth-core": {"entity": "User"}, "auth-jwt": {"secret": "x"}`:                                                      false,
		`"auth-core": {}, "auth-jwt": {}`:                                                                                   false,
		`"auth-core": null, "auth-jwt": {}`:                                                                                 false,
		`"auth-ldap": {}`:                                                                                                   false,
	} {
		text := `{"gate": 1, "service": {"name": "shop", "module": "example.com/shop"}, "plugins": {` + plugins + `},
			"entities": {"User": {"fields": {"email": {"type": "email", "required": true, "unique": true}, "password": "password", "roles": "roles"}}}}`
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != good {
			t.Errorf("%s: the schema says %v", plugins, err)
		}
		d, err := design.Parse("gate.yaml", []byte(text)) // JSON is YAML
		if err == nil {
			err = gen.Check(d, standard.Plugins()...)
		}
		if (err == nil) != good {
			t.Errorf("%s: the plugins say %v", plugins, err)
		}
	}
}

// part is a plugin of a third party.
type part struct {
	contribute func(*gen.Build) error
}

func (part) Settings() any                                 { return nil }
func (part) Validate(*design.Design, *design.Plugin) error { return nil }
func (p part) Contribute(b *gen.Build) error               { return p.contribute(b) }

func plugin(name string, contribute func(*gen.Build) error, requires ...string) gen.Plugin {
	return gen.Plugin{Name: name, Requires: requires, New: func() gen.Part { return part{contribute} }}
}

func TestOrderIsSolved(t *testing.T) {
	d := parse(t, "gate: 1\nservice: {name: shop, module: example.com/shop}\nplugins: {a: {}, b: {}, c: {}, off: {enabled: false}}\n")
	var order []string
	note := func(name string) func(*gen.Build) error {
		return func(*gen.Build) error { order = append(order, name); return nil }
	}
	plugins := []gen.Plugin{plugin("a", note("a"), "c"), plugin("b", note("b")), plugin("c", note("c"), "b"), plugin("off", note("off"))}
	if _, err := gen.Generate(d, gen.Options{Replace: "/gate"}, plugins...); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, " "); got != "b c a" {
		t.Errorf("got %s", got)
	}

	plugins[1].Requires = []string{"a"}
	_, err := gen.Generate(d, gen.Options{Replace: "/gate"}, plugins...)
	if err == nil || !strings.Contains(err.Error(), "a → c → b → a") {
		t.Errorf("a circle: %v", err)
	}

	plugins[1].Requires = nil
	plugins[1].Conflicts = []string{"c"}
	err = gen.Check(d, plugins...)
	if err == nil || !strings.Contains(err.Error(), "gate.yaml:3:18: plugin b cannot be on together with c") {
		t.Errorf("a conflict: %v", err)
	}
}

// TestGEN04_pluginFiles has plugins that write where they must not.
func TestGEN04_pluginFiles(t *testing.T) {
	d := parse(t, "gate: 1\nservice: {name: shop, module: example.com/shop}\nplugins: {evil: {}}\n")
	for _, path := range []string{"../x_gen.go", "app/app_gen.go", "APP/app_gen.go", ".git/hooks/pre-commit_gen.sh", "gate.yaml", "go.mod"} {
		evil := plugin("evil", func(b *gen.Build) error {
			b.Add(generated(path, ""))
			return nil
		})
		if _, err := gen.Generate(d, gen.Options{Replace: "/gate"}, append(standard.Plugins(), evil)...); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}

// TestBadTemplates shows what a plugin author needs to see.
func TestBadTemplates(t *testing.T) {
	d := parse(t, "gate: 1\nservice: {name: shop, module: example.com/shop}\nplugins: {mine: {}}\n")
	mine := plugin("mine", func(b *gen.Build) error {
		b.Render(gen.File{Path: "app/mine_gen.go", Owner: gen.Generated}, func() ([]byte, error) {
			return nil, errors.New("no luck")
		})
		return nil
	})
	_, err := gen.Generate(d, gen.Options{Replace: "/gate"}, append(standard.Plugins(), mine)...)
	if err == nil || err.Error() != "app/mine_gen.go: no luck" {
		t.Errorf("got %v", err)
	}
}

func TestExpressions(t *testing.T) {
	for want, e := range map[string]gen.Expr{
		`"a\"\n` + "`" + `\x00"`:    gen.Text("a\"\n`\x00"),
		`[]string{"a", "b, \"c\""}`: gen.Texts([]string{"a", `b, "c"`}),
		"15 * time.Minute":          gen.Duration(15 * time.Minute),
		"time.Hour":                 gen.Duration(time.Hour),
		"1500 * time.Millisecond":   gen.Duration(1500 * time.Millisecond),
		"0":                         gen.Duration(0),
		"-3":                        gen.Int(-3),
		"true":                      gen.Bool(true),
		"1.5":                       gen.Float(1.5),
		"auth.JWT":                  gen.Name("example.com/runtime/auth", "JWT"),
		"&auth.JWT{\nAge: 1,\n}":    gen.Struct(gen.Name("example.com/auth", "JWT"), gen.Member{Name: "Age", Value: gen.Int(1)}),
		`New("x", 1)`:               gen.Call(gen.Name("", "New"), gen.Text("x"), gen.Int(1)),
	} {
		if got := e.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a name that is no identifier")
		}
	}()
	gen.Name("", "x{}; evil()")
}

func TestDestructiveChangesAreAskedFor(t *testing.T) {
	const before = "gate: 1\nservice: {name: shop, module: example.com/shop}\nentities:\n  Item: {fields: {name: text, note: text}}\n  Shop: {}\n"
	const after = "gate: 1\nservice: {name: shop, module: example.com/shop}\nentities:\n  Item: {fields: {name: text}}\n"
	dir := t.TempDir()
	apply(t, dir, generate(t, parse(t, before), gen.Options{}), gen.ApplyOptions{})
	state, err := gen.ReadState(dir, design.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	for _, allowed := range [][]string{nil, {"items.note"}, {"shops"}, {"*"}, {""}} {
		_, err := gen.Generate(parse(t, after), gen.Options{Replace: "/gate", State: state, AllowDestructive: allowed}, standard.Plugins()...)
		lost, ok := errors.AsType[*gen.DestructiveError](err)
		if !ok {
			t.Fatalf("allowed %v: %v", allowed, err)
		}
		if want := 2 - len(allowed); len(lost.Changes) != want && (len(allowed) == 0 || len(allowed[0]) > 1) {
			t.Errorf("allowed %v: got %v", allowed, lost)
		}
	}
	files := generate(t, parse(t, after), gen.Options{State: state, AllowDestructive: []string{"shops", "items.note"}})
	sql, ok := files.Get("migrations/sqlite/0002_drop_items_note_and_1_more.sql")
	if !ok || !strings.Contains(string(sql), `DROP TABLE "shops"`) {
		t.Errorf("got %s", sql)
	}
}

// TestValuesAreKept: a value of an enum that goes is asked for by its name, once; more
// values change the snapshot alone.
func TestValuesAreKept(t *testing.T) {
	at := func(values string) string {
		return "gate: 1\nservice: {name: shop, module: example.com/shop}\nentities:\n  Item: {fields: {state: {type: enum, values: [" + values + "]}}}\n"
	}
	dir := t.TempDir()
	next := func(values string, allowed ...string) error {
		t.Helper()
		state, err := gen.ReadState(dir, design.SQLite)
		if err != nil {
			t.Fatal(err)
		}
		files, err := gen.Generate(parse(t, at(values)), gen.Options{Replace: "/gate", State: state, AllowDestructive: allowed}, standard.Plugins()...)
		if err == nil {
			apply(t, dir, files, gen.ApplyOptions{})
		}
		return err
	}
	for _, step := range []struct {
		values, allow, lost string
		migrations          int
	}{
		{values: "draft", migrations: 1},
		{values: "draft, open", migrations: 1},
		{values: "draft", lost: "items.state=open", migrations: 1},
		{values: "draft", lost: "items.state=open", allow: "items.state", migrations: 1},
		{values: "draft", allow: "items.state=open", migrations: 1},
		{values: "draft", migrations: 1},
		{values: "{name: fresh, renamedFrom: draft}", migrations: 2},
		{values: "fresh", migrations: 2},
	} {
		err := next(step.values, step.allow)
		lost, _ := errors.AsType[*gen.DestructiveError](err)
		if lost == nil && err != nil || lost == nil != (step.lost == "") || lost != nil && lost.Changes[0].Name != step.lost {
			t.Fatalf("%+v: %v", step, err)
		}
		if names, err := filepath.Glob(filepath.Join(dir, "migrations/sqlite/*[a-z].sql")); err != nil || len(slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, ".down.sql") })) != step.migrations {
			t.Errorf("%+v: %q, %v", step, names, err)
		}
	}
}

// TestAnotherDatabase goes to PostgreSQL and back: the migrations of both stay.
func TestAnotherDatabase(t *testing.T) {
	const lite = "gate: 1\nservice: {name: shop, module: example.com/shop}\nentities:\n  Item: {fields: {name: text}}\n"
	post := strings.Replace(lite, "shop}", "shop, database: postgres}", 1)
	dir := t.TempDir()
	for _, src := range []string{lite, post, lite, post} {
		d := parse(t, src)
		state, err := gen.ReadState(dir, d.Service.Database)
		if err != nil {
			t.Fatal(err)
		}
		apply(t, dir, generate(t, d, gen.Options{State: state}), gen.ApplyOptions{})
	}
	got := tree(t, dir)
	for _, name := range []string{"sqlite/0001_init.sql", "sqlite/schema.json", "postgres/0001_init.sql", "postgres/schema.json"} {
		if got["migrations/"+name] == "" {
			t.Errorf("%s is gone", name)
		}
	}
	if _, ok := got["migrations/sqlite/0002_init.sql"]; ok {
		t.Error("a second migration for the same schema")
	}
}

func TestMigrationsWithoutSnapshot(t *testing.T) {
	d := parse(t, "gate: 1\nservice: {name: shop, module: example.com/shop}\nentities: {Item: {}}\n")
	for _, state := range []gen.State{
		{Migrations: []string{"0001_init.sql"}},
		{Schema: []byte(`{"format": 1, "database": "sqlite", "tables": []}`), Migrations: []string{"first.sql"}},
		{Schema: []byte(`{"format": 7}`)},
	} {
		if _, err := gen.Generate(d, gen.Options{Replace: "/gate", State: state}, standard.Plugins()...); err == nil {
			t.Errorf("%+v: no error", state)
		}
	}
}

// TestOpenAPI follows every reference of the document, and compares it with the
// operators and the JSON that the runtime knows.
func TestOpenAPI(t *testing.T) {
	doc, ok := generate(t, parse(t, everything), gen.Options{}).Get("app/openapi_gen.json")
	if !ok {
		t.Fatal("there is no document")
	}
	var root any
	if err := json.Unmarshal(doc, &root); err != nil {
		t.Fatal(err)
	}
	references := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for key, e := range v {
				if key == "$ref" {
					references++
					if err := resolve(root, e.(string)); err != nil {
						t.Error(err)
					}
				}
				walk(e)
			}
		}
	}
	walk(root)
	if references < 50 {
		t.Errorf("only %d references", references)
	}
	if strings.Contains(string(doc), `"passwordHash"`) || strings.Count(string(doc), `"writeOnly": true`) == 0 {
		t.Error("the password is not write-only")
	}
}

func resolve(root any, ref string) error {
	v := root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		m, ok := v.(map[string]any)
		if !ok || m[part] == nil {
			return fmt.Errorf("%s leads nowhere", ref)
		}
		v = m[part]
	}
	return nil
}

// A plugin that is turned off does as little as one that is not there.
func TestTurnedOff(t *testing.T) {
	const shop = `gate: 1
service: {name: shop, module: example.com/shop}
plugins: {auth-core: {entity: User}, auth-auth0: {domain: shop.eu.auth0.com, issuerURL: "https://shop.eu.auth0.com/", audience: "https://shop.example", clientId: web}PLUGINS}
entities:
  User:
    fields: {email: {type: email, required: true, unique: true, searchable: true}, password: password, roles: roles}
    owner: id
    allow: {view: owner}
`
	for plugins, want := range map[string]bool{"": false, ", auth-jwt: {}": true, ", auth-jwt: {enabled: false}": false} {
		text, _ := generate(t, parse(t, strings.Replace(shop, "PLUGINS", plugins, 1)), gen.Options{}).Get("app/openapi_gen.json")
		if got := strings.Contains(string(text), "/api/account/password"); got != want {
			t.Errorf("with %q: a password to change: %t", plugins, got)
		}
	}
}
