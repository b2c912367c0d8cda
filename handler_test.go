package gate_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
)

// mounted serves the handler as the documentation says to.
func mounted(w *world) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/authentication", w.Handler())
	mux.Handle("/authentication/", w.Handler())
	return mux
}

const asJSON = "application/json"

func loginBody(email, password string) string {
	b, _ := json.Marshal(map[string]string{"strategy": "local", "email": email, "password": password})
	return string(b)
}

func TestHandler_login(t *testing.T) {
	w := newWorld(t)
	got := serve(mounted(w), http.MethodPost, "/authentication", loginBody(ada, adasPassword), "Content-Type", asJSON)
	if got.Code != http.StatusCreated {
		t.Fatalf("status %d: %s", got.Code, got.Body)
	}
	if cc := got.Header().Get("Cache-Control"); cc != "no-store" {
		t.Errorf("Cache-Control %q", cc)
	}
	var body struct {
		AccessToken    string
		Authentication struct {
			Strategy string
			Payload  map[string]any
		}
		User user
	}
	if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if body.User != (user{"7", ada}) || body.Authentication.Strategy != "local" {
		t.Errorf("body %s", got.Body)
	}
	want := map[string]any{
		"iat": 1.7e9, "exp": 1.7e9 + 900, "aud": "https://api.test", "iss": "https://gate.test",
		"sub": "7", "sid": "s1", "auth_time": 1.7e9, "jti": body.Authentication.Payload["jti"],
	}
	if diff := cmp.Diff(want, body.Authentication.Payload); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
	order := []string{`{"accessToken":"`, `"authentication":{"strategy":"local","payload":{`, `"iat":`, `"exp":`, `"aud":`, `"iss":`, `"sub":`, `"jti":`, `"user":{"id"`}
	at := 0
	for _, part := range order {
		i := strings.Index(got.Body.String()[at:], part)
		if i < 0 {
			t.Fatalf("%q is missing or too early in %s", part, got.Body)
		}
		at += i
	}
	if strings.Contains(got.Body.String(), "plain:") {
		t.Error("the answer shows the password hash")
	}
}

