package service

import (
	"github.com/gatewright/gate/gen"
)

// Relations returns the ends of relations that rows of the entity have.
func (e *entity) Relations() [][]gen.Member {
	var out [][]gen.Member
	for _, l := range e.Links {
		m := members{}
		m.text("Name", l.Name)
		m.text("To", l.To.Name)
		m.flag("Many", l.Many)
		switch {
		case l.Join != nil:
			join := members{}
			join.text("Table", l.Join.Table)
			join.text("Near", l.Join.Near)
			join.text("Far", l.Join.Far)
			if l.Far() {
				join.text("Inverse", l.Inverse.Name)
			}
			m.add("Through", gen.Struct(gen.Name(modelPackage, "Join"), join...))
		case l.HasKey():
			m.text("Key", l.Field.Key)
		default:
			m.text("Inverse", l.Field.Key)
		}
		out = append(out, m)
	}
	return out
}
