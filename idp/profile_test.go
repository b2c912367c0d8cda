package idp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
)

// LOG-11: what a sign-up by an application says of the person is bounded, prints, and
// does not turn text around: it is shown to others, and goes into tokens.
func TestLOG11_profile(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	long := strings.Repeat("n", 300)
	far := "https://pictures.example/" + strings.Repeat("p", 975)
	for _, field := range []string{"name", "nickname", "given_name", "family_name"} {
		for what, value := range map[string]string{
			"long": long + "n", "line": "Ada\nLovelace", "escape": "Ada\x1b[31m", "delete": "Ada\x7f", "next line": "Ada\u0085",
			"override": "Ada\u202eecalevoL", "isolate": "Ada\u2066", "mark": "Ada\u200f",
		} {
			if res, got := signUpAPI(s, "email", "bad@example.com", field, value); res.StatusCode != http.StatusBadRequest || got["code"] != "invalid_body" {
				t.Errorf("%s, %s: %d %v", field, what, res.StatusCode, got)
			}
		}
	}
	for what, picture := range map[string]string{
		"script": "javascript:alert(1)", "inline": "data:image/png;base64,AAAA", "plain": "http://pictures.example/a.png",
		"no host": "https:///a.png", "no address": "a.png", "long": far + "p", "broken": "https://pictures.example/%zz",
	} {
		if res, got := signUpAPI(s, "email", "bad@example.com", "picture", picture); res.StatusCode != http.StatusBadRequest || got["code"] != "invalid_body" {
			t.Errorf("picture, %s: %d %v", what, res.StatusCode, got)
		}
	}
	if list, err := s.Tenant().UsersByEmail(t.Context(), "bad@example.com"); err != nil || len(list) != 0 {
		t.Errorf("%d accounts, %v", len(list), err)
	}
	// What just fits is taken, whatever its letters are.
	res, got := signUpAPI(s, "email", "ada@example.com", "name", long, "nickname", "עדה", "given_name", "Ada-Zoë", "family_name", "O'Hara", "picture", far)
	list, err := s.Tenant().UsersByEmail(t.Context(), "ada@example.com")
	if res.StatusCode != http.StatusOK || err != nil || len(list) != 1 || list[0].Name != long || list[0].Nickname != "עדה" || list[0].Picture != far {
		t.Errorf("%d %v %+v %v", res.StatusCode, got, list, err)
	}
}
