package login_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/login"
)

func letter() login.Letter {
	return login.Letter{
		Application: "Menu Board", Account: "maria@kitchen.example", Link: "https://id.kitchen.example/u/reset?ticket=abc&x=1#",
		Life: 30 * time.Minute, When: noon(), Where: "198.51.100.7",
	}
}

func kinds() []login.MailKind {
	return []login.MailKind{login.MailVerify, login.MailReset, login.MailPasswordChanged, login.MailBlocked, login.MailExists}
}

func mails(t testing.TB, cfg login.MailConfig) *login.Mails {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "Orchard Kitchen"
	}
	m, err := login.NewMails(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMails(t *testing.T) {
	m := mails(t, login.MailConfig{SupportURL: "https://kitchen.example/help"})
	subjects := make(map[string]bool)
	for _, lang := range []string{"en", "de", "fr"} {
		for _, kind := range kinds() {
			for name, l := range map[string]login.Letter{"full": letter(), "bare": {Account: "maria", Link: letter().Link}, "no link": {Account: "maria"}} {
				got, err := m.Write(kind, lang, l)
				if needs := kind == login.MailVerify || kind == login.MailReset; needs && l.Link == "" {
					if err == nil {
						t.Errorf("%s was written without its link", kind)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%s %s: %v", lang, kind, err)
				}
				subjects[got.Subject] = true
				switch {
				case got.Language != lang, got.HTML != "", !strings.Contains(got.Subject, "Orchard Kitchen"), strings.Contains(got.Subject, "\n"):
					t.Errorf("%s %s %s: %+v", lang, kind, name, got)
				case strings.ContainsAny(got.Text, "{}!"), strings.Contains(got.Text, "\n\n\n"), strings.Contains(got.Text, "<no value>"), !strings.HasSuffix(got.Text, ".\n") && !strings.HasSuffix(got.Text, "/help\n"):
					t.Errorf("%s %s %s: %q", lang, kind, name, got.Text)
				case l.Link != "" && kind != login.MailPasswordChanged && !strings.Contains(got.Text, "\n"+l.Link+"\n"):
					t.Errorf("%s %s: the link is not on a line of its own: %q", lang, kind, got.Text)
				}
			}
		}
	}
	if len(subjects) != 15 {
		t.Errorf("%d subjects of 15 differ", len(subjects))
	}
	if got, err := m.Write(login.MailReset, "tlh", letter()); err != nil || got.Language != "en" {
		t.Errorf("Klingon: %+v, %v", got, err)
	}
	if got, err := m.Write(login.MailExists, "en", login.Letter{}); err == nil {
		t.Errorf("nobody got %+v", got)
	}
	if got, err := m.Write("nosuch", "en", letter()); err == nil {
		t.Errorf("an unknown kind became %+v", got)
	}
}

func TestMails_text(t *testing.T) {
	got, err := mails(t, login.MailConfig{}).Write(login.MailReset, "en", letter())
	if err != nil {
		t.Fatal(err)
	}
	const want = `Somebody asked for a new password for your account maria@kitchen.example at Orchard Kitchen.

To set one, open this link and choose it there:

https://id.kitchen.example/u/reset?ticket=abc&x=1#

The link works once, for 30` + "\u00a0" + `minutes.

If it was not you who asked, there is nothing to do: your password stays as it is.

Asked for from 198.51.100.7 on 21 November 2026, 14:32` + "\u00a0" + `UTC.
`
	if got.Text != want {
		t.Errorf("%s", got.Text)
	}
}

// values cannot add lines, headers or links of their own shape
func TestMails_oneLine(t *testing.T) {
	tricky := "x\r\nBcc: victim@example.com\r\n\r\nClick https://evil.example"
	m := mails(t, login.MailConfig{Templates: map[string]map[login.MailKind]login.MailTemplate{"en": {
		login.MailReset: {Subject: "Hello {{.Account}}\nX: y", Text: "{{.Account}}|{{.Where}}|{{.Application}}|{{.Link}}", HTML: `<a href="{{.Link}}">{{.Account}}</a>`},
	}}})
	l := login.Letter{Application: tricky, Account: tricky, Where: tricky, Link: "javascript:alert(1)//\r\n"}
	got, err := m.Write(login.MailReset, "en", l)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(got.Subject, "\r\n") {
		t.Errorf("subject %q", got.Subject)
	}
	if strings.Count(got.Text, "\n") != 1 || strings.Contains(got.Text, "\r") {
		t.Errorf("text %q", got.Text)
	}
	if strings.Contains(got.HTML, "javascript") {
		t.Errorf("html %q", got.HTML)
	}
	l.Account = `<script>alert(1)</script>`
	if got, err = m.Write(login.MailReset, "en", l); err != nil || strings.Contains(got.HTML, "<script>") {
		t.Errorf("html %q, %v", got.HTML, err)
	}
}

func TestNewMails_templates(t *testing.T) {
	good := login.MailTemplate{Subject: "{{.Name}}", Text: "Hello {{.Account}}{{if .Link}}: {{.Link}}{{else}}.{{end}}{{/* a note */}}"}
	tests := map[string]struct {
		lang string
		kind login.MailKind
		t    login.MailTemplate
		says string
	}{
		"good":              {"de", login.MailReset, good, ""},
		"language":          {"es", login.MailReset, good, `language "es" is not offered`},
		"kind":              {"de", "welcome", good, `there is no mail "welcome"`},
		"no text":           {"de", login.MailReset, login.MailTemplate{Subject: "x"}, "required"},
		"unknown variable":  {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: "{{.Password}}"}, "there is no variable {{.Password}}"},
		"in a condition":    {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: "{{if .Link}}{{if .Password}}x{{end}}{{end}}"}, "there is no variable"},
		"in the other half": {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: "{{if .Link}}{{else}}{{.Password}}{{end}}"}, "there is no variable"},
		"in the subject":    {"de", login.MailReset, login.MailTemplate{Subject: "{{.Password}}", Text: "x"}, "there is no variable"},
		"in the html":       {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: "x", HTML: "{{.Password}}"}, "there is no variable"},
		"below a variable":  {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: "{{.Link.Host}}"}, "is not allowed"},
		"everything":        {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: "{{.}}"}, "is not allowed"},
		"function":          {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: `{{printf "%9999999d" 1}}`}, "is not allowed"},
		"pipeline":          {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: `{{.Link | html}}`}, "is not allowed"},
		"loop":              {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: `{{range 1000000000}}x{{end}}`}, "is not allowed"},
		"with":              {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: `{{with .Link}}{{.}}{{end}}`}, "is not allowed"},
		"variable":          {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: `{{$x := .Link}}`}, "is not allowed"},
		"itself":            {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: `{{define "text"}}{{template "text" .}}{{end}}`}, "not allowed"},
		"syntax":            {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: "{{.Link"}, "unclosed action"},
		"liquid":            {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: "{{ user.email }}"}, "user"},
		"broken html":       {"de", login.MailReset, login.MailTemplate{Subject: "x", Text: "x", HTML: `<a href="{{if .Link}}"{{end}}>`}, "html"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := login.NewMails(login.MailConfig{Name: "x", Templates: map[string]map[login.MailKind]login.MailTemplate{tt.lang: {tt.kind: tt.t}}})
			switch {
			case tt.says == "" && err != nil:
				t.Error(err)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("error %v", err)
			}
		})
	}
	if _, err := login.NewMails(login.MailConfig{}); err == nil {
		t.Error("the zero value was taken")
	}
}
