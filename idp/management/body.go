package management

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/internal/strictjson"
)

// An object is JSON that is read or written member by member.
type object map[string]json.RawMessage

// object reads a body by a schema. Properties that s does not have stay; see
// [request.only].
func (q *request) object(s shape.Schema) (object, error) {
	if len(q.body) == 0 {
		return nil, badBody("Payload validation error: 'Expected type object but found nothing'.")
	}
	if hasNUL(q.body) {
		return nil, badBody("Payload validation error: 'a text holds the character NUL'.")
	}
	members, err := strictjson.Members(q.body)
	if err != nil {
		return nil, badBody("Invalid request payload JSON format: %s", err.Error())
	}
	o := make(object, len(members))
	for _, m := range members {
		o[m.Key] = m.Value
	}
	for name := range o {
		if strings.HasPrefix(name, "gate_") { // ours
			return nil, shape.NotAllowed(name)
		}
	}
	return o, s.Check(o)
}

// only is [request.object] for a body without other properties than those of s.
func (q *request) only(s shape.Schema) (object, error) {
	o, err := q.object(s)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if _, known := s[name]; !known {
			return nil, shape.NotAllowed(name)
		}
	}
	return o, nil
}

// hasNUL reports whether a text in data holds the character NUL, which not every
// database keeps.
func hasNUL(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		if i+4 < len(data) && string(data[i:i+5]) == "u0000" {
			return true
		}
	}
	return false
}

// view returns the members of v as JSON has them.
func view(v any) (object, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	var o object
	return o, json.Unmarshal(data, &o)
}

// into reads an object into a new T, whose mistakes are those of the caller.
func into[T any](o object) (*T, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	v := new(T)
	if err := json.Unmarshal(data, v); err != nil {
		return nil, wrongType(err)
	}
	return v, nil
}

func wrongType(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return badProperty(e.Field, "Expected type "+kindName(e.Type)+" but found type "+e.Value, "")
	}
	return badBody("Payload validation error: 'a value has a form that cannot be read'.")
}

func kindName(t reflect.Type) string {
	switch t.Kind() { //nolint:exhaustive // the others are numbers
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Map, reflect.Struct, reflect.Pointer:
		return "object"
	case reflect.Int, reflect.Int64:
		return "integer"
	}
	return "number"
}

// patched returns current with the members of change in place of its own: whole
// values, except that the objects which merged names are merged one level deep.
// Null removes a member.
func patched[T any](current *T, change object, merged ...string) (*T, error) {
	all, err := view(current)
	if err != nil {
		return nil, err
	}
	for name, value := range change {
		if slices.Contains(merged, name) {
			if value, err = mergeLevel(all[name], value, name); err != nil {
				return nil, err
			}
		}
		if string(value) == "null" {
			delete(all, name)
			continue
		}
		all[name] = value
	}
	return into[T](all)
}

// mergeLevel returns current with the members of change, without those that are
// null there. An empty change empties it.
func mergeLevel(current, change json.RawMessage, name string) (json.RawMessage, error) {
	var from, by object
	if len(current) > 0 {
		if err := json.Unmarshal(current, &from); err != nil {
			return nil, fmt.Errorf("decode %s: %w", name, err)
		}
	}
	if err := json.Unmarshal(change, &by); err != nil {
		return nil, badProperty(name, "Expected type object", "")
	}
	if len(by) == 0 {
		return change, nil
	}
	if from == nil {
		from = object{}
	}
	for key, value := range by {
		if string(value) == "null" {
			delete(from, key)
			continue
		}
		from[key] = value
	}
	return json.Marshal(from)
}

// read decodes the value of a property that was checked before; what is not
// there leaves v as it is.
func (o object) read(name string, v any) error {
	raw, there := o[name]
	if !there {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return badProperty(name, "Expected type "+kindName(e.Type)+" but found type "+e.Value, "")
		}
		return badProperty(name, "has a form that cannot be read", "")
	}
	return nil
}

// text returns a property that is a text; empty when it is something else.
func (o object) text(name string) string {
	var s string
	if raw, there := o[name]; !there || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// set gives a property a value unless it is there.
func (o object) setDefault(name, value string) {
	if _, there := o[name]; !there {
		o[name] = json.RawMessage(value)
	}
}

// set gives a property a value.
func (o object) set(name string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic("gate: management: " + err.Error()) // texts, numbers and lists of them
	}
	o[name] = data
}
