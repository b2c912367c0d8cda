package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/oidc"
	"github.com/gatewright/gate/strategy/jwt"
)

// OIDC names an issuer elsewhere whose access tokens are taken: an OpenID
// provider such as Auth0, Entra, Okta or Keycloak. Its keys are asked for when
// the first token of it comes; while it cannot be reached its tokens are
// answered with 503, and everything else goes on.
//
// Without Users, whom such a token is about has no account in the service. They
// are known as "<issuer>|<sub>", hold the roles and permissions that the token
// gives them and no others, own nothing, and have no account to look after. With
// Users they have one, and the token adds to what its roles give. Tokens end when
// they expire: there is no session here to end.
//
// A token with the claim third_party, which those have that Gatewright gives
// applications of others, does what its scope says of that and no more: the
// principal is limited to it, see [gate.Principal.Scopes].
type OIDC struct {
	// Issuer is its identifier, to the byte: a slash at the end counts. The
	// settings OIDC_ISSUER and AUTH0_ISSUER_URL win over it.
	Issuer string
	// Audience is who the service is for the issuer. The settings OIDC_AUDIENCE
	// and AUTH0_AUDIENCE win over it.
	Audience string
	// Algorithm is what it signs with, with a private key; empty means RS256.
	Algorithm jose.Algorithm
	// Type is what its access tokens say they are; empty means
	// [jose.AccessTokenType]. Those of Auth0 say "JWT" unless its API is set to
	// RFC 9068; then those that follow it are taken as well. As ID tokens say so
	// too, ClientID is required then.
	Type string
	// ClientID is the client that logs people in at the issuer: what is meant for
	// it is an ID token, and refused. The setting AUTH0_CLIENT_ID wins over it.
	ClientID string
	// Namespace is what names of claims begin with that the issuer makes for the
	// service; empty means the audience.
	Namespace string
	// RolesClaim is the claim with the list of roles, or the path of one:
	// "realm_access.roles". Those that the service does not know count for
	// nothing. Empty means that tokens give no roles, or with Roles the claim
	// "roles" in the Namespace.
	RolesClaim string
	// Roles lists what in that claim stands for which role here; nothing else in
	// it counts. Nil means that roles have the same names.
	Roles map[string]string
	// PermissionsClaim is the claim with the permissions, a list or words in one
	// string, or the path of one. They add to those of the roles; wildcards count
	// for nothing. Empty means that tokens give no permissions but those of their
	// roles.
	PermissionsClaim string
	// Users says that whom tokens are about have accounts; nil means that they
	// have none.
	Users *Users
	// Page is what pages are told that log people in; nil means that they are told
	// nothing.
	Page *Page
}

// audience returns who the service is for the issuer.
func (o *OIDC) audience(opts Options) string { return cmp.Or(opts.Settings.OIDCAudience, o.Audience) }

// claimName returns the name of a claim that the issuer makes for the service.
func (o *OIDC) claimName(opts Options, name string) string {
	return strings.TrimSuffix(cmp.Or(o.Namespace, o.audience(opts)), "/") + "/" + name
}

// roles returns the roles that a token gives.
func (o *OIDC) roles(c *jose.Claims, opts Options) []string {
	name := o.RolesClaim
	if name == "" {
		if o.Roles == nil {
			return nil
		}
		name = o.claimName(opts, "roles")
	}
	given := list(claim(c.Extra, name))
	if o.Roles == nil {
		return given
	}
	var roles []string
	for _, name := range given {
		if role, ok := o.Roles[name]; ok {
			roles = append(roles, role)
		}
	}
	return roles
}

// config returns what package oidc has to know.
func (o *OIDC) config(own *JWT, opts Options) (oidc.Config, error) {
	remote := oidc.Issuer{
		Issuer:  cmp.Or(opts.Settings.OIDCIssuer, o.Issuer),
		Subject: qualified,
		Types:   []string{cmp.Or(o.Type, jose.AccessTokenType)},
	}
	if remote.Types[0] != jose.AccessTokenType {
		remote.Types = append(remote.Types, jose.AccessTokenType)
	}
	if audience := o.audience(opts); audience != "" {
		remote.Audiences = []string{audience}
	}
	if o.Algorithm != "" {
		remote.Algorithms = []jose.Algorithm{o.Algorithm}
	}
	if id := cmp.Or(opts.Settings.Auth0.ClientID, o.ClientID); id != "" {
		remote.ClientIDs = []string{id}
	} else if remote.Types[0] != jose.AccessTokenType {
		return oidc.Config{}, fmt.Errorf("tokens of the type %q need a client ID, to be told from ID tokens", remote.Types[0])
	}
	c := oidc.Config{Issuers: []oidc.Issuer{remote}, Now: opts.Now}
	if own != nil {
		c.Local, c.LocalIssuer = notRemote{}, cmp.Or(own.Issuer, opts.Service)
	}
	return c, nil
}

// qualified keeps the subjects of an issuer apart from the accounts here.
func qualified(_ context.Context, c *jose.Claims) (string, error) {
	return oidc.QualifiedSubject(c), nil
}

// remote is the issuer elsewhere for all who need no token of it. It is an interface
// that nobody else has: what asks an issuer, an HTTP client and all, is a part of
// those programs alone that call [Auth.RegisterIssuer].
type remote interface {
	called() string
	vouchedFor(p *gate.Principal) bool
	close() error
}

// vouchedFor is that of the issuer, if there is one.
func (a *Auth) vouchedFor(p *gate.Principal) bool { return a.issuer != nil && a.issuer.vouchedFor(p) }

