package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gatewright/gate/store"
)

// EndSession ends a session and returns it as it was, or nil when it had ended.
// Refresh tokens that were given out in it go on: they are for the time without a
// session; see [Store.RevokeSession].
func (s *Store) EndSession(ctx context.Context, id string) (*Session, error) {
	var list []*Session
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		list, err = s.logOut(ctx, tx, "id = $1", id)
		return err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// EndSessions ends the sessions of a user, and returns those that were live.
// Refresh tokens go on, as with [Store.EndSession].
func (s *Store) EndSessions(ctx context.Context, userID string) (sessions []*Session, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.lockUsers(ctx, tx, "$1", userID); err != nil {
			return err
		}
		sessions, err = s.logOut(ctx, tx, "user_id = $1", userID)
		return err
	})
	return sessions, err
}

// RevokeSession ends a session of a user with the refresh tokens that were given
// out in it: both, or neither. It returns the session as it was, or nil when it had
// ended; the tokens end then, too.
func (s *Store) RevokeSession(ctx context.Context, userID, id string) (*Session, error) {
	var list []*Session
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if err := s.lockUsers(ctx, tx, "$1", userID); err != nil {
			return err
		}
		if list, err = s.logOut(ctx, tx, "id = $1", id); err != nil {
			return err
		}
		return s.revokeFamilies(ctx, tx, userID, "", id)
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// An Ending says what of a user ends with a change of theirs. The zero value
// ends nothing.
type Ending struct {
	// All ends what [Store.EndAll] ends.
	All bool
	// Links voids those to set a password and to confirm an address that are on
	// their way.
	Links bool
	// Strangers takes the user from whoever may have made the account, if the change
	// proves an address that nobody had proven: what they said and chose goes, linked
	// identities become users of their own, consents and all that All ends end.
	Strangers bool
	// Ticket is used up with the change, which is not made when that is not possible.
	Ticket Ticket
}

// ChangeUser changes a user as [Store.UpdateUser] does and ends what change says:
// both, or neither. change is called again for a user that is taken from a stranger,
// as it is without what goes. It returns what came of the user and the sessions that ended.
func (s *Store) ChangeUser(ctx context.Context, id string, change func(*User) (Ending, error)) (*User, []*Session, error) {
	var (
		u        *User
		sessions []*Session
	)
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if u, err = s.lockUser(ctx, tx, id); err != nil {
			return err
		}
		before, email, doubted := userKeys(u), u.Email, u.doubted()
		ending, err := change(u)
		if err != nil {
			return err
		}
		if !slices.Equal(before, userKeys(u)) {
			return fmt.Errorf("tenant: user %q: its ID and those of its identities cannot change", id)
		}
		if ending.Strangers && doubted && u.EmailVerified {
			if u, err = s.takeFromStranger(ctx, tx, id, change); err != nil {
				return err
			}
			ending.All = true
		}
		if u.Email != email {
			u.move()
		}
		if err := s.saveUser(ctx, tx, u); err != nil {
			return err
		}
		if err := s.useTicket(ctx, tx, ending.Ticket, id); err != nil {
			return err
		}
		sessions, err = s.end(ctx, tx, u.ID, ending)
		return err
	})
	if err := s.userError(err); err != nil {
		return nil, nil, err
	}
	return u, sessions, nil
}

// takeFromStranger changes a user that was locked, without what whoever may have made
// the account said, chose and linked.
func (s *Store) takeFromStranger(ctx context.Context, tx *sql.Tx, id string, change func(*User) (Ending, error)) (*User, error) {
	u, err := s.lockUser(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	u.forget(s.now())
	if err := s.detach(ctx, tx, u); err != nil {
		return nil, err
	}
	_, err = change(u)
	return u, err
}

// userKeys returns what makes a user the one they are.
func userKeys(u *User) []string {
	keys := []string{u.ID}
	for _, i := range u.Identities {
		keys = append(keys, i.Provider, i.UserID)
	}
	return keys
}

func (s *Store) end(ctx context.Context, tx *sql.Tx, userID string, what Ending) ([]*Session, error) {
	switch {
	case what.All:
		return s.endAll(ctx, tx, userID)
	case what.Links:
		_, err := tx.ExecContext(ctx, "DELETE FROM idp_tokens WHERE user_id = $1 AND kind IN ($2, $3)",
			userID, string(ResetTicket), string(EmailTicket))
		return nil, err
	}
	return nil, nil
}

// EndAll ends every session and refresh token of a user, and voids the codes,
// opaque tokens and tickets on their way: after a change of password, a block. A
// log-in whose secret was looked at before comes to nothing, too: a new epoch
// begins.
func (s *Store) EndAll(ctx context.Context, userID string) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := s.endAll(ctx, tx, userID)
		return err
	})
}

