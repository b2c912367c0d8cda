package management

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

// freshFor is how old a log-in may be that vouches for linking two accounts.
const freshFor = 10 * time.Minute

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
	switch token := o.text("link_with"); {
	case token != "":
		if other, err = a.provenUser(ctx, q, token); err != nil {
			return answer{}, err
		}
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
	u, err := a.store.LinkIdentity(ctx, user, other)
	if err != nil {
		return answer{}, noUser(err)
	}
	a.ended(ctx, other, sessions)
	return created(u.Identities)
}

// provenUser returns the user whom an ID token vouches for. Both log-ins have to
// be fresh.
func (a *API) provenUser(ctx context.Context, q *request, token string) (string, error) {
	if a.cfg.VerifyIDToken == nil {
		return "", unsupported("ID tokens are not read here")
	}
	proof, err := a.cfg.VerifyIDToken(ctx, token)
	switch {
	case errors.Is(err, ErrBadToken), errors.Is(err, ErrExpiredToken):
		return "", badProperty("link_with", "the token is not valid", "")
	case err != nil:
		return "", err
	case q.self && proof.ClientID != q.caller.ClientID:
		return "", badProperty("link_with", "the token is of another client", "")
	}
	logins := []time.Time{proof.AuthTime}
	if q.self {
		logins = append(logins, q.caller.AuthTime)
	}
	for _, at := range logins {
		if age := a.now().Sub(at); at.IsZero() || age > freshFor || age < -time.Minute {
			return "", badProperty("link_with", "the log-in is older than ten minutes, log in again", "")
		}
	}
	return proof.Subject, nil
}

func (a *API) unlinkIdentity(ctx context.Context, q *request) (answer, error) {
	u, err := a.store.UnlinkIdentity(ctx, q.id("user"), q.id("provider"), q.id("identity"))
	switch {
	case errors.Is(err, tenant.ErrExists):
		return answer{}, &problem{status: 400, message: "Cannot unlink the primary identity", code: "operation_not_supported"}
	case err != nil:
		return answer{}, noUser(err)
	}
	return ok(u.Identities)
}
