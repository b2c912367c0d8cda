package idp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// The lives of sessions where the settings say nothing.
const (
	sessionLife = 168 * time.Hour
	sessionIdle = 72 * time.Hour
)

// currentSession returns the session of the browser with its user, or nil
// without one. A session of a user who is blocked or gone is none.
func (p *Provider) currentSession(r *http.Request) (*tenant.Session, *tenant.User, error) {
	text := p.cookie(r, sessionCookie)
	if text == "" {
		return nil, nil, nil
	}
	ses, err := p.tenant.SessionBySecret(r.Context(), secret.String(text))
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	u, err := p.tenant.User(r.Context(), ses.UserID)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && u.Blocked {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return ses, u, nil
}

// lives returns how long sessions live.
func (p *Provider) lives(ctx context.Context) (life, idle time.Duration, err error) {
	set, err := p.tenant.Settings(ctx)
	if err != nil {
		return 0, 0, err
	}
	life, idle = sessionLife, sessionIdle
	if set.SessionLifetime > 0 {
		life = time.Duration(set.SessionLifetime * float64(time.Hour))
	}
	if set.IdleSessionLifetime > 0 {
		idle = time.Duration(set.IdleSessionLifetime * float64(time.Hour))
	}
	return life, min(idle, life), nil
}

// newSession logs a user in in this browser: with a new secret, whatever cookie
// the browser had. The session before it ends; that of the same user goes on
// under its name. A method without a time is one of now. It returns
// [tenant.ErrEnded] when everything of the user was ended after u was read, by a
// new password for example.
func (p *Provider) newSession(w http.ResponseWriter, r *http.Request, u *tenant.User, connection string, method tenant.AuthMethod) (*tenant.Session, error) {
	ctx := r.Context()
	life, idle, err := p.lives(ctx)
	if err != nil {
		return nil, err
	}
	old, _, err := p.currentSession(r)
	if err != nil {
		return nil, err
	}
	now := p.now().UTC().Truncate(time.Millisecond)
	if method.At.IsZero() {
		method.At = now
	}
	client, _ := gate.ClientFromContext(ctx)
	text := secret.Text()
	ses := &tenant.Session{
		ID: tenant.NewGrantID(), UserID: u.ID, Epoch: u.Epoch, CreatedAt: now, AuthenticatedAt: method.At, UsedAt: now,
		IdleExpiresAt: now.Add(idle), ExpiresAt: now.Add(life),
		SessionDetails: tenant.SessionDetails{
			Connection: connection, Methods: []tenant.AuthMethod{method},
			IP: addressText(client), UserAgent: bounded(client.UserAgent, 300),
		},
	}
	if err := p.storeSession(ctx, old, text, ses); err != nil {
		return nil, err
	}
	p.noteLogin(ctx, u)
	return ses, p.keepSession(ctx, w, text, life)
}

// keepSession gives the browser the secret of its session.
func (p *Provider) keepSession(ctx context.Context, w http.ResponseWriter, text secret.String, life time.Duration) error {
	set, err := p.tenant.Settings(ctx)
	if err != nil {
		return err
	}
	if set.SessionCookie != nil && set.SessionCookie.Mode == "non-persistent" {
		life = 0 // until the browser is closed
	}
	p.setCookie(w, sessionCookie, text.Reveal(), life)
	return nil
}

// noteLogin counts a log-in, which is one whether or not that works.
func (p *Provider) noteLogin(ctx context.Context, u *tenant.User) {
	client, _ := gate.ClientFromContext(ctx)
	if err := p.tenant.NoteLogin(ctx, u.ID, addressText(client)); err != nil {
		p.log.ErrorContext(ctx, "log-in was not counted", "user_id", u.ID, "err", err)
		return
	}
	u.LoginsCount++
}

// storeSession stores a session in the place of the one that the browser had, nil
// for none. What was given out in that of the same user goes on, to be told of the
// log-out one day.
func (p *Provider) storeSession(ctx context.Context, old *tenant.Session, text secret.String, ses *tenant.Session) error {
	if old == nil {
		return p.tenant.CreateSession(ctx, text, ses)
	}
	ended, err := p.tenant.ReplaceSession(ctx, old, text, ses)
	if err == nil && ended != nil {
		p.tellLogout(ended)
	}
	return err
}

func addressText(c gate.Client) string {
	if !c.Address.IsValid() {
		return ""
	}
	return c.Address.String()
}

func bounded(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
