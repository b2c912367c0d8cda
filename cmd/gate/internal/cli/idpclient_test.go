package cli

import (
	"errors"
	"testing"

	"github.com/gatewright/gate/idp/tenant"
)

// hintOf returns what to do about a refusal, and whether it is one.
func hintOf(err error) (string, bool) {
	f, ok := errors.AsType[*fault](err)
	if !ok {
		return "", false
	}
	return f.hint, true
}

func TestClientLists_scheme(t *testing.T) {
	for text, want := range map[string]string{
		"localhost:3000":                 "did you mean http://localhost:3000?",
		"localhost:3000/auth-callback":   "did you mean http://localhost:3000/auth-callback?",
		"127.0.0.1:3000":                 "did you mean http://127.0.0.1:3000?",
		"[::1]:3000/":                    "did you mean http://[::1]:3000/?",
		"app.example.com:8443/cb":        "did you mean https://app.example.com:8443/cb?",
		"http://localhost:3000":          "",
		"com.example.app:/cb":            "",
		"com.example.app://cb":           "",
		"com.example.app:cb":             "",
		"https://*.app.example.com/cb":   "",
		"http://127.0.0.1:3000/cb:4000/": "",
	} {
		for _, l := range []clientLists{{Callback: []string{text}}, {LogoutURL: []string{text}}, {WebOrigin: []string{text}}} {
			if hint, refused := hintOf(l.check()); hint != want || refused != (want != "") {
				t.Errorf("%s: %q, want %q", text, hint, want)
			}
		}
	}
}

func TestDefined(t *testing.T) {
	api := &tenant.API{Identifier: "https://menu.example", Scopes: []tenant.APIScope{{Value: "create:items"}}}
	for name, want := range map[string]string{
		"create:items": "",
		"create:itmes": "did you mean create:items? gate idp api show https://menu.example lists them",
		"delete:items": "gate idp api update https://menu.example --scope delete:items adds it",
		"*":            "without --scope it is all of them",
	} {
		if hint, refused := hintOf(defined(api, []string{name})); hint != want || refused != (want != "") {
			t.Errorf("%s: %q, want %q", name, hint, want)
		}
	}
}
