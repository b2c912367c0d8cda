package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/upstream"
)

// A Seed is what [Instance.Seed] puts into a database.
type Seed struct {
	APIs        []API        `yaml:"apis" doc:"APIs that access tokens are for."`
	Roles       []Role       `yaml:"roles" doc:"Roles with their permissions."`
	Clients     []Client     `yaml:"clients" doc:"Applications."`
	Connections []Connection `yaml:"connections" doc:"Where people come from. None means one that keeps passwords here."`
	Users       []User       `yaml:"users" doc:"People, such as the first administrator."`
	Actions     []Action     `yaml:"actions" doc:"Scripts that run at log-in and the like."`
}

// An API is what access tokens are for.
type API struct {
	Identifier string  `yaml:"identifier" required:"true" doc:"Audience of its access tokens; it cannot be changed later."`
	Name       string  `yaml:"name" doc:"Name; the identifier unless said."`
	Scopes     []Scope `yaml:"scopes" doc:"Permissions that it knows: create:items, or a mapping with a description."`
	// RBAC cuts scopes to what the roles of a user permit, and puts the claim
	// permissions into access tokens.
	RBAC           bool `yaml:"rbac" doc:"Whether people get only what their roles permit, told in the claim permissions."`
	OfflineAccess  bool `yaml:"offlineAccess" doc:"Whether clients may have refresh tokens for it."`
	RequireConsent bool `yaml:"requireConsent" doc:"Whether people are asked for consent by one's own applications, too."`
	// TokenLifetime is that of access tokens; zero means a day.
	TokenLifetime time.Duration `yaml:"tokenLifetime" doc:"Life of access tokens; 24h unless said."`
}

// A Scope is a permission that an API knows.
type Scope struct {
	Value       string `yaml:"value" required:"true" doc:"Such as create:items."`
	Description string `yaml:"description" doc:"What it allows, for the consent page."`
}

func (s *Scope) setText(text string) (ok bool, want string) {
	s.Value = text
	return true, ""
}

// A Role is a named set of permissions.
type Role struct {
	Name        string `yaml:"name" required:"true" doc:"Name."`
	Description string `yaml:"description" doc:"What for."`
	// Permissions are scopes by the identifier of their API.
	Permissions map[string][]string `yaml:"permissions" doc:"Scopes by the identifier of their API."`
}

// The kinds of clients.
const (
	SPA     = "spa"     // a program in a browser
	Native  = "native"  // a program on a telephone or desktop
	Web     = "web"     // a program on a server that people use
	Machine = "machine" // a program that acts for itself
)

// ManagementAPI stands for the identifier of the Management API in the grants of
// a client.
const ManagementAPI = "management"

// A Client is an application.
type Client struct {
	Name string `yaml:"name" required:"true" doc:"Name; clients of a seed have different ones."`
	Type string `yaml:"type" required:"true" enum:"spa,native,web,machine" doc:"spa, native, web or machine."`
	// ID is the client_id; empty means a random one.
	ID         string   `yaml:"id" doc:"The client_id; a random one unless said."`
	Callbacks  []string `yaml:"callbacks" doc:"Addresses that a log-in may return to."`
	LogoutURLs []string `yaml:"logoutURLs" doc:"Addresses that a log-out may return to."`
	WebOrigins []string `yaml:"webOrigins" doc:"Origins that its pages are served from."`
	// Grants are the scopes that it gets for itself, by the identifier of the
	// API or ManagementAPI. The scope "*" stands for all.
	Grants map[string][]string `yaml:"grants" doc:"Scopes that a machine gets, by the identifier of the API; management is the Management API, and * all scopes."`
	// SecretEnv names the variable with the client secret; empty means a random one.
	SecretEnv string `yaml:"secretEnv" doc:"Variable that holds its secret; a random one unless said."`
}

// A Connection is where people come from.
type Connection struct {
	Name     string `yaml:"name" required:"true" doc:"Letters, digits and hyphens."`
	Strategy string `yaml:"strategy" doc:"auth0 (passwords are kept here; unless said), google-oauth2, github, windowslive, waad, apple, facebook, gitlab, oidc or oauth2."`
	// ClosedSignup lets nobody make an account here, whatever the provider allows.
	ClosedSignup     bool           `yaml:"closedSignup" doc:"Whether nobody may make an account in it."`
	RequiresUsername bool           `yaml:"requiresUsername" doc:"Whether people have a user name besides their address."`
	PasswordPolicy   string         `yaml:"passwordPolicy" enum:"none,low,fair,good,excellent" doc:"What passwords have to be; good unless said."`
	Issuer           string         `yaml:"issuer" doc:"Issuer of an OpenID provider."`
	ClientID         string         `yaml:"clientID" doc:"Who we are there."`
	ClientSecretEnv  string         `yaml:"clientSecretEnv" doc:"Variable that holds the secret."`
	Scope            []string       `yaml:"scope" doc:"What is asked for."`
	Options          map[string]any `yaml:"options" doc:"Further options, by the names of Auth0's Management API."`
	// Clients are the names of the clients of the seed that may use it; nil
	// means all that people log in to.
	Clients []string `yaml:"clients" doc:"Names of the clients that may use it; all that people log in to unless said."`
	// Imitation is a provider for development that Connection logs in at, in
	// place of the one that the strategy names.
	Imitation *upstream.Config `yaml:"-"`
}

