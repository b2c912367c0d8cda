package tenant

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// The secrets in the options of a connection. An option with the name of a
// secret is one as a whole, whatever it holds. Elsewhere in the options each
// text, number and list is a secret that has such a name itself, or is within an
// object that has.

// SecretOption reports whether an option of a connection, or a member within
// one, is a secret as far as its name tells, however it is spelt: api_key,
// x-api-key, apiKey. Of an object that is one, every value is: of headers for
// example, since nobody can say which of them lets somebody in.
func SecretOption(name string) bool {
	lower := strings.ToLower(name)
	plain := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_. ", r) {
			return -1
		}
		return r
	}, lower)
	within := func(part string) bool { return strings.Contains(plain, part) }
	atEnd := func(part string) bool { return strings.HasSuffix(plain, part) }
	return slices.ContainsFunc([]string{"secret", "private", "credential", "configuration", "passphrase", "apikey"}, within) ||
		slices.ContainsFunc([]string{"token", "password", "passwd", "pwd", "authorization", "bearer", "cookie", "headers"}, atEnd) ||
		strings.HasSuffix(name, "Key") || slices.ContainsFunc([]string{"_key", "-key", ".key"}, func(end string) bool { return strings.HasSuffix(lower, end) }) ||
		slices.Contains([]string{"auth", "key", "pass", "pin"}, plain)
}

// sealedOption reports whether an option is, or holds, a secret as a whole.
func sealedOption(name string) bool { return SecretOption(name) || name == "gateway_authentication" }

func (c *Connection) eachSecret(fn func(string) (string, error)) error {
	o := &c.Options
	if err := replace(fn, &o.ClientSecret); err != nil {
		return err
	}
	for name, value := range o.Apple {
		text, err := fn(value)
		if err != nil {
			return err
		}
		o.Apple[name] = text
	}
	if err := eachSecretMember(o.Extra, sealedOption, fn); err != nil {
		return err
	}
	var err error
	for name, value := range o.Extra {
		if sealedOption(name) {
			continue
		}
		if o.Extra[name], err = eachSecretWithin(value, fn); err != nil {
			return err
		}
	}
	o.UpstreamParams, err = eachSecretWithin(o.UpstreamParams, fn)
	return err
}

// eachSecretWithin replaces the secrets in the objects and lists of an option.
// One without secrets stays as it is written.
func eachSecretWithin(raw json.RawMessage, fn func(string) (string, error)) (json.RawMessage, error) {
	value, ok := nested(raw)
	if !ok {
		return raw, nil
	}
	w := secretWalk{fn: fn}
	value, err := w.value(value, false)
	if err != nil || !w.changed {
		return raw, err
	}
	return json.Marshal(value)
}

// nested returns the value of an option that has others in it.
func nested(raw json.RawMessage) (value any, ok bool) {
	if len(raw) == 0 || raw[0] != '{' && raw[0] != '[' {
		return nil, false
	}
	value, err := decoded(raw)
	return value, err == nil
}

// decoded returns a value with its numbers as they are written.
func decoded(raw []byte) (value any, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return value, dec.Decode(&value)
}

// A secretWalk replaces secrets in a value.
type secretWalk struct {
	fn      func(string) (string, error)
	changed bool
}

