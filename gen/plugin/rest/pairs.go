package rest

import (
	"slices"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// ties reports whether somebody may tie rows by a relation, of which a table keeps the
// pairs.
func (w *writer) ties(l *design.Link) bool {
	return l.Join != nil && w.open(w.entity.Allow.Update) && slices.Contains(gen.LinkVerbs(l, "update", w.open), "connect")
}

// keyName is the name of the schema of the body that says which rows are tied.
func keyName(l *design.Link) string { return "ids." + l.From.Name + "." + l.Name }

// connect describes how rows are tied to one.
func (w *writer) connect(l *design.Link) gen.Object {
	e := w.entity
	op := w.operation("connect"+l.GoName+"Of"+e.Name, "Connect one "+e.Name+" with "+l.To.Name+": one, or a list", e.Allow.Update)
	op = w.precondition(op)
	return append(op,
		gen.Property{Name: "requestBody", Value: gen.JSONBody(gen.SchemaRef(keyName(l)))},
		w.answers("200", w.tagged(gen.JSONResponse("The "+e.Name+" as it is now.", w.answer(e.Allow.Update))), w.stale("400", "404", "409", "415")...))
}

// disconnect describes the path by which two rows are untied.
func (w *writer) disconnect(l *design.Link) gen.Object {
	e := w.entity
	other := gen.Object{
		{Name: "name", Value: "other"},
		{Name: "in", Value: "path"},
		{Name: "required", Value: true},
		{Name: "description", Value: "The id of the " + l.To.Name + "."},
		{Name: "schema", Value: property(w.design, l.To.IDField(), false)},
	}
	op := w.operation("disconnect"+l.GoName+"Of"+e.Name, "Disconnect one "+e.Name+" from one "+l.To.Name, e.Allow.Update)
	op = w.precondition(op)
	op = append(op, w.answers("200", w.tagged(gen.JSONResponse("The "+e.Name+" as it is now.", w.answer(e.Allow.Update))), w.stale("400", "404", "409")...))
	return gen.Object{{Name: "parameters", Value: []any{w.idParameter(), other}}, {Name: "delete", Value: op}}
}

// pairs describes the bodies that say which rows are tied.
func (w *writer) pairs() gen.Object {
	var out gen.Object
	for _, l := range w.entity.Links {
		if w.ties(l) {
			bounds := []gen.Property{{Name: "minItems", Value: 1}, {Name: "maxItems", Value: 100}}
			out = append(out, gen.Property{Name: keyName(l), Value: orList(idOf(w.design, l), bounds...)})
		}
	}
	return out
}

// idOf is the schema of what names a row that a relation leads to.
func idOf(d *design.Design, l *design.Link) gen.Object {
	return gen.Object{
		{Name: "type", Value: "object"},
		{Name: "properties", Value: gen.Object{{Name: "id", Value: property(d, l.To.IDField(), false)}}},
		{Name: "required", Value: []string{"id"}},
		{Name: "additionalProperties", Value: false},
	}
}
