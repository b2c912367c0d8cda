package accountpages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const sessionCookie = "__Host-gate"

func TestLogInFromElsewhere(t *testing.T) {
	r := start(t, options{})
	r.signUp(maria)
	inside := r.logIn(maria)
	for name, headers := range map[string][]string{
		"site":             {"Sec-Fetch-Site", "cross-site"},
		"same site":        {"Sec-Fetch-Site", "same-site"},
		"origin":           {"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
		"null":             {"Sec-Fetch-Site", "", "Origin", "null"},
		"port":             {"Sec-Fetch-Site", "", "Origin", "http://127.0.0.1:1"},
		"origin, no match": {"Sec-Fetch-Site", "cross-site", "Origin", r.url},
		"sandbox":          {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
		"link":             {"Sec-Fetch-Site", "none", "Origin", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			b := r.browser()
			b.t, inside.t = t, t
			form := encode("login", maria, "password", good)
			b.send(http.MethodPost, "/account/login", form, headers...).is(http.StatusForbidden, "another site", "This cannot be done")
			if len(b.cookies) > 0 {
				t.Errorf("got cookies %v", b.cookies)
			}
			for _, page := range []string{"/logout", "/devices", "/password"} {
				inside.send(http.MethodPost, "/account"+page, encode("session", "others", "current", good, "password", other), headers...).is(http.StatusForbidden)
			}
		})
	}
	inside.t = t
	inside.get("/account").is(http.StatusOK, maria) // still logged in
	// What Chromium sends from a page that tells no referrer.
	inside.send(http.MethodPost, "/account/devices", encode("session", "others"), "Origin", "null").is(http.StatusSeeOther)
	r.logIn(maria) // with the same password
}

func TestNext(t *testing.T) {
	r := start(t, options{home: "/admin"})
	r.signUp(maria)
	for next, want := range map[string]string{
		"/account/devices":              "/account/devices",
		"/menu?day=monday&x=a%2F":       "/menu?day=monday&x=a%2F",
		"":                              "/admin",
		"//evil.example":                "/admin",
		`/\evil.example`:                "/admin",
		"/\t/evil.example":              "/admin",
		"/\n/evil.example":              "/admin",
		"/a\r\nSet-Cookie: a=b":         "/admin",
		"https://evil.example/":         "/admin",
		"evil":                          "/admin",
		"javascript:alert(1)":           "/admin",
		"/" + strings.Repeat("a", 2000): "/admin",
	} {
		t.Run(next, func(t *testing.T) {
			b := r.browser()
			b.t = t
			page := b.get("/account/login?next=" + url.QueryEscape(next)).is(http.StatusOK)
			if got := strings.Contains(page.Body, `name="next"`); got != (want == next) {
				t.Errorf("the form keeps it: %v", got)
			}
			page.lacks("evil.example", "javascript:")
			a := b.post("/account/login", "login", maria, "password", good, "next", next).leads(want)
			if len(a.Header["Set-Cookie"]) != 2 { // session and device
				t.Errorf("cookies are %q", a.Header["Set-Cookie"])
			}
			b.get("/account/login?next=" + url.QueryEscape(next)).leads(want) // logged in already
		})
	}
}

func TestLogInRefused(t *testing.T) {
	r := start(t, options{})
	r.signUp(maria)
	answers := map[string]answer{}
	for name, form := range map[string][]string{
		"wrong password": {"login", maria, "password", "wrong-Gravel-oyster-29"},
		"unknown":        {"login", "nobody@kitchen.example", "password", good},
		"no password":    {"login", maria},
		"control":        {"login", maria, "password", "a\x01b"},
	} {
		b := r.browser()
		a := b.post("/account/login", form...).is(http.StatusUnauthorized, "<title>Not logged in: check your details · ", `role="alert"`,
			"The e-mail address or the password is not right.", `aria-invalid="true"`)
		a.lacks(good, "wrong-Gravel").is(http.StatusUnauthorized, `value="`+form[1]+`"`)
		if strings.Count(a.Body, "autofocus") != 1 {
			t.Errorf("%s: focus goes to %d fields", name, strings.Count(a.Body, "autofocus"))
		}
		if len(b.cookies) > 0 {
			t.Errorf("%s: got cookies %v", name, b.cookies)
		}
		if a.Header.Get("WWW-Authenticate") != "" {
			t.Error("the browser would open a window of its own")
		}
		a.Body = strings.ReplaceAll(a.Body, form[1], "")
		answers[name] = a
	}
	r.browser().post("/account/login").is(http.StatusUnauthorized, "is not right")
	for name, a := range answers {
		if a.Body != answers["unknown"].Body {
			t.Errorf("%s is told from an unknown account: %s", name, a.words())
		}
	}
}

// TestFixation sees that what a browser had before it logged in is nobody's after.
func TestFixation(t *testing.T) {
	r := start(t, options{})
	r.signUp(maria)
	r.signUp("eve@kitchen.example")
	eve := r.logIn("eve@kitchen.example")
	planted := eve.cookies[sessionCookie]
	b := r.browser()
	b.cookies[sessionCookie] = planted // which eve put into maria's browser
	b.post("/account/login", "login", maria, "password", good).is(http.StatusSeeOther)
	if b.cookies[sessionCookie] == planted {
		t.Fatal("the session goes on under the same secret")
	}
	b.get("/account").is(http.StatusOK, maria)
	eve.get("/account").leads("/account/login?next=%2Faccount") // its session ended
}

func TestThrottle(t *testing.T) {
	r := start(t, options{})
	r.signUp(maria)
	try := func(email string) answer {
		var a answer
		for range 60 {
			if a = r.browser().post("/account/login", "login", email, "password", "wrong-Gravel-oyster-29"); a.Status != http.StatusUnauthorized {
				break
			}
		}
		return a
	}
	known, unknown := try(maria), try("nobody@kitchen.example")
	for _, a := range []answer{known, unknown} {
		a.is(http.StatusTooManyRequests, "Too many tries", "Wait 15 minutes", `role="alert"`)
		if a.Header.Get("Retry-After") == "" {
			t.Error("does not say when to come back")
		}
	}
	r.browser().post("/account/login", "login", maria, "password", good).is(http.StatusTooManyRequests) // which is right
}

func TestForms(t *testing.T) {
	r := start(t, options{})
	r.signUp(maria)
	b := r.browser()
	form := encode("login", maria, "password", good)
	for name, tt := range map[string]struct {
		body    string
		headers []string
		status  int
	}{
		"JSON":      {`{"login":"x"}`, []string{"Content-Type", "application/json"}, http.StatusUnsupportedMediaType},
		"text":      {form, []string{"Content-Type", "text/plain"}, http.StatusUnsupportedMediaType},
		"no type":   {form, []string{"Content-Type", ""}, http.StatusUnsupportedMediaType},
		"charset":   {form, []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-16"}, http.StatusUnsupportedMediaType},
		"multipart": {form, []string{"Content-Type", "multipart/form-data; boundary=x"}, http.StatusUnsupportedMediaType},
		"twice":     {form + "&login=eve", nil, http.StatusBadRequest},
		"NUL":       {form + "&x=%00", nil, http.StatusBadRequest},
		"no UTF-8":  {form + "&x=%ff", nil, http.StatusBadRequest},
		"escape":    {form + "&x=%zz", nil, http.StatusBadRequest},
		"field":     {form + "&x=" + strings.Repeat("a", 5000), nil, http.StatusBadRequest},
		"huge":      {form + "&x=" + strings.Repeat("a", 9000), nil, http.StatusRequestEntityTooLarge},
		"vast":      {form + "&x=" + strings.Repeat("a", 2<<20), nil, http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			b.t = t
			b.send(http.MethodPost, "/account/login", tt.body, tt.headers...).is(tt.status)
			if len(b.cookies) > 0 {
				t.Error("logged in")
			}
		})
	}
	b.t = t
	b.post("/account/logged-out").is(http.StatusMethodNotAllowed)
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		b.send(method, "/account/login", form).is(http.StatusMethodNotAllowed)
	}
	if head := b.send(http.MethodHead, "/account/login", ""); head.Status != http.StatusOK || head.Body != "" || head.Header.Get("Content-Length") == "0" {
		t.Errorf("HEAD answers %d %q", head.Status, head.Body)
	}
	b.get("/account/nosuch").is(http.StatusNotFound, "There is no such page")
}

