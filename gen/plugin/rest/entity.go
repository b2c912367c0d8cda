package rest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// writer describes one entity.
type writer struct {
	design   *design.Design
	entity   *design.Entity
	security []gen.SecurityScheme
}

func (w *writer) tag() gen.Object {
	about := cmp.Or(w.entity.Description, "The "+w.entity.Plural+".")
	return gen.Object{{Name: "name", Value: w.entity.Route}, {Name: "description", Value: about}}
}

// paths describes the operations that somebody may use.
func (w *writer) paths() gen.Object {
	if amplication(w.design) {
		return w.plainPaths()
	}
	e := w.entity
	collection, single := gen.Object{}, gen.Object{}
	if w.open(e.Allow.List) {
		collection = append(collection, gen.Property{Name: "get", Value: w.list("list"+e.Plural, "Find "+e.Plural, e.Allow.List)})
	}
	if w.open(e.Allow.Create) {
		collection = append(collection, gen.Property{Name: "post", Value: w.create()})
	}
	if w.open(e.Allow.List) && w.open(e.Allow.Update) {
		collection = append(collection, gen.Property{Name: "patch", Value: w.patchMany()})
	}
	if w.open(e.Allow.List) && w.open(e.Allow.Delete) {
		collection = append(collection, gen.Property{Name: "delete", Value: w.removeMany()})
	}
	if w.open(e.Allow.View) {
		single = append(single, gen.Property{Name: "get", Value: w.get()})
	}
	if w.open(e.Allow.Update) {
		single = append(single,
			gen.Property{Name: "put", Value: w.change("replace", "Replace", "Update"+e.Name)},
			gen.Property{Name: "patch", Value: w.change("patch", "Change some fields of", e.Name+"Patch")})
	}
	if w.open(e.Allow.Delete) {
		single = append(single, gen.Property{Name: "delete", Value: w.remove()})
	}
	var out gen.Object
	if len(collection) > 0 {
		out = append(out, gen.Property{Name: "/api/" + e.Route, Value: collection})
	}
	if len(single) > 0 {
		parameters := gen.Property{Name: "parameters", Value: []any{w.idParameter()}}
		single = append(gen.Object{parameters}, single...)
		out = append(out, gen.Property{Name: "/api/" + e.Route + "/{id}", Value: single})
		if e.SoftDelete != nil && w.open(e.Allow.Delete) {
			out = append(out, gen.Property{Name: "/api/" + e.Route + "/{id}/restore", Value: gen.Object{parameters, {Name: "post", Value: w.restore()}}})
		}
	}
	return append(append(out, w.files()...), w.belonging()...)
}

// idParameter describes the id in a path.
func (w *writer) idParameter() gen.Object {
	return gen.Object{
		{Name: "name", Value: "id"},
		{Name: "in", Value: "path"},
		{Name: "required", Value: true},
		{Name: "schema", Value: property(w.design, w.entity.IDField(), false)},
	}
}

// open reports whether anybody at all may do what the rules are about.
func (w *writer) open(rules []design.Rule) bool {
	for _, r := range rules {
		if r.Kind == design.Public || r.Kind != design.Nobody && len(w.security) > 0 {
			return true
		}
	}
	return false
}

// operation starts the description of an operation.
func (w *writer) operation(id, summary string, rules []design.Rule) gen.Object {
	op := gen.Object{
		{Name: "tags", Value: []string{w.entity.Route}},
		{Name: "summary", Value: summary},
		{Name: "operationId", Value: id},
	}
	words := make([]string, len(rules))
	anybody := false
	for i, r := range rules {
		words[i] = r.Words()
		anybody = anybody || r.Kind == design.Public
	}
	op = append(op, gen.Property{Name: "description", Value: "For: " + strings.Join(words, ", ") + "."})
	if len(w.security) == 0 {
		return op
	}
	need := requirements(w.security)
	if anybody {
		need = []any{} // a token may come along, and may show more
	}
	return append(op, gen.Property{Name: "security", Value: need})
}

