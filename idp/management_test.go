package idp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/auth0"
	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/jose"
)

// managementToken gets a token of the Management API.
func managementToken(t *testing.T, s *idptest.Server, more ...string) string {
	t.Helper()
	status, body := machineToken(s, append([]string{"client_id", idptest.Management, "audience", s.Issuer() + "api/v2/"}, more...)...)
	token, _ := body["access_token"].(string)
	if status != http.StatusOK || token == "" {
		t.Fatalf("%d %v", status, body)
	}
	return token
}

// manage calls the Management API; an answer without a body is nil.
func manage(t *testing.T, s *idptest.Server, token, method, path, body string) (int, any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/api/v2/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if len(data) > 0 {
		if err := json.Unmarshal(data, &out); err != nil {
			t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, data)
		}
	}
	return res.StatusCode, out
}

// must is manage that has to be answered with a status; it returns an object.
func mustManage(t *testing.T, s *idptest.Server, token string, want int, method, path, body string) map[string]any {
	t.Helper()
	status, got := manage(t, s, token, method, path, body)
	if status != want {
		t.Fatalf("%s %s: %d %v", method, path, status, got)
	}
	object, _ := got.(map[string]any)
	return object
}

// SDKs read Auth0's words for a token whose time is over, and get another one.
func TestManagement_expiredToken(t *testing.T) {
	s, now := withClock(t)
	token := managementToken(t, s)
	now.turn(25 * time.Hour)
	for text, want := range map[string]string{
		token:                         "Expired token received for JSON Web Token validation",
		token[:len(token)-4] + "AAAA": "Invalid token", // nobody is told the time of what is not ours
	} {
		if got := mustManage(t, s, text, http.StatusUnauthorized, "GET", "clients", ""); got["message"] != want || got["error"] != "Unauthorized" {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

// IDP-21: who may call the Management API, and with what.
func TestIDP21_callers(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com", "menu-admin")
	token := managementToken(t, s)
	if status, got := manage(t, s, token, "GET", "clients", ""); status != http.StatusOK || len(got.([]any)) < 4 {
		t.Fatalf("%d %v", status, got)
	}
	_, machine := machineToken(s)
	person := enter(t, s, s.Browser(), "ada@example.com")
	opaque := enter(t, s, s.Browser(), "ada@example.com", "audience", "")
	for name, bad := range map[string]any{
		"of another API": machine["access_token"], "of a person": person["access_token"], "ID token": person["id_token"],
		"opaque": opaque["access_token"], "made up": token[:len(token)-4] + "AAAA",
	} {
		if status, got := manage(t, s, bad.(string), "GET", "clients", ""); status != http.StatusUnauthorized {
			t.Errorf("%s: %d %v", name, status, got)
		}
	}
	narrow := managementToken(t, s, "scope", "read:users")
	if status, got := manage(t, s, narrow, "GET", "users", ""); status != http.StatusOK {
		t.Errorf("%d %v", status, got)
	}
	for _, path := range []string{"clients", "roles", "keys/signing"} {
		if status, got := manage(t, s, narrow, "GET", path, ""); status != http.StatusForbidden {
			t.Errorf("%s: %d %v", path, status, got)
		}
	}
	// A person may do with it what concerns themselves.
	own := enter(t, s, s.Browser(), "ada@example.com", "audience", s.Issuer()+"api/v2/", "scope", "openid read:current_user update:current_user_metadata read:users")
	sub, _ := claimsMap(t, own["id_token"])["sub"].(string)
	if status, got := manage(t, s, own["access_token"].(string), "GET", "users/"+url.PathEscape(sub), ""); status != http.StatusOK {
		t.Errorf("oneself: %d %v", status, got)
	}
	for _, path := range []string{"users", "users/" + url.PathEscape(s.AddUser("ben@example.com").ID)} {
		if status, got := manage(t, s, own["access_token"].(string), "GET", path, ""); status != http.StatusForbidden {
			t.Errorf("%s: %d %v", path, status, got)
		}
	}
	// A revoked token, and that of a client that is gone, are of no use.
	revoked := managementToken(t, s)
	s.Do(s.HTTP, http.MethodPost, "/oauth/revoke", url.Values{"client_id": {idptest.Management}, "client_secret": {idptest.Secret}, "token": {revoked}})
	if status, _ := manage(t, s, revoked, "GET", "clients", ""); status != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", status)
	}
	mustManage(t, s, token, http.StatusNoContent, "DELETE", "clients/"+idptest.Management, "")
	if status, _ := manage(t, s, token, "GET", "clients", ""); status != http.StatusUnauthorized {
		t.Errorf("a client that is gone: %d", status)
	}
}

// The restaurant of the walk-through: an API, a role with its permissions, a
// user with the role, and a token that says them; made as a program makes them.
func TestManagement_walkThrough(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	token := managementToken(t, s)
	api := mustManage(t, s, token, http.StatusCreated, "POST", "resource-servers", `{"name":"Menu","identifier":"https://menu.example/","signing_alg":"RS256"}`)
	mustManage(t, s, token, http.StatusOK, "PATCH", "resource-servers/"+api["id"].(string), `{"scopes":[{"value":"create:items","description":"a"},
		{"value":"update:items","description":"b"},{"value":"delete:items","description":"c"}],"enforce_policies":true,
		"token_dialect":"access_token_authz","allow_offline_access":true,"skip_consent_for_verifiable_first_party_clients":true}`)
	action := mustManage(t, s, token, http.StatusCreated, "POST", "actions/actions", `{"name":"Add user details","runtime":"node18",
		"supported_triggers":[{"id":"post-login","version":"v2"}],
		"code":"exports.onExecutePostLogin = async (event, api) => { api.accessToken.setCustomClaim('user', event.user); };"}`)
	id := action["id"].(string)
	eventually(t, func() bool {
		return mustManage(t, s, token, http.StatusOK, "GET", "actions/actions/"+id, "")["status"] == "built"
	})
	mustManage(t, s, token, http.StatusOK, "POST", "actions/actions/"+id+"/deploy", "")
	mustManage(t, s, token, http.StatusOK, "PATCH", "actions/triggers/post-login/bindings", `{"bindings":[{"display_name":"Add user details","ref":{"type":"action_id","value":"`+id+`"}}]}`)
	role := mustManage(t, s, token, http.StatusOK, "POST", "roles", `{"name":"chef","description":"Runs the menu"}`)
	rid := role["id"].(string)
	mustManage(t, s, token, http.StatusCreated, "POST", "roles/"+rid+"/permissions", `{"permissions":[
		{"resource_server_identifier":"https://menu.example/","permission_name":"create:items"},
		{"resource_server_identifier":"https://menu.example/","permission_name":"update:items"},
		{"resource_server_identifier":"https://menu.example/","permission_name":"delete:items"}]}`)
	user := mustManage(t, s, token, http.StatusCreated, "POST", "users", `{"connection":"`+idptest.Connection+`","email":"chef@example.com","password":"`+newPassword+`","email_verified":true}`)
	uid := user["user_id"].(string)
	mustManage(t, s, token, http.StatusNoContent, "POST", "users/"+url.PathEscape(uid)+"/roles", `{"roles":["`+rid+`"]}`)
	s.AddUser("guest@example.com")

	permissions := func(email, password string) []any {
		t.Helper()
		res, body := s.Login(s.Browser(), authorization("audience", "https://menu.example/"), email, password)
		_, tokens := exchange(s, answerOf(t, res, body).Get("code"))
		got := claimsMap(t, tokens["access_token"])
		if who, _ := got["user"].(map[string]any); who["email"] != email {
			t.Errorf("claim user: %v", got["user"])
		}
		list, ok := got["permissions"].([]any)
		if !ok {
			t.Errorf("no permissions: %v", got)
		}
		return list
	}
	if got := permissions("chef@example.com", newPassword); len(got) != 3 {
		t.Errorf("permissions of the chef: %v", got)
	}
	if got := permissions("guest@example.com", idptest.Password); len(got) != 0 {
		t.Errorf("permissions of a guest: %v", got)
	}
}

// A rotation of the keys refuses no token that is good: nobody has to learn of
// the new key in a hurry, and nobody forgets the old one.
func TestManagement_rotation(t *testing.T) {
	c := &clock{at: time.Now().Truncate(time.Second).Add(-2 * time.Hour)}
	s := idptest.New(t, idptest.Config{Edit: func(cfg *idp.Config) { cfg.Now = c.now }})
	c.turn(2 * time.Hour) // the next key was published long enough ago
	s.AddUser("ada@example.com")
	token := managementToken(t, s)
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	before := jwksKeys(t, s)
	verify := func(keys *jose.KeySet, text string) error {
		v, err := jose.NewVerifier(jose.VerifierConfig{Keys: keys, Issuer: s.Issuer(), Audience: []string{idptest.Audience}, Type: []string{"JWT"}})
		if err == nil {
			_, err = v.Verify(t.Context(), text)
		}
		return err
	}
	var stop atomic.Bool
	var asked, signed atomic.Int64
	var kids sync.Map
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for !stop.Load() {
				res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string))
				if res.StatusCode != http.StatusOK {
					t.Errorf("userinfo with a good token: %d", res.StatusCode)
					return
				}
				asked.Add(1)
				// Whoever fetched the keys before the rotation verifies what is signed after it.
				status, body := machineToken(s)
				text, _ := body["access_token"].(string)
				if err := verify(before, text); status != http.StatusOK || err != nil {
					t.Errorf("a token made meanwhile: %d %v", status, err)
					return
				}
				kids.Store(header(t, text)["kid"], true)
				signed.Add(1)
			}
		})
	}
	wait := func() { n := signed.Load(); eventually(t, func() bool { return signed.Load() > n+8 || t.Failed() }) }
	wait()
	rotated := mustManage(t, s, token, http.StatusCreated, "POST", "keys/signing/rotate", "")
	wait()
	stop.Store(true)
	load.Wait()
	distinct := 0
	kids.Range(func(any, any) bool { distinct++; return true })
	if distinct != 2 || asked.Load() == 0 {
		t.Errorf("%d keys signed, %d questions", distinct, asked.Load())
	}
	states := map[string]string{}
	_, list := manage(t, s, token, "GET", "keys/signing", "")
	for _, item := range list.([]any) {
		key := item.(map[string]any)
		for _, state := range []string{"current", "next", "previous"} {
			if key[state] == true {
				states[state] = key["kid"].(string)
			}
		}
	}
	if states["current"] != rotated["kid"] || states["next"] == "" || states["previous"] != header(t, tokens["id_token"])["kid"] {
		t.Errorf("keys %v after a rotation to %v", states, rotated["kid"])
	}
	after := jwksKeys(t, s)
	for state, kid := range states {
		if _, ok := after.ByID(kid); !ok {
			t.Errorf("the %s key is not published", state)
		}
	}
	if err := verify(after, tokens["access_token"].(string)); err != nil {
		t.Errorf("a token from before: %v", err)
	}
	// Revoking the previous one takes its tokens with it, and the current one cannot be revoked.
	if status, got := manage(t, s, token, "PUT", "keys/signing/"+states["current"]+"/revoke", ""); status < 400 || status >= 500 {
		t.Errorf("the current key: %d %v", status, got)
	}
	mustManage(t, s, managementToken(t, s), http.StatusOK, "PUT", "keys/signing/"+states["previous"]+"/revoke", "")
	if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string)); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token of a revoked key: %d", res.StatusCode)
	}
	if status, _ := manage(t, s, token, "GET", "clients", ""); status != http.StatusUnauthorized {
		t.Errorf("a management token of a revoked key: %d", status)
	}
}

