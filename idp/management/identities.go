package management

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

// freshFor is how old a log-in may be by which people link an account to theirs, or
// take one away.
const freshFor = 10 * time.Minute

// fresh reports whether a log-in is young enough for that.
func (a *API) fresh(at time.Time) bool {
	age := a.now().Sub(at)
	return !at.IsZero() && age <= freshFor && age >= -time.Minute
}

// linkIdentity makes the identities of another user those of this one. The other
// is named, or proved by a fresh ID token: the way for users themselves, who have
// to have logged in lately too.
func (a *API) linkIdentity(ctx context.Context, q *request) (answer, error) {
	o, err := q.only(shape.Schema{
		"provider": {Check: shape.Text(1, 128)}, "user_id": {Check: shape.Text(1, 255)},
		"connection_id": {Check: shape.Text(1, 64)}, "link_with": {Check: shape.Text(1, 16384)},
	})
	if err != nil {
		return answer{}, err
	}
	user := q.id("user")
	other := ""
	var login time.Time // to the other one, by an ID token
	switch token := o.text("link_with"); {
	case token != "":
		proof, err := a.provenUser(ctx, q, token)
		if err != nil {
			return answer{}, err
		}
		other, login = proof.Subject, proof.AuthTime
	case q.self:
		return answer{}, insufficient("update:users")
	case o.text("provider") == "" || o.text("user_id") == "":
		return answer{}, badProperty("user_id", "Missing required property: provider and user_id, or link_with", "")
	default:
		bare := strings.TrimPrefix(o.text("user_id"), o.text("provider")+"|")
		u, err := a.store.UserByIdentity(ctx, o.text("provider"), bare)
		if err != nil {
			return answer{}, noUser(err)
		}
		if other = u.ID; other != o.text("provider")+"|"+bare {
			return answer{}, conflict("The identity belongs to another user already", "")
		}
	}
	if other == user {
		return answer{}, &problem{status: 400, message: "Main account and the one linked to it have to be different", code: "invalid_body"}
	}
	sessions, err := a.store.SessionsOf(ctx, other)
	if err != nil {
		return answer{}, err
	}
	u, err := a.store.LinkIdentityIf(ctx, user, other, func(primary, secondary *tenant.User) error {
		if q.self && !loggedInSince(q.caller.AuthTime, primary) || !login.IsZero() && !loggedInSince(login, secondary) {
			return badProperty("link_with", "the password was set anew, log in again", "")
		}
		return nil
	})
	switch {
	case errors.Is(err, tenant.ErrUnproven):
		return answer{}, unsupported("The email address has to be confirmed before an account is linked")
	case errors.Is(err, tenant.ErrBlocked):
		return answer{}, unsupported("A blocked account cannot be linked")
	case err != nil:
		return answer{}, noUser(err)
	}
	a.ended(ctx, other, sessions)
	return created(u.Identities)
}

// loggedInSince reports whether a log-in is from after the last reset of the password of a
// user. One of the same second may be from before.
func loggedInSince(login time.Time, u *tenant.User) bool {
	return u.LastPasswordReset.IsZero() || login.After(u.LastPasswordReset.Truncate(time.Second))
}

// provenUser returns the log-in that an ID token vouches for. Both log-ins have to
// be fresh.
func (a *API) provenUser(ctx context.Context, q *request, token string) (Caller, error) {
	none := Caller{}
	if a.cfg.VerifyIDToken == nil {
		return none, unsupported("ID tokens are not read here")
	}
	proof, err := a.cfg.VerifyIDToken(ctx, token)
	switch {
	case errors.Is(err, ErrBadToken), errors.Is(err, ErrExpiredToken):
		return none, badProperty("link_with", "the token is not valid", "")
	case err != nil:
		return none, err
	case q.self && proof.ClientID != q.caller.ClientID:
		return none, badProperty("link_with", "the token is of another client", "")
	}
	if err := a.mayVouch(ctx, proof.ClientID); err != nil {
		return none, err
	}
	logins := []time.Time{proof.AuthTime}
	if q.self {
		logins = append(logins, q.caller.AuthTime)
	}
	if slices.ContainsFunc(logins, func(at time.Time) bool { return !a.fresh(at) }) {
		return none, badProperty("link_with", "the log-in is older than ten minutes, log in again", "")
	}
	return proof, nil
}

// mayVouch refuses ID tokens that were given to a client of somebody else: all that
// their owner allowed it was to know who they are.
func (a *API) mayVouch(ctx context.Context, client string) error {
	c, err := a.store.Clients.Get(ctx, client)
	switch {
	case errors.Is(err, tenant.ErrNotFound):
		return badProperty("link_with", "the token is of a client that is not there", "")
	case err != nil:
		return err
	case !c.FirstParty:
		return badProperty("link_with", "the token is of a third-party client, which links no accounts: log in with one of your own (is_first_party)", "")
	}
	return nil
}

// unlinkIdentity makes a linked identity a user of its own. Users themselves have to
// have logged in lately: whoever finds an open page does not take their way in.
func (a *API) unlinkIdentity(ctx context.Context, q *request) (answer, error) {
	if q.self && !a.fresh(q.caller.AuthTime) {
		return answer{}, unsupported("The log-in is older than ten minutes, log in again")
	}
	u, ended, err := a.store.UnlinkIdentity(ctx, q.id("user"), q.id("provider"), q.id("identity"))
	switch {
	case errors.Is(err, tenant.ErrExists):
		return answer{}, &problem{status: 400, message: "Cannot unlink the primary identity", code: "operation_not_supported"}
	case err != nil:
		return answer{}, noUser(err)
	}
	a.ended(ctx, u.ID, ended)
	return ok(u.Identities)
}
