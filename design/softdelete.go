package design

import "fmt"

// deletedName is the name of the field that says when a row was deleted.
const deletedName = "deletedAt"

// softDelete reads "softDelete" of an entity, and adds the field.
func (l *loader) softDelete(e *Entity, n *node, path string) {
	if n == nil {
		return
	}
	path += ".softDelete"
	if on, ok := l.boolean(n, path); !ok || !on {
		return
	}
	if f := e.Field(deletedName); f != nil {
		l.errs.Add(f.Pos, path, fmt.Sprintf("field %s is the one that softDelete: true adds", quote(deletedName)),
			"remove it, or choose another name")
		return
	}
	e.SoftDelete = &Field{
		Name: deletedName, Key: deletedName, Column: snake(deletedName), GoName: goName(deletedName), GoKey: goName(deletedName),
		Pos: n.pos, Type: DateTime, ReadOnly: true, Added: true, Access: FieldAccess{View: []Rule{{Kind: Nobody}}},
	}
	e.Fields = append(e.Fields, e.SoftDelete)
}

// keepsRows refuses what cannot be kept with its deleted rows, or brought back with
// them. It is asked when it is known of all entities to which tenant their rows belong.
func (l *loader) keepsRows(e *Entity) {
	if e.SoftDelete == nil {
		return
	}
	at, path := e.SoftDelete.Pos, "entities."+e.Name+".softDelete"
	if l.logsIn(e.Name) {
		l.errs.Add(at, path, fmt.Sprintf("%s holds the accounts, which are deleted for good", e.Name),
			"their sessions, keys and passwords end with them; a field such as active: boolean, and a rule about it, closes one for a time")
	}
	for _, link := range e.Links {
		if link.Many && link.Name == "restore" {
			l.errs.Add(link.Pos, path, fmt.Sprintf("/{id}/restore brings a deleted %s back, and cannot be the route of a relation", e.Name), "choose another name than restore")
		}
	}
	for _, other := range l.d.Entities {
		for _, f := range other.Fields {
			if f.Relation != nil && f.Relation.Entity == e && f.Relation.OnDelete == Cascade && other.SoftDelete == nil &&
				(!l.logsIn(other.Name) || f != other.Tenant) { // accounts of a deleted tenant are closed, and stay
				l.errs.Add(f.Pos, "entities."+other.Name+".fields."+f.Name,
					fmt.Sprintf("rows of %s would be deleted for good with those of %s, which can come back", other.Name, e.Name),
					"write softDelete: true in "+other.Name+", or onDelete: restrict")
			}
		}
	}
}
