package strictjson

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// special holds the bytes that do not stand for themselves in a string.
var special = func() (table [256]bool) {
	for c := range ' ' {
		table[c] = true
	}
	table['"'], table['\\'] = true, true
	return table
}()

// String reads a string.
func (r *Reader) String() (string, error) {
	if r.Peek() != '"' {
		return "", r.unexpected("a string")
	}
	return r.string()
}

// string reads a string; the reader stands at its quote. That the text is UTF-8
// has been checked.
func (r *Reader) string() (string, error) {
	text, start := r.text, r.pos+1
	i := start
	for i < len(text) && !special[text[i]] {
		i++
	}
	switch {
	case i == len(text):
		return "", r.fail("a string that does not end")
	case text[i] == '"':
		r.pos = i + 1
		if r.own {
			return strings.Clone(text[start:i]), nil
		}
		return text[start:i], nil
	default:
		return r.escaped(start, i)
	}
}

// escaped reads on in a string that began at start, and whose first byte that
// does not stand for itself is at i.
func (r *Reader) escaped(start, i int) (string, error) {
	b := append(make([]byte, 0, 2*(i-start)+16), r.text[start:i]...)
	for r.pos = i; r.pos < len(r.text); {
		c := r.text[r.pos]
		switch {
		case c == '"':
			r.pos++
			return string(b), nil
		case c < ' ':
			return "", r.fail("a control character in a string")
		case c == '\\':
			char, err := r.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, char)
		default:
			b = append(b, c)
			r.pos++
		}
	}
	return "", r.failAt(start-1, "a string that does not end")
}

// escape reads an escape; the reader stands at its backslash.
func (r *Reader) escape() (rune, error) {
	if r.pos+1 == len(r.text) {
		return 0, r.unexpected("an escape")
	}
	char, size := rune(0), 2
	switch c := r.text[r.pos+1]; c {
	case '"', '\\', '/':
		char = rune(c)
	case 'b':
		char = '\b'
	case 'f':
		char = '\f'
	case 'n':
		char = '\n'
	case 'r':
		char = '\r'
	case 't':
		char = '\t'
	case 'u':
		unit, ok := codeUnit(r.text[r.pos:])
		if !ok {
			return 0, r.fail("an escape that is none")
		}
		if char, size = unit, 6; utf16.IsSurrogate(unit) {
			low, ok := codeUnit(r.text[r.pos+6:])
			if char, size = utf16.DecodeRune(unit, low), 12; !ok || char == unicode.ReplacementChar {
				return 0, r.fail("half of a surrogate pair")
			}
		}
	default:
		return 0, r.fail("an escape that is none")
	}
	r.pos += size
	return char, nil
}

// codeUnit reads the \uXXXX at the start of text.
func codeUnit(text string) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range []byte(text[2:6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}
