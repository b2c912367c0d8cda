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
	"fmt"
	"strconv"
)

// MaxDepth is how deep arrays and objects may be nested.
const MaxDepth = 32

// An Error says what is wrong with a document, and where.
type Error struct {
	// Offset is where in the document, in bytes from its start.
	Offset int
	// Message says what is wrong. It quotes nothing of the document but the
	// names of members.
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
// or map[string]any. Arrays and objects nested deeper than maxDepth are
// refused; zero or less means [MaxDepth]. On error it returns nil and an
// [*Error].
func Decode(data []byte, maxDepth int) (any, error) {
	s := newScanner(data, maxDepth)
	v, err := s.document(func() (any, error) { return s.value() })
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Members returns the members of the object in data, checked to the bottom
// like [Decode] does with [MaxDepth]. The values share memory with data. A
// document that is not an object is refused.
func Members(data []byte) (Object, error) {
	s := newScanner(data, MaxDepth)
	var members Object
	_, err := s.document(func() (any, error) {
		if s.peek() != '{' {
			return nil, s.fail("not an object")
		}
		members = make(Object, 0, 8)
		return nil, s.object(func(key string) error {
			start := s.pos
			if err := s.skip(); err != nil {
				return err
			}
			members = append(members, Member{key, s.data[start:s.pos:s.pos]})
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return members, nil
}

// Unquote returns the string in raw, which must be a JSON string without
// blanks around it.
func Unquote(raw json.RawMessage) (string, error) {
	s := newScanner(raw, 1)
	if s.peek() != '"' {
		return "", s.fail("not a string")
	}
	text, err := s.text()
	if err != nil {
		return "", err
	}
	if s.pos != len(raw) {
		return "", s.fail("something after the value")
	}
	return text, nil
}

// scanner stands at pos in data.
type scanner struct {
	data  []byte
	pos   int
	depth int // how many more levels are allowed
}

func newScanner(data []byte, maxDepth int) *scanner {
	if maxDepth <= 0 {
		maxDepth = MaxDepth
	}
	return &scanner{data: data, depth: maxDepth}
}

func (s *scanner) fail(message string) error { return s.failAt(s.pos, message) }

func (s *scanner) failAt(pos int, message string) error {
	return &Error{Offset: pos, Message: message}
}

// peek returns the byte at pos, 0 at the end. A 0 in the data is no token
// either, so nobody confuses the two.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) blanks() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) document(read func() (any, error)) (any, error) {
	s.blanks()
	v, err := read()
	if err != nil {
		return nil, err
	}
	s.blanks()
	if s.pos < len(s.data) {
		return nil, s.fail("something after the value")
	}
	return v, nil
}

func (s *scanner) unexpected(want string) error {
	if s.pos >= len(s.data) {
		return s.fail("unexpected end, " + want + " expected")
	}
	return s.fail(fmt.Sprintf("unexpected %q, %s expected", s.data[s.pos], want))
}

func (s *scanner) enter() error {
	if s.depth == 0 {
		return s.fail("nested too deeply")
	}
	s.depth--
	return nil
}

// value reads a value. The switch is the grammar of RFC 8259 §3.
func (s *scanner) value() (any, error) {
	switch c := s.peek(); c {
	case '{':
		m := make(map[string]any)
		err := s.object(func(key string) error {
			v, err := s.value()
			m[key] = v
			return err
		})
		return m, err
	case '[':
		list := []any{}
		err := s.array(func() error {
			v, err := s.value()
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		return s.text()
	case 't':
		return true, s.literal("true")
	case 'f':
		return false, s.literal("false")
	case 'n':
		return nil, s.literal("null")
	default:
		start := s.pos
		if err := s.number(); err != nil {
			return nil, err
		}
		return json.Number(s.data[start:s.pos]), nil
	}
}

// skip checks a value without keeping it.
func (s *scanner) skip() error {
	switch s.peek() {
	case '{':
		return s.object(func(string) error { return s.skip() })
	case '[':
		return s.array(s.skip)
	case '"':
		_, _, err := s.quoted()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

func (s *scanner) object(member func(key string) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	s.pos++
	s.blanks()
	var seen names
	for first := true; s.peek() != '}'; first = false {
		if !first {
			if s.peek() != ',' {
				return s.unexpected("',' or '}'")
			}
			s.pos++
			s.blanks()
		}
		if s.peek() != '"' {
			return s.unexpected("a name in quotes")
		}
		start := s.pos
		key, err := s.text()
		if err != nil {
			return err
		}
		if !seen.add(key) {
			return s.failAt(start, fmt.Sprintf("member %q is there twice", key))
		}
		s.blanks()
		if s.peek() != ':' {
			return s.unexpected("':'")
		}
		s.pos++
		s.blanks()
		if err := member(key); err != nil {
			return err
		}
		s.blanks()
	}
	s.pos++
	s.depth++
	return nil
}

func (s *scanner) array(element func() error) error {
	if err := s.enter(); err != nil {
		return err
	}
	s.pos++
	s.blanks()
	for first := true; s.peek() != ']'; first = false {
		if !first {
			if s.peek() != ',' {
				return s.unexpected("',' or ']'")
			}
			s.pos++
			s.blanks()
		}
		if err := element(); err != nil {
			return err
		}
		s.blanks()
	}
	s.pos++
	s.depth++
	return nil
}

func (s *scanner) literal(word string) error {
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return s.unexpected(word)
	}
	s.pos += len(word)
	return nil
}

// number checks a number against RFC 8259 §6.
func (s *scanner) number() error {
	start := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	switch c := s.peek(); {
	case c == '0':
		s.pos++
	case c >= '1' && c <= '9':
		s.digits()
	case s.pos == start:
		return s.unexpected("a value")
	default:
		return s.unexpected("a digit")
	}
	if s.peek() == '.' {
		s.pos++
		if s.digits() == 0 {
			return s.unexpected("a digit")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if s.digits() == 0 {
			return s.unexpected("a digit")
		}
	}
	return nil
}

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos]-'0' <= 9 {
		s.pos++
	}
	return s.pos - start
}
