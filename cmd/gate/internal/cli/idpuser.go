package cli

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
)

type idpUserCmd struct {
	List          idpUserListCmd     `cmd:"" help:"List or search people."`
	Show          idpUserShowCmd     `cmd:"" help:"Show a person."`
	Create        idpUserCreateCmd   `cmd:"" help:"Make an account for a person."`
	Update        idpUserUpdateCmd   `cmd:"" help:"Change a person."`
	Delete        idpUserDeleteCmd   `cmd:"" help:"Delete a person, with all that belongs to them."`
	Block         idpUserBlockCmd    `cmd:"" help:"Block a person, and end their sessions."`
	Unblock       idpUserUnblockCmd  `cmd:"" help:"Unblock a person."`
	Roles         idpUserRolesCmd    `cmd:"" help:"Show, give and take the roles of a person."`
	ResetPassword idpUserPasswordCmd `cmd:"" help:"Set a new password of a person, and end their sessions."`
	Sessions      idpUserSessionsCmd `cmd:"" help:"List the sessions of a person."`
	Logout        idpUserLogoutCmd   `cmd:"" help:"End all sessions and refresh tokens of a person."`
}

// Example is that of the most used of them.
func (idpUserCmd) Example() string { return "gate idp user roles ada@example.com --add menu-admin" }

// whom names a user.
type whom struct {
	User string `arg:"" help:"Address, or user ID such as auth0|6478…"`
}

// find returns the user of that address or ID.
func (w whom) find(a *admin) (*tenant.User, error) {
	const hint = "gate idp user list shows those there are"
	if strings.Contains(w.User, "|") {
		u, err := a.Tenant().User(a.out, w.User)
		if errors.Is(err, tenant.ErrNotFound) {
			return nil, failf(hint, "there is no user %q", w.User)
		}
		return u, err
	}
	list, err := a.Tenant().UsersByEmail(a.out, strings.ToLower(w.User))
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, failf(hint, "there is no user with the address %q", w.User)
	case len(list) > 1:
		var ids []string
		for _, u := range list {
			ids = append(ids, u.ID)
		}
		return nil, failf("name one of them: "+strings.Join(ids, ", "), "%d users have the address %q", len(list), w.User)
	}
	return list[0], nil
}

func userPath(u *tenant.User, rest ...string) string {
	return "users/" + url.PathEscape(u.ID) + strings.Join(rest, "")
}

type idpUserListCmd struct {
	Query      string `arg:"" optional:"" help:"As Auth0's user search has it: email:ada*, app_metadata.plan:gold, blocked:true."`
	Connection string `placeholder:"NAME" help:"Only this connection."`
	Limit      int    `default:"50" help:"How many to show at most, up to 1000."`
	Offset     int    `help:"How many to skip."`
}

// Example is what help ends with.
func (idpUserListCmd) Example() string { return "gate idp user list 'email.domain:example.com'" }

// Run lists users.
func (c *idpUserListCmd) Run(out *console, idp *idpCmd) error {
	if err := paged(c.Limit, c.Offset); err != nil {
		return err
	}
	return idp.administer(out, func(a *admin) error {
		q := tenant.UserQuery{Q: c.Query, Limit: c.Limit, Offset: c.Offset, Total: true}
		if c.Connection != "" {
			conn, err := a.connection(c.Connection)
			if err != nil {
				return err
			}
			q.Connection = conn.Name
		}
		list, total, err := a.Tenant().SearchUsers(out, q)
		if errors.Is(err, tenant.ErrQuery) {
			return &fault{err: err, hint: "gate idp user list 'email:ada*'", usage: true}
		}
		if err != nil {
			return err
		}
		if len(list) == 0 {
			list = []*tenant.User{} // for programs, a list also of none
			a.adviseFields("user", q.UnknownFields(), tenant.UserFields())
		}
		var rows [][]string
		for _, u := range list {
			rows = append(rows, []string{u.Email, u.ID, u.Name, blocked(u), dateOf(u.LastLogin)})
		}
		if err := a.print(list, []string{"email", "id", "name", "state", "last log-in"}, rows); err != nil {
			return err
		}
		if shown := c.Offset + len(list); shown < total && !a.json {
			out.talk.line("  " + strconv.Itoa(len(list)) + " of " + strconv.Itoa(total) + "; --offset " + strconv.Itoa(shown) + " shows more")
		}
		return nil
	})
}

// paged refuses a page that there is not.
func paged(limit, offset int) error {
	switch {
	case limit < 1 || limit > 1000:
		return misused("the next ones come with --offset", "--limit is from 1 to 1000, and not %d", limit)
	case offset < 0:
		return misused("0 skips none", "--offset %d is negative", offset)
	}
	return nil
}

// adviseFields says, of a search that found nothing, which of its fields nothing
// has, and what fields there are.
func (a *admin) adviseFields(what string, unknown, known []string) {
	if len(unknown) == 0 || a.json {
		return
	}
	a.out.talk.line("  " + plain("no "+what+" has the field "+strings.Join(unknown, ", ")+"; there are "+strings.Join(known, ", ")))
}

