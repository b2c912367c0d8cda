package gen_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// office is a design whose auth-core has these settings besides.
func office(settings string) string {
	return `gate: 1
service: {name: office, module: example.com/office}
roles: {boss: {permissions: ["manage:*", "read:audit"]}}
plugins:
  auth-core: {entity: User` + settings + `}
  auth-jwt: {}
  auth-apikey: {}
entities:
  User:
    owner: id
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    allow: {view: owner}
`
}

// TestOthers: who looks after the accounts of others is said by permissions that somebody
// can hold, and there is nothing of it where nobody does.
func TestOthers(t *testing.T) {
	generate := func(src string) (string, string, error) {
		d, err := design.Parse("gate.yaml", []byte(src))
		if err != nil {
			return "", "", err
		}
		files, err := gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...)
		if err != nil {
			return "", "", err
		}
		var code, api string
		for _, f := range files {
			switch f.Path {
			case "app/auth_gen.go":
				code = string(f.Data)
			case "app/openapi_gen.json":
				api = string(f.Data)
			}
		}
		return code, api, nil
	}
	code, api, err := generate(office(""))
	if err != nil || strings.Contains(code, "Others") || strings.Contains(api, "/admin/") {
		t.Errorf("nobody looks after accounts, and: %v %s", err, code)
	}
	code, api, err = generate(office(`, sessions: "manage:users", keys: "manage:users", audit: "read:audit"`))
	if err != nil || !strings.Contains(code, "Others: &auth.Others{") || strings.Count(api, `"/api/admin/`) != 5 {
		t.Errorf("%v %s %d paths", err, code, strings.Count(api, `"/api/admin/`))
	}
	for settings, want := range map[string]string{
		`sessions: "manage:*"`:    `gate.yaml:5:39: unknown permission "manage:*"`,
		`sessions: public`:        `gate.yaml:5:39: unknown permission "public"`,
		`sessions: signed-in`:     `gate.yaml:5:39: unknown permission "signed-in"`,
		`sessions: boss`:          `gate.yaml:5:39: unknown permission "boss"`,
		`audit: "raed:audit"`:     `gate.yaml:5:36: unknown permission "raed:audit", did you mean "read:audit"?`,
		`audit: ["read:audit"]`:   `gate.yaml:5:36: `,
		`audit: true`:             `gate.yaml:5:36: `,
		`keys: "delete:everyone"`: `gate.yaml:5:35: unknown permission "delete:everyone"`,
	} {
		if _, _, err := generate(office(", " + settings)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", settings, err, want)
		}
	}
	noKeys := strings.Replace(office(`, keys: "manage:users"`), "  auth-apikey: {}\n", "", 1)
	if _, _, err := generate(noKeys); err == nil || !strings.Contains(err.Error(), "there are no API keys") {
		t.Errorf("keys without auth-apikey: %v", err)
	}
}
