package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/internal/secret"
)

// A TokenKind says what a [Token] is good for.
type TokenKind string

// The kinds of tokens.
const (
	CodeToken   TokenKind = "code"           // an authorization code
	OpaqueToken TokenKind = "access"         // an access token that is no JWT
	ResetTicket TokenKind = "reset-password" // a link to set a password
	NewAccount  TokenKind = "sign-up"        // a link to confirm the address of an account that is to be made
	EmailTicket TokenKind = "verify-email"   // a link to confirm an address
	Redirection TokenKind = "redirect"       // an action sent the browser away
	AssertionID TokenKind = "assertion"      // the jti of a client's assertion, good for once
	TripEnd     TokenKind = "trip-end"       // a log-in came back from another provider, which it does once
)

// A Token is a secret text that stands for something until it is used or
// expires. Of the text the SHA-256 is kept.
type Token struct {
	Kind     TokenKind
	UserID   string
	ClientID string
	// GrantID ties together what one authorization led to.
	GrantID   string
	CreatedAt time.Time
	ExpiresAt time.Time
	// UsedAt is zero for a token that was not used.
	UsedAt time.Time
	// Data is what it stands for, as JSON.
	Data json.RawMessage
	// Epoch is that of the user when they proved who they are: after its end
	// [Store.CreateToken] stores nothing. Nil means that it does not matter.
	Epoch *int64
	// Alone makes those of its kind useless that the user has from before: both, or
	// neither.
	Alone bool
}

// CreateToken stores a token under the SHA-256 of text. It returns [ErrExists]
// when that is there, and [ErrEnded] when the client is gone that a code or an opaque
// token is for.
func (s *Store) CreateToken(ctx context.Context, text secret.String, t Token) error {
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if t.Kind == CodeToken || t.Kind == OpaqueToken {
			if err := s.clientStays(ctx, tx, t.ClientID); err != nil {
				return err
			}
		}
		if t.Epoch != nil {
			if err := s.inEpoch(ctx, tx, t.UserID, *t.Epoch); err != nil {
				return err
			}
		}
		if t.Alone {
			if err := s.lockUsers(ctx, tx, "$1", t.UserID); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM idp_tokens WHERE user_id = $1 AND kind = $2", t.UserID, string(t.Kind)); err != nil {
				return err
			}
		}
		return s.insertToken(ctx, tx, text, &t)
	})
	return s.refused("token", err)
}

