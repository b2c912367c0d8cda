package graphql

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// inputs reads values by the types of the schema (§6.4.1 of the specification).
// A value becomes nil, bool, string (also for ID and enums), json.Number,
// json.RawMessage (for JSON and Geo), []any or map[string]any.
type inputs struct {
	schema *ast.Schema
	values map[string]any // of the variables that are there
}

// variables reads the variables of an operation.
func (in inputs) variables(op *ast.OperationDefinition, sent map[string]any) (map[string]any, error) {
	values := map[string]any{}
	for _, v := range op.VariableDefinitions {
		raw, ok := sent[v.Variable]
		if !ok && v.DefaultValue != nil {
			raw, ok = in.literal(v.DefaultValue)
		}
		if !ok {
			if v.Type.NonNull {
				return nil, fmt.Errorf("variable $%s is missing", v.Variable)
			}
			continue
		}
		value, err := in.coerce(v.Type, raw)
		if err != nil {
			return nil, fmt.Errorf("variable $%s: %w", v.Variable, err)
		}
		values[v.Variable] = value
	}
	return values, nil
}

// arguments reads the arguments of a field or directive. One that is not there, or
// whose variable is not, has its default (§6.4.1).
func (in inputs) arguments(defs ast.ArgumentDefinitionList, args ast.ArgumentList) (map[string]any, error) {
	values := make(map[string]any, len(args))
	for _, def := range defs {
		var raw any
		there := false
		if arg := args.ForName(def.Name); arg != nil {
			raw, there = in.literal(arg.Value)
		}
		if !there && def.DefaultValue != nil {
			raw, there = in.literal(def.DefaultValue)
		}
		if !there {
			if def.Type.NonNull {
				return nil, fmt.Errorf("%s is missing", def.Name)
			}
			continue
		}
		value, err := in.coerce(def.Type, raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", def.Name, err)
		}
		values[def.Name] = value
	}
	return values, nil
}

// literal turns a value of a document into what the same value would be in JSON,
// with variables in their places. It is false for a variable that is not there.
func (in inputs) literal(v *ast.Value) (any, bool) {
	switch v.Kind {
	case ast.Variable:
		value, ok := in.values[v.Raw]
		return value, ok
	case ast.NullValue:
		return nil, true
	case ast.BooleanValue:
		return v.Raw == "true", true
	case ast.IntValue, ast.FloatValue:
		return json.Number(v.Raw), true
	case ast.ListValue:
		list := make([]any, len(v.Children))
		for i, child := range v.Children {
			list[i], _ = in.literal(child.Value) // one that is not there is null
		}
		return list, true
	case ast.ObjectValue:
		object := make(map[string]any, len(v.Children))
		for _, child := range v.Children {
			if value, ok := in.literal(child.Value); ok {
				object[child.Name] = value
			}
		}
		return object, true
	default:
		return v.Raw, true
	}
}

var (
	errNull    = errors.New("must not be null")
	errMissing = errors.New("is missing")
)

// A memberError says of which member of an input something is wrong.
type memberError struct {
	name string
	err  error
}

// Error implements error.
func (e *memberError) Error() string {
	if e.err == errMissing { //nolint:errorlint // of this member, not of one inside of it
		return e.name + " " + e.err.Error()
	}
	return e.name + ": " + e.err.Error()
}

// Unwrap returns what is wrong.
func (e *memberError) Unwrap() error { return e.err }

// An unknownMember is one that the type does not have: the way to it is nobody's to be
// told, as in a document.
type unknownMember string

// Error implements error.
func (e unknownMember) Error() string { return string(e) }

// path is the way to the member that is meant, with points.
func (e *memberError) path() string {
	if inner, ok := e.err.(*memberError); ok { //nolint:errorlint // the next one on the way
		return e.name + "." + inner.path()
	}
	return e.name
}

// cause is what is wrong with it.
func (e *memberError) cause() error {
	if inner, ok := e.err.(*memberError); ok { //nolint:errorlint // the next one on the way
		return inner.cause()
	}
	return e.err
}

func (in inputs) coerce(t *ast.Type, v any) (any, error) {
	if v == nil {
		if t.NonNull {
			return nil, errNull
		}
		return nil, nil
	}
	if t.Elem != nil {
		return in.list(t.Elem, v)
	}
	def := in.schema.Types[t.NamedType]
	if def == nil {
		return nil, fmt.Errorf("unknown type %s", t.NamedType) // cannot be: the schema is valid
	}
	switch def.Kind {
	case ast.InputObject:
		return in.object(def, v)
	case ast.Enum:
		if s, ok := v.(string); ok && def.EnumValues.ForName(s) != nil {
			return s, nil
		}
		return nil, fmt.Errorf("is no value of %s", def.Name)
	default:
		return scalar(def.Name, v)
	}
}

// list reads a list; one value is a list of it (§3.11).
func (in inputs) list(t *ast.Type, v any) (any, error) {
	raw, ok := v.([]any)
	if !ok {
		raw = []any{v}
	}
	out := make([]any, len(raw))
	for i, element := range raw {
		value, err := in.coerce(t, element)
		if err != nil {
			return nil, err
		}
		out[i] = value
	}
	return out, nil
}

// object reads an input object. Unknown members are refused in the words that a
// document would get that has them.
func (in inputs) object(def *ast.Definition, v any) (any, error) {
	raw, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("must be an object %s", def.Name)
	}
	out := make(map[string]any, len(raw))
	for _, member := range def.Fields {
		value, ok := raw[member.Name]
		if !ok && member.DefaultValue != nil {
			value, ok = in.literal(member.DefaultValue)
		}
		if !ok {
			if member.Type.NonNull {
				return nil, &memberError{member.Name, errMissing}
			}
			continue
		}
		coerced, err := in.coerce(member.Type, value)
		if err != nil {
			return nil, &memberError{member.Name, err}
		}
		out[member.Name] = coerced
	}
	for name := range raw {
		if def.Fields.ForName(name) == nil {
			return nil, unknownMember(fmt.Sprintf("Field %q is not defined by type %q.", shown(name), def.Name)) // the words of the validator
		}
	}
	return out, nil
}

// shown cuts a name that somebody made up.
func shown(name string) string {
	if len(name) > 64 {
		return name[:64]
	}
	return name
}

// scalar reads a value of a scalar. How a date or a decimal is spelt is for the
// field to say that it is for.
func scalar(name string, v any) (any, error) {
	switch name {
	case "Int":
		if n, ok := v.(json.Number); ok {
			if _, err := strconv.ParseInt(n.String(), 10, 32); err == nil {
				return n, nil
			}
		}
		return nil, errors.New("must be a whole number of 32 bits")
	case "Float":
		if n, ok := v.(json.Number); ok {
			return n, nil
		}
		return nil, errors.New("must be a number")
	case "Boolean":
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return nil, errors.New("must be true or false")
	case "String":
		if s, ok := v.(string); ok {
			return s, nil
		}
		return nil, errors.New("must be a string")
	case "ID":
		switch v := v.(type) {
		case string:
			return v, nil
		case json.Number:
			if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
				return v.String(), nil
			}
		}
		return nil, errors.New("must be a string or a whole number")
	case "JSON", "Geo":
		if raw, ok := v.(json.RawMessage); ok {
			return raw, nil
		}
		raw, err := encode(v)
		return json.RawMessage(raw), err
	}
	switch v := v.(type) {
	case string, json.Number:
		return v, nil
	}
	return nil, fmt.Errorf("is no %s", name)
}
