package tenant

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// RestoreOptions say how [Store.Import] reads a tenant. The zero value takes
// everything as it is named in the dump.
type RestoreOptions struct {
	// ManagementAPI is the identifier of this tenant's own API, which is made
	// of its issuer. What the dump says about that of the tenant it comes from
	// is taken for this one: grants, permissions of roles and users, and
	// audiences.
	ManagementAPI string
}

// Import reads what [Store.Export] wrote into this tenant. What is there under
// the same ID or name is changed, what is not is added, and nothing is deleted,
// so that it may be done again. A secret or hash that the dump does not have
// stays as it is here. A user takes the place of one with the same ID; roles
// and permissions are added to those they have.
//
// A line that refers to something that is neither here nor before it is an
// error of its line, as in [Store.ImportUsers], and the others go on.
func (s *Store) Import(ctx context.Context, r io.Reader, opts RestoreOptions) (ImportReport, error) {
	in := &restoration{s: s, own: opts.ManagementAPI, apis: map[string]string{}, roles: map[string]string{}, actions: map[string]string{}}
	err := eachRow(r, func(line int, data []byte, err error) error {
		return in.line(ctx, line, data, err)
	})
	err = errors.Join(err, in.flush(ctx))
	in.report.sort()
	return in.report, err
}

// A restoration is an import of a tenant under way.
type restoration struct {
	s      *Store
	report ImportReport
	begun  bool
	users  []restoredUser
	own    string // identifier of the Management API here
	// The IDs in the dump, identifiers in apis, and those that they have here.
	apis, roles, actions map[string]string
}

type restoredUser struct {
	dumpLine

	line int
}

func (in *restoration) line(ctx context.Context, n int, data []byte, err error) error {
	var l dumpLine
	if err == nil {
		err = json.Unmarshal(data, &l)
	}
	if !in.begun {
		switch {
		case err != nil || l.Header == nil:
			return fmt.Errorf("line %d: %w", n, ErrNoExport)
		case l.Header.Version != dumpVersion:
			return fmt.Errorf("line %d: export of version %d, this program reads %d", n, l.Header.Version, dumpVersion)
		}
		in.begun = true
		return nil
	}
	in.report.Total++
	if err != nil {
		in.report.fail(n, "", errors.New("cannot be read"))
		return nil
	}
	if l.User != nil {
		return in.user(ctx, n, &l)
	}
	if err := in.flush(ctx); err != nil {
		return err
	}
	updated, err := in.object(ctx, &l)
	switch {
	case errors.Is(err, errUnavailable) || ctx.Err() != nil:
		return err
	case err != nil:
		in.report.fail(n, "", err)
	case updated:
		in.report.Updated++
	default:
		in.report.Inserted++
	}
	return nil
}

// object adds or changes what is no user.
func (in *restoration) object(ctx context.Context, l *dumpLine) (updated bool, err error) {
	s := in.s
	switch {
	case l.Settings != nil:
		_, err := s.UpdateSettings(ctx, func(set *Settings) error {
			l.Settings.keepSecrets(set)
			*set = *l.Settings
			return nil
		})
		return true, err
	case l.API != nil:
		return in.api(ctx, l.API)
	case l.Client != nil:
		in.policies(l.Client)
		_, updated, err = restore(ctx, s.Clients, l.Client, func(*Client, *Client) {})
	case l.Grant != nil:
		return in.grant(ctx, l.Grant)
	case l.Role != nil && l.Role.Role != nil:
		return in.role(ctx, l.Role)
	case l.Connection != nil:
		_, updated, err = restore(ctx, s.Connections, l.Connection, func(o, old *Connection) { o.ID = old.ID })
	case l.Action != nil:
		given := l.Action.ID
		var id string
		id, updated, err = restore(ctx, s.Actions, l.Action, func(o, old *Action) { o.ID = old.ID })
		in.actions[given] = id
	case l.Bindings != nil:
		return in.bindings(ctx, l.Bindings)
	default:
		return false, errors.New("neither object nor user")
	}
	return updated, err
}

