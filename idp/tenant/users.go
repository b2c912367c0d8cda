package tenant

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/store"
)

// A User is a person, with the identities they log in by.
type User struct {
	ID            string         `json:"user_id"`
	Email         string         `json:"email,omitempty"`
	EmailVerified bool           `json:"email_verified"`
	Username      string         `json:"username,omitempty"`
	PhoneNumber   string         `json:"phone_number,omitempty"`
	PhoneVerified bool           `json:"phone_verified,omitempty"`
	Name          string         `json:"name,omitempty"`
	Nickname      string         `json:"nickname,omitempty"`
	GivenName     string         `json:"given_name,omitempty"`
	FamilyName    string         `json:"family_name,omitempty"`
	Picture       string         `json:"picture,omitempty"`
	Blocked       bool           `json:"blocked,omitempty"`
	UserMetadata  map[string]any `json:"user_metadata,omitempty"`
	AppMetadata   map[string]any `json:"app_metadata,omitempty"`
	Identities    []Identity     `json:"identities,omitempty"`
	CreatedAt     time.Time      `json:"created_at,omitzero"`
	UpdatedAt     time.Time      `json:"updated_at,omitzero"`
	// LastLogin and the two after it are of the last log-in of any identity.
	LastLogin         time.Time `json:"last_login,omitzero"`
	LastIP            string    `json:"last_ip,omitempty"`
	LoginsCount       int64     `json:"logins_count,omitempty"`
	LastPasswordReset time.Time `json:"last_password_reset,omitzero"`
	// Epoch counts up when everything of theirs is ended; see [Store.EndAll]. It
	// begins somewhere else with each account, also under an ID that was there
	// before: a token from before an end belongs to no epoch after it.
	Epoch int64 `json:"-"`
	Extra Extra `json:"-"`
}

// An Identity is one way in which a user logs in.
type Identity struct {
	Connection string `json:"connection"`
	// Provider and UserID are the two halves of a user ID: github and 42 of
	// "github|42". Provider and UserID together are unique.
	Provider string `json:"provider"`
	UserID   string `json:"user_id"`
	Social   bool   `json:"isSocial"`
	// Profile is what the other provider said, of linked identities.
	Profile map[string]any `json:"profileData,omitempty"`
	// Email and Username are what the person types, of a connection whose
	// passwords are kept here; the address as it was canonicalised.
	Email    string `json:"-"`
	Username string `json:"-"`
	// PasswordHash is empty when there is no password.
	PasswordHash string    `json:"-"`
	PasswordAt   time.Time `json:"-"`
	// Unproven is set while a stranger may have made the identity, by signing up
	// with an address that nobody has proven since: to the hash of the browser
	// that did, or [NoBrowser]. An import sets it to a word of its own for a
	// password whose address was not proven there either. See [User.Moved] for the
	// one that outlives the proof.
	Unproven string `json:"-"`
}

// The marks of [Identity].Unproven that stand for no browser.
const (
	// NoBrowser is a sign-up without one, which is nobody's.
	NoBrowser = "none"
	// moved is an account whose address was changed to one that nobody had proven. A
	// letter proves the address, and not that whoever opens it has the account: the
	// mark stays.
	moved = "moved"
)

// Own returns the identity that the ID of a user comes from, nil when there is
// none.
func (u *User) Own() *Identity {
	for n := range u.Identities {
		if i := &u.Identities[n]; u.ID == i.Provider+"|"+i.UserID {
			return i
		}
	}
	return nil
}

// unproven reports whether the owner of the address of a user may be somebody else.
func (u *User) unproven() bool {
	own := u.Own()
	return !u.EmailVerified && own != nil && own.Unproven != ""
}

// doubted reports whether a stranger may have made a user.
func (u *User) doubted() bool { return u.unproven() && !u.Moved() }

// prove forgets who made a user whose address is confirmed.
func (u *User) prove() {
	if own := u.Own(); own != nil && u.EmailVerified && own.Unproven != moved {
		own.Unproven = ""
	}
}

// Moved reports whether the address of an account was changed to one that nobody had
// proven, and nobody has shown since that both are theirs: the owner of the address
// need not be whose account it is.
func (u *User) Moved() bool {
	own := u.Own()
	return own != nil && own.Unproven == moved
}

// Settle notes that the account and its address have one owner.
func (u *User) Settle() {
	if u.Moved() {
		u.Own().Unproven = ""
	}
}

