package accounts

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/household"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
)

// The bounds of a [RefreshConfig].
const (
	// DefaultRefreshIdleFor is how long a refresh token waits to be used.
	DefaultRefreshIdleFor = 14 * 24 * time.Hour
	// MaxRefreshIdleFor and MaxGrace are how far the settings go.
	MaxRefreshIdleFor = 30 * 24 * time.Hour
	MaxGrace          = 10 * time.Second
)

const (
	minGraceKey   = 32    // bytes
	maxUsedTokens = 10000 // of one session, remembered to be recognised
	refusedToken  = "Invalid refresh token"
)

// RefreshConfig configures [NewRefreshTokens]. The zero value is ready for use.
type RefreshConfig struct {
	// IdleFor is how long a refresh token works if it is not used; zero means
	// [DefaultRefreshIdleFor], [MaxRefreshIdleFor] is the most. No token
	// outlives its session.
	IdleFor time.Duration
	// Grace is for how long a client that lost the answer may present the token
	// again and gets the same answer; see [RefreshTokens]. Zero, the safest,
	// means not at all; [MaxGrace] is the most.
	Grace time.Duration
	// Key seals the answer that may have to be given again: at least 32 random
	// bytes, the same in every process, used for nothing else. Required if Grace
	// is set.
	Key []byte
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// RefreshTokens is a store of refresh tokens: [gate.RefreshTokens], and the use
// of the tokens. It is safe for concurrent use; [NewRefreshTokens] makes one.
//
// # One use
//
// A token is good for one use, which is answered with the next one (RFC 9700
// §4.14.2). All tokens of a session are one family. However many use one token
// at the same time, in whatever process, one of them gets a child of it. Used
// tokens are remembered until the session is over. Whoever presents one is a
// thief, or was robbed: nobody can tell, so the session ends for both. The one
// who is told so by [gate.ErrReused] is the first; after that it is the token of
// a session that is over, like any other.
//
// Without a grace that holds for a client, too, which sends one token twice at
// once, or again because the answer was lost: it has to log in.
//
// # The grace
//
// With [RefreshConfig.Grace] the same client (the same user agent from the same
// network) gets the same child once more, as long as that is unused. So a thief
// with the victim's network and browser may share a child; the family ends when
// the second of them uses it.
//
// The child cannot be read from the database: it is random, and kept sealed with
// AES-256-GCM under an HMAC-SHA-256 of the parent, whose text the client alone
// has, keyed with [RefreshConfig.Key]. Without that key somebody who found a used
// token in an old log and the row in a stolen backup would have the living one. It
// is erased once the child is used, and by [Sweep].
type RefreshTokens struct {
	db       *store.DB
	sessions *Sessions
	idleFor  time.Duration
	grace    time.Duration
	key      []byte
	now      func() time.Time
}

var _ gate.RefreshTokens = (*RefreshTokens)(nil)

// NewRefreshTokens returns a store of refresh tokens beside the sessions.
func NewRefreshTokens(sessions *Sessions, cfg RefreshConfig) (*RefreshTokens, error) {
	switch {
	case sessions == nil:
		return nil, errors.New("refresh tokens: no sessions")
	case cfg.IdleFor < 0 || cfg.IdleFor > MaxRefreshIdleFor:
		return nil, fmt.Errorf("refresh tokens: idle for %v is not between 0 and %v", cfg.IdleFor, MaxRefreshIdleFor)
	case cfg.Grace < 0 || cfg.Grace > MaxGrace:
		return nil, fmt.Errorf("refresh tokens: grace of %v is not between 0 and %v", cfg.Grace, MaxGrace)
	case cfg.Grace > 0 && len(cfg.Key) < minGraceKey:
		return nil, fmt.Errorf("refresh tokens: a grace needs a key of %d bytes, not %d", minGraceKey, len(cfg.Key))
	}
	if cfg.IdleFor == 0 {
		cfg.IdleFor = DefaultRefreshIdleFor
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &RefreshTokens{
		db: sessions.db, sessions: sessions, idleFor: cfg.IdleFor, grace: cfg.Grace, key: bytes.Clone(cfg.Key), now: cfg.Now,
	}, nil
}

// Issue makes the first refresh token of a session; a session has one family,
// so a second call is refused. [ErrNoSession] says that it is over.
func (t *RefreshTokens) Issue(ctx context.Context, sessionID string) (gate.RefreshToken, error) {
	now := t.now()
	session, err := t.sessions.Get(ctx, sessionID)
	if err == nil {
		session, err = t.sessions.goesOn(ctx, session, now)
	}
	if err != nil {
		return gate.RefreshToken{}, fmt.Errorf("issue refresh token: %w", err)
	}
	text := secret.Text().Reveal()
	expires := t.expiry(session, now)
	_, err = t.db.Exec(ctx, insertRefresh, digestOf(text), sessionID, 1, now.UnixMilli(), expires.UnixMilli())
	if err != nil {
		return gate.RefreshToken{}, fmt.Errorf("issue refresh token: %w", err)
	}
	return gate.RefreshToken{Token: text, ExpiresAt: expires}, nil
}

const insertRefresh = `INSERT INTO gate_refresh_tokens
	(token_hash, session_id, generation, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5)`

func (t *RefreshTokens) expiry(session Session, now time.Time) time.Time {
	if idle := now.Add(t.idleFor); idle.Before(session.ExpiresAt) {
		return idle
	}
	return session.ExpiresAt
}

// Use uses a token up, on behalf of a client, and returns its session, noted as
// used, and the next token. A token that had been used ends its session and is
// [gate.ErrReused], with the account as the subject of the error. One that is
// unknown, expired, or of a session that is over is [gate.ErrNotAuthenticated];
// the message is the same.
//
// The account may have changed since: its roles, and whether it is still there,
// are for the caller to look up anew.
func (t *RefreshTokens) Use(ctx context.Context, token string, client gate.Client) (gate.Session, gate.RefreshToken, error) {
	if !validSecret(token) {
		return gate.Session{}, gate.RefreshToken{}, refused()
	}
	// Strangers do not get to wait for the writer, nor to keep others from it.
	sessionID, err := t.sessionOf(ctx, token)
	u := use{
		RefreshTokens: t, now: t.now(), parent: token, digest: digestOf(token),
		agent: readable(client.UserAgent, 256), network: household.Of(client.Address),
	}
	if err == nil {
		err = t.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error { return u.run(ctx, tx, sessionID) })
	}
	switch {
	case err != nil && errors.Is(err, gate.ErrNotAuthenticated):
		return gate.Session{}, gate.RefreshToken{}, err
	case err != nil:
		return gate.Session{}, gate.RefreshToken{}, fmt.Errorf("use refresh token: %w", err)
	case u.reused:
		t.sessions.ended(ctx, u.session.ID)
		return gate.Session{}, gate.RefreshToken{}, &gate.AuthError{
			Code: gate.ErrReused, Message: refusedToken, Subject: u.session.Subject,
		}
	}
	return u.session.Session, gate.RefreshToken{Token: u.child, ExpiresAt: u.expires}, nil
}

// sessionOf returns the session that the token belongs to, which never changes.
func (t *RefreshTokens) sessionOf(ctx context.Context, token string) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err = t.db.Read().QueryRowContext(ctx, "SELECT session_id FROM gate_refresh_tokens WHERE token_hash = $1", digestOf(token)).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", refused()
	}
	return id, t.db.Wrap(err)
}

