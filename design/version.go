package design

import "fmt"

// versionName is the name of the field that counts changes.
const versionName = "version"

// rowVersion reads "version" of an entity, and adds the field.
func (l *loader) rowVersion(e *Entity, n *node, path string) {
	if n == nil {
		return
	}
	if on, ok := l.boolean(n, path+".version"); !ok || !on {
		return
	}
	if f := e.Field(versionName); f != nil {
		l.errs.Add(f.Pos, path+".fields."+versionName, fmt.Sprintf("field %s is the one that version: true adds", quote(versionName)),
			"remove it, or choose another name")
		return
	}
	e.Version = &Field{
		Name: versionName, Key: versionName, Column: versionName, GoName: goName(versionName), GoKey: goName(versionName),
		Type: Int, Required: true, ReadOnly: true, Added: true, Min: "1", Default: int64(1),
	}
	e.Fields = append(e.Fields, e.Version)
}
