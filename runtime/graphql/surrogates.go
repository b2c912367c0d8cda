package graphql

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// joinSurrogates writes the characters that strings of a document escape as two
// surrogates, "\ud83d\ude00" (§2.9.4), which the parser takes for two characters that are
// none. When one stands alone, lone is where, from 0; it is -1 otherwise.
func joinSurrogates(text string) (joined string, lone int) {
	if !strings.Contains(text, `\ud`) && !strings.Contains(text, `\uD`) {
		return text, -1
	}
	var b strings.Builder
	done := 0
	for i := 0; i < len(text); {
		switch {
		case text[i] == '#':
			i += until(text[i:], "\n")
		case strings.HasPrefix(text[i:], `"""`): // which has no escapes but \"""
			i += 3
			for i < len(text) && !strings.HasPrefix(text[i:], `"""`) {
				if strings.HasPrefix(text[i:], `\"""`) {
					i += 3
				}
				i++
			}
			i += 3
		case text[i] == '"':
			for i++; i < len(text) && text[i] != '"' && text[i] != '\n'; {
				if text[i] != '\\' {
					i++
					continue
				}
				r, ok := surrogate(text[i:])
				if !ok {
					i += 2
					continue
				}
				low, _ := surrogate(text[i+6:])
				c := utf16.DecodeRune(r, low)
				if c == '\uFFFD' {
					return text, i
				}
				b.WriteString(text[done:i])
				b.WriteRune(c)
				i += 12
				done = i
			}
			i++
		default:
			i++
		}
	}
	b.WriteString(text[done:])
	return b.String(), -1
}

// until is the length of text up to the end of the first what, or of all of it.
func until(text, what string) int {
	if n := strings.Index(text, what); n >= 0 {
		return n + len(what)
	}
	return len(text)
}

// surrogate reads the escape with which text begins, if it is one of a surrogate.
func surrogate(text string) (rune, bool) {
	if len(text) < 6 || text[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(text[2:6], 16, 16)
	if err != nil || !utf16.IsSurrogate(rune(n)) {
		return 0, false
	}
	return rune(n), true
}

// parse parses a document.
func parse(name, text string) (*ast.QueryDocument, error) {
	joined, lone := joinSurrogates(text)
	if lone >= 0 {
		before := text[:lone]
		return nil, &gqlerror.Error{
			Message: "A surrogate stands alone: " + text[lone:lone+6] + " is half a character",
			Locations: []gqlerror.Location{{
				Line: 1 + strings.Count(before, "\n"), Column: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1,
			}},
		}
	}
	return parser.ParseQueryWithTokenLimit(&ast.Source{Name: name, Input: joined}, maxTokens)
}
