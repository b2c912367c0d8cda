package upstream

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/internal/outbound"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwks"
	"github.com/gatewright/gate/oidc"
)

// A Connection logs people in with one client at one provider. What it is is
// fixed when it is made. It is safe for concurrent use, and makes no request
// before it needs to. The zero value is of no use.
type Connection struct {
	cfg       Config
	preset    preset
	qualified bool // names of accounts have the connection in front
	client    *client
	source    *source
	keys      *jwks.Set // nil without ID tokens
	now       func() time.Time
}

// New returns a connection after checking cfg. It makes no request. The caller
// closes it.
func New(cfg Config) (*Connection, error) {
	c, err := newConnection(cfg)
	if err != nil {
		return nil, fmt.Errorf("connection %q: %w", cfg.Name, err)
	}
	return c, nil
}

func newConnection(cfg Config) (*Connection, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.Params, cfg.Headers = maps.Clone(cfg.Params), maps.Clone(cfg.Headers)
	cfg.Tenants, cfg.Scope = slices.Clone(cfg.Tenants), slices.Clone(cfg.Scope)
	p, err := presetFor(&cfg)
	if err != nil {
		return nil, err
	}
	c := &Connection{cfg: cfg, qualified: p.own(&cfg), client: newClient(&cfg), now: cfg.Now}
	if c.now == nil {
		c.now = time.Now
	}
	p.replace(&cfg)
	c.preset = p
	guarded := !cfg.AllowPrivate && !cfg.Imitation && cfg.Transport == nil
	judge, err := outbound.New(outbound.Config{Guarded: guarded, Transport: cfg.Transport})
	if err != nil {
		return nil, err
	}
	if err := c.validateURLs(judge); err != nil {
		return nil, err
	}
	if err := c.validateAuth(); err != nil {
		return nil, err
	}
	ask := oidc.Options{Guarded: guarded, Transport: cfg.Transport}
	if guarded && !cfg.Private.empty() {
		ask = oidc.Options{Transport: c.client.http.Transport} // a guard of its own
	}
	c.source = newSource(p.issuer, ask, c.now)
	if p.openID {
		c.keys, err = jwks.New(c.keySource(ask))
	}
	return c, err
}

func (c *Connection) keySource(ask oidc.Options) jwks.Config {
	algorithms := c.cfg.Algorithms
	if len(algorithms) == 0 {
		algorithms = []jose.Algorithm{jose.RS256, jose.ES256, jose.EdDSA}
	}
	keys := jwks.Config{URL: c.preset.ends.JWKSURL, Algorithms: slices.Clone(algorithms), Guarded: ask.Guarded, Transport: ask.Transport}
	if !c.preset.complete() {
		keys.URL = ""
		keys.Locate = func(ctx context.Context) (string, error) {
			e, err := c.endpoints(ctx)
			return e.JWKSURL, err
		}
	}
	return keys
}

// validateURLs checks what is there before the metadata of the issuer is asked
// for; that is checked when it comes.
func (c *Connection) validateURLs(asker *outbound.Client) error {
	e := &c.preset.ends
	for _, u := range []string{c.preset.issuer, e.AuthorizationURL, e.TokenURL, e.UserInfoURL, e.JWKSURL, e.EndSessionURL} {
		if u == "" {
			continue
		}
		parsed, err := asker.ParseURL(u)
		if err != nil {
			return fmt.Errorf("%q: %w", u, err)
		}
		if c.cfg.Imitation && !loopback.Host(parsed.Hostname()) {
			return fmt.Errorf("%q: an imitation that is not on this machine", u)
		}
	}
	return nil
}

func (c *Connection) validateAuth() error {
	secretless := c.cfg.ClientSecret == ""
	switch c.cfg.AuthMethod {
	case "":
		if secretless && !c.cfg.Imitation && c.cfg.Key == nil && c.cfg.Strategy != OIDC && c.cfg.Strategy != OAuth2 && c.cfg.Strategy != GitLab {
			return errors.New("there is no client secret")
		}
	case SecretBasic, SecretPost:
		if secretless && c.cfg.Strategy != Apple {
			return fmt.Errorf("%s without a client secret", c.cfg.AuthMethod)
		}
	case PrivateKeyJWT:
		if c.cfg.Key == nil || !c.preset.openID {
			return errors.New("private_key_jwt wants a key and an OpenID provider")
		}
	case NoSecret:
		if c.cfg.Strategy == Facebook || c.cfg.Strategy == Apple {
			return errors.New("this provider wants a secret")
		}
	default:
		return fmt.Errorf("the method %q is unknown", c.cfg.AuthMethod)
	}
	return nil
}

