package action

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/runtime/model"
)

// maxNesting bounds structs inside each other.
const maxNesting = 8

// RecordOf describes a struct by its fields, all of which are exported and have a json
// tag with a name. Their types are string and types of strings, int64, float64, bool, [model.Decimal],
// [model.Date], [time.Time], [json.RawMessage], pointers to these for what may be
// missing, structs of such fields, and slices. Further tags say what values must be
// like:
//
//	doc:"…"                  a description
//	type:"email"             of a string: email, url or longtext
//	enum:"small,large"       of a string: the values
//	min:"1" max:"9"          of a number
//	minLength, maxLength     of a string
//	scale:"2"                of a decimal: digits after the point
//	required:"true"          of a slice or JSON: it cannot be missing
//
// A struct without a json tag is refused: so is the row of an entity, which is
// answered by the gate and not by hand.
func RecordOf(t reflect.Type) (*Record, error) { return recordOf(t, 0) }

func recordOf(t reflect.Type, depth int) (*Record, error) {
	if t.Kind() != reflect.Struct || depth > maxNesting {
		return nil, fmt.Errorf("%s is no struct, or structs are too deep inside each other", t)
	}
	r := &Record{Name: t.Name()}
	for f := range t.Fields() {
		m, err := memberOf(f, depth)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, f.Name, err)
		}
		r.Members = append(r.Members, m)
	}
	return r, r.check(t)
}

func memberOf(f reflect.StructField, depth int) (Member, error) {
	name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
	if !f.IsExported() || name == "" || name == "-" || rest != "" && rest != "omitempty" {
		return Member{}, errors.New(`it needs a json tag with a name, such as json:"total"; the row of an entity is answered by an action of gate.yaml`)
	}
	m, err := describe(f.Type, f.Tag, depth)
	m.Name, m.Description = name, f.Tag.Get("doc")
	return m, err
}

// ValueOf describes a value by its type, as RecordOf does those of a struct.
func ValueOf(t reflect.Type) (*Member, error) {
	m, err := describe(t, "", 0)
	if err != nil {
		return nil, err
	}
	m.Name = "value"
	return &m, m.check(t)
}

func describe(t reflect.Type, tag reflect.StructTag, depth int) (Member, error) {
	m := Member{Field: model.Field{Required: true}}
	raw := reflect.TypeFor[json.RawMessage]()
	switch {
	case t == raw:
		m.Required = tag.Get("required") == "true"
	case t.Kind() == reflect.Slice:
		m.List, m.Required, t = true, tag.Get("required") == "true", t.Elem()
	case t.Kind() == reflect.Pointer:
		m.Required, t = false, t.Elem()
	}
	if err := m.typed(t, tag); err != nil {
		return Member{}, err
	}
	if m.Type == 0 {
		var err error
		if m.Record, err = recordOf(t, depth+1); err != nil {
			return Member{}, err
		}
	}
	return m, m.tagged(tag)
}

// typed finds the type of a value; none for a struct.
func (m *Member) typed(t reflect.Type, tag reflect.StructTag) error {
	switch t {
	case reflect.TypeFor[string]():
		m.Type = model.Text
	case reflect.TypeFor[int64]():
		m.Type = model.Integer
	case reflect.TypeFor[float64]():
		m.Type = model.Float
	case reflect.TypeFor[bool]():
		m.Type = model.Boolean
	case reflect.TypeFor[model.Decimal]():
		m.Type, m.Precision, m.Scale = model.DecimalType, model.MaxPrecision, 2
	case reflect.TypeFor[model.Date]():
		m.Type = model.DateType
	case reflect.TypeFor[time.Time]():
		m.Type = model.DateTime
	case reflect.TypeFor[json.RawMessage]():
		m.Type = model.JSON
	default:
		if t.Kind() == reflect.String && t != reflect.TypeFor[json.Number]() {
			m.Type = model.Text
		} else if t.Kind() != reflect.Struct {
			return fmt.Errorf("no value is kept in %s: string, int64, float64, bool, model.Decimal, model.Date, time.Time, json.RawMessage, or a struct", t)
		}
	}
	switch kind := tag.Get("type"); {
	case kind == "":
	case m.Type != model.Text:
		return fmt.Errorf("the tag type:%q is for strings", kind)
	case kind == "email":
		m.Type = model.Email
	case kind == "url":
		m.Type = model.URL
	case kind == "longtext":
		m.Type = model.LongText
	default:
		return fmt.Errorf("the tag type:%q is none of email, url and longtext", kind)
	}
	return nil
}

// tagged reads the tags that say what a value must be like.
func (m *Member) tagged(tag reflect.StructTag) error {
	m.Min, m.Max = tag.Get("min"), tag.Get("max")
	if list := tag.Get("enum"); list != "" {
		if m.Type != model.Text {
			return errors.New("the tag enum is for strings")
		}
		m.Type, m.Values = model.Enum, strings.Split(list, ",")
	}
	for _, n := range []struct {
		tag string
		to  *int
	}{{"minLength", &m.MinLength}, {"maxLength", &m.MaxLength}, {"scale", &m.Scale}} {
		text, there := tag.Lookup(n.tag)
		if !there {
			continue
		}
		v, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("the tag %s is no number: %w", n.tag, err)
		}
		*n.to = v
	}
	return nil
}

// address returns a pointer as what model keeps a value in: one to a type of strings is
// one to a string, which is laid out alike.
func address(p reflect.Value) any {
	text := reflect.TypeFor[string]()
	switch t := p.Type().Elem(); {
	case t.Kind() == reflect.String:
		return reflect.NewAt(text, p.UnsafePointer()).Interface()
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.String:
		return reflect.NewAt(reflect.PointerTo(text), p.UnsafePointer()).Interface()
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return reflect.NewAt(reflect.SliceOf(text), p.UnsafePointer()).Interface()
	}
	return p.Interface()
}