func blocked(u *tenant.User) string {
	switch {
	case u.Blocked:
		return "blocked"
	case !u.EmailVerified:
		return "unconfirmed"
	}
	return "active"
}

type idpUserShowCmd struct{ whom }

// Example is what help ends with.
func (idpUserShowCmd) Example() string { return "gate idp user show ada@example.com" }

// Run shows a user.
func (c *idpUserShowCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		u, err := c.find(a)
		if err != nil {
			return err
		}
		roles, err := a.roleNames(u)
		if err != nil {
			return err
		}
		raw, err := a.get(userPath(u))
		if err != nil {
			return err
		}
		var identities []string
		for _, i := range u.Identities {
			identities = append(identities, i.Connection+" "+i.Provider+"|"+i.UserID)
		}
		return a.show(raw, [2]string{"id", u.ID}, [2]string{"email", u.Email}, [2]string{"confirmed", yesNo(u.EmailVerified)},
			[2]string{"username", u.Username}, [2]string{"name", u.Name}, [2]string{"state", blocked(u)},
			[2]string{"identities", strings.Join(identities, ", ")}, [2]string{"roles", strings.Join(roles, ", ")},
			[2]string{"user_metadata", compactJSON(u.UserMetadata)}, [2]string{"app_metadata", compactJSON(u.AppMetadata)},
			[2]string{"created", dateOf(u.CreatedAt)}, [2]string{"last log-in", dateOf(u.LastLogin)},
			[2]string{"log-ins", strconv.FormatInt(u.LoginsCount, 10)})
	})
}

func compactJSON(m map[string]any) string {
	if len(m) == 0 {
		return ""
	}
	data, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	return string(data)
}

// roleNames returns the names of a user's roles.
func (a *admin) roleNames(u *tenant.User) ([]string, error) {
	ids, err := a.Tenant().RolesOf(a.out, u.ID)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, id := range ids {
		r, err := a.Tenant().Roles.Get(a.out, id)
		if errors.Is(err, tenant.ErrNotFound) {
			continue // deleted in between
		}
		if err != nil {
			return nil, err
		}
		names = append(names, r.Name)
	}
	slices.Sort(names)
	return names, nil
}

type idpUserCreateCmd struct {
	Email      string   `arg:"" help:"Address."`
	Name       string   `placeholder:"NAME" help:"Name."`
	Username   string   `placeholder:"NAME" help:"User name, where the connection has them."`
	Connection string   `placeholder:"NAME" help:"Connection; the only one that keeps passwords unless said."`
	Role       []string `placeholder:"ROLE" help:"Role to give; may be given more than once."`
	Unverified bool     `help:"The address is not verified."`
}

// Help says where the password comes from.
func (idpUserCreateCmd) Help() string {
	return "The password is asked for on a terminal and read from standard input otherwise. An empty one means a random one, which is printed once."
}

// Example is what help ends with.
func (idpUserCreateCmd) Example() string {
	return "gate idp user create ada@example.com --role menu-admin"
}

// Run makes a user.
func (c *idpUserCreateCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		connection, err := a.database(c.Connection)
		if err != nil {
			return err
		}
		var roles []string
		for _, name := range c.Role {
			r, err := a.role(name)
			if err != nil {
				return err
			}
			roles = append(roles, r.ID)
		}
		if err := mailAddress(c.Email); err != nil {
			return err
		}
		text, shown, err := out.newPassword()
		if err != nil {
			return err
		}
		in := map[string]any{"connection": connection.Name, "email": c.Email, "email_verified": !c.Unverified, "password": text}
		for name, value := range map[string]string{"name": c.Name, "username": c.Username} {
			if value != "" {
				in[name] = value
			}
		}
		var raw map[string]any
		if err := a.send(http.MethodPost, "users", in, &raw); err != nil {
			return err
		}
		id, _ := raw["user_id"].(string)
		if len(roles) > 0 {
			if err := a.send(http.MethodPost, "users/"+url.PathEscape(id)+"/roles", map[string]any{"roles": roles}, nil); err != nil {
				return err
			}
		}
		if shown != "" {
			raw["password"] = shown
		}
		return a.show(raw, [2]string{"id", id}, [2]string{"email", c.Email}, [2]string{"roles", strings.Join(c.Role, ", ")}, [2]string{"password", shown})
	})
}

// mailAddress refuses what nobody can be written to at.
func mailAddress(text string) error {
	if address, err := tenant.CanonicalEmail(text); err != nil || address == "" {
		return misused("write it as ada@example.com", "%q is not an e-mail address", text)
	}
	return nil
}

// database returns a connection that keeps passwords.
func (a *admin) database(name string) (*tenant.Connection, error) {
	all, err := a.Tenant().Connections.List(a.out)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c *tenant.Connection) bool { return c.Strategy != tenant.Database })
	var names []string
	for _, c := range all {
		if c.Name == name || c.ID == name && name != "" {
			return c, nil
		}
		names = append(names, c.Name)
	}
	switch {
	case len(all) == 0:
		return nil, failf("gate idp connection create Username-Password-Authentication", "there is no connection that keeps passwords")
	case name != "":
		return nil, failf("there are: "+strings.Join(names, ", "), "there is no connection %q that keeps passwords", name)
	case len(all) > 1:
		return nil, misused("--connection is one of "+strings.Join(names, ", "), "there are %d connections that keep passwords", len(all))
	}
	return all[0], nil
}

