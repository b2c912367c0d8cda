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

// An Exchange is what comes of an authorization code that was used.
type Exchange struct {
	// Code is the code, and Mark what [Store.ReuseCode] leaves of it.
	Code, Mark secret.String
	// Data is what the code stands for from now on, until Until: what it led to.
	Data  json.RawMessage
	Until time.Time
	// UserID and Epoch are of the person who logged in, in the session SessionID.
	UserID    string
	Epoch     int64
	SessionID string
	// Family and Token are what it led to; nil for neither.
	Family *Family
	Token  *NewToken
}

// Exchange stores what comes of a code, all of it or nothing, and returns the first
// token of the family, if there is one. It returns [ErrUsed] when the code was
// used again meanwhile, [ErrNotFound] when it is gone with all of the user, and
// [ErrEnded] when the log-in is over.
func (s *Store) Exchange(ctx context.Context, x *Exchange) (secret.String, error) {
	var doc []byte
	if x.Family != nil {
		var err error
		if doc, err = x.Family.prepare(); err != nil {
			return "", err
		}
	}
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.inEpoch(ctx, tx, x.UserID, x.Epoch); err != nil {
			return err
		}
		if err := s.inSession(ctx, tx, x.SessionID); err != nil {
			return err
		}
		if x.Family != nil {
			if err := s.insertFamily(ctx, tx, x.Family, doc); err != nil {
				return err
			}
		}
		if x.Token != nil {
			if err := s.insertToken(ctx, tx, x.Token.Text, &x.Token.Token); err != nil {
				return err
			}
		}
		return s.noteExchange(ctx, tx, x)
	})
	if err := s.refused("token", err); err != nil || x.Family == nil {
		return "", err
	}
	return s.text(x.Family, 1), nil
}

// inSession reports whether a session goes on, and keeps it until the transaction
// ends. It returns [ErrEnded].
func (s *Store) inSession(ctx context.Context, tx *sql.Tx, id string) error {
	var one int
	err := tx.QueryRowContext(ctx, "SELECT 1 FROM idp_sessions WHERE id = $1 AND expires_at > $2 AND idle_expires_at > $2"+s.forUpdate(),
		id, millis(s.now())).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("log-in %w", ErrEnded)
	}
	return err
}

// noteExchange keeps what a code led to, and looks whether it was used again. The
// row of the code is what the two meet at: whoever comes second sees what the
// other left.
func (s *Store) noteExchange(ctx context.Context, tx *sql.Tx, x *Exchange) error {
	hash, mark := codeHash(x.Code), codeHash(x.Mark)
	there, err := changed(tx.ExecContext(ctx, "UPDATE idp_tokens SET doc = $2, expires_at = $3 WHERE hash = $1 AND kind = $4",
		hash[:], string(x.Data), millis(x.Until), string(CodeToken)))
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("token %w", ErrNotFound)
	}
	var again int
	err = tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM idp_tokens WHERE hash = $1 AND kind = $2", mark[:], string(CodeToken)).Scan(&again)
	if err == nil && again > 0 {
		return fmt.Errorf("token %w", ErrUsed)
	}
	return err
}

// ReuseCode marks a code that was used again, until then, and returns it as the
// exchange left it that was under way, or [ErrNotFound]. An exchange that comes
// after it stores nothing.
func (s *Store) ReuseCode(ctx context.Context, code, mark secret.String, until time.Time) (t *Token, err error) {
	hash, marked := codeHash(code), codeHash(mark)
	err = s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO idp_tokens (hash, kind, user_id, client_id, grant_id, doc, created_at, expires_at, used_at)
			VALUES ($1, $2, '', '', '', 'null', $3, $4, 0) ON CONFLICT DO NOTHING`, marked[:], string(CodeToken), millis(s.now()), millis(until))
		if err != nil {
			return err
		}
		t, err = s.scanToken(tx.QueryRowContext(ctx, `UPDATE idp_tokens SET used_at = used_at WHERE hash = $1 AND kind = $2
			RETURNING kind, user_id, client_id, grant_id, doc, created_at, expires_at, used_at`, hash[:], string(CodeToken)))
		if errors.Is(err, ErrNotFound) {
			return nil // the mark stays
		}
		return err
	})
	if err == nil && t == nil {
		err = fmt.Errorf("token %w", ErrNotFound)
	}
	return t, err
}

func codeHash(text secret.String) [32]byte {
	return secret.Hash(string(CodeToken) + " " + text.Reveal())
}