func (s *Store) insertToken(ctx context.Context, tx *sql.Tx, text secret.String, t *Token) error {
	hash := secret.Hash(string(t.Kind) + " " + text.Reveal())
	doc := "null"
	if t.Data != nil {
		doc = string(t.Data)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO idp_tokens (hash, kind, user_id, client_id, grant_id, doc, created_at, expires_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`,
		hash[:], string(t.Kind), t.UserID, t.ClientID, t.GrantID, doc, millis(s.now()), millis(t.ExpiresAt))
	return err
}

// Token returns the token of this kind and text, used or not, or [ErrNotFound]
// also when it has expired.
func (s *Store) Token(ctx context.Context, kind TokenKind, text secret.String) (*Token, error) {
	hash := secret.Hash(string(kind) + " " + text.Reveal())
	t, err := s.scanToken(s.db.Read().QueryRowContext(ctx, tokenQuery, hash[:], string(kind), millis(s.now())))
	if err != nil {
		return nil, s.db.Wrap(err)
	}
	return t, nil
}

const tokenQuery = `SELECT kind, user_id, client_id, grant_id, doc, created_at, expires_at, used_at
	FROM idp_tokens WHERE hash = $1 AND kind = $2 AND expires_at > $3`

func (s *Store) scanToken(row scanner) (*Token, error) {
	var (
		t                    Token
		doc                  string
		created, until, used int64
	)
	err := row.Scan(&t.Kind, &t.UserID, &t.ClientID, &t.GrantID, &doc, &created, &until, &used)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("token %w", ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read token: %w", err)
	}
	t.Data, t.CreatedAt, t.ExpiresAt, t.UsedAt = json.RawMessage(doc), instant(created), instant(until), instant(used)
	return &t, nil
}

// UseToken uses a token up: of any number of calls with one text one succeeds.
// The others return the token with [ErrUsed], or [ErrNotFound] when it never was
// or has expired.
func (s *Store) UseToken(ctx context.Context, kind TokenKind, text secret.String) (*Token, error) {
	hash := secret.Hash(string(kind) + " " + text.Reveal())
	now := millis(s.now())
	first, err := changed(s.db.Exec(ctx, "UPDATE idp_tokens SET used_at = $3 WHERE hash = $1 AND kind = $2 AND used_at = 0 AND expires_at > $3",
		hash[:], string(kind), now))
	if err != nil {
		return nil, err
	}
	t, err := s.scanToken(s.db.Read().QueryRowContext(ctx, tokenQuery, hash[:], string(kind), now))
	if err != nil {
		return nil, s.db.Wrap(err)
	}
	if !first {
		return t, fmt.Errorf("token %w", ErrUsed)
	}
	return t, nil
}

// A Ticket is the text of a token that is used up with what it allows. The zero value
// is none.
type Ticket struct {
	Kind TokenKind
	Text secret.String
}

// useTicket uses a ticket up in a transaction, or returns [ErrUsed]. userID is whose
// it has to be; empty means anybody's.
func (s *Store) useTicket(ctx context.Context, tx *sql.Tx, t Ticket, userID string) error {
	if t.Text == "" {
		return nil
	}
	hash := secret.Hash(string(t.Kind) + " " + t.Text.Reveal())
	ok, err := changed(tx.ExecContext(ctx, `UPDATE idp_tokens SET used_at = $4
		WHERE hash = $1 AND kind = $2 AND ($3 = '' OR user_id = $3) AND used_at = 0 AND expires_at > $4`,
		hash[:], string(t.Kind), userID, millis(s.now())))
	if err != nil || ok {
		return err
	}
	return fmt.Errorf("token %w", ErrUsed)
}

// RevokeGrant ends what one authorization led to: its refresh tokens and opaque
// tokens.
func (s *Store) RevokeGrant(ctx context.Context, grantID string) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		const owners = "SELECT user_id FROM idp_refresh WHERE id = $1 UNION SELECT user_id FROM idp_tokens WHERE grant_id = $1"
		if err := s.lockUsers(ctx, tx, owners, grantID); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE idp_refresh SET revoked_at = $2 WHERE id = $1 AND revoked_at = 0", grantID, millis(s.now())); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM idp_tokens WHERE grant_id = $1 AND kind <> $2", grantID, string(CodeToken))
		return err
	})
}

// NewestToken returns the newest token of a kind that a user has and that was
// not used, or [ErrNotFound].
func (s *Store) NewestToken(ctx context.Context, userID string, kind TokenKind) (*Token, error) {
	t, err := s.scanToken(s.db.Read().QueryRowContext(ctx, `SELECT kind, user_id, client_id, grant_id, doc, created_at, expires_at, used_at
		FROM idp_tokens WHERE user_id = $1 AND kind = $2 AND used_at = 0 AND expires_at > $3 ORDER BY created_at DESC LIMIT 1`,
		userID, string(kind), millis(s.now())))
	if err != nil {
		return nil, s.db.Wrap(err)
	}
	return t, nil
}

// SetTokenData replaces what a token stands for, and keeps it until then: for
// what is to be remembered of one that was used. One that is gone, as after
// [Store.EndAll], is [ErrNotFound].
func (s *Store) SetTokenData(ctx context.Context, kind TokenKind, text secret.String, data json.RawMessage, until time.Time) error {
	hash := secret.Hash(string(kind) + " " + text.Reveal())
	res, err := s.db.Exec(ctx, "UPDATE idp_tokens SET doc = $2, expires_at = $3 WHERE hash = $1 AND kind = $4",
		hash[:], string(data), millis(until), string(kind))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fmt.Errorf("token %w", ErrNotFound)
}
