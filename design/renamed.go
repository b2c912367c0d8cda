package design

import (
	"fmt"
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
	}
	for _, link := range e.Links {
		check(link.Name, link.RenamedFrom, link.Pos)
	}
}

func (l *loader) stillThere(at Position, path, former, owner string) {
	l.errs.Add(at, path, fmt.Sprintf("renamedFrom %s belongs to %s", quote(former), owner),
		"a hint that has done its work can go; names that change places do so in two steps, each a migration")
}
