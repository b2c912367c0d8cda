package idp_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// bind deploys scripts and binds them to a trigger, in this order.
func bind(t *testing.T, s *idptest.Server, trigger string, scripts ...string) {
	t.Helper()
	b := &tenant.Bindings{Trigger: trigger}
	for i, script := range scripts {
		id := "act_" + trigger + strconv.Itoa(i)
		a := &tenant.Action{
			ID: id, Name: "action " + trigger + strconv.Itoa(i), Code: script, Runtime: "node22", Status: "built",
			Triggers: []tenant.ActionTrigger{{ID: trigger, Version: "v3"}},
			Deployed: &tenant.ActionVersion{ID: "ver_" + id, Number: 1, Code: script, Runtime: "node22"},
		}
		if err := s.Tenant().Actions.Create(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		b.List = append(b.List, tenant.Binding{ID: "bnd_" + id, ActionID: id, DisplayName: a.Name})
	}
	if err := s.Tenant().Bindings.Create(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// silent asks for a code with the session of the browser.
func silent(t *testing.T, s *idptest.Server, browser *http.Client, more ...string) url.Values {
	t.Helper()
	res, body := s.Do(browser, http.MethodGet, "/authorize", authorization(append([]string{"prompt", "none"}, more...)...))
	return answerOf(t, res, body)
}

// claimsMap returns the claims of a token.
func claimsMap(t *testing.T, token any) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := json.Unmarshal([]byte(claims(t, token)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

const countingAction = `exports.onExecutePostLogin = async (event, api) => {
	const n = (event.user.app_metadata.n || 0) + 1;
	api.user.setAppMetadata('n', n);
	for (const token of [api.idToken, api.accessToken]) {
		token.setCustomClaim('https://menu.example/n', n);
		token.setCustomClaim('https://menu.example/none', null);
		token.setCustomClaim('https://menu.example/roles', event.authorization.roles);
		token.setCustomClaim('https://menu.example/protocol', event.transaction.protocol);
		for (const name of ['sub', 'iss', 'aud', 'permissions', 'roles', 'scope', 'sid', 'nonce']) token.setCustomClaim(name, 'mine');
	}
};`

// Claims of actions are in both tokens, are made anew each time, and never are
// those that mean something to us.
func TestIDP23_claims(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	bind(t, s, "post-login", countingAction)
	ada := s.AddUser("ada@example.com", "menu-admin")
	check := func(tokens map[string]any, n float64, protocol string) {
		t.Helper()
		for _, name := range []string{"id_token", "access_token"} {
			got := claimsMap(t, tokens[name])
			if got["https://menu.example/n"] != n || got["https://menu.example/protocol"] != protocol {
				t.Errorf("%s: %v", name, got)
			}
			if roles, _ := got["https://menu.example/roles"].([]any); len(roles) != 1 || roles[0] != "menu-admin" {
				t.Errorf("%s: roles %v", name, got["https://menu.example/roles"])
			}
			if got["sub"] != ada.ID || got["iss"] != s.Issuer() || got["roles"] != nil {
				t.Errorf("%s: restricted claims %v", name, got)
			}
			if _, there := got["https://menu.example/none"]; there {
				t.Errorf("%s: a claim that is null is there", name)
			}
			for claim, value := range got {
				if value == "mine" {
					t.Errorf("%s: an action set %s", name, claim)
				}
			}
		}
	}
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	check(tokens, 1, "oidc-basic-profile")
	_, tokens = refresh(s, tokens["refresh_token"])
	check(tokens, 2, "oauth2-refresh-token")
	_, tokens = exchange(s, silent(t, s, s.HTTP).Get("code"))
	check(tokens, 3, "oidc-basic-profile")
	// An opaque token brings them to the UserInfo endpoint.
	_, tokens = exchange(s, silent(t, s, s.HTTP, "audience", "").Get("code"))
	_, body := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string))
	if got := s.JSON(body); got["https://menu.example/n"] != 4.0 || got["sub"] != ada.ID || strings.Contains(body, "null") {
		t.Errorf("userinfo %v", got)
	}
}

func TestActions_deny(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	ada := s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	bind(t, s, "post-login",
		`exports.onExecutePostLogin = (event, api) => { api.user.setAppMetadata('seen', true); api.access.deny('Not on Sundays & "holidays"'); };`,
		`exports.onExecutePostLogin = (event, api) => { api.user.setAppMetadata('later', true); };`)
	browser := s.Browser()
	res, body := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
	back := answerOf(t, res, body)
	if back.Get("error") != "access_denied" || back.Get("error_description") != `Not on Sundays & "holidays"` || back.Get("state") != "st==" || back.Has("code") {
		t.Errorf("answer %v", back)
	}
	u, err := s.Tenant().User(t.Context(), ada.ID)
	if err != nil || u.AppMetadata["seen"] != true || u.AppMetadata["later"] != nil {
		t.Errorf("metadata %v, %v", u.AppMetadata, err)
	}
	// Neither the session nor a refresh token goes around it.
	if back := silent(t, s, browser); back.Get("error") != "access_denied" || back.Has("code") {
		t.Errorf("silently: %v", back)
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden || body["error"] != "access_denied" || body["access_token"] != nil {
		t.Errorf("refresh: %d %v", res.StatusCode, body)
	}
	// Nor was the refresh token used up by it.
	if err := s.Tenant().Bindings.Delete(t.Context(), "post-login"); err != nil {
		t.Fatal(err)
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusOK {
		t.Errorf("refresh without the action: %d %v", res.StatusCode, body)
	}
}

const detourAction = `exports.onExecutePostLogin = (event, api) => {
	api.idToken.setCustomClaim('https://menu.example/before', 1);
	api.redirect.sendUserTo('https://terms.example/read', {query: {lang: 'en'}});
};
exports.onContinuePostLogin = (event, api) => {
	if (event.request.query.accepted !== 'yes') { api.access.deny('Not accepted'); return; }
	api.idToken.setCustomClaim('https://menu.example/accepted', event.request.query.accepted);
};`

// leadsTo returns where an answer sends a browser: at once, or by a page with a
// link, for the policy of a page says where its form may end.
func leadsTo(res *http.Response, body string) string {
	if where := res.Header.Get("Location"); where != "" {
		return where
	}
	_, rest, _ := strings.Cut(body, `<a class="btn" href="`)
	target, _, _ := strings.Cut(rest, `"`)
	return html.UnescapeString(target)
}

func TestActions_redirect(t *testing.T) {
	s, now := withClock(t)
	bind(t, s, "post-login", detourAction, `exports.onExecutePostLogin = (event, api) => { api.idToken.setCustomClaim('https://menu.example/next', 1); };`)
	s.AddUser("ada@example.com")
	away := func(browser *http.Client) string {
		t.Helper()
		res, body := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
		target, err := url.Parse(leadsTo(res, body))
		if err != nil || target.Host != "terms.example" || target.Query().Get("lang") != "en" || target.Query().Get("state") == "" {
			t.Fatalf("sent to %v, %v: %.500s", target, err, body)
		}
		return target.Query().Get("state")
	}
	browser := s.Browser()
	state := away(browser)
	// CLI-01, IDP-06: neither another browser nor one that is logged in as somebody else goes on with it,
	res, _ := s.Do(s.Browser(), http.MethodGet, "/continue", url.Values{"state": {state}, "accepted": {"yes"}})
	if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
		t.Errorf("another browser: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	// and the attempt takes nothing from its owner.
	res, body := s.Do(browser, http.MethodGet, "/continue", url.Values{"state": {state}, "accepted": {"yes"}})
	back := answerOf(t, res, body)
	if back.Get("state") != "st==" {
		t.Errorf("answer %v", back)
	}
	_, tokens := exchange(s, back.Get("code"))
	got := claimsMap(t, tokens["id_token"])
	if got["https://menu.example/before"] != 1.0 || got["https://menu.example/accepted"] != "yes" || got["https://menu.example/next"] != 1.0 {
		t.Errorf("ID token %v", got)
	}
	if res, _ := s.Do(browser, http.MethodGet, "/continue", url.Values{"state": {state}, "accepted": {"yes"}}); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a second time: %d", res.StatusCode)
	}
	// Without the person's yes there is no code.
	browser = s.Browser()
	res, body = s.Do(browser, http.MethodPost, "/continue", url.Values{"state": {away(browser)}})
	if back := answerOf(t, res, body); back.Get("error") != "access_denied" || back.Get("error_description") != "Not accepted" {
		t.Errorf("refused: %v", back)
	}
	// Who is away for too long begins again.
	browser = s.Browser()
	state = away(browser)
	now.turn(21 * time.Minute)
	if res, _ := s.Do(browser, http.MethodGet, "/continue", url.Values{"state": {state}, "accepted": {"yes"}}); res.StatusCode != http.StatusBadRequest {
		t.Errorf("after 21 minutes: %d", res.StatusCode)
	}
	for _, bad := range []string{"", "x", strings.Repeat("A", 43)} {
		if res, _ := s.Do(browser, http.MethodGet, "/continue", url.Values{"state": {bad}}); res.StatusCode != http.StatusBadRequest {
			t.Errorf("state %q: %d", bad, res.StatusCode)
		}
	}
	if back := silent(t, s, browser); back.Get("error") != "interaction_required" {
		t.Errorf("silently: %v", back)
	}
}

// LOG-16, IDP-22: a rule that does not run opens no door, and tells nobody why.
func TestLOG16_actionFails(t *testing.T) {
	for name, script := range map[string]string{
		"throws":   `exports.onExecutePostLogin = async () => { throw new Error('the secret is hunter2'); };`,
		"rejects":  `exports.onExecutePostLogin = () => Promise.reject(new Error('hunter2'));`,
		"loops":    `exports.onExecutePostLogin = () => { for (;;) {} };`,
		"hangs":    `exports.onExecutePostLogin = () => new Promise(() => {});`,
		"no code":  `exports.somethingElse = 1; throw new Error('hunter2');`,
		"no sense": `exports.onExecutePostLogin = (`,
	} {
		t.Run(name, func(t *testing.T) {
			runner, err := actions.New(actions.Config{InProcess: true, CPU: 100 * time.Millisecond, Timeout: 500 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = runner.Close() })
			s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Actions = runner }})
			s.AddUser("ada@example.com")
			before := enter(t, s, s.Browser(), "ada@example.com")
			bind(t, s, "post-login", script)
			res, body := s.Login(s.HTTP, authorization(), "ada@example.com", idptest.Password)
			back := answerOf(t, res, body)
			if back.Get("error") != "access_denied" || back.Has("code") || strings.Contains(back.Encode(), "hunter2") {
				t.Errorf("answer %v", back)
			}
			if res, body := refresh(s, before["refresh_token"]); res.StatusCode == http.StatusOK || strings.Contains(body["error_description"].(string), "hunter2") {
				t.Errorf("refresh: %d %v", res.StatusCode, body)
			}
			if err := s.Tenant().FlushLogs(t.Context()); err != nil {
				t.Fatal(err)
			}
			if logs, _, err := s.Tenant().SearchLogs(t.Context(), tenant.LogQuery{Q: "type:actions_execution_failed", Limit: 10}); err != nil || len(logs) == 0 {
				t.Errorf("%d entries of the failure, %v", len(logs), err)
			}
		})
	}
}

// Without anything that runs them, bound actions refuse what they guard.
func TestLOG16_noRunner(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Actions = nil }})
	s.AddUser("ada@example.com")
	before := enter(t, s, s.Browser(), "ada@example.com")
	bind(t, s, "post-login", countingAction)
	bind(t, s, "credentials-exchange", `exports.onExecuteCredentialsExchange = () => {};`)
	bind(t, s, "pre-user-registration", `exports.onExecutePreUserRegistration = () => {};`)
	res, _ := s.Login(s.HTTP, authorization(), "ada@example.com", idptest.Password)
	if res.StatusCode != http.StatusInternalServerError || res.Header.Get("Location") != "" {
		t.Errorf("log-in: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	if res, body := refresh(s, before["refresh_token"]); res.StatusCode != http.StatusInternalServerError || body["access_token"] != nil {
		t.Errorf("refresh: %d %v", res.StatusCode, body)
	}
	if status, body := machineToken(s); status != http.StatusInternalServerError || body["access_token"] != nil {
		t.Errorf("client credentials: %d %v", status, body)
	}
	if res, body := signUpAPI(s, "email", "new@example.com"); res.StatusCode != http.StatusInternalServerError {
		t.Errorf("sign-up: %d %v", res.StatusCode, body)
	}
}

