package design

import (
	"fmt"
	"slices"
	"strings"
)

func (l *loader) entity(en entry) {
	e := &Entity{Name: en.key, Pos: en.pos}
	path := "entities." + en.key
	l.d.Entities = append(l.d.Entities, e)
	n := en.value
	if n.isNull() {
		n = &node{kind: KindMapping, pos: en.pos}
	}
	if !l.object(n, path, "entity "+quote(en.key), entityKeys()) {
		return
	}
	e.Description = l.description(n, path)
	e.Accept = l.accept(n.get("accept"), path)
	l.entityNames(e, n, path)
	if v := n.get("renamedFrom"); v != nil {
		e.RenamedFrom = l.former(v, path+".renamedFrom")
	}
	for _, f := range l.named(n.get("fields"), path+".fields", "field", camelCase) {
		l.field(e, f, path+".fields."+f.key)
	}
	l.rowVersion(e, n.get("version"), path)
	l.softDelete(e, n.get("softDelete"), path)
	l.automaticFields(e, path)
	l.later(func() {
		l.owner(e, n.get("owner"), path+".owner")
		l.tenant(e, n.get(tenantWord), path+"."+tenantWord)
		l.uniqueKeys(e, n.get("unique"), path+".unique")
		l.indexes(e, n.get("indexes"), path+".indexes")
		l.access(e, n.get("allow"), path+".allow")
		l.fieldRules(e, n.get("fieldRules"), path+".fieldRules")
		l.defaultFieldRules(e)
	})
}

func (l *loader) entityNames(e *Entity, n *node, path string) {
	e.Plural = Plural(e.Name)
	if v := n.get("plural"); v != nil {
		if s, ok := l.text(v, path+".plural", maxName); ok && l.checkName("plural", s, pascalCase, v.pos, path+".plural") {
			e.Plural = s
		}
	}
	at := placeOf(n.get("plural"), e.Pos)
	if strings.EqualFold(e.Plural, e.Name) {
		l.errs.Add(at, path+".plural", fmt.Sprintf("the plural of %s has to differ from it", quote(e.Name)), "write one, such as plural: "+e.Name+"List")
	}
	e.Route, e.Table = kebab(e.Plural), snake(e.Plural)
	spelt := kebabCase
	if l.d.Service.Grammar == Amplication {
		e.Route, spelt = camel(e.Plural), routeCase
	}
	if v := n.get("route"); v != nil {
		if s, ok := l.text(v, path+".route", maxName); ok && l.checkName("route", s, spelt, v.pos, path+".route") {
			e.Route = s
		}
	}
	at = placeOf(n.get("route"), e.Pos)
	if slices.Contains(ReservedRoutes(), e.Route) {
		l.errs.Add(at, path+".route", fmt.Sprintf("route %s belongs to the service itself", quote(e.Route)), "write another, such as route: "+e.Route+"-list")
	}
	if v := n.get("table"); v != nil {
		if s, ok := l.text(v, path+".table", maxName); ok && l.checkName("table", s, snakeCase, v.pos, path+".table") {
			e.Table = s
		}
	}
	at = placeOf(n.get("table"), e.Pos)
	l.checkSQLName("table", e.Table, at, path+".table", "write another, such as table: app_"+clip(e.Table, 20))
}

// placeOf returns where n is written, or otherwise if it is not.
func placeOf(n *node, otherwise Position) Position {
	if n != nil {
		return n.pos
	}
	return otherwise
}

func clip(s string, n int) string { return s[:min(len(s), n)] }

// automaticFields adds id, createdAt and updatedAt unless the entity has fields
// of their types.
func (l *loader) automaticFields(e *Entity, path string) {
	has := func(t Type) bool { return slices.ContainsFunc(e.Fields, func(f *Field) bool { return f.Type == t }) }
	add := func(name string, t Type) *Field {
		return &Field{
			Name: name, Key: name, Column: snake(name), GoName: goName(name), GoKey: goName(name),
			Type: t, Required: true, ReadOnly: true, Added: true, Pos: Position{},
		}
	}
	if !has(ID) && e.Field("id") == nil {
		id := add("id", ID)
		id.ID, id.Unique = UUID, true
		e.Fields = slices.Insert(e.Fields, 0, id)
	}
	if !has(CreatedAt) && e.Field("createdAt") == nil {
		e.Fields = append(e.Fields, add("createdAt", CreatedAt))
	}
	if !has(UpdatedAt) && e.Field("updatedAt") == nil {
		e.Fields = append(e.Fields, add("updatedAt", UpdatedAt))
	}
	l.fieldCollisions(e, path)
	if len(e.Fields) > MaxFields {
		last := e.Fields[0]
		for _, f := range e.Fields {
			if !f.Added {
				last = f
			}
		}
		l.errs.Add(last.Pos, path+".fields", fmt.Sprintf("entity %s has %d fields, with those that every entity has, and %d are the most", e.Name, len(e.Fields), MaxFields),
			"put what belongs together into an entity of its own with a relation, or into a field of type json")
	}
}

// MaxFields is how many fields an entity has at most, id and timestamps among them: a
// generated service holds sets of them.
const MaxFields = 256

