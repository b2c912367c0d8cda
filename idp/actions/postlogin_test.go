package actions_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/actions"
)

// thursday and sunday are days of the clock in tests.
var (
	thursday = time.Date(2024, 5, 2, 12, 0, 0, 0, time.UTC)
	sunday   = time.Date(2024, 5, 5, 12, 0, 0, 0, time.UTC)
)

// The actions of the documentation and of the walk-through, as they stand.
const (
	userInToken = `
/**
 * @param {Event} event - Details about the user and the context in which they are logging in.
 * @param {PostLoginAPI} api - Interface whose methods can be used to change the behavior of the login.
 */
exports.onExecutePostLogin = async (event, api) => {
  api.accessToken.setCustomClaim("user", event.user);
};`

	rolesInTokens = `
exports.onExecutePostLogin = async (event, api) => {
  const namespace = 'https://my-app.example.com';
  if (event.authorization) {
    api.idToken.setCustomClaim(` + "`${namespace}/roles`" + `, event.authorization.roles);
    api.accessToken.setCustomClaim(` + "`${namespace}/roles`" + `, event.authorization.roles);
  }
};`

	weekdays = `
exports.onExecutePostLogin = async (event, api) => {
  if (event.client.name === "My SPA") {
    const d = new Date().getDay();

    if (d === 0 || d === 6) {
      api.access.deny("This app is only available during the week.");
    }
  }
}`

	corporateNetwork = `
const ipaddr = require("ipaddr.js");

exports.onExecutePostLogin = async (event, api) => {
  const corp_network = "192.168.1.134/26";
  const current_ip = ipaddr.parse(event.request.ip);

  if (!current_ip.match(ipaddr.parseCIDR(corp_network))) {
    api.access.deny("Access denied from this IP address.");
  }
};`

	noAPI = `
exports.onExecutePostLogin = async (event, api) => {
  // In the following line, replace the value with the identifier of your API
  if (event.resource_server && event.resource_server.identifier === "https://menu.example/") {
    api.access.deny("end_users_not_allowed");
  }
};`

	mfaOnceASession = `
exports.onExecutePostLogin = async (event, api) => {
  const authMethods = event.authentication?.methods || [];
  const completedMfa = !!authMethods.find((method) => method.name === 'mfa');
  if (!completedMfa) {
    api.multifactor.enable('any', { allowRememberBrowser: true });
  }
};`

	denyDomain = `
exports.onExecutePostLogin = async (event, api) => {
  if (event.user.email && event.user.email.endsWith("@example.com") && event.client.name === "My SPA") {
    api.access.deny(` + "`Access to ${event.client.name} is not allowed.`" + `);
  }
};`
)

