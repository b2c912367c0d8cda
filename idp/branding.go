package idp

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store/throttle"
)

// A configured is what the settings of the tenant make of the provider: made
// anew when they change, and used by whoever asks.
type configured struct {
	from      *tenant.Settings // shared, so equal while unchanged
	pages     *login.Pages
	before    *login.Pages // whose style sheets browsers may still ask for
	words     *login.Mails
	languages []string
	guard     guard
	signups   *throttle.Limiter
}

// settled holds what is configured now.
type settled struct {
	now    atomic.Pointer[configured]
	making sync.Mutex
}

// configured returns what the settings make of the provider. It has always
// something to return: settings that cannot be read are those of before, and
// what is wrong in them is left out and logged.
func (p *Provider) configured(ctx context.Context) *configured {
	set, err := p.tenant.Settings(ctx)
	c := p.settled.now.Load()
	if err != nil || c.from == set {
		return c
	}
	p.settled.making.Lock()
	defer p.settled.making.Unlock()
	if c = p.settled.now.Load(); c.from == set {
		return c
	}
	next, err := p.configure(ctx, set)
	if err != nil { // cannot be: the same was made before
		p.log.ErrorContext(ctx, "settings of the tenant cannot be used", "err", err)
		return c
	}
	next.before = c.pages
	p.settled.now.Store(next)
	return next
}

// settle makes the first of what is configured.
func (p *Provider) settle(ctx context.Context) error {
	set, err := p.tenant.Settings(ctx)
	if err != nil {
		return err
	}
	c, err := p.configure(ctx, set)
	p.settled.now.Store(c)
	return err
}

// configure makes all that depends on settings. The error is about what the
// configuration of the program says.
func (p *Provider) configure(ctx context.Context, set *tenant.Settings) (*configured, error) {
	d := &dresser{tenant: set, words: p.cfg.MailWords, looks: p.cfg.Looks}
	d.looks.Now = p.now
	d.looks.Name = cmp.Or(d.looks.Name, strings.TrimSpace(set.FriendlyName), p.host)
	if _, _, err := d.make(d.looks, d.words); err != nil {
		return nil, err
	}
	d.dress()
	c := &configured{from: set, languages: offered(d.looks)}
	var err error
	if c.pages, c.words, err = d.make(d.looks, d.words); err != nil {
		return nil, err
	}
	var problems []error
	c.guard, problems = newGuard(set.Protection)
	for _, problem := range slices.Concat(d.problems, problems) {
		p.log.WarnContext(ctx, "setting of the tenant cannot be used", "error", problem)
	}
	// Limits of one name share their counters, whatever their numbers.
	c.signups, err = throttle.NewLimiter(p.limits, "idp-signups", throttle.Limit{N: p.signupsAnHour(&c.guard), Per: time.Hour, By: throttle.ByNetwork})
	return c, err
}

// A dresser puts the settings over the looks of the configuration. What the
// configuration says stays.
type dresser struct {
	tenant   *tenant.Settings
	looks    login.Config
	words    map[string]map[login.MailKind]login.MailTemplate
	problems []error
}

func (d *dresser) make(looks login.Config, words map[string]map[login.MailKind]login.MailTemplate) (*login.Pages, *login.Mails, error) {
	pages, err := login.New(looks)
	if err != nil {
		return nil, nil, err
	}
	mails, err := login.NewMails(login.MailConfig{
		Name: looks.Name, SupportURL: looks.SupportURL, Languages: looks.Languages, Templates: words,
	})
	return pages, mails, err
}

// try changes the looks, unless that cannot be used.
func (d *dresser) try(what string, change func(*login.Config)) bool {
	next := d.looks
	change(&next)
	if _, _, err := d.make(next, d.words); err != nil {
		d.problem(what, err)
		return false
	}
	d.looks = next
	return true
}

func (d *dresser) problem(what string, err error) {
	d.problems = append(d.problems, fmt.Errorf("%s: %w", what, err))
}

// document reads a document; one that is not there leaves into as it is.
func (d *dresser) document(name string, into any) bool {
	raw := d.tenant.Documents[name]
	if len(raw) == 0 {
		return false
	}
	if err := json.Unmarshal(raw, into); err != nil {
		d.problem(name, err)
		return false
	}
	return true
}

func (d *dresser) dress() {
	if d.looks.SupportURL == "" && d.tenant.SupportURL != "" {
		d.try("support_url", func(c *login.Config) { c.SupportURL = d.tenant.SupportURL })
	}
	if d.looks.Languages == nil && len(d.tenant.EnabledLocales) > 0 {
		if tags := spoken(d.tenant.EnabledLocales); tags == nil {
			d.problem("enabled_locales", fmt.Errorf("there are no texts in any of %s", strings.Join(d.tenant.EnabledLocales, ", ")))
		} else {
			d.try("enabled_locales", func(c *login.Config) { c.Languages = tags })
		}
	}
	d.colours()
	d.texts()
	d.letters()
}

// offered returns the languages of looks.
func offered(looks login.Config) []string {
	if looks.Languages != nil {
		return looks.Languages
	}
	return []string{"en", "de", "fr"}
}

