package login

import (
	"bytes"
	"errors"
	"fmt"
	html "html/template"
	"io"
	"maps"
	"slices"
	"strings"
	text "text/template"
	"text/template/parse"
	"time"
)

// A MailKind is an occasion to write.
type MailKind string

// The kinds of mail.
const (
	MailVerify          MailKind = "verify"           // confirm this address; has Link
	MailReset           MailKind = "reset"            // set a new password; has Link
	MailPasswordChanged MailKind = "password-changed" // it was changed
	MailBlocked         MailKind = "blocked"          // too many tries; Link unblocks, if there is one
	MailExists          MailKind = "exists"           // somebody signed up with an address that has an account; Link logs in
)

func mailKinds() []MailKind {
	return []MailKind{MailBlocked, MailExists, MailPasswordChanged, MailReset, MailVerify}
}

// A MailTemplate replaces the words of one kind in one language. All three are
// templates of text/template, HTML of html/template; they may use
//
//	{{.Name}} {{.Application}} {{.Account}} {{.Link}} {{.Life}} {{.When}} {{.Where}} {{.SupportURL}}
//
// and {{if}}, {{else}} and {{end}} around them, and nothing else.
type MailTemplate struct {
	// Subject and Text are required, HTML is not.
	Subject, Text, HTML string
}

// MailConfig is the words of a tenant's letters.
type MailConfig struct {
	// Name is the tenant's name. Required.
	Name string
	// SupportURL is said at the end where it helps; empty leaves it out.
	SupportURL string
	// Languages are as in [Config].
	Languages []string
	// Templates replaces words: language, then kind.
	Templates map[string]map[MailKind]MailTemplate
}

// A Letter is what a mail is about. Empty values are left out, but Account is
// required, and Link where the mail is about one.
type Letter struct {
	// Application is the name of the client; empty means the tenant's name.
	Application string
	// Account is the address or name of the account.
	Account string
	// Link is the whole address with its ticket.
	Link string
	// Life is how long the link works.
	Life time.Duration
	// When and Where it happened: a time, and an address or a device.
	When  time.Time
	Where string
}

// A Message is ready to be sent.
type Message struct {
	// Subject is one line. HTML is empty when there is only text.
	Subject, Text, HTML string
	// Language is the language it is in: "de".
	Language string
}

// Mails writes letters. It is safe for concurrent use; [NewMails] makes one.
type Mails struct {
	cfg       MailConfig
	languages *languages
	speakers  map[string]*speaker
	templates map[string]map[MailKind]mailTemplate
}

type mailTemplate struct {
	subject, text *text.Template
	html          *html.Template // nil without
}

// mailData is what templates see.
type mailData struct {
	Name, Application, Account, Link, Life, When, Where, SupportURL string
}

