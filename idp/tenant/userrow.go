package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// userColumns are the columns of a userRow.
const userColumns = "u.id, u.doc, u.blocked, u.created_at, u.updated_at, u.last_login_at, u.last_ip, u.logins_count, u.epoch"

type scanner interface{ Scan(dest ...any) error }

// A userRow has the columns userColumns.
type userRow struct {
	id, doc, ip             string
	blocked                 int
	created, updated, login int64
	count, epoch            int64
}

func (r *userRow) fields() []any {
	return []any{&r.id, &r.doc, &r.blocked, &r.created, &r.updated, &r.login, &r.ip, &r.count, &r.epoch}
}

func (r *userRow) user() (*User, error) {
	var u User
	if err := u.UnmarshalJSON([]byte(r.doc)); err != nil {
		return nil, fmt.Errorf("decode user %q: %w", r.id, err)
	}
	u.ID, u.Blocked = r.id, r.blocked != 0
	u.CreatedAt, u.UpdatedAt, u.LastLogin = instant(r.created), instant(r.updated), instant(r.login)
	u.LastIP, u.LoginsCount, u.Epoch = r.ip, r.count, r.epoch
	return &u, nil
}

func scanUser(row scanner) (*User, error) {
	var r userRow
	if err := row.Scan(r.fields()...); err != nil {
		return nil, err
	}
	return r.user()
}

// ofIdentity are the columns that an identityRow reads.
const ofIdentity = "i.provider, i.subject, i.connection, i.email, i.username, i.password_hash, i.password_at, i.social, i.profile, i.unproven"

// An identityRow has the columns ofIdentity, which are null for a user without.
type identityRow struct {
	provider, subject, connection, email, username, hash, profile, unproven sql.NullString
	at, social                                                              sql.NullInt64
}

func (r *identityRow) fields() []any {
	return []any{&r.provider, &r.subject, &r.connection, &r.email, &r.username, &r.hash, &r.at, &r.social, &r.profile, &r.unproven}
}

func (r *identityRow) identity() (Identity, error) {
	i := Identity{
		Provider: r.provider.String, UserID: r.subject.String, Connection: r.connection.String, Email: r.email.String,
		Username: r.username.String, PasswordHash: r.hash.String, PasswordAt: instant(r.at.Int64), Social: r.social.Int64 != 0,
		Unproven: r.unproven.String,
	}
	if r.profile.String == "null" {
		return i, nil
	}
	if err := json.Unmarshal([]byte(r.profile.String), &i.Profile); err != nil {
		return i, fmt.Errorf("decode profile: %w", err)
	}
	return i, nil
}

// userWithIdentities reads a user in one statement, as every refresh token is
// used for one. It returns nil when there is none.
func (s *Store) userWithIdentities(ctx context.Context, id string) (*User, error) {
	rows, err := s.db.Read().QueryContext(ctx, "SELECT "+userColumns+", "+ofIdentity+` FROM idp_users u
		LEFT JOIN idp_identities i ON i.user_id = u.id WHERE u.id = $1 ORDER BY i.position, i.created_at`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var u *User
	for rows.Next() {
		var user userRow
		var identity identityRow
		if err := rows.Scan(append(user.fields(), identity.fields()...)...); err != nil {
			return nil, err
		}
		if u == nil {
			if u, err = user.user(); err != nil {
				return nil, err
			}
		}
		if identity.provider.Valid {
			read, err := identity.identity()
			if err != nil {
				return nil, err
			}
			u.Identities = append(u.Identities, read)
		}
	}
	return u, rows.Err()
}

// A querier is a handle or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// addIdentities reads the identities of users, a hundred at a time.
func addIdentities(ctx context.Context, q querier, users []*User) error {
	byID := make(map[string]*User, len(users))
	for part := range slices.Chunk(users, 100) {
		args, marks := make([]any, len(part)), make([]string, len(part))
		for i, u := range part {
			byID[u.ID] = u
			args[i], marks[i] = u.ID, "$"+strconv.Itoa(i+1)
		}
		if err := scanIdentities(ctx, q, byID, strings.Join(marks, ", "), args); err != nil {
			return err
		}
	}
	return nil
}

func scanIdentities(ctx context.Context, q querier, users map[string]*User, marks string, args []any) error {
	rows, err := q.QueryContext(ctx, "SELECT i.user_id, "+ofIdentity+` FROM idp_identities i
		WHERE i.user_id IN (`+marks+`) ORDER BY i.position, i.created_at`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var userID string
		var row identityRow
		if err := rows.Scan(append([]any{&userID}, row.fields()...)...); err != nil {
			return err
		}
		id, err := row.identity()
		if err != nil {
			return err
		}
		users[userID].Identities = append(users[userID].Identities, id)
	}
	return rows.Err()
}
