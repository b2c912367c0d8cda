package actions

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/actions/internal/sandbox"
	"github.com/gatewright/gate/idp/internal/shape"
)

// maxClaims bounds the custom claims of a token, in bytes of JSON.
const maxClaims = 100 << 10

// A decision collects what the actions of a trigger asked for.
type decision struct {
	runner  *Runner
	flow    *Flow
	trigger Trigger
	result  PostLoginResult
	action  *Action // whose records are applied
}

func newDecision(r *Runner, flow *Flow, prior PostLoginResult) *decision {
	d := &decision{runner: r, flow: flow, trigger: TriggerPostLogin, result: prior}
	// What the caller keeps of prior is not written to.
	d.result.AccessToken.Claims = maps.Clone(prior.AccessToken.Claims)
	d.result.AccessToken.AddScope = slices.Clone(prior.AccessToken.AddScope)
	d.result.AccessToken.RemoveScope = slices.Clone(prior.AccessToken.RemoveScope)
	d.result.IDToken = maps.Clone(prior.IDToken)
	d.result.AppMetadata = maps.Clone(prior.AppMetadata)
	d.result.UserMetadata = maps.Clone(prior.UserMetadata)
	d.result.TransactionMetadata = maps.Clone(prior.TransactionMetadata)
	d.result.Methods = slices.Clone(prior.Methods)
	d.result.Session.Metadata = maps.Clone(prior.Session.Metadata)
	d.result.RefreshToken.Metadata = maps.Clone(prior.RefreshToken.Metadata)
	return d
}

// apply adds the calls of one action. When one of them refuses, all that is left
// is metadata.
func (d *decision) apply(ctx context.Context, a *Action, records []sandbox.Record) error {
	d.action = a
	for i := range records {
		if err := d.one(ctx, &records[i]); err != nil {
			return &Error{Action: a.Name, Kind: err, Message: "api." + records[i].Op}
		}
	}
	if d.result.Redirect != nil && d.result.Challenge != nil {
		return &Error{Action: a.Name, Kind: ErrUnsupported, Message: "a redirect and a challenge in one action"}
	}
	for _, claims := range []map[string]any{d.result.AccessToken.Claims, d.result.IDToken} {
		if text, err := json.Marshal(claims); err != nil || len(text) > maxClaims {
			return &Error{Action: a.Name, Kind: ErrLimit, Message: fmt.Sprintf("claims of more than %d bytes", maxClaims)}
		}
	}
	if d.result.Deny != nil {
		d.result = PostLoginResult{
			Deny: d.result.Deny, AppMetadata: d.result.AppMetadata, UserMetadata: d.result.UserMetadata,
		}
	}
	return nil
}

// one applies one call. The error is a kind.
func (d *decision) one(ctx context.Context, r *sandbox.Record) error {
	object, method, _ := strings.Cut(r.Op, ".")
	switch object {
	case "access":
		return d.deny(r)
	case "accessToken":
		return d.accessToken(ctx, method, r)
	case "idToken":
		return d.claim(ctx, &d.result.IDToken, r)
	case "user":
		return d.user(method, r)
	case "transaction":
		return set((*map[string]any)(&d.result.TransactionMetadata), r)
	case "multifactor":
		return d.multifactor(r)
	case "authentication":
		return d.authentication(method, r)
	case "redirect":
		return d.redirect(r)
	case "session":
		return d.session(&d.result.Session, method, r)
	case "refreshToken":
		return d.session(&d.result.RefreshToken, method, r)
	case "validation":
		return d.validation(r)
	case "samlResponse":
		d.drop(ctx, r.Op, "there is no SAML")
		return nil
	default:
		return ErrUnsupported
	}
}

func (d *decision) drop(ctx context.Context, what, why string) {
	d.runner.cfg.Logger.WarnContext(ctx, "action call dropped", "action", d.action.Name, "call", what, "why", why)
}

// arg decodes an argument, and leaves v alone when there is none.
func arg(r *sandbox.Record, i int, v any) error {
	if i >= len(r.Args) {
		return nil
	}
	if err := json.Unmarshal(r.Args[i], v); err != nil {
		return ErrUnsupported
	}
	return nil
}

