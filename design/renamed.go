package design

import (
	"fmt"
	"strconv"
	"strings"
)

// former reads the name that something had before.
func (l *loader) former(n *node, path string) string {
	s, ok := l.text(n, path, maxName)
	if !ok {
		return ""
	}
	if wrong := formerName.check(s); wrong != "" {
		l.errs.Add(n.pos, path, fmt.Sprintf("renamedFrom %s %s", quote(s), wrong), "write the name that it had in this file, or that of its table or column")
		return ""
	}
	return s
}

// formerValue reads the value of an enum that another one was before.
func (l *loader) formerValue(n *node, path string) string {
	s, ok := l.text(n, path, maxName)
	if !ok {
		return ""
	}
	if wrong := valueCase.check(s); wrong != "" {
		l.errs.Add(n.pos, path, fmt.Sprintf("renamedFrom %s %s", quote(s), wrong), "write the value that it was in this file")
		return ""
	}
	return s
}

// FormerTables lists the tables that the entity may have been kept in before it was
// renamed, in the order in which they are looked for; none unless it was.
func (e *Entity) FormerTables() []string {
	switch {
	case e.RenamedFrom == "":
		return nil
	case e.RenamedFrom[0] >= 'a':
		return []string{e.RenamedFrom}
	}
	return []string{snake(Plural(e.RenamedFrom))}
}

// FormerColumns lists the columns that the field may have had before it was renamed,
// in the order in which they are looked for; none unless it was.
func (f *Field) FormerColumns() []string {
	switch name := snake(f.RenamedFrom); {
	case f.RenamedFrom == "":
		return nil
	case f.Relation != nil:
		return []string{name + "_id", f.RenamedFrom}
	case name != f.RenamedFrom:
		return []string{name, f.RenamedFrom}
	default:
		return []string{name}
	}
}

// FormerTables lists the tables that the pairs of the link may have been kept in
// before it was renamed, or one of its entities, in the order in which they are
// looked for. It is empty for a link that no table keeps.
func (l *Link) FormerTables() []string {
	if l.Join == nil {
		return nil
	}
	var list []string
	if l.RenamedFrom != "" {
		list = append(list, l.RenamedFrom)
	}
	for _, entity := range []string{l.From.RenamedFrom, l.From.Name} {
		for _, field := range []string{l.RenamedFrom, l.Name} {
			if entity != "" && field != "" && (entity != l.From.Name || field != l.Name) {
				list = append(list, snake(entity)+"_"+snake(field))
			}
		}
	}
	return list
}

// renamed refuses hints that would take something from who has it.
func (l *loader) renamed() {
	entities := map[string]*Entity{}
	for _, e := range l.d.Entities {
		path := "entities." + e.Name
		if e.RenamedFrom != "" {
			first := entities[strings.ToLower(e.RenamedFrom)]
			for _, other := range l.d.Entities {
				if e.RenamedFrom == other.Name || e.RenamedFrom == other.Table {
					first = other
				}
			}
			if first != nil {
				l.stillThere(e.Pos, path+".renamedFrom", e.RenamedFrom, "the entity "+first.Name)
			}
			entities[strings.ToLower(e.RenamedFrom)] = e
		}
		l.renamedFields(e, path)
	}
	for _, r := range l.d.Records() {
		for _, m := range r.Members {
			l.notRenamed(m.Values, l.d.recordPath(r)+"."+r.Name+"."+m.Name)
		}
	}
}

func (l *loader) renamedFields(e *Entity, path string) {
	taken := map[string]string{}
	for _, f := range e.Fields {
		taken[f.Name], taken[f.Column] = f.Name, f.Name
	}
	for _, link := range e.Links {
		taken[link.Name] = link.Name
	}
	check := func(name, former string, at Position) {
		if former == "" {
			return
		}
		if other, ok := taken[former]; ok {
			l.stillThere(at, path+".fields."+name+".renamedFrom", former, "the field "+other)
		}
		taken[former] = name
	}
	for _, f := range e.Fields {
		check(f.Name, f.RenamedFrom, f.Pos)
		if f.Computed != nil {
			l.notRenamed(f.Values, path+".fields."+f.Name)
			continue
		}
		l.renamedValues(f.Values, path+".fields."+f.Name)
	}
	for _, link := range e.Links {
		check(link.Name, link.RenamedFrom, link.Pos)
	}
}

// renamedValues refuses hints that would take rows from a value that keeps them.
func (l *loader) renamedValues(values []Value, path string) {
	taken := map[string]string{}
	for _, v := range values {
		taken[v.Name] = v.Name
	}
	for i, v := range values {
		if v.RenamedFrom == "" {
			continue
		}
		if other, ok := taken[v.RenamedFrom]; ok {
			l.stillThere(v.Pos, path+".values["+strconv.Itoa(i)+"].renamedFrom", v.RenamedFrom, "the value "+other)
		}
		taken[v.RenamedFrom] = v.Name
	}
}

// notRenamed refuses hints about values that no row keeps.
func (l *loader) notRenamed(values []Value, path string) {
	for i, v := range values {
		if v.RenamedFrom != "" {
			l.errs.Add(v.Pos, path+".values["+strconv.Itoa(i)+"].renamedFrom", fmt.Sprintf("value %s has renamedFrom, and no row keeps it", quote(v.Name)), "remove it")
		}
	}
}

func (l *loader) stillThere(at Position, path, former, owner string) {
	l.errs.Add(at, path, fmt.Sprintf("renamedFrom %s belongs to %s", quote(former), owner),
		"a hint that has done its work can go; names that change places do so in two steps, each a migration")
}