func TestHandler_jwtAnswersTheSameToken(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	body := `{"strategy":"jwt","accessToken":"` + token + `"}`
	got := serve(mounted(w), http.MethodPost, "/authentication", body, "Content-Type", asJSON)
	var result struct {
		AccessToken    string
		Authentication struct{ Strategy, AccessToken string }
		User           user
	}
	if err := json.Unmarshal(got.Body.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	if got.Code != http.StatusCreated || result.AccessToken != token || result.Authentication.AccessToken != token ||
		result.Authentication.Strategy != "jwt" || result.User.ID != "7" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if w.sessions.count() != 1 {
		t.Errorf("%d sessions, want the one of the login", w.sessions.count())
	}
}

// TestHandler_refusals sends what a login must refuse. Each refusal is an
// answer of the contract and leaves no session behind.
func TestHandler_refusals(t *testing.T) {
	deep := strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40)
	for _, tt := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"wrong password", loginBody(ada, "wrong"), 401, `"message":"Invalid login"`},
		{"unknown user", loginBody("eve@example.com", adasPassword), 401, `"message":"Invalid login"`},
		{"no strategy", `{"email":"a"}`, 401, "\"message\":\"Invalid authentication information (no `strategy` set)\""},
		{"empty strategy", `{"strategy":""}`, 401, "(no `strategy` set)"},
		{"unknown strategy", `{"strategy":"nope"}`, 401, `"message":"Invalid authentication information (strategy not allowed in authStrategies)"`},
		{"strategy not allowed", `{"strategy":"basic","username":"ada@example.com","password":"correct horse battery"}`, 401, "(strategy not allowed in authStrategies)"},
		{"jwt without token", `{"strategy":"jwt"}`, 401, `"message":"No access token"`},
		{"jwt malformed", `{"strategy":"jwt","accessToken":"x"}`, 401, `"message":"jwt malformed"`},
		{"LOG11 strategy is an object", `{"strategy":{"toString":1}}`, 400, `"className":"bad-request"`},
		{"LOG11 strategy is a list", `{"strategy":["local"]}`, 400, `"code":400`},
		{"LOG11 password is an operator", `{"strategy":"local","email":"ada@example.com","password":{"$gte":""}}`, 400, `"code":400`},
		{"LOG11 user name is an operator", `{"strategy":"local","email":{"$ne":null},"password":"correct horse battery"}`, 400, `"code":400`},
		{"LOG11 password is a list", `{"strategy":"local","email":"ada@example.com","password":["correct horse battery"]}`, 400, `"code":400`},
		{"LOG11 password is true", `{"strategy":"local","email":"ada@example.com","password":true}`, 400, `"code":400`},
		{"LOG11 password is null", `{"strategy":"local","email":"ada@example.com","password":null}`, 400, `"code":400`},
		{"LOG11 password is a number", `{"strategy":"local","email":"ada@example.com","password":1}`, 400, `"code":400`},
		{"LOG11 password is too long", loginBody(ada, strings.Repeat("x", 1025)), 400, `"code":400`},
		{"LOG11 user name is too long", loginBody(strings.Repeat("x", 255), adasPassword), 400, `"code":400`},
		{"LOG11 token is an object", `{"strategy":"jwt","accessToken":{"a":1}}`, 400, `"code":400`},
		{"OPS03 duplicate key", `{"strategy":"local","email":"ada@example.com","password":"wrong","password":"correct horse battery"}`, 400, `"code":400`},
		{"OPS03 key in another case", `{"strategy":"local","email":"ada@example.com","password":"correct horse battery","PASSWORD":"x"}`, 400, `"code":400`},
		{"OPS03 something after", loginBody(ada, adasPassword) + "{}", 400, `"code":400`},
		{"OPS03 too deep", `{"strategy":"local","x":` + deep + `}`, 400, `"code":400`},
		{"OPS03 not UTF-8", "{\"strategy\":\"local\",\"email\":\"\xff\"}", 400, `"code":400`},
		{"OPS03 broken", `{"strategy":`, 400, `"code":400`},
		{"null", `null`, 400, `"code":400`},
		{"list", `[]`, 400, `"code":400`},
		{"string", `"local"`, 400, `"code":400`},
		{"empty", ``, 400, `"code":400`},
		{"OPS02 too large", `{"strategy":"` + strings.Repeat("x", 9000) + `"}`, 413, `"name":"PayloadTooLarge"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			got := serve(mounted(w), http.MethodPost, "/authentication", tt.body, "Content-Type", asJSON)
			checkError(t, got.Result(), got.Body.Bytes(), tt.status)
			if !strings.Contains(got.Body.String(), tt.want) {
				t.Errorf("body %s has no %s", got.Body, tt.want)
			}
			if w.sessions.count() != 0 {
				t.Error("a session was opened")
			}
		})
	}
}

// checkError checks what every error answer of the service has.
func checkError(t *testing.T, got *http.Response, body []byte, status int) {
	t.Helper()
	if got.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", got.StatusCode, status, body)
	}
	var e struct {
		Name, Message, ClassName string
		Code                     int
	}
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if e.Name == "" || e.Message == "" || e.ClassName == "" || e.Code != status {
		t.Errorf("incomplete error %s", body)
	}
	if challenged := got.Header.Get("WWW-Authenticate") != ""; challenged != (status == 401) {
		t.Errorf("WWW-Authenticate %q with status %d", got.Header.Get("WWW-Authenticate"), status)
	}
	if cc := got.Header.Get("Cache-Control"); cc != "no-store" {
		t.Errorf("Cache-Control %q", cc)
	}
}

func TestLOG01_refusalsAreAlike(t *testing.T) {
	w := newWorld(t)
	h := mounted(w)
	want := serve(h, http.MethodPost, "/authentication", loginBody(ada, "wrong"), "Content-Type", asJSON)
	for _, name := range []string{"eve@example.com", "off@example.com", "none@example.com"} {
		before := w.hasher.ran
		got := serve(h, http.MethodPost, "/authentication", loginBody(name, adasPassword), "Content-Type", asJSON)
		if diff := cmp.Diff(want.Result().Header, got.Result().Header); got.Code != want.Code || got.Body.String() != want.Body.String() || diff != "" {
			t.Errorf("%s: %d %s %s", name, got.Code, got.Body, diff)
		}
		if n := w.hasher.ran - before; n != 1 {
			t.Errorf("%s cost %d hashes, want 1", name, n)
		}
	}
}

func TestSES08_contentTypes(t *testing.T) {
	form := "strategy=local&email=ada%40example.com&password=correct+horse+battery"
	for _, tt := range []struct {
		name, body string
		headers    []string
		status     int
	}{
		{"form", form, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"text", loginBody(ada, adasPassword), []string{"Content-Type", "text/plain"}, 415},
		{"none", loginBody(ada, adasPassword), nil, 415},
		{"two", loginBody(ada, adasPassword), []string{"Content-Type", asJSON, "Content-Type", "text/plain"}, 415},
		{"other json", loginBody(ada, adasPassword), []string{"Content-Type", "application/ld+json"}, 415},
		{"suffix", loginBody(ada, adasPassword), []string{"Content-Type", "text/plain; application/json"}, 415},
		{"UTF-16", loginBody(ada, adasPassword), []string{"Content-Type", "application/json; charset=utf-16"}, 415},
		{"OPS02 gzip", loginBody(ada, adasPassword), []string{"Content-Type", asJSON, "Content-Encoding", "gzip"}, 415},
		{"UTF-8", loginBody(ada, adasPassword), []string{"Content-Type", "Application/JSON; charset=UTF-8"}, 201},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			got := serve(mounted(w), http.MethodPost, "/authentication", tt.body, tt.headers...)
			if got.Code != tt.status {
				t.Errorf("status %d, want %d: %s", got.Code, tt.status, got.Body)
			}
		})
	}
}

func TestLOG11_onlyPostAndDelete(t *testing.T) {
	w := newWorld(t)
	h := mounted(w)
	for _, tt := range []struct{ method, target, message string }{
		{"GET", "/authentication?strategy=local&email=ada@example.com&password=correct+horse+battery", "Method `find` is not supported by this endpoint."},
		{"GET", "/authentication/1", "Method `get` is not supported by this endpoint."},
		{"PUT", "/authentication", "Method `update` is not supported by this endpoint."},
		{"PATCH", "/authentication/1", "Method `patch` is not supported by this endpoint."},
		{"POST", "/authentication/1", "Method `create` is not supported by this endpoint."},
		{"OPTIONS", "/authentication", "Method OPTIONS not allowed"},
		{"TRACE", "/authentication", "Method TRACE not allowed"},
	} {
		got := serve(h, tt.method, tt.target, loginBody(ada, adasPassword), "Content-Type", asJSON, "X-HTTP-Method-Override", "POST")
		checkError(t, got.Result(), got.Body.Bytes(), http.StatusMethodNotAllowed)
		if !strings.Contains(got.Body.String(), tt.message) || got.Header().Get("Allow") == "" {
			t.Errorf("%s %s: %s, Allow %q", tt.method, tt.target, got.Body, got.Header().Get("Allow"))
		}
	}
	got := serve(h, http.MethodPost, "/authentication", loginBody(ada, adasPassword), "Content-Type", asJSON, "X-Service-Method", "createAccessToken")
	checkError(t, got.Result(), got.Body.Bytes(), http.StatusMethodNotAllowed)
	if !strings.Contains(got.Body.String(), "Method `createAccessToken` is not supported by this endpoint.") {
		t.Errorf("%s", got.Body)
	}
	got = serve(h, http.MethodDelete, "/authentication/a/b", "")
	checkError(t, got.Result(), got.Body.Bytes(), http.StatusNotFound)
}

func TestHandler_logout(t *testing.T) {
	w := newWorld(t)
	h := mounted(w)
	for _, path := range []string{"/authentication", "/authentication/", "/authentication/{token}"} {
		token := w.token(t)
		got := serve(h, http.MethodDelete, strings.Replace(path, "{token}", token, 1), "", "Authorization", "Bearer "+token)
		if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `{"accessToken":"`+token+`","authentication":{"strategy":"jwt","accessToken":"`) ||
			!strings.Contains(got.Body.String(), `"user":{"id":"7"`) {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
		if clears := got.Header().Get("Clear-Site-Data"); clears != `"cache","cookies","storage"` {
			t.Errorf("SES-04: Clear-Site-Data %q", clears)
		}
		// SES-04: dead at once, and logging out twice is no way around it.
		for _, again := range []*struct{ method, body string }{
			{http.MethodDelete, ""}, {http.MethodPost, `{"strategy":"jwt","accessToken":"` + token + `"}`},
		} {
			got = serve(h, again.method, "/authentication", again.body, "Authorization", "Bearer "+token, "Content-Type", asJSON)
			checkError(t, got.Result(), got.Body.Bytes(), http.StatusUnauthorized)
		}
	}
	if w.sessions.count() != 0 {
		t.Errorf("%d sessions are left", w.sessions.count())
	}
}

func TestHandler_logoutRefusals(t *testing.T) {
	w := newWorld(t)
	token, other := w.token(t), w.token(t)
	h := mounted(w)
	for _, tt := range []struct {
		name, target  string
		authorization []string
		status        int
		message       string
	}{
		{"no header", "/authentication", nil, 401, "Invalid authentication information (no `strategy` set)"},
		{"id without header", "/authentication/" + token, nil, 401, "Invalid access token"},
		{"another id", "/authentication/" + other, []string{"Bearer " + token}, 401, "Invalid access token"},
		{"id that is a prefix", "/authentication/" + token[:20], []string{"Bearer " + token}, 401, "Invalid access token"},
		{"garbage", "/authentication", []string{"Bearer x"}, 401, "jwt malformed"},
		{"another scheme", "/authentication", []string{"Digest x"}, 401, "(no `strategy` set)"},
		{"LOG15 two headers", "/authentication", []string{"Bearer " + token, "Bearer " + token}, 400, "one Authorization header"},
		{"LOG15 words after", "/authentication", []string{"Bearer " + token + " junk"}, 400, "Bearer <token>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var headers []string
			for _, value := range tt.authorization {
				headers = append(headers, "Authorization", value)
			}
			got := serve(h, http.MethodDelete, tt.target, "", headers...)
			checkError(t, got.Result(), got.Body.Bytes(), tt.status)
			if !strings.Contains(got.Body.String(), tt.message) {
				t.Errorf("body %s has no %q", got.Body, tt.message)
			}
		})
	}
	if w.sessions.count() != 2 {
		t.Errorf("%d sessions are left of 2: a refused log-out ended one", w.sessions.count())
	}
}

func TestHandler_mounts(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ pattern, path string }{
		{"/api/auth", "/api/auth"},
		{"DELETE /api/auth/{token}", "/api/auth/{token}"},
		{"example.com/x/", "/x/{token}"},
		{"/", "/{token}"},
		{"/api/auth/{$}", "/api/auth/"},
		{"/{tenant}/auth", "/acme/auth"},
		{"/{tenant}/auth/", "/acme/auth/{token}"},
		{"/api/auth/{rest...}", "/api/auth/{token}"},
	} {
		mux := http.NewServeMux()
		mux.Handle(tt.pattern, w.Handler())
		token := w.token(t)
		got := serve(mux, http.MethodDelete, strings.Replace(tt.path, "{token}", token, 1), "", "Authorization", "Bearer "+token)
		if got.Code != http.StatusOK {
			t.Errorf("%s: %d %s", tt.pattern, got.Code, got.Body)
		}
	}
	token := w.token(t)
	got := serve(http.StripPrefix("/auth", w.Handler()), http.MethodDelete, "/auth/"+token, "", "Authorization", "Bearer "+token)
	if got.Code != http.StatusOK {
		t.Errorf("stripped: %d %s", got.Code, got.Body)
	}
}

