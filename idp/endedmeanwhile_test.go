package idp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// LOG-16: a log-in that ends while it is answered is told to a person with the way
// on, and to a request that nobody sees as what it is: one to log in for.
func TestLOG16_endedMeanwhile(t *testing.T) {
	runner, err := actions.New(actions.Config{InProcess: true, AllowPrivate: true, AllowedHosts: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = runner.Close() })
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Actions = runner }})
	u := s.AddUser("ada@example.com")
	kept := map[string]*http.Client{"query": s.Browser(), "web_message": s.Browser()}
	for mode, browser := range kept {
		s.AddUser(mode + "@example.com")
		enter(t, s, browser, mode+"@example.com")
	}
	token := managementToken(t, s)
	bind(t, s, "post-login", `exports.onExecutePostLogin = async event => {
		const user = '`+s.URL+`/api/v2/users/' + encodeURIComponent(event.user.user_id);
		const headers = {'Authorization': 'Bearer `+token+`', 'Content-Type': 'application/json'};
		const r = event.transaction.response_type.join() === 'token' ? await fetch(user, {method: 'PATCH', body: '{"blocked":true}', headers})
			: await fetch(user + '/sessions', {method: 'DELETE', headers});
		if (!r.ok) throw new Error('end ' + r.status);
	};`)
	for mode, browser := range kept {
		res, body := s.Do(browser, http.MethodGet, "/authorize", authorization("prompt", "none", "response_mode", mode))
		if told := res.Header.Get("Location") + body; !strings.Contains(told, "login_required") || strings.Contains(told, "invalid_grant") {
			t.Errorf("silently by %s: %d %.500s", mode, res.StatusCode, told)
		}
	}
	expired := func(what string, res *http.Response, body string) {
		t.Helper()
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || !strings.Contains(body, "This log-in is over") ||
			strings.Contains(body, "invalid_grant") || restartOf(body) != "http://localhost:3000/" {
			t.Errorf("%s: %d %q leads to %q: %.1500s", what, res.StatusCode, res.Header.Get("Location"), restartOf(body), body)
		}
	}
	for _, tt := range []struct{ types, audience string }{{"code", idptest.Audience}, {"id_token", idptest.Audience}, {"token", ""}} {
		res, body := s.Login(s.Browser(), web("response_type", tt.types, "audience", tt.audience), "ada@example.com", idptest.Password)
		expired(tt.types, res, body)
	}
	if _, err := s.Tenant().UpdateUser(t.Context(), u.ID, func(u *tenant.User) error { u.Blocked = false; return nil }); err != nil {
		t.Fatal(err)
	}
	// So is an application that is gone when it is allowed.
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = false })
	browser := s.Browser()
	res, page := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
	if !strings.Contains(page, `name="decision"`) {
		t.Fatalf("nobody asked: %d %.500s", res.StatusCode, page)
	}
	if _, err := s.DB.Exec(t.Context(), "DELETE FROM idp_objects WHERE kind = 'client' AND id = $1", idptest.SPA); err != nil { // another process did, and this one has not heard
		t.Fatal(err)
	}
	res, body := decide(s, browser, page, "allow")
	expired("consent", res, body)
}
