package accounts

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate/store"
)

// OnEnd registers f to be told of every session that ends through this value:
// by one of its methods, by the reuse of a refresh token, or because the account
// had too many. It is called after the change, in the goroutine that brought it
// about, which is no request of the session's own as a rule, so f returns
// quickly; it may be told of a session that was over already. Real-time
// connections of this process close that way at once. Of an end elsewhere, and
// of one by time, nobody is told: they ask [Sessions.Active] every few seconds.
func (s *Sessions) OnEnd(f func(ctx context.Context, sessionID string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, f)
}

// ended forgets sessions, after the change: what was read before it is not
// remembered any more. Then it tells those who asked to be told.
func (s *Sessions) ended(ctx context.Context, ids ...string) {
	s.live.drop(ids...)
	s.mu.RLock()
	hooks := s.hooks
	s.mu.RUnlock()
	for _, id := range ids {
		for _, f := range hooks {
			f(ctx, id)
		}
	}
}

// End ends the session. Ending one that is over or never was is no error.
func (s *Sessions) End(ctx context.Context, id string) error {
	if !validID(id) {
		return nil
	}
	_, err := s.db.Exec(ctx, "UPDATE gate_sessions SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL",
		s.now().UnixMilli(), id)
	if err != nil {
		s.live.drop(id) // whether it was done is not known
		return fmt.Errorf("end session: %w", err)
	}
	s.ended(ctx, id)
	return nil
}

// EndOwn ends a session of this account. One that is somebody else's, has ended
// or never was is [ErrNoSession]: the three look alike.
func (s *Sessions) EndOwn(ctx context.Context, entity, subject, id string) error {
	if !validID(id) {
		return ErrNoSession
	}
	res, err := s.db.Exec(ctx, `UPDATE gate_sessions SET ended_at = $1
		WHERE id = $2 AND entity = $3 AND subject = $4 AND ended_at IS NULL`,
		s.now().UnixMilli(), id, entity, subject)
	if err != nil {
		s.live.drop(id)
		return fmt.Errorf("end session: %w", err)
	}
	switch n, err := res.RowsAffected(); {
	case err != nil:
		return fmt.Errorf("end session: %w", s.db.Wrap(err))
	case n == 0:
		return ErrNoSession
	}
	s.ended(ctx, id)
	return nil
}

// EndSubject ends every session of an account, save those listed in except, and
// returns how many there were that had not ended.
func (s *Sessions) EndSubject(ctx context.Context, entity, subject string, except ...string) (int, error) {
	query, args := s.endOf(entity, subject, except)
	ids, err := s.endAll(ctx, query, args...)
	who := owner{entity, subject}
	s.live.dropIf(func(o owner) bool { return o == who })
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	s.ended(ctx, ids...)
	return len(ids), nil
}

// EndSubjectIn is [Sessions.EndSubject] within a transaction of the caller, who
// calls told after the commit, and not otherwise.
func (s *Sessions) EndSubjectIn(ctx context.Context, tx *sql.Tx, entity, subject string, except ...string) (told func(context.Context), err error) {
	query, args := s.endOf(entity, subject, except)
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("end sessions: %w", s.db.Wrap(err))
	}
	ids, err := texts(rows)
	if err != nil {
		return nil, fmt.Errorf("end sessions: %w", s.db.Wrap(err))
	}
	return func(ctx context.Context) {
		who := owner{entity, subject}
		s.live.dropIf(func(o owner) bool { return o == who })
		s.ended(ctx, ids...)
	}, nil
}

// endOf returns the statement that ends the sessions of an account.
func (s *Sessions) endOf(entity, subject string, except []string) (string, []any) {
	var query strings.Builder
	query.WriteString("UPDATE gate_sessions SET ended_at = $1 WHERE entity = $2 AND subject = $3 AND ended_at IS NULL")
	args := []any{s.now().UnixMilli(), entity, subject}
	except = slices.DeleteFunc(slices.Clone(except), func(id string) bool { return !validID(id) })
	for _, id := range except {
		args = append(args, id)
		query.WriteString(" AND id <> " + s.db.Dialect().Placeholder(len(args)))
	}
	query.WriteString(" RETURNING id")
	return query.String(), args
}

// EndAll ends the sessions of everyone, of [SessionsConfig.Entity] if that is
// set, and returns how many there were. It works in batches: after an error the
// rest is still there, and the call is made again.
func (s *Sessions) EndAll(ctx context.Context) (int, error) {
	total := 0
	for {
		ids, err := s.endAll(ctx, `UPDATE gate_sessions SET ended_at = $1 WHERE id IN
			(SELECT id FROM gate_sessions WHERE ended_at IS NULL AND expires_at > $1 AND ($2 = '' OR entity = $2) LIMIT $3)
			RETURNING id`, s.now().UnixMilli(), s.entity, batchSize)
		s.live.dropIf(func(owner) bool { return true })
		if err != nil {
			return total, fmt.Errorf("end all sessions: %w", err)
		}
		s.ended(ctx, ids...)
		total += len(ids)
		if len(ids) < batchSize {
			return total, nil
		}
	}
}

// endAll runs a statement that returns the sessions it ended.
func (s *Sessions) endAll(ctx context.Context, query string, args ...any) (ids []string, err error) {
	err = insist(ctx, s.db, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		ids, err = texts(rows)
		return err
	})
	return ids, err
}

// insist runs a transaction that locks several sessions, up to three times: on
// PostgreSQL two that lock the same ones in another order wait for each other
// until one of them is sent away.
func insist(ctx context.Context, db *store.DB, fn func(context.Context, *sql.Tx) error) error {
	var err error
	for range 3 {
		if err = db.InTx(ctx, fn); !db.Classify(err).Retry {
			return err
		}
	}
	return err
}
