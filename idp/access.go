package idp

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/loopback"
)

// offline is the scope that asks for a refresh token.
const offline = "offline_access"

// oidcScopes are scopes that no API defines. They always stay.
var oidcScopes = []string{ //nolint:gochecknoglobals // constant
	"openid", "profile", "email", "phone", "address", offline,
	"name", "given_name", "family_name", "nickname", "email_verified", "picture", "created_at",
}

// An access is what somebody gets at an API.
type access struct {
	api         *tenant.API // nil without an audience
	scope       []string
	permissions []string // nil unless the token says them
}

// selfScopes are what people may do with the Management API: with their own
// account.
var selfScopes = []string{ //nolint:gochecknoglobals // constant
	"read:current_user", "update:current_user_identities", "create:current_user_metadata", "update:current_user_metadata",
	"delete:current_user_metadata",
}

// allowedAsked leaves out of what a client asked for, where nobody is shown a
// question, what changes the person's own account and they did not allow that client:
// knowing the password is no consent to give the account away.
func (p *Provider) allowedAsked(ctx context.Context, c *tenant.Client, u *tenant.User, audience string, asked []string) ([]string, error) {
	own := func(s string) bool { return slices.Contains(selfScopes, s) }
	if c.FirstParty || !slices.ContainsFunc(asked, own) {
		return asked, nil
	}
	allowed, err := p.tenant.Consent(ctx, u.ID, c.ID, audience)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(asked, func(s string) bool { return own(s) && !slices.Contains(allowed, s) }), nil
}

// accessOf returns what a user gets of the scopes that a client asked for: with
// role-based access control what their roles permit, without it what the API
// defines.
func (p *Provider) accessOf(ctx context.Context, c *tenant.Client, u *tenant.User, audience string, asked []string) (a access, err error) {
	var permitted []string
	defer func() {
		if !c.FirstParty {
			a.cutPermissions()
		}
	}()
	if audience != "" {
		api, err := p.tenant.APIs.ByName(ctx, audience)
		if errors.Is(err, tenant.ErrNotFound) {
			return a, refuse("access_denied", "Service not found: "+audience)
		}
		if err != nil {
			return a, err
		}
		a.api = api
		switch {
		case api.System:
			permitted = selfScopes
		case api.EnforcePolicies:
			if permitted, err = p.tenant.PermissionsOf(ctx, u.ID, api); err != nil {
				return a, err
			}
			if saysPermissions(api) {
				a.permissions = append([]string{}, permitted...)
			}
		default:
			for _, s := range api.Scopes {
				permitted = append(permitted, s.Value)
			}
		}
	}
	for _, s := range asked {
		switch {
		case s == offline && !mayGoOffline(c, a.api):
		case slices.Contains(oidcScopes, s), slices.Contains(permitted, s):
			a.scope = append(a.scope, s)
		}
	}
	return a, nil
}

// cutPermissions leaves those that are scopes: what people did not allow a stranger,
// roles do not give it.
func (a *access) cutPermissions() {
	a.permissions = slices.DeleteFunc(a.permissions, func(s string) bool { return !slices.Contains(a.scope, s) })
}

// mayGoOffline reports whether a client gets refresh tokens for an API.
func mayGoOffline(c *tenant.Client, api *tenant.API) bool {
	return slices.Contains(c.GrantTypes, "refresh_token") && (api == nil || api.AllowOfflineAccess)
}

// saysPermissions reports whether the tokens of an API have the claim
// permissions.
func saysPermissions(api *tenant.API) bool {
	return api.EnforcePolicies && (api.TokenDialect == "access_token_authz" || api.TokenDialect == "rfc9068_profile_authz")
}

// apply makes the changes of actions to the scopes. At the Management API a person
// gets no more than what is about their own account: scopes there are power over
// everybody, and an action that adds its own need not know their names. A client of
// others gets what the person was asked for, so that nothing is added. Refresh tokens
// are for the client and the API to allow.
func (a *access) apply(c *tenant.Client, add, remove []string) {
	system := a.api != nil && a.api.System
	if !c.FirstParty {
		add = nil
	}
	for _, s := range add {
		if system && !slices.Contains(oidcScopes, s) && !slices.Contains(selfScopes, s) || s == offline && !mayGoOffline(c, a.api) {
			continue
		}
		if !slices.Contains(a.scope, s) {
			a.scope = append(a.scope, s)
		}
	}
	a.scope = slices.DeleteFunc(a.scope, func(s string) bool { return slices.Contains(remove, s) })
}

// needsConsent reports whether the person has to be asked before the client gets
// what it asked for.
func (p *Provider) needsConsent(ctx context.Context, q *request, c *tenant.Client, u *tenant.User, a access) (bool, error) {
	switch {
	case q.Consented:
		return false, nil
	case q.asks("consent"):
		return true, nil
	case c.FirstParty && p.cfg.Development:
		return false, nil
	case !p.cfg.Development && anybodys(q.RedirectURI):
		return true, nil // what was allowed before does not say which program asks now
	case c.FirstParty && (a.api == nil || a.api.SkipConsent):
		return false, nil
	}
	allowed, err := p.allowed(ctx, c, u, q.Audience, a)
	return !allowed, err
}

// allowed reports whether the person has allowed the client what it would get.
func (p *Provider) allowed(ctx context.Context, c *tenant.Client, u *tenant.User, audience string, a access) (bool, error) {
	given, err := p.tenant.Consent(ctx, u.ID, c.ID, audience)
	return len(given) > 0 && containsAll(given, consented(a)), err
}

// consented is what a person is asked to allow: the scopes, and that the client
// comes in at all.
func consented(a access) []string { return append([]string{loginScope}, a.scope...) }

// loginScope stands for the log-in itself, so that a consent without scopes is
// one.
const loginScope = "login:"

// anybodys reports whether an address proves nothing about the application that
// listens there: any program of the machine can (RFC 8252 §8.6), or claim its scheme.
func anybodys(raw string) bool {
	return originOf(raw) == "" || localURL(raw)
}

// localURL reports whether an address is on this machine, in any spelling that leads
// there: a browser takes capital letters, a dot at the end, and other addresses of it.
func localURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	name := strings.TrimSuffix(u.Hostname(), ".")
	if addr, err := netip.ParseAddr(name); err == nil {
		return loopback.Host(name) || addr.Unmap().IsUnspecified()
	}
	// To a browser a name that ends in a number is an address, as in 127.1 or 0x7f000001.
	last := name[strings.LastIndexByte(name, '.')+1:]
	return loopback.Site(name) || last != "" && last[0] >= '0' && last[0] <= '9'
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// enabled reports whether a client may use a connection.
func enabled(conn *tenant.Connection, c *tenant.Client) bool {
	return conn.DomainLevel && !c.FirstParty || slices.Contains(conn.EnabledClients, c.ID)
}

// offers reports whether a client may use a connection here: one to an imitation
// of another provider, where nobody is asked for a password, is for development.
func (p *Provider) offers(conn *tenant.Connection, c *tenant.Client) bool {
	return enabled(conn, c) && (p.cfg.Development || !conn.Imitates())
}

// imagined reports whether all that a user logs in with are imitations of other
// providers, and this is no development: then there is no such person.
func (p *Provider) imagined(ctx context.Context, u *tenant.User) (bool, error) {
	if p.cfg.Development || len(u.Identities) == 0 {
		return false, nil
	}
	for _, i := range u.Identities {
		conn, err := p.tenant.Connections.ByName(ctx, i.Connection)
		if errors.Is(err, tenant.ErrNotFound) || err == nil && !conn.Imitates() {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}
