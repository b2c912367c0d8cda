package auth0

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

const (
	roleObject       = "role"
	permissionObject = "role permissions"

	permissionBatch = 100 // in one request
)

type wireRole struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

type wirePermission struct {
	API  string `json:"resource_server_identifier"`
	Name string `json:"permission_name"`
}

// findRole returns the role of that name, nil when there is none. The server's
// filter finds parts of names in any case.
func (r *run) findRole(ctx context.Context, name string) (*wireRole, error) {
	all, err := list(ctx, r.Tenant, apiPath("roles"), "roles", url.Values{"name_filter": {name}}, func(w *wireRole) string { return w.ID })
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(w wireRole) bool { return w.Name != name })
	return only(roleObject, name, all, func(w *wireRole) string { return w.ID })
}

func (r *run) permissions(ctx context.Context, role string) ([]wirePermission, error) {
	return list(ctx, r.Tenant, apiPath("roles", role, "permissions"), "permissions", nil,
		func(p *wirePermission) string { return p.API + "\n" + p.Name })
}

func roleStep(want *Role) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		have, err := r.findRole(ctx, want.Name)
		if err != nil {
			return nil, err
		}
		d := newDiff()
		if value(have).Description == "" {
			d.text("description", value(have).Description, want.Description)
		}
		change := Change{Kind: Update, Object: roleObject, Name: want.Name, Fields: d.fields}
		rq := request{method: http.MethodPatch, body: d.body}
		if have == nil {
			change.Kind = Create
			d.body["name"] = want.Name
			rq.method, rq.path = http.MethodPost, apiPath("roles")
			return &finding{change, func(ctx context.Context) error {
				var made wireRole
				if err := r.do(ctx, rq, &made); err != nil {
					return err
				}
				r.roles[want.Name] = made.ID
				return nil
			}}, nil
		}
		r.roles[want.Name] = have.ID
		rq.path = apiPath("roles", have.ID)
		if d.empty() {
			return nil, nil
		}
		return &finding{change, func(ctx context.Context) error { return r.do(ctx, rq, nil) }}, nil
	}
}

func permissionStep(want *Role) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		role := r.roles[want.Name]
		var have []string
		if role != "" {
			all, err := r.permissions(ctx, role)
			if err != nil {
				return nil, err
			}
			for _, p := range all {
				if p.API == r.desired.API.Identifier {
					have = append(have, p.Name)
				}
			}
		}
		missing := union(have, want.Permissions)[len(have):]
		if len(missing) == 0 {
			return nil, nil
		}
		f := &finding{change: Change{Kind: Bind, Object: permissionObject, Name: want.Name}}
		for _, p := range missing {
			f.change.Fields = append(f.change.Fields, FieldChange{"permissions", "", p})
		}
		f.write = func(ctx context.Context) error { return r.grantRole(ctx, role, missing) }
		return f, nil
	}
}

func (r *run) grantRole(ctx context.Context, role string, permissions []string) error {
	if role == "" {
		return errNoID
	}
	for batch := range slices.Chunk(permissions, permissionBatch) {
		var body struct {
			Permissions []wirePermission `json:"permissions"`
		}
		for _, p := range batch {
			body.Permissions = append(body.Permissions, wirePermission{r.desired.API.Identifier, p})
		}
		rq := request{method: http.MethodPost, path: apiPath("roles", role, "permissions"), body: body}
		if err := r.do(ctx, rq, nil); err != nil {
			return err
		}
	}
	return nil
}

// roleDelete deletes a role that is as [roleStep] makes one, and that nobody has.
// Nothing but what is in it tells whose it is, for roles have no metadata.
func roleDelete(want *Role) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		have, err := r.findRole(ctx, want.Name)
		if err != nil || have == nil {
			return nil, err
		}
		all, err := r.permissions(ctx, have.ID)
		if err != nil {
			return nil, err
		}
		change := Change{Kind: Delete, Object: roleObject, Name: want.Name}
		for _, p := range all {
			change.Fields = append(change.Fields, FieldChange{"permissions", p.Name, ""})
		}
		why, err := r.keepRole(ctx, have, want, all)
		if err != nil {
			return nil, err
		}
		if why != "" {
			if len(all) > 0 && (why == roleHeld || why == roleUnseen) {
				r.held = want.Name
			}
			r.warn("the role %q stays: %s", want.Name, why)
			return nil, nil
		}
		return &finding{change, r.deletion(apiPath("roles", have.ID))}, nil
	}
}

// Why a role of the design stays until later.
const (
	roleHeld   = "people have it"
	roleUnseen = "the token may not see who has it, which needs the scope read:users"
)

// keepRole says why a role is not deleted, empty when it is.
func (r *run) keepRole(ctx context.Context, have *wireRole, want *Role, permissions []wirePermission) (string, error) {
	switch {
	case slices.ContainsFunc(permissions, func(p wirePermission) bool { return p.API != r.desired.API.Identifier }):
		return "it has permissions of other APIs", nil
	case slices.ContainsFunc(permissions, func(p wirePermission) bool { return !slices.Contains(want.Permissions, p.Name) }):
		return "it has permissions that are not the design's", nil
	case len(permissions) == 0 && len(want.Permissions) > 0:
		return "it has no permission of this API", nil
	case have.Description != want.Description:
		return "its description is not the design's", nil
	}
	query := url.Values{"include_totals": {"true"}, "per_page": {"1"}, "page": {"0"}}
	users, _, err := readPage[struct{}](ctx, r.Tenant, apiPath("roles", have.ID, "users"), "users", query)
	switch {
	case status(err) == http.StatusForbidden:
		return roleUnseen, nil
	case err != nil:
		return "", err
	case len(users) > 0:
		return roleHeld, nil
	}
	return "", nil
}
