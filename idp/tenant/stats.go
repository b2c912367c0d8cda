package tenant

import (
	"context"
	"fmt"
	"time"
)

// A DayCount is how many entries of a type the log has of a day.
type DayCount struct {
	Day  time.Time // midnight, UTC
	Type string
	N    int
}

// LoginsByDay counts log-ins (s), sign-ups (ss) and leaked passwords (pwd_leak) of
// the days from one midnight to before another, UTC, by the time in the ID of an entry.
// Days without any are left out.
func (s *Store) LoginsByDay(ctx context.Context, from, before time.Time) ([]DayCount, error) {
	const day = int64(24 * time.Hour / time.Millisecond)
	rows, err := s.db.Read().QueryContext(ctx, `SELECT CAST(substr(id, 1, 13) AS BIGINT) / 86400000, type, COUNT(*) FROM idp_logs
		WHERE type IN ('s', 'ss', 'pwd_leak') AND id >= $1 AND id < $2 GROUP BY 1, 2`, logID(from), logID(before))
	if err != nil {
		return nil, fmt.Errorf("count logs: %w", s.db.Wrap(err))
	}
	defer rows.Close()
	var list []DayCount
	for rows.Next() {
		var c DayCount
		var at int64
		if err := rows.Scan(&at, &c.Type, &c.N); err != nil {
			return nil, fmt.Errorf("count logs: %w", s.db.Wrap(err))
		}
		c.Day = time.UnixMilli(at * day).UTC()
		list = append(list, c)
	}
	return list, s.db.Wrap(rows.Err())
}

// ActiveUsers counts the users who logged in after a time.
func (s *Store) ActiveUsers(ctx context.Context, after time.Time) (int, error) {
	return s.count(ctx, "idp_users WHERE last_login_at > $1", []any{millis(after)})
}

// FailedAttempts returns the log entries about passwords of a user that were wrong
// after a time, the newest first.
func (s *Store) FailedAttempts(ctx context.Context, userID string, after time.Time, limit int) ([]*Log, error) {
	return s.logRows(ctx, `SELECT doc FROM idp_logs WHERE user_id = $1 AND date > $2 AND type IN ('fp', 'fepft', 'limit_wc')
		ORDER BY id DESC LIMIT $3`, userID, millis(after), limit)
}
