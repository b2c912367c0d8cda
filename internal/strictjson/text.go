package strictjson

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted passes over a string and returns what stands between the quotes,
// checked, and whether it has escapes.
func (s *scanner) quoted() (inner []byte, escaped bool, err error) {
	open := s.pos
	s.pos++
	for {
		s.pos += plain(s.data[s.pos:])
		if s.pos >= len(s.data) {
			return nil, false, s.failAt(open, "a string that does not end")
		}
		switch c := s.data[s.pos]; {
		case c == '"':
			inner = s.data[open+1 : s.pos]
			s.pos++
			return inner, escaped, nil
		case c == '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return nil, false, err
			}
		case c < ' ':
			return nil, false, s.fail("a control character in a string")
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return nil, false, s.fail("not UTF-8")
			}
			s.pos += size
		}
	}
}

// plain returns how many bytes at the start of data are ASCII that stands for
// itself in a string.
func plain(data []byte) int {
	for i, c := range data {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return i
		}
	}
	return len(data)
}

// escape passes over an escape. A surrogate must be half of a pair.
func (s *scanner) escape() error {
	if s.pos+1 >= len(s.data) {
		return s.unexpected("an escape")
	}
	switch s.data[s.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return nil
	case 'u':
		r, ok := unit(s.data[s.pos:])
		if !ok {
			return s.fail("an escape that is none")
		}
		size := 6
		if utf16.IsSurrogate(r) {
			low, ok := unit(s.data[s.pos+6:])
			if !ok || utf16.DecodeRune(r, low) == unicode.ReplacementChar {
				return s.fail("half of a surrogate pair")
			}
			size = 12
		}
		s.pos += size
		return nil
	default:
		return s.fail("an escape that is none")
	}
}

// unit reads the \uXXXX at the start of data.
func unit(data []byte) (r rune, ok bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	for _, c := range data[2:6] {
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
		r = r<<4 | rune(c)
	}
	return r, true
}

// text reads a string.
func (s *scanner) text() (string, error) {
	inner, escaped, err := s.quoted()
	if err != nil {
		return "", err
	}
	if !escaped {
		return string(inner), nil
	}
	return unescape(inner), nil
}

// unescape resolves the escapes in what quoted returned.
func unescape(inner []byte) string {
	var b strings.Builder
	b.Grow(len(inner))
	for i := 0; i < len(inner); i++ {
		if inner[i] != '\\' {
			b.WriteByte(inner[i])
			continue
		}
		i++
		switch c := inner[i]; c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r, _ := unit(inner[i-1:])
			i += 4
			if utf16.IsSurrogate(r) {
				low, _ := unit(inner[i+1:])
				r = utf16.DecodeRune(r, low)
				i += 6
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// names are the names of one object so far. Objects are small as a rule, so a
// list comes first and a map only when comparing would become slow.
type names struct {
	few    [16]string
	n      int
	folded map[string]struct{}
}

// add reports whether name is new, whatever its case.
func (n *names) add(name string) bool {
	if n.folded == nil && n.n < len(n.few) {
		for _, other := range n.few[:n.n] {
			if strings.EqualFold(other, name) {
				return false
			}
		}
		n.few[n.n] = name
		n.n++
		return true
	}
	if n.folded == nil {
		n.folded = make(map[string]struct{}, 4*len(n.few))
		for _, other := range n.few {
			n.folded[fold(other)] = struct{}{}
		}
	}
	key := fold(name)
	if _, ok := n.folded[key]; ok {
		return false
	}
	n.folded[key] = struct{}{}
	return true
}

// fold returns the same text for all names that strings.EqualFold calls equal.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (r < 'a' || r > 'z') { // upper case comes before lower case
			return r
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}
