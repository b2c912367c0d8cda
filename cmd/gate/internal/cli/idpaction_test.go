package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/actions"
)

// TestCallsUndone: what is said of the text of a script is what becomes of a log-in when
// it runs, for every method that there is.
func TestCallsUndone(t *testing.T) {
	source, err := os.ReadFile("../../../../idp/actions/internal/sandbox/js/api.js")
	if err != nil {
		t.Fatal(err)
	}
	runner, err := actions.New(actions.Config{InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	calls := []string{ // honoured
		"access.deny('no')", "accessToken.setCustomClaim('https://x.example/a', 1)", "accessToken.addScope('a')", "accessToken.removeScope('a')",
		"idToken.setCustomClaim('https://x.example/a', 1)", "user.setAppMetadata('a', 1)", "user.setUserMetadata('a', 1)",
		"multifactor.enable('none')", "multifactor.enable( \"none\" )", "authentication.setPrimaryUser('auth0|1')", "transaction.setMetadata('a', 1)",
		"session.revoke('no')", "session.setExpiresAt(4102444800000)", "session.setIdleExpiresAt(4102444800000)", "session.setCookieMode('persistent')",
		"refreshToken.revoke('no')", "refreshToken.setExpiresAt(4102444800000)", "refreshToken.setIdleExpiresAt(4102444800000)",
	}
	undone := []string{
		"multifactor.enable('any')", "multifactor.enable(\"any\", {})", "multifactor.enable(event.x || 'any')",
		"authentication.challengeWith({type: 'otp'})", "authentication.challengeWithAny([{type: 'otp'}])",
		"authentication.enrollWith({type: 'otp'})", "authentication.enrollWithAny([{type: 'otp'}])", "authentication.recordMethod('https://x.example/a')",
		"session.setMetadata('a', 1)", "session.deleteMetadata('a')", "session.evictMetadata()", "session.setCookieMode('non-persistent')", "session.setCookieMode(\"non-persistent\")",
		"refreshToken.setMetadata('a', 1)", "refreshToken.deleteMetadata('a')", "refreshToken.evictMetadata()",
		"validation.error('a', 'b')", "prompt.render('a')",
	}
	for i, call := range slices.Concat(calls, undone) {
		code := "exports.onExecutePostLogin = async (event, api) => { api." + call + "; };"
		result, err := runner.PostLogin(t.Context(), []actions.Action{{ID: "a", Name: "a", Code: code}}, actions.PostLoginEvent{}, actions.Flow{})
		said := callsUndone("post-login", code)
		refused := err != nil || idp.Undone(&result) != ""
		if refused != (i >= len(calls)) || refused != (len(said) == 1) {
			t.Errorf("%s: said %q, and a log-in is refused: %t, for %q, %v", call, said, refused, idp.Undone(&result), err)
			continue
		}
		if refused && err == nil && !strings.HasPrefix("api."+said[0], idp.Undone(&result)) {
			t.Errorf("%s: said %q, and the log says %q", call, said, idp.Undone(&result))
		}
	}
	if got := callsUndone("pre-user-registration", "api.validation.error('a', 'b')"); got != nil {
		t.Errorf("at sign-up, where it is done: %q", got)
	}
	two := callsUndone("post-login", "api.prompt.render('a'); api.multifactor.enable('any'); api.prompt.render('b');")
	if want := []string{"prompt.render", "multifactor.enable"}; !slices.Equal(two, want) {
		t.Errorf("two calls: %q, want %q", two, want)
	}

	_, text, _ := strings.Cut(string(source), "const life = ")
	life, rest, _ := strings.Cut(text, ";")
	_, rest, _ = strings.Cut(rest, "const recorded = {")
	rest, _, _ = strings.Cut(rest, "\n};")
	known := strings.Join(slices.Concat(calls, undone), "\n")
	name := regexp.MustCompile(`'(\w+)'`)
	for _, line := range regexp.MustCompile(`(\w+): ([^:]*?),\n`).FindAllStringSubmatch(rest, -1) {
		for _, method := range name.FindAllStringSubmatch(strings.Replace(line[2], "life", life, 1), -1) {
			if call := line[1] + "." + method[1]; line[1] != "samlResponse" && !strings.Contains(known, call+"(") {
				t.Errorf("nobody looked at %s", call)
			}
		}
	}
}
