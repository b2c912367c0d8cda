package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
)

type idpConnectionCmd struct {
	List    idpConnectionListCmd    `cmd:"" help:"List connections."`
	Create  idpConnectionCreateCmd  `cmd:"" help:"Make a connection."`
	Enable  idpConnectionEnableCmd  `cmd:"" help:"Let clients use a connection."`
	Disable idpConnectionDisableCmd `cmd:"" help:"Stop clients from using a connection."`
	Delete  idpConnectionDeleteCmd  `cmd:"" help:"Delete a connection, with its users."`
}

// Example is that of the most used of them.
func (idpConnectionCmd) Example() string { return idpConnectionCreateCmd{}.Example() }

// connection returns the connection of this name or ID.
func (a *admin) connection(name string) (*tenant.Connection, error) {
	all, err := a.Tenant().Connections.List(a.out)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.Name == name || c.ID == name {
			return c, nil
		}
	}
	return nil, failf("gate idp connection list shows those there are", "there is no connection %q", name)
}

type idpConnectionListCmd struct{}

// Example is what help ends with.
func (idpConnectionListCmd) Example() string { return "gate idp connection list" }

// Run lists connections.
func (idpConnectionListCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		raw, err := a.Admin.All(out, "connections", "connections")
		if err != nil {
			return err
		}
		all, err := decodeAll[tenant.Connection](raw)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, c := range all {
			rows = append(rows, []string{c.Name, c.ID, c.Strategy, count(len(c.EnabledClients), "client", "clients")})
		}
		return a.print(raw, []string{"name", "id", "strategy", "used by"}, rows)
	})
}

type idpConnectionCreateCmd struct {
	Name            string            `arg:"" help:"Letters, digits and hyphens."`
	Strategy        string            `default:"auth0" help:"auth0 (passwords are kept here), google-oauth2, github, windowslive, waad, apple, facebook, gitlab, oidc or oauth2."`
	Issuer          string            `placeholder:"URL" help:"Issuer of an OpenID provider."`
	ClientID        string            `placeholder:"ID" help:"Our client ID at the provider."`
	ClientSecretEnv string            `placeholder:"NAME" help:"Environment variable that holds the secret."`
	Option          map[string]string `placeholder:"NAME=VALUE" help:"Further options, by the names of Auth0's Management API; a value that is JSON is taken as JSON."`
	ClosedSignup    bool              `help:"Nobody may sign up in it."`
	Client          []string          `placeholder:"CLIENT" help:"Client that may use it; may be given more than once."`
}

// Example is what help ends with.
func (idpConnectionCreateCmd) Example() string {
	return "gate idp connection create github --strategy github --client-id Iv1.8a61 --client-secret-env GITHUB_SECRET --client Menu"
}

// Run makes a connection.
func (c *idpConnectionCreateCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		options := jsonValues(c.Option)
		for name, value := range map[string]string{"issuer": c.Issuer, "client_id": c.ClientID} {
			if value != "" {
				options[name] = value
			}
		}
		if c.ClosedSignup {
			options["disable_signup"] = true
		}
		if c.ClientSecretEnv != "" {
			text := os.Getenv(c.ClientSecretEnv)
			if text == "" {
				return failf("export it", "the environment variable %s is not set", c.ClientSecretEnv)
			}
			options["client_secret"] = text
		}
		if c.Strategy != tenant.Database && c.ClientID == "" {
			return misused("--client-id is our client ID at the other provider", "a connection of the strategy %s needs a client", c.Strategy)
		}
		if _, given := options["client_secret"]; c.Strategy != tenant.Database && c.Strategy != "oidc" && c.Strategy != "oauth2" && !given {
			return misused("--client-secret-env names the variable that holds it", "a connection of the strategy %s needs the secret of its client", c.Strategy)
		}
		ids, err := a.clientIDs(c.Client)
		if err != nil {
			return err
		}
		var raw json.RawMessage
		in := map[string]any{"name": c.Name, "strategy": c.Strategy, "options": options, "enabled_clients": ids}
		if err := a.send(http.MethodPost, "connections", in, &raw); err != nil {
			return err
		}
		made := new(tenant.Connection)
		if err := json.Unmarshal(raw, made); err != nil {
			return err
		}
		if made.Strategy != tenant.Database && (a.signup == "" || a.signup == "closed") && !a.json {
			out.talk.line("  " + out.talk.paint(yellow, "!") + " " + plain("sign-up is closed: only people who have an account come in by "+made.Name+
				"; signup: open in idp.yaml makes one at the first log-in"))
		}
		return a.show(raw, [2]string{"name", made.Name}, [2]string{"id", made.ID}, [2]string{"strategy", made.Strategy},
			[2]string{"clients", strings.Join(c.Client, ", ")}, [2]string{"callback", callbackOf(a, made)})
	})
}