func machineToken(s *idptest.Server, more ...string) (int, map[string]any) {
	in := url.Values{"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "audience": {idptest.Audience}}
	for i := 0; i+1 < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in)
	return res.StatusCode, s.JSON(body)
}

// signUpAPI calls /dbconnections/signup.
func signUpAPI(s *idptest.Server, more ...string) (*http.Response, map[string]any) {
	in := url.Values{"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "password": {"Oak-Lantern-Reed-07"}}
	for i := 0; i+1 < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	res, body := s.Do(s.HTTP, http.MethodPost, "/dbconnections/signup", in)
	return res, s.JSON(body)
}

func TestActions_credentialsExchange(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	bind(t, s, "credentials-exchange", `exports.onExecuteCredentialsExchange = async (event, api) => {
		if (event.request.user_agent === 'forbidden') { api.access.deny('invalid_scope', 'not for ' + event.client.name); return; }
		api.accessToken.setCustomClaim('https://menu.example/for', event.resource_server.identifier);
		api.accessToken.setCustomClaim('sub', 'admin');
	};`)
	status, body := machineToken(s)
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, body)
	}
	if got := claimsMap(t, body["access_token"]); got["https://menu.example/for"] != idptest.Audience || got["sub"] != idptest.Machine+"@clients" {
		t.Errorf("claims %v", got)
	}
	res, text := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "audience": {idptest.Audience},
	}, "User-Agent", "forbidden")
	if body := s.JSON(text); res.StatusCode != http.StatusBadRequest || body["error"] != "invalid_scope" || body["error_description"] != "not for Cron" {
		t.Errorf("%d %v", res.StatusCode, body)
	}
}