// Close ends requests for keys. It returns when the last one has ended, and
// always nil.
func (c *Connection) Close() error {
	if c.keys != nil {
		_ = c.keys.Close() // never fails
	}
	if c.cfg.Transport == nil {
		c.client.http.CloseIdleConnections()
	}
	return nil
}

// Format implements fmt.Formatter and shows no secret.
func (c *Connection) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "connection %s (%s)", c.cfg.Name, c.cfg.Strategy)
}

// LogValue implements slog.LogValuer and shows no secret.
func (c *Connection) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// FormPost reports whether the provider answers with a POST from its own page
// (OAuth 2.0 Form Post Response Mode), as Apple does.
func (c *Connection) FormPost() bool { return c.preset.formPost }

// A StartRequest is what a log-in is to be like. RedirectURI is required.
type StartRequest struct {
	// RedirectURI is where the provider sends the browser back to: our own
	// callback for this connection, as registered there.
	RedirectURI string
	// State binds the answer to the browser, with at least 22 characters that
	// nobody can guess; empty means that Start makes one.
	State string
	// LoginHint is what the person is called at the provider, perhaps.
	LoginHint string
	// Prompt is what OpenID Connect Core 1.0 §3.1.2.1 has, words with blanks
	// between them. Words that the provider does not know are left out, but
	// "none" is refused there: it must not become a question.
	Prompt string
	// MaxAge is how long before Start the person may have proved who they are, in
	// whole seconds; zero means that it does not matter. Only [OIDC] connections
	// obey it, and Finish insists; elsewhere [Profile.AuthTime] stays zero.
	MaxAge time.Duration
	// UILocales lists languages by preference (BCP 47).
	UILocales []string
	// Scope is asked for beside that of the connection (connection_scope).
	Scope []string
	// Offline asks for a refresh token (access_type, offline_access).
	Offline bool
}

// Start returns the address to send the browser to, and what Finish needs when
// it comes back. The error is [ErrUnavailable] when the metadata of the provider
// cannot be had; any other is about req.
func (c *Connection) Start(ctx context.Context, req StartRequest) (string, Pending, error) {
	if err := c.checkStart(&req); err != nil {
		return "", Pending{}, fmt.Errorf("start log-in with %s: %w", c.cfg.Name, err)
	}
	e, err := c.endpoints(ctx)
	if err != nil {
		return "", Pending{}, fmt.Errorf("start log-in with %s: %w", c.cfg.Name, err)
	}
	p := Pending{
		Connection: c.cfg.Name, State: req.State, Issuer: c.preset.issuer,
		RedirectURI: req.RedirectURI, Started: c.now().Unix(),
	}
	if p.State == "" {
		p.State = secret.Text().Reveal()
	}
	if c.preset.openID {
		p.Nonce = secret.Text().Reveal()
	}
	if !c.cfg.WithoutPKCE {
		p.Verifier = secret.Text().Reveal() // 43 characters (RFC 7636 §4.1)
	}
	if c.preset.maxAge {
		p.MaxAge = int64(req.MaxAge / time.Second)
	}
	u, err := url.Parse(e.AuthorizationURL)
	if err != nil {
		return "", Pending{}, because(ErrUnavailable, errors.New("the authorization endpoint is not a URL"))
	}
	q := u.Query()
	maps.Copy(q, c.query(&req, &p))
	u.RawQuery = q.Encode()
	return u.String(), p, nil
}

