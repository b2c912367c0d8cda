package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
)

// A Session is a browser in which a user is logged in. Its cookie holds a secret
// of which the SHA-256 is kept.
type Session struct {
	ID     string `json:"id"`
	UserID string `json:"user_id"`
	// AuthenticatedAt is when the user last proved who they are.
	CreatedAt       time.Time `json:"created_at"`
	AuthenticatedAt time.Time `json:"authenticated_at"`
	UsedAt          time.Time `json:"last_interacted_at"`
	IdleExpiresAt   time.Time `json:"idle_expires_at"`
	ExpiresAt       time.Time `json:"expires_at"`
	// Epoch is that of the user when they proved who they are.
	Epoch int64 `json:"-"`
	SessionDetails
}

// SessionDetails are what a session remembers beside its times.
type SessionDetails struct {
	// Connection is how the user came in.
	Connection string `json:"connection,omitempty"`
	// Methods are how the user authenticated.
	Methods []AuthMethod `json:"methods,omitempty"`
	// Clients are the IDs of the clients that got tokens in it.
	Clients   []string `json:"clients,omitempty"`
	IP        string   `json:"ip,omitempty"`
	UserAgent string   `json:"user_agent,omitempty"`
}

// An AuthMethod is one step of a log-in.
type AuthMethod struct {
	Name string    `json:"name"` // "pwd", "federated", "mfa", …
	At   time.Time `json:"timestamp"`
}

// MaxSessions is how many sessions one user has: those that were not used for the
// longest time end first.
const MaxSessions = 100

// CreateSession stores a session under the SHA-256 of text. It returns [ErrEnded]
// when everything of the user was ended after the session's epoch.
func (s *Store) CreateSession(ctx context.Context, text secret.String, ses *Session) error {
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error { return s.insertSession(ctx, tx, text, ses) })
	return s.refused("session", err)
}

// ReplaceSession ends a session and stores one in its place: both, or neither. That
// of the same user goes on in the new one, which then has its ID and the clients
// that know it; that of another ends with its refresh tokens, and is returned
// if it was live.
func (s *Store) ReplaceSession(ctx context.Context, old *Session, text secret.String, ses *Session) (ended *Session, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		ended = nil
		if err := s.lockUsers(ctx, tx, "$1, $2", old.UserID, ses.UserID); err != nil {
			return err
		}
		list, err := s.endSessions(ctx, tx, "id = $1", old.ID)
		if err != nil {
			return err
		}
		if old.UserID == ses.UserID {
			if ses.ID, ses.Clients = old.ID, old.Clients; len(list) > 0 {
				ses.Clients = list[0].Clients // somebody may have added one
			}
			return s.insertSession(ctx, tx, text, ses)
		}
		if err := s.queueLogouts(ctx, tx, list); err != nil {
			return err
		}
		if len(list) > 0 {
			ended = list[0]
		}
		if err := s.revokeFamilies(ctx, tx, old.UserID, "", old.ID); err != nil {
			return err
		}
		return s.insertSession(ctx, tx, text, ses)
	})
	if err := s.refused("session", err); err != nil {
		return nil, err
	}
	return ended, nil
}

func (s *Store) insertSession(ctx context.Context, tx *sql.Tx, text secret.String, ses *Session) error {
	if err := s.inEpoch(ctx, tx, ses.UserID, ses.Epoch); err != nil {
		return err
	}
	doc, err := json.Marshal(ses.SessionDetails)
	if err != nil {
		return fmt.Errorf("encode session: %w", err)
	}
	hash := secret.Hash(text.Reveal())
	_, err = tx.ExecContext(ctx, `INSERT INTO idp_sessions
		(hash, id, user_id, doc, created_at, authenticated_at, used_at, idle_expires_at, expires_at, epoch)
		VALUES ($1, $2, $3, $4, $5, $6, $5, $7, $8, $9)`,
		hash[:], ses.ID, ses.UserID, string(doc), millis(ses.CreatedAt), millis(ses.AuthenticatedAt),
		millis(ses.IdleExpiresAt), millis(ses.ExpiresAt), ses.Epoch)
	if err != nil {
		return err
	}
	_, err = s.logOut(ctx, tx, fmt.Sprintf("hash IN (SELECT hash FROM idp_sessions WHERE user_id = $1 ORDER BY used_at DESC, id LIMIT 1000 OFFSET %d)",
		MaxSessions), ses.UserID)
	return err
}

