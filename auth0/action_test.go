package auth0_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/auth0"
)

func TestDefaultAction_constants(t *testing.T) {
	code := auth0.DefaultAction("https://x.example/\u2028'\"</script>/", "", false)
	for _, want := range []string{
		`const namespace = "https://x.example/\u2028'\"\u003c/script\u003e";`, "const audience = \"\";", "const withRoles = false;",
		"exports.onExecutePostLogin = async (event, api) => {",
	} {
		if !strings.Contains(code, want) {
			t.Errorf("no %s in\n%s", want, code)
		}
	}
	if strings.Contains(code, "= event.user;") || strings.Contains(code, "...event") {
		t.Error("the whole user is in it")
	}
}

// TestDefaultAction_claims runs the action with what a login has, and more that
// must not leave.
func TestDefaultAction_claims(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node: it is not installed")
	}
	const event = `{user: {user_id: "auth0|7", email: "ada@example.com", email_verified: false, name: "Ada", username: null,
		app_metadata: {plan: "gold"}, identities: [{provider: "auth0"}], phone_number: "+49"},
		authentication: {methods: [{name: "pwd", timestamp: "2026-11-21T12:00:00.900Z"}, {name: "mfa", timestamp: "2026-11-21T11:59:00.000Z"}, {name: "x"}]},
		authorization: {roles: ["menu-admin"]}, resource_server: RS, client: CLIENT, transaction: {requested_scopes: ["openid", SCOPES]}}`
	const user = `{"sub":"auth0|7","email":"ada@example.com","email_verified":false,"name":"Ada"},"a ns/auth_time":1795262400`
	const (
		ours    = `{identifier: "` + audience + `"}`
		others  = `is_first_party: false, metadata: {}`
		foreign = `{"a third_party":true,"a ns/auth_time":1795262400`
	)
	for name, test := range map[string]struct {
		audience, asked string
		roles           bool
		want            string
		client, scopes  string
	}{
		"ours":                       {audience, ours, true, `{"a ns/user":` + user + `,"a ns/roles":["menu-admin"],"i ns/roles":["menu-admin"]}`, "", ""},
		"without roles":              {audience, ours, false, `{"a ns/user":` + user + `}`, "", ""},
		"another API":                {audience, `{identifier: "https://else.example"}`, true, `{}`, "", ""},
		"no API":                     {audience, `undefined`, true, `{}`, "", ""},
		"another API, said to be ok": {"", `{identifier: "https://else.example"}`, false, `{"a ns/user":` + user + `}`, "", ""},
		"first party":                {audience, ours, true, `{"a ns/user":` + user + `,"a ns/roles":["menu-admin"],"i ns/roles":["menu-admin"]}`, `is_first_party: true, metadata: {}`, ""},
		"third party":                {audience, ours, true, foreign + `}`, others, ""},
		"third party, by metadata":   {audience, ours, true, foreign + `}`, `metadata: {third_party: "true"}`, ""},
		"third party, profile":       {audience, ours, true, foreign + `}`, others, `"profile"`},
		"third party, email":         {audience, ours, true, foreign + `,"a ns/user":{"sub":"auth0|7","email":"ada@example.com","email_verified":false}}`, others, `"email"`},
		"third party, both":          {audience, ours, true, foreign + `,"a ns/user":{"sub":"auth0|7","email":"ada@example.com","email_verified":false,"name":"Ada"}}`, others, `"profile", "email"`},
	} {
		t.Run(name, func(t *testing.T) {
			script := auth0.DefaultAction("ns/", test.audience, test.roles) + `
				const claims = {}, set = (k) => ({setCustomClaim: (n, v) => { claims[k + " " + n] = v }});
				exports.onExecutePostLogin(` + strings.NewReplacer("RS", test.asked, "CLIENT", "{"+test.client+"}", "SCOPES", test.scopes).Replace(event) + `, {accessToken: set("a"), idToken: set("i")})
					.then(() => console.log(JSON.stringify(claims)));`
			out, err := exec.CommandContext(t.Context(), node, "--input-type=commonjs", "-e", script).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var got, want object
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
