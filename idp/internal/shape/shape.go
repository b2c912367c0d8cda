// Package shape says what the JSON of a tenant's objects may hold: which members,
// of which form. The Management API judges what callers write by it, and an
// import what stands in a file.
//
// What depends on an object as a whole is a method of it in package tenant.
package shape

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// An Error says which member of an object is wrong, and why.
type Error struct {
	// Field is the path of the member; empty when it is the object as a whole.
	Field string
	// Reason is in the words of a schema validator, and of what was written it
	// quotes a few characters at most.
	Reason string
	// About says what the member is for; may be empty.
	About string
}

// Error returns the path with the reason.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Reason
	}
	return e.Field + ": " + e.Reason
}

// Wrong returns an [*Error] about a member.
func Wrong(field, reason string) error { return &Error{Field: field, Reason: reason} }

// A Property is what an object may say about one thing.
type Property struct {
	// Check returns what is wrong with a value; nil takes all.
	Check func(json.RawMessage) string
	About string
	// Needed properties have to be there, Reserved ones must not.
	Needed, Reserved bool
	// Nullable properties may be null, which removes them.
	Nullable bool
}

// A Schema is what an object may say. Members that it does not name are not
// judged, but for their numbers.
type Schema map[string]Property

// With returns s with further properties.
func (s Schema) With(more Schema) Schema {
	all := maps.Clone(s)
	maps.Copy(all, more)
	return all
}

// Reserve returns s with properties that are not for callers.
func (s Schema) Reserve(names ...string) Schema {
	all := maps.Clone(s)
	for _, name := range names {
		all[name] = Property{Reserved: true}
	}
	return all
}

// Patching returns s for a change: nothing is needed, null removes.
func (s Schema) Patching() Schema {
	all := maps.Clone(s)
	for name, p := range all {
		p.Nullable = !p.Needed
		p.Needed = false
		all[name] = p
	}
	return all
}

// Stored returns s for an object that is stored or exported: what is reserved is
// there, and null stands for what is not.
func (s Schema) Stored() Schema {
	all := Schema{}
	for name, p := range s {
		if p.Reserved {
			continue
		}
		p.Nullable = !p.Needed
		all[name] = p
	}
	return all
}

// Check judges the members of an object. The error is an [*Error].
func (s Schema) Check(o map[string]json.RawMessage) error {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if err := s[name].judge(name, o[name]); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if _, there := o[name]; s[name].Needed && !there {
			return &Error{name, "Missing required property: " + name, s[name].About}
		}
	}
	return nil
}

// NotAllowed returns the refusal of a member that must not be there.
func NotAllowed(name string) error {
	return &Error{Reason: "Additional properties not allowed: " + Cut(name, 64)}
}

func (p Property) judge(name string, raw json.RawMessage) error {
	switch {
	case p.Reserved:
		return NotAllowed(name)
	case name == "" || len(name) > 128:
		return &Error{Reason: "the name of a property is empty or too long"}
	case len(raw) == 0:
		return &Error{name, "Expected a value", p.About}
	case string(raw) == "null" && p.Nullable:
		return nil
	}
	if path, huge := hugeNumber(name, raw); huge {
		return &Error{path, "Number is too large", p.About}
	}
	if p.Check == nil {
		return nil
	}
	if why := p.Check(raw); why != "" {
		return &Error{name, why, p.About}
	}
	return nil
}

// hugeNumber returns the path of the first number that is beyond a float64.
// Whoever reads JSON into one, databases too, would fail at it.
func hugeNumber(path string, raw json.RawMessage) (string, bool) {
	if len(raw) < 300 && !strings.ContainsAny(string(raw), "eE") { // 1e308 has 309 digits
		return "", false
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return "", false // is told by who reads it
	}
	return hugeIn(path, v)
}

func hugeIn(path string, v any) (string, bool) {
	switch v := v.(type) {
	case json.Number:
		_, err := v.Float64()
		return path, err != nil
	case []any:
		for i, item := range v {
			if at, huge := hugeIn(path+"["+strconv.Itoa(i)+"]", item); huge {
				return at, true
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if at, huge := hugeIn(path+"."+Cut(name, 64), v[name]); huge {
				return at, true
			}
		}
	}
	return "", false
}

// Cut returns at most n bytes of a text, as UTF-8 without half characters.
func Cut(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }
