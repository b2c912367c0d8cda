package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"time"
)

// SchemaID is the name of the JSON Schema of idp.yaml. Nothing is ever fetched
// from it.
const SchemaID = "urn:gatewright:idp:1"

// JSONSchema returns the JSON Schema (draft 2020-12) of idp.yaml, for editors
// that complete and check while one types. What takes the whole file to judge
// only [Parse] can tell.
func JSONSchema() []byte {
	schema := schemaOf(reflect.TypeFor[Config]())
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["$id"] = SchemaID
	schema["title"] = "idp.yaml"
	schema["description"] = "Configuration of an identity provider."
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(schema); err != nil {
		panic("gate: idp/config: " + err.Error()) // the tags hold nothing that cannot be encoded
	}
	return b.Bytes()
}

func schemaOf(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[TLS]():
		return map[string]any{"oneOf": []any{map[string]any{"const": "local"}, structSchema(t)}}
	case t == reflect.TypeFor[Scope](), t == reflect.TypeFor[Accent]():
		return map[string]any{"oneOf": []any{map[string]any{"type": "string"}, structSchema(t)}}
	case t == reflect.TypeFor[time.Duration]():
		return map[string]any{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`}
	}
	switch t.Kind() {
	case reflect.Struct:
		return structSchema(t)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string", "minLength": 1}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer", "minimum": 0}
	}
	return map[string]any{} // whatever it is
}

func structSchema(t reflect.Type) map[string]any {
	all, required := map[string]any{}, []string{}
	for _, p := range properties(t) {
		s := schemaOf(p.field.Type)
		s["description"] = p.doc
		if len(p.enum) > 0 {
			s["enum"] = p.enum
		}
		if p.required {
			required = append(required, p.name)
		}
		all[p.name] = s
	}
	out := map[string]any{"type": "object", "properties": all, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}