// answers lists what an operation answers: the good answer, and those errors that
// it can give.
func (w *writer) answers(status string, good any, errors ...string) gen.Property {
	out := gen.Object{{Name: status, Value: good}}
	add := func(status, name string) {
		out = append(out, gen.Property{Name: status, Value: gen.ResponseRef(name)})
	}
	codes := map[string]string{"400": "BadRequest", "404": "NotFound", "409": "Conflict", "412": "PreconditionFailed", "413": "PayloadTooLarge", "415": "UnsupportedMediaType", "422": "Unprocessable", "429": "TooManyRequests"}
	if len(errors) > 0 && errors[0] == "400" {
		add("400", codes["400"])
		errors = errors[1:]
	}
	if len(w.security) > 0 {
		add("401", "NotAuthenticated")
		add("403", "Forbidden")
	}
	for _, status := range errors {
		add(status, codes[status])
	}
	add("503", "Unavailable")
	return gen.Property{Name: "responses", Value: out}
}

func (w *writer) list(id, summary string, rules []design.Rule, errors ...string) gen.Object {
	e := w.entity
	op := w.operation(id, summary, rules)
	params := []any{ref("limit"), ref("skip"), ref("total"), ref("after"), ref("before")}
	var sortable gen.Object
	var readable []string
	for _, f := range e.Fields {
		if hidden(f.Access.View) || f.Type == design.Password {
			continue
		}
		readable = append(readable, f.Key)
		if f.Sortable() {
			sortable = append(sortable, gen.Property{Name: f.Key, Value: gen.Object{{Name: "type", Value: "integer"}, {Name: "enum", Value: []int{1, -1}}}})
		}
	}
	params = append(params,
		parameter("$sort", "Order: 1 ascending, -1 descending; nulls are last.", gen.Object{
			{Name: "type", Value: "object"}, {Name: "properties", Value: sortable}, {Name: "additionalProperties", Value: false},
		}),
		selection(readable))
	params = append(params, w.inclusion()...)
	params = append(params, w.conditions()...)
	op = append(op, gen.Property{Name: "parameters", Value: params})
	return append(op, w.answers("200", gen.JSONResponse("A page of "+e.Plural+".", gen.SchemaRef(e.Name+"Page")), append([]string{"400"}, errors...)...))
}

func filterDoc(f *design.Field) string {
	switch f.Type {
	case design.MultiEnum:
		return "Rows whose " + f.Key + " have a value: " + f.Key + "[$contains]=" + f.Values[0].Name + "; or that have none: " + f.Key + "[$null]=true."
	case design.JSON, design.Roles, design.Geo, design.File:
		return "Rows whose " + f.Key + " is, or is not, null: " + f.Key + "[$null]=true."
	}
	return "Rows with this " + f.Key + ", or with an operator, such as " + f.Key + "[$ne]."
}

func (w *writer) create() gen.Object {
	e := w.entity
	summary := "Create one " + e.Name
	sent, row := gen.SchemaRef("Create"+e.Name), w.answer(e.Allow.Create)
	if !hasPassword(e) { // many passwords in one request are refused: each is work
		summary += ", or all of a list or none"
		sent, row = gen.SchemaRef("body."+e.Name), gen.SchemaRef("created."+e.Name)
	}
	op := w.operation("create"+e.Name, summary, e.Allow.Create)
	body := gen.JSONBody(sent)
	body = withExample(body, w.example(writable(e, "create")))
	refusals := []string{"400", "409", "415"}
	if len(w.security) > 0 { // a key is of somebody
		op = append(op, gen.Property{Name: "parameters", Value: []any{ref("idempotencyKey")}})
		refusals = append(refusals, "422", "429")
	}
	return append(op,
		gen.Property{Name: "requestBody", Value: body},
		w.answers("201", w.tagged(gen.JSONResponse("Created, with what the caller may read of it.", row)), refusals...))
}

// createOne describes how a row is made by way of the one that it belongs to.
func (w *writer) createOne(id, summary string, rules []design.Rule) gen.Object {
	op := w.operation(id, summary, rules)
	return append(op,
		gen.Property{Name: "requestBody", Value: gen.JSONBody(gen.SchemaRef("Create" + w.entity.Name))},
		w.answers("201", w.tagged(gen.JSONResponse("Created, with what the caller may read of it.", w.answer(w.entity.Allow.Create))), "400", "404", "409", "415"))
}

