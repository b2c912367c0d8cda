package tenant

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
)

// RestoreOptions say how [Store.Import] reads a tenant. The zero value takes
// everything as it is named in the dump.
type RestoreOptions struct {
	// ManagementAPI is the identifier of this tenant's own API, which is made
	// of its issuer. What the dump says about that of the tenant it comes from
	// is taken for this one: grants, permissions of roles and users, and
	// audiences.
	ManagementAPI string
	// CheckConnection judges a connection as the dump has it, often without its
	// secrets. Nil takes what has the shape of one.
	CheckConnection func(c *Connection) error
}

// Import reads what [Store.Export] wrote into this tenant. What is there under
// the same ID or name is changed, what is not is added, and nothing is deleted,
// so that it may be done again. A secret or hash that the dump does not have
// stays as it is here, unless the connection would send it elsewhere than
// before, by another address or client ID: such a line is refused. A user takes the place of one with the same ID; roles
// and permissions are added to those they have.
//
// What a line says is judged as the Management API judges it. One that is wrong,
// or refers to something that is neither here nor before it, is an error of its
// line, as in [Store.ImportUsers]; what it would have changed stays, and the
// others go on. The error names the member: see [FieldError].
func (s *Store) Import(ctx context.Context, r io.Reader, opts RestoreOptions) (ImportReport, error) {
	in := &restoration{s: s, own: opts.ManagementAPI, judge: opts.CheckConnection, apis: map[string]string{}, roles: map[string]string{}, actions: map[string]string{}}
	err := eachRow(r, maxLine, func(line int, data []byte, err error) error {
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
	judge  func(*Connection) error
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
		if err = json.Unmarshal(data, &l); err != nil {
			err = ofObject(shortened(err))
		}
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
	if err == nil {
		err = l.oneObject()
	}
	if err != nil {
		in.report.fail(n, "", err)
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
		if err := l.Settings.fit(); err != nil {
			return false, err
		}
		_, err := s.UpdateSettings(ctx, func(set *Settings) error {
			l.Settings.keepSecrets(set)
			*set = *l.Settings
			return nil
		})
		return true, err
	case l.API != nil:
		return in.api(ctx, l.API)
	case l.Client != nil:
		switch _, err := s.APIs.ByName(ctx, l.Client.ID); {
		case err == nil:
			return false, wrong("client_id", "is the identifier of an API")
		case !errors.Is(err, ErrNotFound):
			return false, err
		}
		in.policies(l.Client)
		if err := fit(shape.Client(), l.Client); err != nil {
			return false, err
		}
		_, updated, err = restore(ctx, s.Clients, l.Client, func(*Client, *Client) error { return nil })
	case l.Grant != nil:
		return in.grant(ctx, l.Grant)
	case l.Role != nil && l.Role.Role != nil:
		return in.role(ctx, l.Role)
	case l.Connection != nil:
		if err := fit(shape.Connection(), l.Connection); err != nil {
			return false, err
		}
		if in.judge != nil {
			if err := in.judge(l.Connection); err != nil {
				return false, err
			}
		}
		_, updated, err = restore(ctx, s.Connections, l.Connection, func(o, old *Connection) error {
			if o.ID = old.ID; o.Name != old.Name || o.Strategy != old.Strategy {
				return wrong("name", "the name and the strategy of a connection cannot be changed")
			}
			return o.adoptSecrets(old)
		})
	case l.Action != nil:
		if err := l.Action.fit(); err != nil {
			return false, err
		}
		given := l.Action.ID
		var id string
		id, updated, err = restore(ctx, s.Actions, l.Action, func(o, old *Action) error { o.ID = old.ID; return nil })
		in.actions[given] = id
	case l.Bindings != nil:
		return in.bindings(ctx, l.Bindings)
	}
	return updated, err
}

// restore adds an object, or puts it in the place of the one with its ID or
// name. adopt gives the new one what the old one keeps,
// and refuses what cannot change. It returns the ID.
func restore[T any, P object[T]](ctx context.Context, c *Collection[T, P], o *T, adopt func(o, old *T) error) (id string, updated bool, err error) {
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
		if err := adopt(o, current); err != nil {
			return err
		}
		if h, ok := any(o).(interface{ keepSecrets(old *T) }); ok {
			h.keepSecrets(current)
		}
		*current = *o
		return nil
	})
	return id, true, err
}

// api adds or changes an API. The dump's own one is that of this tenant, which
// no dump changes: it is what this program knows.
func (in *restoration) api(ctx context.Context, a *API) (bool, error) {
	if err := fit(shape.API(), a); err != nil {
		return false, err
	}
	if a.System && in.own != "" {
		return in.systemAPI(ctx, a)
	}
	if err := in.newIdentifier(ctx, a.Identifier); err != nil {
		return false, err
	}
	for _, find := range []func() (*API, error){
		func() (*API, error) { return in.s.APIs.ByName(ctx, a.Identifier) },
		func() (*API, error) { return in.s.APIs.Get(ctx, a.ID) },
	} {
		switch have, err := find(); {
		case err == nil && have.System && have.Identifier == a.Identifier:
			return true, nil
		case err == nil && have.System:
			return false, wrong("id", "is that of the provider's own API")
		case err != nil && !errors.Is(err, ErrNotFound):
			return false, err
		}
	}
	_, updated, err := restore(ctx, in.s.APIs, a, func(o, old *API) error {
		if o.ID = old.ID; o.Identifier != old.Identifier {
			return wrong("identifier", "cannot be changed")
		}
		return nil
	})
	return updated, err
}