// TestLOG13_goneAtOnce disables and deletes accounts with live tokens.
func TestLOG13_goneAtOnce(t *testing.T) {
	for name, change := range map[string]func(*world){
		"disabled": func(w *world) { w.accounts.change(ada, func(a *gate.Account) { a.Disabled = true }) },
		"deleted":  func(w *world) { delete(w.accounts.byName, ada) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			token := w.token(t)
			guarded := w.Guard("jwt", "basic").Protect(http.NotFoundHandler())
			if got := serve(guarded, http.MethodGet, "/", "", "Authorization", "Bearer "+token); got.Code != 404 {
				t.Fatalf("before: %d", got.Code)
			}
			change(w)
			r := basicRequest(adasPassword)
			for door, got := range map[string]int{
				"guard jwt":   serve(guarded, http.MethodGet, "/", "", "Authorization", "Bearer "+token).Code,
				"guard basic": serve(guarded, http.MethodGet, "/", "", "Authorization", r.Header.Get("Authorization")).Code,
				"login":       serve(mounted(w), http.MethodPost, "/authentication", loginBody(ada, adasPassword), "Content-Type", asJSON).Code,
				"jwt":         serve(mounted(w), http.MethodPost, "/authentication", `{"strategy":"jwt","accessToken":"`+token+`"}`, "Content-Type", asJSON).Code,
				"logout":      serve(mounted(w), http.MethodDelete, "/authentication", "", "Authorization", "Bearer "+token).Code,
			} {
				if got != http.StatusUnauthorized {
					t.Errorf("%s: %d, want 401", door, got)
				}
			}
		})
	}
}

