package admin_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

const accounts = `gate: 1
service: {name: shop, module: example.com/shop}
roles: {clerk: {default: true}}
plugins:
  auth-core: {entity: User}
PLUGINS
  client-ts: {}
entities:
  User:
    owner: id
    fields: {email: {type: email, required: true, unique: true, searchable: true}, password: password, roles: roles}
    allow: {view: owner}
  Note: {fields: {title: text, body: text}, allow: {view: public, list: clerk, create: public}, fieldRules: {body: {create: clerk}}}
`

const (
	session = "  auth-session: {}\n"
	jwt     = "  auth-jwt: {}\n"
	basic   = "  auth-basic: {}\n"
	oidc    = `  auth-oidc: {issuer: "https://login.example/", audience: "urn:shop"}` + "\n"
	auth0   = `  auth-auth0: {domain: shop.eu.auth0.com, clientId: Zq3web, issuerURL: "https://shop.eu.auth0.com/", audience: "urn:shop"}` + "\n"
)

// generate returns the files of a service with pages, with these plugins.
func generate(t *testing.T, plugins string) (gen.Files, error) {
	t.Helper()
	d, err := design.Parse("gate.yaml", []byte(strings.Replace(accounts, "PLUGINS\n", plugins, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...)
}

// TestLogin: people log in by what the service has, and as gate.yaml says.
func TestLogin(t *testing.T) {
	for plugins, want := range map[string]string{
		jwt + "  admin: {}\n":                                      "token",
		jwt + session + "  admin: {}\n":                            "cookie",
		jwt + session + "  admin: {login: token}\n":                "token",
		basic + "  admin: {}\n":                                    "basic",
		jwt + basic + "  admin: {login: basic}\n":                  "basic",
		auth0 + "  admin: {}\n":                                    "issuer",
		auth0 + session + "  admin: {popup: true}\n":               "issuer",
		auth0 + session + "  admin: {login: cookie}\n":             "cookie",
		jwt + "  admin: {login: none}\n":                           "none",
		oidc + "  admin: {login: none}\n":                          "none",
		oidc + session + "  admin: {}\n":                           "cookie",
		auth0 + "  admin: {cacheLocation: localstorage}\n":         "issuer",
		auth0 + jwt + basic + session + "  admin: {path: /desk}\n": "issuer",
	} {
		files, err := generate(t, plugins)
		if err != nil {
			t.Errorf("%s%v", plugins, err)
			continue
		}
		text := func(name string) string {
			data, _ := files.Get("admin/" + name)
			return string(data)
		}
		settings, service, parts, packages := text("src/gen/settings.gen.ts"), text("src/gen/service.gen.ts"), text("src/gen/session.gen.ts"), text("package-lock.json")+text("package.json")
		if !strings.Contains(settings, `by: "`+want+`"`) || parts == "" {
			t.Errorf("%swant %s:\n%s", plugins, want, settings)
		}
		if got := strings.Contains(packages, "@auth0/auth0-spa-js"); got != (want == "issuer") {
			t.Errorf("%sthe packages have auth0-spa-js: %t", plugins, got)
		}
		if strings.Contains(packages, "{{") || strings.Contains(packages, `"resolved"`) {
			t.Errorf("%sthe packages name a registry, or are no JSON", plugins)
		}
		if got := strings.Contains(service, "credentials: 'omit'"); got != (want != "cookie" && strings.Contains(plugins, basic)) {
			t.Errorf("%sthe browser asks for a password itself: %t\n%s", plugins, !got, service)
		}
		if got := strings.Contains(parts, "cacheLocation: 'localstorage'"); got != strings.Contains(plugins, "localstorage") {
			t.Errorf("%stokens are in localStorage: %t", plugins, got)
		}
		main, _ := files.Get("app/app_gen.go")
		if strings.Contains(string(main), "spa.MountWithIssuer") != (want == "issuer") {
			t.Errorf("%s%s", plugins, main)
		}
	}
}

// TestLogin_nobody: where nobody logs in, pages offer what everybody may do.
func TestLogin_nobody(t *testing.T) {
	files, err := generate(t, jwt+"  admin: {login: none}\n")
	if err != nil {
		t.Fatal(err)
	}
	access, _ := files.Get("admin/src/gen/access.gen.ts")
	const want = `    "notes": {
      view: 'all',
      create: 'all',
      fields: { view: ["id", "title", "body", "createdAt", "updatedAt"], create: ["title"], update: [] },
    },`
	if !strings.Contains(string(access), want) || strings.Contains(string(access), "me/permissions") {
		t.Errorf("%s", access)
	}
}

// TestLogin_refused: a way to log in that the service does not have.
func TestLogin_refused(t *testing.T) {
	for plugins, want := range map[string]string{
		jwt + "  admin: {login: cookie}\n":                               "gate.yaml:7:18: login: cookie needs the plugin auth-session",
		jwt + "  admin: {login: issuer}\n":                               "gate.yaml:7:18: login: issuer needs the plugin auth-auth0",
		session + "  admin: {login: token}\n":                            "gate.yaml:7:18: login: token needs the plugin auth-jwt",
		jwt + "  admin: {login: basic}\n":                                "gate.yaml:7:18: login: basic needs the plugin auth-basic",
		oidc + "  admin: {}\n":                                           "gate.yaml:7:3: the pages cannot log people in at the issuer of auth-oidc",
		jwt + "  admin: {login: password}\n":                             `gate.yaml:7:18: login cannot be "password"`,
		jwt + "  admin: {popup: true}\n":                                 "gate.yaml:7:18: popup is for pages on which an issuer logs people in",
		auth0 + jwt + "  admin: {login: token, cacheLocation: memory}\n": "gate.yaml:8:40: cacheLocation is for pages on which an issuer",
		auth0 + "  admin: {cacheLocation: cookie}\n":                     `gate.yaml:7:26: cacheLocation cannot be "cookie"`,
	} {
		if _, err := generate(t, plugins); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s%v\nwant %s", plugins, err, want)
		}
	}
}
