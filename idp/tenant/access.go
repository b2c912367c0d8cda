package tenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RolesOf returns the IDs of the roles of a user, sorted.
func (s *Store) RolesOf(ctx context.Context, userID string) ([]string, error) {
	return s.texts(ctx, "SELECT role_id FROM idp_user_roles WHERE user_id = $1 ORDER BY role_id", userID)
}

// CountUsersOf returns how many users have a role.
func (s *Store) CountUsersOf(ctx context.Context, roleID string) (n int, err error) {
	err = s.db.Read().QueryRowContext(ctx, "SELECT COUNT(*) FROM idp_user_roles WHERE role_id = $1", roleID).Scan(&n)
	return n, s.db.Wrap(err)
}

// UsersWithRole returns users with a role, sorted by ID, from the offset on, and
// how many there are in all: two statements, however many there are.
func (s *Store) UsersWithRole(ctx context.Context, roleID string, offset, limit int) (list []*User, total int, err error) {
	if total, err = s.CountUsersOf(ctx, roleID); err != nil || total == 0 {
		return nil, 0, err
	}
	list, err = s.scanUsers(ctx, "SELECT "+userColumns+` FROM idp_user_roles r JOIN idp_users u ON u.id = r.user_id
		WHERE r.role_id = $1 ORDER BY r.user_id LIMIT $2 OFFSET $3`, roleID, limit, offset)
	if err != nil {
		return nil, 0, fmt.Errorf("read users: %w", s.db.Wrap(err))
	}
	return list, total, nil
}

