package strictjson

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxQuoted is how many characters of a name an error quotes.
const maxQuoted = 64

// maxNames is how many members an object may have: each name is kept until the object
// ends.
const maxNames = 10_000

// Limits say what a [Reader] takes. The zero value is good for documents that
// are not read often.
type Limits struct {
	// Depth is how deep arrays and objects may be nested; zero or less means
	// [MaxDepth].
	Depth int
	// Float64 refuses numbers that a float64 does not hold, such as 1e400.
	Float64 bool
}

// A Reader reads one document once, from left to right. Each method reads the
// value that follows, and is called when there has to be one. Strings share
// memory with the document. A Reader is not safe for concurrent use.
type Reader struct {
	text    string
	pos     int
	depth   int  // how many more levels are allowed
	float64 bool // Limits.Float64
	own     bool // strings share no memory with the text
}

// ReadObject reads text, which is one object and nothing else. It calls member
// for each name, and member reads the value. Errors are [*Error], and what
// member returns.
func ReadObject(text string, l Limits, member func(r *Reader, name string) error) error {
	return read(text, l, func(r *Reader) error {
		if r.Peek() != '{' {
			return r.fail("not an object")
		}
		return r.object(member)
	})
}

// read reads text, which is what value reads and nothing else.
func read(text string, l Limits, value func(r *Reader) error) error {
	if l.Depth <= 0 {
		l.Depth = MaxDepth
	}
	r := &Reader{text: text, depth: l.Depth, float64: l.Float64}
	if !utf8.ValidString(text) {
		r.pos = invalid(text)
		return r.fail("not UTF-8")
	}
	r.Peek()
	if err := value(r); err != nil {
		return err
	}
	if r.Peek(); r.pos != len(text) {
		return r.fail("something after the value")
	}
	return nil
}

// invalid returns where text is not UTF-8.
func invalid(text string) int {
	for i, c := range text {
		if c == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}

func (r *Reader) fail(message string) error { return r.failAt(r.pos, message) }

func (r *Reader) failAt(pos int, message string) error {
	return &Error{Offset: pos, Message: message}
}

func (r *Reader) unexpected(want string) error {
	if r.pos >= len(r.text) {
		return r.fail("unexpected end, " + want + " expected")
	}
	return r.fail(fmt.Sprintf("unexpected %q, %s expected", r.text[r.pos], want))
}

// Peek passes over blanks and returns the byte that follows, which tells what
// kind of value it is; 0 at the end. A 0 in the document begins no value either,
// so nobody confuses the two.
func (r *Reader) Peek() byte {
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// accept passes over the next byte when it is c.
func (r *Reader) accept(c byte) bool {
	if r.Peek() != c {
		return false
	}
	r.pos++
	return true
}

func (r *Reader) enter() error {
	if r.depth == 0 {
		return r.fail("nested too deeply")
	}
	r.depth--
	r.pos++
	return nil
}

// object reads an object; the reader stands at its brace, and member reads each
// value.
func (r *Reader) object(member func(r *Reader, name string) error) error {
	if err := r.enter(); err != nil {
		return err
	}
	var seen names
	n := 0
	for more := !r.accept('}'); more; n++ {
		if n == maxNames {
			return r.fail("an object of more than " + strconv.Itoa(maxNames) + " members")
		}
		if r.Peek() != '"' {
			return r.unexpected("a name in quotes")
		}
		start := r.pos
		name, err := r.string()
		if err != nil {
			return err
		}
		if !seen.add(name) {
			return r.failAt(start, fmt.Sprintf("member %.*q is there twice", maxQuoted, name))
		}
		if !r.accept(':') {
			return r.unexpected("':'")
		}
		if err := member(r, name); err != nil {
			return err
		}
		if more = r.accept(','); !more && !r.accept('}') {
			return r.unexpected("',' or '}'")
		}
	}
	r.depth++
	return nil
}

// Array reads an array; element reads each of its values.
func (r *Reader) Array(element func(r *Reader) error) error {
	if r.Peek() != '[' {
		return r.unexpected("a list")
	}
	if err := r.enter(); err != nil {
		return err
	}
	for more := !r.accept(']'); more; {
		if err := element(r); err != nil {
			return err
		}
		if more = r.accept(','); !more && !r.accept(']') {
			return r.unexpected("',' or ']'")
		}
	}
	r.depth++
	return nil
}

// Value reads any value: nil, bool, json.Number, string, []any, map[string]any.
func (r *Reader) Value() (any, error) {
	switch r.Peek() {
	case '{':
		m := make(map[string]any)
		err := r.object(func(r *Reader, name string) error {
			v, err := r.Value()
			m[name] = v
			return err
		})
		return m, err
	case '[':
		list := []any{}
		err := r.Array(func(r *Reader) error {
			v, err := r.Value()
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		return r.string()
	case 't':
		return true, r.literal("true")
	case 'f':
		return false, r.literal("false")
	case 'n':
		return nil, r.literal("null")
	default:
		n, err := r.Number()
		if r.own {
			n = strings.Clone(n)
		}
		return json.Number(n), err
	}
}

// Skip reads any value and returns it as it was written.
func (r *Reader) Skip() (string, error) {
	r.Peek()
	start := r.pos
	err := r.skip()
	return r.text[start:r.pos], err
}

func (r *Reader) skip() (err error) {
	switch r.Peek() {
	case '{':
		return r.object(func(r *Reader, _ string) error { return r.skip() })
	case '[':
		return r.Array((*Reader).skip)
	case '"':
		_, err = r.string()
	case 't':
		return r.literal("true")
	case 'f':
		return r.literal("false")
	case 'n':
		return r.literal("null")
	default:
		_, err = r.Number()
	}
	return err
}

func (r *Reader) literal(word string) error {
	if !strings.HasPrefix(r.text[r.pos:], word) {
		return r.unexpected(word)
	}
	r.pos += len(word)
	return nil
}

// Number reads a number (RFC 8259 §6) and returns it as it was written.
func (r *Reader) Number() (string, error) {
	r.Peek()
	start := r.pos
	negative := r.pass('-')
	if !r.pass('0') && r.digits() == 0 {
		if negative {
			return "", r.unexpected("a digit")
		}
		return "", r.unexpected("a value")
	}
	whole := true
	if r.pass('.') {
		whole = false
		if r.digits() == 0 {
			return "", r.unexpected("a digit")
		}
	}
	if r.pass('e') || r.pass('E') {
		whole = false
		if !r.pass('+') {
			r.pass('-')
		}
		if r.digits() == 0 {
			return "", r.unexpected("a digit")
		}
	}
	n := r.text[start:r.pos]
	if !r.float64 || whole && len(n) <= 300 {
		return n, nil
	}
	if _, err := strconv.ParseFloat(n, 64); err != nil {
		return "", r.failAt(start, "a number out of range")
	}
	return n, nil
}

// pass passes over the next byte when it is c; a blank is none.
func (r *Reader) pass(c byte) bool {
	if r.pos == len(r.text) || r.text[r.pos] != c {
		return false
	}
	r.pos++
	return true
}

func (r *Reader) digits() int {
	start := r.pos
	for r.pos < len(r.text) && r.text[r.pos]-'0' <= 9 {
		r.pos++
	}
	return r.pos - start
}
