package management

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
)

// The roles and permissions of a user.

func (a *API) listUserRoles(ctx context.Context, q *request) (answer, error) {
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	ids, err := a.store.RolesOf(ctx, q.id("user"))
	if err != nil {
		return answer{}, err
	}
	var roles []*tenant.Role
	for _, id := range ids {
		r, err := a.store.Roles.Get(ctx, id)
		if errors.Is(err, tenant.ErrNotFound) {
			continue // deleted in between
		}
		if err != nil {
			return answer{}, err
		}
		roles = append(roles, r)
	}
	return pages(q, "roles", roles, roleID, showRole)
}

func (a *API) addUserRoles(ctx context.Context, q *request) (answer, error) {
	roles, err := q.texts("roles", maxPage)
	if err != nil {
		return answer{}, err
	}
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	if err := a.store.AddRoles(ctx, q.id("user"), roles...); err != nil {
		return answer{}, noRole(err)
	}
	return noContent()
}

func (a *API) removeUserRoles(ctx context.Context, q *request) (answer, error) {
	roles, err := q.texts("roles", maxPage)
	if err != nil {
		return answer{}, err
	}
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	if err := a.store.RemoveRoles(ctx, q.id("user"), roles...); err != nil {
		return answer{}, err
	}
	return noContent()
}

// A source says where a user has a permission from.
type source struct {
	ID   string `json:"source_id"`
	Name string `json:"source_name"`
	Type string `json:"source_type"`
}

func (a *API) listUserPermissions(ctx context.Context, q *request) (answer, error) {
	user := q.id("user")
	if _, err := a.store.User(ctx, user); err != nil {
		return answer{}, noUser(err)
	}
	direct, err := a.store.UserPermissions(ctx, user)
	if err != nil {
		return answer{}, err
	}
	sources := map[tenant.Permission][]source{}
	for _, p := range direct {
		sources[p] = append(sources[p], source{Type: "DIRECT"})
	}
	if err := a.roleSources(ctx, user, sources); err != nil {
		return answer{}, err
	}
	var list []tenant.Permission
	for p := range sources {
		list = append(list, p)
	}
	slices.SortFunc(list, func(x, y tenant.Permission) int { return strings.Compare(permissionID(x), permissionID(y)) })
	names, err := a.permissionNames(ctx)
	if err != nil {
		return answer{}, err
	}
	return pages(q, "permissions", list, permissionID, func(p tenant.Permission) (object, error) {
		o, err := names.show(p)
		if err == nil {
			o.set("sources", sources[p])
		}
		return o, err
	})
}

func (a *API) roleSources(ctx context.Context, user string, sources map[tenant.Permission][]source) error {
	byRole, err := a.store.PermissionsByRole(ctx, user)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(byRole)) {
		r, err := a.store.Roles.Get(ctx, id)
		if errors.Is(err, tenant.ErrNotFound) {
			continue // deleted in between
		}
		if err != nil {
			return err
		}
		for _, p := range byRole[id] {
			sources[p] = append(sources[p], source{ID: id, Name: r.Name, Type: "ROLE"})
		}
	}
	return nil
}

func (a *API) addUserPermissions(ctx context.Context, q *request) (answer, error) {
	perms, err := q.permissions()
	if err != nil {
		return answer{}, err
	}
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	if err := a.store.AddUserPermissions(ctx, q.id("user"), perms...); err != nil {
		return answer{}, noPermission(err)
	}
	return created(empty{})
}

func (a *API) removeUserPermissions(ctx context.Context, q *request) (answer, error) {
	perms, err := q.permissions()
	if err != nil {
		return answer{}, err
	}
	if _, err := a.store.User(ctx, q.id("user")); err != nil {
		return answer{}, noUser(err)
	}
	if err := a.store.RemoveUserPermissions(ctx, q.id("user"), perms...); err != nil {
		return answer{}, err
	}
	return noContent()
}
