package tenant

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
)

// Extra holds the members of an object that have no field of their own, as
// they came.
type Extra map[string]json.RawMessage

// marshal returns the JSON of v, a struct without methods, with the members of
// extra that v does not have.
func marshal(v any, extra Extra) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil || len(extra) == 0 {
		return data, err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	known := members(reflect.TypeOf(v))
	for name, value := range extra {
		if _, ok := known[name]; !ok {
			all[name] = value
		}
	}
	return json.Marshal(all)
}

// unmarshal reads data into v, a pointer to a struct without methods, and
// returns the members that v has no field for. What data has takes the place of
// what was: null stands for the zero value, and objects are not merged. Names
// count as they are written, unlike in encoding/json. Members already in extra
// stay unless data has them too; null removes one.
func unmarshal(data []byte, v any, extra Extra) (Extra, error) {
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	into := reflect.ValueOf(v).Elem()
	known := members(into.Type())
	rest := maps.Clone(extra)
	for name, value := range all {
		field, ok := known[name]
		switch {
		case ok:
			into.Field(field).SetZero()
			if err := json.Unmarshal(value, into.Field(field).Addr().Interface()); err != nil {
				return nil, named(err, name)
			}
		case string(value) == "null":
			delete(rest, name)
		default:
			if rest == nil {
				rest = Extra{}
			}
			rest[name] = value
		}
	}
	return rest, nil
}

// named says which member an error is about.
func named(err error, name string) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		wrong.Field = strings.TrimSuffix(name+"."+wrong.Field, ".")
		return wrong
	}
	return fmt.Errorf("%s: %w", name, err)
}

var memberFields sync.Map // reflect.Type → map[string]int

// members returns the JSON names of the fields of a struct, and which they are.
func members(t reflect.Type) map[string]int {
	if fields, ok := memberFields.Load(t); ok {
		return fields.(map[string]int) //nolint:forcetypeassert // nothing else is stored
	}
	fields := map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			fields[name] = i
		}
	}
	memberFields.Store(t, fields)
	return fields
}
