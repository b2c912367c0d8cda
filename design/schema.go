package design

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// SchemaID is the name of the JSON Schema of version 1 of gate.yaml.
// Nothing is ever fetched from it.
const SchemaID = "urn:gatewright:design:1"

// JSONSchema returns the JSON Schema (draft 2020-12) of gate.yaml, for editors
// that complete and check while one types. It knows every key, type and
// spelling that [Parse] knows; what takes the whole file to judge, such as a
// role that does not exist, only Parse can tell.
func JSONSchema() []byte {
	schema := mapping("Design of a service, from which gate makes it.", designKeys(), "gate", "service")
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["$id"] = SchemaID
	schema["title"] = "gate.yaml"
	schema["$defs"] = definitions()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(schema); err != nil {
		panic("design: " + err.Error()) // the tables hold nothing that cannot be encoded
	}
	return b.Bytes()
}

func definitions() object {
	rule := object{
		"description": "public, signed-in, owner, nobody, the name of a role, or a permission such as create:items.",
		"type":        "string",
		"anyOf": []object{
			{"enum": ruleWords()},
			{"pattern": kebabPattern, "maxLength": maxName},
			{"pattern": permissionPattern, "maxLength": maxPermission},
		},
	}
	words := object{
		"description": "One rule, or a list of which any one is enough.",
		"oneOf":       []object{ref("rule"), {"type": "array", "items": ref("rule"), "minItems": 1, "uniqueItems": true}},
	}
	rules := object{
		"description": "One rule, or a list of which any one is enough: each for all rows, or with a condition for some. An empty list lets nobody in.",
		"oneOf": []object{ref("rule"), ref("condition"), {
			"type": "array", "items": object{"oneOf": []object{ref("rule"), ref("condition")}}, "uniqueItems": true,
		}},
	}
	defs := conditionSchemas()
	maps.Copy(defs, actionSchemas())
	maps.Copy(defs, object{
		"service":    mapping("The service as a whole.", serviceKeys(), "name", "module"),
		"role":       orNull(mapping("A role and the permissions it holds.", roleKeys())),
		"plugin":     pluginSchema(),
		"entity":     orNull(mapping("A table with its fields and who may use it.", entityKeys())),
		"allow":      orNull(mapping("Who may do what.", allowKeys())),
		"fieldRule":  orNull(mapping("Who may read and write a field.", fieldRuleKeys())),
		"rule":       rule,
		"rules":      rules,
		"words":      words,
		"condition":  mapping("Rules for the rows that are like this.", conditionKeys(), "rules", "when"),
		"field":      fieldSchema(),
		"entityName": nameSchema(pascalPattern),
		"fieldName":  nameSchema(camelPattern),
		"roleName":   object{"type": "string", "pattern": kebabPattern, "maxLength": maxName, "not": object{"enum": append(ruleWords(), tenantWord)}},
		"pluginName": object{"pattern": kebabPattern, "maxLength": maxName},
	})
	return defs
}

// nameSchema leaves out the words that Go cannot use; a pattern says the rest.
func nameSchema(pattern string) object {
	return object{"pattern": pattern}
}

func pluginSchema() object {
	return object{
		"description": "Settings of the plugin.",
		"type":        []string{"object", "null"},
		"properties": object{
			enabledKey: object{"description": "Whether the plugin is on. Off keeps its settings in the file. Default: true.", "type": "boolean"},
		},
	}
}

// fieldSchema describes the short form, a type, and the long form, whose
// properties depend on the type.
func fieldSchema() object {
	var short []string
	var long []object
	for _, t := range fieldTypes() {
		required := []string{"type"}
		switch t.name {
		case Enum, MultiEnum:
			required = append(required, "values")
		case ToOne:
			required = append(required, "to")
		default:
			short = append(short, string(t.name))
		}
		keys := []key{
			{name: "type", doc: t.doc, schema: object{"const": string(t.name)}},
			{name: "description", doc: "What the field holds. Appears in the API documentation.", schema: textSchema()},
		}
		for _, p := range t.props {
			keys = append(keys, property(p, t.name))
		}
		long = append(long, object{
			"if":   object{"properties": object{"type": object{"const": string(t.name)}}, "required": []string{"type"}},
			"then": mapping(t.doc, keys, required...),
		})
	}
	return object{
		"description": "A type, or a mapping with a type and its properties.",
		"oneOf": []object{
			{"type": "string", "enum": short},
			{
				"type":       "object",
				"properties": object{"type": object{"type": "string", "enum": typeNames()}},
				"required":   []string{"type"},
				"allOf":      long,
			},
		},
	}
}

func mapping(doc string, keys []key, required ...string) object {
	properties := object{}
	for _, k := range keys {
		if k.later {
			continue
		}
		schema := object{"description": k.doc}
		maps.Copy(schema, k.schema)
		properties[k.name] = schema
	}
	out := object{"description": doc, "type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func orNull(schema object) object {
	schema["type"] = []string{"object", "null"}
	return schema
}

func ref(name string) object { return object{"$ref": "#/$defs/" + name} }

func namedMap(nameDef, valueDef string) object {
	return object{
		"type":                 []string{"object", "null"},
		"propertyNames":        ref(nameDef),
		"additionalProperties": ref(valueDef),
		"maxProperties":        maxEntries,
	}
}

func enumOf(values ...string) object { return object{"type": "string", "enum": slices.Clone(values)} }

func between(lo, hi int) object { return object{"type": "integer", "minimum": lo, "maximum": hi} }

func textSchema() object { return object{"type": "string", "maxLength": maxDescription} }

func boolSchema() object { return object{"type": "boolean"} }

// How days and instants begin.
const (
	dayPattern     = `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`
	instantPattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T`
)

func numberSchema(t Type) object {
	if t == Int {
		return object{"type": "integer"}
	}
	return object{"type": "number"}
}

// limitSchema describes min and max.
func limitSchema(t Type) object {
	switch t {
	case Date:
		return object{"type": "string", "pattern": dayPattern}
	case DateTime:
		return object{"type": "string", "pattern": instantPattern}
	}
	return numberSchema(t)
}

func defaultSchema(t Type) object {
	switch t {
	case MultiEnum:
		return object{"type": "array", "items": valueSchema(), "uniqueItems": true, "maxItems": maxValues}
	case Boolean:
		return boolSchema()
	case Int, Decimal, Float:
		return numberSchema(t)
	case Date:
		return object{"type": "string", "anyOf": []object{{"const": nowWord}, {"pattern": dayPattern}}}
	case DateTime:
		return object{"type": "string", "anyOf": []object{{"const": nowWord}, {"pattern": instantPattern}}}
	default:
		return object{"type": "string"}
	}
}
