package jose

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep objects and arrays may be nested.
const maxDepth = 16

// A syntaxError is what is wrong with a JSON text. It quotes nothing of it.
type syntaxError string

func (e syntaxError) Error() string { return string(e) }

const (
	errSyntax    syntaxError = "not JSON"
	errNotObject syntaxError = "not a JSON object"
	errTrailing  syntaxError = "something follows the JSON value"
	errDepth     syntaxError = "JSON nested too deep"
	errDuplicate syntaxError = "JSON member given twice"
	errUTF8      syntaxError = "JSON is not valid UTF-8"
	errNumber    syntaxError = "JSON number out of range"
	errType      syntaxError = "JSON member of the wrong type"
)

// A parser reads one JSON text (RFC 8259) once, from left to right. Strings that
// it returns share memory with the text.
type parser struct {
	text  string
	pos   int
	depth int
}

// parseObject reads text, which is one object and nothing else. It calls member
// for each name, and member reads the value.
func parseObject(text string, member func(p *parser, name string) error) error {
	if !utf8.ValidString(text) {
		return errUTF8
	}
	p := &parser{text: text}
	if p.peek() != '{' {
		return errNotObject
	}
	if err := p.object(member); err != nil {
		return err
	}
	if p.peek(); p.pos != len(p.text) {
		return errTrailing
	}
	return nil
}

// peek skips white space and returns the byte that follows, 0 at the end.
func (p *parser) peek() byte {
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; c {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return c
		}
	}
	return 0
}

// accept consumes the next byte when it is c.
func (p *parser) accept(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.pos++
	return true
}

func (p *parser) enter() error {
	p.pos++
	if p.depth++; p.depth > maxDepth {
		return errDepth
	}
	return nil
}

// object reads an object; the parser stands at its brace.
func (p *parser) object(member func(p *parser, name string) error) error {
	if err := p.enter(); err != nil {
		return err
	}
	var seen nameSet
	for more := !p.accept('}'); more; {
		if p.peek() != '"' {
			return errSyntax
		}
		name, err := p.string()
		if err != nil {
			return err
		}
		if !seen.add(fold(name)) {
			return errDuplicate
		}
		if !p.accept(':') {
			return errSyntax
		}
		if err := member(p, name); err != nil {
			return err
		}
		if more = p.accept(','); !more && !p.accept('}') {
			return errSyntax
		}
	}
	p.depth--
	return nil
}

// array reads an array; the parser stands at its bracket, and element reads
// each value.
func (p *parser) array(element func(p *parser) error) error {
	if err := p.enter(); err != nil {
		return err
	}
	for more := !p.accept(']'); more; {
		if err := element(p); err != nil {
			return err
		}
		if more = p.accept(','); !more && !p.accept(']') {
			return errSyntax
		}
	}
	p.depth--
	return nil
}