// inEpoch reports whether a user is still in an epoch, and keeps them there until
// the transaction ends. It returns [ErrEnded], without a user as well.
func (s *Store) inEpoch(ctx context.Context, tx *sql.Tx, userID string, epoch int64) error {
	lock := ""
	if s.db.Dialect() == store.Postgres {
		lock = " FOR SHARE"
	}
	var now int64
	err := tx.QueryRowContext(ctx, "SELECT epoch FROM idp_users WHERE id = $1"+lock, userID).Scan(&now)
	if errors.Is(err, sql.ErrNoRows) || err == nil && now != epoch {
		return fmt.Errorf("log-in %w", ErrEnded)
	}
	return err
}

const sessionColumns = "id, user_id, doc, created_at, authenticated_at, used_at, idle_expires_at, expires_at, epoch"

// SessionBySecret returns the live session with this secret, or [ErrNotFound].
func (s *Store) SessionBySecret(ctx context.Context, text secret.String) (*Session, error) {
	hash := secret.Hash(text.Reveal())
	return s.session(ctx, "hash = $2", hash[:])
}

// Session returns the live session with this ID, or [ErrNotFound].
func (s *Store) Session(ctx context.Context, id string) (*Session, error) {
	return s.session(ctx, "id = $2", id)
}

func (s *Store) session(ctx context.Context, where string, arg any) (*Session, error) {
	row := s.db.Read().QueryRowContext(ctx, "SELECT "+sessionColumns+
		" FROM idp_sessions WHERE expires_at > $1 AND idle_expires_at > $1 AND "+where, millis(s.now()), arg)
	ses, err := scanSession(row)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("session %w", ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read session: %w", s.db.Wrap(err))
	}
	return ses, nil
}

func scanSession(row scanner) (*Session, error) {
	var (
		ses                              Session
		doc                              string
		created, auth, used, idle, until int64
	)
	if err := row.Scan(&ses.ID, &ses.UserID, &doc, &created, &auth, &used, &idle, &until, &ses.Epoch); err != nil {
		return nil, err
	}
	ses.CreatedAt, ses.AuthenticatedAt, ses.UsedAt = instant(created), instant(auth), instant(used)
	ses.IdleExpiresAt, ses.ExpiresAt = instant(idle), instant(until)
	if err := json.Unmarshal([]byte(doc), &ses.SessionDetails); err != nil {
		return nil, fmt.Errorf("decode session: %w", err)
	}
	return &ses, nil
}

// SessionsOf returns the live sessions of a user, the newest first, at most
// [MaxSessions].
func (s *Store) SessionsOf(ctx context.Context, userID string) ([]*Session, error) {
	rows, err := s.db.Read().QueryContext(ctx, "SELECT "+sessionColumns+` FROM idp_sessions
		WHERE user_id = $1 AND expires_at > $2 AND idle_expires_at > $2 ORDER BY created_at DESC LIMIT $3`, userID, millis(s.now()), MaxSessions)
	if err != nil {
		return nil, s.db.Wrap(err)
	}
	defer rows.Close()
	var list []*Session
	for rows.Next() {
		ses, err := scanSession(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, ses)
	}
	return list, s.db.Wrap(rows.Err())
}

// TouchSession notes that a session was used for a client, and puts off its
// idle end. It returns [ErrEnded] when it has ended meanwhile, by a log-out, or
// everything of the user after the session's epoch, by a block for example.
func (s *Store) TouchSession(ctx context.Context, ses *Session, clientID string, idleUntil time.Time) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.inEpoch(ctx, tx, ses.UserID, ses.Epoch); err != nil {
			return err
		}
		return s.touchIn(ctx, tx, ses, clientID, idleUntil)
	})
}