func (d *decision) deny(r *sandbox.Record) error {
	var first, second string
	if err := arg(r, 0, &first); err != nil {
		return err
	}
	if err := arg(r, 1, &second); err != nil && d.trigger != TriggerPostLogin {
		return err
	}
	if d.result.Deny != nil {
		return nil // the first one counts
	}
	first, second = short(first), short(second)
	deny := &Deny{Action: d.action.Name, Code: "access_denied", Reason: first}
	switch d.trigger {
	case TriggerCredentialsExchange:
		deny.Code, deny.Reason = exchangeCode(first), second
	case TriggerPreUserRegistration:
		deny.UserMessage = second
	default:
	}
	d.result.Deny = deny
	return nil
}

// maxReason bounds what a refusal says, in bytes: it becomes part of a URL.
const maxReason = 1000

func short(s string) string {
	if len(s) <= maxReason {
		return s
	}
	return strings.ToValidUTF8(s[:maxReason], "")
}

// exchangeCode is one of the codes that credentials-exchange may answer with.
func exchangeCode(code string) string {
	switch code {
	case "invalid_scope", "invalid_request", "server_error":
		return code
	default:
		return "invalid_request"
	}
}

func (d *decision) validation(r *sandbox.Record) error {
	if d.trigger != TriggerPreUserRegistration {
		return ErrUnsupported
	}
	var code, message string
	if err := arg(r, 0, &code); err != nil {
		return err
	}
	if err := arg(r, 1, &message); err != nil {
		return err
	}
	if d.result.Deny == nil {
		d.result.Deny = &Deny{Action: d.action.Name, Code: "access_denied", Reason: short(code), UserMessage: short(message)}
	}
	return nil
}

func (d *decision) accessToken(ctx context.Context, method string, r *sandbox.Record) error {
	if d.flow.OpaqueAccessToken {
		d.drop(ctx, r.Op, "the access token is opaque")
		return nil
	}
	if method == "setCustomClaim" {
		return d.claim(ctx, &d.result.AccessToken.Claims, r)
	}
	var scope string
	if err := arg(r, 0, &scope); err != nil {
		return err
	}
	if !validScope(scope) {
		d.drop(ctx, r.Op, "that is no scope")
		return nil
	}
	t := &d.result.AccessToken
	to, from := &t.AddScope, &t.RemoveScope
	if method == "removeScope" {
		to, from = from, to
	}
	*from = slices.DeleteFunc(*from, func(s string) bool { return s == scope })
	if !slices.Contains(*to, scope) {
		*to = append(*to, scope)
	}
	return nil
}

// validScope reports whether s is a scope-token (RFC 6749 §3.3).
func validScope(s string) bool {
	return s != "" && len(s) <= 280 && !strings.ContainsFunc(s, func(c rune) bool {
		return c < 0x21 || c > 0x7e || c == '"' || c == '\\'
	})
}

// restricted reports whether name is a claim that no action sets: those of JWT,
// OAuth and OpenID Connect that decide, and those that the provider fills in.
//
// A name is compared as lenient readers of JSON do, and one that is no plain text
// is restricted.
func restricted(name string) bool {
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return true
	}
	switch strings.ToLower(name) {
	case "", "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "typ", "alg", "kid", "scope", "scp", "scopes",
		"client_id", "cnf", "sid", "amr", "acr", "auth_time", "nonce", "at_hash", "c_hash", "s_hash", "rt_hash", "gty",
		"permissions", "roles", "groups", "entitlements", "org_id", "org_name", "act", "may_act", "authorization_details",
		"sub_jwk", "sub_id", "events", "toe", "txn", "sig_hash", "vot", "vtm", "session_state", "htm", "htu", "ath",
		"token_type", "active", "username_hash", "__proto__":
		return true
	case "third_party":
		return name != "third_party" // by which an action bounds a client; the token says it once
	default:
		return false
	}
}

func (d *decision) claim(ctx context.Context, claims *map[string]any, r *sandbox.Record) error {
	var name string
	if err := arg(r, 0, &name); err != nil {
		return err
	}
	if restricted(name) {
		d.drop(ctx, r.Op, "the claim is restricted: "+name)
		return nil
	}
	for other := range *claims {
		if other != name && strings.EqualFold(other, name) {
			d.drop(ctx, r.Op, name+" differs in case alone from the claim "+other)
			return nil
		}
	}
	return set(claims, r)
}

// set puts the argument pair of name and value into m.
func set(m *map[string]any, r *sandbox.Record) error {
	var name string
	if err := arg(r, 0, &name); err != nil {
		return err
	}
	var value any
	if err := arg(r, 1, &value); err != nil {
		return err
	}
	if *m == nil {
		*m = map[string]any{}
	}
	(*m)[name] = value
	return nil
}

