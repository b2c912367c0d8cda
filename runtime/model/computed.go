package model

import (
	"fmt"
	"slices"
)

// checkComputed finds what computed fields are made of: fields that rows keep and
// that somebody may read.
func (e *Entity) checkComputed() error {
	for i := range e.Fields {
		f := &e.Fields[i]
		if f.Computed == nil {
			continue
		}
		kept := []Type{ID, Relation, Password, Roles, Username, CreatedAt, UpdatedAt}
		if len(f.Computed) == 0 || f.Column != "" || f.Unique || f.Searchable || f.Default != nil || slices.Contains(kept, f.Type) {
			return fmt.Errorf("field %q: a computed field is made of others, and is no %s, unique, searchable or kept in a column", f.Name, f.Type)
		}
		var needs FieldSet
		for _, name := range f.Computed {
			from, ok := e.names[name]
			if !ok || e.Fields[from].Computed != nil || e.Fields[from].Secret() {
				return fmt.Errorf("field %q: it is made of %q, which is no field that a row keeps and shows", f.Name, name)
			}
			needs.Add(from)
		}
		e.computed.Add(FieldID(i))
		e.needs[FieldID(i)] = needs
	}
	return nil
}
