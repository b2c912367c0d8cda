package jose

import (
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/gatewright/gate/internal/strictjson"
)

// ClaimsAs returns the claims as a T, which is a struct with json tags as a
// rule: this is how public and private claims (RFC 7519 §4.2, §4.3) get types.
// The registered claims are there too, times as whole seconds.
//
// It is encoding/json without what surprises in it. A claim whose name differs
// from that of a field in case only is an error, not the field; so is null for
// what cannot be nil, a list that has not as many elements as an array, and
// every value of another type. Claims that T does not have are left out, and
// fields without a claim are zero. On error it returns the zero T.
//
//	type Claims struct {
//		Tenant string   `json:"tenant"`
//		Roles  []string `json:"roles"`
//	}
//	own, err := jose.ClaimsAs[Claims](claims)
func ClaimsAs[T any](c *Claims) (T, error) {
	var v, zero T
	if c == nil {
		return zero, errors.New("typed claims: there are none")
	}
	text, err := c.MarshalJSON()
	if err != nil {
		return zero, fmt.Errorf("typed claims: %w", err)
	}
	var doc any
	err = parseObject(string(text), func(r *reader, name string) error { // as strict as with a token
		_, err := r.Value()
		return err
	})
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	if err == nil {
		err = checkFit(reflect.TypeFor[T](), doc)
	}
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		return zero, fmt.Errorf("typed claims: %w", err)
	}
	return v, nil
}

// checkFit refuses what encoding/json would put into a t with a blind eye. What
// it would refuse is left to it.
func checkFit(t reflect.Type, v any) error {
	if decodesItself(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Interface:
		return nil
	case reflect.Pointer:
		if v == nil {
			return nil
		}
		return checkFit(t.Elem(), v)
	case reflect.Struct:
		return checkStruct(t, v)
	case reflect.Map, reflect.Slice, reflect.Array:
		return checkElements(t, v)
	}
	if v == nil {
		return fmt.Errorf("null is no %s", t)
	}
	return nil
}

func checkElements(t reflect.Type, v any) error {
	switch v := v.(type) {
	case nil:
		if t.Kind() == reflect.Array {
			return fmt.Errorf("null is no %s", t)
		}
	case []any:
		if t.Kind() == reflect.Array && len(v) != t.Len() {
			return fmt.Errorf("a list of %d is no %s", len(v), t)
		}
		for _, element := range v {
			if err := checkFit(t.Elem(), element); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, element := range v {
			if err := checkFit(t.Elem(), element); err != nil {
				return fmt.Errorf("%q: %w", name, err)
			}
		}
	}
	return nil
}

func checkStruct(t reflect.Type, v any) error {
	members, ok := v.(map[string]any)
	if v == nil {
		return fmt.Errorf("null is no %s", t)
	}
	if !ok {
		return nil
	}
	fields := make(map[string]reflect.Type)
	addFields(fields, t, nil)
	folded := make(map[string]string, len(fields))
	for name := range fields {
		folded[strictjson.Fold(name)] = name
	}
	for name, member := range members {
		field, ok := fields[name]
		if other := folded[strictjson.Fold(name)]; !ok && other != "" {
			return fmt.Errorf("%q is not %q", name, other)
		}
		if !ok {
			continue
		}
		if err := checkFit(field, member); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	return nil
}

// addFields adds the fields of t by their names in JSON. Those of embedded
// structs come last, so that they give way.
func addFields(fields map[string]reflect.Type, t reflect.Type, outer []reflect.Type) {
	if slices.Contains(outer, t) {
		return
	}
	var embedded []reflect.Type
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case tag == "-":
		case f.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			embedded = append(embedded, inner)
		case f.IsExported():
			name = cmp.Or(name, f.Name)
			if _, taken := fields[name]; !taken {
				fields[name] = f.Type
			}
		}
	}
	for _, inner := range embedded {
		addFields(fields, inner, append(outer, t))
	}
}

// decodesItself reports whether a t reads its own JSON.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