func TestActions_registration(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	bind(t, s, "pre-user-registration", `exports.onExecutePreUserRegistration = (event, api) => {
		if (event.user.user_id) throw new Error('there is no ID yet');
		if (event.user.email.endsWith('@rival.example')) api.access.deny('a rival', 'Please write to <us> first.');
		api.user.setUserMetadata('lang', 'en'); api.user.setAppMetadata('plan', 'free');
	};`)
	bind(t, s, "post-user-registration", `exports.onExecutePostUserRegistration = async (event, api) => {
		throw new Error('welcome ' + event.user.user_id + ' ' + event.user.app_metadata.plan);
	};`)
	res, body := signUpAPI(s, "email", "spy@rival.example")
	if res.StatusCode != http.StatusBadRequest || body["code"] != "extensibility_error" || body["description"] != "Please write to <us> first." ||
		body["friendly_message"] != "Please write to <us> first." {
		t.Errorf("%d %v", res.StatusCode, body)
	}
	status, page := signUp(t, s, s.Browser(), "spy@rival.example")
	if status != http.StatusBadRequest || !strings.Contains(page, "Please write to &lt;us&gt; first.") || strings.Contains(page, "a rival") {
		t.Errorf("%d %.3000s", status, page)
	}
	if users, err := s.Tenant().UsersByEmail(t.Context(), "spy@rival.example"); err != nil || len(users) != 0 {
		t.Errorf("%d users, %v", len(users), err)
	}
	if res, body := signUpAPI(s, "email", "new@example.com"); res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v", res.StatusCode, body)
	}
	users, err := s.Tenant().UsersByEmail(t.Context(), "new@example.com")
	if err != nil || len(users) != 1 || users[0].UserMetadata["lang"] != "en" || users[0].AppMetadata["plan"] != "free" {
		t.Fatalf("%v %v", users, err)
	}
	// The one afterwards ran behind, and what it threw stopped nobody.
	eventually(t, func() bool {
		if err := s.Tenant().FlushLogs(t.Context()); err != nil {
			t.Fatal(err)
		}
		logs, _, err := s.Tenant().SearchLogs(t.Context(), tenant.LogQuery{Q: "type:actions_execution_failed", Limit: 10})
		return err == nil && len(logs) == 1 && strings.Contains(logs[0].Description, "welcome "+users[0].ID+" free")
	})
}

