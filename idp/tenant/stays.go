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
	return s.held(ctx, tx, kind, name, " FOR KEY SHARE") // changes may pass
}

// held returns the ID of an object that it locks.
func (s *Store) held(ctx context.Context, tx *sql.Tx, kind, name, lock string) (id string, err error) {
	if s.db.Dialect() != store.Postgres {
		lock = ""
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

// clientStays is stays for the client that something is stored for, which may be
// none. It returns [ErrEnded].
func (s *Store) clientStays(ctx context.Context, tx *sql.Tx, id string) error {
	return s.goesOn(ctx, tx, kindClient, id)
}

// apiStays is the same for an API.
func (s *Store) apiStays(ctx context.Context, tx *sql.Tx, audience string) error {
	return s.goesOn(ctx, tx, kindAPI, audience)
}

func (s *Store) goesOn(ctx context.Context, tx *sql.Tx, kind, name string) error {
	if name == "" {
		return nil
	}
	_, err := s.stays(ctx, tx, kind, name)
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("log-in for %s %w", name, ErrEnded)
	}
	return err
}
