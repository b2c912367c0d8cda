package authcore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/internal/typo"
)

// readOthers refuses who may look after the accounts of others, if it is no permission
// that somebody can hold.
func (p *part) readOthers(d *design.Design, place *design.Plugin, errs *design.Errors) {
	for _, name := range design.AccountPermissions() {
		s := place.Setting(name)
		if s == nil {
			continue
		}
		permission, text := s.Value.(string)
		if !text || d.Holds(permission) {
			continue // what is no text was told already
		}
		near, hint := "", "write a permission that a role holds, such as manage:users"
		single := slices.DeleteFunc(d.Permissions(), func(held string) bool { return strings.Contains(held, "*") })
		if meant := typo.Nearest(permission, single); meant != "" {
			near, hint = fmt.Sprintf(", did you mean %q?", meant), ""
		}
		errs.Add(s.ValuePos, s.Path, fmt.Sprintf("unknown permission %q%s", permission, near), hint)
	}
	if s := place.Setting("keys"); s != nil && !d.Enabled("auth-apikey") {
		errs.Add(s.Pos, s.Path, "there are no API keys to look after", "turn auth-apikey on, or leave keys out")
	}
}

// others is what the runtime is told of who looks after the accounts of others.
func (p *part) others() []gen.Member {
	var members []gen.Member
	for _, x := range [][2]string{{"Sessions", p.settings.Sessions}, {"Keys", p.settings.Keys}, {"Audit", p.settings.Audit}} {
		if x[1] != "" {
			members = append(members, gen.Member{Name: x[0], Value: gen.Text(x[1])})
		}
	}
	return members
}

// otherPaths describe what those do who look after the accounts of others.
func (p *part) otherPaths() []gen.Property {
	var list []gen.Property
	for _, e := range append([]*design.AuthEntity{p.accounts}, p.also...) {
		at, of, id := "/admin/"+e.Route+"/{id}", " of a row of "+e.Plural, parameter("path", "id", "The id of the row.", textSchema())
		if p.settings.Sessions != "" {
			list = append(list, lookedAfter(at+"/sessions", id,
				get("The devices"+of, "sessionsOf"+e.Name, listed("sessions", "auth.Device")), end("Log out all devices"+of, "endSessionsOf"+e.Name))...)
			list = append(list, lookedAfter(at+"/sessions/{session}", id, parameter("path", "session", "The id of the device.", textSchema()),
				end("Log out a device"+of, "endSessionOf"+e.Name))...)
		}
		if p.settings.Keys != "" {
			list = append(list, lookedAfter(at+"/api-keys", id, get("The API keys"+of, "apiKeysOf"+e.Name, listed("keys", "auth.APIKey")))...)
			list = append(list, lookedAfter(at+"/api-keys/{key}", id, parameter("path", "key", "The id of the key.", textSchema()),
				end("Revoke an API key"+of, "revokeAPIKeyOf"+e.Name))...)
		}
	}
	if p.settings.Audit == "" {
		return list
	}
	outcome := gen.Object{{Name: "type", Value: "string"}, {Name: "enum", Value: []string{"success", "failure", "error"}}}
	limit := gen.Object{{Name: "type", Value: "integer"}, {Name: "minimum", Value: 1}, {Name: "maximum", Value: 100}, {Name: "default", Value: 100}}
	return append(list, gen.Property{Name: "/admin/audit", Value: gen.Object{
		{Name: "get", Value: operation("admin", "What happened to accounts, the newest first", "audit",
			gen.Property{Name: "parameters", Value: []any{
				parameter("query", "subject", "The account that it happened to. Who belongs to a tenant has to name one.", textSchema()),
				parameter("query", "action", "What was done.", textSchema()),
				parameter("query", "outcome", "How it ended.", outcome),
				parameter("query", "before", "What next of the page before says.", textSchema()),
				parameter("query", "$limit", "How many.", limit),
			}},
			responses("200", gen.JSONResponse("A page of the trail; next is where the one behind it begins, if there is one.", gen.SchemaRef("auth.Trail")), "400", "403", "404"))},
	}})
}

// lookedAfter is a path with its parameters, which are those without a name, and its
// operations.
func lookedAfter(path string, parts ...gen.Object) []gen.Property {
	var parameters []any
	item := gen.Object{{Name: "parameters"}}
	for _, part := range parts {
		if part[0].Name == "name" {
			parameters = append(parameters, part)
		} else {
			item = append(item, part...)
		}
	}
	item[0].Value = parameters
	return []gen.Property{{Name: path, Value: item}}
}

func get(summary, id string, answer gen.Object) gen.Object {
	return gen.Object{{Name: "get", Value: operation("admin", summary, id, responses("200", gen.JSONResponse("Those that are there.", answer), "403", "404"))}}
}

func end(summary, id string) gen.Object {
	done := gen.Object{{Name: "description", Value: "Done."}}
	return gen.Object{{Name: "delete", Value: operation("admin", summary+"; needs a log-in of a moment ago", id, responses("204", done, "403", "404"))}}
}

func parameter(in, name, description string, schema gen.Object) gen.Object {
	return gen.Object{
		{Name: "name", Value: name},
		{Name: "in", Value: in},
		{Name: "required", Value: in == "path"},
		{Name: "description", Value: description},
		{Name: "schema", Value: schema},
	}
}

func textSchema() gen.Object { return gen.Object{{Name: "type", Value: "string"}} }

func listed(name, schema string) gen.Object {
	return gen.Object{{Name: "type", Value: "object"}, {Name: "properties", Value: gen.Object{
		{Name: name, Value: gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: gen.SchemaRef(schema)}}},
	}}}
}

// otherSchemas are the types of these paths.
func (p *part) otherSchemas() []gen.Property {
	if p.settings.Audit == "" {
		return nil
	}
	entry := gen.Object{}
	for _, name := range []string{"id", "at", "action", "outcome", "reason", "entity", "subject", "actor", "strategy", "address", "userAgent"} {
		schema := textSchema()
		if name == "at" {
			schema = append(schema, gen.Property{Name: "format", Value: "date-time"})
		}
		entry = append(entry, gen.Property{Name: name, Value: schema})
	}
	entry = append(entry, gen.Property{Name: "details", Value: gen.Object{{Name: "type", Value: "object"}, {Name: "additionalProperties", Value: textSchema()}}})
	return []gen.Property{{Name: "auth.Trail", Value: gen.Object{
		{Name: "type", Value: "object"},
		{Name: "properties", Value: gen.Object{
			{Name: "entries", Value: gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: gen.Object{
				{Name: "type", Value: "object"}, {Name: "required", Value: []string{"id", "at", "action", "outcome"}}, {Name: "properties", Value: entry},
			}}}},
			{Name: "next", Value: textSchema()},
		}},
		{Name: "required", Value: []string{"entries"}},
	}}}
}