// restore adds an object, or puts it in the place of the one with its ID or
// name. adopt gives the new one what the old one keeps. It returns the ID.
func restore[T any, P object[T]](ctx context.Context, c *Collection[T, P], o *T, adopt func(o, old *T)) (id string, updated bool, err error) {
	id, name := P(o).key()
	if id == "" || name == "" {
		return id, false, fmt.Errorf("%s without ID or name", c.kind)
	}
	old, err := c.Get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		old, err = c.ByName(ctx, name)
	}
	if errors.Is(err, ErrNotFound) {
		return id, false, c.Create(ctx, o)
	}
	if err != nil {
		return id, false, err
	}
	id, _ = P(old).key()
	_, err = c.Update(ctx, id, func(current *T) error {
		adopt(o, current)
		if h, ok := any(o).(interface{ keepSecrets(old *T) }); ok {
			h.keepSecrets(current)
		}
		*current = *o
		return nil
	})
	return id, true, err
}

// api adds or changes an API. The dump's own one is that of this tenant, whose
// scopes are those that this program knows.
func (in *restoration) api(ctx context.Context, a *API) (bool, error) {
	if !a.System || in.own == "" {
		_, updated, err := restore(ctx, in.s.APIs, a, func(o, old *API) { o.ID, o.System = old.ID, old.System })
		return updated, err
	}
	theirs := a.Identifier
	in.apis[theirs] = in.own
	a.Identifier = in.own
	switch have, err := in.s.APIs.ByName(ctx, in.own); {
	case err == nil:
		a.ID = have.ID
	case !errors.Is(err, ErrNotFound):
		return false, err
	}
	_, updated, err := restore(ctx, in.s.APIs, a, func(o, old *API) { o.Scopes = old.Scopes })
	if err != nil || theirs == in.own {
		return updated, err
	}
	_, err = in.s.UpdateSettings(ctx, func(set *Settings) error { // they came before
		set.DefaultAudience = in.here(set.DefaultAudience)
		return nil
	})
	return updated, err
}

// here returns the identifier that an API of the dump has in this tenant.
func (in *restoration) here(identifier string) string {
	return cmp.Or(in.apis[identifier], identifier)
}

// policies has the further APIs of a client's refresh tokens be those here.
func (in *restoration) policies(c *Client) {
	if c.Refresh == nil {
		return
	}
	for theirs, own := range in.apis {
		c.Refresh.Policies = bytes.ReplaceAll(c.Refresh.Policies, []byte(strconv.Quote(theirs)), []byte(strconv.Quote(own)))
	}
}

func (in *restoration) permissions(list []Permission) {
	for i := range list {
		list[i].API = in.here(list[i].API)
	}
}

func (in *restoration) grant(ctx context.Context, g *ClientGrant) (bool, error) {
	g.Audience = in.here(g.Audience)
	if _, err := in.s.Clients.Get(ctx, g.ClientID); err != nil {
		return false, err
	}
	if _, err := in.s.APIs.ByName(ctx, g.Audience); err != nil {
		return false, err
	}
	_, name := g.key()
	if have, err := in.s.Grants.ByName(ctx, name); err == nil {
		g.ID = have.ID // an import before may have left the ID with another audience
	}
	_, updated, err := restore(ctx, in.s.Grants, g, func(o, old *ClientGrant) { o.ID = old.ID })
	return updated, err
}

func (in *restoration) role(ctx context.Context, r *dumpRole) (bool, error) {
	in.permissions(r.Permissions)
	if err := in.s.unknownPermission(ctx, r.Permissions); err != nil {
		return false, err
	}
	given := r.Role.ID
	id, updated, err := restore(ctx, in.s.Roles, r.Role, func(o, old *Role) { o.ID = old.ID })
	if err != nil {
		return updated, err
	}
	in.roles[given] = id
	return updated, in.s.AddRolePermissions(ctx, id, r.Permissions...)
}

func (in *restoration) bindings(ctx context.Context, b *Bindings) (bool, error) {
	for i := range b.List {
		if id, ok := in.actions[b.List[i].ActionID]; ok {
			b.List[i].ActionID = id
		}
		if _, err := in.s.Actions.Get(ctx, b.List[i].ActionID); err != nil {
			return false, err
		}
	}
	_, updated, err := restore(ctx, in.s.Bindings, b, func(*Bindings, *Bindings) {})
	return updated, err
}