// move notes a change of the address: one that was not proven with it may be that of
// somebody else. Who comes from another provider proves it there.
func (u *User) move() {
	own := u.Own()
	switch {
	case u.EmailVerified:
		u.Settle()
	case own != nil && own.Provider == Database && own.Unproven == "":
		own.Unproven = moved
	}
}

// NewSubject returns the second half of the ID of a new user of a database
// connection: 24 hexadecimal digits.
func NewSubject() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// newEpoch returns the first epoch of an account: 62 bits, with room above them.
func newEpoch() int64 {
	b := make([]byte, 8)
	_, _ = rand.Read(b)                                 // never fails
	return int64(binary.BigEndian.Uint64(b)>>2 | 1<<61) //nolint:gosec // 62 bits
}

// CreateUser adds a user with at least one identity, whose first decides the
// ID. It returns [ErrExists] when the identity, or in its connection the address
// or user name, is taken. Whether there are connections of those names is the
// caller's to know; see [Store.CreateUserIn].
func (s *Store) CreateUser(ctx context.Context, u *User) error {
	return s.createUser(ctx, u, nil, Ticket{})
}

// CreateUserIn adds a user as [Store.CreateUser] does to the connection that c was
// read from, unless it is gone by now, which is [ErrNotFound], and uses a ticket
// up: both, or neither. One that was used is [ErrUsed].
func (s *Store) CreateUserIn(ctx context.Context, c *Connection, u *User, with Ticket) error {
	return s.createUser(ctx, u, c, with)
}

func (s *Store) createUser(ctx context.Context, u *User, c *Connection, with Ticket) error {
	if len(u.Identities) == 0 {
		return errors.New("tenant: user without identity")
	}
	return s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if c != nil {
			if err := s.connectionStays(ctx, tx, c); err != nil {
				return err
			}
		}
		done, err := s.insertUser(ctx, tx, u)
		if err == nil && !done {
			err = fmt.Errorf("user %w", ErrExists)
		}
		if err != nil {
			return err
		}
		return s.useTicket(ctx, tx, with, "")
	})
}

