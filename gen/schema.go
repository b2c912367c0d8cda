package gen

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/gatewright/gate/design"
)

// Schema returns the JSON Schema of gate.yaml for editors: that of package
// design, with the settings of plugins.
func Schema(plugins ...Plugin) ([]byte, error) {
	var schema map[string]any
	if err := json.Unmarshal(design.JSONSchema(), &schema); err != nil {
		return nil, fmt.Errorf("the schema of the design: %w", err)
	}
	properties, _ := schema["properties"].(map[string]any)
	section, ok := properties["plugins"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the schema of the design has no plugins")
	}
	known := map[string]any{}
	for _, p := range plugins {
		if !p.Base {
			known[p.Name] = settingsSchema(p)
		}
	}
	section["properties"], section["additionalProperties"] = known, false
	delete(section, "propertyNames")
	return encodeJSON(schema)
}

// encodeJSON prints v for people: indented, and < as it is.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
