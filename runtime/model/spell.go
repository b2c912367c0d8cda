package model

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A speller writes a JSON value in the one spelling that every database keeps, which is
// that of jsonb of PostgreSQL without its blanks: keys by length and then by their
// bytes, numbers without an exponent, nothing escaped that need not be. It makes no tree
// of the value, which would have many times the room of its text.
type speller struct {
	from  *json.Decoder
	out   []byte
	zeros int // that exponents stood for
}

// A part is where a member of an object was written.
type part struct {
	key       string
	from, end int
}

func (p part) compare(q part) int {
	return cmp.Or(cmp.Compare(len(p.key), len(q.key)), strings.Compare(p.key, q.key))
}

// next writes the value that follows.
func (s *speller) next() fault {
	token, err := s.from.Token()
	if err != nil {
		return fault{CodeFormat, "must be JSON"}
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return s.object()
		}
		return s.list()
	case string:
		return s.text(v)
	case json.Number:
		more, ok := modest(v.String())
		if s.zeros += more; !ok || s.zeros > maxZeros {
			return fault{CodePrecision, fmt.Sprintf("must not contain numbers of more than %d digits, or many with exponents", maxDigits)}
		}
		s.out = appendSpeltNumber(s.out, v.String())
	case bool:
		s.out = strconv.AppendBool(s.out, v)
	default:
		s.out = append(s.out, "null"...)
	}
	return fault{}
}

func (s *speller) text(v string) fault {
	if strings.IndexByte(v, 0) >= 0 {
		return fault{CodeFormat, "must not contain the character NUL"}
	}
	s.out = appendSpeltText(s.out, v)
	return fault{}
}

func (s *speller) list() fault {
	s.out = append(s.out, '[')
	for n := 0; s.from.More(); n++ {
		if n > 0 {
			s.out = append(s.out, ',')
		}
		if bad := s.next(); bad.bad() {
			return bad
		}
	}
	s.out = append(s.out, ']')
	return s.end()
}

// end passes over the end of a list or an object.
func (s *speller) end() fault {
	if _, err := s.from.Token(); err != nil {
		return fault{CodeFormat, "must be JSON"}
	}
	return fault{}
}

// object writes the members as they come, and then in their order: of those with the
// same key the last one counts.
func (s *speller) object() fault {
	var parts []part
	ordered, start := true, len(s.out)
	for s.from.More() {
		s.out = append(s.out, '{') // or a comma, as it turns out
		token, err := s.from.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return fault{CodeFormat, "must be JSON"}
		}
		p := part{key: key, from: len(s.out)}
		if bad := s.text(key); bad.bad() {
			return bad
		}
		s.out = append(s.out, ':')
		if bad := s.next(); bad.bad() {
			return bad
		}
		p.end = len(s.out)
		if n := len(parts); n > 0 {
			s.out[p.from-1] = ','
			ordered = ordered && parts[n-1].compare(p) < 0
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		s.out = append(s.out, '{')
	}
	if !ordered {
		s.sort(parts, start)
	}
	s.out = append(s.out, '}')
	return s.end()
}

// sort puts the parts in their order, from start on.
func (s *speller) sort(parts []part, start int) {
	slices.SortStableFunc(parts, part.compare)
	sorted := make([]byte, 0, len(s.out)-start)
	for i, p := range parts {
		if i+1 < len(parts) && parts[i+1].key == p.key {
			continue
		}
		if len(sorted) > 0 {
			sorted = append(sorted, ',')
		}
		sorted = append(sorted, s.out[p.from:p.end]...)
	}
	s.out = append(append(s.out[:start], '{'), sorted...)
}

func appendSpeltText(dst []byte, s string) []byte {
	const short = "\b\f\n\r\t\"\\"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case strings.IndexByte(short, c) >= 0:
			dst = append(dst, '\\', `bfnrt"\`[strings.IndexByte(short, c)])
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// appendSpeltNumber writes all digits of a number: 15e2 is 1500, 1.50 is 1.50.
func appendSpeltNumber(dst []byte, s string) []byte {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	exp, _ := strconv.Atoi(cmp.Or(exponent, "0")) // modest has asked
	negative := strings.HasPrefix(mantissa, "-")
	whole, part, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	digits, point := whole+part, len(whole)+exp
	if point < 0 {
		digits, point = strings.Repeat("0", -point)+digits, 0
	}
	if n := point - len(digits); n > 0 {
		digits += strings.Repeat("0", n)
	}
	whole, part = strings.TrimLeft(digits[:point], "0"), digits[point:]
	if negative && strings.Trim(digits, "0") != "" { // there is one zero
		dst = append(dst, '-')
	}
	dst = append(dst, cmp.Or(whole, "0")...)
	if part != "" {
		dst = append(append(dst, '.'), part...)
	}
	return dst
}
