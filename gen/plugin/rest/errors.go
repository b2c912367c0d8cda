package rest

import (
	"net/http"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// errorSchemas describes the two forms of an error.
func errorSchemas() gen.Object {
	text := gen.Object{{Name: "type", Value: "string"}}
	whole := gen.Object{{Name: "type", Value: "integer"}}
	list := gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: gen.SchemaRef("error.Field")}}
	return gen.Object{
		{Name: "error.Field", Value: gen.Object{
			{Name: "type", Value: "object"},
			{Name: "description", Value: "One thing that is wrong."},
			{Name: "properties", Value: gen.Object{{Name: "field", Value: text}, {Name: "code", Value: text}, {Name: "message", Value: text}}},
			{Name: "required", Value: []string{"code", "message"}},
		}},
		{Name: "error.Feathers", Value: gen.Object{
			{Name: "type", Value: "object"},
			{Name: "properties", Value: gen.Object{
				{Name: "name", Value: text},
				{Name: "message", Value: text},
				{Name: "code", Value: whole},
				{Name: "className", Value: text},
				{Name: "data", Value: gen.Object{}},
				{Name: "errors", Value: list},
			}},
			{Name: "required", Value: []string{"name", "message", "code", "className"}},
		}},
		{Name: "error.Plain", Value: gen.Object{
			{Name: "type", Value: "object"},
			{Name: "properties", Value: gen.Object{
				{Name: "statusCode", Value: whole},
				{Name: "message", Value: gen.Object{{Name: "anyOf", Value: []any{text, listOf(text)}}}},
				{Name: "error", Value: text},
				{Name: "data", Value: gen.Object{}},
				{Name: "errors", Value: list},
				{Name: "requestId", Value: text},
			}},
			{Name: "required", Value: []string{"statusCode", "message", "error"}},
		}},
		{Name: "error.Problem", Value: gen.Object{
			{Name: "type", Value: "object"},
			{Name: "description", Value: "RFC 9457."},
			{Name: "properties", Value: gen.Object{
				{Name: "type", Value: text},
				{Name: "title", Value: text},
				{Name: "status", Value: whole},
				{Name: "detail", Value: text},
				{Name: "name", Value: text},
				{Name: "requestId", Value: text},
				{Name: "data", Value: gen.Object{}},
				{Name: "errors", Value: list},
			}},
			{Name: "required", Value: []string{"type", "title", "status", "detail"}},
		}},
	}
}

// responses describes the errors that operations answer.
func responses(d *design.Design) gen.Object {
	all := []struct {
		name, class, message, doc string
		status                    int
	}{
		{"BadRequest", "bad-request", "The query is not valid", "What was sent is wrong; errors lists everything that is.", 400},
		{"NotAuthenticated", "not-authenticated", "Not authenticated", "Nobody is known to be calling. WWW-Authenticate says how to change that.", 401},
		{"Forbidden", "forbidden", "Forbidden", "The caller may not do this.", 403},
		{"NotFound", "not-found", "Not found", "There is no such row, or none that the caller may see.", 404},
		{"Conflict", "conflict", "Conflict", "Another row is in the way: a value is taken, or the row is still pointed to.", 409},
		{"PreconditionFailed", "precondition-failed", "The row was changed in the meantime: get it again", "The row is not the version that was to be changed.", 412},
		{"PayloadTooLarge", "payload-too-large", "The file must have at most 5242880 bytes", "There is more in the body than is taken.", 413},
		{"UnsupportedMediaType", "unsupported-media-type", "Unsupported media type", "The body has to be application/json.", 415},
		{"Unprocessable", "unprocessable", "The Idempotency-Key was used with another body", "The key of the request is that of another one.", 422},
		{"TooManyRequests", "too-many-requests", "Too many requests", "Come back later; Retry-After says when.", 429},
		{"Unavailable", "unavailable", "Unavailable", "The service cannot answer now; Retry-After says when to try again.", 503},
	}
	var out gen.Object
	for _, r := range all {
		form, example := "error.Feathers", gen.Object{{Name: "name", Value: r.name}, {Name: "message", Value: r.message}, {Name: "code", Value: r.status}, {Name: "className", Value: r.class}}
		if amplication(d) {
			form, example = "error.Plain", gen.Object{{Name: "statusCode", Value: r.status}, {Name: "message", Value: r.message}, {Name: "error", Value: http.StatusText(r.status)}}
		}
		out = append(out, gen.Property{Name: r.name, Value: gen.Object{
			{Name: "description", Value: r.doc},
			{Name: "content", Value: gen.Object{
				{Name: "application/json", Value: gen.Object{{Name: "schema", Value: gen.SchemaRef(form)}, {Name: "example", Value: example}}},
				{Name: "application/problem+json", Value: gen.Object{{Name: "schema", Value: gen.SchemaRef("error.Problem")}}},
			}},
		}})
	}
	return out
}
