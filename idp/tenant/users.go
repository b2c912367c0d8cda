package tenant

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

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
	Extra             Extra     `json:"-"`
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
}

// NewSubject returns the second half of the ID of a new user of a database
// connection: 24 hexadecimal digits.
func NewSubject() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// CreateUser adds a user with at least one identity, whose first decides the
// ID. It returns [ErrExists] when the identity, or in its connection the address
// or user name, is taken.
func (s *Store) CreateUser(ctx context.Context, u *User) error {
	if len(u.Identities) == 0 {
		return errors.New("tenant: user without identity")
	}
	first := u.Identities[0]
	if u.ID == "" {
		u.ID = first.Provider + "|" + first.UserID
	}
	now := s.now().UTC().Truncate(time.Millisecond)
	if u.CreatedAt.IsZero() {
		u.CreatedAt = now
	}
	u.UpdatedAt = now
	doc, err := encodeUser(u)
	if err != nil {
		return err
	}
	err = s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO idp_users
			(id, connection, email, name, blocked, doc, created_at, updated_at, last_login_at, last_ip, logins_count)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			u.ID, first.Connection, u.Email, cut(u.Name, 400), bit(u.Blocked), doc, millis(u.CreatedAt), millis(now),
			millis(u.LastLogin), u.LastIP, u.LoginsCount)
		if err != nil {
			return err
		}
		for i := range u.Identities {
			if err := insertIdentity(ctx, tx, u.ID, i, &u.Identities[i], now); err != nil {
				return err
			}
		}
		return nil
	})
	return s.userError(err)
}

func (s *Store) userError(err error) error {
	switch s.db.Classify(err).Kind { //nolint:exhaustive // the others are faults
	case store.Unique:
		return fmt.Errorf("user %w", ErrExists)
	case store.ForeignKey:
		return fmt.Errorf("user %w", ErrNotFound)
	}
	return err
}

func insertIdentity(ctx context.Context, tx *sql.Tx, userID string, position int, id *Identity, now time.Time) error {
	profile, err := json.Marshal(id.Profile)
	if err != nil {
		return fmt.Errorf("encode profile: %w", err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO idp_identities
		(provider, subject, connection, user_id, position, email, username, password_hash, password_at, social, profile, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		id.Provider, id.UserID, id.Connection, userID, position, null(id.Email), null(id.Username), null(id.PasswordHash),
		millis(id.PasswordAt), bit(id.Social), string(profile), millis(now))
	return err
}

// userColumns are the columns that scanUser reads.
const userColumns = "u.id, u.doc, u.blocked, u.created_at, u.updated_at, u.last_login_at, u.last_ip, u.logins_count"

type scanner interface{ Scan(dest ...any) error }

func scanUser(row scanner) (*User, error) {
	var (
		u                       User
		id, doc                 string
		blocked                 int
		created, updated, login int64
		count                   int64
		ip                      string
	)
	if err := row.Scan(&id, &doc, &blocked, &created, &updated, &login, &ip, &count); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(doc), &u); err != nil {
		return nil, fmt.Errorf("decode user %q: %w", id, err)
	}
	u.ID, u.Blocked = id, blocked != 0
	u.CreatedAt, u.UpdatedAt, u.LastLogin = instant(created), instant(updated), instant(login)
	u.LastIP, u.LoginsCount = ip, count
	return &u, nil
}

// encodeUser returns the document of a user: what has no column of its own.
func encodeUser(u *User) (string, error) {
	kept := *u
	kept.Identities, kept.LastIP, kept.LoginsCount, kept.Blocked = nil, "", 0, false
	kept.CreatedAt, kept.UpdatedAt, kept.LastLogin = time.Time{}, time.Time{}, time.Time{}
	data, err := json.Marshal(kept)
	if err != nil {
		return "", fmt.Errorf("encode user: %w", err)
	}
	return string(data), nil
}

// User returns the user with this ID, or [ErrNotFound].
func (s *Store) User(ctx context.Context, id string) (*User, error) {
	return s.oneUser(ctx, "SELECT "+userColumns+" FROM idp_users u WHERE u.id = $1", id)
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
	for _, u := range list {
		if u.Identities, err = identities(ctx, s.db.Read(), u.ID); err != nil {
			return nil, fmt.Errorf("read identities: %w", s.db.Wrap(err))
		}
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

// A querier is a handle or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func identities(ctx context.Context, q querier, userID string) ([]Identity, error) {
	rows, err := q.QueryContext(ctx, `SELECT provider, subject, connection, email, username, password_hash,
		password_at, social, profile FROM idp_identities WHERE user_id = $1 ORDER BY position, created_at`, userID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Identity
	for rows.Next() {
		var (
			id                    Identity
			email, username, hash sql.NullString
			social                int
			at                    int64
			profile               string
		)
		if err := rows.Scan(&id.Provider, &id.UserID, &id.Connection, &email, &username, &hash, &at, &social, &profile); err != nil {
			return nil, err
		}
		id.Email, id.Username, id.PasswordHash = email.String, username.String, hash.String
		id.PasswordAt, id.Social = instant(at), social != 0
		if err := json.Unmarshal([]byte(profile), &id.Profile); err != nil {
			return nil, fmt.Errorf("decode profile: %w", err)
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

// UpdateUser changes a user by change, in a transaction, and returns what came
// of it. Identities are changed in place only: their addresses, user names and
// passwords; see [Store.LinkIdentity]. The error of change comes back as it is.
func (s *Store) UpdateUser(ctx context.Context, id string, change func(*User) error) (*User, error) {
	var u *User
	err := s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if u, err = s.lockUser(ctx, tx, id); err != nil {
			return err
		}
		if err := change(u); err != nil {
			return err
		}
		return s.saveUser(ctx, tx, u)
	})
	if err := s.userError(err); err != nil {
		return nil, err
	}
	return u, nil
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
	u.Identities, err = identities(ctx, tx, id)
	return u, err
}

func (s *Store) saveUser(ctx context.Context, tx *sql.Tx, u *User) error {
	u.UpdatedAt = s.now().UTC().Truncate(time.Millisecond)
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
		_, err := tx.ExecContext(ctx, `UPDATE idp_identities SET email = $3, username = $4, password_hash = $5, password_at = $6
			WHERE provider = $1 AND subject = $2`,
			i.Provider, i.UserID, null(i.Email), null(i.Username), null(i.PasswordHash), millis(i.PasswordAt))
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

// DeleteUser removes a user with everything of theirs. One that is not there is
// no error.
func (s *Store) DeleteUser(ctx context.Context, id string) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM idp_tokens WHERE user_id = $1", id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM idp_users WHERE id = $1", id)
		return err
	})
}

// LinkIdentity makes the identities of secondary those of primary, each with
// the profile that it had, and removes secondary with its metadata and roles.
func (s *Store) LinkIdentity(ctx context.Context, primary, secondary string) (*User, error) {
	if primary == secondary {
		return nil, fmt.Errorf("user %w", ErrExists)
	}
	err := s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		first, second := min(primary, secondary), max(primary, secondary) // one order, so that no two wait for each other
		a, err := s.lockUser(ctx, tx, first)
		if err != nil {
			return err
		}
		b, err := s.lockUser(ctx, tx, second)
		if err != nil {
			return err
		}
		if a.ID != primary {
			a, b = b, a
		}
		profile, err := profileData(b)
		if err != nil {
			return err
		}
		for i, id := range b.Identities {
			_, err := tx.ExecContext(ctx, `UPDATE idp_identities SET user_id = $3, position = $4, profile = $5
				WHERE provider = $1 AND subject = $2`, id.Provider, id.UserID, primary, len(a.Identities)+i, profile)
			if err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM idp_tokens WHERE user_id = $1", secondary); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM idp_users WHERE id = $1", secondary)
		return err
	})
	if err := s.userError(err); err != nil {
		return nil, err
	}
	return s.User(ctx, primary)
}