func refused() error {
	return &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: refusedToken}
}

// use is one use of a token, within a transaction.
type use struct {
	*RefreshTokens

	now            time.Time
	parent, digest string
	agent, network string

	session Session
	child   string
	expires time.Time
	reused  bool // and the session ended for it
}

// run takes the token, or finds out why it cannot. Rows are locked before they
// are read, always the session's first, and never through a join: that would
// read one of them as it was before somebody else changed it.
func (u *use) run(ctx context.Context, tx *sql.Tx, sessionID string) error {
	if err := u.touch(ctx, tx, sessionID); err != nil {
		return err
	}
	u.child = secret.Text().Reveal()
	sealed := ""
	if u.grace > 0 {
		var err error
		if sealed, err = seal(u.key, u.parent, u.child); err != nil {
			return err
		}
	}
	var generation int64
	err := tx.QueryRowContext(ctx, `UPDATE gate_refresh_tokens
		SET used_at = $1, used_agent = $2, used_network = $3, sealed_child = $4
		WHERE token_hash = $5 AND used_at IS NULL AND expires_at > $1
		RETURNING generation`,
		u.now.UnixMilli(), u.agent, u.network, sealed, u.digest).Scan(&generation)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return u.notTaken(ctx, tx)
	case err != nil:
		return err
	}
	u.expires = u.expiry(u.session, u.now)
	if _, err := tx.ExecContext(ctx, insertRefresh,
		digestOf(u.child), sessionID, generation+1, u.now.UnixMilli(), u.expires.UnixMilli()); err != nil {
		return err
	}
	return u.tidy(ctx, tx, generation)
}

