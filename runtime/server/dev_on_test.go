//go:build gatedev

package server_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/graph"
)

func devToken() []string { return []string{"GATE_DEV=0123456789abcdef0123"} }

func TestDev_startPage(t *testing.T) {
	r := start(t, options{environ: devToken()})
	page := r.do("GET", "/", "").is(200)
	if !strings.Contains(page.Body, "restaurant is running") || !strings.HasPrefix(page.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'") {
		t.Errorf("%v\n%s", page.Header, page.Body)
	}
	r.do("GET", "/.gate/gate.css", "").is(200)
	r.do("GET", "/api/docs", "").is(200)
	r.do("POST", "/", "{}").is(405)
	r.do("GET", "/nowhere", "").is(404)
	production := start(t, options{})
	production.do("GET", "/", "").is(404)
	production.do("GET", "/.gate/gate.css", "").is(404)
}

// TestDev_startPageIssuer: who logs in at an issuer finds it on the start page, and
// no administrator that there is not.
func TestDev_startPageIssuer(t *testing.T) {
	p := newProvider(t)
	page := func(o options) string {
		o.environ = append(o.environ, devToken()...)
		return start(t, o).do("GET", "/", "").is(200).Body
	}
	if body := page(withUsers(p.auth0())); !strings.Contains(body, `<a href="`+p.name+`try">`) || strings.Contains(body, "admin.json") {
		t.Errorf("on this machine: %s", body)
	}
	if body := page(withUsers(p.auth0(), "AUTH0_ISSUER_URL=https://shop.eu.auth0.com/")); !strings.Contains(body, "<code>https://shop.eu.auth0.com/</code>") || strings.Contains(body, "/try") {
		t.Errorf("in the cloud: %s", body)
	}
	if body := page(options{change: trust(p.auth0(), nil)}); !strings.Contains(body, "admin.json") || strings.Contains(body, p.name) {
		t.Errorf("beside passwords: %s", body)
	}
}

// TestDev_comeBack: where a log-in comes back a browser is told what that is for, in
// development, unless the service has a page there.
func TestDev_comeBack(t *testing.T) {
	p := newProvider(t)
	html := []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}
	with := func(environ ...string) options {
		return withUsers(p.auth0(), append(environ, "CORS_ORIGINS=http://localhost:5173")...)
	}
	r := start(t, with(append(devToken(), "AUTH0_LOGOUT_REDIRECT_URI=http://localhost:5173/bye")...))
	if page := r.do("GET", "/auth-callback?code=x", "", html...).is(404); !strings.Contains(page.Body, `<a href="http://localhost:5173/auth-callback">`) {
		t.Errorf("%s", page.Body)
	}
	if page := r.do("GET", "/login", "", html...).is(404); strings.Contains(page.Body, "<h1>") {
		t.Errorf("a log-out leads elsewhere: %s", page.Body)
	}
	r.do("GET", "/auth-callback", "").is(404)
	for name, o := range map[string]options{"production": with(), "a page of its own": with(devToken()...)} {
		want := `"code":404`
		if name != "production" {
			want = "ours"
			o.configure = func(a *App) error {
				a.HandleFunc("GET /{page}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ours") })
				return nil
			}
		}
		if body := start(t, o).do("GET", "/auth-callback", "", html...).Body; !strings.Contains(body, want) {
			t.Errorf("%s: %s", name, body)
		}
	}
}

// TestDev_outbox: a letter that was not sent is on a page that the start page leads to;
// there is none where letters are sent.
func TestDev_outbox(t *testing.T) {
	t.Chdir(t.TempDir())
	const token = "?token=0123456789abcdef0123"
	o := everything(newLetterbox(), nil)
	o.environ = append([]string{"MAIL_URL=", "MAIL_FROM="}, devToken()...)
	r := start(t, o)
	if body := r.do("GET", "/"+token, "").is(200).Body; !strings.Contains(body, `href="/.gate/outbox`+token+`"`) {
		t.Errorf("%s", body)
	}
	sender, err := mail.Folder(".gate/mail")
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(t.Context(), mail.Message{To: ada, Subject: "Hello", Text: "Hello\n"}); err != nil {
		t.Fatal(err)
	}
	if body := r.do("GET", "/.gate/outbox"+token, "").is(200).Body; !strings.Contains(body, ada) {
		t.Errorf("%s", body)
	}
	o = everything(newLetterbox(), nil)
	o.environ = append(o.environ, devToken()...)
	r = start(t, o)
	r.do("GET", "/.gate/outbox"+token, "").is(404)
}

