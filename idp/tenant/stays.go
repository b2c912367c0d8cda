package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/gatewright/gate/store"
)

// stays keeps an object from being deleted until the transaction ends, and returns
// its ID, or [ErrNotFound]: what is stored for one that is gone would come to life
// with the next one of the same name. Whoever locks rows of users, too, calls it
// first, as a deletion does.
func (s *Store) stays(ctx context.Context, tx *sql.Tx, kind, name string) (id string, err error) {
	lock := ""
	if s.db.Dialect() == store.Postgres {
		lock = " FOR KEY SHARE" // changes may pass
	}
	err = tx.QueryRowContext(ctx, "SELECT id FROM idp_objects WHERE kind = $1 AND name = $2"+lock, kind, name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", &missing{kind, name}
	}
	return id, err
}

// connectionStays is stays for a connection that was looked at: one that was made
// since under the same name is another.
func (s *Store) connectionStays(ctx context.Context, tx *sql.Tx, c *Connection) error {
	id, err := s.stays(ctx, tx, kindConnection, c.Name)
	if err == nil && id != c.ID {
		err = &missing{kindConnection, c.Name}
	}
	return err
}

// apiStays is stays for the API of a refresh token. It returns [ErrEnded].
func (s *Store) apiStays(ctx context.Context, tx *sql.Tx, f *Family) error {
	if f == nil || f.Audience == "" {
		return nil
	}
	_, err := s.stays(ctx, tx, kindAPI, f.Audience)
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("log-in for %s %w", f.Audience, ErrEnded)
	}
	return err
}
