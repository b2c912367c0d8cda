package rest

import (
	"slices"

	"github.com/gatewright/gate/gen"
)

// header describes a header of a request.
func header(name, doc string) gen.Object {
	return gen.Object{
		{Name: "name", Value: name},
		{Name: "in", Value: "header"},
		{Name: "description", Value: doc},
		{Name: "schema", Value: gen.Object{{Name: "type", Value: "string"}}},
	}
}

// tagged adds the header that says which version of the row an answer has.
func (w *writer) tagged(answer gen.Object) gen.Object {
	if w.entity.Version == nil {
		return answer
	}
	tag := gen.Object{
		{Name: "description", Value: "The version of the row, and which of its fields these are."},
		{Name: "schema", Value: gen.Object{{Name: "type", Value: "string"}, {Name: "examples", Value: []string{`"v7"`}}}},
	}
	return slices.Insert(answer, 1, gen.Property{Name: "headers", Value: gen.Object{{Name: "ETag", Value: tag}}})
}

// conditional adds the header by which a request says which version it is about.
func (w *writer) conditional(params []any, name string) []any {
	if w.entity.Version == nil {
		return params
	}
	return append(params, ref(name))
}

// precondition adds If-Match to an operation without other parameters.
func (w *writer) precondition(op gen.Object) gen.Object {
	if params := w.conditional(nil, "ifMatch"); params != nil {
		op = append(op, gen.Property{Name: "parameters", Value: params})
	}
	return op
}

// unchanged adds the answer to who has the row already.
func (w *writer) unchanged(answers gen.Property) gen.Property {
	list, ok := answers.Value.(gen.Object)
	if w.entity.Version == nil || !ok {
		return answers
	}
	same := gen.Property{Name: "304", Value: gen.Object{{Name: "description", Value: "The row is as the caller has it."}}}
	return gen.Property{Name: answers.Name, Value: slices.Insert(list, 1, same)}
}

// stale adds the status of a change that came too late to others.
func (w *writer) stale(statuses ...string) []string {
	if w.entity.Version == nil {
		return statuses
	}
	statuses = append(statuses, "412")
	slices.Sort(statuses)
	return statuses
}

// versionInput is the member of a body that says which version is to be changed.
func (w *writer) versionInput() []gen.Property {
	v := w.entity.Version
	if v == nil {
		return nil
	}
	return []gen.Property{{Name: v.Key, Value: gen.Object{
		{Name: "type", Value: "integer"},
		{Name: "format", Value: "int64"},
		{Name: "description", Value: "The version that is to be changed; any other is 412. Without it whichever there is."},
	}}}
}
