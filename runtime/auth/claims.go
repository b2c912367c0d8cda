package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/outbound"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/oidc"
)

// A Profile is what an issuer says of somebody. Only Issuer and Subject say who
// it is; everything else may be empty, and may be another tomorrow.
type Profile struct {
	Issuer, Subject string
	Email           string
	// EmailVerified is true when the issuer says so with the boolean true, and
	// nothing else.
	EmailVerified                     bool
	Name, Nickname, Username, Picture string
	// Claims are those of the token, for what is not above. They are shared and
	// must not be changed.
	Claims *jose.Claims

	object map[string]any // where the above was found; nil when it was nowhere
}

// claim returns the claim at a path: the claim of that name, else what the words
// between the dots lead to. A name with "://" in it is never cut up.
func claim(claims map[string]any, path string) any {
	if v, ok := claims[path]; ok || strings.Contains(path, "://") {
		return v
	}
	var at any = claims
	for name := range strings.SplitSeq(path, ".") {
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[name]
	}
	return at
}

// words returns a claim that is a list of strings, or words in one string.
func words(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.Fields(v)
	case []string:
		return slices.Clone(v)
	}
	return list(v)
}

// list returns a claim that is a list of strings. One in which something else is
// says nothing.
func list(v any) []string {
	if v, ok := v.([]string); ok {
		return slices.Clone(v)
	}
	items, _ := v.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			return nil
		}
		out = append(out, s)
	}
	return out
}

// permissions leaves out wildcards: issuers that do not know of them let clients
// choose such names.
func permissions(list []string) []string {
	return slices.DeleteFunc(list, func(p string) bool { return p == "" || strings.Contains(p, "*") })
}

// isMachine reports whether a token is that of a program that logged in by
// itself: Auth0 says so in "gty" and in the subject, RFC 9068 §2.2 has the client
// as subject.
func isMachine(c *jose.Claims, subject string) bool {
	if gty, _ := c.String("gty"); gty == "client-credentials" {
		return true
	}
	for _, name := range []string{"azp", "client_id"} {
		// The subject has to be the client: people may be called …@clients.
		if id, _ := c.String(name); id != "" && (id == subject || id+"@clients" == subject) {
			return true
		}
	}
	return false
}

// profileOf reads what a token says of somebody: the object in the namespaced
// claim, else that in "user", else the claims of OpenID Connect Core 1.0 §5.1
// themselves.
func profileOf(c *jose.Claims, namespaced, subject string) Profile {
	p := Profile{Issuer: c.Issuer, Subject: subject, Claims: c}
	for _, name := range []string{namespaced, "user"} {
		if object, ok := c.Extra[name].(map[string]any); ok && about(object, subject) {
			p.read(object)
			return p
		}
	}
	if _, ok := c.Extra["email"].(string); ok {
		p.read(c.Extra)
	}
	return p
}

// about reports whether an object is not about somebody else.
func about(object map[string]any, subject string) bool {
	for _, name := range []string{"sub", "user_id"} {
		if id, ok := object[name].(string); ok && id != subject {
			return false
		}
	}
	return true
}

func (p *Profile) read(object map[string]any) {
	text := func(name string) string { s, _ := object[name].(string); return s }
	p.object = object
	p.Email = text("email")
	p.EmailVerified, _ = object["email_verified"].(bool)
	p.Name, p.Nickname, p.Picture = text("name"), text("nickname"), text("picture")
	if p.Username = text("username"); p.Username == "" {
		p.Username = text("preferred_username")
	}
}

// value returns what a field of the account is to be, nil when nothing is said
// of it.
func (p *Profile) value(source string) any {
	var text string
	switch source {
	case "sub":
		text = p.Subject
	case "email":
		text = p.Email
	case "email_verified":
		if p.object == nil {
			return nil
		}
		return p.EmailVerified
	case "name":
		text = p.Name
	case "nickname":
		text = p.Nickname
	case "username":
		text = p.Username
	case "picture":
		text = p.Picture
	default:
		if v := claim(p.object, source); v != nil {
			return v
		}
		return claim(p.Claims.Extra, source)
	}
	if text == "" {
		return nil
	}
	return text
}

