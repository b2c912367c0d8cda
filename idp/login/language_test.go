package login_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/login"
)

func TestLanguage(t *testing.T) {
	all := pages(t, config())
	cfg := config()
	cfg.Languages = []string{"fr", "de"}
	two := pages(t, cfg)
	for _, tt := range []struct {
		p                     *login.Pages
		locales, accept, want string
	}{
		{all, "", "", "en"},
		{all, "de", "fr", "de"},
		{all, "de-CH", "", "de"},
		{all, "es fr-CA de", "en", "fr"},
		{all, "es", "de", "de"},
		{all, "", "fr-CH, fr;q=0.9, en;q=0.8", "fr"},
		{all, "", "en;q=0.1, de;q=0.9", "de"},
		{all, "", "ja, zh;q=0.5", "en"},
		{all, "", "de;q=0, *", "en"},
		{all, "\x00;<script>", ";;;q=", "en"},
		{all, strings.Repeat("x-", 100_000), strings.Repeat("a-", 100_000), "en"},
		{two, "", "", "fr"},
		{two, "en", "en", "fr"},
		{two, "en", "de", "de"},
	} {
		if got := tt.p.Language(tt.locales, tt.accept); got != tt.want {
			t.Errorf("%.20q, %.20q: %s", tt.locales, tt.accept, got)
		}
	}
}

// the parameter of the request comes before the transaction, before the browser
func TestLanguage_ofPage(t *testing.T) {
	p := pages(t, config())
	write := func(target, locales, accept string) []*element {
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("Accept-Language", accept)
		w := httptest.NewRecorder()
		err := p.Login(w, r, 200, login.CredentialsPage{
			Frame: login.Frame{Locales: locales, Here: "/u/login?state=a%26b&ui_locales=en"}, Form: login.Form{Action: "/u/login"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return parse(t, w.Body.String())
	}
	for _, tt := range []struct{ target, locales, accept, want string }{
		{"/u/login?ui_locales=fr", "de", "en", "fr"},
		{"/u/login?ui_locales=xx", "de", "en", "de"},
		{"/u/login", "de", "en", "de"},
		{"/u/login", "", "de", "de"},
	} {
		if got := write(tt.target, tt.locales, tt.accept)[0].attrs["lang"]; got != tt.want {
			t.Errorf("%v: %s", tt, got)
		}
	}
	links := make(map[string]string)
	for _, e := range find(write("/u/login", "", "en"), "a") {
		if lang := e.attrs["hreflang"]; lang != "" {
			links[e.text] = e.attrs["href"]
		}
	}
	want := map[string]string{"Deutsch": "/u/login?state=a%26b&ui_locales=de", "Français": "/u/login?state=a%26b&ui_locales=fr"}
	if diff := cmp.Diff(want, links); diff != "" {
		t.Error(diff)
	}
}

func FuzzLanguage(f *testing.F) {
	p := pages(f, config())
	f.Add("de-CH fr", "en;q=0.5, *")
	f.Fuzz(func(t *testing.T, locales, accept string) {
		if got := p.Language(locales, accept); got != "en" && got != "de" && got != "fr" {
			t.Errorf("language %q", got)
		}
	})
}

// A date is in the words of the reader, and says its zone; programs find it in
// datetime.
func TestDates(t *testing.T) {
	p, m := pages(t, config()), mails(t, login.MailConfig{})
	at := time.Date(2027, 3, 1, 23, 5, 0, 0, time.FixedZone("", -3600))
	for lang, want := range map[string]string{"en": "2 March 2027, 00:05\u00a0UTC", "de": "2. März 2027, 00:05\u00a0UTC", "fr": "2 mars 2027, 00:05\u00a0UTC"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", lang)
		if err := p.VerifyEmail(w, r, 200, login.VerifyEmailPage{Form: login.Form{Action: "/u/x"}, Email: "a@example.com", Expires: at}); err != nil {
			t.Fatal(err)
		}
		if got := find(parse(t, w.Body.String()), "time"); len(got) != 1 || got[0].text != want || got[0].attrs["datetime"] != "2027-03-02T00:05:00Z" {
			t.Errorf("page in %s: %+v", lang, got)
		}
		l := letter()
		l.When = at
		if got, err := m.Write(login.MailPasswordChanged, lang, l); err != nil || !strings.Contains(got.Text, want) {
			t.Errorf("letter in %s: %v %s", lang, err, got.Text)
		}
	}
	l := letter()
	l.When = at.AddDate(0, 0, -1)
	if got, err := m.Write(login.MailPasswordChanged, "fr", l); err != nil || !strings.Contains(got.Text, "le 1er mars 2027, 00:05\u00a0UTC") {
		t.Errorf("the first: %v %s", err, got.Text)
	}
	// What is of today says when.
	w := httptest.NewRecorder()
	if err := p.LoggedOut(w, httptest.NewRequest("GET", "/", nil), 200, login.LoggedOutPage{At: noon().Add(-time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if got := find(parse(t, w.Body.String()), "time"); len(got) != 1 || got[0].text != "13:32\u00a0UTC" || got[0].attrs["datetime"] != "2026-11-21T13:32:08Z" {
		t.Errorf("today: %+v", got)
	}
}