// endAll returns the sessions that it ended. The epoch comes first: it locks out
// whoever is about to store something.
func (s *Store) endAll(ctx context.Context, tx *sql.Tx, userID string) ([]*Session, error) {
	if _, err := tx.ExecContext(ctx, "UPDATE idp_users SET epoch = epoch + 1 WHERE id = $1", userID); err != nil {
		return nil, err
	}
	sessions, err := s.logOut(ctx, tx, "user_id = $1", userID)
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, "UPDATE idp_refresh SET revoked_at = $2 WHERE user_id = $1 AND revoked_at = 0", userID, millis(s.now()))
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM idp_tokens WHERE user_id = $1 AND kind <> $2", userID, string(EmailTicket))
	if err != nil {
		return nil, err
	}
	// What such a link was for may have been done by another one: it can say so.
	_, err = tx.ExecContext(ctx, "UPDATE idp_tokens SET used_at = $3 WHERE user_id = $1 AND kind = $2 AND used_at = 0",
		userID, string(EmailTicket), millis(s.now()))
	return sessions, err
}

// lockUsers locks the rows of the users whose IDs a query finds, in one order,
// until the transaction ends. Whoever changes several rows of a user does so
// first: else two of them would wait for each other.
func (s *Store) lockUsers(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	if s.db.Dialect() != store.Postgres {
		return nil // there one transaction writes at a time
	}
	return eachText(ctx, tx, func(string) {}, "SELECT id FROM idp_users WHERE id IN ("+query+") ORDER BY id FOR UPDATE", args...)
}

// logOut deletes sessions, returns those that were live, and remembers which
// clients are to be told.
func (s *Store) logOut(ctx context.Context, tx *sql.Tx, where string, arg any) ([]*Session, error) {
	list, err := s.endSessions(ctx, tx, where, arg)
	if err != nil {
		return nil, err
	}
	return list, s.queueLogouts(ctx, tx, list)
}

// endSessions deletes sessions and returns those that were live.
func (s *Store) endSessions(ctx context.Context, tx *sql.Tx, where string, arg any) ([]*Session, error) {
	rows, err := tx.QueryContext(ctx, "DELETE FROM idp_sessions WHERE "+where+" RETURNING "+sessionColumns, arg) //nolint:gosec // where is ours
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	now := s.now()
	var list []*Session
	for rows.Next() {
		ses, err := scanSession(rows)
		if err != nil {
			return nil, err
		}
		if ses.ExpiresAt.After(now) && ses.IdleExpiresAt.After(now) {
			list = append(list, ses)
		}
	}
	return list, rows.Err()
}

// endWay ends what users have by log-ins of one connection: sessions, which it
// returns, refresh tokens, and what is with them. users is a query for their IDs.
func (s *Store) endWay(ctx context.Context, tx *sql.Tx, connection, users string, args ...any) ([]*Session, error) {
	sessions, err := idsOfWay(ctx, tx, connection, "idp_sessions WHERE user_id IN ("+users+")", args...)
	if err != nil {
		return nil, err
	}
	families, err := idsOfWay(ctx, tx, connection, "idp_refresh WHERE revoked_at = 0 AND user_id IN ("+users+")", args...)
	if err != nil {
		return nil, err
	}
	listed := "(SELECT value FROM json_each($1))"
	if s.db.Dialect() == store.Postgres {
		listed = "(SELECT json_array_elements_text(CAST($1 AS json)))"
	}
	ended, err := s.logOut(ctx, tx, "id IN "+listed, sessions)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE idp_refresh SET revoked_at = $2 WHERE id IN "+listed, families, millis(s.now())); err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM idp_tokens WHERE grant_id IN "+listed, families)
	return ended, err
}

