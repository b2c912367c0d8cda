package config

import (
	"net/url"
	"strings"
)

// either reads a setting that has two names. Both may stand there when they say
// the same.
func (l *loader) either(name, other string, read func(name string) string) string {
	value, second := read(name), read(other)
	if value != "" && second != "" && value != second {
		l.bad(other, "and "+name+" say two things", "keep one of them")
	}
	if value == "" {
		return second
	}
	return value
}

// issuer reads an issuer identifier (OpenID Connect Core 1.0 §2). It stays as it
// is written: tokens have to name it byte by byte.
func (l *loader) issuer(name string) string {
	raw := l.get(name)
	if raw == "" {
		return ""
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(raw, "?#| "):
		l.bad(name, "must be scheme, host and perhaps a path",
			"for instance "+name+"=https://login.example.com/, with a slash at the end if the issuer writes one")
	case strings.Contains(u.Path, "/.well-known/"):
		l.bad(name, "is the address of a document", "leave out what begins with .well-known")
	case !private(u):
		l.bad(name, "must begin with https://", "http:// is for this machine only: localhost, 127.0.0.1, [::1]")
	case name == keyAuth0Issuer && !strings.HasSuffix(raw, "/"):
		l.bad(name, "has no slash at the end, which tokens of Auth0 have",
			"write it, or name an issuer of another kind in "+keyIssuer)
	}
	return raw
}

func (l *loader) audience(name string) string {
	return l.word(name, "for instance "+name+"=https://api.example.com")
}

// word reads a setting that is one name.
func (l *loader) word(name, hint string) string {
	raw := l.get(name)
	switch {
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		l.bad(name, "must be one name", hint)
	case strings.ContainsAny(raw, "{}<>") || strings.HasPrefix(raw, "AUTH0_") || strings.HasPrefix(strings.ToLower(raw), "your_"):
		l.bad(name, "was copied from an example", "write what the tenant says")
	}
	return raw
}

// auth0 reads what pages are told.
func (l *loader) auth0() Auth0 {
	a := Auth0{
		Domain: l.word(keyAuth0Domain, ""), ClientID: l.word(keyAuth0Client, ""),
		RedirectURI: l.page(keyAuth0Redirect), LogoutRedirectURI: l.page(keyAuth0Logout), Scope: l.get(keyAuth0Scope),
	}
	if u, err := url.Parse("https://" + a.Domain); a.Domain != "" && (err != nil || u.Host != a.Domain || u.Hostname() == "") {
		l.bad(keyAuth0Domain, "must be a host, without scheme and path", "for instance AUTH0_DOMAIN=tenant.eu.auth0.com")
	}
	return a
}

// page reads the address of a page: a path, or a URL.
func (l *loader) page(name string) string {
	raw := l.get(name)
	u, err := url.Parse(raw)
	switch {
	case raw == "":
	case err != nil || u.User != nil || u.Fragment != "" || strings.HasPrefix(raw, "//") || u.Host == "" && !strings.HasPrefix(raw, "/"):
		l.bad(name, "must be a path or a URL", "for instance "+name+"=/auth-callback")
	case u.Host != "" && !private(u):
		l.bad(name, "must begin with https://", "http:// is for this machine only: localhost, 127.0.0.1, [::1]")
	}
	return raw
}
