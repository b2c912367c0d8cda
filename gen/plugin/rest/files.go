package rest

import (
	"fmt"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// files describes the paths of the files of rows.
func (w *writer) files() gen.Object {
	e := w.entity
	var out gen.Object
	for _, f := range e.FileFields() {
		item := gen.Object{{Name: "parameters", Value: []any{w.idParameter()}}}
		if w.open(e.Allow.View) && !hidden(f.Access.View) {
			item = append(item, gen.Property{Name: "get", Value: w.download(f)})
		}
		if w.open(e.Allow.Update) && !hidden(f.Access.Update) && !f.ReadOnly {
			item = append(item, gen.Property{Name: "put", Value: w.upload(f)}, gen.Property{Name: "delete", Value: w.removeFile(f)})
		}
		if len(item) > 1 {
			out = append(out, gen.Property{Name: "/api/" + e.Route + "/{id}/" + f.Segment, Value: item})
		}
	}
	return out
}

func (w *writer) download(f *design.Field) gen.Object {
	e := w.entity
	op := w.operation("get"+f.GoName+"Of"+e.Name, "Get the "+f.Name+" of one "+e.Name, e.Allow.View)
	op = append(op, gen.Property{Name: "parameters", Value: []any{
		header("Range", "The bytes that are wanted, such as bytes=0-1023."),
		header("If-None-Match", "The ETag of the file as the caller has it; 304 when it is still that."),
	}})
	text := gen.Object{{Name: "type", Value: "string"}}
	head := func(doc string) gen.Object {
		return gen.Object{{Name: "description", Value: doc}, {Name: "schema", Value: text}}
	}
	headers := gen.Object{
		{Name: "ETag", Value: head("The hash of the file, SHA-256.")},
		{Name: "Content-Disposition", Value: head("That the file is to be stored, and its name.")},
	}
	content := gen.Object{{Name: "*/*", Value: gen.Object{{Name: "schema", Value: bytesSchema()}}}}
	answers := w.answers("200", gen.Object{{Name: "description", Value: "The file."}, {Name: "headers", Value: headers}, {Name: "content", Value: content}}, "404")
	if list, ok := answers.Value.(gen.Object); ok {
		more := gen.Object{
			{Name: "206", Value: gen.Object{{Name: "description", Value: "The bytes that were asked for."}, {Name: "content", Value: content}}},
			{Name: "304", Value: gen.Object{{Name: "description", Value: "The file is as the caller has it."}}},
		}
		rest := append(gen.Object{}, list[1:]...)
		answers.Value = append(append(list[:1:1], more...), rest...)
	}
	return append(op, answers)
}

// bytesSchema is the schema of bytes: in OpenAPI 3.1 it need not be there, but the
// clients that are made of the document ask for it.
func bytesSchema() gen.Object {
	return gen.Object{{Name: "type", Value: "string"}, {Name: "format", Value: "binary"}}
}

func (w *writer) upload(f *design.Field) gen.Object {
	e := w.entity
	op := w.operation("put"+f.GoName+"Of"+e.Name, "Send the "+f.Name+" of one "+e.Name+", in place of the one before", e.Allow.Update)
	op = append(op, gen.Property{Name: "parameters", Value: []any{
		parameter("name", "What the file is called.", gen.Object{{Name: "type", Value: "string"}}),
		header("If-Match", "The ETag of the file that is to be replaced; any other is 412."),
	}})
	form := gen.Object{
		{Name: "type", Value: "object"},
		{Name: "properties", Value: gen.Object{{Name: "file", Value: bytesSchema()}}},
		{Name: "required", Value: []string{"file"}},
	}
	doc := fmt.Sprintf("At most %d bytes, as they are or as the one part of a form.", f.MaxSize)
	if len(f.FileTypes) > 0 {
		doc += " What it holds has to be of the type " + strings.Join(f.FileTypes, " or ") + "."
	}
	body := gen.Object{
		{Name: "required", Value: true},
		{Name: "description", Value: doc},
		{Name: "content", Value: gen.Object{
			{Name: "application/octet-stream", Value: gen.Object{{Name: "schema", Value: bytesSchema()}}},
			{Name: "multipart/form-data", Value: gen.Object{{Name: "schema", Value: form}}},
		}},
	}
	return append(op,
		gen.Property{Name: "requestBody", Value: body},
		w.answers("200", gen.JSONResponse("The row as it is now.", w.answer(e.Allow.Update)), "400", "404", "409", "412", "413", "415", "429"))
}

func (w *writer) removeFile(f *design.Field) gen.Object {
	e := w.entity
	op := w.operation("delete"+f.GoName+"Of"+e.Name, "Remove the "+f.Name+" of one "+e.Name, e.Allow.Update)
	op = append(op, gen.Property{Name: "parameters", Value: []any{header("If-Match", "The ETag of the file that is to be removed; any other is 412.")}})
	return append(op, w.answers("200", gen.JSONResponse("The row as it is now.", w.answer(e.Allow.Update)), "400", "404", "409", "412"))
}