// TouchSessionWith does the same and stores a token that the session led to, as
// [Store.CreateToken] does: both, or neither.
func (s *Store) TouchSessionWith(ctx context.Context, ses *Session, clientID string, idleUntil time.Time, with *NewToken) error {
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.clientStays(ctx, tx, with.ClientID); err != nil {
			return err
		}
		if with.Epoch != nil {
			if err := s.inEpoch(ctx, tx, with.UserID, *with.Epoch); err != nil {
				return err
			}
		}
		if err := s.touchIn(ctx, tx, ses, clientID, idleUntil); err != nil {
			return err
		}
		return s.insertToken(ctx, tx, with.Text, &with.Token)
	})
	return s.refused("token", err)
}

func (s *Store) touchIn(ctx context.Context, tx *sql.Tx, ses *Session, clientID string, idleUntil time.Time) error {
	now := millis(s.now())
	// Read again: somebody else may have added another client.
	kept, err := scanSession(tx.QueryRowContext(ctx, "SELECT "+sessionColumns+` FROM idp_sessions
		WHERE id = $1 AND expires_at > $2 AND idle_expires_at > $2`+s.forUpdate(), ses.ID, now))
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("log-in %w", ErrEnded) // its clients are told already, and this one would not be
	}
	if err != nil {
		return err
	}
	if !slices.Contains(kept.Clients, clientID) {
		kept.Clients = append(kept.Clients, clientID)
	}
	doc, err := json.Marshal(kept.SessionDetails)
	if err != nil {
		return fmt.Errorf("encode session: %w", err)
	}
	_, err = tx.ExecContext(ctx, "UPDATE idp_sessions SET doc = $2, used_at = $3, idle_expires_at = $4 WHERE id = $1",
		ses.ID, string(doc), now, millis(idleUntil))
	if err == nil {
		ses.Clients = kept.Clients
	}
	return err
}

// Sweep deletes what has expired, and log entries beyond the retention of the
// settings, and returns how many rows that were; addresses in entries that stay
// are cut to their network. What has expired is refused
// without it. It works in batches; a provider calls it every few minutes, in
// however many processes.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	now := millis(s.now())
	total := 0
	for _, part := range []struct {
		table, id, where string
		arg              int64
	}{
		{"idp_tokens", "hash", "expires_at < $1", now - day/24},
		{"idp_sessions", "hash", "expires_at < $1", now - day},
		{"idp_sessions", "hash", "idle_expires_at < $1", now - day},
		{"idp_refresh", "id", "expires_at < $1", now - 30*day},
		{"idp_refresh", "id", "idle_expires_at < $1", now - 30*day},
		{"idp_refresh", "id", "revoked_at > 0 AND revoked_at < $1", now - 30*day},
		{"idp_revoked", "id", "expires_at < $1", now - day/24}, // verifiers have a leeway
	} {
		n, err := s.sweep(ctx, part.table, part.id, part.where, part.arg)
		if total += n; err != nil {
			return total, err
		}
	}
	n, err := s.sweepLogs(ctx)
	return total + n, err
}

func (s *Store) sweep(ctx context.Context, table, id, where string, arg any) (int, error) {
	const batch = 1000
	total := 0
	for {
		res, err := s.exec(ctx, "DELETE FROM "+table+" WHERE "+id+" IN (SELECT "+id+" FROM "+table+" WHERE "+where+" LIMIT 1000)", arg)
		if err != nil {
			return total, err
		}
		n, err := res.RowsAffected()
		total += int(n)
		if err != nil || n < batch {
			return total, err
		}
	}
}

// forUpdate locks the rows of a query until the transaction ends.
func (s *Store) forUpdate() string {
	if s.db.Dialect() == store.Postgres {
		return " FOR UPDATE"
	}
	return ""
}
