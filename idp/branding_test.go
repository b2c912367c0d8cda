package idp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
)

// loginPage returns the log-in page in a language.
func loginPage(t *testing.T, s *idptest.Server, language string) string {
	t.Helper()
	return pageAt(t, s, authorization("ui_locales", language))
}

// pageAt returns the page that an authorization request leads to.
func pageAt(t *testing.T, s *idptest.Server, in url.Values) string {
	t.Helper()
	browser := s.Browser()
	res, _ := s.Do(browser, http.MethodGet, "/authorize", in)
	res, body := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d %.500s", res.StatusCode, body)
	}
	return body
}

var brandSheet = regexp.MustCompile(`href="(/u/assets/[0-9a-f]+/brand\.css)"`)

// brandOf returns the style sheet of the tenant's colour, empty if there is none.
func brandOf(t *testing.T, s *idptest.Server, page string) (path, content string) {
	t.Helper()
	m := brandSheet.FindStringSubmatch(page)
	if m == nil {
		return "", ""
	}
	res, body := s.Do(s.HTTP, http.MethodGet, m[1], nil)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%s: %d %v", m[1], res.StatusCode, res.Header)
	}
	return m[1], body
}

// setDocument stores a document past the checks of the Management API, as a dump
// may bring it.
func setDocument(t *testing.T, s *idptest.Server, name, content string) {
	t.Helper()
	_, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error {
		if set.Documents == nil {
			set.Documents = map[string]json.RawMessage{}
		}
		set.Documents[name] = json.RawMessage(content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBranding(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	token := managementToken(t, s)
	if path, _ := brandOf(t, s, loginPage(t, s, "en")); path != "" {
		t.Fatalf("a colour of nobody: %s", path)
	}
	mustManage(t, s, token, 200, "PATCH", "tenants/settings", `{"friendly_name":"Ember & Oak","support_url":"https://help.example/now"}`)
	mustManage(t, s, token, 200, "PATCH", "branding", `{"colors":{"primary":"#aa3311","page_background":"#123456"},"logo_url":"https://cdn.example/logo.png","favicon_url":"https://cdn.example/icon.png"}`)
	page := loginPage(t, s, "en")
	for _, want := range []string{"Ember &amp; Oak", `href="https://help.example/now"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	before, sheet := brandOf(t, s, page)
	if !strings.Contains(sheet, "--accent: #aa3311;") || strings.Contains(sheet, "123456") {
		t.Errorf("style sheet %q", sheet)
	}
	// AUD-06: no other host learns of a log-in.
	if strings.Contains(page, "cdn.example") {
		t.Errorf("a picture of another host: %s", page)
	}
	// A theme goes before, short colours are colours, and browsers that have
	// the page of before still get its style sheet.
	theme := mustManage(t, s, token, 200, "POST", "branding/themes", `{"colors":{"primary_button":"#ffd"}}`)
	after, sheet := brandOf(t, s, loginPage(t, s, "en"))
	if !strings.Contains(sheet, "--accent: #ffffdd;") || !strings.Contains(sheet, "--link: #6f6e50;") {
		t.Errorf("style sheet %q", sheet)
	}
	if res, _ := s.Do(s.HTTP, http.MethodGet, before, nil); res.StatusCode != http.StatusOK || before == after {
		t.Errorf("the style sheet of before: %d", res.StatusCode)
	}
	if res, _ := s.Do(s.HTTP, http.MethodGet, "/u/assets/0000000000000000/brand.css", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("a style sheet of never: %d", res.StatusCode)
	}
	mustManage(t, s, token, 204, "DELETE", "branding/themes/"+theme["themeId"].(string), "")
	if _, sheet = brandOf(t, s, loginPage(t, s, "en")); !strings.Contains(sheet, "--accent: #aa3311;") {
		t.Errorf("without the theme: %q", sheet)
	}
}

// What is wrong in the settings costs its own effect, and nothing else.
func TestBranding_unusable(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	_, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error {
		set.FriendlyName, set.SupportURL, set.EnabledLocales = "  ", "javascript:alert(1)", []string{"tlh"}
		set.PictureURL = "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"branding":                     `{"colors":{"primary":"red;} body{display:none"},"logo_url":"data:image/png;base64,!"}`,
		"branding/themes/a":            `[]`,
		"prompts/login/custom-text/en": `{"login":{"title":"Come in","buttonText":"{nothing}","description":"${user}","forgotPasswordText":7}}`,
		"prompts/login/custom-text/xx": `{"login":{"title":"Qapla"}}`,
		"prompts/login/custom-text/de": `{"login":"x"}`,
		"prompts/odd":                  `7`,
		"email-templates/verify_email": `{"body":"{% if user %}{{ url }}{% endif %}","subject":"x"}`,
	} {
		setDocument(t, s, name, content)
	}
	page := loginPage(t, s, "en")
	for _, bad := range []string{"javascript:", "display:none", "{nothing}", "${user}", "<script/>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, want := range []string{"Come in", "Forgot password?", "localhost:"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if path, _ := brandOf(t, s, page); path != "" {
		t.Error("there is a style sheet")
	}
	enter(t, s, s.Browser(), "ada@example.com")
}

func TestBranding_texts(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) {
		c.Looks.Texts = map[string]map[string]string{"en": {"login.submit": "Enter"}}
	}})
	token := managementToken(t, s)
	mustManage(t, s, token, 200, "PUT", "prompts/login/custom-text/en", `{"login":{"title":"Hungry? <b>Welcome</b>","description":"${companyName} lets you into ${clientName}.",
		"buttonText":"Go","signupActionText":"No account?","signupActionLinkText":"Get [one]","pageTitle":"kept"}}`)
	mustManage(t, s, token, 200, "PUT", "prompts/login/custom-text/de", `{"login":{"title":"Hunger?"}}`)
	page := loginPage(t, s, "en")
	for _, want := range []string{"Hungry? &lt;b&gt;Welcome&lt;/b&gt;", "lets you into", "Menu", ">Get one</a>", "Enter"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s: %s", want, page)
		}
	}
	if strings.Contains(page, ">Go<") {
		t.Error("the configuration of the program does not go before")
	}
	if page := loginPage(t, s, "de"); !strings.Contains(page, "Hunger?") {
		t.Error("no text in German")
	}
	if page := loginPage(t, s, "fr"); strings.Contains(page, "Hung") {
		t.Error("a text in another language")
	}
	got := mustManage(t, s, token, 200, "GET", "prompts/login/custom-text/en", "")
	if got["login"].(map[string]any)["pageTitle"] != "kept" {
		t.Errorf("%v", got)
	}
}

func TestBranding_locales(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	token := managementToken(t, s)
	mustManage(t, s, token, 200, "PATCH", "tenants/settings", `{"enabled_locales":["de-CH","en","nl"]}`)
	_, body := s.Do(s.HTTP, http.MethodGet, "/.well-known/openid-configuration", nil)
	if diff := cmp.Diff([]any{"de", "en"}, s.JSON(body)["ui_locales_supported"]); diff != "" {
		t.Error(diff)
	}
	if page := loginPage(t, s, "fr"); !strings.Contains(page, `<html lang="de"`) {
		t.Errorf("%.200s", page)
	}
}

// A logo is shown when it is in its own address: without a request to others.
func TestBranding_logo(t *testing.T) {
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	s := idptest.New(t, idptest.Config{})
	setDocument(t, s, "branding", `{"logo_url":"data:image/png;base64,`+base64.StdEncoding.EncodeToString(picture.Bytes())+`"}`)
	path := regexp.MustCompile(`/u/assets/[0-9a-f]+/logo\.png`).FindString(loginPage(t, s, "en"))
	if path == "" {
		t.Fatal("no logo")
	}
	if _, body := s.Do(s.HTTP, http.MethodGet, path, nil); body != picture.String() {
		t.Errorf("%d bytes, want %d", len(body), picture.Len())
	}
}

func putTemplate(t *testing.T, s *idptest.Server, token, name, subject, body string, more ...string) {
	t.Helper()
	doc := map[string]any{"template": name, "subject": subject, "body": body, "syntax": "liquid", "enabled": len(more) == 0, "from": "spoof@evil.example"}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	mustManage(t, s, token, 200, "PUT", "email-templates/"+name, string(data))
}

func TestLetters_template(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	token := managementToken(t, s)
	s.AddUser("ada@example.com")
	_, err := s.Tenant().Clients.Update(t.Context(), idptest.SPA, func(c *tenant.Client) error { c.Name = "Menu <b>"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	ask := func() {
		t.Helper()
		res, body := s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
			"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"ada@example.com"},
		})
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
	}
	putTemplate(t, s, token, "reset_email", "New password for {{ application.name }}",
		`<html><head><style>p{}</style></head><body><p>Hello {{user.email | escape}}, it is {{ application.name }}.</p><a href="{{ url }}">Set it</a></body></html>`)
	ask()
	letter := waitLetters(t, s, "ada@example.com", 1)[0]
	for _, want := range []string{"Subject: New password for Menu <b>", "Hello ada@example.com, it is Menu <b>.", "it is Menu &lt;b&gt;.", "Set it http"} {
		if !strings.Contains(letter, want) {
			t.Errorf("no %q in %s", want, letter)
		}
	}
	if strings.Contains(letter, "evil.example") || strings.Contains(letter, "p{}\n") {
		t.Errorf("%s", letter)
	}
	if status, body := press(s, s.Browser(), linkIn(t, letter, "/u/reset-password?ticket="), "/u/reset-password", "password", newPassword); status != http.StatusOK {
		t.Errorf("the link: %d %.300s", status, body)
	}
	// What cannot be used, or is switched off, leaves our own words: nobody is
	// left without a letter.
	putTemplate(t, s, token, "reset_email", "fine", `<a href="{{ url }}">fine</a>`, "off")
	ask()
	all := waitLetters(t, s, "ada@example.com", 3) // and one that the password was changed
	if found := strings.Count(strings.Join(all, ""), "Somebody asked for a new password"); found == 0 {
		t.Errorf("%s", strings.Join(all, "\n"))
	}
}

// A letter that nobody could use, or that tells more than is meant to be, is none.
func TestLetters_refused(t *testing.T) {
	for _, body := range []string{
		"", "no link", `{% if user.email %}{{ url }}{% endif %}`, `{{ url }}{{ user.app_metadata.secret }}`, "{{ url", "{{ url | upcase }}", "{{ url }}{{ .Link }}",
	} {
		if template, err := idp.LetterTemplate("x", body); err == nil {
			t.Errorf("%q: %+v", body, template)
		}
	}
	if _, err := idp.LetterTemplate("{{ url | escape }}", "{{- url -}}"); err != nil {
		t.Error(err)
	}
}

func FuzzLiquid(f *testing.F) {
	for _, seed := range []string{"{{ url }}", "<a href='{{url}}'>x</a>", "{%", "{{", "<!-- <a", `<a title=">" href=x>y</a>`, "{{{url}}}", "<style>\xa0\xa0</style", "<a \xa0href=x>", "&#123;&#123; url }}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		template, err := idp.LetterTemplate("subject", body)
		if err != nil {
			return
		}
		for _, part := range []string{template.HTML, template.Text, template.Subject} {
			rest := part
			for {
				_, after, found := strings.Cut(rest, "{{")
				if !found {
					break
				}
				if !strings.HasPrefix(after, ".") {
					t.Fatalf("%q has something else than a variable", part)
				}
				rest = after
			}
		}
		_, _ = login.NewMails(login.MailConfig{Name: "x", Templates: map[string]map[login.MailKind]login.MailTemplate{"en": {login.MailVerify: template}}})
	})
}

func TestPlainText(t *testing.T) {
	for source, want := range map[string]string{
		"plain":                       "plain",
		"<p>a</p><p>b&amp;c</p>":      "a\n\nb&c",
		"<b>x</b>y":                   "xy",
		"<b>x</b> y":                  "x y",
		`<a href="{{ url }}">go</a>.`: "go {{ url }}.",
		`<a href='https://x.example/?a=1&amp;b=2'>https://x.example/?a=1&amp;b=2</a>`: "https://x.example/?a=1&b=2",
		"<title>no</title><style>no</style><SCRIPT>no</script>yes":                    "yes",
		"<!-- no -->a<br/>b<":  "a\nb<",
		`<img alt=">" src=x>a`: "a",
		"<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>": "a b\nc",
		"<style>never ends": "",
		// Bytes whose lower case is longer.
		"<style>\xa0\xa0</style>a":         "a",
		"<a \xa0\xa0\xa0\xa0 href=x>a</a>": "a x",
	} {
		if got := idp.PlainText(source); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

// Browsers ask for /favicon.ico where an answer names no icon.
func TestFavicon(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	res, body := s.Do(s.HTTP, http.MethodGet, "/favicon.ico", nil)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "image/x-icon" || !strings.HasPrefix(body, "\x00\x00\x01\x00") || len(body) > 2048 {
		t.Errorf("%d %v, %d bytes", res.StatusCode, res.Header, len(body))
	}
	s = idptest.New(t, idptest.Config{Edit: func(c *idp.Config) {
		c.Looks.Logo = login.Logo{MediaType: "image/svg+xml", Content: []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>`)}
	}})
	res, _ = s.Do(s.HTTP, http.MethodGet, "/favicon.ico", nil)
	if where := res.Header.Get("Location"); res.StatusCode != http.StatusFound || !strings.HasPrefix(where, login.AssetPath) {
		t.Errorf("with a logo: %d %q", res.StatusCode, where)
	}
}
