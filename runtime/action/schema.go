package action

import (
	"encoding/json"

	"github.com/gatewright/gate/runtime/model"
)

// Schema returns the JSON Schema of the record as OpenAPI 3.1 has it: of what is
// answered all members are there, and of what is sent there are no others. A member
// that skip names is left out; skip may be nil.
func (r *Record) Schema(answered bool, skip func(name string) bool) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range r.Members {
		m := &r.Members[i]
		if skip != nil && skip(m.Name) {
			continue
		}
		properties[m.Name] = m.Schema(answered)
		if m.Required || answered {
			required = append(required, m.Name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	if !answered {
		out["additionalProperties"] = false
	}
	return out
}

// Schema returns the JSON Schema of the value.
func (m *Member) Schema(answered bool) map[string]any {
	var one map[string]any
	if m.Record != nil {
		one = m.Record.Schema(answered, nil)
	} else {
		one = fieldSchema(&m.Field)
	}
	if m.List {
		one = map[string]any{"type": "array", "items": one, "maxItems": MaxElements}
	}
	if typ, ok := one["type"]; ok && !m.Required {
		one["type"] = []any{typ, "null"}
		if values, ok := one["enum"].([]any); ok {
			one["enum"] = append(values, nil)
		}
	}
	if m.Description != "" {
		one["description"] = m.Description
	}
	return one
}

func fieldSchema(f *model.Field) map[string]any {
	out := map[string]any{}
	switch f.Type {
	case model.JSON:
		return out
	case model.Boolean:
		out["type"] = "boolean"
	case model.Integer:
		out["type"], out["format"] = "integer", "int64"
	case model.Float, model.DecimalType:
		out["type"], out["format"] = "number", "double"
	default:
		out["type"] = "string"
	}
	if format := map[model.Type]string{model.Email: "email", model.URL: "uri", model.DateType: "date", model.DateTime: "date-time"}[f.Type]; format != "" {
		out["format"] = format
	}
	if len(f.Values) > 0 {
		values := []any{}
		for _, v := range f.Values {
			values = append(values, v)
		}
		out["enum"] = values
	}
	for name, limit := range map[string]string{"minimum": f.Min, "maximum": f.Max} {
		if limit != "" {
			out[name] = json.Number(limit)
		}
	}
	for name, length := range map[string]int{"minLength": f.MinLength, "maxLength": f.MaxLength} {
		if length > 0 {
			out[name] = length
		}
	}
	return out
}