type idpUserUpdateCmd struct {
	whom
	Email        *string           `placeholder:"ADDRESS" help:"Another address."`
	Verified     *bool             `negatable:"" help:"Whether the address is verified."`
	Name         *string           `placeholder:"NAME" help:"Another name."`
	Username     *string           `placeholder:"NAME" help:"Another user name."`
	UserMetadata map[string]string `placeholder:"KEY=VALUE" help:"Set user_metadata, which they may change themselves; a value that is JSON is taken as JSON, null removes one."`
	AppMetadata  map[string]string `placeholder:"KEY=VALUE" help:"Set app_metadata, which applications decide by."`
	Connection   string            `placeholder:"NAME" help:"Connection whose address or user name it is; that of the password unless said."`
}

// Example is what help ends with.
func (idpUserUpdateCmd) Example() string {
	return "gate idp user update ada@example.com --app-metadata plan=gold"
}

// Run changes a user.
func (c *idpUserUpdateCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		u, err := c.find(a)
		if err != nil {
			return err
		}
		in := map[string]any{}
		for name, value := range map[string]*string{"email": c.Email, "name": c.Name, "username": c.Username} {
			if value != nil {
				in[name] = *value
			}
		}
		if c.Verified != nil {
			in["email_verified"] = *c.Verified
		}
		for name, pairs := range map[string]map[string]string{"user_metadata": c.UserMetadata, "app_metadata": c.AppMetadata} {
			if len(pairs) > 0 {
				in[name] = jsonValues(pairs)
			}
		}
		if c.Connection != "" {
			in["connection"] = c.Connection
		} else if c.Email != nil || c.Verified != nil || c.Username != nil {
			name, err := withPassword(u)
			if err != nil {
				return err
			}
			in["connection"] = name
		}
		if len(in) == 0 {
			return misused("gate idp user update --help lists what can be changed", "nothing to change")
		}
		if err := a.send(http.MethodPatch, userPath(u), in, nil); err != nil {
			return err
		}
		a.done("changed %s", c.User)
		return nil
	})
}

// withPassword returns the connection of the identity that has the password, of
// the only one when none has; of several nobody can tell which is meant.
func withPassword(u *tenant.User) (string, error) {
	var names, own []string
	for _, i := range u.Identities {
		if names = append(names, i.Connection); i.Provider == tenant.Database {
			own = append(own, i.Connection)
		}
	}
	switch {
	case len(own) == 1:
		return own[0], nil
	case len(names) == 1:
		return names[0], nil
	}
	return "", misused("--connection is one of "+strings.Join(names, ", "), "%s has %d identities", u.ID, len(names))
}

// jsonValues takes texts that are JSON as such.
func jsonValues(pairs map[string]string) map[string]any {
	out := map[string]any{}
	for name, text := range pairs {
		out[name] = text
		if json.Valid([]byte(text)) {
			out[name] = json.RawMessage(text)
		}
	}
	return out
}

type idpUserDeleteCmd struct {
	whom
	Yes bool `help:"Do not ask."`
}

// Example is what help ends with.
func (idpUserDeleteCmd) Example() string { return "gate idp user delete ada@example.com" }

// Run deletes a user.
func (c *idpUserDeleteCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		u, err := c.find(a)
		if err != nil {
			return err
		}
		if err := out.confirm(c.Yes, "delete the user %s (%s)", u.Email, u.ID); err != nil {
			return err
		}
		if err := a.send(http.MethodDelete, userPath(u), nil, nil); err != nil {
			return err
		}
		a.done("deleted %s", c.User)
		return nil
	})
}

type idpUserBlockCmd struct{ whom }

// Example is what help ends with.
func (idpUserBlockCmd) Example() string { return "gate idp user block ada@example.com" }

// Run keeps a user out.
func (c *idpUserBlockCmd) Run(out *console, idp *idpCmd) error {
	return c.set(out, idp, true, "blocked %s, and ended what was open")
}

type idpUserUnblockCmd struct{ whom }

// Example is what help ends with.
func (idpUserUnblockCmd) Example() string { return "gate idp user unblock ada@example.com" }

// Run lets a user in again.
func (c *idpUserUnblockCmd) Run(out *console, idp *idpCmd) error {
	return c.set(out, idp, false, "%s may log in again")
}

func (w whom) set(out *console, idp *idpCmd, blocked bool, done string) error {
	return idp.administer(out, func(a *admin) error {
		u, err := w.find(a)
		if err != nil {
			return err
		}
		if err := a.send(http.MethodPatch, userPath(u), map[string]any{"blocked": blocked}, nil); err != nil {
			return err
		}
		a.done(done, w.User)
		return nil
	})
}