// fieldCollisions reports fields that differ in the file and not in JSON, Go or
// SQL.
func (l *loader) fieldCollisions(e *Entity, path string) {
	keys, goNames, columns := map[string]*Field{}, map[string]*Field{}, map[string]*Field{}
	for _, f := range e.Fields {
		key, goName, column := keys[strings.ToLower(f.Key)], goNames[f.GoKey], columns[f.Column]
		if goName == nil {
			goName = goNames[f.GoName]
		}
		switch {
		case key != nil:
			l.collision(key, f, path, fmt.Sprintf("would both be the key %s", quote(f.Key)), "rename one of them")
		case goName != nil:
			l.collision(goName, f, path, "would have the same name in Go", "rename one of them")
		case column != nil && f.Computed == nil:
			l.collision(column, f, path, fmt.Sprintf("would share the column %s", quote(f.Column)), "write another: column: "+clip(f.Column, 50)+"_2")
		default:
			keys[strings.ToLower(f.Key)], goNames[f.GoKey], goNames[f.GoName], columns[f.Column] = f, f, f, f
		}
	}
}

// collision reports two fields at the one that was written last.
func (l *loader) collision(first, second *Field, path, how, hint string) {
	at := second
	if second.Added {
		at = first
	}
	l.errs.Add(at.Pos, path+".fields."+at.Name, fmt.Sprintf("fields %s and %s %s", quote(first.Name), quote(second.Name), how), hint)
}

func (l *loader) owner(e *Entity, n *node, path string) {
	if n == nil {
		return
	}
	name, ok := l.text(n, path, maxName*2)
	if !ok {
		return
	}
	if near, far, through := strings.Cut(name, "."); through {
		l.ownerThrough(e, near, far, n.pos, path)
		return
	}
	auth := l.authEntityName()
	f := e.Field(name)
	var candidates []string
	for _, c := range e.Fields {
		if c.Type == ToOne || c.Type == ID && l.logsIn(e.Name) {
			candidates = append(candidates, c.Name)
		}
	}
	switch {
	case f == nil:
		l.errs.Add(n.pos, path, fmt.Sprintf("owner %s is not a field of %s%s", quote(name), e.Name, l.didYouMean(name, candidates)), "")
	case f.Type == ID:
		if auth != "" && !l.logsIn(e.Name) {
			l.errs.Add(n.pos, path, fmt.Sprintf("owner id is only for %s, whose rows are the accounts", l.whoLogsIn()), "name a field that is a relation to "+l.whoLogsIn())
			return
		}
		e.Owner = f
	case f.Type != ToOne:
		l.errs.Add(n.pos, path, fmt.Sprintf("owner %s is of type %s and has to be a relation", quote(name), f.Type), "")
	case f.Relation.Entity == nil: // reported where the relation is
	case auth != "" && !l.logsIn(f.Relation.To):
		l.errs.Add(n.pos, path, fmt.Sprintf("owner %s points to %s and has to point to %s, which holds the accounts", quote(name), f.Relation.To, l.whoLogsIn()), "")
	default:
		e.Owner = f
	}
}

// ownerThrough reads an owner that a row has through another row: order.buyer.
func (l *loader) ownerThrough(e *Entity, near, far string, at Position, path string) {
	auth := l.authEntityName()
	relation := e.Field(near)
	if relation == nil || relation.Relation == nil {
		var candidates []string
		for _, f := range e.Fields {
			if f.Relation != nil {
				candidates = append(candidates, f.Name)
			}
		}
		l.errs.Add(at, path, fmt.Sprintf("owner %s: %s is not a relation of %s%s", quote(near+"."+far), quote(near), e.Name, l.didYouMean(near, candidates)), "")
		return
	}
	other := relation.Relation.Entity
	if other == nil {
		return // reported where the relation is
	}
	f := other.Field(far)
	var candidates []string
	for _, c := range other.Fields {
		if c.Relation != nil && (auth == "" || l.logsIn(c.Relation.To)) {
			candidates = append(candidates, near+"."+c.Name)
		}
	}
	switch {
	case strings.Contains(far, "."):
		l.errs.Add(at, path, fmt.Sprintf("owner %s is more than one relation away", quote(near+"."+far)), "give "+other.Name+" an owner relation of its own, and name that")
	case l.logsIn(other.Name):
		l.errs.Add(at, path, fmt.Sprintf("owner %s: %s is the account itself", quote(near+"."+far), quote(near)), "write: owner: "+near)
	case f == nil:
		l.errs.Add(at, path, fmt.Sprintf("owner %s is not a field of %s%s", quote(near+"."+far), other.Name, l.didYouMean(near+"."+far, candidates)), "")
	case f.Relation == nil:
		l.errs.Add(at, path, fmt.Sprintf("owner %s is of type %s and has to be a relation", quote(near+"."+far), f.Type), "")
	case f.Relation.Entity == nil: // reported where the relation is
	case auth != "" && !l.logsIn(f.Relation.To):
		l.errs.Add(at, path, fmt.Sprintf("owner %s points to %s and has to point to %s, which holds the accounts", quote(near+"."+far), f.Relation.To, l.whoLogsIn()), "")
	default:
		e.OwnerThrough = &Through{Relation: relation, Field: f}
	}
}

// authEntityName returns the entity that auth-core names, whether the plugin is
// on or not, so that turning authentication off breaks no rule. "" means that
// no existing entity is named.
func (l *loader) authEntityName() string {
	p := l.d.Plugin(AuthCore)
	if p == nil {
		return ""
	}
	s := p.Setting("entity")
	if s == nil {
		return ""
	}
	if name, ok := s.Value.(string); ok && l.d.Entity(name) != nil {
		return name
	}
	return ""
}
