package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/store"
)

// How long rows are kept that are of use to nobody any more.
const (
	// KeepSessions is how long a session is kept after its end, KeepKeys an API
	// key: to look into what happened.
	KeepSessions = 30 * 24 * time.Hour
	KeepKeys     = 30 * 24 * time.Hour
	// KeepTokens is how long a token is kept after its expiry, and refresh
	// tokens after the end of their session.
	KeepTokens = 24 * time.Hour
)

// batchSize is how many rows are changed at once: the writer is needed by
// others.
const batchSize = 1000

// Sweep deletes the rows of all tables of this package that have been of no use
// for longer than they are kept, and returns how many. What has expired is
// refused without it; it keeps the database small. It works in batches, any
// number of processes may call it at once, and after an error the next call goes
// on. Once an hour is often enough. The time is now unless a test says otherwise.
func Sweep(ctx context.Context, db *store.DB, now time.Time) (int, error) {
	if db == nil {
		return 0, errors.New("sweep: no database")
	}
	total := 0
	for _, sweep := range []func(context.Context, *store.DB, time.Time) (int, error){
		sweepRefreshTokens, sweepSessions, sweepTokens, sweepKeys,
	} {
		n, err := sweep(ctx, db, now)
		total += n
		if err != nil {
			return total, fmt.Errorf("sweep: %w", err)
		}
	}
	return total, nil
}

func sweepSessions(ctx context.Context, db *store.DB, now time.Time) (int, error) {
	return changeBefore(ctx, db, now.Add(-KeepSessions),
		`DELETE FROM gate_sessions WHERE id IN
			(SELECT id FROM gate_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
		`DELETE FROM gate_sessions WHERE id IN
			(SELECT id FROM gate_sessions WHERE ended_at <= $1 ORDER BY ended_at LIMIT $2)`)
}

func sweepRefreshTokens(ctx context.Context, db *store.DB, now time.Time) (int, error) {
	// A sealed child is of use for seconds.
	_, err := changeBefore(ctx, db, now.Add(-time.Minute), `UPDATE gate_refresh_tokens SET sealed_child = '' WHERE token_hash IN
		(SELECT token_hash FROM gate_refresh_tokens WHERE sealed_child <> '' AND used_at <= $1 ORDER BY used_at LIMIT $2)`)
	if err != nil {
		return 0, err
	}
	return changeBefore(ctx, db, now.Add(-KeepTokens),
		`DELETE FROM gate_refresh_tokens WHERE token_hash IN
			(SELECT t.token_hash FROM gate_sessions s JOIN gate_refresh_tokens t ON t.session_id = s.id
			WHERE s.expires_at <= $1 LIMIT $2)`,
		`DELETE FROM gate_refresh_tokens WHERE token_hash IN
			(SELECT t.token_hash FROM gate_sessions s JOIN gate_refresh_tokens t ON t.session_id = s.id
			WHERE s.ended_at <= $1 LIMIT $2)`)
}

func sweepTokens(ctx context.Context, db *store.DB, now time.Time) (int, error) {
	return changeBefore(ctx, db, now.Add(-KeepTokens),
		`DELETE FROM gate_tokens WHERE token_hash IN
			(SELECT token_hash FROM gate_tokens WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`)
}

func sweepKeys(ctx context.Context, db *store.DB, now time.Time) (int, error) {
	return changeBefore(ctx, db, now.Add(-KeepKeys),
		`DELETE FROM gate_api_keys WHERE id IN
			(SELECT id FROM gate_api_keys WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
		`DELETE FROM gate_api_keys WHERE id IN
			(SELECT id FROM gate_api_keys WHERE revoked_at <= $1 ORDER BY revoked_at LIMIT $2)`)
}

// changeBefore runs each statement, which takes an instant and a number of rows,
// until it finds no more, and returns how many rows that were.
func changeBefore(ctx context.Context, db *store.DB, before time.Time, statements ...string) (int, error) {
	total := 0
	for _, stmt := range statements {
		for {
			n, err := affected(db, func() (sql.Result, error) { return db.Exec(ctx, stmt, before.UnixMilli(), batchSize) })
			total += n
			if err != nil {
				return total, err
			}
			if n < batchSize {
				break
			}
		}
	}
	return total, nil
}

// affected runs a statement and returns how many rows it changed.
func affected(db *store.DB, exec func() (sql.Result, error)) (int, error) {
	res, err := exec()
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), db.Wrap(err)
}