// An issuer is the strategy for the tokens of a remote issuer.
type issuer struct {
	*jwt.Strategy

	name   string
	tokens *oidc.Issuers
	policy *authz.Policy
	cfg    *OIDC
	opts   Options
	people *people // nil when those it vouches for have no accounts
}

// newIssuer returns the issuer that tokens are taken of. It makes no request.
func newIssuer(cfg Config, opts Options) (*issuer, error) {
	trusted, err := cfg.OIDC.config(cfg.JWT, opts)
	if err != nil {
		return nil, err
	}
	i := &issuer{name: trusted.Issuers[0].Issuer, policy: opts.Policy, cfg: cfg.OIDC, opts: opts}
	if cfg.JWT != nil && i.name == trusted.LocalIssuer {
		return nil, fmt.Errorf("issuer %s: tokens of the service say the same", i.name)
	}
	if i.tokens, err = oidc.New(trusted); err != nil {
		return nil, err
	}
	i.Strategy = jwt.New(i.tokens, nil, jwt.Config{Realm: opts.Service, Stateless: true})
	return i, nil
}

// Authenticate implements [gate.Strategy]. Which roles there are the service
// says, which of them somebody holds the token.
func (i *issuer) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	p, err := i.Strategy.Authenticate(ctx, c)
	if err != nil {
		if !errors.Is(err, errNotRemote) && !errors.Is(err, gate.ErrUnavailable) {
			i.opts.Logger.DebugContext(ctx, "token refused", "issuer", i.name, "err", err)
		}
		return nil, err
	}
	p.SessionID = "" // the token names one of the issuer's
	p.Roles = i.policy.Held(i.cfg.roles(p.Claims, i.opts))
	if name := i.cfg.PermissionsClaim; name != "" {
		p.Permissions = permissions(words(claim(p.Claims.Extra, name)))
	}
	if i.people != nil {
		if p, err = i.people.principal(ctx, p, i.AccessToken(c)); err != nil {
			return nil, err
		}
	}
	if p.Permissions != nil && len(p.Roles) > 0 {
		p.Permissions = append(p.Permissions, i.policy.Permissions(p.Roles)...)
		slices.Sort(p.Permissions)
		p.Permissions = slices.Compact(p.Permissions)
	}
	if foreign := p.Claims.Extra["third_party"]; foreign != nil && foreign != false {
		// No role widens what the person allowed an application of somebody else.
		// The scope is that, never nil, which would be without limits.
		p.Scopes = append([]string{}, permissions(words(p.Claims.Extra["scope"]))...)
	}
	return p, nil
}

// vouchedFor reports whether p has no account here, and it is this issuer that
// says who it is.
func (i *issuer) vouchedFor(p *gate.Principal) bool {
	return p != nil && p.Issuer == i.name && p.Claims != nil && p.Subject == p.Claims.Subject
}

// called returns its identifier.
func (i *issuer) called() string { return i.name }

func (i *issuer) close() error { return i.tokens.Close() }

// bearer is the strategy for the tokens of the service and of an issuer.
type bearer struct {
	*jwt.Strategy // for those of the service

	issuer gate.Strategy // nil until it is registered
}

// Authenticate implements [gate.Strategy].
func (b *bearer) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	if b.issuer != nil {
		p, err := b.issuer.Authenticate(ctx, c)
		if !errors.Is(err, errNotRemote) {
			return p, err
		}
	}
	return b.Strategy.Authenticate(ctx, c)
}

// notRemote has package oidc, which reads whom a token names, give back those of
// the service: their strategy verifies them and looks the account up.
type notRemote struct{}

var errNotRemote = errors.New("not a token of the issuer")

// VerifyAccessToken implements [oidc.TokenVerifier].
func (notRemote) VerifyAccessToken(context.Context, string) (*jose.Claims, error) {
	return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "invalid token", Err: errNotRemote}
}

// tokenStrategy is the name of the one strategy for access tokens.
const tokenStrategy = "jwt"

// withIssuer prepares the strategy for the service's own tokens for those of an
// issuer.
func (a *Auth) withIssuer(name string, st gate.Strategy) gate.Strategy {
	own, ok := st.(*jwt.Strategy)
	if !ok || name != tokenStrategy || a.cfg.OIDC == nil {
		return st
	}
	a.bearer = &bearer{Strategy: own}
	return a.bearer
}

// RegisterIssuer has the strategy "jwt" take the access tokens of [Config.OIDC].
// Where the service has tokens of its own, their strategy has been registered
// under that name before, and goes on to take these. In a service without
// authentication, where a is nil, there is nothing to do.
//
// Only a program that calls it has in it what asks an issuer.
func (a *Auth) RegisterIssuer() error {
	if a == nil {
		return nil
	}
	if a.cfg.OIDC == nil {
		return errors.New("there is no issuer to register")
	}
	i, err := newIssuer(a.cfg, a.opts)
	if err != nil {
		return err
	}
	a.issuer = i
	if err := a.usePeople(i); err != nil {
		return err
	}
	if a.bearer == nil {
		return a.register(tokenStrategy, i)
	}
	if err := i.Validate(); err != nil {
		return fmt.Errorf("strategy %q: %w", tokenStrategy, err)
	}
	a.bearer.issuer = i
	return nil
}

// ownAccounts refuses, below [AccountPath], whoever has no account here.
func (a *Auth) ownAccounts(next http.Handler) http.Handler {
	if a.issuer == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := gate.PrincipalFromContext(r.Context())
		if a.issuer.vouchedFor(p) && strings.HasPrefix(r.URL.Path, AccountPath+"/") {
			gate.ErrorWriter{Logger: a.opts.Logger}.Write(w, r, &gate.AuthError{
				Code: gate.ErrForbidden, Message: "Your account is not one of this service", Subject: p.Subject,
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}
