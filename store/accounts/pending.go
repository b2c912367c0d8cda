package accounts

import (
	"context"
	"database/sql"
	"fmt"
)

// Pending reports whether the account has a token for this purpose that works.
func (t *Tokens) Pending(ctx context.Context, p Purpose, entity, subject string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var n int
	err := t.db.Read().QueryRowContext(ctx, `SELECT count(*) FROM gate_tokens
		WHERE purpose = $1 AND entity = $2 AND subject = $3 AND used_at IS NULL AND expires_at > $4`,
		string(p), entity, subject, t.now().UnixMilli()).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for tokens: %w", t.db.Wrap(err))
	}
	return n > 0, nil
}

// EndSubject ends every refresh token of an account, those of sessions that go
// on too, and returns how many there were. Who has one logs in again.
func (t *RefreshTokens) EndSubject(ctx context.Context, entity, subject string) (n int, err error) {
	err = insist(ctx, t.db, func(ctx context.Context, tx *sql.Tx) (err error) {
		n, err = t.endSubject(ctx, tx, entity, subject)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("end refresh tokens: %w", err)
	}
	return n, nil
}

// EndSubjectIn is [RefreshTokens.EndSubject] within a transaction of the caller.
func (t *RefreshTokens) EndSubjectIn(ctx context.Context, tx *sql.Tx, entity, subject string) error {
	if _, err := t.endSubject(ctx, tx, entity, subject); err != nil {
		return fmt.Errorf("end refresh tokens: %w", t.db.Wrap(err))
	}
	return nil
}

func (t *RefreshTokens) endSubject(ctx context.Context, tx *sql.Tx, entity, subject string) (int, error) {
	// The sessions are locked first, as for a use: else one that is under way
	// would leave a token behind that is not seen from here.
	_, err := tx.ExecContext(ctx, "UPDATE gate_sessions SET subject = subject WHERE entity = $1 AND subject = $2", entity, subject)
	if err != nil {
		return 0, err
	}
	return affected(t.db, func() (sql.Result, error) {
		return tx.ExecContext(ctx, `DELETE FROM gate_refresh_tokens WHERE session_id IN
			(SELECT id FROM gate_sessions WHERE entity = $1 AND subject = $2)`, entity, subject)
	})
}
