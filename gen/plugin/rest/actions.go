package rest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// actionsTag is the tag of actions that are not about a row.
const actionsTag = "actions"

// actionPaths describes the actions that somebody may call.
func actionPaths(b *gen.Build) gen.Object {
	var out gen.Object
	for _, a := range b.Design.Actions {
		w := writer{design: b.Design, entity: a.Row, security: b.API.Security}
		if w.entity == nil {
			w.entity = &design.Entity{Route: actionsTag}
		}
		if !w.open(a.Allow) {
			continue
		}
		path := "/api" + a.Path
		operation := gen.Property{Name: strings.ToLower(a.Method), Value: w.action(a)}
		if i := slices.IndexFunc(out, func(p gen.Property) bool { return p.Name == path }); i >= 0 {
			if item, ok := out[i].Value.(gen.Object); ok {
				out[i].Value = append(item, operation)
			}
			continue
		}
		item := gen.Object{}
		if a.Row != nil {
			item = append(item, gen.Property{Name: "parameters", Value: []any{w.idParameter()}})
		}
		out = append(out, gen.Property{Name: path, Value: append(item, operation)})
	}
	return out
}

// actionTag describes the tag, if an action has it.
func actionTag(b *gen.Build) []any {
	w := writer{design: b.Design, security: b.API.Security}
	if !slices.ContainsFunc(b.Design.Actions, func(a *design.Action) bool { return a.Row == nil && w.open(a.Allow) }) {
		return nil
	}
	return []any{gen.Object{{Name: "name", Value: actionsTag}, {Name: "description", Value: "What the service does beside reading and writing rows."}}}
}

// action describes one action.
func (w *writer) action(a *design.Action) gen.Object {
	summary, _, _ := strings.Cut(cmp.Or(a.Description, a.Name), "\n")
	op := w.operation(a.Name, summary, a.Allow)
	refusals := []string{"400"}
	if a.Row != nil {
		refusals = append(refusals, "404")
	}
	asked := a.Method == "GET" || a.Method == "DELETE" // in the query string
	var params []any
	if a.Input != nil && asked {
		params = w.members(a.Input)
	}
	if a.GraphQL != design.Query && a.Method != "GET" && len(w.security) > 0 { // a key is of somebody
		params = append(params, ref("idempotencyKey"))
		refusals = append(refusals, "409", "422", "429")
	}
	if a.Row != nil && a.GraphQL != design.Query && a.Method != "GET" {
		params = w.conditional(params, "ifMatch")
		refusals = w.stale(refusals...)
	}
	if params != nil {
		op = append(op, gen.Property{Name: "parameters", Value: params})
	}
	if a.Input != nil && !asked {
		refusals = append(refusals, "415")
		op = append(op, gen.Property{Name: "requestBody", Value: gen.JSONBody(gen.SchemaRef(recordName(a.Input, false)))})
	}
	status := "200"
	var answer gen.Object
	switch out := a.Output; {
	case out.None():
		status, answer = "204", gen.Object{{Name: "description", Value: "Done."}}
	case out.Entity != nil && out.List:
		answer = gen.JSONResponse("The rows, those that the caller may list, with what the caller may read of them.", listOf(gen.SchemaRef(out.Entity.Name)))
	case out.Entity != nil:
		answer = gen.JSONResponse("The row, with what the caller may read of it; null when that is nothing.", gen.Object{
			{Name: "anyOf", Value: []any{gen.SchemaRef(out.Entity.Name), gen.Object{{Name: "type", Value: "null"}}}},
		})
	case out.List:
		answer = gen.JSONResponse("What was asked for.", listOf(gen.SchemaRef(recordName(out.Record, true))))
	default:
		answer = gen.JSONResponse("What was asked for.", gen.SchemaRef(recordName(out.Record, true)))
	}
	return append(op, w.answers(status, answer, refusals...))
}

// members describes the members of a record as parameters of a query string.
func (w *writer) members(r *design.Record) []any {
	out := []any{}
	for _, m := range r.Members {
		p := gen.Object{{Name: "name", Value: m.Key}, {Name: "in", Value: "query"}}
		if m.Required {
			p = append(p, gen.Property{Name: "required", Value: true})
		}
		one := *m.Field
		one.Required = true // a parameter is there, or it is not
		schema := property(w.design, &one, false)
		if m.List {
			schema = listOf(schema)
		} else if m.Type == design.Geo {
			p = append(p, gen.Property{Name: "style", Value: "deepObject"}, gen.Property{Name: "explode", Value: true})
		}
		out = append(out, append(p, gen.Property{Name: "schema", Value: schema}))
	}
	return out
}

func listOf(one gen.Object) gen.Object {
	return gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: one}}
}

// recordName names the schema of a record. What is sent is closed and what is
// answered is not, so that these are two.
func recordName(r *design.Record, answered bool) string {
	if answered {
		return r.Name
	}
	return strings.TrimSuffix(r.Name, "Input") + "Input"
}

// recordSchemas describes the records, as they are sent and as they are answered.
// What is not referred to is left out in the end.
func recordSchemas(d *design.Design) gen.Object {
	var out gen.Object
	for _, r := range d.Records() {
		for _, answered := range []bool{false, true} {
			name := recordName(r, answered)
			if !slices.ContainsFunc(out, func(p gen.Property) bool { return p.Name == name }) {
				out = append(out, gen.Property{Name: name, Value: recordSchema(d, r, answered)})
			}
		}
	}
	return out
}

func recordSchema(d *design.Design, r *design.Record, answered bool) gen.Object {
	out := gen.Object{{Name: "type", Value: "object"}}
	if r.Description != "" {
		out = append(out, gen.Property{Name: "description", Value: r.Description})
	}
	properties, required := gen.Object{}, []string{}
	for _, m := range r.Members {
		properties = append(properties, gen.Property{Name: m.Key, Value: memberSchema(d, m, answered)})
		if m.Required || answered {
			required = append(required, m.Key)
		}
	}
	out = append(out, gen.Property{Name: "properties", Value: properties})
	if len(required) > 0 {
		out = append(out, gen.Property{Name: "required", Value: required})
	}
	if !answered {
		out = append(out, gen.Property{Name: "additionalProperties", Value: false})
	}
	return out
}

func memberSchema(d *design.Design, m *design.Member, answered bool) gen.Object {
	one := *m.Field
	one.Required = m.Required || m.List
	var schema gen.Object
	switch {
	case m.Record == nil:
		schema = property(d, &one, answered)
	case one.Required:
		schema = gen.SchemaRef(recordName(m.Record, answered))
	default:
		schema = gen.Object{{Name: "anyOf", Value: []any{gen.SchemaRef(recordName(m.Record, answered)), gen.Object{{Name: "type", Value: "null"}}}}}
	}
	if !m.List {
		return schema
	}
	if m.Required {
		return listOf(schema)
	}
	return gen.Object{{Name: "type", Value: []string{"array", "null"}}, {Name: "items", Value: schema}}
}
