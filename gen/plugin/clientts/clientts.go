// Package clientts is the plugin client-ts: a client of the service in TypeScript,
// with its types and without dependencies.
package clientts

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

//go:embed templates
var templates embed.FS

//go:embed files
var files embed.FS

// Name is the name of the plugin.
const Name = "client-ts"

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    Name,
		Summary: "a client in TypeScript with the types of the service, in client/",
		New:     func() gen.Part { return part{} },
	}
}

type part struct{}

// Settings returns nil: there are none to make.
func (part) Settings() any { return nil }

// Validate refuses a service that speaks neither the REST nor the GraphQL of the client,
// and entities that would have the name of something else in the client.
func (part) Validate(d *design.Design, place *design.Plugin) error {
	var errs design.Errors
	switch {
	case speaksREST(d):
	case !slices.Contains(d.Service.APIs, design.GraphQL):
		errs.Add(place.Pos, "plugins."+Name, "plugin client-ts needs GraphQL, or the REST API as it is without settings",
			"add graphql to service.apis or leave out rest: amplication, or make a client from app/openapi_gen.json with other tools")
	case d.Service.Persisted == design.PersistedOnly:
		errs.Add(place.Pos, "plugins."+Name, "plugin client-ts asks what the service would have to list: graphql: {persisted: only}",
			"add rest to service.apis, or leave out persisted: only")
	}
	for _, e := range d.Entities {
		if name := (Entity{Entity: e}).Property(); name == "auth" || name == "http" {
			errs.Add(e.Pos, "entities."+e.Name+".plural", fmt.Sprintf("%q is a word of the client in TypeScript itself", name), "choose another plural")
		}
	}
	return errs.Err()
}

// speaksREST reports whether the service has the REST that the client speaks.
func speaksREST(d *design.Design) bool {
	return slices.Contains(d.Service.APIs, design.REST) && d.Service.Grammar == design.Feathers
}

// Contribute adds the client.
func (part) Contribute(b *gen.Build) error {
	c := &client{b}
	b.Ignore = append(b.Ignore, "./client/node_modules")
	list := []string{"entities", "index"}
	if c.JWT() {
		list = append(list, "auth")
	}
	same := map[string]string{"query": "src", "http": "src", "resource": "src"}
	if c.GraphQL() {
		list = append(list, "shapes")
		same["resource"], same["graphql"] = "graphql", "graphql"
	}
	for name, folder := range same {
		if err := add(b, gen.Generated, "src/"+name+".gen.ts", folder+"/"+name+".gen.ts"); err != nil {
			return err
		}
	}
	for _, name := range list {
		b.Template(gen.File{Path: "client/src/" + name + ".gen.ts", Owner: gen.Generated}, templates, "templates/"+name+".gen.ts.tmpl", c)
	}
	for path, name := range map[string]string{"tsconfig.json": "tsconfig.json", ".gitignore": "gitignore"} {
		if err := add(b, gen.Once, path, name); err != nil {
			return err
		}
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		b.Template(gen.File{Path: "client/" + name, Owner: gen.Once}, templates, "templates/"+name+".tmpl", c)
	}
	return nil
}

// client is what the templates print.
type client struct{ *gen.Build }

// GraphQL reports whether rows are asked for over GraphQL: where there is no REST, or
// another one.
func (c *client) GraphQL() bool { return !speaksREST(c.Design) }

// Names is the type of the names of the entities.
func (c *client) Names() string {
	var names []string
	for _, e := range c.Entities() {
		names = append(names, e.Name)
	}
	return union(names)
}

// JWT reports whether people log in for a token.
func (c *client) JWT() bool { return c.Design.Enabled("auth-jwt") }

// Refresh reports whether tokens are renewed.
func (c *client) Refresh() bool {
	s := c.Design.Plugin("auth-jwt").Setting("refresh")
	return s != nil && s.Value == true
}

// LogIns lists the entities whose rows log in.
func (c *client) LogIns() []*design.AuthEntity { return c.Authentication.LogIns() }

// Accounts is the type of whoever logged in.
func (c *client) Accounts() string {
	var names []string
	for _, e := range c.LogIns() {
		names = append(names, "rows."+e.Name)
	}
	return strings.Join(names, " | ")
}

// Account is the expression for it, of an answer.
func (c *client) Account() string {
	var members []string
	for _, e := range c.LogIns() {
		members = append(members, "answer."+gen.Lower(e.Name))
	}
	if len(members) == 1 {
		return members[0]
	}
	return "(" + strings.Join(members, " ?? ") + ")"
}

// Entities are those of the service.
func (c *client) Entities() []Entity { return Entities(c.Design) }

// Entities are those of a design as TypeScript has them.
func Entities(d *design.Design) []Entity {
	var out []Entity
	for _, e := range d.Entities {
		out = append(out, Entity{e, d})
	}
	return out
}

// add adds a file that is the same for every service.
func add(b *gen.Build, owner gen.Owner, path, name string) error {
	data, err := files.ReadFile("files/" + name)
	b.Add(gen.File{Path: "client/" + path, Data: data, Owner: owner})
	return err
}