// profileData is what a linked identity keeps of the user it was.
func profileData(u *User) (string, error) {
	profile := map[string]any{"email": u.Email, "email_verified": u.EmailVerified, "name": u.Name}
	for name, value := range map[string]string{
		"nickname": u.Nickname, "picture": u.Picture, "username": u.Username, "given_name": u.GivenName, "family_name": u.FamilyName,
	} {
		if value != "" {
			profile[name] = value
		}
	}
	data, err := json.Marshal(profile)
	return string(data), err
}

// UnlinkIdentity takes an identity from a user and makes a user of it again,
// without metadata and roles. It returns [ErrNotFound] when the user has no such
// identity, and refuses to take the one that the ID comes from.
func (s *Store) UnlinkIdentity(ctx context.Context, userID, provider, subject string) (*User, error) {
	err := s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		u, err := s.lockUser(ctx, tx, userID)
		if err != nil {
			return err
		}
		for _, i := range u.Identities {
			if i.Provider != provider || i.UserID != subject {
				continue
			}
			if u.ID == provider+"|"+subject {
				return fmt.Errorf("the primary identity %w as a user of its own", ErrExists)
			}
			return s.splitOff(ctx, tx, i)
		}
		return fmt.Errorf("identity %w", ErrNotFound)
	})
	if err := s.userError(err); err != nil {
		return nil, err
	}
	return s.User(ctx, userID)
}

// splitOff makes a user of an identity.
func (s *Store) splitOff(ctx context.Context, tx *sql.Tx, i Identity) error {
	u := &User{ID: i.Provider + "|" + i.UserID}
	if data, err := json.Marshal(i.Profile); err == nil {
		_ = json.Unmarshal(data, u) // what is of another shape is left out
	}
	u.ID = i.Provider + "|" + i.UserID
	doc, err := encodeUser(u)
	if err != nil {
		return err
	}
	now := millis(s.now())
	_, err = tx.ExecContext(ctx, `INSERT INTO idp_users
		(id, connection, email, name, blocked, doc, created_at, updated_at, last_login_at, last_ip, logins_count)
		VALUES ($1, $2, $3, $4, 0, $5, $6, $6, 0, '', 0)`, u.ID, i.Connection, u.Email, cut(u.Name, 400), doc, now)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE idp_identities SET user_id = $3, position = 0 WHERE provider = $1 AND subject = $2",
		i.Provider, i.UserID, u.ID)
	return err
}

func null(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// cut bounds s to n bytes without cutting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
