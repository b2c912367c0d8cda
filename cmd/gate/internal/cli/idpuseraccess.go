package cli

import (
	"net/http"
	"slices"

	"github.com/gatewright/gate/idp/tenant"
)

type idpUserRolesCmd struct {
	whom
	Add    []string `placeholder:"ROLE" help:"Give this role; may be given more than once."`
	Remove []string `placeholder:"ROLE" help:"Take this role; may be given more than once."`
}

// Example is what help ends with.
func (idpUserRolesCmd) Example() string {
	return "gate idp user roles ada@example.com --add menu-admin"
}

// Run changes and shows the roles of a user.
func (c *idpUserRolesCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		u, err := c.find(a)
		if err != nil {
			return err
		}
		if err := a.changeRoles(u, c.Add, c.Remove); err != nil {
			return err
		}
		names, err := a.roleNames(u)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, n := range names {
			rows = append(rows, []string{n})
		}
		return a.print(names, nil, rows)
	})
}

func (a *admin) changeRoles(u *tenant.User, add, remove []string) error {
	for _, change := range []struct {
		method string
		names  []string
	}{{http.MethodPost, add}, {http.MethodDelete, remove}} {
		var ids []string
		for _, name := range change.names {
			r, err := a.role(name)
			if err != nil {
				return err
			}
			ids = append(ids, r.ID)
		}
		if len(ids) == 0 {
			continue
		}
		if err := a.send(change.method, userPath(u, "/roles"), map[string]any{"roles": ids}, nil); err != nil {
			return err
		}
	}
	return nil
}

type idpUserPasswordCmd struct{ whom }

// Help says where the password comes from.
func (idpUserPasswordCmd) Help() string { return idpUserCreateCmd{}.Help() }

// Example is what help ends with.
func (idpUserPasswordCmd) Example() string { return "gate idp user reset-password ada@example.com" }

// Run sets the password of a user.
func (c *idpUserPasswordCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		u, err := c.find(a)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(u.Identities, func(i tenant.Identity) bool { return i.Provider == tenant.Database })
		if i < 0 {
			return failf("they log in with "+u.Identities[0].Connection, "%s has no password here", u.ID)
		}
		text, shown, err := out.newPassword()
		if err != nil {
			return err
		}
		in := map[string]any{"password": text, "connection": u.Identities[i].Connection}
		if err := a.send(http.MethodPatch, userPath(u), in, nil); err != nil {
			return err
		}
		a.done("%s has a new password, and their sessions have ended", c.User)
		if shown == "" {
			return nil
		}
		return a.show(map[string]string{"user_id": u.ID, "password": shown}, [2]string{"password", shown})
	})
}

type idpUserSessionsCmd struct{ whom }

// Example is what help ends with.
func (idpUserSessionsCmd) Example() string { return "gate idp user sessions ada@example.com" }

// Run lists sessions.
func (c *idpUserSessionsCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		u, err := c.find(a)
		if err != nil {
			return err
		}
		list, err := a.Tenant().SessionsOf(out, u.ID)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, s := range list {
			rows = append(rows, []string{s.ID, dateOf(s.AuthenticatedAt), dateOf(s.UsedAt), s.IP, s.UserAgent})
		}
		raw, err := a.get(userPath(u, "/sessions"))
		if err != nil {
			return err
		}
		return a.print(raw, []string{"id", "since", "last used", "address", "browser"}, rows)
	})
}

type idpUserLogoutCmd struct{ whom }

// Example is what help ends with.
func (idpUserLogoutCmd) Example() string { return "gate idp user logout ada@example.com" }

// Run ends what a user has open.
func (c *idpUserLogoutCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		u, err := c.find(a)
		if err != nil {
			return err
		}
		for _, what := range []string{"/sessions", "/refresh-tokens"} {
			if err := a.send(http.MethodDelete, userPath(u, what), nil, nil); err != nil {
				return err
			}
		}
		a.done("%s is logged out everywhere; access tokens end by themselves", c.User)
		return nil
	})
}
