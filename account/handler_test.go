package account_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/accounts"
)

// TestSES08_otherSites: no site makes a browser do anything here.
func TestSES08_otherSites(t *testing.T) {
	for _, path := range []string{"/reset", "/verify", "/email", "/undo"} {
		w := newWorld(t)
		token := w.links()[path]
		before := w.snapshot()
		values := url.Values{"token": {token}, "password": {other}}
		w.want(w.form(path, values, header("Sec-Fetch-Site", "cross-site")), 403)
		w.want(w.form(path, values, header("Sec-Fetch-Site", "same-site")), 403)
		w.want(w.form(path, values, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") }), 403)
		w.want(w.form(path, values, header("Content-Type", "text/plain")), 415)
		w.want(w.form(path, values, header("Content-Type", "multipart/form-data; boundary=x")), 415)
		w.want(w.form(path, url.Values{"token": {token}, "password": {strings.Repeat("x", 9000)}}), 400)
		w.want(w.form(path+"?token="+token, url.Values{"password": {other}}), 400) // not from the address
		if got := w.snapshot(); got != before {
			t.Errorf("%s: something changed:\n%s\nbefore:\n%s", path, got, before)
		}
		if w.users["1"].account.PasswordHash != "hash of "+good {
			t.Errorf("%s: the password changed", path)
		}
	}
}

// bodies are the endpoints that read one, with one that is well.
var bodies = map[string]string{
	"POST /password/forgot":      `{"email":"ann@kitchen.example"}`,
	"POST /password/reset":       `{"token":"x","password":"y"}`,
	"PUT /password":              `{"currentPassword":"x","password":"y"}`,
	"POST /email/verification":   `{"email":"ann@kitchen.example"}`,
	"POST /email/confirm":        `{"token":"x"}`,
	"POST /email/undo":           `{"token":"x"}`,
	"PUT /email":                 `{"email":"a@b.example"}`,
	"POST /api-keys":             `{"name":"n","scopes":["items:read"]}`,
	"POST /api-keys/{id}/rotate": `{}`,
}

func TestOPS03_bodies(t *testing.T) {
	w := newWorld(t)
	for route, body := range bodies {
		method, path, _ := strings.Cut(route, " ")
		ask := func(body string, change ...request) *httptest.ResponseRecorder {
			return w.ask(method, path, body, append([]request{as(w.ann())}, change...)...)
		}
		for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "application/jsonp", "application/merge-patch+json"} {
			w.want(ask(body, header("Content-Type", media)), 415)
		}
		w.want(ask(body, func(r *http.Request) { r.Header.Add("Content-Type", "text/plain") }), 415)
		w.want(ask(body, header("Content-Encoding", "gzip")), 415)
		w.want(ask(`{"a":"`+strings.Repeat("x", 9000)+`"}`), 413)
		for _, bad := range []string{
			`[]`, `null`, `"x"`, `{`, `{}{}`, `{"x":1}`, body + body, strings.Repeat("[", 5000), "{\"token\":\"\xff\"}", `{"token":"a","token":"b"}`, `{"token":"a","Token":"b"}`,
		} {
			w.want(ask(bad), 400)
		}
	}
	// LOG-11: no value becomes an operator.
	for _, value := range []string{`{"$gte":""}`, `["a"]`, `true`, `1`, `null`, `{"toString":1}`, `"` + strings.Repeat("x", 1100) + `"`} {
		w.want(w.ask("POST", "/password/forgot", `{"email":`+value+`}`), 400)
		w.want(w.ask("POST", "/password/reset", `{"token":`+value+`,"password":"x"}`), 400)
		w.want(w.ask("POST", "/password/reset", `{"token":"x","password":`+value+`}`), 400)
		w.want(w.ask("PUT", "/password", `{"currentPassword":`+value+`,"password":"x"}`, as(w.ann())), 400)
		w.want(w.ask("PUT", "/email", `{"email":`+value+`}`, as(w.ann())), 400)
	}
}

// TestSignedIn: what is a person's own is nobody else's.
func TestSignedIn(t *testing.T) {
	w := newWorld(t)
	for _, r := range []struct{ method, path, body string }{
		{"PUT", "/password", `{"currentPassword":"x","password":"y"}`},
		{"PUT", "/email", `{"email":"a@b.example"}`},
		{"GET", "/sessions", ""},
		{"DELETE", "/sessions", ""},
		{"DELETE", "/sessions/s1", ""},
		{"GET", "/api-keys", ""},
		{"POST", "/api-keys", `{"name":"n","scopes":["items:read"]}`},
		{"DELETE", "/api-keys/key1", ""},
		{"POST", "/api-keys/key1/rotate", `{}`},
	} {
		for name, p := range map[string]*gate.Principal{"nobody": nil, "no subject": {}} {
			rec := w.ask(r.method, r.path, r.body, as(p))
			w.want(rec, 401)
			if rec.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s as %s: 401 without a challenge", r.method, r.path, name)
			}
		}
	}
	if calls := w.taken(); len(calls) != 0 {
		t.Errorf("for nobody %v was done", calls)
	}
	// An account that is gone, with a token that is still good.
	w.users["1"].account.Disabled = true
	w.want(w.ask("PUT", "/password", `{"currentPassword":"x","password":"y"}`, as(w.ann())), 401)
	w.want(w.ask("PUT", "/email", `{"email":"a@b.example"}`, as(w.ann())), 401)
}

