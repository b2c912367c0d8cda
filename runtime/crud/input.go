package crud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/gatewright/gate/runtime/model"
)

// maxProblems bounds how much is said about one body.
const maxProblems = 50

// An input makes a change of what a caller sent: the values that are right, and
// all that is wrong. Only fields in writable may be among them.
type input func(writable model.FieldSet, id string) (*change, model.Problems, error)

// fromJSON is the input of a JSON object.
func (r *engine) fromJSON(body []byte, at nesting) input {
	return func(writable model.FieldSet, id string) (*change, model.Problems, error) {
		members, err := model.Members(body)
		if err != nil {
			return nil, nil, err
		}
		ch := r.newChange()
		var problems model.Problems
		for _, m := range members {
			if rel, ok := r.relations[m.Key]; ok {
				if rel.Key != "" && slices.ContainsFunc(members, func(m model.Member) bool { return m.Key == rel.Key }) {
					problems.Add(rel.Name, model.CodeFormat, "is there twice, as "+rel.Key+", too")
					continue
				}
				problems = append(problems, r.nestings(ch, rel, m.Value, writable, at)...)
				continue
			}
			p, ok := r.decode(ch, m, writable, id)
			if !ok && len(problems) < maxProblems {
				problems = append(problems, p)
			}
		}
		return ch, problems, nil
	}
}

func (r *engine) decode(ch *change, m model.Member, writable model.FieldSet, id string) (model.Problem, bool) {
	f, ok := r.entity.Field(m.Key)
	if !ok {
		return model.Problem{Field: m.Key, Code: model.CodeUnknown, Message: "is not a field of " + r.entity.Name}, false
	}
	if f == r.entity.VersionField() && id != "" {
		return r.expectMember(ch, m.Value)
	}
	field, p := r.field(ch.Row, f)
	if field.Type == model.FileType {
		return sentByItself(field), false
	}
	if !writable.Has(f) {
		if f == r.entity.IDField() && id != "" && sameID(m.Value, id) {
			return model.Problem{}, true // clients send rows back as they got them
		}
		return r.unwritable(f), false
	}
	problem, ok := field.Decode(m.Value, p)
	if ok {
		ch.Set.Add(f)
	}
	return problem, ok
}

// sameID reports whether a JSON value is that id.
func sameID(raw json.RawMessage, id string) bool {
	return string(bytes.Trim(raw, `"`)) == id
}

// unwritable says why a field may not be written.
func (r *engine) unwritable(f model.FieldID) model.Problem {
	field := &r.entity.Fields[f]
	if field.ReadOnly || f == r.entity.OwnerField() && !r.rules.ruled(f) || f == r.entity.TenantField() {
		return model.Problem{Field: field.Name, Code: model.CodeReadOnly, Message: "is set by the service"}
	}
	return model.Problem{Field: field.Name, Code: model.CodeForbidden, Message: "needs a right that you do not have"}
}

// dropped is the error of a change that has values and says of none that it is to be
// written, which is a slip of the code.
func (r *engine) dropped(row record, set model.FieldSet) error {
	if !set.Empty() {
		return nil
	}
	for f := range r.entity.All().All() {
		field, p := r.field(row, f)
		if v := field.Value(p); v != nil && !reflect.ValueOf(v).IsZero() {
			return fmt.Errorf("crud: a change of %s has a value for %q and an empty Set, so that nothing would be written: name the fields, Set: model.Fields(…)", r.entity.Name, field.Name)
		}
	}
	return nil
}

// fromGo is the input of code of the service. The values are copied, so that
// the change of the caller stays as it is.
func (r *engine) fromGo(row record, set model.FieldSet) input {
	return func(writable model.FieldSet, id string) (*change, model.Problems, error) {
		ch := r.newChange()
		ch.Set = set.Intersect(r.entity.All())
		if f := r.entity.VersionField(); f != model.NoField && id != "" && ch.Set.Has(f) {
			v, _ := r.version(row)
			ch.expect = expected{some: true, versions: []int64{v}}
			ch.Set.Remove(f)
		}
		var problems model.Problems
		for f := range ch.Set.All() {
			if !writable.Has(f) {
				problems = append(problems, r.unwritable(f))
				continue
			}
			r.copy(ch.Row, row, f)
			field, p := r.field(ch.Row, f)
			if field.Type == model.FileType && field.Value(p) != nil {
				problems = append(problems, sentByItself(field))
				continue
			}
			if problem, ok := field.Check(p); !ok {
				problems = append(problems, problem)
			}
		}
		return ch, problems, nil
	}
}

// copy sets a field of one row to what it is in another.
func (r *engine) copy(to, from record, f model.FieldID) {
	field, p := r.field(to, f)
	field.Store(p, r.value(from, f))
}

// check checks the values of some fields, secrets apart, which are hashes by now,
// and the id, which may be counted yet.
func (r *engine) check(row record, set model.FieldSet) model.Problems {
	var problems model.Problems
	for f := range set.All() {
		field, p := r.field(row, f)
		if field.Secret() || field.Type == model.ID {
			continue
		}
		if problem, ok := field.Check(p); !ok {
			problems = append(problems, problem)
		}
	}
	return problems
}

// missing names the required fields that got no value. One that only the service
// may set is no mistake of the caller, but a fault.
func (r *engine) missing(c caller, row record, have model.FieldSet) (problems model.Problems, unset error) {
	for f := range r.entity.All().Without(have).Without(r.entity.Computed()).All() {
		field := &r.entity.Fields[f]
		switch {
		case !field.Required || !isZero(r.value(row, f)):
		case field.ReadOnly && !c.system:
			unset = fmt.Errorf("crud: %s.%s is required and read-only, and neither a default nor a hook has set it", r.entity.Name, field.Name)
		default:
			problems.Add(field.Name, model.CodeRequired, "is required")
		}
	}
	return problems, unset
}

// different returns the fields in which two rows differ, computed ones apart.
func (r *engine) different(a, b record) model.FieldSet {
	var set model.FieldSet
	for f := range r.entity.All().Without(r.entity.Computed()).All() {
		if !same(r.value(a, f), r.value(b, f)) {
			set.Add(f)
		}
	}
	return set
}

func same(a, b any) bool {
	switch a := a.(type) {
	case json.RawMessage:
		b, ok := b.(json.RawMessage)
		return ok && bytes.Equal(a, b)
	case []string:
		b, ok := b.([]string)
		return ok && slices.Equal(a, b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	case nil:
		return b == nil
	}
	switch b.(type) {
	case json.RawMessage, []string:
		return false
	}
	return a == b
}

func isZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case int64:
		return v == 0
	case float64:
		return v == 0
	case bool:
		return !v
	case model.Decimal:
		return v.Units() == 0
	case model.Date:
		return v == model.Date{}
	case model.Geo:
		return v == model.Geo{}
	case time.Time:
		return v.IsZero()
	}
	return false
}
