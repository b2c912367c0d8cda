package trial_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/trial"
	"github.com/gatewright/gate/mail"
)

// provider is a token endpoint that knows one code.
func provider(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.PostForm.Get("code") != "good" || len(r.PostForm.Get("code_verifier")) != 43 {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"Invalid authorization code"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI8Yj5hZGE8L2I-In0.c2ln","id_token":"e30.e30.e30"}`))
	}))
	t.Cleanup(srv.Close)
	return srv
}

// asks always asks for the same.
func asks(audience string) func(context.Context) (string, string, error) {
	return func(context.Context) (string, string, error) { return audience, "openid", nil }
}

func pages(t *testing.T) (http.Handler, string, *httptest.Server) {
	t.Helper()
	srv := provider(t)
	dir := filepath.Join(t.TempDir(), "outbox")
	h, err := trial.New(trial.Config{
		Issuer: srv.URL + "/", ClientID: "web", Asks: asks("api"), API: "http://localhost:3000/api/items", Outbox: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	return h, dir, srv
}

func get(h http.Handler, host, target string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = host
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTry(t *testing.T) {
	h, _, srv := pages(t)
	w := get(h, "localhost:3001", "/try?screen_hint=signup")
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusFound {
		t.Fatalf("%d %v", w.Code, err)
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("redirect_uri") != srv.URL+trial.CallbackPath || q.Get("screen_hint") != "signup" {
		t.Errorf("asks for %v", q)
	}
	cookie := w.Result().Cookies()[0]
	back := "/try/callback?code=good&state=" + q.Get("state")
	body := get(h, "localhost:3001", back, cookie).Body.String()
	for _, id := range []string{"token", "read", "write"} { // the script finds what a button copies, and shows the button
		if !strings.Contains(body, `id="`+id+`"`) || !strings.Contains(body, `<p hidden><button class="btn" type="button" data-copies="`+id+`"`) {
			t.Errorf("nothing copies %s: %s", id, body)
		}
	}
	if !strings.Contains(body, "TOKEN=eyJ") || !strings.Contains(body, `data-copies="token" data-after="TOKEN="`) || !strings.Contains(body, "&lt;b&gt;ada&lt;/b&gt;") {
		t.Errorf("page %s", body)
	}
	for name, target := range map[string]string{
		"state of somebody else": "/try/callback?code=good&state=x",
		"no state":               "/try/callback?code=good",
		"used code":              "/try/callback?code=bad&state=" + q.Get("state"),
		"refused":                "/try/callback?error=access_denied&error_description=<script>&state=" + q.Get("state"),
	} {
		body := get(h, "localhost:3001", target, cookie).Body.String()
		if strings.Contains(body, "TOKEN=") || strings.Contains(body, "<script>") || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: %s", name, body)
		}
	}
	if body := get(h, "localhost:3001", back).Body.String(); strings.Contains(body, "TOKEN=") {
		t.Error("a token for a browser that did not ask")
	}
}

// Scripts are this one, from this host, and no page has any of its own.
func TestTry_script(t *testing.T) {
	h, _, _ := pages(t)
	w := get(h, "localhost:3001", "/try/copy.js")
	if got := w.Header().Get("Content-Type"); w.Code != http.StatusOK || got != "text/javascript; charset=utf-8" || !strings.Contains(w.Body.String(), "navigator.clipboard") {
		t.Errorf("%d %s %s", w.Code, got, w.Body)
	}
	page := get(h, "localhost:3001", "/try/callback")
	if got := strings.Count(page.Body.String(), "<script"); got != 1 || !strings.Contains(page.Body.String(), `<script src="/try/copy.js" defer></script>`) {
		t.Errorf("%d scripts: %s", got, page.Body)
	}
	const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	for _, w := range []*httptest.ResponseRecorder{w, page, get(h, "localhost:3001", "/outbox"), get(h, "localhost:3001", "/try?logged_out")} {
		if got := w.Header().Get("Content-Security-Policy"); got != policy || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("policy %q", got)
		}
	}
}

// The name of another host that leads to this machine reads nothing.
func TestOtherHost(t *testing.T) {
	h, _, _ := pages(t)
	for _, host := range []string{"evil.example:3001", "localhost.evil.example", "192.0.2.1:3001", ""} {
		for _, path := range []string{"/try", "/outbox", "/outbox.json", "/try/callback", "/try/copy.js"} {
			if w := get(h, host, path); w.Code != http.StatusForbidden {
				t.Errorf("%s%s: %d", host, path, w.Code)
			}
		}
	}
}

func TestOutbox(t *testing.T) {
	h, dir, _ := pages(t)
	if body := get(h, "127.0.0.1:3001", "/outbox").Body.String(); !strings.Contains(body, "Nothing yet") {
		t.Errorf("without letters: %s", body)
	}
	sender, err := mail.Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []mail.Message{
		{To: "ada@example.com", Subject: "Confirm <b>", Text: "Open http://localhost:3001/u/x?ticket=1 now"},
		{To: "ben@example.com", Subject: "Both", Text: "Text part\n", HTML: "<p>HTML part</p>"},
	} {
		if err := sender.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	body := get(h, "localhost:3001", "/outbox").Body.String()
	for _, want := range []string{"Confirm &lt;b&gt;", `href="http://localhost:3001/u/x?ticket=1"`, "Text part"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if json := get(h, "localhost:3001", "/outbox.json").Body.String(); !strings.Contains(json, `"links":["http://localhost:3001/u/x?ticket=1"]`) {
		t.Errorf("JSON %s", json)
	}
}

// Without a client there are the letters, and nothing leads to the page that
// logs in.
func TestOutbox_alone(t *testing.T) {
	h, err := trial.New(trial.Config{Issuer: "http://localhost:3001/", Outbox: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if w := get(h, "localhost:3001", "/outbox"); w.Code != http.StatusOK || strings.Contains(w.Body.String(), trial.Path+`"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/try", "/try/callback"} {
		if w := get(h, "localhost:3001", path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(h, "evil.example", "/outbox"); w.Code != http.StatusForbidden {
		t.Errorf("another host: %d", w.Code)
	}
}

func TestNew_refuses(t *testing.T) {
	for name, cfg := range map[string]trial.Config{
		"issuer elsewhere":   {Issuer: "https://id.example.com/", ClientID: "c", Asks: asks("api")},
		"asks for nothing":   {Issuer: "http://localhost:3001/", ClientID: "c"},
		"nothing to show":    {Issuer: "http://localhost:3001/"},
		"no issuer":          {ClientID: "c", Asks: asks("api")},
		"letters, no issuer": {Outbox: "outbox"},
		"letters elsewhere":  {Issuer: "https://id.example.com/", Outbox: "outbox"},
	} {
		if _, err := trial.New(cfg); err == nil {
			t.Errorf("%s: made", name)
		}
	}
}

// A log-out comes back to a page that says so, and begins no log-in by itself.
func TestTry_loggedOut(t *testing.T) {
	h, _, srv := pages(t)
	q, err := url.Parse(get(h, "localhost:3001", "/try").Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	cookie := get(h, "localhost:3001", "/try").Result().Cookies()[0]
	state, _, _ := strings.Cut(cookie.Value, ".")
	body := get(h, "localhost:3001", "/try/callback?code=good&state="+state, cookie).Body.String()
	_, rest, _ := strings.Cut(body, `href="`+srv.URL+`/v2/logout?`)
	query, _, _ := strings.Cut(rest, `"`)
	in, err := url.ParseQuery(strings.ReplaceAll(query, "&amp;", "&"))
	if err != nil || in.Get("client_id") != q.Query().Get("client_id") || !strings.HasPrefix(in.Get("returnTo"), srv.URL+trial.Path+"?") {
		t.Fatalf("log-out %v, %v", in, err)
	}
	w := get(h, "localhost:3001", strings.TrimPrefix(in.Get("returnTo"), srv.URL))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<h1>Logged out</h1>") || !strings.Contains(w.Body.String(), `class="btn primary" href="/try"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// An API that comes while the page is there is asked for at the next log-in; without
// one the page says what the token is good for.
func TestTry_firstAPI(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"access_token":"opaque","id_token":"e30.e30.e30"}`))
	}))
	defer srv.Close()
	audience := ""
	h, err := trial.New(trial.Config{
		Issuer: srv.URL + "/", ClientID: "web", Asks: func(context.Context) (string, string, error) { return audience, "openid", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	w := get(h, "localhost:3001", "/try")
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || u.Query().Has("audience") {
		t.Fatalf("%v, %v", u, err)
	}
	body := get(h, "localhost:3001", "/try/callback?code=good&state="+u.Query().Get("state"), w.Result().Cookies()[0]).Body.String()
	for _, want := range []string{"is for no API", "gate idp api create", srv.URL + "/userinfo"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in %s", want, body)
		}
	}
	audience = "https://new.example/api"
	if to := get(h, "localhost:3001", "/try").Header().Get("Location"); !strings.Contains(to, "audience="+url.QueryEscape(audience)) {
		t.Errorf("asks at %s", to)
	}
}

// A page has one mark of where people are, which is in the list of pages.
func TestPages_oneTail(t *testing.T) {
	h, _, _ := pages(t)
	for _, path := range []string{"/try/callback", "/try?logged_out", "/outbox"} {
		body := get(h, "localhost:3001", path).Body.String()
		if strings.Count(body, `aria-current="page"`) != 1 || !strings.Contains(body, `<div class="sheet hall">`) {
			t.Errorf("%s: %s", path, body)
		}
	}
}
