package management

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

func noRole(err error) error {
	return orConflict(orAbsent(err, "The role does not exist.", ""), "The role already exists", "")
}

func showRole(r *tenant.Role) (object, error) { return view(r) }

func roleID(r *tenant.Role) string { return r.ID }

func (a *API) listRoles(ctx context.Context, q *request) (answer, error) {
	all, err := a.store.Roles.List(ctx)
	if err != nil {
		return answer{}, err
	}
	filter := strings.ToLower(q.query.Get("name_filter"))
	all = slices.DeleteFunc(all, func(r *tenant.Role) bool { return !strings.Contains(strings.ToLower(r.Name), filter) })
	return pages(q, "roles", all, roleID, showRole)
}

func (a *API) getRole(ctx context.Context, q *request) (answer, error) {
	r, err := a.store.Roles.Get(ctx, q.id("role"))
	if err != nil {
		return answer{}, noRole(err)
	}
	return ok(r)
}

func (a *API) createRole(ctx context.Context, q *request) (answer, error) {
	o, err := q.object(shape.Role())
	if err != nil {
		return answer{}, err
	}
	r, err := into[tenant.Role](o)
	if err != nil {
		return answer{}, err
	}
	r.ID = "rol_" + newText(16)
	if err := a.store.Roles.Create(ctx, r); err != nil {
		return answer{}, noRole(err)
	}
	return ok(r)
}

func (a *API) updateRole(ctx context.Context, q *request) (answer, error) {
	change, err := q.object(shape.Role().Patching())
	if err != nil {
		return answer{}, err
	}
	r, err := a.store.Roles.Update(ctx, q.id("role"), func(r *tenant.Role) error {
		next, err := patched(r, change)
		if err == nil {
			*r = *next
		}
		return err
	})
	if err != nil {
		return answer{}, noRole(err)
	}
	return ok(r)
}

func (a *API) deleteRole(ctx context.Context, q *request) (answer, error) {
	if err := a.store.Roles.Delete(ctx, q.id("role")); err != nil {
		return answer{}, noRole(err)
	}
	return ok(empty{})
}

// Permissions

// permissions reads the body of a change of permissions.
func (q *request) permissions() ([]tenant.Permission, error) {
	o, err := q.only(shape.Schema{"permissions": {
		Check: shape.List(maxPage*10, shape.ObjectOf(2, 4096)), Needed: true,
		About: "array of resource_server_identifier, permission_name pairs.",
	}})
	if err != nil {
		return nil, err
	}
	var perms []tenant.Permission
	if err := o.read("permissions", &perms); err != nil {
		return nil, err
	}
	if len(perms) == 0 {
		return nil, badProperty("permissions", "Array is too short (0), minimum 1", "")
	}
	for _, p := range perms {
		if p.API == "" || p.Name == "" || len(p.API) > 600 || !shape.ScopeName(p.Name) {
			return nil, badProperty("permissions", "Missing required property: resource_server_identifier or permission_name", "")
		}
	}
	return perms, nil
}

// noPermission says that an API does not have a permission.
func noPermission(err error) error {
	if errors.Is(err, tenant.ErrNotFound) {
		return badBody("One or more permissions do not exist in the resource server")
	}
	return err
}

// permissionNames answers names of permissions with what is known of them.
type permissionNames struct {
	apis map[string]*tenant.API
}

func (a *API) permissionNames(ctx context.Context) (permissionNames, error) {
	all, err := a.store.APIs.List(ctx)
	names := permissionNames{map[string]*tenant.API{}}
	for _, api := range all {
		names.apis[api.Identifier] = api
	}
	return names, err
}

func (n permissionNames) show(p tenant.Permission) (object, error) {
	o, err := view(p)
	if err != nil {
		return nil, err
	}
	o.set("description", "")
	o.set("resource_server_name", p.API)
	if api := n.apis[p.API]; api != nil {
		o.set("resource_server_name", api.Name)
		for _, s := range api.Scopes {
			if s.Value == p.Name {
				o.set("description", s.Description)
			}
		}
	}
	return o, nil
}