const (
	// silentFor is how long an issuer is not asked again about whom it says
	// nothing, and not where it tells.
	silentFor = 10 * time.Minute
	// failingFor is how long an issuer is not asked again that failed.
	failingFor = 15 * time.Second
)

// userInfo asks the issuer who the bearer of a token is (OpenID Connect Core 1.0
// §5.3). An issuer that does not say is no error. One that fails is not asked
// again for a moment: not at all where it failed for everybody, else not about
// the one person.
func (h *people) userInfo(ctx context.Context, p *Profile, token string) error {
	now := h.auth.opts.Now()
	if !slices.Contains(p.Claims.Audience, strings.TrimSuffix(p.Issuer, "/")+"/userinfo") || h.silent.known(p.Subject, now) {
		return nil
	}
	for _, who := range []string{everybody, p.Subject} {
		if why, failing := h.failing.get(who, now); failing {
			return unavailable(fmt.Errorf("user info of %s: it failed a moment ago: %s", p.Issuer, why))
		}
	}
	failed, err := h.askIssuer(ctx, p, token)
	if err != nil && ctx.Err() == nil { // else it is the caller who went away
		h.failing.put(failed, err.Error(), h.auth.opts.Now(), failingFor)
	}
	return err
}

// everybody is the subject of failures that are about no one person; no token
// has it.
const everybody = ""

// askIssuer is userInfo without the memory of failures. With an error it says
// about whom the issuer failed: everybody, or this one subject.
func (h *people) askIssuer(ctx context.Context, p *Profile, token string) (failed string, err error) {
	from, err := h.infoURL(ctx, p.Issuer)
	if err != nil {
		return everybody, unavailable(err)
	}
	if from == "" {
		return "", nil
	}
	quiet := func() { h.silent.put(p.Subject, "", h.auth.opts.Now(), silentFor) }
	doc, err := h.client.GetAs(ctx, from, "application/json", token)
	status, answered := errors.AsType[outbound.StatusError](err)
	_, unreachable := errors.AsType[net.Error](err)
	switch {
	case answered && (status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound):
		quiet()
		return "", nil
	case unreachable || answered && status >= http.StatusInternalServerError:
		failed = everybody
	default: // 429 above all, and what somebody can bring about for themselves
		failed = p.Subject
	}
	if err != nil {
		return failed, unavailable(fmt.Errorf("user info of %s: %w", p.Issuer, err))
	}
	v, err := strictjson.Decode(doc.Body, 16)
	object, ok := v.(map[string]any)
	if err != nil || !ok || object["sub"] != p.Subject {
		quiet()
		return p.Subject, unavailable(errors.Join(fmt.Errorf("user info of %s: not an object about the subject of the token", p.Issuer), err))
	}
	p.read(object)
	if p.Email == "" {
		quiet()
	}
	return "", nil
}

// infoURL returns where an issuer tells, "" if it does not.
func (h *people) infoURL(ctx context.Context, issuer string) (string, error) {
	if from, ok := h.told.get(issuer, h.auth.opts.Now()); ok {
		return from, nil
	}
	m, err := oidc.Discover(ctx, issuer, oidc.Options{})
	if err != nil {
		return "", err
	}
	h.told.put(issuer, m.UserInfoURL, h.auth.opts.Now(), silentFor)
	return m.UserInfoURL, nil
}

// unavailable says that err kept somebody from being recognised.
func unavailable(err error) error {
	if errors.Is(err, gate.ErrUnavailable) {
		return err
	}
	return &gate.AuthError{Code: gate.ErrUnavailable, Err: err}
}

// authTime returns when somebody proved who they are: "auth_time", which jwt has
// read, or the claim that an issuer puts there which keeps that name to itself.
func authTime(p *gate.Principal, name string) time.Time {
	at, ok := p.Claims.Time(name)
	if !p.AuthenticatedAt.IsZero() || !ok || !p.Claims.IssuedAt.IsZero() && at.After(p.Claims.IssuedAt) {
		return p.AuthenticatedAt
	}
	return at
}

// asJSON returns a claim as it can be stored.
func asJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}
