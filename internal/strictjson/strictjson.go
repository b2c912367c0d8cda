// Package strictjson reads JSON as RFC 8259 has it and as a careful server
// wants it: one value with nothing after it, valid UTF-8, no member twice in an
// object (not even in another case), no lone surrogates, bounded nesting,
// numbers as they were written.
//
// The lenient reader of encoding/json lets two programs understand one
// document differently; this one refuses what could be understood twice.
package strictjson

import (
	"encoding/json"
	"strconv"
)

// MaxDepth is how deep arrays and objects may be nested.
const MaxDepth = 32

// An Error says what is wrong with a document, and where.
type Error struct {
	// Offset is where in the document, in bytes from its start.
	Offset int
	// Message says what is wrong. It quotes nothing of the document but the
	// names of members, and of them not more than maxQuoted characters.
	Message string
}

// Error implements error.
func (e *Error) Error() string {
	return e.Message + " at byte " + strconv.Itoa(e.Offset)
}

// A Member is one member of an object.
type Member struct {
	// Key is the name, with escapes resolved.
	Key string
	// Value is the value as it was written, checked like the whole document.
	Value json.RawMessage
}

// An Object is an object's members in the order in which they were written.
type Object []Member

// Decode returns the one value in data: nil, bool, json.Number, string, []any
// or map[string]any, sharing no memory with it. Arrays and objects nested deeper
// than maxDepth are refused; zero or less means [MaxDepth]. On error it returns
// nil and an [*Error].
func Decode(data []byte, maxDepth int) (any, error) {
	var v any
	err := read(string(data), Limits{Depth: maxDepth}, func(r *Reader) (err error) {
		r.own = true
		v, err = r.Value()
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// MaxMembers is how many members [Members] reads: each takes many times the room
// that it has in the document.
const MaxMembers = 1000

// Members returns the members of the object in data, checked to the bottom
// like [Decode] does with [MaxDepth]. The values share memory with data. A
// document that is not an object, or has more than [MaxMembers], is refused.
func Members(data []byte) (Object, error) {
	members := make(Object, 0, 8)
	err := ReadObject(string(data), Limits{}, func(r *Reader, name string) error {
		if len(members) == MaxMembers {
			return r.fail("more than " + strconv.Itoa(MaxMembers) + " members")
		}
		raw, err := r.Skip()
		start := r.pos - len(raw)
		members = append(members, Member{name, data[start:r.pos:r.pos]})
		return err
	})
	if err != nil {
		return nil, err
	}
	return members, nil
}

// Unquote returns the string in raw, which must be a JSON string without
// blanks around it.
func Unquote(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", &Error{Message: "not a string"}
	}
	var text string
	err := read(string(raw), Limits{Depth: 1}, func(r *Reader) (err error) {
		text, err = r.String()
		return err
	})
	if err == nil && raw[len(raw)-1] != '"' {
		err = &Error{Offset: len(raw) - 1, Message: "something after the value"}
	}
	if err != nil {
		return "", err
	}
	return text, nil
}
