package graphql

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatewright/gate/runtime/model"
)

// A described is something that introspection describes (§4.2 of the
// specification): it answers its fields by name, with nil, a bool, a string, a
// described or a list of these.
type described func(field string, args map[string]any) any

// introspect appends the answer of __schema or __type. Requests get here only
// where introspection is on; all others were refused when they were measured.
func (x *execution) introspect(dst []byte, f selected) []byte {
	var d any = x.api.describeSchema()
	if f.Name == "__type" {
		args, err := x.arguments(f.Definition.Arguments, f.Arguments)
		if err != nil {
			x.fail(badInput("name", model.CodeType, err.Error()), f.Alias)
			return append(dst, "null"...)
		}
		name, _ := args["name"].(string)
		d = x.api.describeNamed(name)
	}
	return x.description(dst, d, f)
}

func (x *execution) description(dst []byte, v any, f selected) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return model.AppendString(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, element := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = x.description(dst, element, f)
		}
		return append(dst, ']')
	case described:
		dst = append(dst, '{')
		for i, member := range x.collect(nil, f.below...) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = model.AppendString(dst, member.Alias)
			dst = append(dst, ':')
			if member.Name == "__typename" {
				dst = model.AppendString(dst, member.ObjectDefinition.Name)
				continue
			}
			args, err := x.arguments(member.Definition.Arguments, member.Arguments)
			if err != nil {
				args = nil // these arguments only ask for more
			}
			dst = x.description(dst, v(member.Name, args), member)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// each makes a list of what each describes.
func each[T any](elements []T, describe func(T) any) []any {
	out := make([]any, len(elements))
	for i, e := range elements {
		out[i] = describe(e)
	}
	return out
}

// text is nil for an empty one.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (a *API) describeSchema() described {
	return func(field string, _ map[string]any) any {
		switch field {
		case "description":
			return text(a.schema.Description)
		case "types":
			return each(slices.Sorted(maps.Keys(a.schema.Types)), a.describeNamed)
		case "queryType":
			return a.describeNamed(a.schema.Query.Name)
		case "mutationType":
			if a.schema.Mutation != nil {
				return a.describeNamed(a.schema.Mutation.Name)
			}
		case "directives":
			names := slices.DeleteFunc(slices.Sorted(maps.Keys(a.schema.Directives)), func(name string) bool { return name == "defer" })
			return each(names, func(name string) any { return a.describeDirective(a.schema.Directives[name]) })
		}
		return nil
	}
}

// describeNamed describes the type of that name; nil if there is none.
func (a *API) describeNamed(name string) any {
	def := a.schema.Types[name]
	if def == nil {
		return nil
	}
	return a.describeDefinition(def)
}

func (a *API) describeDefinition(def *ast.Definition) described {
	return func(field string, _ map[string]any) any {
		switch field {
		case "kind":
			return string(def.Kind)
		case "name":
			return def.Name
		case "description":
			return text(def.Description)
		case "fields":
			if def.Kind == ast.Object {
				fields := slices.DeleteFunc(slices.Clone(def.Fields), func(f *ast.FieldDefinition) bool { return strings.HasPrefix(f.Name, "__") })
				return each(fields, a.describeField)
			}
		case "interfaces":
			if def.Kind == ast.Object {
				return []any{}
			}
		case "inputFields":
			if def.Kind == ast.InputObject {
				return each(def.Fields, func(f *ast.FieldDefinition) any {
					return a.describeInput(f.Name, f.Description, f.Type, f.DefaultValue)
				})
			}
		case "enumValues":
			if def.Kind == ast.Enum {
				return each(def.EnumValues, func(v *ast.EnumValueDefinition) any { return describeValue(v.Name, v.Description) })
			}
		case "isOneOf":
			if def.Kind == ast.InputObject {
				return def.Directives.ForName("oneOf") != nil
			}
		}
		return nil
	}
}

// describeType describes a type as it is used, in its lists and marks.
func (a *API) describeType(t *ast.Type) any {
	kind, inner := "NON_NULL", *t
	switch {
	case t.NonNull:
		inner.NonNull = false
	case t.Elem != nil:
		kind, inner = "LIST", *t.Elem
	default:
		return a.describeNamed(t.NamedType)
	}
	return described(func(field string, _ map[string]any) any {
		switch field {
		case "kind":
			return kind
		case "ofType":
			return a.describeType(&inner)
		}
		return nil
	})
}

func (a *API) describeField(f *ast.FieldDefinition) any {
	return described(func(field string, args map[string]any) any {
		switch field {
		case "args":
			return a.describeArguments(f.Arguments)
		case "type":
			return a.describeType(f.Type)
		}
		return describeValue(f.Name, f.Description)(field, args)
	})
}

func (a *API) describeArguments(args ast.ArgumentDefinitionList) []any {
	return each(args, func(arg *ast.ArgumentDefinition) any {
		return a.describeInput(arg.Name, arg.Description, arg.Type, arg.DefaultValue)
	})
}

func (a *API) describeInput(name, description string, t *ast.Type, standard *ast.Value) described {
	return func(field string, args map[string]any) any {
		switch field {
		case "type":
			return a.describeType(t)
		case "defaultValue":
			if standard != nil {
				return standard.String()
			}
			return nil
		}
		return describeValue(name, description)(field, args)
	}
}

func (a *API) describeDirective(d *ast.DirectiveDefinition) described {
	return func(field string, args map[string]any) any {
		switch field {
		case "isRepeatable":
			return d.IsRepeatable
		case "locations":
			return each(d.Locations, func(l ast.DirectiveLocation) any { return fmt.Sprint(l) })
		case "args":
			return a.describeArguments(d.Arguments)
		}
		return describeValue(d.Name, d.Description)(field, args)
	}
}

// describeValue describes what has a name and nothing deprecated about it.
func describeValue(name, description string) described {
	return func(field string, _ map[string]any) any {
		switch field {
		case "name":
			return name
		case "description":
			return text(description)
		case "isDeprecated":
			return false
		}
		return nil
	}
}
