package action

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strconv"

	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/runtime/model"
)

// MaxElements is how many elements a list may have.
const MaxElements = 1000

// maxProblems bounds how much is said about one input.
const maxProblems = 50

// A Record describes a struct whose fields are those of Members, in their order. It is
// checked by [Action.Bind] and not changed after that; then it may be shared by
// goroutines.
type Record struct {
	Name        string // PlaceOrderInput
	Description string
	Members     []Member
}

// A Member is a value of a record. Its Go type is that of a field of a row: *string
// where it is not required, and a slice of what is never null where it is a list.
type Member struct {
	// Field says what the value must be like. Of a record, its name, its description
	// and whether it is required.
	model.Field

	List   bool
	Record *Record // nil unless the value is one
}

// check compares the record with the struct that holds it.
func (r *Record) check(t reflect.Type) error {
	if t.Kind() != reflect.Struct || t.NumField() != len(r.Members) {
		return fmt.Errorf("%s: %s does not have its %d fields", r.Name, t, len(r.Members))
	}
	for i := range r.Members {
		if err := r.Members[i].check(t.Field(i).Type); err != nil {
			return fmt.Errorf("%s.%s: %w", r.Name, r.Members[i].Name, err)
		}
	}
	return nil
}

func (m *Member) check(t reflect.Type) error {
	required := m.Required
	if m.List {
		if t.Kind() != reflect.Slice {
			return fmt.Errorf("a list is not kept in %s", t)
		}
		t, required = t.Elem(), true
	}
	if m.Record == nil {
		one := m.Field
		one.Required = required
		if err := one.CheckAlone(); err != nil {
			return err
		}
		if err := m.CheckAlone(); err != nil {
			return err
		}
		return one.CheckPointer(address(reflect.New(t)))
	}
	if !required {
		if t.Kind() != reflect.Pointer {
			return fmt.Errorf("what may be missing is not kept in %s", t)
		}
		t = t.Elem()
	}
	return m.Record.check(t)
}

// element returns the field that describes one element of a list.
func (m *Member) element() *model.Field {
	f := m.Field
	f.Required = true
	return &f
}

// A decoder collects what is wrong with an input.
type decoder struct {
	problems model.Problems
	words    url.Values // of the path, by the names of members
}

func (d *decoder) add(path, code, message string) {
	if len(d.problems) < maxProblems {
		d.problems.Add(path, code, message)
	}
}

// object reads a JSON object into a struct. What the record does not have is refused.
func (d *decoder) object(r *Record, raw []byte, into reflect.Value, path string) error {
	members, err := model.Members(raw)
	if err != nil {
		return err
	}
	sent := make(map[string]json.RawMessage, len(members))
	for _, m := range members {
		sent[m.Key] = m.Value
		if _, elsewhere := d.word(path, m.Key); elsewhere {
			d.add(m.Key, model.CodeUnknown, "stands in the path")
		} else if r.member(m.Key) == nil {
			d.add(join(path, m.Key), model.CodeUnknown, "is not a field of "+r.Name)
		}
	}
	for i := range r.Members {
		m := &r.Members[i]
		at := join(path, m.Name)
		value, there := sent[m.Name]
		word, elsewhere := d.word(path, m.Name)
		switch {
		case elsewhere:
			d.text(&m.Field, word, into.Field(i), at)
		case !there && m.Required:
			d.add(at, model.CodeRequired, "is required")
		case there:
			d.member(m, value, into.Field(i), at)
		}
	}
	return nil
}

// word returns the word of the path that is the member of the outermost record.
func (d *decoder) word(path, name string) (string, bool) {
	values, ok := d.words[name]
	if !ok || path != "" {
		return "", false
	}
	return values[0], true
}

func (r *Record) member(name string) *Member {
	for i := range r.Members {
		if r.Members[i].Name == name {
			return &r.Members[i]
		}
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (d *decoder) member(m *Member, raw json.RawMessage, into reflect.Value, path string) {
	null := string(raw) == "null"
	switch {
	case null && m.Required && (m.List || m.Record != nil):
		d.add(path, model.CodeRequired, "must not be null")
	case null && (m.List || m.Record != nil):
	case m.List:
		d.list(m, raw, into, path)
	case m.Record != nil:
		if !m.Required {
			into.Set(reflect.New(into.Type().Elem()))
			into = into.Elem()
		}
		d.record(m.Record, raw, into, path)
	default:
		d.field(&m.Field, raw, into, path)
	}
}

func (d *decoder) list(m *Member, raw json.RawMessage, into reflect.Value, path string) {
	if strictjson.Longer(raw, MaxElements) {
		d.add(path, model.CodeTooLong, fmt.Sprintf("must have at most %d elements", MaxElements))
		return
	}
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		d.add(path, model.CodeType, "must be a list")
		return
	}
	list := reflect.MakeSlice(into.Type(), len(elements), len(elements))
	for i, element := range elements {
		at := path + "[" + strconv.Itoa(i) + "]"
		if m.Record != nil {
			d.record(m.Record, element, list.Index(i), at)
		} else {
			d.field(m.element(), element, list.Index(i), at)
		}
	}
	into.Set(list)
}

func (d *decoder) record(r *Record, raw json.RawMessage, into reflect.Value, path string) {
	if len(raw) == 0 || raw[0] != '{' {
		d.add(path, model.CodeType, "must be an object")
		return
	}
	if err := d.object(r, raw, into, path); err != nil {
		d.add(path, model.CodeMalformed, "is no object that can be read")
	}
}

func (d *decoder) field(f *model.Field, raw json.RawMessage, into reflect.Value, path string) {
	if p, ok := f.Decode(raw, address(into.Addr())); !ok {
		d.add(path, p.Code, p.Message)
	}
}

// errAnswer is a fault of the code behind an action.
var errAnswer = errors.New("the code answers what the action does not promise")

// append appends a struct as a JSON object, when its values are what the record
// promises.
func (r *Record) append(dst []byte, v reflect.Value) ([]byte, error) {
	dst = append(dst, '{')
	for i := range r.Members {
		m := &r.Members[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = m.append(append(model.AppendString(dst, m.Name), ':'), v.Field(i)); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return append(dst, '}'), nil
}

func (m *Member) append(dst []byte, v reflect.Value) ([]byte, error) {
	switch {
	case m.List:
		if v.IsNil() && !m.Required {
			return append(dst, "null"...), nil
		}
		return appendList(dst, v, func(dst []byte, v reflect.Value) ([]byte, error) {
			if m.Record != nil {
				return m.Record.append(dst, v)
			}
			return appendField(dst, m.element(), v)
		})
	case m.Record == nil:
		return appendField(dst, &m.Field, v)
	case m.Required:
		return m.Record.append(dst, v)
	case v.IsNil():
		return append(dst, "null"...), nil
	}
	return m.Record.append(dst, v.Elem())
}

func appendField(dst []byte, f *model.Field, v reflect.Value) ([]byte, error) {
	p := reflect.New(v.Type()) // the value of the code stays as it is
	p.Elem().Set(v)
	if problem, ok := f.Check(address(p)); !ok {
		return nil, fmt.Errorf("%w: it %s", errAnswer, problem.Message)
	}
	return f.AppendJSON(dst, address(p)), nil
}

func appendList(dst []byte, v reflect.Value, one func([]byte, reflect.Value) ([]byte, error)) ([]byte, error) {
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = one(dst, v.Index(i)); err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return append(dst, ']'), nil
}
