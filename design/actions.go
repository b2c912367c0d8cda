package design

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// An Action is something that a service does beside reading and writing rows. What
// it does is code of the user's; who may call it, what it takes and what it answers
// is here.
type Action struct {
	Name        string // camelCase
	GoName      string // Go name of Name
	Description string
	Method      string  // of HTTP
	Path        string  // below /api, with a slash in front: /actions/place-order
	Row         *Entity // on a row of which it is called, by {id} in Path; nil for none
	Allow       []Rule  // without conditions, and never of owners; none lets nobody in
	Input       *Record // nil when nothing is sent
	Output      Output
	GraphQL     Root
	Pos         Position
}

// Root is where the fields of a GraphQL schema begin.
type Root string

// The roots.
const (
	Mutation Root = "mutation"
	Query    Root = "query"
	NoRoot   Root = "none" // not in the schema
)

// Output is what an action answers: a record, a row, a list of either, or, when it
// is zero, nothing.
type Output struct {
	Record *Record
	Entity *Entity // then only what the caller may read of the rows
	List   bool
}

// None reports whether nothing is answered.
func (o Output) None() bool { return o.Record == nil && o.Entity == nil }

// A Record is a named group of values that is no row: what an action takes or
// answers.
type Record struct {
	Name        string // PascalCase
	Description string
	Members     []*Member
	Pos         Position
}

// A Member is a value of a [Record], or another record.
type Member struct {
	*Field         // its Type is empty when it is a record
	List   bool    // any number of them, of which none is null
	Record *Record // nil unless it is one
}

