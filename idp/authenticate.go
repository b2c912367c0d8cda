package idp

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store/throttle"
)

func parseAddr(s string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(s)
	return addr.Unmap(), err
}

// errCredentials is the one refusal of a log-in by password: nobody learns
// whether the account exists, has a password or is blocked.
var errCredentials = refuse("invalid_grant", "Wrong email or password.") //nolint:gochecknoglobals // constant

// checkPassword returns the user of a database connection who has this login and
// password. The refusal is errCredentials or gate.ErrTooManyRequests, and takes
// the same time whatever its reason.
func (p *Provider) checkPassword(ctx context.Context, conn *tenant.Connection, typed, text string) (attempt, error) {
	login := canonical(typed)
	a := attempt{account: conn.Name + " " + login}
	u, id, err := p.tenant.UserByLogin(ctx, conn.Name, login)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return a, err
	}
	if u != nil {
		a.user, a.account = u, throttle.Account(u.ID)
	}
	done, err := p.throttle.BeginWith(ctx, a.account, p.configured(ctx).guard.rulesFor(ctx))
	if err != nil {
		return a, err
	}
	outcome := gate.Undecided
	defer func() { done(outcome) }()
	hash := ""
	if u != nil && !u.Blocked {
		hash = id.PasswordHash
	}
	ok, rehash, err := p.hasher.Verify(ctx, hash, text)
	switch {
	case errors.Is(err, password.ErrMalformed), errors.Is(err, password.ErrTooLong):
		outcome = gate.Failed
		return a, errCredentials
	case err != nil:
		return a, err
	case !ok:
		outcome = gate.Failed
		return a, errCredentials
	}
	outcome = gate.Succeeded
	if rehash {
		if fresh, err := p.hasher.Hash(ctx, text); err == nil {
			if err := p.tenant.ReplaceHash(ctx, id, fresh); err != nil {
				p.log.WarnContext(ctx, "hash could not be replaced", "user_id", u.ID, "err", err)
			}
		}
	}
	return a, nil
}

// An attempt is a try to log in by password. Its user is who was tried, nil when
// there is no such account: only without an error are they who they say.
type attempt struct {
	user    *tenant.User
	account string // as the throttle knows it
}

// canonical returns the one spelling of what a person typed: of an e-mail
// address in small letters, of a user name too.
func canonical(typed string) string {
	typed = strings.TrimSpace(typed)
	if strings.Contains(typed, "@") {
		if address, err := mail.Canonical(typed); err == nil {
			return address
		}
	}
	return strings.ToLower(typed)
}

// database returns the database connection that a client logs in to: the one
// named, or the only or first one that is enabled.
func (p *Provider) database(ctx context.Context, c *tenant.Client, name string) (*tenant.Connection, error) {
	list, err := p.tenant.Connections.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, conn := range list {
		if conn.Strategy == tenant.Database && enabled(conn, c) && (name == "" || conn.Name == name || slices.Contains(conn.Realms, name)) {
			return conn, nil
		}
	}
	return nil, tenant.ErrNotFound
}
