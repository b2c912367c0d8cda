package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The kinds of objects.
const (
	kindClient     = "client"
	kindAPI        = "api"
	kindGrant      = "client_grant"
	kindRole       = "role"
	kindConnection = "connection"
	kindAction     = "action"
	kindBindings   = "bindings"
	kindSettings   = "settings"
)

// deleteDependents deletes what goes with an object. What
// stayed would come to life again with the next object of the same name.
func (s *Store) deleteDependents(ctx context.Context, tx *sql.Tx, kind, id, name string) error {
	switch kind {
	case kindClient:
		return s.deleteClient(ctx, tx, name)
	case kindAPI:
		return s.deleteAPI(ctx, tx, name)
	case kindRole:
		return deleteRole(ctx, tx, id)
	case kindConnection:
		return s.deleteConnection(ctx, tx, name)
	}
	return nil
}

func execAll(ctx context.Context, tx *sql.Tx, arg string, statements ...string) error {
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement, arg); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) deleteClient(ctx context.Context, tx *sql.Tx, id string) error {
	disabled, err := s.disableClient(ctx, tx, id) // objects before users, see [Store.inTx]
	if err != nil {
		return err
	}
	const people = "SELECT user_id FROM idp_refresh WHERE client_id = $1 UNION SELECT user_id FROM idp_tokens WHERE client_id = $1"
	if err := s.lockUsers(ctx, tx, people, id); err != nil {
		return err
	}
	err = deleteGrants(ctx, tx, func(client, _ string) bool { return client == id })
	if err != nil {
		return err
	}
	err = execAll(ctx, tx, id,
		"DELETE FROM idp_refresh WHERE client_id = $1",
		"DELETE FROM idp_tokens WHERE client_id = $1",
		"DELETE FROM idp_consents WHERE client_id = $1")
	if err == nil && disabled {
		err = bump(ctx, tx, kindConnection)
	}
	return err
}

// disableClient takes a client from the connections that it may use, and reports
// whether there were any.
func (s *Store) disableClient(ctx context.Context, tx *sql.Tx, id string) (disabled bool, err error) {
	var docs []string
	err = eachText(ctx, tx, func(doc string) { docs = append(docs, doc) },
		"SELECT doc FROM idp_objects WHERE kind = $1 AND doc LIKE $2 ORDER BY name"+s.forUpdate(), kindConnection, `%"`+id+`"%`)
	if err != nil {
		return false, err
	}
	for _, doc := range docs {
		var members map[string]json.RawMessage // its secrets stay sealed
		var c struct {
			ID      string   `json:"id"`
			Clients []string `json:"enabled_clients"`
		}
		if err := errors.Join(json.Unmarshal([]byte(doc), &members), json.Unmarshal([]byte(doc), &c)); err != nil {
			return false, fmt.Errorf("decode connection: %w", err)
		}
		if !slices.Contains(c.Clients, id) {
			continue
		}
		members["enabled_clients"], err = json.Marshal(slices.DeleteFunc(c.Clients, func(enabled string) bool { return enabled == id }))
		if err != nil {
			return false, err
		}
		data, err := json.Marshal(members)
		if err != nil {
			return false, err
		}
		_, err = tx.ExecContext(ctx, "UPDATE idp_objects SET doc = $3, updated_at = $4 WHERE kind = $1 AND id = $2",
			kindConnection, c.ID, string(data), millis(s.now()))
		if err != nil {
			return false, err
		}
		disabled = true
	}
	return disabled, nil
}

func (s *Store) deleteAPI(ctx context.Context, tx *sql.Tx, identifier string) error {
	if err := s.lockUsers(ctx, tx, "SELECT user_id FROM idp_refresh WHERE audience = $1", identifier); err != nil {
		return err
	}
	err := deleteGrants(ctx, tx, func(_, audience string) bool { return audience == identifier })
	if err != nil {
		return err
	}
	return execAll(ctx, tx, identifier,
		"DELETE FROM idp_refresh WHERE audience = $1",
		"DELETE FROM idp_role_permissions WHERE api = $1",
		"DELETE FROM idp_user_permissions WHERE api = $1",
		"DELETE FROM idp_consents WHERE audience = $1")
}

func deleteRole(ctx context.Context, tx *sql.Tx, id string) error {
	return execAll(ctx, tx, id,
		"DELETE FROM idp_user_roles WHERE role_id = $1",
		"DELETE FROM idp_role_permissions WHERE role_id = $1")
}

// deleteConnection deletes the users of a connection, and the identities by which
// users of others were linked to it, with what they have by such log-ins.
func (s *Store) deleteConnection(ctx context.Context, tx *sql.Tx, name string) error {
	const linked = "SELECT user_id FROM idp_identities WHERE connection = $1"
	const others = linked + " AND NOT EXISTS (SELECT 1 FROM idp_users o WHERE o.id = idp_identities.user_id AND o.connection = $1)"
	if err := s.lockUsers(ctx, tx, "SELECT id FROM idp_users WHERE connection = $1 UNION "+linked, name); err != nil {
		return err
	}
	if _, err := s.endWay(ctx, tx, name, others, name); err != nil {
		return err
	}
	if _, err := s.logOut(ctx, tx, "user_id IN (SELECT id FROM idp_users WHERE connection = $1)", name); err != nil {
		return err
	}
	return execAll(ctx, tx, name,
		"DELETE FROM idp_tokens WHERE user_id IN (SELECT id FROM idp_users WHERE connection = $1)",
		"DELETE FROM idp_users WHERE connection = $1",
		"DELETE FROM idp_identities WHERE connection = $1")
}

// deleteGrants deletes the client grants of which gone is true.
func deleteGrants(ctx context.Context, tx *sql.Tx, gone func(clientID, audience string) bool) error {
	var names []string
	err := eachText(ctx, tx, func(name string) { names = append(names, name) },
		"SELECT name FROM idp_objects WHERE kind = $1", kindGrant)
	if err != nil {
		return err
	}
	found := false
	for _, name := range names {
		client, audience, _ := strings.Cut(name, " ")
		if !gone(client, audience) {
			continue
		}
		found = true
		if _, err := tx.ExecContext(ctx, "DELETE FROM idp_objects WHERE kind = $1 AND name = $2", kindGrant, name); err != nil {
			return err
		}
	}
	if !found {
		return nil
	}
	return bump(ctx, tx, kindGrant)
}
