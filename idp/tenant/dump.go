package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// DumpOptions say what [Store.Export] writes. The zero value means everything
// that is no secret.
type DumpOptions struct {
	// Secrets adds the secrets of clients, APIs, connections, actions and
	// providers, and the hashes of passwords: the dump is then worth what the
	// database and its secret are.
	Secrets bool
	// WithoutUsers leaves users out, with what they were given.
	WithoutUsers bool
}

// dumpVersion is that of the format.
const dumpVersion = 1

// A dumpLine is one line of a dump: exactly one member is set.
type dumpLine struct {
	Header      *dumpHeader  `json:"gate_tenant,omitempty"`
	Settings    *Settings    `json:"settings,omitempty"`
	API         *API         `json:"api,omitempty"`
	Client      *Client      `json:"client,omitempty"`
	Grant       *ClientGrant `json:"client_grant,omitempty"`
	Role        *dumpRole    `json:"role,omitempty"`
	Connection  *Connection  `json:"connection,omitempty"`
	Action      *Action      `json:"action,omitempty"`
	Bindings    *Bindings    `json:"bindings,omitempty"`
	User        *User        `json:"user,omitempty"`
	Logins      []dumpLogin  `json:"logins,omitempty"`      // of User, one for each identity
	Roles       []string     `json:"roles,omitempty"`       // of User, by ID
	Permissions []Permission `json:"permissions,omitempty"` // of User
}

type dumpHeader struct {
	Version    int       `json:"version"`
	ExportedAt time.Time `json:"exported_at"`
	Secrets    bool      `json:"secrets"`
}

type dumpRole struct {
	Role        *Role        `json:"role"`
	Permissions []Permission `json:"permissions"`
}

// A dumpLogin is what an identity does not show in its own JSON.
type dumpLogin struct {
	Email        string    `json:"email,omitempty"`
	Username     string    `json:"username,omitempty"`
	PasswordHash string    `json:"password_hash,omitempty"`
	PasswordAt   time.Time `json:"password_at,omitzero"`
	Unproven     string    `json:"unproven,omitempty"`
}

// Export writes the whole tenant to w, one JSON object a line, for
// [Store.Import]: settings, APIs, clients, client grants, roles with their
// permissions, connections, actions, bindings, and users with their identities,
// roles and permissions. Sessions, tokens, consents and the log are not in it,
// nor are the keys that sign tokens.
func (s *Store) Export(ctx context.Context, w io.Writer, opts DumpOptions) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	err := out.Encode(dumpLine{Header: &dumpHeader{Version: dumpVersion, ExportedAt: s.now().UTC(), Secrets: opts.Secrets}})
	if err != nil {
		return err
	}
	if err := s.dumpObjects(ctx, out, opts); err != nil {
		return err
	}
	if opts.WithoutUsers {
		return nil
	}
	return s.eachUser(ctx, "", func(u *User) error { return s.dumpUser(ctx, out, u, opts) })
}

func (s *Store) dumpObjects(ctx context.Context, out *json.Encoder, opts DumpOptions) error {
	settings, err := s.Settings(ctx)
	if err != nil {
		return err
	}
	if !opts.Secrets {
		settings = settings.withoutSecrets()
	}
	if err := out.Encode(dumpLine{Settings: settings}); err != nil {
		return err
	}
	for _, dump := range []func() error{
		func() error {
			return dumpAll(ctx, out, s.APIs, opts, func(o *API) dumpLine { return dumpLine{API: o} })
		},
		func() error {
			return dumpAll(ctx, out, s.Clients, opts, func(o *Client) dumpLine { return dumpLine{Client: o} })
		},
		func() error {
			return dumpAll(ctx, out, s.Grants, opts, func(o *ClientGrant) dumpLine { return dumpLine{Grant: o} })
		},
		func() error { return s.dumpRoles(ctx, out) },
		func() error {
			return dumpAll(ctx, out, s.Connections, opts, func(o *Connection) dumpLine { return dumpLine{Connection: o} })
		},
		func() error {
			return dumpAll(ctx, out, s.Actions, opts, func(o *Action) dumpLine { return dumpLine{Action: o} })
		},
		func() error {
			return dumpAll(ctx, out, s.Bindings, opts, func(o *Bindings) dumpLine { return dumpLine{Bindings: o} })
		},
	} {
		if err := dump(); err != nil {
			return err
		}
	}
	return nil
}

// dumpAll writes the objects of a collection.
func dumpAll[T any, P object[T]](ctx context.Context, out *json.Encoder, c *Collection[T, P], opts DumpOptions, line func(*T) dumpLine) error {
	list, err := c.List(ctx)
	if err != nil {
		return err
	}
	for _, o := range list {
		if !opts.Secrets {
			if o, err = copyWithoutSecrets[T, P](o); err != nil {
				return fmt.Errorf("export %s: %w", c.kind, err)
			}
		}
		if err := out.Encode(line(o)); err != nil {
			return err
		}
	}
	return nil
}

// copyWithoutSecrets returns an object without its secrets. Those in a
// collection are shared and stay as they are.
func copyWithoutSecrets[T any, P object[T]](o *T) (*T, error) {
	if _, ok := any(o).(holder); !ok {
		return o, nil
	}
	data, err := P(o).MarshalJSON()
	if err != nil {
		return nil, err
	}
	bare := new(T)
	if err := P(bare).UnmarshalJSON(data); err != nil {
		return nil, err
	}
	return bare, eachSecret(bare, func(string) (string, error) { return "", nil })
}

func (s *Store) dumpRoles(ctx context.Context, out *json.Encoder) error {
	roles, err := s.Roles.List(ctx)
	if err != nil {
		return err
	}
	for _, r := range roles {
		permissions, err := s.RolePermissions(ctx, r.ID)
		if err != nil {
			return err
		}
		if err := out.Encode(dumpLine{Role: &dumpRole{Role: r, Permissions: permissions}}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) dumpUser(ctx context.Context, out *json.Encoder, u *User, opts DumpOptions) error {
	line := dumpLine{User: u}
	for _, i := range u.Identities {
		login := dumpLogin{Email: i.Email, Username: i.Username, Unproven: i.Unproven}
		if opts.Secrets {
			login.PasswordHash, login.PasswordAt = i.PasswordHash, i.PasswordAt
		}
		line.Logins = append(line.Logins, login)
	}
	var err error
	if line.Roles, err = s.RolesOf(ctx, u.ID); err != nil {
		return err
	}
	if line.Permissions, err = s.UserPermissions(ctx, u.ID); err != nil {
		return err
	}
	return out.Encode(line)
}

// unknownPermission returns the first permission that no API defines.
func (s *Store) unknownPermission(ctx context.Context, list []Permission) error {
	for _, p := range list {
		api, err := s.APIs.ByName(ctx, p.API)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(api.Scopes, func(scope APIScope) bool { return scope.Value == p.Name }) {
			return fmt.Errorf("permission %q of %q %w", p.Name, p.API, ErrNotFound)
		}
	}
	return nil
}
