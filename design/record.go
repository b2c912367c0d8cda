package design

import (
	"fmt"
	"slices"
	"strings"
)

// members reads the values of a record.
func (l *loader) members(r *Record, n *node, path string) {
	if n == nil || n.kind == KindMapping && len(n.entries) == 0 {
		l.errs.Add(placeOf(n, r.Pos), path, fmt.Sprintf("type %s has no fields", quote(r.Name)), "write one, or leave it out")
		return
	}
	goNames := map[string]*Member{}
	for _, en := range l.named(n, path, "field", camelCase) {
		at := path + "." + en.key
		m := l.member(en, at)
		if m == nil {
			continue
		}
		if first := goNames[m.GoName]; first != nil {
			l.errs.Add(en.pos, at, fmt.Sprintf("fields %s and %s would have the same name in Go", quote(first.Name), quote(m.Name)), "rename one of them")
			continue
		}
		goNames[m.GoName] = m
		r.Members = append(r.Members, m)
	}
}

// member reads one value, in its short form or with properties.
func (l *loader) member(en entry, path string) *Member {
	m := &Member{Field: &Field{Name: en.key, Key: en.key, GoName: goName(en.key), GoKey: goName(en.key), Pos: en.pos}}
	n, t := en.value, en.value
	if n.kind == KindMapping {
		t = n.get("type")
	}
	if t != nil && t.kind == KindString && pascalCase.check(t.text) == "" {
		if !l.recordMember(m, t, n, path) {
			return nil
		}
		return m
	}
	if !l.fieldType(m.Field, en, path) {
		return nil
	}
	i := slices.IndexFunc(memberTypes(), func(t fieldType) bool { return t.name == m.Type })
	if i < 0 {
		l.errs.Add(t.pos, path+".type", fmt.Sprintf("a value outside of a row cannot be of type %s", m.Type), "to name a row write: {type: id}")
		return nil
	}
	m.MaxLength = defaultLength(m.Type)
	switch m.Type {
	case Decimal:
		m.Precision, m.Scale = defaultPrecision, defaultScale
	case ID:
		m.ID = UUID
	}
	if n.kind == KindMapping {
		l.properties(m.Field, l.memberProperties(m, n, memberTypes()[i].props, path), path)
	}
	return m
}

// recordMember reads a value that is a record itself.
func (l *loader) recordMember(m *Member, t, n *node, path string) bool {
	if m.Record = l.d.Type(t.text); m.Record == nil {
		if l.d.Entity(t.text) != nil {
			l.errs.Add(t.pos, path, fmt.Sprintf("%s is an entity: its rows are answered by themselves", t.text), "write: output: "+t.text+", or name the row: {type: id}")
			return false
		}
		l.unknownRecord(t.text, t, path)
		return false
	}
	if n.kind != KindMapping {
		return true
	}
	m.Description = l.description(n, path)
	rest := l.memberProperties(m, n, []string{"required", "list"}, path)
	if v := rest.get("required"); v != nil {
		keep(&m.Required)(l.boolean(v, path+".required"))
	}
	return true
}

// memberProperties reads "list", and reports what a value cannot have. It returns
// the properties that are left.
func (l *loader) memberProperties(m *Member, n *node, allowed []string, path string) *node {
	allowed = append([]string{"type", "description"}, allowed...)
	rest := *n
	rest.entries = nil
	l.duplicates(n, path, func(key string) string { return key })
	for _, e := range n.entries {
		at := join(path, e.key)
		switch {
		case e.key == "list":
			keep(&m.List)(l.boolean(e.value, at))
		case e.key == "required" && m.Type == ID: // which has it nowhere else
			keep(&m.Required)(l.boolean(e.value, at))
		case slices.Contains(allowed, e.key):
			rest.entries = append(rest.entries, e)
		default:
			near, hint := l.didYouMean(e.key, allowed), ""
			if near == "" {
				hint = "known keys: " + strings.Join(allowed, ", ")
			}
			what := string(m.Type)
			if m.Record != nil {
				what = m.Record.Name
			}
			l.errs.Add(e.pos, at, fmt.Sprintf("unknown key %s in a value of type %s%s", quote(e.key), what, near), hint)
		}
	}
	return &rest
}

// recordCycles reports types that would never end.
func (l *loader) recordCycles() {
	const (
		open = iota + 1
		done
	)
	state := map[*Record]int{}
	var visit func(r *Record, trail []string)
	visit = func(r *Record, trail []string) {
		state[r], trail = open, append(trail, r.Name)
		for _, m := range r.Members {
			switch {
			case m.Record == nil:
			case state[m.Record] == open:
				circle := append(slices.Clone(trail[slices.Index(trail, m.Record.Name):]), m.Record.Name)
				l.errs.Add(m.Pos, "types."+r.Name+".fields."+m.Name, "types are inside of each other: "+strings.Join(circle, " has "), "name the other by its id")
			case state[m.Record] != done:
				visit(m.Record, trail)
			}
		}
		state[r] = done
	}
	for _, r := range l.d.Types {
		if state[r] == 0 {
			visit(r, nil)
		}
	}
}

// recordPath returns the place of a record in the file.
func (d *Design) recordPath(r *Record) string {
	if d.Type(r.Name) == r {
		return "types." + r.Name
	}
	return "actions"
}

// recordNames reports records, and the enums in them, whose types collide with
// others, and actions whose field of a root another one has.
func (l *loader) recordNames(claim func(name, owner, what, path string, at Position) bool) {
	if len(l.d.Actions) > 0 {
		a := l.d.Actions[0]
		claim("Actions", "the functions of the actions", "the functions of the actions", "actions", a.Pos)
	}
	for _, r := range l.d.Records() {
		what := "type " + r.Name
		if l.d.recordPath(r) == "actions" {
			what = "what an action takes or answers, " + r.Name
		}
		if !claim(r.Name, what, what, l.d.recordPath(r), r.Pos) {
			continue
		}
		if !strings.HasSuffix(r.Name, "Input") {
			claim(r.Name+"Input", what, what, l.d.recordPath(r), r.Pos) // as GraphQL calls it where it is sent
		}
		for _, m := range r.Members {
			if len(m.Values) > 0 {
				enum := "enum " + r.Name + "." + m.Name
				claim(r.Name+m.GoName, enum, enum, l.d.recordPath(r), m.Pos)
			}
		}
	}
	taken := map[string]string{"me": "the account that is calling", "login": "logging in", "logout": "logging out"}
	for _, e := range l.d.Entities {
		for _, name := range []string{e.Name, e.Plural, e.Plural + "Count", "create" + e.Name, "update" + e.Name, "delete" + e.Name} {
			taken[strings.ToLower(name)] = "entity " + e.Name
		}
		if e.LogsIn {
			taken["me"+strings.ToLower(e.Name)] = "the " + e.Name + " that is calling"
		}
	}
	for _, a := range l.d.Actions {
		if other, ok := taken[strings.ToLower(a.Name)]; ok {
			l.errs.Add(a.Pos, "actions."+a.Name, fmt.Sprintf("action %s has the name of what belongs to %s", quote(a.Name), other), "rename it")
		}
	}
}
