package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/internal/seal"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/audit"
	"github.com/gatewright/gate/store/idempotency"
	"github.com/gatewright/gate/store/identities"
	"github.com/gatewright/gate/store/keyring"
	"github.com/gatewright/gate/store/throttle"
)

// refreshGrace is for how long a client that lost the answer to a renewal may
// ask again. Mobile networks lose answers.
const refreshGrace = 5 * time.Second

// sessionCache is how late a session that another process ended may be taken for
// a living one. A connection that is open looks every two seconds more.
const sessionCache = 2 * time.Second

// stores are where the authentication keeps what has to outlast a request.
type stores struct {
	sessions *accounts.Sessions
	refresh  *accounts.RefreshTokens // nil without refresh tokens
	tokens   *accounts.Tokens
	verified *accounts.Verified
	apiKeys  *accounts.APIKeys // nil without API keys
	letters  *Post             // nil without letters
	posted   postLimiter
	throttle *throttle.Throttle
	trail    *audit.Trail
	once     *idempotency.Keeper
	ring     Keyring // nil unless keys are rotated
}

// A Component is a part of the schema that is not the service's own.
type Component struct {
	// Name is that under which migrations are noted.
	Name string
	// Migrations are what brings it up to date.
	Migrations []store.Migration
}

// Components returns the parts of the schema that authentication needs.
func (c *Config) Components(d store.Dialect) []Component {
	list := []Component{
		{accounts.Component, accounts.Migrations(d)},
		{throttle.Component, throttle.Migrations(d)},
		{audit.Component, audit.Migrations(d)},
		{idempotency.Component, idempotency.Migrations(d)},
	}
	if c.JWT != nil && c.JWT.RotateKeys != nil {
		list = append(list, Component{keyring.Component, keyring.Migrations(d)})
	}
	if c.OIDC != nil && c.OIDC.Users != nil {
		list = append(list, Component{identities.Component, identities.Migrations(d)})
	}
	return list
}

func openStores(ctx context.Context, cfg Config, opts Options) (s stores, err error) {
	if s.sessions, err = accounts.NewSessions(opts.DB, accounts.SessionsConfig{Entity: cfg.Entity, CacheFor: sessionCache, Now: opts.Now}); err != nil {
		return s, err
	}
	counting := throttle.Config{DB: opts.DB, Secret: derive(opts.Settings, "count attempts"), Logger: opts.Logger, Now: opts.Now}
	if s.throttle, err = throttle.New(counting); err != nil {
		return s, err
	}
	if s.posted, err = newPostLimiter(counting); err != nil {
		return s, err
	}
	if s.tokens, err = accounts.NewTokens(opts.DB, accounts.TokensConfig{Now: opts.Now}); err != nil {
		return s, err
	}
	if s.verified, err = accounts.NewVerified(opts.DB, accounts.VerifiedConfig{Now: opts.Now}); err != nil {
		return s, err
	}
	if cfg.APIKeys != nil {
		s.apiKeys, err = accounts.NewAPIKeys(opts.DB, accounts.APIKeysConfig{Environment: cfg.APIKeys.Environment, Entity: cfg.Entity, Now: opts.Now})
		if err != nil {
			return s, err
		}
	}
	if cfg.Letters != nil {
		if cfg.Letters.By == nil {
			return s, errors.New("Letters has no By, which is auth.ByLetter: gate generate writes it")
		}
		if s.letters, err = cfg.Letters.By(*cfg.Letters, opts); err != nil {
			return s, err
		}
	}
	if s.trail, err = audit.New(audit.Config{DB: opts.DB, Logger: opts.Logger, Now: opts.Now}); err != nil {
		return s, err
	}
	if s.once, err = idempotency.New(opts.DB, idempotency.Config{Now: opts.Now}); err != nil {
		return s, err
	}
	if cfg.JWT == nil {
		return s, nil
	}
	if r := cfg.JWT.Refresh; r != nil {
		s.refresh, err = accounts.NewRefreshTokens(s.sessions, accounts.RefreshConfig{
			IdleFor: r.IdleFor, Grace: refreshGrace, Key: derive(opts.Settings, "answer renewals again"), Now: opts.Now,
		})
		if err != nil {
			return s, err
		}
	}
	if r := cfg.JWT.RotateKeys; r != nil {
		if s.ring, err = r.open(ctx, cfg.JWT.Algorithm, r.every, opts); err != nil {
			return s, fmt.Errorf("signing keys: %w", err)
		}
	}
	return s, nil
}