// A User is a person. One that is made gets its password from PasswordEnv, or a
// random one that is in the report.
type User struct {
	Email       string   `yaml:"email" required:"true" doc:"Address, taken for confirmed."`
	Name        string   `yaml:"name" doc:"Name; the address unless said."`
	Connection  string   `yaml:"connection" doc:"Connection; the first one that keeps passwords unless said."`
	Roles       []string `yaml:"roles" doc:"Names of roles."`
	PasswordEnv string   `yaml:"passwordEnv" doc:"Variable that holds the password; a random one is made and shown once unless said."`
}

// An Action is a script.
type Action struct {
	Name    string `yaml:"name" required:"true" doc:"Name."`
	Trigger string `yaml:"trigger" required:"true" enum:"post-login,credentials-exchange,pre-user-registration,post-user-registration,post-change-password" doc:"When it runs."`
	File    string `yaml:"file" doc:"File of the script."`
	// Code is the script itself, for programs.
	Code string `yaml:"-"`
	// Secrets are the variables that hold them, by the names that the script
	// knows them by.
	Secrets map[string]string `yaml:"secrets" doc:"Variables that hold its secrets, by their names in event.secrets."`
}

func (c *checker) seed() {
	apis := c.seedAPIs()
	unique(c, "seed.roles", c.Seed.Roles, func(r Role) string { return r.Name })
	for i, r := range c.Seed.Roles {
		c.scopesOf(fmt.Sprintf("seed.roles[%d].permissions", i), r.Permissions, apis, false)
	}
	unique(c, "seed.clients", c.Seed.Clients, func(cl Client) string { return cl.Name })
	for i, cl := range c.Seed.Clients {
		path := fmt.Sprintf("seed.clients[%d]", i)
		if len(cl.ID) > 64 || !shape.ID(cl.ID) {
			c.problem(path+".id", "shorten it, or leave it out for a random one", "id %s has to be at most 64 letters, digits, _ and -", quote(cl.ID))
		}
		if len(cl.Grants) > 0 && cl.Type != Machine && c.sound(path+".type") {
			c.problem(path+".grants", "people's clients ask for scopes when somebody logs in", "grants are for clients of the type machine")
		}
		c.listed(path+".callbacks", cl.Callbacks, shape.ReturnURL)
		c.listed(path+".logoutURLs", cl.LogoutURLs, shape.ReturnURL)
		c.listed(path+".webOrigins", cl.WebOrigins, shape.Origin)
		c.scopesOf(path+".grants", cl.Grants, apis, true)
		c.needVariable(path+".secretEnv", cl.SecretEnv)
	}
	c.seedConnections()
	c.seedUsers()
	unique(c, "seed.actions", c.Seed.Actions, func(a Action) string { return a.Name })
	for i, a := range c.Seed.Actions {
		if a.File == "" && a.Code == "" {
			c.problem(fmt.Sprintf("seed.actions[%d]", i), "write file: NAME.js", "the action has no file")
		}
		for name, variable := range a.Secrets {
			c.needVariable(fmt.Sprintf("seed.actions[%d].secrets.%s", i, name), variable)
		}
	}
}

// listed checks a list of addresses by the rules of the Management API.
func (c *checker) listed(path string, list []string, judge func(s string, wild bool) string) {
	for i, s := range list {
		if why := judge(s, false); why != "" {
			c.problem(fmt.Sprintf("%s[%d]", path, i), "", "%s %s", quote(s), why)
		}
	}
}

// seedAPIs returns the scopes by their API.
func (c *checker) seedAPIs() map[string][]string {
	apis := map[string][]string{}
	unique(c, "seed.apis", c.Seed.APIs, func(a API) string { return a.Identifier })
	for i, a := range c.Seed.APIs {
		unique(c, fmt.Sprintf("seed.apis[%d].scopes", i), a.Scopes, func(s Scope) string { return s.Value })
		apis[a.Identifier] = []string{}
		for _, s := range a.Scopes {
			apis[a.Identifier] = append(apis[a.Identifier], s.Value)
		}
		for j, s := range a.Scopes {
			if s.Value != "" && !shape.ScopeName(s.Value) {
				c.problem(fmt.Sprintf("seed.apis[%d].scopes[%d]", i, j), "write it as create:items", "%s cannot be a scope: no blanks, quotes and backslashes, at most 280 characters", quote(s.Value))
			}
		}
	}
	return apis
}