// SES-05, CLI-12: an administrator ends a session, and its clients hear of it.
func TestSES05_endedByAdministrator(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	l := listen(t, s, idptest.SPA)
	ada := s.AddUser("ada@example.com")
	token := managementToken(t, s)
	for _, path := range []string{"DELETE sessions/SID", "POST sessions/SID/revoke", "DELETE users/UID/sessions"} {
		browser := s.Browser()
		tokens := enter(t, s, browser, "ada@example.com")
		sid, _ := claimsMap(t, tokens["id_token"])["sid"].(string)
		method, target, _ := strings.Cut(path, " ")
		target = strings.NewReplacer("SID", url.PathEscape(sid), "UID", url.PathEscape(ada.ID)).Replace(target)
		if status, got := manage(t, s, token, method, target, ""); status != http.StatusNoContent && status != http.StatusAccepted {
			t.Fatalf("%s: %d %v", path, status, got)
		}
		if heard := l.wait(t); heard != sid {
			t.Errorf("%s: heard of %q, want %q", path, heard, sid)
		}
		if back := silent(t, s, browser); back.Get("error") != "login_required" {
			t.Errorf("%s: %v", path, back)
		}
	}
}

// counting counts requests by their method.
type counting struct {
	mu   sync.Mutex
	seen []string
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.seen = append(c.seen, r.Method+" "+r.URL.Path)
	c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

func (c *counting) writes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.seen), func(s string) bool { return strings.HasPrefix(s, "GET ") || s == "POST /oauth/token" })
}

