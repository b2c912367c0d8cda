package gen

import (
	"slices"

	"github.com/gatewright/gate/design"
)

// Renamed is an entity that has another name.
type Renamed struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Follow calls what is in a design of before as it is called now, where renamedFrom
// says that it is the same, so that the two can be compared. It changes was, which
// is good for that alone afterwards, and returns the entities that have another name,
// in the order of is.
func Follow(was, is *design.Design) []Renamed {
	var renamed []Renamed
	entities, fields, links := map[string]string{}, map[*design.Field]string{}, map[*design.Link]string{}
	pairs := samePairs(was, is)
	for _, p := range pairs {
		entities[p.was.Name] = p.is.Name
		if p.was.Name != p.is.Name {
			renamed = append(renamed, Renamed{p.was.Name, p.is.Name})
		}
		for _, f := range p.is.Fields {
			if before := formerField(p.was, f); before != nil {
				fields[before] = f.Name
			}
		}
		for _, l := range p.is.Links {
			before := formerLink(p.was, l)
			if before == nil {
				continue
			}
			links[before] = l.Name
			if before.Inverse != nil && l.Inverse != nil {
				links[before.Inverse] = l.Inverse.Name
			}
		}
	}
	for _, p := range pairs {
		p.was.Name, p.was.Plural = p.is.Name, p.is.Plural
	}
	for f, name := range fields {
		f.Name = name
	}
	for l, name := range links {
		l.Name = name
	}
	for _, r := range was.Roles {
		if name, ok := entities[r.Entity]; ok {
			r.Entity = name
		}
	}
	return renamed
}

// formerLink is what a relation was of which a table keeps the pairs.
func formerLink(e *design.Entity, l *design.Link) *design.Link {
	if l.Join == nil || l.Far() {
		return nil
	}
	i := slices.IndexFunc(e.Links, func(o *design.Link) bool { return o.Name == l.Name })
	if i < 0 && l.RenamedFrom != "" {
		i = slices.IndexFunc(e.Links, func(o *design.Link) bool {
			return o.Join != nil && (o.Name == l.RenamedFrom || o.Join.Table == l.RenamedFrom)
		})
	}
	if i < 0 {
		return nil
	}
	return e.Links[i]
}