// Type returns the type of that name, nil if there is none.
func (d *Design) Type(name string) *Record {
	for _, r := range d.Types {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Records lists all records: those of the section types, then those that actions
// have for themselves.
func (d *Design) Records() []*Record {
	all := slices.Clone(d.Types)
	for _, a := range d.Actions {
		for _, r := range []*Record{a.Input, a.Output.Record} {
			if r != nil && !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
	}
	return all
}

const pathPattern = `^[a-z0-9]+(-[a-z0-9]+)*(/([a-z0-9]+(-[a-z0-9]+)*|\{id\}))*$`

// anyPathPattern takes words in camelCase, too, as routes have them with [Amplication].
const anyPathPattern = `^[a-z0-9][A-Za-z0-9]*(-[A-Za-z0-9]+)*(/([a-z0-9][A-Za-z0-9]*(-[A-Za-z0-9]+)*|\{id\}))*$`

var ( // compiled once, never changed
	pathWords    = regexp.MustCompile(pathPattern)
	anyPathWords = regexp.MustCompile(anyPathPattern)
)

func typeKeys() []key {
	return []key{
		{name: "description", doc: "What the values are together. Appears in the API documentation.", schema: textSchema()},
		{name: "fields", doc: "Values by name: a type, or a mapping with a type and its properties.", schema: namedMap("fieldName", "member")},
	}
}

func actionKeys() []key {
	typeName := object{"type": "string", "pattern": pascalPattern}
	return []key{
		{name: "description", doc: "What the action does. Appears in the API documentation.", schema: textSchema()},
		{name: "allow", doc: "Who may call it. Nobody unless it says so.", schema: ref("words")},
		{name: "row", doc: "Entity on a row of which it is called: one that the caller may get. Its id is in the path.", schema: typeName},
		{name: "method", doc: "Method of HTTP. GET and DELETE have no body: what is sent is in the query string. Default: POST.", schema: enumOf(methods()...)},
		{name: "path", doc: "Path below /api, with {id} for the row. Default: actions/NAME, or with a row ROUTE/{id}/NAME.", schema: object{"type": "string", "pattern": anyPathPattern}},
		{name: "graphql", doc: "Root of the GraphQL schema at which it stands, if the service has one: a mutation, which changes things and is one transaction, a query, or none. Default: query for GET, mutation for the others.", schema: enumOf(string(Mutation), string(Query), string(NoRoot))},
		{name: "input", doc: "What is sent: the name of a type, or fields.", schema: object{"oneOf": []object{typeName, namedMap("fieldName", "member")}}},
		{name: "output", doc: "What is answered: the name of a type or an entity, a list of one name for any number of them, or fields. Of rows only what the caller may read. Default: nothing.", schema: object{"oneOf": []object{
			typeName, {"type": "array", "items": typeName, "minItems": 1, "maxItems": 1}, namedMap("fieldName", "member"),
		}}},
	}
}

func methods() []string { return []string{"GET", "POST", "PUT", "PATCH", "DELETE"} }

// memberTypes lists the types that a value outside of a row can have, with the
// properties that mean something there.
func memberTypes() []fieldType {
	var out []fieldType
	for _, t := range fieldTypes() {
		switch t.name {
		case CreatedAt, UpdatedAt, Password, Roles, ToOne, File:
			continue
		}
		t.props = slices.DeleteFunc(slices.Clone(t.props), func(p string) bool {
			return slices.Contains([]string{"unique", "searchable", "caseInsensitive", "column", "default", "readOnly", "computed", "renamedFrom"}, p)
		})
		if t.name == ID {
			t.doc, t.props = "Identifier of a row.", append(t.props, "required")
		}
		t.props = append(t.props, "list")
		out = append(out, t)
	}
	return out
}

// memberSchema is fieldSchema for the values of a record.
func memberSchema() object {
	listKey := key{name: "list", doc: "Whether it is any number of values, none of them null. Default: false.", schema: boolSchema()}
	describing := key{name: "description", doc: "What the value is. Appears in the API documentation.", schema: textSchema()}
	required := key{name: "required", doc: "Whether there is always a value. Default: false.", schema: boolSchema()}
	var short, names []string
	var long []object
	for _, t := range memberTypes() {
		names = append(names, string(t.name))
		needs := []string{"type"}
		if t.name == Enum {
			needs = append(needs, "values")
		} else {
			short = append(short, string(t.name))
		}
		keys := []key{{name: "type", doc: t.doc, schema: object{"const": string(t.name)}}, describing}
		for _, p := range t.props {
			switch p {
			case "list":
				keys = append(keys, listKey)
			case "required":
				keys = append(keys, required)
			default:
				keys = append(keys, property(p, t.name))
			}
		}
		long = append(long, object{
			"if":   object{"properties": object{"type": object{"const": string(t.name)}}, "required": []string{"type"}},
			"then": mapping(t.doc, keys, needs...),
		})
	}
	record := object{"pattern": pascalPattern}
	long = append(long, object{
		"if":   object{"properties": object{"type": record}, "required": []string{"type"}},
		"then": mapping("One of the types.", []key{{name: "type", doc: "Name of the type.", schema: record}, describing, required, listKey}, "type"),
	})
	return object{
		"description": "A type, or a mapping with a type and its properties.",
		"oneOf": []object{
			{"type": "string", "anyOf": []object{{"enum": short}, record}},
			{
				"type":       "object",
				"properties": object{"type": object{"type": "string", "anyOf": []object{{"enum": names}, record}}},
				"required":   []string{"type"},
				"allOf":      long,
			},
		},
	}
}

func actionSchemas() object {
	return object{
		"type":       orNull(mapping("A named group of values that is no row.", typeKeys())),
		"action":     mapping("What the service does beside reading and writing rows.", actionKeys()),
		"actionName": nameSchema(camelPattern),
		"member":     memberSchema(),
	}
}

// actions reads the sections types and actions. Entities are known by then.
func (l *loader) actions(root *node) {
	types := l.named(root.get("types"), "types", "type", pascalCase)
	for _, en := range types { // all of them first: they name each other
		l.d.Types = append(l.d.Types, &Record{Name: en.key, Pos: en.pos})
	}
	for i, en := range types {
		path, r := "types."+en.key, l.d.Types[i]
		if en.value.isNull() || !l.object(en.value, path, "type "+quote(en.key), typeKeys()) {
			continue
		}
		r.Description = l.description(en.value, path)
		l.members(r, en.value.get("fields"), path+".fields")
	}
	l.recordCycles()
	for _, en := range l.named(root.get("actions"), "actions", "action", camelCase) {
		l.action(en)
	}
}

func (l *loader) action(en entry) {
	a := &Action{Name: en.key, GoName: goName(en.key), Method: "POST", GraphQL: Mutation, Pos: en.pos}
	l.d.Actions = append(l.d.Actions, a)
	path, n := "actions."+en.key, en.value
	if !l.object(n, path, "action "+quote(en.key), actionKeys()) {
		return
	}
	a.Description = l.description(n, path)
	if v := n.get("method"); v != nil {
		a.Method = l.oneOf(v, path+".method", "method", methods()...)
	}
	if v := n.get("row"); v != nil {
		a.Row = l.rowOf(v, path+".row")
	}
	if a.Method == "GET" {
		a.GraphQL = Query
	}
	if v := n.get("graphql"); v != nil {
		a.GraphQL = Root(l.oneOf(v, path+".graphql", "root", string(Mutation), string(Query), string(NoRoot)))
		if a.Method == "GET" && a.GraphQL == Mutation {
			l.errs.Add(v.pos, path+".graphql", "a mutation changes things, which GET must not", "write another method, or graphql: query")
		}
	}
	a.Path = l.actionPath(a, n.get("path"), path+".path")
	if v := n.get("input"); v != nil {
		a.Input = l.input(a, v, path+".input")
	}
	if v := n.get("output"); v != nil {
		a.Output = l.output(a, v, path+".output")
	}
	if v := n.get("allow"); v != nil {
		l.later(func() { a.Allow = l.callers(v, path+".allow") })
	}
}

func (l *loader) rowOf(n *node, path string) *Entity {
	name, ok := l.text(n, path, maxName)
	if !ok {
		return nil
	}
	e := l.d.Entity(name)
	if e == nil {
		l.errs.Add(n.pos, path, fmt.Sprintf("unknown entity %s%s", quote(name), l.didYouMean(name, l.entityNamed())), "")
	}
	return e
}

func (l *loader) entityNamed() []string {
	var names []string
	for _, e := range l.d.Entities {
		names = append(names, e.Name)
	}
	return names
}

// actionPath reads the path of an action, or makes it.
func (l *loader) actionPath(a *Action, n *node, path string) string {
	if n == nil {
		if a.Row != nil {
			return "/" + a.Row.Route + "/{id}/" + kebab(a.Name)
		}
		return "/actions/" + kebab(a.Name)
	}
	s, ok := l.text(n, path, maxDescription)
	words := pathWords
	if l.d.Service.Grammar == Amplication {
		words = anyPathWords
	}
	switch {
	case !ok:
	case !words.MatchString(s):
		l.errs.Add(n.pos, path, fmt.Sprintf("path %s is not made of words in kebab-case", quote(s)), "write it like orders/{id}/pay, without /api in front")
	case a.Row == nil && strings.Contains(s, "{id}"):
		l.errs.Add(n.pos, path, "there is no row whose id could be in the path", "add row: with the name of an entity")
	case a.Row != nil && strings.Count(s, "{id}") != 1:
		l.errs.Add(n.pos, path, "the path has to have {id} of the row in it, once", "write it like "+a.Row.Route+"/{id}/"+kebab(a.Name))
	default:
		return "/" + s
	}
	return ""
}

// actionPaths reports actions that would stand where something else does. It needs
// the relations.
func (l *loader) actionPaths() {
	routes := map[string]*Entity{}
	for _, e := range l.d.Entities {
		routes[e.Route] = e
	}
	taken := map[string]*Action{}
	for _, a := range l.d.Actions {
		path := "actions." + a.Name + ".path"
		words := strings.Split(strings.TrimPrefix(a.Path, "/"), "/")
		e := routes[words[0]]
		fold := a.Method + " " + a.Path
		switch {
		case a.Path == "":
		case slices.Contains(ReservedRoutes(), words[0]):
			l.errs.Add(a.Pos, path, fmt.Sprintf("path %s belongs to the service itself", quote(a.Path)), "begin it with another word")
		case taken[fold] != nil:
			l.errs.Add(a.Pos, path, fmt.Sprintf("actions %s and %s have the same path %s", taken[fold].Name, a.Name, quote(fold)), "write another: path:")
		case e != nil && (a.Row != e || len(words) < 3 || words[1] != "{id}" || words[2] == "restore"):
			l.errs.Add(a.Pos, path, fmt.Sprintf("path %s is one of the rows of %s", quote(a.Path), e.Name), "begin it with another word")
		case e != nil && slices.ContainsFunc(e.Links, func(k *Link) bool { return l.segment(k.Name) == words[2] }):
			l.errs.Add(a.Pos, path, fmt.Sprintf("path %s is the one of a relation of %s", quote(a.Path), e.Name), "write another: path: "+e.Route+"/{id}/"+words[2]+"-now")
		case e != nil && slices.ContainsFunc(e.FileFields(), func(f *Field) bool { return f.Segment == words[2] }):
			l.errs.Add(a.Pos, path, fmt.Sprintf("path %s is the one of a file of %s", quote(a.Path), e.Name), "write another: path: "+e.Route+"/{id}/"+words[2]+"-now")
		}
		taken[fold] = a
	}
}

// segment is what a relation or a file is called in paths.
func (l *loader) segment(name string) string {
	if l.d.Service.Grammar == Amplication {
		return name
	}
	return kebab(name)
}

// input reads what an action takes.
func (l *loader) input(a *Action, n *node, path string) *Record {
	if n.kind == KindMapping {
		r := &Record{Name: a.GoName + "Input", Pos: n.pos}
		l.members(r, n, path)
		l.flat(a, r, n, path)
		return r
	}
	name, ok := l.text(n, path, maxName)
	if !ok {
		return nil
	}
	r := l.d.Type(name)
	if r == nil {
		l.unknownRecord(name, n, path)
		return nil
	}
	l.flat(a, r, n, path)
	return r
}

// flat refuses records inside of what has to fit into a query string.
func (l *loader) flat(a *Action, r *Record, n *node, path string) {
	if a.Method != "GET" && a.Method != "DELETE" {
		return
	}
	for _, m := range r.Members {
		if m.Record != nil || m.Type == JSON || m.List && (m.Type == Geo || m.Type == MultiEnum) {
			l.errs.Add(n.pos, path, fmt.Sprintf("%s has no place in a query string, and %s has no body", quote(m.Name), a.Method), "write method: POST; with graphql: query it changes nothing all the same")
		}
	}
}

// output reads what an action answers.
func (l *loader) output(a *Action, n *node, path string) Output {
	switch n.kind {
	case KindMapping:
		r := &Record{Name: a.GoName + "Output", Pos: n.pos}
		l.members(r, n, path)
		return Output{Record: r}
	case KindList:
		if len(n.items) != 1 {
			l.errs.Add(n.pos, path, "a list of answers is written with one name in it", "write it like [Item]")
			return Output{}
		}
		out := l.named1(n.items[0], path)
		out.List = !out.None()
		return out
	}
	return l.named1(n, path)
}

// named1 reads the name of a type or an entity.
func (l *loader) named1(n *node, path string) Output {
	name, ok := l.text(n, path, maxName)
	if !ok {
		return Output{}
	}
	out := Output{Record: l.d.Type(name), Entity: l.d.Entity(name)}
	if out.None() {
		l.unknownRecord(name, n, path)
	}
	return out
}

func (l *loader) unknownRecord(name string, n *node, path string) {
	var names []string
	for _, r := range l.d.Types {
		names = append(names, r.Name)
	}
	if strings.HasSuffix(path, ".output") {
		names = append(names, l.entityNamed()...)
	}
	near, hint := l.didYouMean(name, names), ""
	if near == "" {
		hint = "declare it under types, or write its fields here"
	}
	l.errs.Add(n.pos, path, fmt.Sprintf("unknown type %s%s", quote(name), near), hint)
}

// callers reads who may call an action.
func (l *loader) callers(n *node, path string) []Rule {
	nobodys := &Entity{Name: "the action"} // rows have owners
	if n.kind == KindString && n.text == ruleOwner || slices.ContainsFunc(n.items, func(i *node) bool { return i.kind == KindString && i.text == ruleOwner }) {
		l.errs.Add(n.pos, path, "an action has no owner", "let in who may call it at all, such as signed-in, and refuse in your code")
		return nil
	}
	if n.kind == KindMapping {
		l.errs.Add(n.pos, path, "rules of an action have no conditions", "let in who may call it at all, and refuse in your code")
		return nil
	}
	return l.words(nobodys, n, path)
}