func TestHandler_stateless(t *testing.T) {
	w := newWorld(t, func(cfg *gate.Config) {
		cfg.Entity, cfg.Sessions = gate.EntityNone, nil
		cfg.Payload = func(context.Context, *gate.Principal) (map[string]any, error) {
			return map[string]any{"roles": []string{"cook"}}, nil
		}
	})
	got := serve(mounted(w), http.MethodPost, "/authentication", loginBody(ada, adasPassword), "Content-Type", asJSON)
	if got.Code != http.StatusCreated || strings.Contains(got.Body.String(), `"user"`) || strings.Contains(got.Body.String(), `"sid"`) ||
		!strings.Contains(got.Body.String(), `"roles":["cook"]`) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	var result struct{ AccessToken string }
	if err := json.Unmarshal(got.Body.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	guarded := w.Guard("jwt").Require("cook:items").Protect(http.NotFoundHandler())
	if got := serve(guarded, http.MethodGet, "/", "", "Authorization", "Bearer "+result.AccessToken); got.Code != 404 {
		t.Errorf("guard: %d %s", got.Code, got.Body)
	}
}

// TestHandler_challenges asks for a token only: Basic's challenge would open
// the browser's own login window.
func TestHandler_challenges(t *testing.T) {
	w := newWorld(t)
	login := serve(mounted(w), http.MethodPost, "/authentication", loginBody(ada, "wrong"), "Content-Type", asJSON)
	logout := serve(mounted(w), http.MethodDelete, "/authentication", "", "Authorization", "Bearer x")
	for _, tt := range []struct {
		got  http.Header
		want string
	}{
		{login.Result().Header, bearerChallenge},
		{logout.Result().Header, bearerChallenge + `, error="invalid_token"`},
	} {
		if diff := cmp.Diff([]string{tt.want}, tt.got["Www-Authenticate"]); diff != "" {
			t.Error(diff)
		}
	}
}