func TestHeaders(t *testing.T) {
	r := start(t, options{})
	b := r.browser()
	for _, path := range []string{"/account", "/account/login", "/account/logged-out", "/account/nosuch", "/account/devices"} {
		h := b.get(path).Header
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
	b.get("/account/gate.css").is(http.StatusOK, ":root")
	b.get("/account/mark.svg").is(http.StatusOK, "<svg")
}

func TestLogOut(t *testing.T) {
	r := start(t, options{})
	r.signUp(maria)
	b := r.logIn(maria)
	stolen := r.browser()
	stolen.cookies[sessionCookie] = b.cookies[sessionCookie]
	b.get("/account/logout").is(http.StatusOK, "Log out?") // a link does not do it
	b.get("/account").is(http.StatusOK)
	a := b.post("/account/logout").leads("/account/logged-out")
	if a.Header.Get("Clear-Site-Data") == "" || b.cookies[sessionCookie] != "" {
		t.Errorf("keeps %v after %v", b.cookies, a.Header)
	}
	b.get("/account/logged-out").is(http.StatusOK, "You are logged out")
	stolen.get("/account").leads("/account/login?next=%2Faccount")
	b.post("/account/logout").leads("/account/logged-out") // once more is fine
	b.get("/account/logout").leads("/account/logged-out")
}

// TestAuthorization sees that the pages listen to the cookie alone: a browser that
// sends a password by itself would be somebody that no form asked for.
func TestAuthorization(t *testing.T) {
	r := start(t, options{})
	r.signUp(maria)
	b := r.logIn(maria, "Authorization", "Basic bm9ib2R5Om5vYm9keQ==")
	b.get("/account").is(http.StatusOK, maria)
	b.post("/account/logout").leads("/account/logged-out")
	b.get("/account").leads("/account/login?next=%2Faccount")
}