// insertUser adds a user, unless the ID, an identity, or in its connection the
// address or user name, is taken.
func (s *Store) insertUser(ctx context.Context, tx *sql.Tx, u *User) (done bool, err error) {
	first := u.Identities[0]
	if u.ID == "" {
		u.ID = first.Provider + "|" + first.UserID
	}
	now := s.now().UTC().Truncate(time.Millisecond)
	if u.CreatedAt.IsZero() {
		u.CreatedAt = now
	}
	u.UpdatedAt, u.Epoch = now, newEpoch()
	u.prove()
	doc, err := encodeUser(u)
	if err != nil {
		return false, err
	}
	done, err = changed(tx.ExecContext(ctx, `INSERT INTO idp_users
		(id, connection, email, name, blocked, doc, created_at, updated_at, last_login_at, last_ip, logins_count, epoch)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
		u.ID, first.Connection, u.Email, cut(u.Name, 400), bit(u.Blocked), doc, millis(u.CreatedAt), millis(now),
		millis(u.LastLogin), cut(u.LastIP, 64), u.LoginsCount, u.Epoch))
	if err != nil || !done {
		return false, err
	}
	for i := range u.Identities {
		if done, err = insertIdentity(ctx, tx, u.ID, i, &u.Identities[i], now); err != nil {
			return false, err
		}
		if !done {
			_, err := tx.ExecContext(ctx, "DELETE FROM idp_users WHERE id = $1", u.ID)
			return false, err
		}
	}
	return true, nil
}

// changed reports whether a statement changed a row.
func changed(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func (s *Store) userError(err error) error { return s.refused("user", err) }

// refused returns what a constraint means for a row: what it refers to is a
// user.
func (s *Store) refused(what string, err error) error {
	switch s.db.Classify(err).Kind { //nolint:exhaustive // the others are faults
	case store.Unique:
		return fmt.Errorf("%s %w", what, ErrExists)
	case store.ForeignKey:
		return fmt.Errorf("user %w", ErrNotFound)
	}
	return err
}

func insertIdentity(ctx context.Context, tx *sql.Tx, userID string, position int, id *Identity, now time.Time) (done bool, err error) {
	profile, err := encodeProfile(id.Profile)
	if err != nil {
		return false, err
	}
	return changed(tx.ExecContext(ctx, `INSERT INTO idp_identities
		(provider, subject, connection, user_id, position, email, username, password_hash, password_at, social, profile, unproven, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`,
		id.Provider, id.UserID, id.Connection, userID, position, null(id.Email), null(id.Username), null(id.PasswordHash),
		millis(id.PasswordAt), bit(id.Social), profile, id.Unproven, millis(now)))
}

func encodeProfile(profile map[string]any) (string, error) {
	data, err := json.Marshal(profile)
	if err != nil {
		return "", fmt.Errorf("encode profile: %w", err)
	}
	return string(storable(data)), nil
}

// sameUsers returns the IDs of the users who have the ID of u, or an identity,
// address or user name of its identities.
func (s *Store) sameUsers(ctx context.Context, tx *sql.Tx, u *User) ([]string, error) {
	found := map[string]bool{}
	for _, i := range u.Identities {
		err := eachText(ctx, tx, func(id string) { found[id] = true }, `SELECT id FROM idp_users WHERE id = $1
			UNION SELECT user_id FROM idp_identities WHERE provider = $2 AND subject = $3
			UNION SELECT user_id FROM idp_identities WHERE connection = $4 AND email = $5
			UNION SELECT user_id FROM idp_identities WHERE connection = $4 AND username = $6`,
			u.ID, i.Provider, i.UserID, i.Connection, null(i.Email), null(i.Username))
		if err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// encodeUser returns the document of a user: what has no column of its own.
func encodeUser(u *User) (string, error) {
	kept := *u
	kept.Identities, kept.LastIP, kept.LoginsCount, kept.Blocked = nil, "", 0, false
	kept.CreatedAt, kept.UpdatedAt, kept.LastLogin = time.Time{}, time.Time{}, time.Time{}
	for name, value := range kept.Extra {
		// What does not fit into a float64 would break every search.
		if err := json.Unmarshal(value, new(any)); err != nil {
			return "", fmt.Errorf("encode user: %s: %w", name, err)
		}
	}
	data, err := json.Marshal(kept)
	if err != nil {
		return "", fmt.Errorf("encode user: %w", err)
	}
	if !shallow(data) {
		return "", fmt.Errorf("encode user: %w", errDepth)
	}
	return string(storable(data)), nil
}

// User returns the user with this ID, or [ErrNotFound].
func (s *Store) User(ctx context.Context, id string) (*User, error) {
	u, err := s.userWithIdentities(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", s.db.Wrap(err))
	}
	if u == nil {
		return nil, fmt.Errorf("user %w", ErrNotFound)
	}
	return u, nil
}

// UserByIdentity returns the user with this identity, whoever's primary it is,
// or [ErrNotFound].
func (s *Store) UserByIdentity(ctx context.Context, provider, subject string) (*User, error) {
	return s.oneUser(ctx, "SELECT "+userColumns+` FROM idp_users u JOIN idp_identities i ON i.user_id = u.id
		WHERE i.provider = $1 AND i.subject = $2`, provider, subject)
}

// UserByLogin returns the user who logs in to a database connection by this
// canonical address or user name, and the identity with the hash of the
// password; or [ErrNotFound].
func (s *Store) UserByLogin(ctx context.Context, connection, login string) (*User, *Identity, error) {
	column := "i.username"
	if strings.Contains(login, "@") {
		column = "i.email"
	}
	u, err := s.oneUser(ctx, "SELECT "+userColumns+` FROM idp_users u JOIN idp_identities i ON i.user_id = u.id
		WHERE i.connection = $1 AND `+column+` = $2`, connection, login)
	if err != nil {
		return nil, nil, err
	}
	for i := range u.Identities {
		if id := &u.Identities[i]; id.Connection == connection && (id.Email == login || id.Username == login) {
			return u, id, nil
		}
	}
	return nil, nil, fmt.Errorf("user %w", ErrNotFound) // changed in between
}

// UsersByEmail returns the users with this address, the oldest first, at most a
// hundred.
func (s *Store) UsersByEmail(ctx context.Context, email string) ([]*User, error) {
	return s.users(ctx, "SELECT "+userColumns+" FROM idp_users u WHERE u.email = $1 ORDER BY u.created_at, u.id LIMIT 100", email)
}

func (s *Store) oneUser(ctx context.Context, query string, args ...any) (*User, error) {
	list, err := s.users(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("user %w", ErrNotFound)
	}
	return list[0], nil
}

// users returns the users of a query with their identities.
func (s *Store) users(ctx context.Context, query string, args ...any) ([]*User, error) {
	list, err := s.scanUsers(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", s.db.Wrap(err))
	}
	if err := addIdentities(ctx, s.db.Read(), list); err != nil {
		return nil, fmt.Errorf("read identities: %w", s.db.Wrap(err))
	}
	return list, nil
}

func (s *Store) scanUsers(ctx context.Context, query string, args ...any) ([]*User, error) {
	rows, err := s.db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*User
	for rows.Next() {
		u, err := scanUser(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, rows.Err()
}

// UpdateUser changes a user by change, in a transaction, and returns what came
// of it. change may be called again when another change came between. Identities are
// changed in place only: their addresses, user names, passwords and profiles; see
// [Store.LinkIdentity]. What counts log-ins is for [Store.NoteLogin]. The error of
// change comes back as it is.
func (s *Store) UpdateUser(ctx context.Context, id string, change func(*User) error) (*User, error) {
	u, _, err := s.ChangeUser(ctx, id, func(u *User) (Ending, error) { return Ending{}, change(u) })
	return u, err
}

// lockUser reads a user for a change. Its row is locked first and read after
// that.
func (s *Store) lockUser(ctx context.Context, tx *sql.Tx, id string) (*User, error) {
	u, err := scanUser(tx.QueryRowContext(ctx, "SELECT "+userColumns+" FROM idp_users u WHERE u.id = $1"+s.forUpdate(), id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("user %w", ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	err = addIdentities(ctx, tx, []*User{u})
	u.prove()
	return u, err
}

func (s *Store) saveUser(ctx context.Context, tx *sql.Tx, u *User) error {
	u.UpdatedAt = s.now().UTC().Truncate(time.Millisecond)
	u.prove()
	doc, err := encodeUser(u)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE idp_users SET email = $2, name = $3, blocked = $4, doc = $5, updated_at = $6 WHERE id = $1",
		u.ID, u.Email, cut(u.Name, 400), bit(u.Blocked), doc, millis(u.UpdatedAt))
	if err != nil {
		return err
	}
	for _, i := range u.Identities {
		profile, err := encodeProfile(i.Profile)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE idp_identities SET email = $3, username = $4, password_hash = $5, password_at = $6, profile = $7, unproven = $8
			WHERE provider = $1 AND subject = $2`,
			i.Provider, i.UserID, null(i.Email), null(i.Username), null(i.PasswordHash), millis(i.PasswordAt), profile, i.Unproven)
		if err != nil {
			return err
		}
	}
	return nil
}

// ReplaceHash writes a new hash of the same password, unless the password was
// changed since.
func (s *Store) ReplaceHash(ctx context.Context, i *Identity, hash string) error {
	_, err := s.db.Exec(ctx, "UPDATE idp_identities SET password_hash = $3 WHERE provider = $1 AND subject = $2 AND password_hash = $4",
		i.Provider, i.UserID, hash, i.PasswordHash)
	return err
}

// NoteLogin counts a log-in.
func (s *Store) NoteLogin(ctx context.Context, userID, ip string) error {
	_, err := s.db.Exec(ctx, "UPDATE idp_users SET last_login_at = $2, last_ip = $3, logins_count = logins_count + 1 WHERE id = $1",
		userID, millis(s.now()), cut(ip, 64))
	return err
}

// NoteLoginIn counts a log-in as [Store.NoteLogin] does, unless everything of the user
// was ended after their epoch: then it returns [ErrEnded], without a user as well.
func (s *Store) NoteLoginIn(ctx context.Context, userID string, epoch int64, ip string) error {
	ok, err := changed(s.db.Exec(ctx, `UPDATE idp_users SET last_login_at = $3, last_ip = $4, logins_count = logins_count + 1
		WHERE id = $1 AND epoch = $2`, userID, epoch, millis(s.now()), cut(ip, 64)))
	if err == nil && !ok {
		err = fmt.Errorf("log-in %w", ErrEnded)
	}
	return err
}

// DeleteUser removes a user with everything of theirs; clients are to be told of
// their sessions. One that is not there is no error.
func (s *Store) DeleteUser(ctx context.Context, id string) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.lockUsers(ctx, tx, "$1", id); err != nil {
			return err
		}
		if _, err := s.logOut(ctx, tx, "user_id = $1", id); err != nil {
			return err
		}
		return execAll(ctx, tx, id, "DELETE FROM idp_users WHERE id = $1", "DELETE FROM idp_tokens WHERE user_id = $1")
	})
}

func null(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// cut bounds s to n bytes without cutting a character, and makes it one that
// every database takes: UTF-8 without NUL.
func cut(s string, n int) string { return strings.ReplaceAll(shape.Cut(s, n), "\x00", "") }
