package management

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/gatewright/gate/idp/tenant"
)

// The sessions and refresh tokens of users.

func noSession(err error) error {
	return orAbsent(err, "The session does not exist.", "inexistent_session")
}

func noRefreshToken(err error) error {
	return orAbsent(err, "The refresh token does not exist.", "inexistent_refresh_token")
}

func showSession(s *tenant.Session) (object, error) {
	type client struct {
		ID string `json:"client_id"`
	}
	clients := []client{}
	for _, id := range s.Clients {
		clients = append(clients, client{id})
	}
	methods := s.Methods
	if methods == nil {
		methods = []tenant.AuthMethod{}
	}
	return view(map[string]any{
		"id": s.ID, "user_id": s.UserID, "created_at": s.CreatedAt, "updated_at": s.UsedAt,
		"authenticated_at": s.AuthenticatedAt, "last_interacted_at": s.UsedAt, "idle_expires_at": s.IdleExpiresAt,
		"expires_at": s.ExpiresAt, "clients": clients, "authentication": map[string]any{"methods": methods},
		"device": map[string]any{
			"initial_ip": s.IP, "initial_user_agent": s.UserAgent, "last_ip": s.IP, "last_user_agent": s.UserAgent,
		},
	})
}

func (a *API) listUserSessions(ctx context.Context, q *request) (answer, error) {
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	all, err := a.store.SessionsOf(ctx, q.id("user"))
	if err != nil {
		return answer{}, err
	}
	q.query.Set("take", cmp.Or(q.query.Get("take"), "50"))
	return pages(q, "sessions", all, func(s *tenant.Session) string { return s.ID }, showSession)
}

func (a *API) deleteUserSessions(ctx context.Context, q *request) (answer, error) {
	user := q.id("user")
	if _, err := a.store.User(ctx, user); err != nil {
		return answer{}, noUser(err)
	}
	all, err := a.store.EndSessions(ctx, user)
	if err != nil {
		return answer{}, err
	}
	a.ended(ctx, user, all)
	return accepted(empty{})
}

func (a *API) getSession(ctx context.Context, q *request) (answer, error) {
	s, err := a.store.Session(ctx, q.id("session"))
	if err != nil {
		return answer{}, noSession(err)
	}
	o, err := showSession(s)
	return answer{status: 200, body: o}, err
}

// deleteSession ends a session; refresh tokens go on.
func (a *API) deleteSession(ctx context.Context, q *request) (answer, error) {
	return a.endSession(ctx, q.id("session"), false)
}

// revokeSession ends a session with the refresh tokens that came of it.
func (a *API) revokeSession(ctx context.Context, q *request) (answer, error) {
	return a.endSession(ctx, q.id("session"), true)
}

func (a *API) endSession(ctx context.Context, id string, tokens bool) (answer, error) {
	s, err := a.store.Session(ctx, id)
	if err != nil {
		return answer{}, noSession(err)
	}
	if tokens {
		_, err = a.store.RevokeSession(ctx, s.UserID, s.ID)
	} else {
		_, err = a.store.EndSession(ctx, id)
	}
	if err != nil {
		return answer{}, err
	}
	a.ended(ctx, s.UserID, []*tenant.Session{s})
	return accepted(empty{})
}

func (a *API) showFamily(ctx context.Context, f *tenant.Family) (object, error) {
	o := map[string]any{
		"id": f.ID, "user_id": f.UserID, "client_id": f.ClientID, "created_at": f.CreatedAt, "last_exchanged_at": f.RotatedAt,
		"resource_servers": []map[string]any{{"audience": f.Audience, "scopes": joined(f.Scope)}}, "rotating": false,
	}
	if f.SessionID != "" {
		o["session_id"] = f.SessionID
	}
	for name, at := range map[string]time.Time{"expires_at": f.ExpiresAt, "idle_expires_at": f.IdleExpiresAt} {
		if !at.IsZero() {
			o[name] = at
		}
	}
	c, err := a.store.Clients.Get(ctx, f.ClientID)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return nil, err
	}
	if err == nil && c.Refresh != nil {
		o["rotating"] = c.Refresh.Rotation == "rotating"
	}
	return view(o)
}

// joined returns a list that is not null.
func joined(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (a *API) listUserTokens(ctx context.Context, q *request) (answer, error) {
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	all, err := a.store.FamiliesOf(ctx, q.id("user"))
	if err != nil {
		return answer{}, err
	}
	q.query.Set("take", cmp.Or(q.query.Get("take"), "50"))
	ans, err := pages(q, "tokens", all, func(f *tenant.Family) string { return f.ID }, func(f *tenant.Family) (object, error) {
		return a.showFamily(ctx, f)
	})
	if body, is := ans.body.(map[string]any); is {
		body["total"] = len(all)
	}
	return ans, err
}

func (a *API) deleteUserTokens(ctx context.Context, q *request) (answer, error) {
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	if err := a.store.RevokeFamilies(ctx, q.id("user"), "", ""); err != nil {
		return answer{}, err
	}
	return accepted(empty{})
}

// family returns a refresh token that is still good for something.
func (a *API) family(ctx context.Context, q *request) (*tenant.Family, error) {
	f, err := a.store.Family(ctx, q.id("token"))
	if err != nil {
		return nil, noRefreshToken(err)
	}
	now := a.now()
	over := func(t time.Time) bool { return !t.IsZero() && !t.After(now) }
	if !f.RevokedAt.IsZero() || over(f.ExpiresAt) || over(f.IdleExpiresAt) {
		return nil, noRefreshToken(tenant.ErrNotFound)
	}
	return f, nil
}

func (a *API) getToken(ctx context.Context, q *request) (answer, error) {
	f, err := a.family(ctx, q)
	if err != nil {
		return answer{}, err
	}
	o, err := a.showFamily(ctx, f)
	return answer{status: 200, body: o}, err
}

func (a *API) deleteToken(ctx context.Context, q *request) (answer, error) {
	f, err := a.family(ctx, q)
	if err != nil {
		return answer{}, err
	}
	if err := a.store.RevokeGrant(ctx, f.ID); err != nil {
		return answer{}, err
	}
	return noContent()
}