// touch locks the session and notes that it is used; what is over is refused,
// and the transaction with it.
func (u *use) touch(ctx context.Context, tx *sql.Tx, id string) error {
	noted := u.sessions.seen.noted(id) // not in the row yet
	var err error
	u.session, err = scanSession(tx.QueryRowContext(ctx, `UPDATE gate_sessions SET last_seen_at = $1
		WHERE id = $2 AND ended_at IS NULL AND expires_at > $1
		AND (idle_for = 0 OR last_seen_at + idle_for > $1 OR idle_for + $4 > $1)
		AND ($3 = '' OR entity = $3)
		RETURNING `+columns, u.now.UnixMilli(), id, u.sessions.entity, noted.UnixMilli()))
	if errors.Is(err, sql.ErrNoRows) {
		return refused()
	}
	return err
}

// tidy erases the sealed child that the used token was, and the tokens that are
// too old to be remembered.
func (u *use) tidy(ctx context.Context, tx *sql.Tx, generation int64) error {
	if u.grace > 0 {
		if _, err := tx.ExecContext(ctx, "UPDATE gate_refresh_tokens SET sealed_child = '' WHERE session_id = $1 AND generation = $2",
			u.session.ID, generation-1); err != nil {
			return err
		}
	}
	if generation <= maxUsedTokens {
		return nil
	}
	// The first one stays: it keeps a second family from being made.
	_, err := tx.ExecContext(ctx, "DELETE FROM gate_refresh_tokens WHERE session_id = $1 AND generation > 1 AND generation <= $2",
		u.session.ID, generation-maxUsedTokens)
	return err
}

// notTaken says why the token could not be taken, and ends the session if it had
// been used and the grace does not cover that.
func (u *use) notTaken(ctx context.Context, tx *sql.Tx) error {
	var (
		agent, network, sealed string
		generation             int64
		used                   sql.NullInt64
	)
	err := tx.QueryRowContext(ctx, `SELECT generation, used_at, used_agent, used_network, sealed_child
		FROM gate_refresh_tokens WHERE token_hash = $1`, u.digest).
		Scan(&generation, &used, &agent, &network, &sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return refused()
	case err != nil:
		return err
	case !used.Valid: // then it expired
		return refused()
	}
	ago := u.now.Sub(time.UnixMilli(used.Int64))
	inTime := ago < u.grace && ago > -max(u.grace, time.Minute) // another process may be ahead; for long, the clock was set back
	if inTime && sealed != "" && network != "" && network == u.network && agent == u.agent {
		ok, err := u.again(ctx, tx, generation+1, sealed)
		if ok || err != nil {
			return err
		}
	}
	u.reused = true
	_, err = tx.ExecContext(ctx, "UPDATE gate_sessions SET ended_at = $1 WHERE id = $2", u.now.UnixMilli(), u.session.ID)
	return err
}

// again finds the child that was given before, and reports whether it may be
// given again.
func (u *use) again(ctx context.Context, tx *sql.Tx, generation int64, sealed string) (bool, error) {
	child, err := unseal(u.key, u.parent, sealed)
	if err != nil { // sealed with another key: it cannot be given again
		return false, nil
	}
	var expires int64
	err = tx.QueryRowContext(ctx, `SELECT expires_at FROM gate_refresh_tokens
		WHERE token_hash = $1 AND session_id = $2 AND generation = $3 AND used_at IS NULL AND expires_at > $4`,
		digestOf(child), u.session.ID, generation, u.now.UnixMilli()).Scan(&expires)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	u.child, u.expires = child, time.UnixMilli(expires)
	return err == nil, err
}
