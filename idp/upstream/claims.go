package upstream

import (
	"encoding/json"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gatewright/gate/jose"
)

// The bounds of what a profile holds.
const (
	maxSubject = 255
	maxUserID  = 255 // with provider and connection in front
	maxText    = 300
	maxEmail   = 254
	maxPicture = 2048
)

// standard returns the profile that claims of OpenID Connect Core 1.0 §5.1 make,
// without the account and without the e-mail address.
func standard(m map[string]any) *Profile {
	return &Profile{
		Name: text(m["name"]), Nickname: text(m["nickname"]), GivenName: text(m["given_name"]), FamilyName: text(m["family_name"]),
		Picture: picture(m["picture"]), Username: text(m["preferred_username"]), Locale: text(m["locale"]), Raw: m,
	}
}

// setEmail sets the address, and that it is verified when it is there and said
// to be so in the same breath.
func (p *Profile) setEmail(address, verified any, rule emailRule) {
	p.Email, p.EmailVerified = email(address), false
	switch said := verified.(type) {
	case bool:
		p.EmailVerified = said && rule != emailNever
	case string:
		p.EmailVerified = said == "true" && rule == emailText
	}
	p.EmailVerified = p.EmailVerified && p.Email != ""
}

// raw returns claims as one object.
func raw(c *jose.Claims) map[string]any {
	m := maps.Clone(c.Extra)
	if m == nil {
		m = make(map[string]any)
	}
	m["iss"], m["sub"] = c.Issuer, c.Subject
	return m
}

// subject reports whether s can name an account (OpenID Connect Core 1.0 §2).
func subject(s string) bool {
	return s != "" && len(s) <= maxSubject && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// id returns the name of an account, which is a text or a whole number that is
// not zero.
func id(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, subject(v)
	case json.Number:
		n, err := strconv.ParseUint(v.String(), 10, 64)
		return v.String(), err == nil && n > 0
	case int:
		return strconv.Itoa(v), v > 0
	case int64:
		return strconv.FormatInt(v, 10), v > 0
	}
	return "", false
}

func text(v any) string {
	s, _ := v.(string)
	return clean(s, maxText)
}

// clean returns at most n bytes of s without what could change how the text
// around it looks: no control characters, and none that turn the direction.
func clean(s string, n int) string {
	if len(s) > n {
		s = s[:n] // half a character at the end goes below
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.In(r, unicode.Cf) && r != '\u200d' && r != '\u200c':
			return -1
		case unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// email returns the address in v when it is exactly one, and plain: no blanks,
// no list, no quoting.
func email(v any) string {
	s, _ := v.(string)
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || domain == "" || len(s) > maxEmail || !utf8.ValidString(s) || strings.ContainsAny(s, `,;:<>()[]\"`) ||
		strings.Contains(domain, "@") || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}

// domain returns the part of an address after its "@", in small letters.
func domain(address string) string {
	_, d, _ := strings.Cut(address, "@")
	return strings.ToLower(d)
}

// picture returns the URL in v when it is https.
func picture(v any) string {
	s, _ := v.(string)
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(s) > maxPicture {
		return ""
	}
	return u.String()
}