func (d *decision) user(method string, r *sandbox.Record) error {
	if method == "setAppMetadata" {
		return set((*map[string]any)(&d.result.AppMetadata), r)
	}
	return set((*map[string]any)(&d.result.UserMetadata), r)
}

func (d *decision) multifactor(r *sandbox.Record) error {
	m := new(Multifactor)
	if err := arg(r, 0, &m.Provider); err != nil {
		return err
	}
	if err := arg(r, 1, &m.Options); err != nil {
		return err
	}
	if !slices.Contains([]string{"any", "none", "guardian", "google-authenticator", "duo"}, m.Provider) {
		return ErrUnsupported
	}
	m.AllowRememberBrowser, _ = m.Options["allowRememberBrowser"].(bool)
	delete(m.Options, "allowRememberBrowser")
	if len(m.Options) == 0 {
		m.Options = nil
	}
	d.result.Multifactor = m
	return nil
}

func (d *decision) authentication(method string, r *sandbox.Record) error {
	switch method {
	case "recordMethod":
		var name string
		if err := arg(r, 0, &name); err != nil || !webURL(name) {
			return ErrUnsupported
		}
		d.result.Methods = append(d.result.Methods, name)
		return nil
	case "setPrimaryUser":
		var id string
		if err := arg(r, 0, &id); err != nil || id == "" || d.result.PrimaryUserID != "" && d.result.PrimaryUserID != id {
			return ErrUnsupported
		}
		d.result.PrimaryUserID = id
		return nil
	}
	c := &Challenge{ActionID: d.action.ID, Enroll: strings.HasPrefix(method, "enroll")}
	if strings.HasSuffix(method, "Any") {
		if err := arg(r, 0, &c.Factors); err != nil {
			return err
		}
	} else {
		c.Factors = make([]Factor, 1)
		if err := arg(r, 0, &c.Factors[0]); err != nil {
			return err
		}
	}
	var options struct {
		AdditionalFactors []Factor `json:"additionalFactors"`
	}
	if err := arg(r, 1, &options); err != nil {
		return err
	}
	c.Additional = options.AdditionalFactors
	d.result.Challenge = c
	return nil
}

func (d *decision) redirect(r *sandbox.Record) error {
	var target string
	if err := arg(r, 0, &target); err != nil || !webURL(target) {
		return ErrUnsupported
	}
	d.result.Redirect = &Redirect{ActionID: d.action.ID, URL: target}
	return nil
}

// webURL reports whether s is an absolute URL of the web that a page can lead to.
func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= 8<<10 && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && shape.PlainHost(u.Host)
}

func (d *decision) session(s *SessionChanges, method string, r *sandbox.Record) error {
	switch method {
	case "revoke":
		var reason struct{ Reason string }
		var text string
		if arg(r, 0, &text) != nil {
			_ = arg(r, 0, &reason) // either form; the reason is not what it is about
		}
		var options struct {
			Keep bool `json:"preserveRefreshTokens"`
		}
		if s == &d.result.Session {
			if err := arg(r, 1, &options); err != nil {
				return err
			}
		}
		s.KeepTokens = options.Keep && (s.KeepTokens || !s.Revoke) // all who revoke it want that
		s.Revoke, s.RevokeReason = true, short(or(text, reason.Reason))
		return nil
	case "setExpiresAt":
		return instant(&s.ExpiresAt, r)
	case "setIdleExpiresAt":
		return instant(&s.IdleExpiresAt, r)
	case "setCookieMode":
		var mode string
		if err := arg(r, 0, &mode); err != nil || mode != "persistent" && mode != "non-persistent" {
			return ErrUnsupported
		}
		s.CookieMode = mode
		return nil
	case "setMetadata":
		return set(&s.Metadata, r)
	case "deleteMetadata":
		r.Args = r.Args[:min(len(r.Args), 1)]
		return set(&s.Metadata, r)
	case "evictMetadata":
		s.Metadata, s.EvictMetadata = nil, true
		return nil
	default:
		return ErrUnsupported
	}
}

// instant reads milliseconds since 1970.
func instant(t *time.Time, r *sandbox.Record) error {
	var ms float64
	if err := arg(r, 0, &ms); err != nil || ms <= 0 || ms > 1<<53 {
		return ErrUnsupported
	}
	*t = time.UnixMilli(int64(ms)).UTC()
	return nil
}