// signUp posts the page of the sign-up with newPassword and returns the answer.
func signUp(t *testing.T, s *idptest.Server, browser *http.Client, email string, more ...string) (int, string) {
	t.Helper()
	res, body := s.Do(browser, http.MethodGet, "/authorize", authorization("screen_hint", "signup"))
	if !strings.HasPrefix(res.Header.Get("Location"), "/u/signup?") {
		t.Fatalf("no sign-up: %d %q %s", res.StatusCode, res.Header.Get("Location"), body)
	}
	_, body = s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	form := s.Fill(body, append([]string{"email", email, "password", newPassword}, more...)...)
	res, body = s.Do(browser, http.MethodPost, "/u/signup", form, "Origin", s.URL)
	if where := res.Header.Get("Location"); where != "" {
		body = where
	}
	return res.StatusCode, body
}

// eventually waits until something that happens in the background has happened.
func eventually(t *testing.T, happened func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-deadline.C:
			t.Fatal("it did not happen")
		case <-tick.C:
		}
	}
}

// CLI-09: an action makes nobody somebody else.
func TestCLI09_setPrimaryUser(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	victim := s.AddUser("victim@example.com")
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.Browser(), "ada@example.com")
	bind(t, s, "post-login", `exports.onExecutePostLogin = (event, api) => { api.authentication.setPrimaryUser('`+victim.ID+`'); };`)
	res, body := s.Login(s.HTTP, authorization(), "ada@example.com", idptest.Password)
	if back := answerOf(t, res, body); back.Get("error") != "access_denied" || back.Has("code") {
		t.Errorf("another user: %v", back)
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden || body["access_token"] != nil {
		t.Errorf("refresh: %d %v", res.StatusCode, body)
	}
}

