package auth0_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/auth0"
	"github.com/gatewright/gate/design"
)

func parse(t *testing.T, settings string) *design.Design {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", "menu.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := design.Parse("gate.yaml", []byte(strings.ReplaceAll(string(src), "SETTINGS", settings)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFromDesign(t *testing.T) {
	got, err := auth0.FromDesign(parse(t, "{audience: https://menu.example/api, recipe: {emailFieldName: email}}"), auth0.DesignOptions{Machine: true})
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"create:items", "delete:items", "read:reports"}
	want := auth0.Desired{
		API: auth0.API{
			Identifier: "https://menu.example/api", Name: "Amplication API", SigningAlg: "RS256", RBAC: true, AllowOfflineAccess: true, SkipConsent: true,
			Scopes: []auth0.Scope{{Value: "create:items", Description: "Create items"}, {Value: "delete:items", Description: "Delete items"}, {Value: "read:reports", Description: "Read reports"}},
		},
		SPA: &auth0.SPA{
			Name: "Amplication SPA", Callbacks: []string{"http://localhost:3000/auth-callback"},
			LogoutURLs: []string{"http://localhost:3000/login"}, WebOrigins: []string{"http://localhost:3000"},
			Guessed: true,
		},
		Machine: &auth0.Machine{Name: "menu machine", Scopes: all},
		Roles: []auth0.Role{
			{Name: "cook", Description: "cooks", Permissions: []string{"create:items"}},
			{Name: "menu-admin", Permissions: []string{"create:items", "delete:items"}}, // *:items
			{Name: "boss", Permissions: all},                                            // inherits, and read:reports
			{Name: "guest"},
		},
		Action: &auth0.Action{
			Name: "Add user details to access token", Trigger: "post-login", Runtime: "node22",
			Code: auth0.DefaultAction("https://menu.example/api", "https://menu.example/api", true),
		},
		Connections: []string{"Username-Password-Authentication"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFromDesign_managementParams(t *testing.T) {
	d := parse(t, `{audience: a, namespace: "https://claims.example/", managementParams: {identifier: "https://t.eu.auth0.com/api/v2/",
    audience: https://b.example, clientName: C, apiName: A, actionName: N}}`)
	got, err := auth0.FromDesign(d, auth0.DesignOptions{Origins: []string{"https://menu.example/"}})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join([]string{got.API.Identifier, got.API.Name, got.SPA.Name, got.Action.Name, got.SPA.Callbacks[0], got.SPA.WebOrigins[0]}, " ")
	if want := "https://b.example A C N https://menu.example/auth-callback https://menu.example"; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if got.Machine != nil || !strings.Contains(got.Action.Code, `const namespace = "https://claims.example";`) {
		t.Errorf("got %v and\n%s", got.Machine, got.Action.Code)
	}
}

func TestFromDesign_refuses(t *testing.T) {
	for name, test := range map[string]struct{ settings, want string }{
		"off":               {"{enabled: false, audience: a}", "does not use the plugin auth-auth0"},
		"no audience":       {"{}", "audience is missing"},
		"empty":             {`{audience: ""}`, "it is empty"},
		"a number":          {"{audience: 3}", "it has to be a text"},
		"placeholder":       {"{audience: AUTH0_AUDIENCE}", "is a placeholder"},
		"other placeholder": {`{audience: "{audience}"}`, "is a placeholder"},
		"token":             {"{audience: a, managementParams: {accessToken: abc}}", "has no place in a design"},
		"connections":       {"{audience: a, managementParams: {connections: x}}", "there is no such setting"},
		"namespace":         {`{audience: "https://t.eu.auth0.com/api/v2/"}`, "left out of tokens by Auth0"},
		"unprintable":       {`{audience: "a b"}`, "characters that no audience has"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := auth0.FromDesign(parse(t, test.settings), auth0.DesignOptions{})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "abc") {
				t.Errorf("got %v", err)
			}
		})
	}
	_, err := auth0.FromDesign(parse(t, "{audience: 3}"), auth0.DesignOptions{})
	if _, ok := errors.AsType[*design.Errors](err); !ok {
		t.Errorf("got a %T", err)
	}
}

func TestOrigin(t *testing.T) {
	for settings, want := range map[string]string{
		`{domain: t.eu.auth0.com}`:                                      "https://t.eu.auth0.com",
		`{domain: t.eu.auth0.com, issuerURL: "http://localhost:3001/"}`: "http://localhost:3001",
		`{domain: t.eu.auth0.com, issuerURL: "https://login.menu.example/", managementParams: {identifier: "https://menu.eu.auth0.com/api/v2/"}}`: "https://menu.eu.auth0.com",
		`{issuerURL: "t.eu.auth0.com"}`: "",
		`{issuerURL: 3}`:                "",
		`{}`:                            "",
	} {
		got, err := auth0.Origin(parse(t, settings))
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s: got %q and %v, want %q", settings, got, err, want)
		}
	}
}

func TestManaged(t *testing.T) {
	for settings, want := range map[string]bool{
		"{audience: a}": true, "{audience: a, useManagementApi: true}": true, "{audience: a, useManagementApi: false}": false,
	} {
		if got := auth0.Managed(parse(t, settings)); got != want {
			t.Errorf("%s: %v", settings, got)
		}
	}
}