// callbackOf is what the other provider has to be told.
func callbackOf(a *admin, c *tenant.Connection) string {
	if c.Strategy == tenant.Database {
		return ""
	}
	return a.Issuer() + "login/callback/" + c.Name
}

func (a *admin) clientIDs(names []string) ([]string, error) {
	ids := []string{}
	for _, name := range names {
		cl, err := a.client(name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, cl.ID)
	}
	return ids, nil
}

// uses names clients of a connection.
type uses struct {
	Connection string   `arg:"" help:"Name or ID."`
	Client     []string `arg:"" help:"IDs or names of clients."`
}

func (c *uses) set(out *console, idp *idpCmd, on bool, done string) error {
	return idp.administer(out, func(a *admin) error {
		conn, err := a.connection(c.Connection)
		if err != nil {
			return err
		}
		ids, err := a.clientIDs(c.Client)
		if err != nil {
			return err
		}
		var in []any
		for _, id := range ids {
			in = append(in, map[string]any{"client_id": id, "status": on})
		}
		if err := a.send(http.MethodPatch, "connections/"+conn.ID+"/clients", in, nil); err != nil {
			return err
		}
		a.done(done, conn.Name, strings.Join(c.Client, ", "))
		return nil
	})
}

type idpConnectionEnableCmd struct{ uses }

// Example is what help ends with.
func (idpConnectionEnableCmd) Example() string { return "gate idp connection enable github Menu" }

// Run lets clients use a connection.
func (c *idpConnectionEnableCmd) Run(out *console, idp *idpCmd) error {
	return c.set(out, idp, true, "%s is used by %s")
}

type idpConnectionDisableCmd struct{ uses }

// Example is what help ends with.
func (idpConnectionDisableCmd) Example() string { return "gate idp connection disable github Menu" }

// Run lets clients use a connection no more.
func (c *idpConnectionDisableCmd) Run(out *console, idp *idpCmd) error {
	return c.set(out, idp, false, "%s is not used by %s any more")
}

type idpConnectionDeleteCmd struct {
	Connection string `arg:"" help:"Name or ID."`
	Yes        bool   `help:"Do not ask."`
}

// Example is what help ends with.
func (idpConnectionDeleteCmd) Example() string { return "gate idp connection delete github" }

// Run deletes a connection with its users.
func (c *idpConnectionDeleteCmd) Run(out *console, idp *idpCmd) error {
	return idp.administer(out, func(a *admin) error {
		conn, err := a.connection(c.Connection)
		if err != nil {
			return err
		}
		_, total, err := a.Tenant().SearchUsers(out, tenant.UserQuery{Connection: conn.Name, Limit: 1, Total: true})
		if err != nil {
			return err
		}
		if err := out.confirm(c.Yes, "delete the connection %s with its %s", conn.Name, count(total, "user", "users")); err != nil {
			return err
		}
		if err := a.send(http.MethodDelete, "connections/"+conn.ID, nil, nil); err != nil {
			return err
		}
		a.done("deleted %s", conn.Name)
		return nil
	})
}
