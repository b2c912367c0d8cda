package gate

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/jose"
)

// A Principal is who or what was authenticated. The zero value is nobody in
// particular and may do nothing. A principal taken from a context is shared by
// all who handle the request and must not be changed.
type Principal struct {
	// Subject identifies the account; it is the claim "sub" of its tokens.
	Subject string
	// Strategy is the name under which the deciding strategy is registered.
	Strategy string
	// Issuer is who issued the token presented; empty without a token.
	Issuer string
	// SessionID is the session behind the token; empty without one.
	SessionID string
	// Roles are the roles as they are now, not as they were at login.
	Roles []string
	// Tenant is the tenant of the account as it is now, empty for none. A strategy
	// takes it from where it takes the roles, never from what a request says.
	Tenant string
	// Permissions follow from the roles through [Config.Permissions]. They may
	// be wildcards, see [Permits]; ask with [Principal.HasPermission].
	Permissions []string
	// Scopes are what the credentials were limited to when they were made, as
	// an API key is; nil means that they are not limited. A limited principal
	// holds no role, only those of its permissions that its scopes permit, and
	// what is its own only with the scope [ScopeOwner].
	Scopes []string
	// Entity is the account's row as its owner may see it; often nil, because
	// guards have no need of it.
	Entity any
	// Claims are those of the token presented; nil without a token.
	Claims *jose.Claims
	// AuthenticatedAt is when the account itself proved who it is, for
	// [Guard.Fresh]; zero means that it never did, as with an API key.
	AuthenticatedAt time.Time
	// Proof is a digest of what the account was proved with, for instance of the
	// stored hash of its password; see [Config.Proof]. It is empty when nothing
	// stored was compared, and says nothing about the secret.
	Proof string
	// ExpiresAt is when the credentials stop working; zero means not by time.
	ExpiresAt time.Time
}

// ScopeOwner is the scope of credentials that may do what the account may do
// with what it owns.
const ScopeOwner = "owner"

// HasRole reports whether p holds the role. A nil principal holds none.
func (p *Principal) HasRole(role string) bool {
	return p != nil && slices.Contains(p.Roles, role)
}

// HasPermission reports whether p holds the permission. A nil principal holds
// none.
func (p *Principal) HasPermission(permission string) bool {
	return p != nil && slices.ContainsFunc(p.Permissions, func(held string) bool { return Permits(held, permission) })
}

// Permits reports whether holding the one permission is holding the other. A
// permission is words joined by colons; the word "*" stands for any word, and
// at the end for any further ones: "create:*" permits "create:items", "*:items"
// permits "delete:items", "items:*" permits "items:read:all", "*" everything.
// Nothing permits the empty permission.
func Permits(held, permission string) bool {
	if held == permission {
		return held != ""
	}
	if strings.IndexByte(held, '*') < 0 || permission == "" {
		return false
	}
	for {
		h, heldRest, more := strings.Cut(held, ":")
		p, rest, deeper := strings.Cut(permission, ":")
		switch {
		case h != "*" && h != p || p == "":
			return false
		case !more:
			return h == "*" || !deeper
		case !deeper:
			return false
		}
		held, permission = heldRest, rest
	}
}

// RequireFresh returns [ErrStepUpRequired] unless the account of p proved who it
// is at most d before now, see [Guard.Fresh], for handlers that need it for
// some of what they do. Nobody is [ErrNotAuthenticated], and limited credentials
// are [ErrForbidden]: they are not the account's own, however fresh its log-in is.
func (p *Principal) RequireFresh(d time.Duration, now time.Time) error {
	if p == nil {
		return &AuthError{Code: ErrNotAuthenticated}
	}
	if p.Scopes != nil {
		return &AuthError{Code: ErrForbidden, Message: "These credentials are limited, and not good for this", Subject: p.Subject}
	}
	if p.AuthenticatedAt.IsZero() || now.Sub(p.AuthenticatedAt) > d {
		return &AuthError{Code: ErrStepUpRequired, Message: "Log in again to do this", Subject: p.Subject, MaxAge: d}
	}
	return nil
}

type principalKey struct{}

// ContextWithPrincipal returns a context that carries p; nil means nobody.
func ContextWithPrincipal(ctx context.Context, p *Principal) context.Context {
	a := admission{principal: p}
	if above, ok := ctx.Value(principalKey{}).(*admission); ok {
		a.guard = above.guard
	}
	return context.WithValue(ctx, principalKey{}, &a)
}

// PrincipalFromContext returns the principal that a guard or
// [ContextWithPrincipal] put into ctx, and whether there is one.
func PrincipalFromContext(ctx context.Context) (*Principal, bool) {
	a, ok := ctx.Value(principalKey{}).(*admission)
	if !ok || a.principal == nil {
		return nil, false
	}
	return a.principal, true
}

// A Client is what is known of the other end of a connection. It serves
// throttling and the list of one's sessions; it identifies nobody.
type Client struct {
	Address   netip.Addr
	UserAgent string
}

type clientKey struct{}

// ContextWithClient returns a context that carries c. Middleware that knows
// which proxies to trust calls it; guards and handlers leave a client that is
// there alone.
func ContextWithClient(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientFromContext returns the client in ctx and whether there is one.
func ClientFromContext(ctx context.Context) (Client, bool) {
	c, ok := ctx.Value(clientKey{}).(Client)
	return c, ok
}

// maxUserAgent bounds what is kept of a header that the client chooses.
const maxUserAgent = 256

// contextOf returns the context of r with the client of its connection, unless
// one is there already. Forwarding headers are not believed.
func contextOf(r *http.Request) context.Context {
	ctx := r.Context()
	if _, ok := ClientFromContext(ctx); ok {
		return ctx
	}
	agent := r.UserAgent()
	c := Client{UserAgent: strings.ToValidUTF8(agent[:min(len(agent), maxUserAgent)], "")}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.Address = ap.Addr().Unmap()
	}
	return ContextWithClient(ctx, c)
}
