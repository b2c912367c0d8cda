package tenant

import (
	"context"
	"time"
)

// SetSessionEnds sets when a session ends: however often it is used, and unless
// it is. One that has ended stays so, and that is no error. Nobody here holds
// either against the settings; the caller does.
func (s *Store) SetSessionEnds(ctx context.Context, id string, at, idle time.Time) error {
	_, err := s.db.Exec(ctx, `UPDATE idp_sessions SET expires_at = $3, idle_expires_at = $4
		WHERE id = $1 AND expires_at > $2 AND idle_expires_at > $2`, id, millis(s.now()), millis(at), millis(idle))
	return err
}

// SetFamilyEnds sets when a refresh token ends with its successors, as
// [Store.SetSessionEnds] does; a zero time leaves an end as it is. The next use
// puts off the idle end again.
func (s *Store) SetFamilyEnds(ctx context.Context, id string, at, idle time.Time) error {
	_, err := s.db.Exec(ctx, `UPDATE idp_refresh SET
		expires_at = CASE WHEN $3 > 0 THEN $3 ELSE expires_at END,
		idle_expires_at = CASE WHEN $4 > 0 THEN $4 ELSE idle_expires_at END
		WHERE id = $1 AND revoked_at = 0 AND expires_at > $2 AND idle_expires_at > $2`, id, millis(s.now()), millis(at), millis(idle))
	return err
}
