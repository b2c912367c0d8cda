package apikey

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/internal/authorization"
	"github.com/gatewright/gate/strategy/internal/presented"
)

// The names of the fields in credentials.
const (
	field        = "apiKey"
	exposedField = "exposed"
)

// Parse implements [gate.Parser]. There is one key in one header and none in
// the URL; anything else is [gate.ErrBadRequest].
func (s *Strategy) Parse(r *http.Request) (gate.Credentials, bool, error) {
	var c gate.Credentials
	if text, ok := s.inQuery(r); ok {
		if s.cfg.Exposed == nil || !s.isKey(text) {
			return c, false, inURL()
		}
		c.SetText(exposedField, text)
		return c, true, nil
	}
	text, found, err := authorization.Credentials(r, "ApiKey")
	if err != nil {
		return c, false, err
	}
	values := r.Header[s.header]
	switch {
	case len(values) == 0 && !found:
		return c, false, nil
	case len(values) > 1 || len(values) == 1 && found:
		return c, false, authorization.Malformed("The API key must be sent once")
	case len(values) == 1:
		text = values[0]
	}
	if !presented.IsSecret(text) {
		return c, false, authorization.Malformed("The header must hold one API key and nothing else")
	}
	c.SetText(field, text)
	return c, true, nil
}

func inURL() error {
	return authorization.Malformed("An API key in a URL is known to others: send it in a header")
}

// shortestKey is as much as a parameter has to look like a key, whatever it is
// called, to be taken for one.
const shortestKey = 32

// inQuery returns the parameter of the URL that is a key, or is called one. It
// looks at what was sent rather than at what net/url makes of it: a key in a
// malformed query is in the log all the same.
func (s *Strategy) inQuery(r *http.Request) (text string, found bool) {
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		value = unescape(value)
		switch {
		case s.isKey(value) && len(value) >= shortestKey:
			return value, true
		case isKeyName(unescape(name)):
			text, found = value, true
		}
	}
	return text, found
}

func unescape(s string) string {
	if text, err := url.QueryUnescape(s); err == nil {
		return text
	}
	return s
}

// isKeyName reports whether a parameter is called api_key, or as others spell
// it: ApiKey, x-api-key.
func isKeyName(name string) bool {
	const longest = len("x-api-key") + 2 // a separator more than anybody uses
	if len(name) < len("apikey") || len(name) > longest {
		return false
	}
	name = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' {
			return -1
		}
		return r
	}, name)
	return strings.EqualFold(name, "apikey") || strings.EqualFold(name, "xapikey")
}

// isKey reports whether text has the form of a key, as far as it is known here:
// the rest is for the store.
func (s *Strategy) isKey(text string) bool {
	rest, ok := strings.CutPrefix(text, s.cfg.Prefix+"_")
	return ok && rest != "" && presented.IsSecret(text)
}