func permissionID(p tenant.Permission) string { return p.API + " " + p.Name }

func (a *API) listRolePermissions(ctx context.Context, q *request) (answer, error) {
	if _, err := a.store.Roles.Get(ctx, q.id("role")); err != nil {
		return answer{}, noRole(err)
	}
	list, err := a.store.RolePermissions(ctx, q.id("role"))
	if err != nil {
		return answer{}, err
	}
	names, err := a.permissionNames(ctx)
	if err != nil {
		return answer{}, err
	}
	return pages(q, "permissions", list, permissionID, names.show)
}

func (a *API) addRolePermissions(ctx context.Context, q *request) (answer, error) {
	perms, err := q.permissions()
	if err != nil {
		return answer{}, err
	}
	if _, err := a.store.Roles.Get(ctx, q.id("role")); err != nil {
		return answer{}, noRole(err)
	}
	if err := a.store.AddRolePermissions(ctx, q.id("role"), perms...); err != nil {
		return answer{}, noPermission(err)
	}
	return created(empty{})
}

func (a *API) removeRolePermissions(ctx context.Context, q *request) (answer, error) {
	perms, err := q.permissions()
	if err != nil {
		return answer{}, err
	}
	if _, err := a.store.Roles.Get(ctx, q.id("role")); err != nil {
		return answer{}, noRole(err)
	}
	if err := a.store.RemoveRolePermissions(ctx, q.id("role"), perms...); err != nil {
		return answer{}, err
	}
	return noContent()
}

// Users

func (a *API) listRoleUsers(ctx context.Context, q *request) (answer, error) {
	role := q.id("role")
	if _, err := a.store.Roles.Get(ctx, role); err != nil {
		return answer{}, noRole(err)
	}
	p, err := q.page()
	if err != nil {
		return answer{}, err
	}
	offset, err := p.offset()
	if err != nil {
		return answer{}, err
	}
	users, total, err := a.store.UsersWithRole(ctx, role, offset, p.size)
	if err != nil {
		return answer{}, err
	}
	s := part{key: "users", total: total}
	for _, u := range users {
		o := object{}
		for name, value := range map[string]string{"user_id": u.ID, "email": u.Email, "picture": u.Picture, "name": u.Name} {
			o.set(name, value)
		}
		s.items = append(s.items, o)
	}
	if p.checkpoint && offset+len(users) < total {
		s.next = cursor(offset+len(users), "")
	}
	return q.show(p, s)
}

// offset returns where a page of rows begins.
func (p page) offset() (int, error) {
	if !p.checkpoint {
		return p.start(), nil
	}
	if p.from == "" {
		return 0, nil
	}
	n, err := after(p.from, []string{}, func(s string) string { return s })
	return n + 1, err
}

func (a *API) addRoleUsers(ctx context.Context, q *request) (answer, error) {
	users, err := q.texts("users", maxPage)
	if err != nil {
		return answer{}, err
	}
	role := q.id("role")
	if _, err := a.store.Roles.Get(ctx, role); err != nil {
		return answer{}, noRole(err)
	}
	if err := a.store.AddUsersToRole(ctx, role, users...); err != nil {
		return answer{}, noUser(err)
	}
	return ok(empty{})
}

// texts reads a body that is one list of texts.
func (q *request) texts(name string, most int) ([]string, error) {
	o, err := q.only(shape.Schema{name: {Check: shape.List(most, shape.Text(1, 600)), Needed: true}})
	if err != nil {
		return nil, err
	}
	var list []string
	if err := o.read(name, &list); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, badProperty(name, "Array is too short (0), minimum 1", "")
	}
	return list, nil
}

// quoted returns s as JSON.
func quoted(s string) json.RawMessage {
	data, _ := json.Marshal(s) // a text always can be
	return data
}