// answer is the schema of a row that somebody wrote: the row if everybody who may
// write it may view it as well, else what they may read of it.
func (w *writer) answer(rules []design.Rule) gen.Object {
	e := w.entity
	given := e.Owner != nil && e.Owner.Access.Update != nil // a row to another owner, who views it then
	views := func(write design.Rule) bool {
		return slices.ContainsFunc(e.Allow.View, func(v design.Rule) bool {
			same := v.String() == write.String() && (v.Kind != design.RowOwner || !given)
			return v.Kind == design.Public || v.Kind == design.SignedIn && write.Kind != design.Public || same
		})
	}
	if slices.ContainsFunc(rules, func(r design.Rule) bool { return r.Kind != design.Nobody && !views(r) }) {
		return gen.SchemaRef("part." + w.entity.Name)
	}
	return gen.SchemaRef(w.entity.Name)
}

func hasPassword(e *design.Entity) bool {
	return slices.ContainsFunc(e.Fields, func(f *design.Field) bool { return f.Type == design.Password })
}

// orList is the schema of one, or of a list of them.
func orList(one gen.Object, bounds ...gen.Property) gen.Object {
	list := append(gen.Object{{Name: "type", Value: "array"}}, bounds...)
	list = append(list, gen.Property{Name: "items", Value: one})
	return gen.Object{{Name: "anyOf", Value: []any{one, list}}}
}

func (w *writer) get() gen.Object {
	e := w.entity
	op := w.operation("get"+e.Name, "Get one "+e.Name, e.Allow.View)
	params := append([]any{selection(w.readable())}, w.inclusion()...)
	op = append(op, gen.Property{Name: "parameters", Value: w.conditional(params, "ifNoneMatch")})
	answers := w.answers("200", w.tagged(gen.JSONResponse("The row, with what the caller may read of it.", gen.SchemaRef(e.Name))), "404")
	return append(op, w.unchanged(answers))
}

func (w *writer) change(verb, summary, schema string) gen.Object {
	e := w.entity
	op := w.operation(verb+e.Name, summary+" one "+e.Name, e.Allow.Update)
	op = w.precondition(op)
	return append(op,
		gen.Property{Name: "requestBody", Value: gen.JSONBody(gen.SchemaRef(schema))},
		w.answers("200", w.tagged(gen.JSONResponse("The row as it is now.", w.answer(e.Allow.Update))), w.stale("400", "404", "409", "415")...))
}

func (w *writer) remove() gen.Object {
	e := w.entity
	op := w.operation("delete"+e.Name, "Delete one "+e.Name, e.Allow.Delete)
	op = w.precondition(op)
	return append(op, w.answers("200", gen.JSONResponse("The row as it was.", w.answer(e.Allow.Delete)), w.stale("404", "409")...))
}

func (w *writer) restore() gen.Object {
	e := w.entity
	op := w.operation("restore"+e.Name, "Bring one deleted "+e.Name+" back", e.Allow.Delete)
	op = w.precondition(op)
	return append(op, w.answers("200", w.tagged(gen.JSONResponse("The row as it is now.", w.answer(e.Allow.Delete))), w.stale("404", "409")...))
}

func (w *writer) readable() []string {
	var names []string
	for _, f := range w.entity.Fields {
		if !hidden(f.Access.View) && f.Type != design.Password {
			names = append(names, f.Key)
		}
	}
	return names
}

