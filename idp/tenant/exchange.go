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

// An Exchange is what comes of an authorization code.
type Exchange struct {
	Code secret.String
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

// Exchange uses a code up and stores what comes of it, all of it or nothing, and
// returns the first token of the family, if there is one. Of any number of calls
// with one code one succeeds. It returns [ErrUsed] when the code was used before,
// [ErrNotFound] when it is gone with all of the user, and [ErrEnded] when the
// log-in is over, or the API of the family gone.
func (s *Store) Exchange(ctx context.Context, x *Exchange) (secret.String, error) {
	var doc []byte
	if x.Family != nil {
		var err error
		if doc, err = x.Family.prepare(); err != nil {
			return "", err
		}
	}
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if x.Family != nil { // the client stays, or takes the code with it
			if err := s.apiStays(ctx, tx, x.Family.Audience); err != nil {
				return err
			}
		}
		if err := s.inEpoch(ctx, tx, x.UserID, x.Epoch); err != nil {
			return err
		}
		if err := s.inSession(ctx, tx, x.SessionID); err != nil {
			return err
		}
		if err := s.useCode(ctx, tx, x); err != nil {
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
		return nil
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

// useCode uses a code up and keeps what it led to: whoever uses it again ends
// that. The row of the code is what two exchanges meet at.
func (s *Store) useCode(ctx context.Context, tx *sql.Tx, x *Exchange) error {
	hash := secret.Hash(string(CodeToken) + " " + x.Code.Reveal())
	now := millis(s.now())
	var used int64
	err := tx.QueryRowContext(ctx, "SELECT used_at FROM idp_tokens WHERE hash = $1 AND kind = $2 AND expires_at > $3"+s.forUpdate(),
		hash[:], string(CodeToken), now).Scan(&used)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("token %w", ErrNotFound)
	case err != nil:
		return err
	case used > 0:
		return fmt.Errorf("token %w", ErrUsed)
	}
	_, err = tx.ExecContext(ctx, "UPDATE idp_tokens SET used_at = $2, doc = $3, expires_at = $4 WHERE hash = $1",
		hash[:], now, string(x.Data), millis(x.Until))
	return err
}