func TestPostLogin(t *testing.T) {
	roles := []any{"menu-admin", "cook"}
	for _, tt := range []struct {
		name string
		code string
		now  time.Time
		in   func(*actions.PostLoginEvent)
		flow actions.Flow
		want actions.PostLoginResult
	}{
		{name: "roles", code: rolesInTokens, want: actions.PostLoginResult{
			AccessToken: actions.TokenChanges{Claims: map[string]any{"https://my-app.example.com/roles": roles}},
			IDToken:     map[string]any{"https://my-app.example.com/roles": roles},
		}},
		{name: "no roles", code: rolesInTokens, in: func(e *actions.PostLoginEvent) { e.Authorization = nil }},
		{name: "weekday", code: weekdays, now: thursday},
		{name: "weekend", code: weekdays, now: sunday, want: denied("This app is only available during the week.")},
		{name: "inside", code: corporateNetwork, in: func(e *actions.PostLoginEvent) { e.Request.IP = "192.168.1.150" }},
		{name: "outside", code: corporateNetwork, want: denied("Access denied from this IP address.")},
		{name: "API", code: noAPI, want: denied("end_users_not_allowed")},
		{name: "no API", code: noAPI, in: func(e *actions.PostLoginEvent) { e.ResourceServer = nil }},
		{name: "domain", code: denyDomain, want: denied("Access to My SPA is not allowed.")},
		{name: "first factor", code: mfaOnceASession, want: actions.PostLoginResult{
			Multifactor: &actions.Multifactor{Provider: "any", AllowRememberBrowser: true},
		}},
		{name: "second factor", code: mfaOnceASession, in: func(e *actions.PostLoginEvent) {
			e.Authentication.Methods = []actions.Method{{Name: "pwd"}, {Name: "mfa"}}
		}},
		{
			name: "metadata of the one that refuses is kept, and nothing else",
			code: `exports.onExecutePostLogin = (event, api) => {
				api.user.setAppMetadata('a', 1); api.idToken.setCustomClaim('c', 1);
				api.access.deny('no'); api.access.deny('later'); api.user.setUserMetadata('color', null); };`,
			want: actions.PostLoginResult{
				Deny:        &actions.Deny{Action: "test", Code: "access_denied", Reason: "no"},
				AppMetadata: actions.MetadataPatch{"a": 1.0}, UserMetadata: actions.MetadataPatch{"color": nil},
			},
		},
		{
			name: "last writer of a scope",
			code: `exports.onExecutePostLogin = (event, api) => { api.accessToken.addScope('a').accessToken.addScope('b');
				api.accessToken.removeScope('a'); api.accessToken.removeScope('c'); api.accessToken.addScope('x y'); };`,
			want: actions.PostLoginResult{AccessToken: actions.TokenChanges{AddScope: []string{"b"}, RemoveScope: []string{"a", "c"}}},
		},
		{
			name: "opaque", code: rolesInTokens, flow: actions.Flow{OpaqueAccessToken: true},
			want: actions.PostLoginResult{IDToken: map[string]any{"https://my-app.example.com/roles": roles}},
		},
		{
			name: "session and refresh token",
			code: `exports.onExecutePostLogin = (event, api) => { api.session.setExpiresAt(1714651200000); api.session.setCookieMode('non-persistent');
				api.session.setMetadata('a', 'b'); api.session.deleteMetadata('c'); api.refreshToken.revoke('stolen'); api.transaction.setMetadata('t', 1); };`,
			want: actions.PostLoginResult{
				Session: actions.SessionChanges{
					ExpiresAt: thursday, CookieMode: "non-persistent", Metadata: map[string]any{"a": "b", "c": nil},
				},
				RefreshToken:        actions.SessionChanges{Revoke: true, RevokeReason: "stolen"},
				TransactionMetadata: actions.MetadataPatch{"t": 1.0},
			},
		},
		{
			name: "revoked session, tokens kept",
			code: `exports.onExecutePostLogin = (event, api) => api.session.revoke('stolen', {preserveRefreshTokens: true});`,
			want: actions.PostLoginResult{Session: actions.SessionChanges{Revoke: true, RevokeReason: "stolen", KeepTokens: true}},
		},
		{
			name: "revoked twice, once with its tokens",
			code: `exports.onExecutePostLogin = (event, api) => { api.session.revoke('a'); api.session.revoke('b', {preserveRefreshTokens: true}); };`,
			want: actions.PostLoginResult{Session: actions.SessionChanges{Revoke: true, RevokeReason: "b"}},
		},
		{
			name: "challenge",
			code: `exports.onExecutePostLogin = (event, api) => api.authentication.challengeWith({type: 'otp'}, {additionalFactors: [{type: 'email'}]});`,
			want: actions.PostLoginResult{Challenge: &actions.Challenge{
				ActionID: "act_1", Factors: []actions.Factor{{Type: "otp"}}, Additional: []actions.Factor{{Type: "email"}},
			}},
		},
		{
			name: "primary user", code: `exports.onExecutePostLogin = (event, api) => api.authentication.setPrimaryUser('auth0|1');`,
			want: actions.PostLoginResult{PrimaryUserID: "auth0|1"},
		},
		{name: "what is left out is absent", code: `exports.onExecutePostLogin = (event, api) => {
			if ('organization' in event || 'session' in event || 'picture' in event.user || event.user.app_metadata.plan !== 'free') throw 1; };`},
		{
			name: "confidential parameters", code: `exports.onExecutePostLogin = (event) => {
			if (event.request.body.password || event.request.query.code || event.request.query.audience !== 'a') throw 1; };`,
			in: func(e *actions.PostLoginEvent) {
				e.Request.Body = map[string]any{"password": "p"}
				e.Request.Query = map[string]any{"code": "c", "audience": "a"}
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := actions.Config{}
			if !tt.now.IsZero() {
				cfg.Now = func() time.Time { return tt.now }
			}
			r := newRunner(t, cfg)
			event := loginEvent()
			if tt.in != nil {
				tt.in(&event)
			}
			got, err := r.PostLogin(t.Context(), one(tt.code), event, tt.flow)
			if err != nil {
				t.Fatal(err)
			}
			got.Ran, got.Roles = nil, nil // TestContinue_boundMeanwhile
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func denied(reason string) actions.PostLoginResult {
	return actions.PostLoginResult{Deny: &actions.Deny{Action: "test", Code: "access_denied", Reason: reason}}
}

func TestPostLogin_userInToken(t *testing.T) {
	r := newRunner(t, actions.Config{})
	got, err := r.PostLogin(t.Context(), one(userInToken), loginEvent(), actions.Flow{})
	if err != nil {
		t.Fatal(err)
	}
	user, _ := got.AccessToken.Claims["user"].(map[string]any)
	if user["email"] != "ana@example.com" || user["email_verified"] != true || user["user_id"] != "auth0|5f7c8ec7c33c6c004bbafe82" {
		t.Errorf("claim user: %v", user)
	}
}

func TestIDP23_restrictedClaims(t *testing.T) {
	r := newRunner(t, actions.Config{})
	names := "iss sub aud exp nbf iat jti azp scope permissions roles groups cnf sid amr acr auth_time nonce at_hash typ org_id org_name client_id gty SUB"
	got, err := r.PostLogin(t.Context(), one(`exports.onExecutePostLogin = (event, api) => {
		for (const n of '`+names+`'.split(' ')) { api.idToken.setCustomClaim(n, 'x'); api.accessToken.setCustomClaim(n, ['x']); }
		for (const n of ['third_party', 'Third_Party', 'THIRD_PARTY']) api.accessToken.setCustomClaim(n, n);
		api.idToken.setCustomClaim('email', 'x'); api.idToken.setCustomClaim('gone', null); };`), loginEvent(), actions.Flow{})
	if err != nil {
		t.Fatal(err)
	}
	want := actions.PostLoginResult{IDToken: map[string]any{"email": "x", "gone": nil}}
	want.AccessToken.Claims = map[string]any{"third_party": "third_party"} // which bounds a client, and takes nothing away
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPostLogin_chain(t *testing.T) {
	r := newRunner(t, actions.Config{})
	list := []actions.Action{
		{ID: "1", Name: "first", Secrets: map[string]string{"KEY": "first-secret"}, Code: `
			Object.prototype.polluted = true; globalThis.left = 1;
			exports.onExecutePostLogin = (event, api) => {
				event.user.email = 'changed@example.com'; event.user.app_metadata.plan = 'mine';
				api.user.setAppMetadata('seen', {deep: [1]}); api.user.setUserMetadata('color', null); };`},
		{ID: "2", Name: "second", Code: `exports.onExecutePostLogin = (event, api) => {
			if (({}).polluted || globalThis.left || event.secrets.KEY) throw new Error('leak');
			if (event.user.email !== 'ana@example.com' || event.user.app_metadata.plan !== 'free') throw new Error('not a copy');
			if (event.user.app_metadata.seen.deep[0] !== 1 || 'color' in event.user.user_metadata) throw new Error('no metadata');
			api.access.deny('second'); };`},
		{ID: "3", Name: "third", Code: `exports.onExecutePostLogin = (event, api) => { api.user.setAppMetadata('third', true); };`},
	}
	event := loginEvent()
	got, err := r.PostLogin(t.Context(), list, event, actions.Flow{})
	if err != nil {
		t.Fatal(err)
	}
	want := actions.PostLoginResult{
		Deny:        &actions.Deny{Action: "second", Code: "access_denied", Reason: "second"},
		AppMetadata: actions.MetadataPatch{"seen": map[string]any{"deep": []any{1.0}}}, UserMetadata: actions.MetadataPatch{"color": nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(loginEvent(), event); diff != "" {
		t.Error("the caller's event changed", diff)
	}
}

const redirectAction = `
exports.onExecutePostLogin = async (event, api) => {
  if (!api.redirect.canRedirect()) return;
  const token = api.redirect.encodeToken({
    secret: event.secrets.MY_REDIRECT_SECRET,
    expiresInSeconds: 60,
    payload: { custom_claim: 'yes', iss: 'someone' },
  });
  api.redirect.sendUserTo("https://my-app.exampleco.com/form?a=1", {
    query: { session_token: token, lang: 'es' },
  });
};

exports.onContinuePostLogin = async (event, api) => {
  const payload = api.redirect.validateToken({
    secret: event.secrets.MY_REDIRECT_SECRET,
    tokenParameterName: 'my_token',
  });
  api.idToken.setCustomClaim('favorite', payload.favorite);
};`

// comeBack is what the site does to which the user was sent.
const comeBack = `
const jwt = require('jsonwebtoken');
exports.onExecutePostLogin = (event, api) => {
  const p = jwt.verify(event.request.query.session_token, 'sesame sesame', { issuer: 'tenant.example', subject: event.user.user_id });
  if (p.custom_claim !== 'yes' || p.ip !== '13.33.86.47' || p.exp - p.iat !== 60) throw new Error(JSON.stringify(p));
  api.idToken.setCustomClaim('token', jwt.sign({ ...claims(p), favorite: 'blue' }, 'sesame sesame'));
};`

func TestRedirect(t *testing.T) {
	r := newRunner(t, actions.Config{})
	secrets := map[string]string{"MY_REDIRECT_SECRET": "sesame sesame"}
	flow := actions.Flow{CanRedirect: true, Host: "tenant.example", State: "state-1"}
	list := []actions.Action{
		{ID: "before", Name: "before", Code: `exports.onExecutePostLogin = (e, api) => api.idToken.setCustomClaim('n', (e.user.app_metadata.n || 0) + 1) && api.user.setAppMetadata('n', 1);`},
		{ID: "away", Name: "away", Code: redirectAction, Secrets: secrets},
		{ID: "after", Name: "after", Code: `exports.onExecutePostLogin = (e, api) => { api.idToken.setCustomClaim('after', e.user.app_metadata.n); };`},
	}
	paused, err := r.PostLogin(t.Context(), list, loginEvent(), flow)
	if err != nil || paused.Redirect == nil {
		t.Fatal(paused, err)
	}
	if paused.Redirect.ActionID != "away" || !strings.HasPrefix(paused.Redirect.URL, "https://my-app.exampleco.com/form?a=1&session_token=ey") {
		t.Fatal(paused.Redirect.URL)
	}
	_, query, _ := strings.Cut(paused.Redirect.URL, "session_token=")
	token, _, _ := strings.Cut(query, "&")
	site := func(claims string) string {
		t.Helper()
		event := loginEvent()
		event.Request.Query = map[string]any{"session_token": token}
		got, err := r.PostLogin(t.Context(), one(strings.Replace(comeBack, "...claims(p)", claims, 1)), event, actions.Flow{})
		if err != nil {
			t.Fatal(err)
		}
		return got.IDToken["token"].(string)
	}
	good := site("...p, state: 'state-1'")
	goOn := func(token string) (actions.PostLoginResult, error) {
		event := loginEvent()
		event.Request.Body = map[string]any{"my_token": token}
		return r.ContinuePostLogin(t.Context(), list, event, flow, paused)
	}
	got, err := goOn(good)
	if err != nil {
		t.Fatal(err)
	}
	want := actions.PostLoginResult{
		IDToken:     map[string]any{"n": 1.0, "favorite": "blue", "after": 1.0},
		AppMetadata: actions.MetadataPatch{"n": 1.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, token := range map[string]string{
		"none": "", "no token": "a.b.c", "the one that was sent": token, "other state": site("...p, state: 'state-2'"),
		"other user": site("...p, state: 'state-1', sub: 'auth0|2'"), "no expiry": site("state: 'state-1', sub: p.sub"),
		"expired": site("...p, state: 'state-1', exp: 1"), "signature": good[:len(good)-4] + "AAAA",
	} {
		if got, err := goOn(token); !errors.Is(err, actions.ErrThrown) {
			t.Errorf("%s: got %v, %v; want an error", name, got, err)
		}
	}
	if _, err := r.ContinuePostLogin(t.Context(), list[2:], loginEvent(), flow, paused); err == nil {
		t.Error("the action is gone, and the log-in went on")
	}
	if _, err := r.ContinuePostLogin(t.Context(), list, loginEvent(), flow, got); err == nil {
		t.Error("a log-in that was not paused went on")
	}
}

func TestRedirect_refusedAddress(t *testing.T) {
	r := newRunner(t, actions.Config{})
	for _, target := range []string{"javascript:alert(1)", "data:text/html,x", "/continue", "https://user:pw@host.example/", "ftp://host.example/"} {
		got, err := r.PostLogin(t.Context(), one(`exports.onExecutePostLogin = (e, api) => { api.redirect.sendUserTo('`+target+`'); };`), loginEvent(), actions.Flow{CanRedirect: true})
		if err == nil {
			t.Errorf("%s: %v", target, got.Redirect)
		}
	}
}

func TestContinue_afterChallenge(t *testing.T) {
	r := newRunner(t, actions.Config{})
	list := []actions.Action{
		{ID: "ask", Name: "ask", Code: `exports.onExecutePostLogin = (e, api) => { api.authentication.challengeWithAny([{type: 'otp'}, {type: 'phone', options: {preferredMethod: 'voice'}}]); };`},
		{ID: "next", Name: "next", Code: `exports.onExecutePostLogin = (e, api) => { api.idToken.setCustomClaim('next', true); };`},
	}
	paused, err := r.PostLogin(t.Context(), list, loginEvent(), actions.Flow{})
	if err != nil || !paused.Paused() || len(paused.Challenge.Factors) != 2 || paused.IDToken != nil {
		t.Fatal(paused, err)
	}
	got, err := r.ContinuePostLogin(t.Context(), list, loginEvent(), actions.Flow{}, paused)
	if err != nil || got.Paused() || got.IDToken["next"] != true {
		t.Error(got, err)
	}
}

// A rule that is bound, or deployed anew, while the person is away judges a log-in
// that comes back; what has run does not run again.
func TestContinue_boundMeanwhile(t *testing.T) {
	r := newRunner(t, actions.Config{})
	roles := actions.Action{
		ID: "roles", Version: 1, Name: "roles",
		Code: `exports.onExecutePostLogin = (e, api) => { api.idToken.setCustomClaim('role', 'writer'); api.idToken.setCustomClaim('n', (e.user.app_metadata.n || 0) + 1); api.user.setAppMetadata('n', (e.user.app_metadata.n || 0) + 1); };`,
	}
	away := actions.Action{ID: "away", Name: "away", Code: `exports.onExecutePostLogin = (e, api) => { api.redirect.sendUserTo('https://terms.example/'); };`}
	deny := actions.Action{ID: "deny", Name: "deny", Code: `exports.onExecutePostLogin = (e, api) => { api.access.deny('blocked by policy'); };`}
	flow := actions.Flow{CanRedirect: true}
	paused, err := r.PostLogin(t.Context(), []actions.Action{roles, away}, loginEvent(), flow)
	if err != nil || paused.Redirect == nil {
		t.Fatal(paused, err)
	}
	stored, err := json.Marshal(paused)
	if err != nil {
		t.Fatal(err)
	}
	goOn := func(list ...actions.Action) actions.PostLoginResult {
		t.Helper()
		var prior actions.PostLoginResult
		if err := json.Unmarshal(stored, &prior); err != nil {
			t.Fatal(err)
		}
		got, err := r.ContinuePostLogin(t.Context(), list, loginEvent(), flow, prior)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := goOn(roles, away); got.Deny != nil || got.IDToken["role"] != "writer" || got.IDToken["n"] != 1.0 {
		t.Errorf("nothing changed: %+v", got)
	}
	if got := goOn(deny, roles, away); got.Deny == nil || got.Deny.Reason != "blocked by policy" {
		t.Errorf("bound meanwhile: %+v", got)
	}
	// One that sends them away itself, and the way on from there.
	first := actions.Action{ID: "first", Name: "first", Code: `exports.onExecutePostLogin = (e, api) => { api.redirect.sendUserTo('https://more.example/'); };`}
	after := goOn(first, roles, away)
	if after.Redirect == nil || after.Redirect.ActionID != "first" {
		t.Fatalf("another one pauses: %+v", after)
	}
	last, err := r.ContinuePostLogin(t.Context(), []actions.Action{first, roles, away}, loginEvent(), flow, after)
	if err != nil || last.Paused() || last.IDToken["n"] != 1.0 {
		t.Errorf("paused twice: %+v, %v", last, err)
	}
	anew := away
	anew.Version, anew.Code = 2, strings.ReplaceAll(deny.Code, "policy", "new code")+"\nexports.onContinuePostLogin = () => {};"
	if got := goOn(roles, anew); got.Deny == nil || got.Deny.Reason != "blocked by new code" {
		t.Errorf("the one that paused is another: %+v", got)
	}
	roles.Version, roles.Code = 2, `exports.onExecutePostLogin = (e, api) => { api.idToken.setCustomClaim('role', 'reader'); };`
	if got := goOn(roles, away); got.IDToken["role"] != "reader" {
		t.Errorf("deployed meanwhile: %+v", got)
	}
}

// What one action says about a log-in the next one sees, also when the person has
// been away in between.
func TestPostLogin_transactionMetadata(t *testing.T) {
	r := newRunner(t, actions.Config{})
	list := []actions.Action{
		{ID: "a", Name: "first", Code: `exports.onExecutePostLogin = (event, api) => { api.transaction.setMetadata('step', event.transaction.metadata.step + 1);
			api.redirect.sendUserTo('https://terms.example/'); };`},
		{ID: "b", Name: "second", Code: `exports.onExecutePostLogin = (event, api) => { api.idToken.setCustomClaim('https://x.example/step', event.transaction.metadata.step); };`},
	}
	event, flow := loginEvent(), actions.Flow{CanRedirect: true}
	event.Transaction = &actions.Transaction{Metadata: map[string]any{"step": 1}}
	paused, err := r.PostLogin(t.Context(), list, event, flow)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.ContinuePostLogin(t.Context(), list, event, flow, paused)
	if err != nil || got.IDToken["https://x.example/step"] != 2.0 {
		t.Errorf("%v, %v", got.IDToken, err)
	}
	if event.Transaction.Metadata["step"] != 1 {
		t.Error("the event of the caller was written to")
	}
}