// NewMails checks the templates; the error names each that is wrong.
func NewMails(cfg MailConfig) (*Mails, error) {
	m := &Mails{cfg: cfg, templates: make(map[string]map[MailKind]mailTemplate)}
	var errs []error
	if strings.TrimSpace(cfg.Name) == "" {
		errs = append(errs, errors.New("name: the tenant needs a name"))
	}
	if err := checkOutside(cfg.SupportURL); err != nil {
		errs = append(errs, fmt.Errorf("support URL: %w", err))
	}
	var err error
	if m.languages, err = newLanguages(cfg.Languages); err != nil {
		return nil, fmt.Errorf("mails: %w", errors.Join(append(errs, err)...))
	}
	if m.speakers, err = speakers(m.languages.tags, nil); err != nil {
		return nil, fmt.Errorf("mails: %w", err)
	}
	for _, tag := range m.languages.tags {
		errs = append(errs, m.read(tag))
	}
	for _, tag := range slices.Sorted(maps.Keys(cfg.Templates)) {
		if m.templates[tag] == nil {
			errs = append(errs, fmt.Errorf("language %q is not offered", tag))
		}
		for _, kind := range slices.Sorted(maps.Keys(cfg.Templates[tag])) {
			errs = append(errs, m.replace(tag, kind, cfg.Templates[tag][kind]))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("mails: %w", err)
	}
	return m, nil
}

// read takes our own words of a language: the first line is the subject.
func (m *Mails) read(tag string) error {
	m.templates[tag] = make(map[MailKind]mailTemplate)
	for _, kind := range mailKinds() {
		words, err := files.ReadFile("mails/" + tag + "/" + string(kind) + ".txt")
		if err != nil {
			return err
		}
		subject, body, _ := strings.Cut(string(words), "\n\n")
		if err := m.replace(tag, kind, MailTemplate{Subject: subject, Text: body}); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mails) replace(tag string, kind MailKind, words MailTemplate) error {
	if !slices.Contains(mailKinds(), kind) {
		return fmt.Errorf("there is no mail %q", kind)
	}
	if m.templates[tag] == nil {
		return nil // said already
	}
	t, err := parseMail(words)
	if err != nil {
		return fmt.Errorf("%s: mail %q: %w", tag, kind, err)
	}
	m.templates[tag][kind] = t
	return nil
}

func parseMail(words MailTemplate) (t mailTemplate, err error) {
	if strings.TrimSpace(words.Subject) == "" || strings.TrimSpace(words.Text) == "" {
		return t, errors.New("subject and text are required")
	}
	if t.subject, err = text.New("subject").Parse(words.Subject); err != nil {
		return t, err
	}
	if t.text, err = text.New("text").Parse(words.Text); err != nil {
		return t, err
	}
	trees := []*parse.Tree{t.subject.Tree, t.text.Tree}
	if words.HTML != "" {
		if t.html, err = html.New("html").Parse(words.HTML); err != nil {
			return t, err
		}
		trees = append(trees, t.html.Tree)
	}
	for _, tree := range trees {
		if tree == nil || tree.Root == nil {
			return t, errors.New("it is empty")
		}
		if err := checkNodes(tree.Root); err != nil {
			return t, fmt.Errorf("%s: %w", tree.Name, err)
		}
	}
	return t, t.try()
}

// checkNodes lets texts, the variables and if through.
func checkNodes(list *parse.ListNode) error {
	if list == nil {
		return nil
	}
	for _, node := range list.Nodes {
		var err error
		switch n := node.(type) {
		case *parse.TextNode, *parse.CommentNode:
		case *parse.ActionNode:
			err = checkPipe(n.Pipe)
		case *parse.IfNode:
			err = errors.Join(checkPipe(n.Pipe), checkNodes(n.List), checkNodes(n.ElseList))
		default:
			err = fmt.Errorf("%s is not allowed", node)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkPipe lets one variable through.
func checkPipe(p *parse.PipeNode) error {
	if len(p.Decl) > 0 || len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
		return fmt.Errorf("{{%s}} is not allowed, only a variable is", p)
	}
	f, ok := p.Cmds[0].Args[0].(*parse.FieldNode)
	if !ok || len(f.Ident) != 1 {
		return fmt.Errorf("{{%s}} is not allowed, only a variable is", p)
	}
	known := []string{"Name", "Application", "Account", "Link", "Life", "When", "Where", "SupportURL"}
	if !slices.Contains(known, f.Ident[0]) {
		return fmt.Errorf("there is no variable {{.%s}}, only .%s", f.Ident[0], strings.Join(known, ", ."))
	}
	return nil
}

// try runs the templates once: html/template finds some mistakes only then.
func (t mailTemplate) try() error {
	data := mailData{Name: "x", Application: "x", Account: "x", Link: "https://example.com/", Life: "x", When: "x", Where: "x", SupportURL: "https://example.com/"}
	err := errors.Join(t.subject.Execute(io.Discard, data), t.text.Execute(io.Discard, data))
	if t.html != nil {
		err = errors.Join(err, t.html.Execute(io.Discard, data))
	}
	return err
}

// Language is that of [Pages.Language].
func (m *Mails) Language(uiLocales, acceptLanguage string) string {
	return m.languages.choose(uiLocales, acceptLanguage)
}

// Write renders a letter. A language that is not offered becomes the first that
// is. The error says that there is no such kind, or that a letter lacks what it
// is about.
func (m *Mails) Write(kind MailKind, language string, l Letter) (Message, error) {
	language = m.languages.choose(language, "")
	t, ok := m.templates[language][kind]
	if !ok {
		return Message{}, fmt.Errorf("there is no mail %q", kind)
	}
	data := m.data(language, l)
	if data.Account == "" || data.Link == "" && (kind == MailVerify || kind == MailReset) {
		return Message{}, fmt.Errorf("mail %q lacks its account or its link", kind)
	}
	var subject, body, page bytes.Buffer
	err := errors.Join(t.subject.Execute(&subject, data), t.text.Execute(&body, data))
	if t.html != nil {
		err = errors.Join(err, t.html.Execute(&page, data))
	}
	if err != nil {
		return Message{}, fmt.Errorf("mail %q: %w", kind, err)
	}
	return Message{
		Subject: strings.Join(strings.Fields(subject.String()), " "), Text: strings.TrimSpace(body.String()) + "\n",
		HTML: page.String(), Language: language,
	}, nil
}

func (m *Mails) data(language string, l Letter) mailData {
	d := mailData{
		Name: m.cfg.Name, Application: oneLine(l.Application), Account: oneLine(l.Account), Link: oneLine(l.Link),
		Where: oneLine(l.Where), SupportURL: m.cfg.SupportURL,
	}
	if d.Application == "" {
		d.Application = d.Name
	}
	if l.Life > 0 {
		d.Life = m.speakers[language].duration(l.Life)
	}
	if !l.When.IsZero() {
		d.When = m.speakers[language].moment(l.When)
	}
	return d
}

// oneLine keeps a value from adding lines of its own to a letter.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
