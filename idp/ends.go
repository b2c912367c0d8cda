package idp

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/tenant"
)

// An ends is when actions want a session or a refresh token to be over; a zero
// time is no wish.
type ends struct {
	At   time.Time `json:"at,omitzero"`
	Idle time.Time `json:"idle,omitzero"` // unless it is used before
}

func endsOf(c *actions.SessionChanges) ends { return ends{At: c.ExpiresAt, Idle: c.IdleExpiresAt} }

// over reports whether one of them has come.
func (e ends) over(now time.Time) bool {
	return !e.At.IsZero() && !e.At.After(now) || !e.Idle.IsZero() && !e.Idle.After(now)
}

// within returns the ends that are wished for, none later than that of limit.
func (e ends) within(limit ends) ends {
	return ends{At: firstTime(e.At, limit.At), Idle: firstTime(e.Idle, limit.Idle)}
}

// wished returns e where want has a wish, and nothing else.
func (e ends) wished(want ends) ends {
	if want.At.IsZero() {
		e.At = time.Time{}
	}
	if want.Idle.IsZero() {
		e.Idle = time.Time{}
	}
	return e
}

// firstTime returns the earlier one of two times of which zero means never.
func firstTime(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// limitSession sets the ends of a session that actions want, none later than the
// settings have it for one that began then.
func (p *Provider) limitSession(ctx context.Context, ses *tenant.Session, want ends) error {
	if want == (ends{}) {
		return nil
	}
	life, idle, err := p.lives(ctx)
	if err != nil {
		return err
	}
	set := want.within(ends{At: ses.CreatedAt.Add(life), Idle: p.now().Add(idle)}).wished(want)
	if !set.At.IsZero() {
		ses.ExpiresAt = set.At
	}
	ses.IdleExpiresAt = firstTime(firstTime(set.Idle, ses.IdleExpiresAt), ses.ExpiresAt)
	return p.tenant.SetSessionEnds(ctx, ses.ID, ses.ExpiresAt, ses.IdleExpiresAt)
}

// limitSessionOf does it for the session that a refresh token is from, if there
// is still one.
func (p *Provider) limitSessionOf(ctx context.Context, f *tenant.Family, want ends) error {
	ses, err := p.tenant.Session(ctx, f.SessionID)
	if errors.Is(err, tenant.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.limitSession(ctx, ses, want)
}

// revokeSession ends a session that actions revoke, with the refresh tokens that
// were given out in it unless they are to be kept, and tells its clients. An empty ID
// is no session.
func (p *Provider) revokeSession(ctx context.Context, userID, id string, keepTokens bool) error {
	if id == "" {
		return nil
	}
	var ended *tenant.Session
	var err error
	if keepTokens {
		ended, err = p.tenant.EndSession(ctx, id)
	} else {
		ended, err = p.tenant.RevokeSession(ctx, userID, id)
	}
	if err == nil && ended != nil { // otherwise it had ended
		p.tellLogout(ended)
	}
	return err
}

// limitFamily sets the ends of a refresh token that actions want, none later than
// those of its client.
func (p *Provider) limitFamily(ctx context.Context, c *tenant.Client, f *tenant.Family, want ends) error {
	if want == (ends{}) {
		return nil
	}
	set := want.within(refreshEnds(c, f.CreatedAt, p.now())).wished(want)
	return p.tenant.SetFamilyEnds(ctx, f.ID, set.At, set.Idle)
}

// refreshEnds returns when the refresh tokens of a client end that were first
// made, and used, at these times.
func refreshEnds(c *tenant.Client, made, used time.Time) ends {
	policy := refreshPolicy(c)
	var e ends
	if policy.Expiration != "expiring" {
		return e
	}
	if !policy.InfiniteLifetime {
		e.At = made.Add(time.Duration(policy.Lifetime) * time.Second)
	}
	if !policy.InfiniteIdle {
		e.Idle = used.Add(time.Duration(policy.IdleLifetime) * time.Second)
	}
	return e
}

// refreshes reports whether a grant leads to a refresh token.
func (p *Provider) refreshes(i *issuance) bool {
	return slices.Contains(i.scope, offline) && !i.refresh.over(p.now())
}

// addRefresh adds the first refresh token of a grant to an answer, where there is
// to be one.
func (p *Provider) addRefresh(ctx context.Context, body map[string]any, i *issuance, connection string) error {
	if !p.refreshes(i) {
		return nil
	}
	text, err := p.tenant.CreateFamily(ctx, p.newFamily(i, connection))
	if err == nil {
		body["refresh_token"] = text.Reveal()
	}
	return err
}

// Undone returns the call of an action for which this provider refuses a log-in, as
// scripts write it; empty when there is none.
func Undone(result *actions.PostLoginResult) string {
	switch {
	case result.Challenge != nil && result.Challenge.Enroll:
		return "api.authentication.enrollWith"
	case result.Challenge != nil:
		return "api.authentication.challengeWith"
	case result.Multifactor != nil && result.Multifactor.Provider != "none":
		return "api.multifactor.enable"
	}
	return undone(result)
}

// undone returns the call of an action that this provider takes no notice of, as
// scripts write it; empty when there is none. A log-in without it is not the one
// that was wished for.
func undone(result *actions.PostLoginResult) string {
	for _, s := range []struct {
		object  string
		changes *actions.SessionChanges
	}{{"api.session.", &result.Session}, {"api.refreshToken.", &result.RefreshToken}} {
		switch {
		case s.changes.CookieMode == "non-persistent": // the other one is what cookies are
			return s.object + "setCookieMode"
		case len(s.changes.Metadata) > 0:
			return s.object + metadataCall(s.changes.Metadata)
		case s.changes.EvictMetadata:
			return s.object + "evictMetadata"
		}
	}
	if len(result.Methods) > 0 {
		return "api.authentication.recordMethod"
	}
	return ""
}

// metadataCall is the call that changed metadata: that without a value deletes.
func metadataCall(changes map[string]any) string {
	for _, value := range changes {
		if value != nil {
			return "setMetadata"
		}
	}
	return "deleteMetadata"
}
