package login

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed templates texts mails assets
var files embed.FS

// Config is the looks of a tenant.
type Config struct {
	// Name is the tenant's name as people know it. Required.
	Name string
	// Logo stands in the place of mark and name; the zero value shows these.
	Logo Logo
	// Accent is the colour of buttons and links; the zero value is spruce.
	Accent Accent
	// SupportURL, PrivacyURL and TermsURL are linked below each page: http,
	// https or mailto. Empty leaves the link out.
	SupportURL, PrivacyURL, TermsURL string
	// Languages are those offered, of en, de and fr; the first answers whoever
	// asks for none of them. Nil means all three, English first.
	Languages []string
	// Texts replaces single messages: language, then key, then text. The keys
	// are those of [Keys]; a text may use the slots of the message it replaces.
	Texts map[string]map[string]string
	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

// Pages draws the pages of a tenant. It is safe for concurrent use; [New] makes
// one.
type Pages struct {
	name      string
	languages *languages
	speakers  map[string]*speaker
	pages     map[string]*template.Template
	assets    map[string]asset
	chrome    chrome
	now       func() time.Time
}

// chrome is what all pages of a tenant have around them.
type chrome struct {
	// Name is the tenant's.
	Name string
	// Style, Brand, Icon, Logo and the scripts are paths of assets; Brand and
	// Logo may be empty.
	Style, Brand, Icon, Logo               string
	RevealScript, HopScript, MessageScript string
	// SupportURL, PrivacyURL and TermsURL lead elsewhere, if anywhere.
	SupportURL, PrivacyURL, TermsURL string
}

// New checks the configuration and prepares the pages. The error names every
// setting that is wrong.
func New(cfg Config) (*Pages, error) {
	p := &Pages{name: cfg.Name, now: cfg.Now, assets: make(map[string]asset)}
	if p.now == nil {
		p.now = time.Now
	}
	var errs []error
	if strings.TrimSpace(cfg.Name) == "" {
		errs = append(errs, errors.New("name: the tenant needs a name"))
	}
	for key, raw := range map[string]string{"support URL": cfg.SupportURL, "privacy URL": cfg.PrivacyURL, "terms URL": cfg.TermsURL} {
		if err := checkOutside(raw); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	p.chrome = chrome{Name: cfg.Name, SupportURL: cfg.SupportURL, PrivacyURL: cfg.PrivacyURL, TermsURL: cfg.TermsURL}
	var err error
	if p.languages, err = newLanguages(cfg.Languages); err != nil {
		errs = append(errs, err)
	} else if p.speakers, err = speakers(p.languages.tags, cfg.Texts); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, p.addAssets(cfg))
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("login pages: %w", err)
	}
	p.pages, err = parsePages()
	return p, err
}

// checkOutside accepts nothing, a web address or a mail address.
func checkOutside(raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return fmt.Errorf("%q is no address", raw)
	case u.Scheme == "mailto" && u.Opaque != "", (u.Scheme == "https" || u.Scheme == "http") && u.Host != "":
		return nil
	}
	return fmt.Errorf("%q is neither http, https nor mailto", raw)
}

// parsePages reads the templates; each page is the layout with its own middle.
func parsePages() (map[string]*template.Template, error) {
	layout, err := template.ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "templates/pages/*.html")
	if err != nil {
		return nil, err
	}
	pages := make(map[string]*template.Template)
	for _, name := range names {
		t, err := layout.Clone()
		if err == nil {
			t, err = t.ParseFS(files, name)
		}
		if err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(strings.TrimPrefix(name, "templates/pages/"), ".html")] = t
	}
	return pages, nil
}

// Language returns the language to speak: the first that is offered of
// uiLocales (OpenID Connect Core §3.1.2.1, space-separated), then of an
// Accept-Language header, then the first that is offered. Both may be empty or
// nonsense.
func (p *Pages) Language(uiLocales, acceptLanguage string) string {
	return p.languages.choose(uiLocales, acceptLanguage)
}

// language is that of a request: its own parameter, then that of the
// transaction, then the browser's.
func (p *Pages) language(r *http.Request, locales string) string {
	return p.Language(r.URL.Query().Get(FieldLocales)+" "+locales, r.Header.Get("Accept-Language"))
}
