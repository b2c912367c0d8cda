package login_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/login"
)

func TestPassword(t *testing.T) {
	for query, want := range map[string]string{
		"":                                     "",
		"password=a":                           "a",
		"password=a&password_shown=b":          "a",
		"password=a&password_shown=b&reveal=1": "b",
		"password=a&reveal=1":                  "",
		"password=a&password_shown=b&reveal=0": "a",
		"password=a&password_shown=b&reveal=1&x=%20": "b",
		"password=%20a%20":                           " a ",
	} {
		form, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := login.Password(form); got != want {
			t.Errorf("%s: %q", query, got)
		}
	}
}

// write draws a log-in page.
func write(t *testing.T, page login.CredentialsPage) []*element {
	t.Helper()
	page.Form = login.Form{Action: "/u/login", State: "s", CSRF: "c"}
	w := httptest.NewRecorder()
	if err := pages(t, config()).Login(w, httptest.NewRequest("GET", "/", nil), 200, page); err != nil {
		t.Fatal(err)
	}
	return parse(t, w.Body.String())
}

// a password manager finds the pair by these attributes
func TestLogin_form(t *testing.T) {
	all := write(t, login.CredentialsPage{})
	got := make(map[string]string)
	for _, e := range find(all, "input") {
		got[e.attrs["name"]] = strings.Join([]string{e.attrs["type"], e.attrs["autocomplete"], e.attrs["value"]}, ",")
	}
	want := map[string]string{
		login.FieldState: "hidden,,s", login.FieldCSRF: "hidden,,c", login.FieldUsername: "email,username,",
		login.FieldPassword: "password,current-password,", login.FieldShown: "text,off,", login.FieldReveal: "checkbox,,1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if m := find(all, "form")[0].attrs["method"]; m != "post" {
		t.Errorf("method %q", m)
	}
}

func TestLogin_focus(t *testing.T) {
	for name, tt := range map[string]struct {
		page login.CredentialsPage
		want string
	}{
		"empty":            {login.CredentialsPage{}, "username"},
		"with a hint":      {login.CredentialsPage{Identifier: "x"}, "password"},
		"wrong":            {login.CredentialsPage{Identifier: "x", Problems: []login.Problem{{Code: login.WrongCredentials}}}, "password"},
		"password missing": {login.CredentialsPage{Problems: []login.Problem{{Code: login.MissingPassword}}}, "password"},
	} {
		got := ""
		for _, e := range find(write(t, tt.page), "input") {
			if _, ok := e.attrs["autofocus"]; ok {
				got = e.attrs["name"]
			}
		}
		if got != tt.want {
			t.Errorf("%s: focus on %q", name, got)
		}
	}
}

func TestLogin_ways(t *testing.T) {
	for _, n := range []int{0, 1, 6, 7} {
		all := write(t, login.CredentialsPage{Connections: ways("Other")[:n]})
		shown := 0
		for _, e := range find(all, "a") {
			if e.attrs["class"] == "way" {
				shown++
			}
		}
		if folded := len(find(all, "details")); shown != n || folded == 1 != (n == 7) {
			t.Errorf("%d ways: %d shown, %d folds", n, shown, folded)
		}
	}
}

// a link that the page does not have becomes words
func TestProblem_withoutLink(t *testing.T) {
	all := write(t, login.CredentialsPage{Problems: []login.Problem{{Code: login.TooManyTries, Wait: 15 * time.Minute}}})
	if !strings.Contains(all[0].text, "Wait 15\u00a0minutes, or reset your password.") {
		t.Errorf("the page says %q", all[0].text)
	}
	for _, e := range find(all, "a") {
		if e.text == "reset your password" {
			t.Errorf("a link to %q", e.attrs["href"])
		}
	}
}

func TestDurations(t *testing.T) {
	p := pages(t, config())
	for _, tt := range []struct {
		d          time.Duration
		en, de, fr string
	}{
		{0, "0\u00a0seconds", "0\u00a0Sekunden", "0\u00a0seconde"},
		{time.Second, "1\u00a0second", "1\u00a0Sekunde", "1\u00a0seconde"},
		{4500 * time.Millisecond, "5\u00a0seconds", "5\u00a0Sekunden", "5\u00a0secondes"},
		{time.Minute, "1\u00a0minute", "1\u00a0Minute", "1\u00a0minute"},
		{14*time.Minute + time.Second, "15\u00a0minutes", "15\u00a0Minuten", "15\u00a0minutes"},
		{2 * time.Hour, "2\u00a0hours", "2\u00a0Stunden", "2\u00a0heures"},
		{120 * time.Hour, "5\u00a0days", "5\u00a0Tage", "5\u00a0jours"},
		{-time.Minute, "0\u00a0seconds", "0\u00a0Sekunden", "0\u00a0seconde"},
	} {
		for lang, want := range map[string]string{"en": tt.en, "de": tt.de, "fr": tt.fr} {
			w := httptest.NewRecorder()
			page := login.CredentialsPage{
				Frame: login.Frame{Locales: lang}, Form: login.Form{Action: "/u/login"},
				Problems: []login.Problem{{Code: login.Busy, Wait: tt.d}},
			}
			if err := p.Login(w, httptest.NewRequest("GET", "/", nil), 503, page); err != nil {
				t.Fatal(err)
			}
			if text := parse(t, w.Body.String())[0].text; !strings.Contains(text, want) {
				t.Errorf("%v in %s is not %q", tt.d, lang, want)
			}
		}
	}
}

// a link from a letter changes nothing by being opened: the page has a form
func TestVerifyEmail_asks(t *testing.T) {
	for _, d := range draws() {
		if d.name != "verify-email" {
			continue
		}
		all := parse(t, get(t, pages(t, config()), d, "x").Body.String())
		if forms := find(all, "form"); len(forms) != 1 || forms[0].attrs["method"] != "post" || len(find(all, "script")) > 0 {
			t.Error("the page does not wait for a button")
		}
	}
}

// Cancel and Allow are equally large: the same class but for the colour
func TestConsent_buttons(t *testing.T) {
	for _, d := range draws() {
		if d.name != "consent" {
			continue
		}
		var got []string
		for _, e := range find(parse(t, get(t, pages(t, config()), d, "App").Body.String()), "button") {
			got = append(got, e.attrs["class"]+" "+e.attrs["name"]+"="+e.attrs["value"])
		}
		if diff := cmp.Diff([]string{"btn decision=deny", "btn primary decision=allow"}, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestLogo(t *testing.T) {
	cfg := config()
	cfg.Logo = login.Logo{MediaType: "image/svg+xml", Content: []byte(goodSVG)}
	cfg.Name = `A "B" <C>`
	img := find(parse(t, get(t, pages(t, cfg), draws()[0], "x").Body.String()), "img")
	if len(img) != 1 || img[0].attrs["alt"] != cfg.Name || !strings.HasPrefix(img[0].attrs["src"], login.AssetPath) {
		t.Errorf("logo %v", img)
	}
}

// one set of pages serves all requests at once
func TestPages_concurrent(t *testing.T) {
	p := pages(t, config())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, d := range draws() {
				get(t, p, d, "x")
			}
		})
	}
	wg.Wait()
}

func BenchmarkLogin(b *testing.B) {
	p := pages(b, config())
	d := draws()[1]
	b.ReportAllocs()
	for b.Loop() {
		get(b, p, d, "maria@kitchen.example")
	}
}