// value reads any value: nil, bool, json.Number, string, []any, map[string]any.
func (p *parser) value() (any, error) {
	switch c := p.peek(); c {
	case '{':
		m := make(map[string]any)
		err := p.object(func(p *parser, name string) (err error) {
			m[name], err = p.value()
			return err
		})
		return m, err
	case '[':
		list := []any{}
		err := p.array(func(p *parser) error {
			v, err := p.value()
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		return p.string()
	case 't':
		return true, p.literal("true")
	case 'f':
		return false, p.literal("false")
	case 'n':
		return nil, p.literal("null")
	default:
		n, err := p.number()
		return json.Number(n), err
	}
}

func (p *parser) literal(word string) error {
	if !strings.HasPrefix(p.text[p.pos:], word) {
		return errSyntax
	}
	p.pos += len(word)
	return nil
}

// special holds the bytes that do not stand for themselves in a string.
var special = func() (table [256]bool) {
	for c := range ' ' {
		table[c] = true
	}
	table['"'], table['\\'] = true, true
	return table
}()

// stringValue reads a value that has to be a string.
func (p *parser) stringValue() (string, error) {
	if p.peek() != '"' {
		return "", errType
	}
	return p.string()
}

// string reads a string; the parser stands at its quote.
func (p *parser) string() (string, error) {
	start := p.pos + 1
	i := start
	for i < len(p.text) && !special[p.text[i]] {
		i++
	}
	switch {
	case i == len(p.text) || p.text[i] < ' ':
		return "", errSyntax
	case p.text[i] == '\\':
		return p.escaped(start, i)
	default:
		p.pos = i + 1
		return p.text[start:i], nil
	}
}

// escaped reads on in a string that began at start and has its first escape at i.
func (p *parser) escaped(start, i int) (string, error) {
	b := append(make([]byte, 0, 2*(i-start)+16), p.text[start:i]...)
	for p.pos = i; p.pos < len(p.text); {
		c := p.text[p.pos]
		p.pos++
		switch {
		case c == '"':
			return string(b), nil
		case c < ' ':
			return "", errSyntax
		case c != '\\':
			b = append(b, c)
		default:
			r, ok := p.escape()
			if !ok {
				return "", errSyntax
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return "", errSyntax
}

// escape reads what follows a backslash.
func (p *parser) escape() (rune, bool) {
	if p.pos == len(p.text) {
		return 0, false
	}
	c := p.text[p.pos]
	p.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		return p.unicode()
	default:
		return 0, false
	}
}

// unicode reads the digits of a \u escape, and the second one of a pair. A lone
// surrogate is no character.
func (p *parser) unicode() (rune, bool) {
	r, ok := p.hex4()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	if !strings.HasPrefix(p.text[p.pos:], `\u`) {
		return 0, false
	}
	p.pos += 2
	low, ok := p.hex4()
	r = utf16.DecodeRune(r, low)
	return r, ok && r != unicode.ReplacementChar
}

func (p *parser) hex4() (rune, bool) {
	if len(p.text)-p.pos < 4 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.text[p.pos : p.pos+4]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	p.pos += 4
	return r, true
}

// number reads a number and returns it as it is written. It fits a float64.
func (p *parser) number() (string, error) {
	start := p.pos
	p.skip('-')
	if !p.skip('0') && p.digits() == 0 {
		return "", errSyntax
	}
	simple := true
	if p.skip('.') {
		simple = false
		if p.digits() == 0 {
			return "", errSyntax
		}
	}
	if p.skip('e') || p.skip('E') {
		simple = false
		if !p.skip('+') {
			p.skip('-')
		}
		if p.digits() == 0 {
			return "", errSyntax
		}
	}
	n := p.text[start:p.pos]
	if simple && len(n) <= 300 {
		return n, nil
	}
	if _, err := strconv.ParseFloat(n, 64); err != nil {
		return "", errNumber
	}
	return n, nil
}

// skip consumes the next byte when it is c; white space is none.
func (p *parser) skip(c byte) bool {
	if p.pos == len(p.text) || p.text[p.pos] != c {
		return false
	}
	p.pos++
	return true
}

func (p *parser) digits() int {
	start := p.pos
	for p.pos < len(p.text) && '0' <= p.text[p.pos] && p.text[p.pos] <= '9' {
		p.pos++
	}
	return p.pos - start
}

// maxSeconds is the latest NumericDate: what a float64 counts exactly.
const maxSeconds = 1 << 53

// numericDate reads a NumericDate (RFC 7519 §2): seconds since 1970, of which
// there may be a fraction.
func (p *parser) numericDate() (seconds int64, nanoseconds int64, err error) {
	if c := p.peek(); c < '0' || c > '9' {
		return 0, 0, errType
	}
	n, err := p.number()
	if err != nil {
		return 0, 0, err
	}
	if s, err := strconv.ParseInt(n, 10, 64); err == nil {
		if s > maxSeconds {
			return 0, 0, errNumber
		}
		return s, 0, nil
	}
	f, err := strconv.ParseFloat(n, 64)
	if err != nil || f > maxSeconds {
		return 0, 0, errNumber
	}
	whole, fraction := math.Modf(f)
	return int64(whole), int64(fraction * 1e9), nil
}

// A nameSet holds the folded names of an object's members.
type nameSet struct {
	few  [12]string
	n    int
	many map[string]struct{}
}

// add reports whether name is new.
func (s *nameSet) add(name string) bool {
	if slices.Contains(s.few[:s.n], name) {
		return false
	}
	if s.n < len(s.few) {
		s.few[s.n] = name
		s.n++
		return true
	}
	if _, ok := s.many[name]; ok {
		return false
	}
	if s.many == nil {
		s.many = make(map[string]struct{})
	}
	s.many[name] = struct{}{}
	return true
}

// fold returns the same string for all names that differ only in case, as
// [strings.EqualFold] and with it encoding/json understand it.
func fold(name string) string {
	for _, c := range []byte(name) {
		if c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return strings.Map(foldRune, name)
		}
	}
	return name
}

// foldRune returns the lower-case letter of ASCII that r folds to, else the
// least rune of those that differ from r only in case.
func foldRune(r rune) rune {
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}
