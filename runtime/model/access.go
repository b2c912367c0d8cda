package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// CheckPointer reports whether p is a pointer of the type that the field needs;
// see the package comment.
func (f *Field) CheckPointer(p any) error {
	var ok bool
	switch f.Type {
	case JSON:
		_, ok = p.(*json.RawMessage)
	case Roles, MultiEnum:
		_, ok = p.(*[]string)
	case GeoType:
		ok = isPointer[Geo](p, f.Required)
	case FileType:
		ok = isPointer[File](p, false)
	case DecimalType:
		ok = isPointer[Decimal](p, f.Required)
	case DateType:
		ok = isPointer[Date](p, f.Required)
	case DateTime, CreatedAt, UpdatedAt:
		ok = isPointer[time.Time](p, f.Required)
	case Integer:
		ok = isPointer[int64](p, f.Required)
	case Float:
		ok = isPointer[float64](p, f.Required)
	case Boolean:
		ok = isPointer[bool](p, f.Required)
	default:
		if f.serial() {
			ok = isPointer[int64](p, f.Required)
		} else {
			ok = isPointer[string](p, f.Required)
		}
	}
	if !ok {
		return fmt.Errorf("field %q: %T is not what a %s is kept in", f.Name, p, f.Type)
	}
	return nil
}

func isPointer[V any](p any, required bool) bool {
	if required {
		v, ok := p.(*V)
		return ok && v != nil
	}
	v, ok := p.(**V)
	return ok && v != nil
}

// Value returns what the field at p holds: nil for null, else a string, int64,
// float64, bool, [Decimal], [Date], [time.Time], [Geo], [File], [json.RawMessage] or
// []string.
func (f *Field) Value(p any) any {
	switch p := p.(type) {
	case *string:
		return *p
	case *int64:
		return *p
	case *float64:
		return *p
	case *bool:
		return *p
	case *Decimal:
		return *p
	case *Date:
		return *p
	case *time.Time:
		return *p
	case *Geo:
		return *p
	case **Geo:
		return deref(*p)
	case **File:
		return deref(*p)
	case **string:
		return deref(*p)
	case **int64:
		return deref(*p)
	case **float64:
		return deref(*p)
	case **bool:
		return deref(*p)
	case **Decimal:
		return deref(*p)
	case **Date:
		return deref(*p)
	case **time.Time:
		return deref(*p)
	case *json.RawMessage:
		if *p == nil {
			return nil
		}
		return *p
	case *[]string:
		if *p == nil {
			return nil
		}
		return *p
	}
	panic(unknownPointer(p))
}

func deref[V any](p *V) any {
	if p == nil {
		return nil
	}
	return *p
}

// Store puts v, a value as [Field.Value] answers it, into the field at p. A list is
// copied.
func (f *Field) Store(p, v any) {
	if v == nil {
		f.Clear(p)
		return
	}
	switch p := p.(type) {
	case *string:
		put(p, v)
	case *int64:
		put(p, v)
	case *float64:
		put(p, v)
	case *bool:
		put(p, v)
	case *Decimal:
		put(p, v)
	case *Date:
		put(p, v)
	case *time.Time:
		put(p, v)
	case *json.RawMessage:
		put(p, v)
	case *[]string:
		put(p, v)
		*p = slices.Clone(*p)
	case *Geo:
		put(p, v)
	case **Geo:
		putNew(p, v)
	case **File:
		putNew(p, v)
	case **string:
		putNew(p, v)
	case **int64:
		putNew(p, v)
	case **float64:
		putNew(p, v)
	case **bool:
		putNew(p, v)
	case **Decimal:
		putNew(p, v)
	case **Date:
		putNew(p, v)
	case **time.Time:
		putNew(p, v)
	default:
		panic(unknownPointer(p))
	}
}

func put[V any](p *V, v any) {
	value, ok := v.(V)
	if !ok {
		panic(fmt.Sprintf("model: %T stored in %T", v, p))
	}
	*p = value
}

func putNew[V any](p **V, v any) {
	var value V
	put(&value, v)
	*p = &value
}

// Clear makes the field at p null, or the zero value if it cannot be null.
func (f *Field) Clear(p any) {
	switch p := p.(type) {
	case *string:
		*p = ""
	case *int64:
		*p = 0
	case *float64:
		*p = 0
	case *bool:
		*p = false
	case *Decimal:
		*p = Decimal{}
	case *Date:
		*p = Date{}
	case *time.Time:
		*p = time.Time{}
	case *json.RawMessage:
		*p = nil
	case *[]string:
		*p = nil
	case *Geo:
		*p = Geo{}
	case **Geo:
		*p = nil
	case **File:
		*p = nil
	case **string:
		*p = nil
	case **int64:
		*p = nil
	case **float64:
		*p = nil
	case **bool:
		*p = nil
	case **Decimal:
		*p = nil
	case **Date:
		*p = nil
	case **time.Time:
		*p = nil
	default:
		panic(unknownPointer(p))
	}
}

// unknownPointer is the message of a panic that [Field.CheckPointer] rules out.
func unknownPointer(p any) string { return fmt.Sprintf("model: no field is kept in %T", p) }
