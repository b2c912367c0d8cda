package rest

import (
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// conditions describes the parameters by which rows are found.
func (w *writer) conditions() []any {
	var params []any
	search := false
	for _, f := range w.entity.Fields {
		if hidden(f.Access.View) || !f.Comparable() {
			continue
		}
		search = search || f.Searchable
		params = append(params, parameter(f.Key, filterDoc(f), gen.SchemaRef(filterName(w.design, f))))
	}
	params = append(params, w.filters()...)
	if !search {
		return params
	}
	return append([]any{gen.Object{
		{Name: "name", Value: "$search"},
		{Name: "in", Value: "query"},
		{Name: "description", Value: "Rows whose searchable fields have all of these words, the last one as the beginning of a word."},
		{Name: "schema", Value: gen.Object{{Name: "type", Value: "string"}, {Name: "minLength", Value: 2}}},
	}}, params...)
}

const manyDoc = " At most 100 that the caller may list, get and change, all of them or none; without a condition it is 400."

func (w *writer) patchMany() gen.Object {
	e := w.entity
	op := w.operation("patch"+e.Plural, "Change some fields of "+e.Plural+" that conditions choose", e.Allow.Update)
	return append(w.many(op),
		gen.Property{Name: "requestBody", Value: gen.JSONBody(gen.SchemaRef(e.Name + "Patch"))},
		w.answers("200", w.rows("The rows as they are now.", e.Allow.Update), w.stale("400", "409", "415")...))
}

func (w *writer) removeMany() gen.Object {
	e := w.entity
	op := w.operation("delete"+e.Plural, "Delete "+e.Plural+" that conditions choose", e.Allow.Delete)
	return append(w.many(op), w.answers("200", w.rows("The rows as they were.", e.Allow.Delete), "400", "409"))
}

// many adds what operations on many rows have in common.
func (w *writer) many(op gen.Object) gen.Object {
	for i := range op {
		if doc, ok := op[i].Value.(string); ok && op[i].Name == "description" {
			op[i].Value = doc + manyDoc
		}
	}
	params := append([]any{selection(w.readable())}, w.conditions()...)
	return append(op, gen.Property{Name: "parameters", Value: params})
}

// rows is an answer of the rows that somebody wrote.
func (w *writer) rows(doc string, rules []design.Rule) gen.Object {
	return gen.JSONResponse(doc, gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: w.answer(rules)}})
}
