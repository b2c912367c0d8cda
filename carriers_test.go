package gate_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/jwt"
)

// TestLOG15_carriers asks for a token in the query and in forms, RFC 6750 §2.2
// and §2.3, where a route opts in and where it does not.
func TestLOG15_carriers(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	header := w.Guard("jwt").Protect(whoami)
	query := w.Guard("basic", "jwt").FromQuery().Protect(whoami)
	form := w.Guard("jwt").FromForm().Protect(whoami)
	both := w.Guard("jwt").FromForm().FromQuery().Protect(whoami)
	optional := w.Guard("jwt").FromQuery().Optional().Protect(whoami)
	inQuery := "/?access_token=" + token
	inForm := url.Values{"access_token": {token}, "more": {"1"}}.Encode()
	formType := []string{"Content-Type", "application/x-www-form-urlencoded"}
	auth := []string{"Authorization", "Bearer " + token}
	for _, tt := range []struct {
		name                 string
		h                    http.Handler
		method, target, body string
		headers              []string
		want                 int
	}{
		{"query", query, "GET", inQuery, "", nil, 200},
		{"query, forged", query, "GET", inQuery + "x", "", nil, 401},
		{"query, empty", query, "GET", "/?access_token=", "", nil, 401},
		{"query twice", query, "GET", inQuery + "&access_token=" + token, "", nil, 400},
		{"query and header", query, "GET", inQuery, "", auth, 400},
		{"query and other header", query, "GET", inQuery, "", []string{"Authorization", "Basic eDp5"}, 400},
		{"query and unknown header", query, "GET", inQuery, "", []string{"Authorization", "Digest x"}, 400},
		{"header where query is allowed", query, "GET", "/", "", auth, 200},
		{"nothing", query, "GET", "/", "", nil, 401},
		{"malformed query", query, "GET", "/?access_token=%zz", "", nil, 400},
		{"query not allowed", header, "GET", inQuery, "", nil, 401},
		{"form not allowed", header, "POST", "/", inForm, formType, 401},
		{"form", form, "POST", "/", inForm, formType, 200},
		{"form by GET", form, "GET", "/", inForm, formType, 401},
		{"form as text", form, "POST", "/", inForm, []string{"Content-Type", "text/plain"}, 401},
		{"malformed form", form, "POST", "/", "access_token=%zz", formType, 400},
		{"large form", form, "POST", "/", "access_token=" + strings.Repeat("x", 2<<20), formType, 413},
		{"query where form is allowed", form, "POST", inQuery, "", formType, 401},
		{"form and query", both, "POST", inQuery, inForm, formType, 400},
		{"optional, query", optional, "GET", inQuery, "", nil, 200},
		{"optional, forged", optional, "GET", inQuery + "x", "", nil, 401},
		{"optional, nothing", optional, "GET", "/", "", nil, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(tt.h, tt.method, tt.target, tt.body, tt.headers...)
			if got.Code != tt.want {
				t.Errorf("%d %s, want %d", got.Code, got.Body, tt.want)
			}
			if strings.Contains(got.Body.String(), token) {
				t.Error("the answer repeats the token")
			}
			if challenge := got.Header().Get("Www-Authenticate"); tt.want == 401 && challenge == "" || tt.want == 400 && !strings.Contains(challenge, "invalid_request") {
				t.Errorf("challenge %q", challenge)
			}
			if cache := got.Header().Get("Cache-Control"); tt.h != nil && !strings.Contains(tt.name, "not allowed") && cache != "no-store" {
				t.Errorf("Cache-Control %q", cache)
			}
		})
	}
}

func TestGuard_formIsStillThere(t *testing.T) {
	w := newWorld(t)
	h := w.Guard("jwt").FromForm().Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.PostFormValue("more")))
	}))
	form := url.Values{"access_token": {w.token(t)}, "more": {"kept"}}.Encode()
	if got := serve(h, "POST", "/", form, "Content-Type", "application/x-www-form-urlencoded"); got.Body.String() != "kept" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

func TestSES10_fresh(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	fresh := w.Guard("jwt", "basic").Fresh(time.Hour).Fresh(5 * time.Minute).Fresh(time.Hour).Protect(whoami)
	ask := func(headers ...string) (int, string) {
		got := serve(fresh, "GET", "/", "", headers...)
		return got.Code, got.Header().Get("Www-Authenticate")
	}
	auth := []string{"Authorization", "Bearer " + token}
	if code, _ := ask(auth...); code != 200 {
		t.Errorf("just logged in: %d", code)
	}
	w.now.Add(300)
	if code, _ := ask(auth...); code != 200 {
		t.Errorf("after five minutes: %d", code)
	}
	w.now.Add(1)
	if code, challenge := ask(auth...); code != 401 || !strings.Contains(challenge, `error="insufficient_user_authentication"`) || !strings.Contains(challenge, `max_age="300"`) {
		t.Errorf("after more: %d %s", code, challenge)
	}
	if code, _ := ask(); code != 401 {
		t.Errorf("nobody: %d", code)
	}
	if got := serve(w.Guard("jwt").Optional().Fresh(time.Minute).Protect(whoami), "GET", "/", ""); got.Code != 401 {
		t.Errorf("optional and fresh, nobody: %d", got.Code)
	}
	unproved, err := w.CreateFor(t.Context(), &gate.Principal{Subject: "7"})
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := ask("Authorization", "Bearer "+unproved.AccessToken); code != 401 {
		t.Errorf("never proved: %d", code)
	}
	var nobody *gate.Principal
	if err := nobody.RequireFresh(time.Hour, time.Now()); err == nil {
		t.Error("nobody is fresh")
	}
	limited := &gate.Principal{Subject: "7", AuthenticatedAt: time.Now(), Scopes: []string{gate.ScopeOwner}}
	if err := limited.RequireFresh(time.Hour, time.Now()); !errors.Is(err, gate.ErrForbidden) {
		t.Errorf("limited credentials of somebody who has just logged in: %v", err)
	}
}

func TestGuard_panics(t *testing.T) {
	w := newWorld(t)
	for name, f := range map[string]func(){
		"fresh for no time":       func() { w.Guard("jwt").Fresh(0) },
		"query without a carrier": func() { w.Guard("basic").FromQuery() },
		"form without a carrier":  func() { w.Guard("basic").FromForm() },
		"two that take tokens": func() {
			if err := w.Register("jwt2", jwt.New(w.Service, w.accounts, jwt.Config{})); err != nil {
				t.Fatal(err)
			}
			w.Guard("jwt", "jwt2")
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
