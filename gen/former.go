package gen

import (
	"bytes"
	"slices"

	"github.com/gatewright/gate/design"
)

// Former is what became of the entities that a service was generated with, by the names
// that they had, and by those that they have. It is empty while gate.yaml says what it did.
type Former map[string]FormerEntity

// A FormerEntity is an entity and what it is now.
type FormerEntity struct {
	Name string // of now

	pair
}

// formerNames compares a design with that of a lock.
func formerNames(lock []byte, is *design.Design) Former {
	if t, err := parseLock(lock); err != nil || t == nil || bytes.Equal(t.Design, bytes.TrimSpace(is.JSON())) {
		return nil // which is nearly always so, and costs less than reading the design
	}
	was, err := ReadLock(lock)
	if err != nil || was == nil || was.Unread != nil {
		return nil
	}
	former := Former{}
	for _, p := range samePairs(was.Design, is) {
		e := FormerEntity{p.is.Name, p}
		former[p.is.Name], former[p.was.Name] = e, e
	}
	return former
}

// Field returns the name of now of a field or a relation; what there was none of keeps
// its name.
func (e FormerEntity) Field(name string) string {
	if e.is.Field(name) != nil || e.is.Link(name) != nil {
		return name
	}
	for _, f := range e.is.Fields {
		if before := formerField(e.was, f); before != nil && before.Name == name {
			return f.Name
		}
	}
	for _, l := range e.is.Links {
		if before := formerLink(e.was, l); before != nil && before.Name == name {
			return l.Name
		}
	}
	return name
}

// Value returns the value of now of an enum, which a field of either name has.
func (e FormerEntity) Value(field, value string) string {
	f := e.is.Field(e.Field(field))
	if f == nil || slices.ContainsFunc(f.Values, func(v design.Value) bool { return v.Name == value }) {
		return value
	}
	before := formerField(e.was, f)
	if before == nil || !slices.ContainsFunc(before.Values, func(v design.Value) bool { return v.Name == value }) {
		return value
	}
	for _, v := range f.Values {
		if v.RenamedFrom == value {
			return v.Name
		}
	}
	return value
}