// idsOfWay returns the IDs of rows that came of log-ins by a connection, as a list in
// JSON. Documents are read here: PostgreSQL reads none that has a NUL anywhere.
func idsOfWay(ctx context.Context, tx *sql.Tx, connection, from string, args ...any) (string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, doc FROM "+from, args...) //nolint:gosec // from is ours
	if err != nil {
		return "", err
	}
	defer rows.Close()
	ids := []string{}
	for rows.Next() {
		var id, doc string
		if err := rows.Scan(&id, &doc); err != nil {
			return "", err
		}
		var way struct {
			Connection string `json:"connection"`
		}
		if err := json.Unmarshal([]byte(doc), &way); err != nil {
			return "", fmt.Errorf("decode %s: %w", id, err)
		}
		if way.Connection == connection {
			ids = append(ids, id)
		}
	}
	list, err := json.Marshal(ids)
	return string(list), errors.Join(err, rows.Err())
}

// RevokeConsents forgets what a user allowed, and ends the codes, refresh tokens and
// opaque tokens that came of it: to one client and at one audience, where these
// are named. The tokens end at every audience of the client.
func (s *Store) RevokeConsents(ctx context.Context, userID, clientID, audience string) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.lockUsers(ctx, tx, "$1", userID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM idp_consents
			WHERE user_id = $1 AND ($2 = '' OR client_id = $2) AND ($3 = '' OR audience = $3)`, userID, clientID, audience)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM idp_tokens WHERE user_id = $1 AND ($2 = '' OR client_id = $2) AND kind IN ($3, $4)`,
			userID, clientID, string(CodeToken), string(OpaqueToken))
		if err != nil {
			return err
		}
		return s.revokeFamilies(ctx, tx, userID, clientID, "")
	})
}

// A PasswordChange is a new password of an identity.
type PasswordChange struct {
	UserID, Provider, Subject string
	// Hash is that of the new password.
	Hash string
	// Ticket is that of the user that allows it; none means that somebody else does.
	Ticket Ticket
	// Check judges the user as they are then; nil allows it. With handOver the
	// account is that of somebody else from now on: all other identities become
	// users of their own, and what clients were allowed and what was said of the
	// person is forgotten, user_metadata too, unless it is only that the address was
	// changed; see [User.Moved]. Its error stops everything.
	Check func(*User) (handOver bool, err error)
	// Change changes what else is to change of the user whose password it is; nil
	// means nothing. Its error stops everything.
	Change func(*User) error
}

// SetPassword stores a new password, uses the ticket up, and ends everything of
// the user as [Store.EndAll] does: all of it or nothing. An identity that was linked
// with an address that nobody had proven becomes a user of its own, whose password
// it then is. It returns that user and the sessions that ended. A ticket that was used is [ErrUsed], an identity that
// the user does not have [ErrNotFound].
func (s *Store) SetPassword(ctx context.Context, c PasswordChange) (*User, []*Session, error) {
	var (
		u        *User
		sessions []*Session
	)
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if u, err = s.lockUser(ctx, tx, c.UserID); err != nil {
			return err
		}
		if c.Check != nil {
			over, err := c.Check(u)
			if err == nil && over {
				if !u.Moved() {
					u.forget(s.now())
				}
				err = s.detach(ctx, tx, u)
			}
			if err != nil {
				return err
			}
		}
		if err := s.useTicket(ctx, tx, c.Ticket, c.UserID); err != nil {
			return err
		}
		if u, err = s.ownerOf(ctx, tx, u, c.Provider, c.Subject); err != nil {
			return err
		}
		i := slices.IndexFunc(u.Identities, func(i Identity) bool { return i.Provider == c.Provider && i.UserID == c.Subject })
		u.Identities[i].PasswordHash, u.Identities[i].PasswordAt = c.Hash, s.now()
		u.LastPasswordReset = s.now().UTC()
		if c.Change != nil {
			if err := c.Change(u); err != nil {
				return err
			}
		}
		if err := s.saveUser(ctx, tx, u); err != nil {
			return err
		}
		sessions, err = s.endAll(ctx, tx, c.UserID)
		return err
	})
	if err := s.refused("user", err); err != nil {
		return nil, nil, err
	}
	return u, sessions, nil
}