// value returns what takes the place of a value; nil when nothing does.
func (w *secretWalk) value(value any, secret bool) (any, error) {
	var err error
	switch {
	case secret && isSecret(value):
		return w.replaced(value)
	case secret && isList(value):
		return value, nil // of nothing that could be one
	}
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			next, err := w.value(member, secret || SecretOption(name))
			switch {
			case err != nil:
				return nil, err
			case next == nil && member != nil:
				delete(value, name)
			default:
				value[name] = next
			}
		}
	case []any:
		for i, item := range value {
			if value[i], err = w.value(item, false); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

func (w *secretWalk) replaced(value any) (any, error) {
	text, sealed := value.(string)
	if !sealed || !strings.HasPrefix(text, sealedPrefix) {
		data, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		text = string(data)
	}
	text, err := w.fn(text)
	if errors.Is(err, errNotSealed) {
		return value, nil
	}
	if err != nil {
		return nil, err
	}
	w.changed = true
	switch {
	case text == "":
		return nil, nil
	case strings.HasPrefix(text, sealedPrefix):
		return text, nil
	}
	return decoded([]byte(text))
}

// isSecret reports whether a value below the name of a secret is one: switches
// are not, and objects are by their members.
func isSecret(value any) bool {
	switch value := value.(type) {
	case string:
		return value != ""
	case json.Number:
		return true
	case []any:
		return slices.ContainsFunc(value, holdsSecret)
	}
	return false
}

func holdsSecret(value any) bool {
	if object, ok := value.(map[string]any); ok {
		for _, member := range object {
			if holdsSecret(member) {
				return true
			}
		}
	}
	return isSecret(value)
}

func isList(value any) bool {
	_, ok := value.([]any)
	return ok
}

// Moved returns the name of an option by which secrets would go elsewhere than
// by those of old; empty when they go where they went.
func (o *ConnectionOptions) Moved(old *ConnectionOptions) string {
	for _, option := range []struct{ name, here, there string }{
		{"client_id", o.ClientID, old.ClientID},
		{"issuer", o.Issuer, old.Issuer},
		{"discovery_url", o.DiscoveryURL, old.DiscoveryURL},
		{"tokenURL", o.TokenURL, old.TokenURL},
		{"userInfoURL", o.UserInfoURL, old.UserInfoURL},
	} {
		if option.here != option.there {
			return option.name
		}
	}
	for _, name := range []string{"domain", "tenant_domain", "token_endpoint", "userinfo_endpoint", "oidc_metadata", "base_url", "gateway_url", "imitation"} {
		if !sameJSON(o.Extra[name], old.Extra[name]) {
			return name
		}
	}
	return ""
}

// sameJSON reports whether two values are the same, however they are written.
func sameJSON(a, b json.RawMessage) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	left, errLeft := decoded(a)
	right, errRight := decoded(b)
	return errLeft == nil && errRight == nil && reflect.DeepEqual(left, right)
}

// adoptSecrets gives a connection the secrets of the one that it takes the place
// of, as far as it comes without. It is refused when they would go elsewhere.
func (c *Connection) adoptSecrets(old *Connection) error {
	o, was := &c.Options, &old.Options
	var k keeping
	if o.ClientSecret == "" && was.ClientSecret != "" {
		o.ClientSecret = was.ClientSecret
		k.note("client_secret")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Apple)) {
		if o.Apple[name] == "" && was.Apple[name] != "" {
			o.Apple[name] = was.Apple[name]
			k.note("apple." + name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was.Extra)) {
		value, ok := o.Extra[name]
		switch {
		case ok && !sealedOption(name):
			o.Extra[name] = k.within(name, value, was.Extra[name])
		case !ok && sealedOption(name):
			if o.Extra == nil {
				o.Extra = Extra{}
			}
			o.Extra[name] = was.Extra[name]
			k.note(name)
		}
	}
	o.UpstreamParams = k.within("upstream_params", o.UpstreamParams, was.UpstreamParams)
	if moved := o.Moved(was); moved != "" && k.first != "" {
		return wrong("options."+k.first, "is not in this line, and what is stored would go elsewhere, by another options."+moved+
			": write the secret itself here, or change options."+moved+" at the provider first, which drops it")
	}
	return nil
}

// A keeping has secrets stay that were left out.
type keeping struct {
	first string // path of the first that stays
	n     int
}

func (k *keeping) note(path string) {
	if k.n++; k.first == "" {
		k.first = path
	}
}

// within returns an option with the secrets that the one before has in it.
func (k *keeping) within(path string, raw, before json.RawMessage) json.RawMessage {
	value, ok := nested(raw)
	old, okOld := nested(before)
	if !ok || !okOld {
		return raw
	}
	n := k.n
	k.value(path, value, old, false)
	if k.n == n {
		return raw
	}
	data, err := json.Marshal(value)
	if err != nil {
		return raw // what was decoded always encodes
	}
	return data
}

func (k *keeping) value(path string, value, old any, secret bool) {
	switch value := value.(type) {
	case map[string]any:
		before, _ := old.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(before)) {
			member, ok := value[name]
			named, at := secret || SecretOption(name), path+"."+name
			switch {
			case ok:
				k.value(at, member, before[name], named)
			case named && isSecret(before[name]):
				value[name] = before[name]
				k.note(at)
			}
		}
	case []any:
		before, _ := old.([]any)
		for i := range min(len(value), len(before)) {
			if !secret {
				k.value(path+"["+strconv.Itoa(i)+"]", value[i], before[i], false)
			}
		}
	}
}
