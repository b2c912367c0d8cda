package gen

import (
	"bytes"
	"encoding/json"
)

// An Object is a JSON object that keeps its order.
type Object []Property

// A Property is one entry of an [Object].
type Property struct {
	Name  string
	Value any
}

// MarshalJSON returns the entries in their order.
func (o Object) MarshalJSON() ([]byte, error) { return appendJSON(nil, o) }

// appendJSON appends v. Objects and lists are walked here, so that what is inside
// is not encoded once more at each level.
func appendJSON(dst []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case Object:
		dst = append(dst, '{')
		for i, p := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendJSON(dst, p.Name); err != nil {
				return nil, err
			}
			if dst, err = appendJSON(append(dst, ':'), p.Value); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendJSON(dst, e); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	}
	b := bytes.NewBuffer(dst)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	err = e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// SchemaRef refers to a schema of the OpenAPI document.
func SchemaRef(name string) Object {
	return Object{{Name: "$ref", Value: "#/components/schemas/" + name}}
}

// ResponseRef refers to one of the answers that many operations give: BadRequest,
// NotAuthenticated, Forbidden, NotFound, Conflict, TooManyRequests, Unavailable.
func ResponseRef(name string) Object {
	return Object{{Name: "$ref", Value: "#/components/responses/" + name}}
}

// JSONResponse is an answer of JSON.
func JSONResponse(description string, schema any) Object {
	return Object{
		{Name: "description", Value: description},
		{Name: "content", Value: jsonContent(schema)},
	}
}

// JSONBody is a request of JSON.
func JSONBody(schema any) Object {
	return Object{{Name: "required", Value: true}, {Name: "content", Value: jsonContent(schema)}}
}

func jsonContent(schema any) Object {
	return Object{{Name: "application/json", Value: Object{{Name: "schema", Value: schema}}}}
}
