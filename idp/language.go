package idp

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/login"
)

// languageCookie has the language of the last log-in that asked for one, for the
// pages of this browser that belong to none: after a log-out, and of errors.
const languageCookie = "gate_language"

// remember keeps the language that a log-in asks for, and forgets that of the
// one before when it asks for none.
func (p *Provider) remember(w http.ResponseWriter, r *http.Request, q *request) {
	chosen := ""
	if q.Locales != "" {
		chosen = p.pages(r).Language(q.Locales, r.Header.Get("Accept-Language"))
	}
	if chosen != p.cookie(r, languageCookie) {
		p.setCookie(w, languageCookie, chosen, 0)
	}
}

// locales are what a page or a letter of no log-in is written in: what its
// address says, else what the last log-in of the browser asked for.
func (p *Provider) locales(r *http.Request) string {
	return cmp.Or(r.URL.Query().Get(login.FieldLocales), p.cookie(r, languageCookie))
}

// another is the page on which somebody types another address than the one that
// a letter went to.
func another(r *http.Request, state string) string {
	if r.URL.Path == "/u/signup" {
		return "/u/signup?state=" + state
	}
	return "/u/login?state=" + state
}

// The pages that show again in another language, by a sealed request.
const (
	consentPath    = "/u/consent"
	confirmPath    = "/u/confirm-email"
	forgotSentPath = "/u/reset-password/sent"
)

// here is the address at which a page of a log-in shows again.
func here(path, state string) string { return path + "?state=" + state }

// again is the address at which a page of no log-in shows in another language:
// that of one that only asks, or says what is wrong with it.
func again(r *http.Request) string {
	here := r.URL.RequestURI()
	known := strings.HasPrefix(r.URL.Path, "/u/") || slices.Contains([]string{"/authorize", "/v2/logout", "/oidc/logout"}, r.URL.Path)
	if r.Method != http.MethodGet || !known || len(here) > 2048 || strings.ContainsAny(here, "\\\t\r\n") {
		return ""
	}
	return here
}

// speaking returns the link of a letter whose page speaks the language of the
// letter; links to elsewhere stay as they are.
func (p *Provider) speaking(link, language string) string {
	before, mark, found := strings.Cut(link, "#")
	if !strings.HasPrefix(before, p.base+"/u/") || !strings.Contains(before, "?ticket=") {
		return link
	}
	before += "&" + login.FieldLocales + "=" + language
	if found {
		before += "#" + mark
	}
	return before
}