// schemas describes the rows and what may be written to them.
func (w *writer) schemas() gen.Object {
	e := w.entity
	row := gen.Object{{Name: "type", Value: "object"}}
	if e.Description != "" {
		row = append(row, gen.Property{Name: "description", Value: e.Description})
	}
	var required []string
	properties := gen.Object{}
	for _, f := range e.Fields {
		if hidden(f.Access.View) || f.Type == design.Password {
			continue
		}
		member := w.value(f, true)
		properties = append(properties, member)
		if f.Access.View == nil {
			required = append(required, member.Name)
		}
	}
	if !amplication(w.design) {
		properties = append(properties, w.relations()...)
	}
	row = append(row, gen.Property{Name: "properties", Value: properties}, gen.Property{Name: "required", Value: required})
	part := gen.Object{
		{Name: "type", Value: "object"},
		{Name: "description", Value: "What the caller may read of a row of " + e.Plural + " that they may write and not view."},
		{Name: "properties", Value: properties},
	}
	out := gen.Object{{Name: e.Name, Value: row}, {Name: "part." + e.Name, Value: part}}
	if w.open(e.Allow.List) {
		out = append(out, gen.Property{Name: e.Name + "Page", Value: page(e)})
	}
	if w.open(e.Allow.Create) {
		out = append(out, gen.Property{Name: "Create" + e.Name, Value: w.input("create", true)})
		// These have names, as generators of clients lose what has none, and dots in
		// them, as no entity has.
		sent := orList(gen.SchemaRef("Create"+e.Name), gen.Property{Name: "minItems", Value: 1}, gen.Property{Name: "maxItems", Value: 100})
		out = append(out, gen.Property{Name: "body." + e.Name, Value: sent}, gen.Property{Name: "created." + e.Name, Value: orList(w.answer(e.Allow.Create))})
	}
	if w.open(e.Allow.Update) {
		out = append(out,
			gen.Property{Name: "Update" + e.Name, Value: w.input("update", true, w.versionInput()...)},
			gen.Property{Name: e.Name + "Patch", Value: w.input("update", false, w.versionInput()...)})
	}
	return append(append(append(out, w.links()...), w.pairs()...), w.wherePlain())
}

// page is what a list answers.
func page(e *design.Entity) gen.Object {
	cursor := func(where string) gen.Object {
		return gen.Object{
			{Name: "type", Value: []string{"string", "null"}},
			{Name: "description", Value: "The cursor of the page " + where + " this one, null where there is none. Only with $after or $before."},
		}
	}
	return gen.Object{
		{Name: "type", Value: "object"},
		{Name: "properties", Value: gen.Object{
			{Name: "total", Value: gen.Object{
				{Name: "type", Value: "integer"},
				{Name: "description", Value: "How many rows there are, on all pages; -1 with $total=false, and only then."},
			}},
			{Name: "limit", Value: gen.Object{{Name: "type", Value: "integer"}}},
			{Name: "skip", Value: gen.Object{{Name: "type", Value: "integer"}}},
			{Name: "data", Value: gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: gen.SchemaRef(e.Name)}}},
			{Name: "nextCursor", Value: cursor("behind")},
			{Name: "prevCursor", Value: cursor("before")},
		}},
		{Name: "required", Value: []string{"total", "limit", "skip", "data"}},
	}
}

// input describes a body. Fields that not everybody may write are never required.
func (w *writer) input(action string, whole bool, more ...gen.Property) gen.Object {
	properties := gen.Object{}
	required := []string{}
	for _, f := range writable(w.entity, action) {
		member := w.value(f, false)
		properties = append(properties, member)
		elsewhere := member.Name == f.Key && gen.KeyElsewhere(w.entity, f, w.open)
		if whole && f.Required && f.Default == nil && f.Access.Rules(action) == nil && f != w.entity.Tenant && !elsewhere {
			required = append(required, member.Name)
		}
	}
	if amplication(w.design) {
		properties = append(properties, w.tiesPlain(action)...)
	} else {
		properties = append(properties, w.linked(action)...)
	}
	properties = append(properties, more...)
	out := gen.Object{{Name: "type", Value: "object"}, {Name: "properties", Value: properties}}
	if len(required) > 0 {
		out = append(out, gen.Property{Name: "required", Value: required})
	}
	return append(out, gen.Property{Name: "additionalProperties", Value: false})
}

// writable lists the fields that callers may send. Whose row it is says the
// service, unless a rule of its own opens the field, and to which tenant it belongs
// only who stands above them.
func writable(e *design.Entity, action string) []*design.Field {
	var out []*design.Field
	for _, f := range e.Fields {
		rules := f.Access.Rules(action)
		if !f.ReadOnly && f.Type != design.File && !hidden(rules) && (f != e.Owner || rules != nil) && (f != e.Tenant || e.NamesTenant(action)) {
			out = append(out, f)
		}
	}
	return out
}

// hidden reports whether the rules of a field let nobody in.
func hidden(rules []design.Rule) bool {
	for _, r := range rules {
		if r.Kind != design.Nobody {
			return false
		}
	}
	return rules != nil
}
