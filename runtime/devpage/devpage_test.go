package devpage_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/runtime/devpage"
	"github.com/gatewright/gate/runtime/model"
)

func facts(t *testing.T) devpage.Facts {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "admin.json"), `{"email":"admin@restaurant.test","password":"fpuod-fx6fg"}`)
	return devpage.Facts{
		Service: "restaurant", Database: "SQLite", Docs: true, Login: "email", Tokens: true, AuthEntity: "User", Token: "fresh-for-each-run",
		AdminFile: filepath.Join(dir, "admin.json"), StateFile: filepath.Join(dir, "dev.json"),
		Routes: []devpage.Route{
			{Method: "GET", Path: "/api/items", Rules: []string{"public"}},
			{Method: "POST", Path: "/api/items", Rules: []string{"create:items", "menu-admin"}},
			{Method: "GET", Path: "/api/users/{id}", Rules: []string{"owner"}},
			{Method: "DELETE", Path: "/api/users/{id}"},
		},
		Entities: []*model.Entity{{
			Name: "OrderItem", Plural: "OrderItems", Path: "order-items",
			Fields: []model.Field{
				{Name: "id", Type: model.ID, Required: true, ReadOnly: true},
				{Name: "name", Type: model.Text, Required: true},
				{Name: "price", Type: model.DecimalType, Precision: 10, Scale: 2, Required: true, Min: "0"},
				{Name: "note", Type: model.Text},
			},
			Allow: model.Allow{List: []string{"public"}, Create: []string{"create:items"}},
		}},
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// get asks for a path from this machine.
func get(f devpage.Facts, path string, change ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.RemoteAddr, r.Host = "127.0.0.1:4711", "localhost:3000"
	for i := 0; i < len(change); i += 2 {
		switch change[i] {
		case "peer":
			r.RemoteAddr = change[i+1]
		case "Host":
			r.Host = change[i+1]
		default:
			r.Header.Set(change[i], change[i+1])
		}
	}
	w := httptest.NewRecorder()
	devpage.New(f).ServeHTTP(w, r)
	return w
}

// Where the first administrator is kept is said in full, and what there is besides
// REST; and the page has an icon of its own, so that no browser asks for another.
func TestPage_places(t *testing.T) {
	f := facts(t)
	body := get(f, "/").Body.String()
	if !strings.Contains(body, f.AdminFile) || !filepath.IsAbs(f.AdminFile) || strings.Contains(body, "/api/graphql") {
		t.Errorf("%s", body)
	}
	t.Chdir(filepath.Dir(f.AdminFile))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	f.AdminFile, f.GraphQL = "admin.json", "/api/graphql"
	body = get(f, "/").Body.String()
	if !strings.Contains(body, filepath.Join(here, "admin.json")) || !strings.Contains(body, "localhost:3000/api/graphql") || !strings.Contains(body, `href="/api/graphql"`) {
		t.Errorf("%s", body)
	}
	w := get(f, devpage.Assets+"mark.svg")
	if w.Code != 200 || w.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(body, `rel="icon" href="`+devpage.Assets+`mark.svg"`) {
		t.Errorf("icon: %d %v", w.Code, w.Header())
	}
	if policy := get(f, "/").Header().Get("Content-Security-Policy"); !strings.Contains(policy, "img-src 'self'") {
		t.Errorf("policy %s", policy)
	}
}

// TestOPS17_thisMachineOnly: the page shows a password, so it is for nobody else.
func TestOPS17_thisMachineOnly(t *testing.T) {
	f := facts(t)
	for _, tt := range []struct {
		name   string
		change []string
		want   int
	}{
		{"localhost", nil, 200},
		{"localhost without a port", []string{"Host", "localhost"}, 200},
		{"127.0.0.1", []string{"Host", "127.0.0.1:3000"}, 200},
		{"IPv6", []string{"peer", "[::1]:4711", "Host", "[::1]:3000"}, 200},
		{"own origin", []string{"Origin", "http://localhost:3000"}, 200},
		{"another machine", []string{"peer", "192.0.2.7:4711"}, 404},
		{"another machine that says localhost", []string{"peer", "192.0.2.7:4711", "Host", "localhost:3000"}, 404},
		{"no peer", []string{"peer", ""}, 404},
		{"through a proxy", []string{"X-Forwarded-For", "192.0.2.7"}, 404},
		{"through a proxy that says nothing", []string{"X-Forwarded-For", ""}, 404},
		{"through another proxy", []string{"Via", "1.1 proxy"}, 404},
		{"through nginx", []string{"X-Real-Ip", "192.0.2.7"}, 404},
		{"through a standard one", []string{"Forwarded", "for=192.0.2.7"}, 404},
		{"fetched by another site", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		{"rebound name", []string{"Host", "evil.com"}, 403},
		{"rebound name with the port", []string{"Host", "evil.com:3000"}, 403},
		{"name that begins well", []string{"Host", "localhost.evil.com:3000"}, 403},
		{"address in a name", []string{"Host", "127.0.0.1.nip.io:3000"}, 403},
		{"address of another machine", []string{"Host", "192.0.2.7:3000"}, 403},
		{"any address", []string{"Host", "0.0.0.0:3000"}, 403},
		{"user in the host", []string{"Host", "localhost:3000@evil.com"}, 403},
		{"empty", []string{"Host", ""}, 403},
		{"foreign origin", []string{"Origin", "http://evil.com"}, 403},
		{"null origin", []string{"Origin", "null"}, 403},
		{"origin on another port", []string{"Origin", "http://localhost:4000"}, 403},
	} {
		for _, path := range []string{"/", devpage.Assets + "start.js"} {
			t.Run(tt.name+" "+path, func(t *testing.T) {
				w := get(f, path, tt.change...)
				if w.Code != tt.want {
					t.Errorf("status is %d, want %d", w.Code, tt.want)
				}
				if tt.want != 200 && strings.Contains(w.Body.String(), "fpuod") {
					t.Error("the refusal shows the password")
				}
			})
		}
	}
}

func TestPage(t *testing.T) {
	f := facts(t)
	w := get(f, "/?token=fresh-for-each-run")
	body := w.Body.String()
	for _, want := range []string{
		"<title>restaurant is running · Gatewright</title>",
		"<h1>restaurant is running</h1>",
		`<a href="/api/docs">REST reference</a>`,
		"<code>localhost:3000/api/docs</code>",
		`<td><code class="verb">GET</code> <code>/api/items</code></td><td>everyone</td>`,
		`<td><code>create:items</code>, <code>menu-admin</code></td>`,
		`<td>owner</td>`, `<td>nobody</td>`,
		`<h3>admin@restaurant.test</h3>`,
		`<details><summary>Show password<span class="vh"> of admin@restaurant.test</span></summary><code>fpuod-fx6fg</code></details>`,
		"<pre>curl localhost:3000/api/order-items</pre>",
		"Read the order items, as everyone may",
		`{&#34;name&#34;:&#34;Figs and honey&#34;,&#34;price&#34;:7.50}`,
		"<dt>Database</dt><dd>SQLite</dd>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, bad := range []string{"note bad", "fault", "Started in", "{{", "<no value>", "ZgotmplZ"} {
		if strings.Contains(body, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
}

// TestPage_strictPolicy: nothing inline, nothing from elsewhere.
// TestOPS17_token: other users of the machine are on this machine, too.
func TestOPS17_token(t *testing.T) {
	f := facts(t)
	for _, path := range []string{"/", "/?token=", "/?token=other", "/?token=fresh-for-each-run2"} {
		if body := get(f, path).Body.String(); strings.Contains(body, "fpuod") || !strings.Contains(body, "admin.json") {
			t.Errorf("%s: the page shows the password, or does not say where it is", path)
		}
	}
	f.Token = ""
	if strings.Contains(get(f, "/?token=").Body.String(), "fpuod") {
		t.Error("without a token the page shows the password")
	}
}

func TestPage_strictPolicy(t *testing.T) {
	w := get(facts(t), "/")
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("policy is %q", policy)
	}
	inline := regexp.MustCompile(`<style|<script>|\son[a-z]+=|\sstyle=|javascript:|(?:src|href)="(?:https?:)?//`)
	if found := inline.FindString(w.Body.String()); found != "" {
		t.Errorf("the page has %q", found)
	}
	for path, mediaType := range map[string]string{"gate.css": "text/css; charset=utf-8", "start.js": "text/javascript; charset=utf-8"} {
		a := get(facts(t), devpage.Assets+path)
		if a.Code != 200 || a.Header().Get("Content-Type") != mediaType || a.Body.Len() == 0 {
			t.Errorf("%s: %d %q", path, a.Code, a.Header().Get("Content-Type"))
		}
		if strings.Contains(a.Body.String(), "url(") || strings.Contains(a.Body.String(), "@import") {
			t.Errorf("%s loads something", path)
		}
	}
	for _, path := range []string{"start.html", "x.js", "gate.css/", "../devpage.go"} {
		if a := get(facts(t), devpage.Assets+path); a.Code != 404 {
			t.Errorf("%s: %d", path, a.Code)
		}
	}
}

// TestPage_failure: the page says where the last change does not build, and
// nothing of the message is taken for markup.
func TestPage_failure(t *testing.T) {
	f := facts(t)
	write(t, f.StateFile, `{"name":"restaurant","gate":"0.1.0","design":"gate.yaml, 2 entities, 2 roles","started_in":"0.9 s",
		"error":{"file":"gate.yaml","line":23,"message":"unknown permission <script>alert(1)</script>","since":"14:32:20"}}`)
	body := get(f, "/").Body.String()
	for _, want := range []string{
		`class="sheet hall set fault"`, `<div class="note bad" role="alert">`, "<code>gate.yaml:23</code>",
		"unknown permission &lt;script&gt;alert(1)&lt;/script&gt;", "Since 14:32:20.", "<title>Build failed · restaurant",
		"<dt>Started in</dt><dd>0.9 s</dd>", "<dd>gate 0.1.0</dd>", "<code>gate.yaml</code>, 2 entities, 2 roles",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	write(t, f.StateFile, `{"started_in":"1.0 s","error":null}`)
	if body := get(f, "/").Body.String(); strings.Contains(body, "note bad") || !strings.Contains(body, "1.0 s") {
		t.Error("the failure stays")
	}
	write(t, f.StateFile, `{"started_in":"1.0`) // half written
	if w := get(f, "/"); w.Code != 200 {
		t.Errorf("half a state file: %d", w.Code)
	}
}

func TestPage_withoutAuthentication(t *testing.T) {
	f := facts(t)
	f.Login, f.Tokens, f.Docs = "", false, false
	body := get(f, "/").Body.String()
	for _, bad := range []string{"Users", "fpuod", "TOKEN", "/api/me", "/api/docs"} {
		if strings.Contains(body, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
}

// TestPage_issuer: people log in elsewhere, so there is no administrator to show,
// and commands send a token that was pasted.
func TestPage_issuer(t *testing.T) {
	f := facts(t)
	f.Tokens, f.Issuer, f.Try = false, "http://localhost:3001/", "http://localhost:3001/try"
	body := get(f, "/?token=fresh-for-each-run").Body.String()
	for _, want := range []string{
		`<li><a href="#users">Users</a></li>`,
		`<code>http://localhost:3001/</code>`,
		`<a href="http://localhost:3001/try">`, "Log in there, and paste the token",
		`<pre>TOKEN=&#39;paste it here&#39;</pre>`,
		`<pre>curl localhost:3000/api/me -H &#34;Authorization: Bearer $TOKEN&#34;</pre>`,
		`<pre>curl localhost:3000/api/order-items -H &#34;Authorization: Bearer $TOKEN&#34; --json `,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, bad := range []string{"admin.json", "administrator", "fpuod", "/api/authentication"} {
		if strings.Contains(body, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	write(t, f.StateFile, `{"provider":{"outbox":"http://localhost:3001/outbox","admin":"ada@example.com","file":"/shop/.gate/idp.json","role":"author"}}`)
	body = get(f, "/").Body.String()
	for _, want := range []string{
		`<a href="http://localhost:3001/try">Identity provider</a>`, `<a href="http://localhost:3001/outbox">Outbox</a>`,
		"<h3>ada@example.com</h3>", "password in <code>/shop/.gate/idp.json</code>", "<pre>gate idp role assign author you@example.com</pre>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("beside a provider the page lacks %s", want)
		}
	}
	f.Issuer, f.Try = "https://shop.eu.auth0.com/", ""
	if body := get(f, "/").Body.String(); !strings.Contains(body, "https://shop.eu.auth0.com/") || strings.Contains(body, "Log in there") {
		t.Error("a page for trying is named that is not there")
	}
}

func TestPage_administratorGone(t *testing.T) {
	f := facts(t)
	if err := os.Remove(f.AdminFile); err != nil {
		t.Fatal(err)
	}
	if body := get(f, "/").Body.String(); !strings.Contains(body, "not in <code>"+f.AdminFile+"</code> any more") {
		t.Error("nothing is said of the missing file")
	}
}

// TestPage_comeBack: who comes to where a log-in leads back to is told what it is for
// and where its page would be, and the code of the log-in is not shown.
func TestPage_comeBack(t *testing.T) {
	f := facts(t)
	f.Issuer, f.Try, f.Origins = "http://localhost:3001/", "http://localhost:3001/try", []string{"http://localhost:5173"}
	f.ComeBacks = []devpage.ComeBack{
		{Path: "/auth-callback", Setting: "redirectUri", Variable: "AUTH0_REDIRECT_URI"},
		{Path: "/login", Logout: true, Setting: "logoutRedirectUri", Variable: "AUTH0_LOGOUT_REDIRECT_URI"},
	}
	html := []string{"Accept", "text/html,*/*;q=0.8"}
	for path, words := range map[string][]string{
		"/auth-callback?code=s3cr3t&state=st4t3": {
			"<h1>Where a log-in comes back</h1>", `<a href="http://localhost:5173/auth-callback">`, "<code>redirectUri</code>",
			"<code>AUTH0_REDIRECT_URI</code>", `a.HandleFunc("GET /auth-callback", …)`, `<a href="http://localhost:3001/try">`,
		},
		"/auth-callback?error=access_denied&error_description=%3Cb%3Eno": {`<strong>The provider says:</strong> access_denied: &lt;b&gt;no</p>`},
		"/login": {"<h1>Where a log-out leads</h1>", `<a href="http://localhost:5173/login">`, "<code>logoutRedirectUri</code>"},
	} {
		w := get(f, path, html...)
		body := w.Body.String()
		for _, want := range words {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %s:\n%s", path, want, body)
			}
		}
		if strings.Contains(body, "s3cr3t") || strings.Contains(body, "st4t3") || strings.Contains(body, "fpuod") {
			t.Errorf("%s shows what is secret", path)
		}
		if policy := w.Header().Get("Content-Security-Policy"); w.Code != 404 || !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("%s: %d %q", path, w.Code, policy)
		}
		if other := get(f, path, append(html, "peer", "192.0.2.7:4711")...).Body.String(); strings.Contains(other, "<h1>") {
			t.Errorf("%s: another machine gets the page", path)
		}
		if program := get(f, path, "Accept", "application/json").Body.String(); strings.Contains(program, "<h1>") || !strings.Contains(program, `"code":404`) {
			t.Errorf("%s: a program gets %s", path, program)
		}
	}
}

// TestPage_outbox: the letters of a service are a click away, for whoever has the token
// of the run: their links set passwords.
func TestPage_outbox(t *testing.T) {
	f := facts(t)
	path := devpage.Assets + "outbox"
	if w := get(f, path); w.Code != 404 || strings.Contains(get(f, "/").Body.String(), "Outbox") {
		t.Errorf("without letters: %d", w.Code)
	}
	f.Outbox = filepath.Join(t.TempDir(), "[mail]")
	const open = "?token=fresh-for-each-run"
	if body := get(f, path+open).Body.String(); !strings.Contains(body, "Nothing yet") {
		t.Errorf("no letter: %s", body)
	}
	sender, err := mail.Folder(f.Outbox)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"ada@x.example", "ben@x.example"} {
		if err := sender.Send(t.Context(), mail.Message{To: to, Subject: "New <password>", Text: "Open http://localhost:3000/reset?token=s3cr3t now\n"}); err != nil {
			t.Fatal(err)
		}
	}
	w := get(f, path+open)
	body := w.Body.String()
	for _, want := range []string{"<h2>New &lt;password&gt;</h2>", "<bdi>&lt;ada@x.example&gt;</bdi>", `<a href="http://localhost:3000/reset?token=s3cr3t">`, `<a class="brand" href="/?token=fresh-for-each-run">`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s:\n%s", want, body)
		}
	}
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" || strings.Index(body, "ben@x.example") > strings.Index(body, "ada@x.example") {
		t.Errorf("%d, or the oldest first: %s", w.Code, body)
	}
	for _, token := range []string{"", "?token=", "?token=other"} {
		body := get(f, path+token).Body.String()
		if strings.Contains(body, "s3cr3t") || strings.Contains(body, "ada@") || !strings.Contains(body, "<code>"+f.Outbox+"</code>") {
			t.Errorf("with %q: %s", token, body)
		}
	}
	if body := get(f, path+open, "peer", "192.0.2.7:4711").Body.String(); strings.Contains(body, "Outbox") {
		t.Errorf("another machine gets %s", body)
	}
	if body := get(f, "/"+open).Body.String(); !strings.Contains(body, `<a href="/.gate/outbox?token=fresh-for-each-run">Outbox</a>`) {
		t.Errorf("the start page does not lead there: %s", body)
	}
	if body := get(f, "/").Body.String(); !strings.Contains(body, `<a href="/.gate/outbox">Outbox</a>`) {
		t.Errorf("the start page does not lead there: %s", body)
	}
}

func ExampleNew() {
	page := devpage.New(devpage.Facts{Service: "restaurant", Database: "SQLite"})
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr, r.Host = "127.0.0.1:4711", "evil.example"
	w := httptest.NewRecorder()
	page.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// 403
}
