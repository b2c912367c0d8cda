package auth0_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/auth0"
)

func TestPlan_refusesWhatCannotBe(t *testing.T) {
	f := newFake(t)
	for want, change := range map[string]func(d *auth0.Desired){
		"the API has no identifier":                                   func(d *auth0.Desired) { d.API.Identifier = "" },
		"characters that no audience has":                             func(d *auth0.Desired) { d.API.Identifier = "https://a.example/\n" },
		`cannot be signed with "HS256"`:                               func(d *auth0.Desired) { d.API.SigningAlg = "HS256" },
		`cannot be signed with "none"`:                                func(d *auth0.Desired) { d.API.SigningAlg = "none" },
		"is negative":                                                 func(d *auth0.Desired) { d.API.TokenLifetime = -1 },
		`"a b" is not the value of a scope`:                           func(d *auth0.Desired) { d.API.Scopes = append(d.API.Scopes, auth0.Scope{Value: "a b"}) },
		`scope "delete:items" is there twice`:                         func(d *auth0.Desired) { d.API.Scopes = append(d.API.Scopes, d.API.Scopes[1]) },
		"the single-page client has no usable name":                   func(d *auth0.Desired) { d.SPA.Name = " " },
		`"javascript:alert(1)" is not an absolute URL`:                func(d *auth0.Desired) { d.SPA.Callbacks = []string{"javascript:alert(1)"} },
		`"myapp://callback" is not http or https`:                     func(d *auth0.Desired) { d.SPA.Callbacks = []string{"myapp://callback"} },
		`"https://*.example.com/cb" has a wildcard`:                   func(d *auth0.Desired) { d.SPA.Callbacks = []string{"https://*.example.com/cb"} },
		`"https://a.example/#" has credentials or a fragment`:         func(d *auth0.Desired) { d.SPA.LogoutURLs = []string{"https://a.example/#"} },
		`web origin "https://a.example" is there twice`:               func(d *auth0.Desired) { d.SPA.WebOrigins = []string{"https://a.example", "https://a.example"} },
		`the machine client has the permission "x", which is no`:      func(d *auth0.Desired) { d.Machine.Scopes = []string{"x"} },
		`both clients are called "menu SPA"`:                          func(d *auth0.Desired) { d.Machine.Name = d.SPA.Name },
		`role "guest" is there twice`:                                 func(d *auth0.Desired) { d.Roles = append(d.Roles, d.Roles[1]) },
		`the role "guest" has the permission "x", which is no scope`:  func(d *auth0.Desired) { d.Roles[1].Permissions = []string{"x"} },
		"the action has no code":                                      func(d *auth0.Desired) { d.Action.Code = "\n" },
		"more than 100000 bytes":                                      func(d *auth0.Desired) { d.Action.Code = strings.Repeat("x", 100_001) },
		`the secret "API_KEY" of the action has to have`:              func(d *auth0.Desired) { d.Action.Secrets[0].Value = "" },
		`secret of the action "API_KEY" is there twice`:               func(d *auth0.Desired) { d.Action.Secrets = append(d.Action.Secrets, d.Action.Secrets[0]) },
		"connections without a single-page client to enable them for": func(d *auth0.Desired) { d.SPA = nil },
	} {
		d := desired()
		change(&d)
		if _, err := tenant(t, f).Plan(t.Context(), d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if len(f.log) > 0 {
		t.Errorf("it asked the tenant: %q", f.log)
	}
}

func TestResult_dotEnv(t *testing.T) {
	r := auth0.Result{
		Domain: "t.example", IssuerURL: "https://t.example/", Audience: "https://a.example/$HOME?x='1'", ClientID: "abc\nEVIL=1",
	}
	want := "AUTH0_DOMAIN=t.example\nAUTH0_ISSUER_URL=https://t.example/\nAUTH0_AUDIENCE='https://a.example/$HOME?x=1'\nAUTH0_CLIENT_ID='abcEVIL=1'\n"
	if got := r.DotEnv(); got != want {
		t.Errorf("got\n%s", got)
	}
}
