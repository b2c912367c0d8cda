package jose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gatewright/gate/internal/strictjson"
)

// Claims are what a token asserts (RFC 7519 §4): the registered claims by their
// names, everything else in Extra. The zero value asserts nothing, and [Sign]
// refuses it.
//
// Claims that [Verifier.Verify] returns are shared with whoever presents the
// same token and must not be changed; reading them concurrently is safe.
type Claims struct {
	// Issuer is "iss", who made the token.
	Issuer string
	// Subject is "sub", whom the token is about.
	Subject string
	// Audience is "aud", whom the token is for.
	Audience []string
	// Expiry is "exp"; from then on the token is worthless.
	Expiry time.Time
	// NotBefore is "nbf"; before it the token is worthless. Zero means absent.
	NotBefore time.Time
	// IssuedAt is "iat". Zero means absent.
	IssuedAt time.Time
	// ID is "jti", one name for one token.
	ID string
	// Extra holds all other claims. In a verified token the values are nil,
	// bool, string, json.Number, []any and map[string]any.
	Extra map[string]any
}

// String returns the further claim name when it is a string.
func (c *Claims) String(name string) (string, bool) {
	s, ok := c.Extra[name].(string)
	return s, ok
}

// Strings returns the further claim name when it is a list of strings. The list
// is the caller's own.
func (c *Claims) Strings(name string) ([]string, bool) {
	switch list := c.Extra[name].(type) {
	case []string:
		return slices.Clone(list), true
	case []any:
		out := make([]string, len(list))
		for i, v := range list {
			s, ok := v.(string)
			if !ok {
				return nil, false
			}
			out[i] = s
		}
		return out, true
	default:
		return nil, false
	}
}

// Bool returns the further claim name when it is true or false.
func (c *Claims) Bool(name string) (value, ok bool) {
	value, ok = c.Extra[name].(bool)
	return value, ok
}

// Int64 returns the further claim name when it is a whole number that an int64
// holds, written without a fraction and without an exponent.
func (c *Claims) Int64(name string) (int64, bool) {
	switch n := c.Extra[name].(type) {
	case json.Number:
		i, err := strconv.ParseInt(n.String(), 10, 64)
		return i, err == nil
	case int64:
		return n, true
	case int:
		return int64(n), true
	default:
		return 0, false
	}
}

// Float64 returns the further claim name when it is a number.
func (c *Claims) Float64(name string) (float64, bool) {
	switch n := c.Extra[name].(type) {
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	case float64:
		return n, true
	case int64:
		return float64(n), true
	case int:
		return float64(n), true
	default:
		return 0, false
	}
}

// Time returns the further claim name when it is a time in seconds since 1970,
// as for example "auth_time" is.
func (c *Claims) Time(name string) (time.Time, bool) {
	f, ok := c.Float64(name)
	if !ok || f < 0 || f > maxSeconds {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0), true
}

// Clone returns a copy of c whose fields may be changed. The values in Extra are
// still shared.
func (c *Claims) Clone() *Claims {
	clone := *c
	clone.Audience = slices.Clone(c.Audience)
	clone.Extra = maps.Clone(c.Extra)
	return &clone
}

// MarshalJSON implements [json.Marshaler]. The order is fixed: further claims by
// name, then iat, nbf, exp, aud, iss, sub, jti; claims that are zero are left
// out, an audience of one is a string, and times are whole seconds. A registered
// claim in Extra is an error.
func (c *Claims) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 256), '{')
	for _, name := range slices.Sorted(maps.Keys(c.Extra)) {
		if registered(strictjson.Fold(name)) {
			return nil, fmt.Errorf("marshal claims: %q is a registered claim, not an extra one", name)
		}
		value, err := marshal(c.Extra[name])
		if err != nil {
			return nil, fmt.Errorf("marshal claim %q: %w", name, err)
		}
		b = append(appendName(b, name), value...)
	}
	b = appendTime(b, "iat", c.IssuedAt)
	b = appendTime(b, "nbf", c.NotBefore)
	b = appendTime(b, "exp", c.Expiry)
	switch len(c.Audience) {
	case 0:
	case 1:
		b = appendString(appendName(b, "aud"), c.Audience[0])
	default:
		b = append(appendName(b, "aud"), '[')
		for i, a := range c.Audience {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, a)
		}
		b = append(b, ']')
	}
	b = appendText(b, "iss", c.Issuer)
	b = appendText(b, "sub", c.Subject)
	b = appendText(b, "jti", c.ID)
	return append(b, '}'), nil
}

// registered reports whether name is one of the claims of RFC 7519 §4.1.
func registered(name string) bool {
	switch name {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti":
		return true
	default:
		return false
	}
}

func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

func appendName(b []byte, name string) []byte {
	if len(b) > 1 {
		b = append(b, ',')
	}
	return append(appendString(b, name), ':')
}

func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return strconv.AppendInt(appendName(b, name), t.Unix(), 10)
}

func appendText(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendString(appendName(b, name), text)
}

// appendString appends s as a JSON string. Invalid UTF-8 stays what it is, for
// the strict parser to refuse.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		if start = i + 1; c < ' ' {
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		} else {
			b = append(b, '\\', c)
		}
	}
	return append(append(b, s[start:]...), '"')
}

// parseClaims reads the claims of a token whose signature holds. What it does
// not check: whether they are the right ones.
func parseClaims(text string, c *Claims) error {
	return parseObject(text, func(r *reader, name string) (err error) {
		switch name {
		case "iss":
			c.Issuer, err = textValue(r)
		case "sub":
			c.Subject, err = textValue(r)
		case "jti":
			c.ID, err = textValue(r)
		case "aud":
			c.Audience, err = audience(r, c.Audience)
		case "exp":
			c.Expiry, err = numericTime(r)
		case "nbf":
			c.NotBefore, err = numericTime(r)
		case "iat":
			c.IssuedAt, err = numericTime(r)
		default:
			if registered(strictjson.Fold(name)) { // in another case: somebody else would take it for the claim
				return errCase
			}
			if c.Extra == nil {
				c.Extra = make(map[string]any)
			}
			c.Extra[name], err = r.Value()
		}
		return err
	})
}

func numericTime(r *reader) (time.Time, error) {
	seconds, nanoseconds, err := numericDate(r)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(seconds, nanoseconds), nil
}

// audience reads one string or a list of them, and appends them to list.
func audience(r *reader, list []string) ([]string, error) {
	if r.Peek() != '[' {
		a, err := textValue(r)
		return append(list, a), err
	}
	err := r.Array(func(r *reader) error {
		a, err := textValue(r)
		list = append(list, a)
		return err
	})
	return list, err
}
