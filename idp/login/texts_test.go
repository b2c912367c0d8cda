package login_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/login"
)

func texts(t testing.TB, lang string) map[string]string {
	t.Helper()
	data, err := os.ReadFile("texts/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var messages map[string]string
	if err := json.Unmarshal(data, &messages); err != nil {
		t.Fatal(err)
	}
	return messages
}

// marks are the slots and links of a message, sorted.
func marks(text string) []string {
	list := regexp.MustCompile(`\{[a-z_]+\}|\]\([a-z_]+\)`).FindAllString(text, -1)
	slices.Sort(list)
	return list
}

func TestTexts_complete(t *testing.T) {
	english := texts(t, "en")
	for _, lang := range []string{"de", "fr"} {
		other := texts(t, lang)
		for key, text := range english {
			switch {
			case strings.TrimSpace(other[key]) == "":
				t.Errorf("%s: no %s", lang, key)
			case !cmp.Equal(marks(text), marks(other[key])):
				t.Errorf("%s: %s has %v, English %v", lang, key, marks(other[key]), marks(text))
			}
			if strings.Count(other[key], "*")%2 != 0 || strings.Count(text, "*")%2 != 0 {
				t.Errorf("%s: %s has an open *", lang, key)
			}
		}
		for key := range other {
			if english[key] == "" {
				t.Errorf("%s: %s is not in English", lang, key)
			}
		}
	}
	for key, text := range english {
		if strings.Contains(text, "!") {
			t.Errorf("%s shouts: %s", key, text)
		}
	}
	for key, text := range texts(t, "fr") {
		if regexp.MustCompile(` [?:;!»]`).MatchString(text) {
			t.Errorf("fr: %s can break before its sign: %s", key, text)
		}
	}
	if got := login.Keys(); len(got) != len(english) || !slices.IsSorted(got) {
		t.Errorf("%d keys of %d", len(got), len(english))
	}
}

// A message that is the same in another language was not translated, but for words
// that both have.
func TestTexts_translated(t *testing.T) {
	english := texts(t, "en")
	same := map[string][]string{
		"de": {"fact.duration", "unit.month.4", "unit.month.8", "unit.month.9", "unit.month.11"},
		"fr": {"fact.application", "fact.duration", "unit.minute.one", "unit.minute.other", "unit.date"},
	}
	for lang, allowed := range same {
		for key, text := range texts(t, lang) {
			if is := text == english[key]; is != slices.Contains(allowed, key) {
				t.Errorf("%s: %s is %q, and %q in English", lang, key, text, english[key])
			}
		}
	}
}

// No template has words of its own: they would be there in every language.
func TestTemplates_noWords(t *testing.T) {
	err := filepath.WalkDir("templates", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		text := regexp.MustCompile(`(?s)\{\{.*?\}\}`).ReplaceAllString(string(data), "")
		for _, said := range regexp.MustCompile(`(?:aria-label|alt|title|placeholder)="[^"]*\pL[^"]*"`).FindAllString(text, -1) {
			t.Errorf("%s says %s", name, said)
		}
		text = regexp.MustCompile(`(?s)<[^>]*>`).ReplaceAllString(text, "")
		for _, word := range regexp.MustCompile(`\pL+`).FindAllString(text, -1) {
			t.Errorf("%s says %q", name, word)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a person may have done is said in their language alone; the technical sentence
// is English, says so, and is there where an application is what is wrong.
func TestError_language(t *testing.T) {
	shown := 0
	for _, fault := range constants(t, "Fault") {
		w := httptest.NewRecorder()
		page := login.ErrorPage{Fault: login.Fault(fault), Code: "invalid_request", Description: "An English sentence", Developer: "Another one"}
		page.Locales = "fr"
		if err := pages(t, config()).Error(w, httptest.NewRequest("GET", "/", nil), 400, page); err != nil {
			t.Fatal(err)
		}
		body := w.Body.String()
		if !strings.Contains(body, `<html lang="fr"`) || !strings.Contains(body, `<span lang="en">Another one</span>`) {
			t.Errorf("%s: %s", fault, body)
		}
		if strings.Contains(body, "An English sentence") {
			shown++
			if !strings.Contains(body, `<bdi lang="en">An English sentence</bdi>`) || !slices.Contains([]string{"request", "callback", "logout_url", "unknown_client", "web_origin"}, fault) {
				t.Errorf("%s: %s", fault, body)
			}
		}
	}
	if shown != 5 {
		t.Errorf("%d pages have the sentence", shown)
	}
}

// every key that a template or the code names is there, and every message is named
func TestTexts_used(t *testing.T) {
	english := texts(t, "en")
	used := make(map[string]bool)
	err := filepath.WalkDir("templates", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		for _, m := range regexp.MustCompile(`\.(?:Text|Rich|Heading) "([^"]+)"`).FindAllStringSubmatch(string(data), -1) {
			used[m[1]] = true
			if english[m[1]] == "" {
				t.Errorf("%s: there is no message %s", name, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range english {
		made := regexp.MustCompile(`^(error|problem|notice|unit|scope|policy)\.|\.heading$|^way\.continue$|^fact\.step\.of$`)
		if !used[key] && !made.MatchString(key) {
			t.Errorf("nothing says %s", key)
		}
	}
}

// constants returns the strings of a type's constants, from the source.
func constants(t *testing.T, typeName string) []string {
	t.Helper()
	var list []string
	for _, name := range []string{"frame.go", "special.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := spec.Type.(*ast.Ident); ok && id.Name == typeName {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, value)
			}
			return true
		})
	}
	if len(list) == 0 {
		t.Fatalf("%d constants of %s", len(list), typeName)
	}
	return list
}

func TestTexts_codes(t *testing.T) {
	p := pages(t, config())
	r := httptest.NewRequest("GET", "/", nil)
	f, fm := login.Frame{Host: "id.example"}, login.Form{Action: "/u/x"}
	for _, code := range constants(t, "Code") {
		w := httptest.NewRecorder()
		err := p.Login(w, r, 400, login.CredentialsPage{Frame: f, Form: fm, Problems: []login.Problem{{Code: login.Code(code)}}})
		if err != nil {
			t.Errorf("problem %s: %v", code, err)
			continue
		}
		all := parse(t, w.Body.String())
		if title := find(all, "title")[0].text; title != "Check your details: Log in · Orchard Kitchen" {
			t.Errorf("problem %s: title %q", code, title)
		}
	}
	for _, fault := range constants(t, "Fault") {
		w := httptest.NewRecorder()
		if err := p.Error(w, r, 400, login.ErrorPage{Frame: f, Fault: login.Fault(fault), Reference: "7F3K-2M9Q"}); err != nil {
			t.Errorf("fault %s: %v", fault, err)
		}
		if w.Code != 400 || !strings.Contains(w.Body.String(), "7F3K-2M9Q") {
			t.Errorf("fault %s: %d without its reference", fault, w.Code)
		}
	}
	for _, notice := range constants(t, "Notice") {
		w := httptest.NewRecorder()
		if err := p.Login(w, r, 200, login.CredentialsPage{Frame: f, Form: fm, Notice: login.Notice(notice)}); err != nil {
			t.Errorf("notice %s: %v", notice, err)
		}
		if texts(t, "en")["notice."+notice] == "" || !strings.Contains(w.Body.String(), `role="status"`) {
			t.Errorf("notice %s says nothing", notice)
		}
	}
	for name, err := range map[string]error{
		"problem": p.Login(httptest.NewRecorder(), r, 400, login.CredentialsPage{Frame: f, Form: fm, Problems: []login.Problem{{Code: "nosuch"}}}),
		"notice":  p.Login(httptest.NewRecorder(), r, 400, login.CredentialsPage{Frame: f, Form: fm, Notice: "nosuch"}),
		"fault":   p.Error(httptest.NewRecorder(), r, 400, login.ErrorPage{Frame: f, Fault: "nosuch"}),
		"none":    p.Error(httptest.NewRecorder(), r, 400, login.ErrorPage{Frame: f}),
	} {
		if err == nil {
			t.Errorf("an unknown %s was written as silence", name)
		}
	}
}

// existing and unknown accounts read the same
func TestLOG_wordsTellNothing(t *testing.T) {
	p := pages(t, config())
	w := get(t, p, draws()[1], "maria@kitchen.example")
	note := ""
	for _, e := range parse(t, w.Body.String()) {
		if e.attrs["id"] == "problem" {
			note = strings.Join(strings.Fields(e.text), " ")
		}
	}
	if want := "The name, the e-mail address or the password is not right. Check both and try again, or reset your password."; note != want {
		t.Errorf("the note says %q", note)
	}
	if strings.Contains(w.Body.String(), `type="password" value`) {
		t.Error("a password came back")
	}
}

func TestConfig_texts(t *testing.T) {
	cfg := config()
	cfg.Texts = map[string]map[string]string{"en": {
		"login.heading": "Come in to {tenant}", "login.lead": `<img src=x onerror=alert(1)> *{application}*`, "login.signup": "[Join <b>](signup)",
	}}
	all := parse(t, get(t, pages(t, cfg), draws()[0], "App").Body.String())
	if got := find(all, "h1")[0].text; got != "Come in to Orchard Kitchen" {
		t.Errorf("heading %q", got)
	}
	if len(find(all, "img")) > 0 || !strings.Contains(all[0].text, `<img src=x onerror=alert(1)> App`) || !strings.Contains(all[0].text, "Join <b>") {
		t.Error("a text is not text")
	}
	if got := find(parse(t, get(t, pages(t, cfg), draws()[0], "App", "Accept-Language", "de").Body.String()), "h1")[0].text; got != "Anmelden" {
		t.Errorf("German heading %q", got)
	}

	for _, tt := range []struct{ lang, key, text, says string }{
		{"en", "login.haeding", "x", `there is no message "login.haeding"`},
		{"es", "login.heading", "x", `language "es" is not offered`},
		{"en", "login.heading", " ", `message "login.heading" is empty`},
		{"en", "login.heading", "{account}", `has no slot {account}`},
		{"de", "login.lead", "[x](evil)", `has no link (evil)`},
	} {
		cfg.Texts = map[string]map[string]string{tt.lang: {tt.key: tt.text}}
		if _, err := login.New(cfg); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v: %v", tt, err)
		}
	}
}

func TestNew_refuses(t *testing.T) {
	for name, change := range map[string]func(*login.Config){
		"no name":           func(c *login.Config) { c.Name = " " },
		"script as help":    func(c *login.Config) { c.SupportURL = "javascript:alert(1)" },
		"help without host": func(c *login.Config) { c.SupportURL = "https:/help" },
		"path as privacy":   func(c *login.Config) { c.PrivacyURL = "/privacy" },
		"no language":       func(c *login.Config) { c.Languages = []string{} },
		"unknown language":  func(c *login.Config) { c.Languages = []string{"en", "tlh"} },
		"language twice":    func(c *login.Config) { c.Languages = []string{"en", "en"} },
	} {
		cfg := config()
		change(&cfg)
		if _, err := login.New(cfg); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := login.New(login.Config{}); err == nil {
		t.Error("the zero value was taken")
	}
	if _, err := login.New(login.Config{Name: "x", SupportURL: "mailto:help@kitchen.example"}); err != nil {
		t.Error(err)
	}
}
