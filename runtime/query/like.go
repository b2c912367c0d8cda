package query

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gatewright/gate/runtime/model"
)

// A pattern of [Like] is text in which % stands for any characters, or none, and _
// for exactly one. A backslash before one of these, or before another backslash, makes
// it a character like any other; before anything else it means nothing and is refused.
const (
	anyText = '%'
	anyOne  = '_'
	escape  = '\\'
)

// wildcards says what is wrong with a pattern, beyond what [pattern] says of every
// text to look for. The characters that stand for themselves count, so that no pattern
// finds every row, and how often % does, because each is a place to begin anew.
func wildcards(s string) (code, problem string) {
	literal, free, escaped := 0, 0, false
	for _, c := range s {
		switch special := c == anyText || c == anyOne || c == escape; {
		case escaped && !special:
			return model.CodeFormat, `has a \ before a character that needs none: \% \_ and \\ are the ones that there are`
		case escaped || !special:
			literal, escaped = literal+1, false
		case c == escape:
			escaped = true
		case c == anyText:
			free++
		}
	}
	switch {
	case escaped:
		return model.CodeFormat, `ends in a \ that stands before nothing`
	case literal < MinPattern:
		return model.CodeTooShort, "must have at least " + strconv.Itoa(MinPattern) + " characters that are no wildcards"
	case free > MaxWildcards:
		return model.CodeLimit, "may have % at most " + strconv.Itoa(MaxWildcards) + " times"
	}
	return "", ""
}

// respell writes a pattern that [wildcards] found right with the wildcards of an
// operator of SQL, and what stands for itself by literal.
func respell(pattern, many, one string, literal func(string) string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); {
		c, size := utf8.DecodeRuneInString(pattern[i:])
		switch c {
		case escape:
			i += size
			_, size = utf8.DecodeRuneInString(pattern[i:])
			b.WriteString(literal(pattern[i : i+size]))
		case anyText:
			b.WriteString(many)
		case anyOne:
			b.WriteString(one)
		default:
			b.WriteString(literal(pattern[i : i+size]))
		}
		i += size
	}
	return b.String()
}