func (c *Connection) checkStart(req *StartRequest) error {
	u, err := url.Parse(req.RedirectURI)
	switch {
	case err != nil || !u.IsAbs() || u.Fragment != "":
		return errors.New("the redirect URI is not an absolute URL")
	case req.State != "" && (len(req.State) < 22 || len(req.State) > 512):
		return errors.New("a state has 22 to 512 characters")
	case req.MaxAge < 0 || req.MaxAge > 0 && req.MaxAge < time.Second:
		return errors.New("max age is less than a second")
	}
	for _, s := range req.Scope {
		if !scopeToken.MatchString(s) {
			return fmt.Errorf("scope %q: not a scope", s)
		}
	}
	if slices.Contains(strings.Fields(req.Prompt), "none") && !slices.Contains(c.preset.prompts, "none") {
		return fmt.Errorf("prompt none: %s always asks", c.cfg.Strategy)
	}
	return nil
}

// query returns the parameters of the authorization request.
func (c *Connection) query(req *StartRequest, p *Pending) url.Values {
	q := make(url.Values)
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, value := range c.cfg.Params {
		q.Set(name, value)
	}
	if c.preset.loginHint != "" {
		set(c.preset.loginHint, req.LoginHint)
	}
	c.ask(req, set)
	if c.preset.openID {
		set("ui_locales", strings.Join(req.UILocales, " "))
		set("nonce", p.Nonce)
	}
	if p.MaxAge > 0 {
		set("max_age", strconv.FormatInt(p.MaxAge, 10))
	}
	if c.preset.formPost {
		set("response_mode", "form_post")
	}
	if p.Verifier != "" {
		sum := sha256.Sum256([]byte(p.Verifier))
		set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		set("code_challenge_method", "S256")
	}
	set("scope", strings.Join(c.scope(req), " "))
	set("client_id", c.cfg.ClientID)
	set("redirect_uri", p.RedirectURI)
	set("response_type", "code")
	set("state", p.State)
	return q
}

// ask sets what makes the provider ask the person anew.
func (c *Connection) ask(req *StartRequest, set func(name, value string)) {
	words := strings.Fields(req.Prompt)
	if c.cfg.Strategy == Facebook {
		switch {
		case slices.Contains(words, "login"):
			set("auth_type", "reauthenticate")
		case slices.Contains(words, "consent"):
			set("auth_type", "rerequest")
		}
		return
	}
	if (c.cfg.Strategy == Entra || c.cfg.Strategy == MicrosoftAccount) && len(words) > 1 {
		words = words[:1] // Microsoft takes one
	}
	words = slices.DeleteFunc(words, func(w string) bool { return !slices.Contains(c.preset.prompts, w) })
	set("prompt", strings.Join(words, " "))
	if req.Offline && c.cfg.Strategy == Google {
		set("access_type", "offline")
	}
}

// scope returns what is asked for, nothing twice.
func (c *Connection) scope(req *StartRequest) []string {
	all := slices.Concat(c.preset.scope, req.Scope)
	if req.Offline && c.preset.openID && c.cfg.Strategy != Google && c.cfg.Strategy != Apple && c.cfg.Strategy != GitLab {
		all = append(all, "offline_access")
	}
	var scope []string
	for _, s := range all {
		if !slices.Contains(scope, s) {
			scope = append(scope, s)
		}
	}
	return scope
}

// LogoutURL returns where to send the browser so that the person is logged out
// at the provider too (OpenID Connect RP-Initiated Logout 1.0 §2), and an empty
// text when the provider has no such place. returnTo is an address of our own
// that is registered there; empty means that the person stays there. hint is
// [Tokens].ID, and may be empty.
func (c *Connection) LogoutURL(ctx context.Context, returnTo string, hint Secret) (string, error) {
	e, err := c.endpoints(ctx)
	if err != nil {
		return "", fmt.Errorf("log out of %s: %w", c.cfg.Name, err)
	}
	if e.EndSessionURL == "" {
		return "", nil
	}
	u, err := url.Parse(e.EndSessionURL)
	if err != nil {
		return "", because(ErrUnavailable, errors.New("the logout endpoint is not a URL"))
	}
	q := u.Query()
	q.Set("client_id", c.cfg.ClientID)
	if returnTo != "" {
		q.Set("post_logout_redirect_uri", returnTo)
	}
	if hint != "" {
		q.Set("id_token_hint", hint.Reveal())
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