// spoken returns those of the locales in which there are texts: of "de-CH" those
// in German.
func spoken(locales []string) []string {
	var tags []string
	for _, locale := range locales {
		tag, _, _ := strings.Cut(strings.ToLower(locale), "-")
		if slices.Contains(offered(login.Config{}), tag) && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

// A brandDocument is the document branding. Of its colours, the page background
// has no effect: what stands on it could not be read any more. A logo that has
// to be loaded from elsewhere is not shown, for a log-in page asks no other host
// for anything, who would learn of each log-in; nor is the favicon.
type brandDocument struct {
	LogoURL string `json:"logo_url"`
	Colors  struct {
		Primary string `json:"primary"`
	} `json:"colors"`
}

// A themeDocument is a document branding/themes/…, of which the first counts.
type themeDocument struct {
	Colors struct {
		PrimaryButton string `json:"primary_button"`
	} `json:"colors"`
}

func (d *dresser) colours() {
	var brand brandDocument
	d.document("branding", &brand)
	var theme themeDocument
	for _, name := range slices.Sorted(maps.Keys(d.tenant.Documents)) {
		if strings.HasPrefix(name, "branding/themes/") {
			d.document(name, &theme)
			break
		}
	}
	if accent := longColour(cmp.Or(theme.Colors.PrimaryButton, brand.Colors.Primary)); accent != "" && d.looks.Accent == (login.Accent{}) {
		d.try("branding: colors.primary", func(c *login.Config) { c.Accent = login.Accent{Light: accent} })
	}
	if len(d.looks.Logo.Content) > 0 {
		return
	}
	for _, picture := range []string{brand.LogoURL, d.tenant.PictureURL} {
		if !strings.HasPrefix(picture, "data:") {
			continue
		}
		logo, err := dataLogo(picture)
		if err != nil {
			d.problem("branding: logo_url", err)
			continue
		}
		if d.try("branding: logo_url", func(c *login.Config) { c.Logo = logo }) {
			return
		}
	}
}

// longColour returns "#aabbcc" for "#abc".
func longColour(s string) string {
	if len(s) != 4 {
		return s
	}
	return s[:1] + strings.Repeat(s[1:2], 2) + strings.Repeat(s[2:3], 2) + strings.Repeat(s[3:4], 2)
}

// dataLogo reads a picture that is in its own address (RFC 2397).
func dataLogo(address string) (login.Logo, error) {
	head, content, ok := strings.Cut(strings.TrimPrefix(address, "data:"), ",")
	kind, encoded := strings.CutSuffix(head, ";base64")
	if !ok || !encoded {
		return login.Logo{}, errors.New("the picture is not in base64")
	}
	data, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		return login.Logo{}, fmt.Errorf("the picture: %w", err)
	}
	return login.Logo{MediaType: kind, Content: data}, nil
}

// texts replaces messages: all at once, and one after the other if one of them
// cannot be used.
func (d *dresser) texts() {
	list, problems := customMessages(d.tenant.Documents, offered(d.looks))
	d.problems = append(d.problems, problems...)
	list = slices.DeleteFunc(list, func(m message) bool { return d.looks.Texts[m.language][m.key] != "" })
	if len(list) == 0 {
		return
	}
	before := len(d.problems)
	if d.try("texts", func(c *login.Config) { c.Texts = withMessages(c.Texts, list...) }) {
		return
	}
	d.problems = d.problems[:before]
	for _, m := range list {
		d.try(m.document, func(c *login.Config) { c.Texts = withMessages(c.Texts, m) })
	}
}

// withMessages returns a copy of texts with more of them.
func withMessages(texts map[string]map[string]string, list ...message) map[string]map[string]string {
	all := make(map[string]map[string]string, len(texts))
	for language, messages := range texts {
		all[language] = maps.Clone(messages)
	}
	for _, m := range list {
		if all[m.language] == nil {
			all[m.language] = map[string]string{}
		}
		all[m.language][m.key] = m.text
	}
	return all
}

// letters replaces the words of letters, in each language: a document has one.
// Who they come from is the operator's to say, since other senders are refused
// by whoever receives them.
func (d *dresser) letters() {
	for _, letter := range []struct {
		name string
		kind login.MailKind
	}{
		{"email-templates/verify_email", login.MailVerify},
		{"email-templates/reset_email", login.MailReset},
		{"email-templates/blocked_account", login.MailBlocked},
	} {
		var doc letterDocument
		if !d.document(letter.name, &doc) || doc.Enabled != nil && !*doc.Enabled || doc.Body == "" {
			continue
		}
		template, err := letterTemplate(letter.kind, doc)
		if err != nil {
			d.problem(letter.name, err)
			continue
		}
		words := map[string]map[login.MailKind]login.MailTemplate{}
		for _, language := range offered(d.looks) {
			words[language] = maps.Clone(d.words[language])
			if words[language] == nil {
				words[language] = map[login.MailKind]login.MailTemplate{}
			}
			if _, own := words[language][letter.kind]; !own {
				words[language][letter.kind] = template
			}
		}
		if _, _, err := d.make(d.looks, words); err != nil {
			d.problem(letter.name, err)
			continue
		}
		d.words = words
	}
}

// pages returns the pages as they look now.
func (p *Provider) pages(r *http.Request) *login.Pages { return p.configured(r.Context()).pages }

// assets serves style sheets and pictures: also those of the looks before, for
// pages that a browser got a moment ago.
func (p *Provider) assets(w http.ResponseWriter, r *http.Request) {
	c := p.configured(r.Context())
	if c.before == nil {
		c.pages.Assets().ServeHTTP(w, r)
		return
	}
	first := &unlessMissing{ResponseWriter: w}
	c.pages.Assets().ServeHTTP(first, r)
	if first.missing {
		c.before.Assets().ServeHTTP(w, r)
	}
}

// unlessMissing keeps the answer that there is nothing back.
type unlessMissing struct {
	http.ResponseWriter
	missing bool
}

func (u *unlessMissing) WriteHeader(status int) {
	if u.missing = status == http.StatusNotFound; !u.missing {
		u.ResponseWriter.WriteHeader(status)
	}
}

func (u *unlessMissing) Write(b []byte) (int, error) {
	if u.missing {
		return len(b), nil
	}
	return u.ResponseWriter.Write(b)
}