// user checks a user and puts them into the batch.
func (in *restoration) user(ctx context.Context, n int, l *dumpLine) error {
	if err := in.check(ctx, l); err != nil {
		if errors.Is(err, errUnavailable) || ctx.Err() != nil {
			return err
		}
		in.report.fail(n, rowName(l.User), err)
		return nil
	}
	in.users = append(in.users, restoredUser{*l, n})
	if len(in.users) < importBatch {
		return nil
	}
	return in.flush(ctx)
}

func (in *restoration) check(ctx context.Context, l *dumpLine) error {
	u := l.User
	if u.ID == "" || len(u.Identities) == 0 || len(l.Logins) > len(u.Identities) {
		return errors.New("user without ID or identities")
	}
	for i := range u.Identities {
		id := &u.Identities[i]
		if _, err := in.s.Connections.ByName(ctx, id.Connection); err != nil {
			return err
		}
		if i < len(l.Logins) {
			login := l.Logins[i]
			id.Email, id.Username, id.PasswordHash, id.PasswordAt = login.Email, login.Username, login.PasswordHash, login.PasswordAt
		}
	}
	for i, role := range l.Roles {
		if id, ok := in.roles[role]; ok {
			l.Roles[i] = id
		}
		if _, err := in.s.Roles.Get(ctx, l.Roles[i]); err != nil {
			return err
		}
	}
	in.permissions(l.Permissions)
	return in.s.unknownPermission(ctx, l.Permissions)
}

// flush stores the users of the batch. Its rows count when it is stored.
func (in *restoration) flush(ctx context.Context) error {
	batch := in.users
	in.users = nil
	if len(batch) == 0 {
		return nil
	}
	report := in.report
	err := in.s.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		report = in.report
		for i := range batch {
			if err := in.store(ctx, tx, &batch[i], &report); err != nil {
				return err
			}
		}
		return nil
	})
	switch wrapped := in.s.db.Wrap(err); {
	case err == nil:
		in.report = report
		return nil
	case ctx.Err() != nil || errors.Is(wrapped, errUnavailable):
		return fmt.Errorf("import users: %w", wrapped)
	case len(batch) == 1:
		in.report.fail(batch[0].line, rowName(batch[0].User), wrapped)
		return nil
	}
	for _, u := range batch {
		in.users = []restoredUser{u}
		if err := in.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// store adds a user, or puts them in the place of the one with the same ID.
func (in *restoration) store(ctx context.Context, tx *sql.Tx, r *restoredUser, report *ImportReport) error {
	u := r.User
	done, err := in.s.insertUser(ctx, tx, u)
	if err != nil {
		return err
	}
	if !done {
		ids, err := in.s.sameUsers(ctx, tx, u)
		if err != nil {
			return err
		}
		if len(ids) != 1 || ids[0] != u.ID {
			report.fail(r.line, rowName(u), fmt.Errorf("ID, identity, address or user name of another user %w", ErrExists))
			return nil
		}
		if err := in.replace(ctx, tx, u); err != nil {
			return err
		}
	}
	for _, role := range r.Roles {
		_, err := tx.ExecContext(ctx, "INSERT INTO idp_user_roles (user_id, role_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", u.ID, role)
		if err != nil {
			return err
		}
	}
	for _, p := range r.Permissions {
		_, err := tx.ExecContext(ctx, `INSERT INTO idp_user_permissions (user_id, api, name) VALUES ($1, $2, $3)
			ON CONFLICT DO NOTHING`, u.ID, p.API, p.Name)
		if err != nil {
			return err
		}
	}
	if done {
		report.Inserted++
	} else {
		report.Updated++
	}
	return nil
}

// replace puts a user in the place of the one with the same ID. Passwords that
// the dump does not have stay, and so do identities.
func (in *restoration) replace(ctx context.Context, tx *sql.Tx, u *User) error {
	old, err := in.s.lockUser(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	for i := range u.Identities {
		id := &u.Identities[i]
		for _, have := range old.Identities {
			if have.Provider == id.Provider && have.UserID == id.UserID && id.PasswordHash == "" {
				id.PasswordHash, id.PasswordAt = have.PasswordHash, have.PasswordAt
			}
		}
		if _, err := insertIdentity(ctx, tx, u.ID, len(old.Identities)+i, id, in.s.now()); err != nil {
			return err
		}
	}
	return in.s.saveUser(ctx, tx, u)
}
