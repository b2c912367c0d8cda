package tenant

import (
	"encoding/json"
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
		if !known[name] {
			all[name] = value
		}
	}
	return json.Marshal(all)
}

// unmarshal reads data into v, a pointer to a struct without methods, and
// returns the members that v has no field for. Members already in extra stay
// unless data has them too; null removes one.
func unmarshal(data []byte, v any, extra Extra) (Extra, error) {
	if err := json.Unmarshal(data, v); err != nil {
		return nil, err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	known := members(reflect.TypeOf(v).Elem())
	rest := maps.Clone(extra)
	for name, value := range all {
		switch {
		case known[name]:
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

var memberNames sync.Map // reflect.Type → map[string]bool

// members returns the JSON names of the fields of a struct.
func members(t reflect.Type) map[string]bool {
	if names, ok := memberNames.Load(t); ok {
		return names.(map[string]bool)
	}
	names := map[string]bool{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names[name] = true
		}
	}
	memberNames.Store(t, names)
	return names
}