func TestHandler_methodsAndPaths(t *testing.T) {
	w := newWorld(t)
	for route, allow := range map[string]string{
		"GET /password/forgot": "POST", "GET /password/reset": "POST", "POST /sessions": "DELETE, GET", "GET /sessions/s1": "DELETE", "DELETE /email": "GET, POST, PUT",
		"PATCH /password": "PUT", "GET /email/confirm": "POST", "PUT /reset": "GET, POST", "POST /gate.css": "GET",
	} {
		method, path, _ := strings.Cut(route, " ")
		rec := w.ask(method, path, "")
		w.want(rec, 405)
		if got := rec.Header().Get("Allow"); got != allow {
			t.Errorf("%s: Allow is %q, want %q", route, got, allow)
		}
	}
	for _, path := range []string{"", "/", "/nothing", "/sessions/a/b", "/password/forgot/x"} {
		w.want(w.ask("GET", path, ""), 404)
	}
}

// TestADM01_pages: every page is strict about what it loads, is nobody else's to
// frame or to store, and has nothing inline.
func TestADM01_pages(t *testing.T) {
	w := newWorld(t)
	w.users["1"].profile.Email = "ann@kitchen.example"
	list := w.links()
	inline := regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:|(src|href)="(//|http://)`)
	for path, token := range list {
		for _, rec := range []*httptest.ResponseRecorder{
			w.ask("GET", path+"?token="+token, ""), w.ask("GET", path, ""), w.ask("GET", path+"?token=x&token=y", ""),
			w.form(path, url.Values{"token": {"<script>alert(1)</script>"}, "password": {other}}),
		} {
			h := rec.Header()
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
				"Referrer-Policy":         "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
				"Content-Type": "text/html; charset=utf-8", "Cross-Origin-Opener-Policy": "same-origin",
			} {
				if got := h.Get(name); got != want {
					t.Errorf("%s: %s is %q, want %q", path, name, got, want)
				}
			}
			if found := inline.FindString(rec.Body.String()); found != "" {
				t.Errorf("%s: the page has %q", path, found)
			}
			for _, bad := range []string{"ZgotmplZ", "<no value>", "{{", "alert(1)"} {
				if strings.Contains(rec.Body.String(), bad) {
					t.Errorf("%s: the page has %q", path, bad)
				}
			}
		}
	}
	page := w.ask("GET", "/reset?token="+list["/reset"], "").Body.String()
	for _, want := range []string{
		`autocomplete="new-password"`, `autocomplete="username" value="ann@kitchen.example" readonly`, "At least 15 characters", "<dd>once, for 30 minutes</dd>", `<link rel="stylesheet" href="gate.css">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("PWD-07: the page lacks %s", want)
		}
	}
	style := w.ask("GET", "/gate.css", "")
	if style.Code != 200 || style.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(style.Body.String(), "--accent") {
		t.Errorf("the style: %d %v", style.Code, style.Header())
	}
}

// TestADM02_hostileAddress: text of others is text.
func TestADM02_hostileAddress(t *testing.T) {
	w := newWorld(t)
	w.users["1"].profile.Email = `"><script>alert(1)</script>@x.example`
	for path, token := range w.undoOnly() {
		page := w.ask("GET", path+"?token="+token, "").Body.String()
		if strings.Contains(page, "<script") {
			t.Errorf("%s: the page runs it", path)
		}
	}
}

// undoOnly returns a token for the page that shows two addresses.
func (w *world) undoOnly() map[string]string {
	w.t.Helper()
	text, _, err := (*tokens)(w).Issue(w.t.Context(), accounts.UndoEmailChange, accounts.Claim{Entity: "user", Subject: "1", Address: `<img src=x>@x.example`})
	if err != nil {
		w.t.Fatal(err)
	}
	return map[string]string{"/undo": text}
}