// AddUsersToRole gives a role to users, in one transaction. Those who have it
// keep it; a user or role that is not there is [ErrNotFound], and nobody gets it
// then.
func (s *Store) AddUsersToRole(ctx context.Context, roleID string, userIDs ...string) error {
	if _, err := s.Roles.Get(ctx, roleID); err != nil {
		return err
	}
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, part := range slices.Collect(slices.Chunk(slices.Sorted(slices.Values(userIDs)), 100)) {
			args, rows := []any{roleID}, make([]string, len(part))
			for i, id := range part {
				args = append(args, id)
				rows[i] = "($" + strconv.Itoa(i+2) + ", $1)"
			}
			//nolint:gosec // rows are placeholders
			_, err := tx.ExecContext(ctx, "INSERT INTO idp_user_roles (user_id, role_id) VALUES "+strings.Join(rows, ", ")+" ON CONFLICT DO NOTHING", args...)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return s.userError(err)
}

// AddRoles gives roles to a user. Those they have stay; a user or role that is
// not there is [ErrNotFound], and nothing is given then.
func (s *Store) AddRoles(ctx context.Context, userID string, roleIDs ...string) error {
	for _, id := range roleIDs {
		if _, err := s.Roles.Get(ctx, id); err != nil {
			return err
		}
	}
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, id := range roleIDs {
			_, err := tx.ExecContext(ctx, "INSERT INTO idp_user_roles (user_id, role_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", userID, id)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return s.userError(err)
}

// RemoveRoles takes roles from a user.
func (s *Store) RemoveRoles(ctx context.Context, userID string, roleIDs ...string) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, id := range roleIDs {
			if _, err := tx.ExecContext(ctx, "DELETE FROM idp_user_roles WHERE user_id = $1 AND role_id = $2", userID, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// The two tables of permissions, and the column that says whose.
const (
	rolePermissions = "idp_role_permissions WHERE role_id"
	userPermissions = "idp_user_permissions WHERE user_id"
)

// RolePermissions returns the permissions of a role, sorted.
func (s *Store) RolePermissions(ctx context.Context, roleID string) ([]Permission, error) {
	return s.permissions(ctx, "SELECT api, name FROM "+rolePermissions+" = $1 ORDER BY api, name", roleID)
}

// PermissionsByRole returns the permissions of each role of a user, by the ID of
// the role; one without permissions is not in it.
func (s *Store) PermissionsByRole(ctx context.Context, userID string) (map[string][]Permission, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT p.role_id, p.api, p.name FROM idp_user_roles r
		JOIN idp_role_permissions p ON p.role_id = r.role_id WHERE r.user_id = $1 ORDER BY p.role_id, p.api, p.name`, userID)
	if err != nil {
		return nil, s.db.Wrap(err)
	}
	defer rows.Close()
	byRole := map[string][]Permission{}
	for rows.Next() {
		var role string
		var p Permission
		if err := rows.Scan(&role, &p.API, &p.Name); err != nil {
			return nil, err
		}
		byRole[role] = append(byRole[role], p)
	}
	return byRole, s.db.Wrap(rows.Err())
}

// UserPermissions returns the permissions given to a user directly, sorted.
func (s *Store) UserPermissions(ctx context.Context, userID string) ([]Permission, error) {
	return s.permissions(ctx, "SELECT api, name FROM "+userPermissions+" = $1 ORDER BY api, name", userID)
}

// PermissionsOf returns what a user may do at an API, by roles and directly:
// the names that the API defines, sorted.
func (s *Store) PermissionsOf(ctx context.Context, userID string, api *API) ([]string, error) {
	names, err := s.texts(ctx, `SELECT name FROM idp_user_permissions WHERE user_id = $1 AND api = $2
		UNION SELECT p.name FROM idp_role_permissions p JOIN idp_user_roles r ON r.role_id = p.role_id
		WHERE r.user_id = $1 AND p.api = $2 ORDER BY 1`, userID, api.Identifier)
	return slices.DeleteFunc(names, func(name string) bool { return !api.Defines(name) }), err
}

// Defines reports whether the API has this scope.
func (a *API) Defines(scope string) bool {
	return slices.ContainsFunc(a.Scopes, func(s APIScope) bool { return s.Value == scope })
}

// AddRolePermissions gives permissions to a role. Each must be a scope of its
// API: otherwise it is [ErrNotFound], and nothing is given.
func (s *Store) AddRolePermissions(ctx context.Context, roleID string, list ...Permission) error {
	if _, err := s.Roles.Get(ctx, roleID); err != nil {
		return err
	}
	return s.addPermissions(ctx, "INSERT INTO idp_role_permissions (role_id, api, name)", roleID, list)
}

// AddUserPermissions gives permissions to a user, as [Store.AddRolePermissions]
// does to a role.
func (s *Store) AddUserPermissions(ctx context.Context, userID string, list ...Permission) error {
	return s.addPermissions(ctx, "INSERT INTO idp_user_permissions (user_id, api, name)", userID, list)
}

// RemoveRolePermissions takes permissions from a role.
func (s *Store) RemoveRolePermissions(ctx context.Context, roleID string, list ...Permission) error {
	return s.removePermissions(ctx, rolePermissions, roleID, list)
}

// RemoveUserPermissions takes permissions that a user was given directly.
func (s *Store) RemoveUserPermissions(ctx context.Context, userID string, list ...Permission) error {
	return s.removePermissions(ctx, userPermissions, userID, list)
}

func (s *Store) addPermissions(ctx context.Context, insert, owner string, list []Permission) error {
	for _, p := range list {
		api, err := s.APIs.ByName(ctx, p.API)
		if err != nil {
			return err
		}
		if !api.Defines(p.Name) {
			return fmt.Errorf("permission %q of %q %w", p.Name, p.API, ErrNotFound)
		}
	}
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, p := range list {
			if _, err := tx.ExecContext(ctx, insert+" VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", owner, p.API, p.Name); err != nil {
				return err
			}
		}
		return nil
	})
	return s.userError(err)
}

func (s *Store) removePermissions(ctx context.Context, table, owner string, list []Permission) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, p := range list {
			_, err := tx.ExecContext(ctx, "DELETE FROM "+table+" = $1 AND api = $2 AND name = $3", owner, p.API, p.Name) //nolint:gosec // table is one of two constants
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) permissions(ctx context.Context, query string, args ...any) ([]Permission, error) {
	rows, err := s.db.Read().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.db.Wrap(err)
	}
	defer rows.Close()
	var list []Permission
	for rows.Next() {
		var p Permission
		if err := rows.Scan(&p.API, &p.Name); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, s.db.Wrap(rows.Err())
}

func (s *Store) texts(ctx context.Context, query string, args ...any) (list []string, err error) {
	err = eachText(ctx, s.db.Read(), func(text string) { list = append(list, text) }, query, args...)
	return list, s.db.Wrap(err)
}

// eachText calls fn with each text that a query finds.
func eachText(ctx context.Context, q querier, fn func(string), query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		fn(text)
	}
	return rows.Err()
}

// Consent returns the scopes that a user allowed a client at an audience.
func (s *Store) Consent(ctx context.Context, userID, clientID, audience string) ([]string, error) {
	var scope string
	err := s.db.Read().QueryRowContext(ctx, "SELECT scope FROM idp_consents WHERE user_id = $1 AND client_id = $2 AND audience = $3",
		userID, clientID, audience).Scan(&scope)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return strings.Fields(scope), s.db.Wrap(err)
}

// AddConsent notes scopes that a user allowed a client, beside those before. It
// returns [ErrEnded] when the client or the API is gone.
func (s *Store) AddConsent(ctx context.Context, userID, clientID, audience string, scope []string) error {
	return s.userError(s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.clientStays(ctx, tx, clientID); err != nil {
			return err
		}
		if err := s.apiStays(ctx, tx, audience); err != nil {
			return err
		}
		if err := s.lockUsers(ctx, tx, "$1", userID); err != nil {
			return err
		}
		var before string
		err := tx.QueryRowContext(ctx, "SELECT scope FROM idp_consents WHERE user_id = $1 AND client_id = $2 AND audience = $3",
			userID, clientID, audience).Scan(&before)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		all := strings.Fields(before)
		for _, name := range scope {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO idp_consents (user_id, client_id, audience, scope, updated_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (user_id, client_id, audience) DO UPDATE SET scope = EXCLUDED.scope, updated_at = EXCLUDED.updated_at`,
			userID, clientID, audience, strings.Join(all, " "), millis(s.now()))
		return err
	}))
}

// RevokeJWT makes [Store.JWTRevoked] true for the token with this ID until it
// expires.
func (s *Store) RevokeJWT(ctx context.Context, id string, expires time.Time) error {
	_, err := s.db.Exec(ctx, "INSERT INTO idp_revoked (id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, millis(expires))
	return err
}

// JWTRevoked reports whether the token with this ID was revoked.
func (s *Store) JWTRevoked(ctx context.Context, id string) (bool, error) {
	var n int
	err := s.db.Read().QueryRowContext(ctx, "SELECT COUNT(*) FROM idp_revoked WHERE id = $1", id).Scan(&n)
	return n > 0, s.db.Wrap(err)
}
