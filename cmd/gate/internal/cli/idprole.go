package cli

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
)

type idpRoleCmd struct {
	List     idpRoleListCmd     `cmd:"" help:"List roles."`
	Show     idpRoleShowCmd     `cmd:"" help:"Show a role, with its permissions."`
	Create   idpRoleCreateCmd   `cmd:"" help:"Make a role."`
	Delete   idpRoleDeleteCmd   `cmd:"" help:"Delete a role, also from everybody who has it."`
	Grant    idpRoleGrantCmd    `cmd:"" help:"Give a role permissions of an API."`
	Revoke   idpRoleRevokeCmd   `cmd:"" help:"Take permissions of an API from a role."`
	Assign   idpRoleAssignCmd   `cmd:"" help:"Give a role to people."`
	Unassign idpRoleUnassignCmd `cmd:"" help:"Take a role from people."`
}

// Example is that of the most used of them.
func (idpRoleCmd) Example() string { return idpRoleAssignCmd{}.Example() }

// role returns the role of this name or ID.
func (a *admin) role(name string) (*tenant.Role, error) {
	all, err := a.Tenant().Roles.List(a.out)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range all {
		if r.Name == name || r.ID == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	hint := "gate idp role create " + name
	if len(names) > 0 && len(names) < 20 {
		hint = "the roles are: " + strings.Join(names, ", ")
	}
	return nil, failf(plain(hint), "there is no role %q", name)
}

type idpRoleListCmd struct{}

// Example is what help ends with.
func (idpRoleListCmd) Example() string { return "gate idp role list" }

// Run lists roles.
func (idpRoleListCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		all, err := a.Tenant().Roles.List(out)
		if err != nil {
			return err
		}
		if all == nil {
			all = []*tenant.Role{}
		}
		var rows [][]string
		for _, r := range all {
			n, err := a.Tenant().CountUsersOf(out, r.ID)
			if err != nil {
				return err
			}
			rows = append(rows, []string{r.Name, r.ID, count(n, "user", "users"), r.Description})
		}
		return a.print(all, []string{"name", "id", "held by", "description"}, rows)
	})
}

// which names a role.
type which struct {
	Role string `arg:"" help:"Name or ID."`
}

type idpRoleShowCmd struct{ which }

// Example is what help ends with.
func (idpRoleShowCmd) Example() string { return "gate idp role show menu-admin" }

// Run shows a role.
func (c *idpRoleShowCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		r, err := a.role(c.Role)
		if err != nil {
			return err
		}
		perms, err := a.Tenant().RolePermissions(out, r.ID)
		if err != nil {
			return err
		}
		if perms == nil {
			perms = []tenant.Permission{} // for programs, a list also of none
		}
		lines := [][2]string{{"name", r.Name}, {"id", r.ID}, {"description", r.Description}}
		for _, p := range perms {
			lines = append(lines, [2]string{"permission", p.Name + "  of " + p.API})
		}
		return a.show(map[string]any{"id": r.ID, "name": r.Name, "description": r.Description, "permissions": perms}, lines...)
	})
}

type idpRoleCreateCmd struct {
	Name        string `arg:"" help:"Name."`
	Description string `placeholder:"TEXT" help:"What for."`
}

// Example is what help ends with.
func (idpRoleCreateCmd) Example() string { return "gate idp role create menu-admin" }

// Run makes a role.
func (c *idpRoleCreateCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		r := new(tenant.Role)
		if err := a.send(http.MethodPost, "roles", map[string]any{"name": c.Name, "description": c.Description}, r); err != nil {
			return err
		}
		return a.show(r, [2]string{"name", r.Name}, [2]string{"id", r.ID})
	})
}

type idpRoleDeleteCmd struct {
	which
	Yes bool `help:"Do not ask."`
}

// Example is what help ends with.
func (idpRoleDeleteCmd) Example() string { return "gate idp role delete menu-admin" }

// Run deletes a role.
func (c *idpRoleDeleteCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		r, err := a.role(c.Role)
		if err != nil {
			return err
		}
		n, err := a.Tenant().CountUsersOf(out, r.ID)
		if err != nil {
			return err
		}
		if err := out.confirm(c.Yes, "delete the role %s, which %s", r.Name, count(n, "user has", "users have")); err != nil {
			return err
		}
		if err := a.send(http.MethodDelete, "roles/"+r.ID, nil, nil); err != nil {
			return err
		}
		a.done("deleted %s", r.Name)
		return nil
	})
}

