package login_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/login"
)

func TestIDP10_headers(t *testing.T) {
	p := pages(t, config())
	for _, d := range draws() {
		t.Run(d.name, func(t *testing.T) {
			w := get(t, p, d, "x")
			formAction, referrer := "'none'", "no-referrer"
			if d.form {
				formAction, referrer = "'self' https://kitchen.example app.example: https: http://localhost:* http://127.0.0.1:*", "strict-origin"
			}
			want := http.Header{
				"Content-Type":     {"text/html; charset=utf-8"},
				"Content-Language": {"en"},
				"Content-Security-Policy": {"default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action " + formAction +
					"; base-uri 'none'; frame-ancestors 'none'"},
				"Cache-Control":                {"no-store"},
				"Referrer-Policy":              {referrer},
				"X-Content-Type-Options":       {"nosniff"},
				"X-Frame-Options":              {"DENY"},
				"Cross-Origin-Resource-Policy": {"same-origin"},
				"Vary":                         {"Accept-Language"},
			}
			if d.name == "hop" {
				want["Refresh"] = []string{"0;url=https://kitchen.example/survey?state=abc"}
			}
			if diff := cmp.Diff(want, w.Header()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// a redirect target cannot add a directive, a wildcard or a scheme that runs
func TestIDP10_targetsAreOrigins(t *testing.T) {
	p := pages(t, config())
	for _, target := range []string{
		"", "*", "https://*", "https://*.example.com", "https:", "https://", "javascript:alert(1)", "data:text/html,x", "//evil.example",
		"javascript://a.example/%0aalert(1)", "data://a.example/,x",
		"/path", "https://a.example;script-src *", "https://a.example, *", "https://a b.example", "https://user:pw@a.example", "https://a.example'",
		"blob:https://a.example/x", "file:///etc", "app'; script-src *:/x",
	} {
		w := httptest.NewRecorder()
		f := frame("x")
		f.Targets = []string{target}
		err := p.Login(w, httptest.NewRequest("GET", "/", nil), 200, login.CredentialsPage{Frame: f, Form: form("x")})
		if err == nil {
			t.Errorf("%q became %q", target, w.Header().Get("Content-Security-Policy"))
		}
		if w.Body.Len() > 0 || len(w.Header()) > 0 {
			t.Errorf("%q: something was written besides the error", target)
		}
	}
}

// Chromium ignores a source that is an IPv6 address, and the redirect is lost
func TestTargets_IPv6(t *testing.T) {
	w := httptest.NewRecorder()
	page := login.CredentialsPage{Frame: login.Frame{Targets: []string{"http://[::1]:3000/callback"}}, Form: form("x")}
	if err := pages(t, config()).Login(w, httptest.NewRequest("GET", "/", nil), 200, page); err != nil {
		t.Fatal(err)
	}
	if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "; form-action 'self' http: https:") {
		t.Errorf("policy %q", got)
	}
}

// A chain of redirects may end at an application on the person's own machine
// whatever it begins with, and a form that stays here has no way out.
func TestTargets_leadToThisMachine(t *testing.T) {
	for name, tt := range map[string]struct {
		targets []string
		want    string
	}{
		"another provider": {[]string{"https://localhost:3101/login/callback/us"}, "'self' https://localhost:3101 https: http://localhost:* http://127.0.0.1:*"},
		"an application on a device": {
			[]string{"com.example.app:/callback"}, "'self' com.example.app: https: http://localhost:* http://127.0.0.1:*",
		},
		"none": {nil, "'self'"},
	} {
		w := httptest.NewRecorder()
		page := login.CredentialsPage{Frame: login.Frame{Targets: tt.targets}, Form: form("x")}
		if err := pages(t, config()).Login(w, httptest.NewRequest("GET", "/", nil), 200, page); err != nil {
			t.Fatal(err)
		}
		if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "; form-action "+tt.want+";") {
			t.Errorf("%s: policy %q", name, got)
		}
	}
}

// links of a page lead to paths of this host, or to http
func TestADM02_addresses(t *testing.T) {
	p := pages(t, config())
	r := httptest.NewRequest("GET", "/", nil)
	for _, address := range []string{"javascript:alert(1)", "//evil.example/", `/\evil.example`, "\thttps://evil.example", "data:text/html,x", "https:evil", "u/login", "/a\nb", "javascript://a.example/%0aalert(1)"} {
		f, fm := login.Frame{Host: "id.example"}, login.Form{Action: "/u/x"}
		here := f
		here.Here = address
		for name, err := range map[string]error{
			"action":     p.Login(httptest.NewRecorder(), r, 200, login.CredentialsPage{Frame: f, Form: login.Form{Action: address}}),
			"here":       p.Login(httptest.NewRecorder(), r, 200, login.CredentialsPage{Frame: here, Form: fm}),
			"sign-up":    p.Login(httptest.NewRecorder(), r, 200, login.CredentialsPage{Frame: f, Form: fm, SignupURL: address}),
			"forgot":     p.Login(httptest.NewRecorder(), r, 200, login.CredentialsPage{Frame: f, Form: fm, ForgotURL: address}),
			"connection": p.Login(httptest.NewRecorder(), r, 200, login.CredentialsPage{Frame: f, Form: fm, Connections: []login.Connection{{Name: "x", URL: address}}}),
			"restart":    p.Error(httptest.NewRecorder(), r, 400, login.ErrorPage{Frame: f, Fault: login.FaultOwn, RestartURL: address}),
			"return":     p.LoggedOut(httptest.NewRecorder(), r, 200, login.LoggedOutPage{Frame: f, ReturnURL: address}),
			"continue":   p.Continue(httptest.NewRecorder(), r, 200, login.ContinuePage{Frame: f, Target: address}),
			"hop":        p.Hop(httptest.NewRecorder(), r, 200, login.HopPage{Frame: f, Target: address}),
			"web":        p.WebMessage(httptest.NewRecorder(), r, 200, login.WebMessagePage{Frame: f, Origin: address}),
		} {
			if err == nil {
				t.Errorf("%s took %q", name, address)
			}
		}
	}
}

func TestLogin_needsAWay(t *testing.T) {
	w := httptest.NewRecorder()
	err := pages(t, config()).Login(w, httptest.NewRequest("GET", "/", nil), 200, login.CredentialsPage{Form: form("x"), NoPassword: true})
	if err == nil || w.Body.Len() > 0 {
		t.Error("a page without any way to log in was written")
	}
}

func TestForm_needsAction(t *testing.T) {
	err := pages(t, config()).Login(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), 200, login.CredentialsPage{})
	if err == nil {
		t.Error("a form that posts nowhere was written")
	}
}

func TestIDP10_webMessage(t *testing.T) {
	p := pages(t, config())
	r := httptest.NewRequest("GET", "/authorize", nil)
	for _, origin := range []string{"", "*", "null", "https://app.example/", "https://app.example/path", "http://*.example", "app.example", "https://app.example; script-src *", "http://[::1]:3000"} {
		w := httptest.NewRecorder()
		if err := p.WebMessage(w, r, 200, login.WebMessagePage{Origin: origin, Response: map[string]string{"code": "x"}}); err == nil || w.Body.Len() > 0 {
			t.Errorf("the answer went to %q", origin)
		}
	}

	state := `</script><script>alert(1)</script>"'&<!--`
	w := httptest.NewRecorder()
	if err := p.WebMessage(w, r, 200, login.WebMessagePage{
		Frame: login.Frame{Application: "App"}, Origin: "https://app.example:8443", Response: map[string]string{"code": "abc", "state": state},
	}); err != nil {
		t.Fatal(err)
	}
	policy := "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors https://app.example:8443"
	if got := w.Header().Get("Content-Security-Policy"); got != policy {
		t.Errorf("policy %q", got)
	}
	for _, name := range []string{"X-Frame-Options", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"} {
		if got := w.Header().Get(name); got != "" {
			t.Errorf("%s: %s keeps the window from its message", name, got)
		}
	}
	all := parse(t, w.Body.String())
	if n := len(find(all, "script")); n != 1 {
		t.Errorf("%d scripts", n)
	}
	answer := find(all, "main")[0].attrs
	if answer["data-origin"] != "https://app.example:8443" {
		t.Errorf("origin %q", answer["data-origin"])
	}
	const want = `{"code":"abc","state":"\u003c/script\u003e\u003cscript\u003ealert(1)\u003c/script\u003e\"'\u0026\u003c!--"}`
	if answer["data-response"] != want {
		t.Errorf("response %s", answer["data-response"])
	}
}

func TestContinue(t *testing.T) {
	w := httptest.NewRecorder()
	err := pages(t, config()).Continue(w, httptest.NewRequest("GET", "/", nil), 200, login.ContinuePage{
		Target: "https://app.example/callback?x=1&y=2", Account: "maria@kitchen.example",
		Fields: []login.Field{{Name: "code", Value: "abc"}, {Name: "state", Value: `"><script>alert(1)</script>`}, {Name: "submit", Value: "x"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "; form-action 'self' https://app.example https: http://localhost:* http://127.0.0.1:*;") {
		t.Errorf("policy %q", got)
	}
	all := parse(t, w.Body.String())
	if got := find(all, "form")[0].attrs["action"]; got != "https://app.example/callback?x=1&y=2" {
		t.Errorf("posts to %q", got)
	}
	var got []login.Field
	for _, e := range find(all, "input") {
		got = append(got, login.Field{Name: e.attrs["name"], Value: e.attrs["value"]})
	}
	want := []login.Field{{Name: "code", Value: "abc"}, {Name: "state", Value: `"><script>alert(1)</script>`}, {Name: "submit", Value: "x"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(find(all, "button")) != 1 {
		t.Error("there is no button for who has scripts off")
	}
}

// probes that would run, close or break something somewhere
func probes() []string {
	return []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus='alert(1)`, `</title><svg onload=alert(1)>`,
		`javascript:alert(1)`, `{{.Form.CSRF}}`, `${alert(1)}`, `{application} {tenant}`, `[x](reset) *bold*`, `<!--`, `&lt;b&gt;`, "\u202etxt.exe",
		`</textarea><iframe src=//evil.example>`, `<a href="https://evil.example">x</a>`, "line\r\nSet-Cookie: a=b",
	}
}

func TestADM02_textsOfOthersAreText(t *testing.T) {
	p := pages(t, config())
	plain := make(map[string]int)
	for _, d := range draws() {
		plain[d.name] = len(parse(t, get(t, p, d, "harmless").Body.String()))
	}
	for _, d := range draws() {
		t.Run(d.name, func(t *testing.T) {
			for _, probe := range probes() {
				all := parse(t, get(t, p, d, probe).Body.String())
				checkStructure(t, all)
				if len(all) != plain[d.name] {
					t.Errorf("%q makes %d elements of %d", probe, len(all), plain[d.name])
				}
				if text := all[0].text; !strings.Contains(text, strings.ReplaceAll(probe, "\r\n", "\n")) && !strings.Contains(text, probe) {
					t.Errorf("%q is not on the page as it is", probe)
				}
			}
		})
	}
}

// nor is the name of the tenant anything but text
func TestADM02_nameIsText(t *testing.T) {
	cfg := config()
	want := len(parse(t, get(t, pages(t, cfg), draws()[0], "x").Body.String()))
	for _, probe := range probes() {
		cfg.Name = probe
		all := parse(t, get(t, pages(t, cfg), draws()[0], "x").Body.String())
		checkStructure(t, all)
		if len(all) != want {
			t.Errorf("%q makes %d elements of %d", probe, len(all), want)
		}
	}
}

var elsewhere = regexp.MustCompile(`(?:https?:)?//[a-z0-9.-]+`)

// nothing is loaded from elsewhere; links go only where the configuration says
func TestIDP10_nothingFromElsewhere(t *testing.T) {
	p := pages(t, config())
	for _, d := range draws() {
		for _, e := range parse(t, get(t, p, d, "x").Body.String()) {
			for name, value := range e.attrs {
				if !elsewhere.MatchString(value) || name == "xmlns" {
					continue
				}
				if e.name != "a" || name != "href" || !strings.HasPrefix(value, "https://kitchen.example/") || e.attrs["rel"] != "noreferrer" {
					t.Errorf("%s: <%s %s=%q>", d.name, e.name, name, value)
				}
			}
		}
	}
}