// derive returns a key of 32 bytes for one purpose from AUTH_SECRET (RFC 5869).
func derive(settings *config.Config, purpose string) []byte {
	key, err := seal.Key([]byte(settings.AuthSecret.Reveal()), "gatewright: "+purpose)
	if err != nil {
		panic("auth: " + err.Error()) // 32 bytes are not too many
	}
	return key
}

// CursorKey returns the key that the cursors of pages are sealed with: 32 bytes, the
// same in every process of the service, see [crud.Resource.SealCursors].
func (a *Auth) CursorKey() []byte { return derive(a.opts.Settings, "seal cursors") }

// Refresh returns the store of refresh tokens, nil without them.
func (a *Auth) Refresh() *accounts.RefreshTokens { return a.refresh }

// Throttle returns the throttle that all doors of the service share, nil without
// authentication.
func (a *Auth) Throttle() *throttle.Throttle {
	if a == nil {
		return nil
	}
	return a.throttle
}

// Trail returns the audit trail, to read it or to note what the service's own
// code does.
func (a *Auth) Trail() *audit.Trail { return a.trail }

// Keys returns the keys that sign and verify access tokens, nil without tokens.
func (a *Auth) Keys() *jose.KeySet { return a.keys }

// Keyring returns the keys as they are kept and rotated in the database, nil
// unless they are.
func (a *Auth) Keyring() Keyring { return a.ring }

// Run does what has to be done every now and then, until ctx ends: it keeps the
// keys in step, and deletes what has expired.
func (a *Auth) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if a.ring != nil {
			a.ring.Run(ctx)
		}
	}()
	defer func() { <-done }()
	if err := a.expect(ctx); err != nil && ctx.Err() == nil {
		a.opts.Logger.WarnContext(ctx, "kinds of password hashes in use not looked at", "err", err)
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := a.Sweep(ctx); err != nil && ctx.Err() == nil {
				a.opts.Logger.WarnContext(ctx, "what has expired was not deleted", "err", err)
			}
		}
	}
}

// sweepEvery is how often what has expired is deleted.
const sweepEvery = 10 * time.Minute

// Sweep deletes what has expired or was kept for long enough.
func (a *Auth) Sweep(ctx context.Context) error {
	_, err := accounts.Sweep(ctx, a.opts.DB, a.opts.Now())
	_, throttled := a.throttle.Sweep(ctx)
	_, _, trail := a.trail.Sweep(ctx)
	_, once := a.once.Sweep(ctx)
	return errors.Join(err, throttled, trail, once)
}

func (s *stores) close(ctx context.Context) error {
	var err error
	if s.sessions != nil {
		err = s.sessions.Close()
	}
	if s.apiKeys != nil {
		err = errors.Join(err, s.apiKeys.Close())
	}
	if s.letters != nil {
		err = errors.Join(err, s.letters.queue.Close(ctx))
	}
	if s.trail != nil {
		err = errors.Join(err, s.trail.Close(ctx))
	}
	return err
}

// forget removes what is left of a deleted account: identifiers may be used
// again where the database counts them.
func (a *Auth) forget(ctx context.Context, subject string) {
	err := a.tokens.Void(ctx, a.cfg.Entity, subject)
	err = errors.Join(err, a.verified.Clear(ctx, a.cfg.Entity, subject), a.once.Forget(ctx, subject))
	if a.apiKeys != nil {
		_, revoked := a.apiKeys.RevokeSubject(ctx, a.cfg.Entity, subject)
		err = errors.Join(err, revoked)
	}
	if err != nil {
		a.opts.Logger.ErrorContext(ctx, "something is left of a deleted account", "subject", subject, "err", err)
	}
}