// permissionArgs name permissions of an API.
type permissionArgs struct {
	which
	Permission []string `arg:"" help:"Scopes of the API."`
	API        string   `name:"api" placeholder:"API" help:"Identifier or name; management is the Management API. Needed when there are several others."`
}

// change gives or takes permissions.
func (c *permissionArgs) change(a *admin, method, done string) error {
	r, err := a.role(c.Role)
	if err != nil {
		return err
	}
	api, err := a.onlyAPI(c.API)
	if err != nil {
		return err
	}
	if method == http.MethodPost {
		err = defined(api, c.Permission)
	} else {
		err = a.held(r, api, c.Permission)
	}
	if err != nil {
		return err
	}
	var list []tenant.Permission
	for _, name := range c.Permission {
		list = append(list, tenant.Permission{API: api.Identifier, Name: name})
	}
	if err := a.send(method, "roles/"+r.ID+"/permissions", map[string]any{"permissions": list}, nil); err != nil {
		return err
	}
	a.done(done, r.Name, strings.Join(c.Permission, ", "))
	return nil
}

// held refuses permissions that a role does not have.
func (a *admin) held(r *tenant.Role, api *tenant.API, permissions []string) error {
	has, err := a.Tenant().RolePermissions(a.out, r.ID)
	if err != nil {
		return err
	}
	for _, name := range permissions {
		if !slices.ContainsFunc(has, func(p tenant.Permission) bool { return p.API == api.Identifier && p.Name == name }) {
			return failf("gate idp role show "+r.Name+" lists what it has", "the role %s has no permission %q of %s", r.Name, name, api.Identifier)
		}
	}
	return nil
}

// onlyAPI returns the API of this name, or the only one besides our own.
func (a *admin) onlyAPI(name string) (*tenant.API, error) {
	if name != "" {
		return a.api(name)
	}
	all, err := a.Tenant().APIs.List(a.out)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(p *tenant.API) bool { return p.System })
	switch len(all) {
	case 1:
		return all[0], nil
	case 0:
		return nil, failf("gate idp api create https://restaurant.example/api", "there is no API")
	}
	return nil, misused("gate idp api list shows them; --api names one", "there are %d APIs", len(all))
}

type idpRoleGrantCmd struct{ permissionArgs }

// Example is what help ends with.
func (idpRoleGrantCmd) Example() string {
	return "gate idp role grant menu-admin create:items update:items"
}

// Run gives permissions.
func (c *idpRoleGrantCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error { return c.change(a, http.MethodPost, "%s has %s") })
}

type idpRoleRevokeCmd struct{ permissionArgs }

// Example is what help ends with.
func (idpRoleRevokeCmd) Example() string { return "gate idp role revoke menu-admin delete:items" }

// Run takes permissions.
func (c *idpRoleRevokeCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error { return c.change(a, http.MethodDelete, "%s has no %s any more") })
}

// people names users.
type people struct {
	which
	User []string `arg:"" help:"Addresses or user IDs."`
}

// each gives a role to users, or takes it.
func (c *people) each(out *console, idp *idpCmd, give bool) error {
	return idp.administer(out, func(a *admin) error {
		r, err := a.role(c.Role)
		if err != nil {
			return err
		}
		var users []*tenant.User
		for _, name := range c.User { // all are there, or nothing is done
			u, err := whom{name}.find(a)
			if err != nil {
				return err
			}
			users = append(users, u)
		}
		for _, u := range users {
			has, err := a.Tenant().RolesOf(out, u.ID)
			if err != nil {
				return err
			}
			if !give && !slices.Contains(has, r.ID) {
				a.done("nothing to change: %s does not have the role %s", u.Email, c.Role)
				continue
			}
			add, remove, done := []string{c.Role}, []string(nil), "%s is %s"
			if !give {
				add, remove, done = nil, add, "%s is no %s any more"
			}
			if err := a.changeRoles(u, add, remove); err != nil {
				return err
			}
			a.done(done, u.Email, c.Role)
		}
		return nil
	})
}

type idpRoleAssignCmd struct{ people }

// Example is what help ends with.
func (idpRoleAssignCmd) Example() string { return "gate idp role assign menu-admin ada@example.com" }

// Run gives a role.
func (c *idpRoleAssignCmd) Run(out *console, idp *idpCmd) error { return c.each(out, idp, true) }

type idpRoleUnassignCmd struct{ people }

// Example is what help ends with.
func (idpRoleUnassignCmd) Example() string {
	return "gate idp role unassign menu-admin ada@example.com"
}

// Run takes a role.
func (c *idpRoleUnassignCmd) Run(out *console, idp *idpCmd) error { return c.each(out, idp, false) }