// newIdentifier refuses an identifier that no API may have, unless one has it here.
func (in *restoration) newIdentifier(ctx context.Context, identifier string) error {
	if _, err := in.s.APIs.ByName(ctx, identifier); !errors.Is(err, ErrNotFound) {
		return err
	}
	if in.own != "" && ReservedIdentifier(identifier, in.own) {
		return wrong("identifier", "belongs to the provider itself")
	}
	// Its access tokens would say the audience of that client's ID tokens.
	_, err := in.s.Clients.Get(ctx, identifier)
	switch {
	case err == nil:
		return wrong("identifier", "is the ID of a client")
	case !errors.Is(err, ErrNotFound):
		return err
	}
	return nil
}

// systemAPI takes the dump's own API for that of this tenant.
func (in *restoration) systemAPI(ctx context.Context, a *API) (bool, error) {
	theirs := a.Identifier
	in.apis[theirs] = in.own
	_, err := in.s.APIs.ByName(ctx, in.own)
	updated := err == nil
	if errors.Is(err, ErrNotFound) {
		a.Identifier = in.own
		_, updated, err = restore(ctx, in.s.APIs, a, func(o, old *API) error { o.ID = old.ID; return nil })
	}
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
	if g.Scope == nil {
		g.Scope = []string{}
	}
	if err := fitMembers(shape.Grant(), g); err != nil {
		return false, err
	}
	client, err := in.s.Clients.Get(ctx, g.ClientID)
	if err != nil {
		return false, about("client_id", err)
	}
	api, err := in.s.APIs.ByName(ctx, g.Audience)
	if err != nil {
		return false, about("audience", err)
	}
	if err := g.Check(client, api); err != nil {
		return false, err
	}
	_, name := g.key()
	if have, err := in.s.Grants.ByName(ctx, name); err == nil {
		g.ID = have.ID // an import before may have left the ID with another audience
	}
	_, updated, err := restore(ctx, in.s.Grants, g, func(o, old *ClientGrant) error { o.ID = old.ID; return nil })
	return updated, err
}

func (in *restoration) role(ctx context.Context, r *dumpRole) (bool, error) {
	if err := fitMembers(shape.Role(), r.Role); err != nil {
		return false, err
	}
	in.permissions(r.Permissions)
	if err := in.s.unknownPermission(ctx, r.Permissions); err != nil {
		return false, about("permissions", err)
	}
	given := r.Role.ID
	id, updated, err := restore(ctx, in.s.Roles, r.Role, func(o, old *Role) error { o.ID = old.ID; return nil })
	if err != nil {
		return updated, err
	}
	in.roles[given] = id
	return updated, in.s.AddRolePermissions(ctx, id, r.Permissions...)
}

func (in *restoration) bindings(ctx context.Context, b *Bindings) (bool, error) {
	seen := map[string]bool{}
	for i := range b.List {
		if id, ok := in.actions[b.List[i].ActionID]; ok {
			b.List[i].ActionID = id
		}
		id := b.List[i].ActionID
		action, err := in.s.Actions.Get(ctx, id)
		if err == nil {
			err = action.CheckBinding(b.Trigger)
		}
		if err != nil {
			return false, about("bindings", err)
		}
		if seen[id] {
			return false, wrong("bindings", "The action "+shape.Cut(action.Name, 64)+" is there twice")
		}
		seen[id] = true
	}
	if err := b.fit(); err != nil {
		return false, err
	}
	_, updated, err := restore(ctx, in.s.Bindings, b, func(*Bindings, *Bindings) error { return nil })
	return updated, err
}

// ofObject returns an error about a line as one about the object in it.
func ofObject(err error) error {
	if e, ok := errors.AsType[*FieldError](err); ok {
		if _, path, nested := strings.Cut(e.Field, "."); nested {
			return wrong(path, e.Reason)
		}
	}
	return err
}

// oneObject refuses a line that says nothing, or of which something would be
// left out.
func (l *dumpLine) oneObject() error {
	n := 0
	for _, there := range []bool{
		l.Settings != nil, l.API != nil, l.Client != nil, l.Grant != nil, l.Role != nil && l.Role.Role != nil, l.Connection != nil,
		l.Action != nil, l.Bindings != nil, l.User != nil,
	} {
		if there {
			n++
		}
	}
	if n != 1 || l.Header != nil {
		return fmt.Errorf("%d objects and users in a line that has one", n)
	}
	if l.User == nil && len(l.Logins)+len(l.Roles)+len(l.Permissions) > 0 {
		return errors.New("logins, roles and permissions are of users")
	}
	return nil
}
