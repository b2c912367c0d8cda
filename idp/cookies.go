package idp

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/gatewright/gate/internal/secret"
)

// The cookies of the provider. On https they are bound to the host and also sent
// when another site asks in a frame (silent authentication) or by a form (Apple).
const (
	sessionCookie = "gate_session"
	browserCookie = "gate_browser"
)

func (p *Provider) cookieName(name string) string {
	if p.secure {
		return "__Host-" + name
	}
	return name
}

func (p *Provider) setCookie(w http.ResponseWriter, name, value string, maxAge time.Duration) {
	c := &http.Cookie{Name: p.cookieName(name), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if p.secure {
		c.Secure, c.SameSite = true, http.SameSiteNoneMode
	}
	switch {
	case value == "":
		c.MaxAge = -1
	case maxAge > 0:
		c.MaxAge = int(maxAge / time.Second)
	}
	http.SetCookie(w, c)
}

// cookie returns the value of a cookie; when there are two of a name, none.
func (p *Provider) cookie(r *http.Request, name string) string {
	found := r.CookiesNamed(p.cookieName(name))
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}

// browser returns the secret of the browser, which gets one if it has none.
func (p *Provider) browser(w http.ResponseWriter, r *http.Request) string {
	text := p.cookie(r, browserCookie)
	if len(text) == 43 {
		return text
	}
	text = secret.Text().Reveal()
	p.setCookie(w, browserCookie, text, 0)
	return text
}

func hashText(text string) string {
	sum := secret.Hash(text)
	return hex.EncodeToString(sum[:16])
}

func (p *Provider) browserHash(r *http.Request) string {
	text := p.cookie(r, browserCookie)
	if text == "" {
		return ""
	}
	return hashText(text)
}