// LOG-08: whoever asks for a second factor is not content with one.
func TestLOG08_multifactor(t *testing.T) {
	for name, script := range map[string]string{
		"enable":    `exports.onExecutePostLogin = (event, api) => { api.multifactor.enable('any'); };`,
		"challenge": `exports.onExecutePostLogin = (event, api) => { api.authentication.challengeWith({type: 'otp'}); };`,
		"enroll":    `exports.onExecutePostLogin = (event, api) => { api.authentication.enrollWith({type: 'otp'}); };`,
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			s.AddUser("ada@example.com")
			tokens := enter(t, s, s.Browser(), "ada@example.com")
			bind(t, s, "post-login", script)
			res, body := s.Login(s.HTTP, authorization(), "ada@example.com", idptest.Password)
			if back := answerOf(t, res, body); back.Get("error") != "access_denied" || back.Has("code") {
				t.Errorf("log-in: %v", back)
			}
			if back := silent(t, s, s.HTTP); back.Has("code") {
				t.Errorf("silently: %v", back)
			}
			if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden || body["access_token"] != nil {
				t.Errorf("refresh: %d %v", res.StatusCode, body)
			}
			in := url.Values{
				"grant_type": {"password"}, "client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "username": {"ada@example.com"},
				"password": {idptest.Password}, "audience": {idptest.Audience},
			}
			if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error { set.DefaultDirectory = idptest.Connection; return nil }); err != nil {
				t.Fatal(err)
			}
			if res, text := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in); res.StatusCode != http.StatusForbidden || s.JSON(text)["access_token"] != nil {
				t.Errorf("password: %d %s", res.StatusCode, text)
			}
		})
	}
}