// scopesOf checks that APIs of the seed have the scopes that somebody gets.
func (c *checker) scopesOf(path string, list map[string][]string, apis map[string][]string, grant bool) {
	for api, scopes := range list {
		if grant && api == ManagementAPI {
			continue
		}
		known, ok := apis[api]
		if !c.sound("seed.apis") {
			return // they are not known
		}
		if !ok {
			var names []string
			for name := range apis {
				names = append(names, name)
			}
			slices.Sort(names)
			c.problem(join(path, api), "add it to seed.apis, or write the identifier of one that is there", "there is no API %s in the seed%s", quote(api), didYouMean(api, names))
			continue
		}
		for i, s := range scopes {
			if !slices.Contains(known, s) && (!grant || s != "*") {
				c.problem(fmt.Sprintf("%s[%d]", join(path, api), i), "add it to the scopes of the API in seed.apis, or write one that it has", "the API %s has no scope %s%s", quote(api), quote(s), didYouMean(s, known))
			}
		}
	}
}

func (c *checker) seedConnections() {
	unique(c, "seed.connections", c.Seed.Connections, func(co Connection) string { return co.Name })
	for i, co := range c.Seed.Connections {
		path := fmt.Sprintf("seed.connections[%d]", i)
		if co.Name != "" && !shape.ConnectionName(co.Name) {
			c.problem(path+".name", "write it as Staff-Passwords", "name %s has to be letters and digits, with single hyphens between them", quote(co.Name))
		}
		if known := shape.Strategies(); co.Strategy != "" && !slices.Contains(known, co.Strategy) {
			c.problem(path+".strategy", "there are "+strings.Join(known, ", "), "there is no strategy %s%s", quote(co.Strategy), didYouMean(co.Strategy, known))
		}
		if co.isDatabase() && (co.ClientID != "" || co.ClientSecretEnv != "" || co.Issuer != "") {
			c.problem(path, "take them out, or say which provider it is with strategy", "the connection keeps passwords here, and has no use for issuer, clientID and clientSecretEnv")
		}
		if !co.isDatabase() && co.ClientID == "" && co.Imitation == nil && c.sound(path) {
			c.problem(path, "register the provider there as an application, and write what it is given: clientID: …", "the connection has no clientID")
		}
		c.needVariable(path+".clientSecretEnv", co.ClientSecretEnv)
		for j, name := range co.Clients {
			if c.sound("seed.clients") && !slices.ContainsFunc(c.Seed.Clients, func(cl Client) bool { return cl.Name == name }) {
				c.problem(fmt.Sprintf("%s.clients[%d]", path, j), "add it to seed.clients, or write the name of one that is there", "there is no client %s in the seed", quote(name))
			}
		}
	}
}

func (co Connection) isDatabase() bool { return co.Strategy == "" || co.Strategy == tenant.Database }

func (c *checker) seedUsers() {
	unique(c, "seed.users", c.Seed.Users, func(u User) string { return strings.ToLower(u.Email) + " " + u.Connection })
	for i, u := range c.Seed.Users {
		path := fmt.Sprintf("seed.users[%d]", i)
		if _, err := tenant.CanonicalEmail(u.Email); err != nil {
			c.problem(path+".email", "write it as ada@example.com", "%s is not an address of mail", quote(u.Email))
		}
		var databases []string
		for _, co := range c.Seed.Connections {
			if co.isDatabase() {
				databases = append(databases, co.Name)
			}
		}
		if u.Connection != "" && len(c.Seed.Connections) > 0 && c.sound("seed.connections") && !slices.Contains(databases, u.Connection) {
			c.problem(path+".connection", "add it to seed.connections, or leave connection out", "there is no connection %s in the seed that keeps passwords%s", quote(u.Connection), didYouMean(u.Connection, databases))
		}
		for j, name := range u.Roles {
			var names []string
			for _, r := range c.Seed.Roles {
				names = append(names, r.Name)
			}
			if c.sound("seed.roles") && !slices.Contains(names, name) {
				c.problem(fmt.Sprintf("%s.roles[%d]", path, j), "add it to seed.roles, or write the name of one that is there", "there is no role %s in the seed%s", quote(name), didYouMean(name, names))
			}
		}
		c.needVariable(path+".passwordEnv", u.PasswordEnv)
	}
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// needVariable checks that a variable with a secret is named, and not the secret
// itself. Whether it is set matters to who seeds.
func (c *checker) needVariable(path, name string) {
	if name != "" && !variableName.MatchString(name) {
		c.problem(path, "export it, and write its name here", "this is not the name of a variable of the environment")
	}
}

// unique reports what stands in a list twice.
func unique[T any](c *checker, path string, list []T, key func(T) string) {
	seen := map[string]bool{}
	for i, item := range list {
		at, name := fmt.Sprintf("%s[%d]", path, i), key(item)
		if seen[name] && c.sound(at) {
			c.problem(at, "take one of them out, or give it another name", "%s stands twice", quote(name))
		}
		seen[name] = true
	}
}
