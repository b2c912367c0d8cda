package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
)

type idpAdminCmd struct {
	Email      string `arg:"" help:"Address."`
	Role       string `default:"administrator" help:"Role to give. If there is none of this name, it is made with every permission of every API but the provider's own."`
	Connection string `placeholder:"NAME" help:"Connection; the only one that keeps passwords unless said."`
}

// Help says where the password comes from.
func (idpAdminCmd) Help() string { return idpUserCreateCmd{}.Help() }

// Example is what help ends with.
func (idpAdminCmd) Example() string { return "gate idp admin ada@example.com" }

// Run makes the administrator, and the connection if there is none.
func (c *idpAdminCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		if err := mailAddress(c.Email); err != nil {
			return err
		}
		known, err := a.Tenant().UsersByEmail(out, strings.ToLower(c.Email))
		if err != nil {
			return err
		}
		if len(known) > 0 {
			return failf("gate idp role assign "+c.Role+" "+c.Email+" gives them the role", "there is a user with the address %q", c.Email)
		}
		text, shown, err := out.newPassword()
		if err != nil {
			return err
		}
		if err := a.ensureDatabase(); err != nil {
			return err
		}
		connection, err := a.database(c.Connection)
		if err != nil {
			return err
		}
		if err := a.ensureRole(c.Role); err != nil {
			return err
		}
		u := new(tenant.User)
		in := map[string]any{"connection": connection.Name, "email": c.Email, "email_verified": true, "password": text}
		if err := a.send(http.MethodPost, "users", in, u); err != nil {
			return err
		}
		if err := a.changeRoles(u, []string{c.Role}, nil); err != nil {
			return err
		}
		err = a.show(map[string]string{"user_id": u.ID, "email": u.Email, "role": c.Role, "password": shown},
			[2]string{"id", u.ID}, [2]string{"email", u.Email}, [2]string{"role", c.Role}, [2]string{"password", shown})
		if err != nil || a.json {
			return err
		}
		return a.tellRole(c.Role)
	})
}

// ensureDatabase makes a connection that keeps passwords when there is none, for the
// clients that are there: one that is made later gets it by itself.
func (a *admin) ensureDatabase() error {
	all, err := a.Tenant().Connections.List(a.out)
	if err != nil || len(all) > 0 {
		return err
	}
	clients, err := a.Tenant().Clients.List(a.out)
	if err != nil {
		return err
	}
	ids := []string{}
	for _, c := range clients {
		if c.FirstParty && !c.Global && c.AppType != tenant.NonInteractive {
			ids = append(ids, c.ID)
		}
	}
	in := map[string]any{"name": config.DefaultConnection, "strategy": tenant.Database, "enabled_clients": ids}
	return a.send(http.MethodPost, "connections", in, nil)
}

// tellRole says that a role does not grow with the APIs.
func (a *admin) tellRole(name string) error {
	r, err := a.role(name)
	if err != nil {
		return err
	}
	list, err := a.Tenant().RolePermissions(a.out, r.ID)
	if err != nil {
		return err
	}
	a.out.talk.line("  " + plain(fmt.Sprintf("%s has %s; those that come later are given by: gate idp role grant %s SCOPE --api API",
		r.Name, count(len(list), "permission", "permissions"), r.Name)))
	return nil
}

// ensureRole makes a role with all permissions when there is none of the name.
func (a *admin) ensureRole(name string) error {
	all, err := a.Tenant().Roles.List(a.out)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Name == name || r.ID == name {
			return nil
		}
	}
	r := new(tenant.Role)
	if err := a.send(http.MethodPost, "roles", map[string]any{"name": name, "description": "Everything that there was when it was made"}, r); err != nil {
		return err
	}
	apis, err := a.Tenant().APIs.List(a.out)
	if err != nil {
		return err
	}
	var list []tenant.Permission
	for _, api := range apis {
		for _, s := range api.Scopes {
			if !api.System {
				list = append(list, tenant.Permission{API: api.Identifier, Name: s.Value})
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	return a.send(http.MethodPost, "roles/"+url.PathEscape(r.ID)+"/permissions", map[string]any{"permissions": list}, nil)
}