// TestDev_graphQL: under gate dev a browser gets a page to try GraphQL, by which nothing
// is loaded from elsewhere; programs get what they always do, and production has none.
func TestDev_graphQL(t *testing.T) {
	o := withGraphQL(everything(newLetterbox(), nil))
	o.environ = append(o.environ, devToken()...)
	r := start(t, o)
	html := []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}
	for _, headers := range [][]string{html, append([]string{"Authorization", "Bearer nonsense"}, html...)} {
		page := r.do("GET", graph.Path, "", headers...).is(200)
		policy := page.Header.Get("Content-Security-Policy")
		if !strings.Contains(page.Body, `data-address="/api/graphql"`) || !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'; script-src 'self';") || !strings.Contains(policy, "require-trusted-types-for 'script'") {
			t.Errorf("%s\n%s", policy, page.Body)
		}
		if strings.Contains(page.Body, "//") && strings.Contains(page.Body, "http") || strings.Contains(page.Body, " style=") || strings.Contains(page.Body, "<style") || strings.Contains(page.Body, " on") && strings.Contains(page.Body, "onclick") {
			t.Errorf("the page has what its policy refuses, or loads from elsewhere:\n%s", page.Body)
		}
	}
	for _, name := range []string{"graphql.js", "graphql-schema.js", "graphql-text.js", "graphql.css", "gate.css", "mark.svg"} {
		file := r.do("GET", graph.Path+"/"+name, "").is(200)
		if name != "mark.svg" && strings.Contains(file.Body, "http://") || strings.Contains(file.Body, "https://") || strings.Contains(file.Body, "innerHTML") || strings.Contains(file.Body, "eval(") {
			t.Errorf("%s loads from elsewhere, or makes text into a page", name)
		}
	}
	r.do("GET", graph.Path+"/start.js", "").is(404)
	r.do("GET", graph.Path+"/graphql.html", "").is(404)
	r.do("GET", graph.Path, "", "Accept", "application/json").is(400)
	r.do("GET", graph.Path, "", append(html, "X-Forwarded-For", "192.0.2.7")...).is(404)
	r.do("GET", graph.Path+"?extensions=%7B%7D", "", html...).is(400)
	if front := r.do("GET", "/", "").is(200); !strings.Contains(front.Body, `href="/api/graphql"`) {
		t.Errorf("the start page does not lead there:\n%s", front.Body)
	}
	production := start(t, withGraphQL(everything(newLetterbox(), nil)))
	production.do("GET", graph.Path, "", html...).is(400)
	production.do("GET", graph.Path+"/graphql.js", "").is(404)
}

// TestDev_endsWithItsSupervisor: when standard input ends, the service does.
func TestDev_endsWithItsSupervisor(t *testing.T) {
	t.Chdir(t.TempDir())
	stdin, hold := io.Pipe()
	out, w := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		environ := append(devToken(), "AUTH_SECRET="+testSecret, "ADDR=127.0.0.1:0")
		ended <- server.Run(t.Context(), restaurant(true, false, nil), nil, environ, stdin, io.Discard, w, false)
		_ = w.Close()
	}()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var line struct{ Msg, Addr string }
		if err := json.Unmarshal(lines.Bytes(), &line); err == nil && line.Msg == "listening" {
			res, err := http.Get("http://" + line.Addr + "/")
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != 200 {
				t.Errorf("/ answers %d", res.StatusCode)
			}
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if err := hold.Close(); err != nil {
		t.Fatal(err)
	}
	if code := <-ended; code != 0 {
		t.Errorf("it ended with %d", code)
	}
}
