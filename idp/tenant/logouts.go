package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/store"
)

// A Logout is the end of a session that clients are still to be told of. It is
// stored with that end, so that it outlives the process.
type Logout struct {
	SessionID string
	UserID    string
	// Clients are the IDs of those that want to be told.
	Clients []string
	// Tries counts how often it was taken, this time too.
	Tries int
}

// LogoutLease is how long the process that ended a session, or took its log-out,
// has to tell a client; after that another one may.
const LogoutLease = time.Minute

// queueLogouts remembers, of sessions that end with the transaction, those that
// clients want to be told of.
func (s *Store) queueLogouts(ctx context.Context, tx *sql.Tx, sessions []*Session) error {
	wants := map[string]bool{}
	for _, ses := range sessions {
		var clients []string
		for _, id := range ses.Clients {
			if _, known := wants[id]; !known {
				var err error
				if wants[id], err = wantsLogouts(ctx, tx, id); err != nil {
					return err
				}
			}
			if wants[id] {
				clients = append(clients, id)
			}
		}
		if len(clients) == 0 {
			continue
		}
		data, err := json.Marshal(clients)
		if err != nil {
			return fmt.Errorf("encode log-out: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO idp_logouts (session_id, user_id, clients, tries, due_at)
			VALUES ($1, $2, $3, 0, $4) ON CONFLICT (session_id) DO NOTHING`,
			ses.ID, ses.UserID, string(data), millis(s.now().Add(LogoutLease))); err != nil {
			return err
		}
	}
	return nil
}

// wantsLogouts reports whether a client is there and wants to be told.
func wantsLogouts(ctx context.Context, tx *sql.Tx, id string) (bool, error) {
	var doc string
	err := tx.QueryRowContext(ctx, "SELECT doc FROM idp_objects WHERE kind = $1 AND id = $2", kindClient, id).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	var c struct {
		OIDCLogout *OIDCLogout `json:"oidc_logout"`
	}
	if err == nil {
		err = json.Unmarshal([]byte(doc), &c)
	}
	return c.OIDCLogout != nil && len(c.OIDCLogout.BackchannelURLs) > 0, err
}

const logoutColumns = "session_id, user_id, clients, tries"

// Logout returns what clients are to be told of a session that ended, for whoever
// ended it; [ErrNotFound] when there is nothing, or nothing any more.
func (s *Store) Logout(ctx context.Context, sessionID string) (*Logout, error) {
	l, err := scanLogout(s.db.Read().QueryRowContext(ctx, "SELECT "+logoutColumns+" FROM idp_logouts WHERE session_id = $1", sessionID))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("log-out %w", ErrNotFound)
	}
	return l, s.db.Wrap(err)
}

// TakeLogouts returns at most n log-outs that nobody is telling, and keeps other
// processes from them for [LogoutLease].
func (s *Store) TakeLogouts(ctx context.Context, n int) (list []*Logout, err error) {
	lock := ""
	if s.db.Dialect() == store.Postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	err = s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		list = nil
		now := s.now()
		rows, err := tx.QueryContext(ctx, `UPDATE idp_logouts SET due_at = $2, tries = tries + 1 WHERE session_id IN (
			SELECT session_id FROM idp_logouts WHERE due_at <= $1 ORDER BY due_at LIMIT $3`+lock+`) RETURNING `+logoutColumns,
			millis(now), millis(now.Add(LogoutLease)), n)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			l, err := scanLogout(rows)
			if err != nil {
				return err
			}
			list = append(list, l)
		}
		return rows.Err()
	})
	return list, err
}

// KeepLogout stores which clients are still to be told, and the tries; nobody else
// takes the log-out before the time that it is due. Without clients it is over.
func (s *Store) KeepLogout(ctx context.Context, l *Logout, due time.Time) error {
	if len(l.Clients) == 0 {
		_, err := s.exec(ctx, "DELETE FROM idp_logouts WHERE session_id = $1", l.SessionID)
		return err
	}
	data, err := json.Marshal(l.Clients)
	if err != nil {
		return fmt.Errorf("encode log-out: %w", err)
	}
	_, err = s.exec(ctx, "UPDATE idp_logouts SET clients = $2, tries = $3, due_at = $4 WHERE session_id = $1",
		l.SessionID, string(data), l.Tries, millis(due))
	return err
}

func scanLogout(row scanner) (*Logout, error) {
	var l Logout
	var clients string
	if err := row.Scan(&l.SessionID, &l.UserID, &clients, &l.Tries); err != nil {
		return nil, err
	}
	return &l, json.Unmarshal([]byte(clients), &l.Clients)
}
