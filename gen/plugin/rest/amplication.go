package rest

import (
	"slices"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// amplication reports whether the API has the grammar of that name.
func amplication(d *design.Design) bool { return d.Service.Grammar == design.Amplication }

// plainPaths describes the operations of one entity in that grammar.
func (w *writer) plainPaths() gen.Object {
	e := w.entity
	collection, single := gen.Object{}, gen.Object{}
	if w.open(e.Allow.List) {
		collection = append(collection, gen.Property{Name: "get", Value: w.findPlain("list"+e.Plural, "Find "+e.Plural, e.Allow.List)})
	}
	if w.open(e.Allow.Create) {
		collection = append(collection, gen.Property{Name: "post", Value: w.createPlain()})
	}
	if w.open(e.Allow.View) {
		single = append(single, gen.Property{Name: "get", Value: w.getPlain()})
	}
	if w.open(e.Allow.Update) {
		single = append(single, gen.Property{Name: "patch", Value: w.change("patch", "Change some fields of", e.Name+"Patch")})
	}
	if w.open(e.Allow.Delete) {
		single = append(single, gen.Property{Name: "delete", Value: w.remove()})
	}
	path := "/api/" + e.Route
	var out gen.Object
	if len(collection) > 0 {
		out = append(out, gen.Property{Name: path, Value: collection})
	}
	if len(single) > 0 {
		parameters := gen.Property{Name: "parameters", Value: []any{w.idParameter()}}
		out = append(out, gen.Property{Name: path + "/{id}", Value: append(gen.Object{parameters}, single...)})
		if e.SoftDelete != nil && w.open(e.Allow.Delete) {
			out = append(out, gen.Property{Name: path + "/{id}/restore", Value: gen.Object{parameters, {Name: "post", Value: w.restore()}}})
		}
	}
	return append(append(out, w.files()...), w.plainRelations()...)
}

// findPlain describes a list.
func (w *writer) findPlain(id, summary string, rules []design.Rule, errors ...string) gen.Object {
	e := w.entity
	op := w.operation(id, summary, rules)
	op = append(op, gen.Property{Name: "parameters", Value: []any{
		parameter("where", "What the rows are like: where[field][equals]=value, where[relation][field][gt]=value.", gen.SchemaRef("where."+e.Name)),
		parameter("orderBy", "Their order: orderBy[field]=asc or desc; nulls are last.", w.orderPlain()),
		ref("skipRows"), ref("take"),
	}})
	answer := gen.JSONResponse("The "+e.Plural+".", listOf(gen.SchemaRef(e.Name)))
	next := gen.Object{
		{Name: "description", Value: `Where the next page is, <…>; rel="next"; not there behind a page that is not full.`},
		{Name: "schema", Value: gen.Object{{Name: "type", Value: "string"}}},
	}
	answer = slices.Insert(answer, 1, gen.Property{Name: "headers", Value: gen.Object{{Name: "Link", Value: next}}})
	return append(op, w.answers("200", answer, append([]string{"400"}, errors...)...))
}

func (w *writer) orderPlain() gen.Object {
	properties := gen.Object{}
	for _, f := range w.entity.Fields {
		if f.Sortable() && !hidden(f.Access.View) {
			properties = append(properties, gen.Property{Name: f.Key, Value: gen.Object{{Name: "type", Value: "string"}, {Name: "enum", Value: []string{"asc", "desc"}}}})
		}
	}
	return gen.Object{{Name: "type", Value: "object"}, {Name: "properties", Value: properties}, {Name: "additionalProperties", Value: false}}
}

func (w *writer) getPlain() gen.Object {
	e := w.entity
	op := w.operation("get"+e.Name, "Get one "+e.Name, e.Allow.View)
	if params := w.conditional(nil, "ifNoneMatch"); params != nil {
		op = append(op, gen.Property{Name: "parameters", Value: params})
	}
	answers := w.answers("200", w.tagged(gen.JSONResponse("The row, with what the caller may read of it.", gen.SchemaRef(e.Name))), "404")
	return append(op, w.unchanged(answers))
}

func (w *writer) createPlain() gen.Object {
	e := w.entity
	op := w.operation("create"+e.Name, "Create one "+e.Name, e.Allow.Create)
	refusals := []string{"400", "409", "415"}
	if len(w.security) > 0 { // a key is of somebody
		op = append(op, gen.Property{Name: "parameters", Value: []any{ref("idempotencyKey")}})
		refusals = append(refusals, "422", "429")
	}
	body := withExample(gen.JSONBody(gen.SchemaRef("Create"+e.Name)), w.example(writable(e, "create")))
	return append(op,
		gen.Property{Name: "requestBody", Value: body},
		w.answers("201", w.tagged(gen.JSONResponse("Created, with what the caller may read of it.", w.answer(e.Allow.Create))), refusals...))
}

// plainRelations describes the routes of rows that belong to one.
func (w *writer) plainRelations() gen.Object {
	var out gen.Object
	for _, l := range w.entity.Links {
		if !l.Many {
			continue
		}
		name := l.GoName + "Of" + w.entity.Name
		far := &writer{design: w.design, entity: l.To, security: w.security}
		item := gen.Object{{Name: "parameters", Value: []any{w.idParameter()}}}
		lists := slices.Contains(w.related(), l) && w.open(w.entity.Allow.View)
		if lists {
			item = append(item, gen.Property{Name: "get", Value: far.findPlain("list"+name, "Find the "+l.Name+" of one "+w.entity.Name, w.both(l.To.Allow.List), "404")})
		}
		verbs := gen.LinkVerbs(l, "update", w.open)
		connects, disconnects := slices.Contains(verbs, "connect"), slices.Contains(verbs, "disconnect")
		if !w.open(w.entity.Allow.Update) {
			connects, disconnects = false, false
		}
		if connects {
			item = append(item, gen.Property{Name: "post", Value: w.tie(l, "connect"+name, "Connect "+l.Name+" with one "+w.entity.Name, "201")})
		}
		if connects && disconnects && lists {
			item = append(item, gen.Property{Name: "patch", Value: w.tie(l, "set"+name, "Make these the "+l.Name+" of one "+w.entity.Name, "200")})
		}
		if disconnects {
			item = append(item, gen.Property{Name: "delete", Value: w.tie(l, "disconnect"+name, "Disconnect "+l.Name+" from one "+w.entity.Name, "200")})
		}
		if len(item) > 1 {
			out = append(out, gen.Property{Name: "/api/" + w.entity.Route + "/{id}/" + l.Name, Value: item})
		}
	}
	return out
}

// tie describes how rows are connected with one, set or disconnected.
func (w *writer) tie(l *design.Link, id, summary, status string) gen.Object {
	op := w.precondition(w.operation(id, summary, w.entity.Allow.Update))
	body := append(listOf(w.idOf(l.To)), gen.Property{Name: "maxItems", Value: 100})
	return append(op,
		gen.Property{Name: "requestBody", Value: gen.JSONBody(body)},
		w.answers(status, gen.Object{{Name: "description", Value: "Done."}}, w.stale("400", "404", "409", "415")...))
}

// idOf describes how a row is named.
func (w *writer) idOf(e *design.Entity) gen.Object {
	return gen.Object{
		{Name: "type", Value: "object"},
		{Name: "properties", Value: gen.Object{{Name: "id", Value: property(w.design, e.IDField(), false)}}},
		{Name: "required", Value: []string{"id"}},
		{Name: "additionalProperties", Value: false},
	}
}

// toOne returns the relation whose key a field is, in the grammar that has the row
// there in place of it; nil if there is none.
func (w *writer) toOne(f *design.Field) *design.Link {
	if !amplication(w.design) {
		return nil
	}
	for _, l := range w.entity.Links {
		if l.HasKey() && l.Field == f {
			return l
		}
	}
	return nil
}

// value describes a field of a row, under its name there.
func (w *writer) value(f *design.Field, read bool) gen.Property {
	l := w.toOne(f)
	if l == nil {
		return gen.Property{Name: f.Key, Value: property(w.design, f, read)}
	}
	schema := w.idOf(l.To)
	if !f.Required {
		schema = gen.Object{{Name: "anyOf", Value: []any{schema, gen.Object{{Name: "type", Value: "null"}}}}}
	}
	if f.Description != "" {
		schema = append(gen.Object{{Name: "description", Value: f.Description}}, schema...)
	}
	return gen.Property{Name: l.Name, Value: schema}
}

// tiesPlain describes how the body of an action ties rows to the one that it writes.
func (w *writer) tiesPlain(action string) gen.Object {
	var out gen.Object
	for _, l := range w.entity.Links {
		if l.HasKey() {
			continue // it is a field
		}
		verbs := gen.LinkVerbs(l, action, w.open)
		if !l.Many {
			if slices.Contains(verbs, "connect") {
				out = append(out, gen.Property{Name: l.Name, Value: w.idOf(l.To)})
			}
			continue
		}
		var members gen.Object
		for _, verb := range []string{"connect", "disconnect"} {
			if slices.Contains(verbs, verb) && (verb == "connect" || action == "update") {
				list := append(listOf(w.idOf(l.To)), gen.Property{Name: "maxItems", Value: 100})
				members = append(members, gen.Property{Name: verb, Value: list})
			}
		}
		if members != nil {
			out = append(out, gen.Property{Name: l.Name, Value: gen.Object{
				{Name: "type", Value: "object"}, {Name: "properties", Value: members}, {Name: "additionalProperties", Value: false},
			}})
		}
	}
	return out
}

// loginByName describes the log-in of that grammar, where there is one.
func loginByName(d *design.Design) gen.Object {
	if !amplication(d) || !d.Enabled("auth-jwt") || !d.Authentication() {
		return nil
	}
	text := gen.Object{{Name: "type", Value: "string"}}
	sent := gen.Object{
		{Name: "type", Value: "object"},
		{Name: "required", Value: []string{"username", "password"}},
		{Name: "properties", Value: gen.Object{{Name: "username", Value: text}, {Name: "password", Value: gen.Object{{Name: "type", Value: "string"}, {Name: "format", Value: "password"}}}}},
		{Name: "additionalProperties", Value: false},
	}
	id := text
	if slices.ContainsFunc(d.Entities, func(e *design.Entity) bool { return e.IDField().ID == design.Serial }) {
		id = gen.Object{{Name: "oneOf", Value: []any{text, gen.Object{{Name: "type", Value: "integer"}}}}} // oapi-codegen knows no lists of types
	}
	answered := gen.Object{
		{Name: "type", Value: "object"},
		{Name: "required", Value: []string{"accessToken", "id", "username", "roles"}},
		{Name: "properties", Value: gen.Object{
			{Name: "accessToken", Value: text},
			{Name: "refreshToken", Value: text},
			{Name: "id", Value: id},
			{Name: "username", Value: text},
			{Name: "roles", Value: listOf(text)},
		}},
	}
	return gen.Object{{Name: "/api/login", Value: gen.Object{{Name: "post", Value: gen.Object{
		{Name: "tags", Value: []string{"authentication"}},
		{Name: "summary", Value: "Log in by name and password"},
		{Name: "description", Value: "The log-in of /api/authentication in the words of Amplication."},
		{Name: "operationId", Value: "loginByName"},
		{Name: "security", Value: []any{}},
		{Name: "requestBody", Value: gen.JSONBody(sent)},
		{Name: "responses", Value: gen.Object{
			{Name: "201", Value: gen.JSONResponse("Logged in.", answered)},
			{Name: "400", Value: gen.ResponseRef("BadRequest")},
			{Name: "401", Value: gen.ResponseRef("NotAuthenticated")},
			{Name: "415", Value: gen.ResponseRef("UnsupportedMediaType")},
			{Name: "429", Value: gen.ResponseRef("TooManyRequests")},
			{Name: "503", Value: gen.ResponseRef("Unavailable")},
		}},
	}}}}}
}