// What brings a tenant of Auth0 to what a service needs does so with ours.
func TestManagement_apply(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	transport := &counting{}
	tn, err := auth0.New(auth0.Config{
		BaseURL: s.URL, ClientID: idptest.Management, ClientSecret: idptest.Secret, HTTP: &http.Client{Transport: transport, Timeout: 20 * time.Second},
		Logger: slog.New(slog.DiscardHandler), Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	const audience = "https://menu.example/api"
	d := auth0.Desired{
		API: auth0.API{
			Identifier: audience, Name: "Menu API", RBAC: true, AllowOfflineAccess: true, SkipConsent: true, TokenLifetime: 3600,
			Scopes: []auth0.Scope{{Value: "create:items", Description: "create items"}, {Value: "delete:items"}},
		},
		SPA: &auth0.SPA{
			Name: "menu SPA", Callbacks: []string{"http://localhost:3000/auth-callback"},
			LogoutURLs: []string{"http://localhost:3000/login"}, WebOrigins: []string{"http://localhost:3000"},
		},
		Machine:     &auth0.Machine{Name: "menu machine", Scopes: []string{"create:items"}},
		Roles:       []auth0.Role{{Name: "chef", Description: "runs the menu", Permissions: []string{"create:items", "delete:items"}}, {Name: "guest"}},
		Action:      &auth0.Action{Code: auth0.DefaultAction(audience, audience, true), Secrets: []auth0.ActionSecret{{Name: "API_KEY", Value: "a value"}}},
		Connections: []string{idptest.Connection},
	}
	count := func() (clients, roles int) {
		t.Helper()
		c, err := s.Tenant().Clients.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Tenant().Roles.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(c), len(r)
	}
	clients, roles := count()
	plan, err := tn.Plan(t.Context(), d)
	if err != nil || plan.Empty() {
		t.Fatalf("%v %v", plan, err)
	}
	if w := transport.writes(); len(w) != 0 {
		t.Errorf("a plan wrote: %v", w)
	}
	result, err := tn.Apply(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if result.IssuerURL != s.Issuer() || result.Audience != audience || result.ClientID == "" || result.MachineClientSecret == "" {
		t.Errorf("result %+v", result)
	}
	transport.seen = nil
	if plan, err = tn.Plan(t.Context(), d); err != nil || !plan.Empty() {
		t.Fatalf("afterwards: %v\n%v", err, plan)
	}
	if _, err := tn.Apply(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	if w := transport.writes(); len(w) != 0 {
		t.Errorf("nothing to do, and wrote: %v", w)
	}
	// What was made works.
	s.AddUser("ada@example.com", "chef")
	res, body := s.Login(s.Browser(), authorization("client_id", result.ClientID, "redirect_uri", "http://localhost:3000/auth-callback", "audience", audience, "scope", "openid email offline_access create:items"), "ada@example.com", idptest.Password)
	where, err := url.Parse(res.Header.Get("Location"))
	if err != nil || where.Query().Get("code") == "" {
		t.Fatalf("%v %v %.1000s", where, err, body)
	}
	_, tokens := exchange(s, where.Query().Get("code"), "client_id", result.ClientID, "redirect_uri", "http://localhost:3000/auth-callback")
	got := claimsMap(t, tokens["access_token"])
	if list, _ := got["permissions"].([]any); len(list) != 2 || tokens["refresh_token"] == nil {
		t.Errorf("access token %v", got)
	}
	if status, body := machineToken(s, "client_id", result.MachineClientID, "client_secret", result.MachineClientSecret.Reveal(), "audience", audience); status != http.StatusOK || body["scope"] != "create:items" {
		t.Errorf("machine: %d %v", status, body)
	}
	// A role that somebody has would stay.
	if err := s.Tenant().DeleteUser(t.Context(), userID(t, s, "ada@example.com")); err != nil {
		t.Fatal(err)
	}
	plan, err = tn.PlanDestroy(t.Context(), d)
	if err != nil || plan.Empty() {
		t.Fatalf("%v %v", plan, err)
	}
	if _, err := tn.Apply(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	if plan, err = tn.PlanDestroy(t.Context(), d); err != nil || !plan.Empty() {
		t.Errorf("destroyed, and yet: %v %v", plan, err)
	}
	if c, r := count(); c != clients || r != roles {
		t.Errorf("%d clients and %d roles, %d and %d before\n%v", c, r, clients, roles, plan)
	}
	if _, err := s.Tenant().APIs.ByName(t.Context(), audience); err == nil {
		t.Error("the API is still there")
	}
	if b, err := s.Tenant().Bindings.Get(t.Context(), "post-login"); err == nil && len(b.List) != 0 {
		t.Errorf("bindings %v", b.List)
	}
}

// Letters that administrators ask for have a bound for each address, and none for
// the place that asks; whoever asks is told when none is sent.
func TestManagement_letters(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	token := managementToken(t, s)
	ask := func(id string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/v2/jobs/verification-email", strings.NewReader(`{"user_id":"`+id+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		res, err := s.HTTP.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(data)
	}
	create := func(name string) string {
		t.Helper()
		u := mustManage(t, s, token, http.StatusCreated, "POST", "users",
			`{"connection":"`+idptest.Connection+`","email":"`+name+`@example.com","password":"Tin-Otter-Marsh-41"}`)
		return u["user_id"].(string)
	}
	for n := range 25 {
		if res, body := ask(create("user" + string(rune('a'+n)))); res.StatusCode != http.StatusCreated {
			t.Fatalf("letter %d: %d %s", n, res.StatusCode, body)
		}
	}
	ada := create("ada")
	for range 5 {
		if res, body := ask(ada); res.StatusCode != http.StatusCreated {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
	}
	res, body := ask(ada)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" || !strings.Contains(body, "too_many_letters") {
		t.Errorf("the sixth: %d %s", res.StatusCode, body)
	}
	// What is asked for with a change is stored, and that no letter went is in the log.
	mustManage(t, s, token, http.StatusOK, "PATCH", "users/"+url.PathEscape(ada), `{"user_metadata":{"a":1},"verify_email":true}`)
	if list := types(t, s, "fapi"); len(list) != 2 || !strings.Contains(dumpTable(t, s, "idp_logs"), "The letter to") {
		t.Errorf("%+v", list)
	}
	waitLetters(t, s, "ada@example.com", 5)
	// Nothing is sent to an address that is confirmed, and the job says so.
	mustManage(t, s, token, http.StatusOK, "PATCH", "users/"+url.PathEscape(ada), `{"email_verified":true}`)
	res, body = ask(ada)
	id, _ := s.JSON(body)["id"].(string)
	if got := mustManage(t, s, token, http.StatusOK, "GET", "jobs/"+id, ""); res.StatusCode != http.StatusCreated || got["status"] != "failed" {
		t.Errorf("confirmed: %d %s, %v", res.StatusCode, body, got)
	}
	if _, got := manage(t, s, token, "GET", "jobs/"+id+"/errors", ""); !strings.Contains(fmt.Sprint(got), "EMAIL_VERIFIED") {
		t.Errorf("why: %v", got)
	}
}

// AUD-01: whoever reads the secret that signs the tokens of an API is in the log,
// by the list, too.
func TestAUD01_signingSecret(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	token := managementToken(t, s)
	mustManage(t, s, token, http.StatusCreated, "POST", "resource-servers", `{"identifier":"urn:a","signing_alg":"HS256"}`)
	for n, path := range []string{"resource-servers", "resource-servers/urn:a", "resource-servers?take=5"} {
		if status, got := manage(t, s, token, "GET", path, ""); status != http.StatusOK || !strings.Contains(fmt.Sprint(got), "signing_secret") {
			t.Fatalf("%s: %d %v", path, status, got)
		}
		if list := types(t, s, "mgmt_api_read"); len(list) != n+1 {
			t.Errorf("%s: %d entries", path, len(list))
		}
	}
	for body, field := range map[string]string{
		`{"identifier":"urn:b","signing_alg":"HS256","signing_secret":"placeholder-placeholder-placeholder"}`: "signing_secret",
		`{"identifier":"urn:b","signing_alg":"HS256","signing_secret":"` + strings.Repeat("a", 40) + `"}`:     "signing_secret",
	} {
		if status, got := manage(t, s, token, "POST", "resource-servers", body); status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(got), "on property "+field) {
			t.Errorf("%s: %d %v", body, status, got)
		}
	}
	body := `{"name":"a","app_type":"regular_web","client_secret":"placeholder-placeholder-placeholder-1","jwt_configuration":{"alg":"HS256"}}`
	if status, got := manage(t, s, token, "POST", "clients", body); status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(got), "on property client_secret") {
		t.Errorf("a client: %d %v", status, got)
	}
}
