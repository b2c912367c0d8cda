package model

import (
	"encoding/json"
	"reflect"
	"unsafe"
)

// OptionalEnum returns the address of an enum that may be null as what the runtime
// keeps it in: a value of a type of strings is laid out as its string is.
func OptionalEnum[T ~string](p **T) **string {
	return (**string)(unsafe.Pointer(p)) //nolint:gosec // one layout
}

// EnumList is [OptionalEnum] for a multi-enum.
func EnumList[T ~string](p *[]T) *[]string {
	return (*[]string)(unsafe.Pointer(p)) //nolint:gosec // one layout
}

// Plain returns a value of a type of strings as its string, and a list of such values
// as strings. Any other value is returned as it is, and so is a [json.Number].
func Plain(v any) any {
	switch v.(type) {
	case nil, string, json.Number, []string, int64, float64, bool:
		return v
	}
	r := reflect.ValueOf(v)
	switch {
	case r.Kind() == reflect.String:
		return r.String()
	case r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.String:
		list := make([]string, r.Len())
		for i := range list {
			list[i] = r.Index(i).String()
		}
		return list
	}
	return v
}
