package auth0

import (
	"strconv"
	"strings"
	"unicode"
)

// inert returns a text of the tenant for a terminal: control characters, those
// that turn the direction of the text around it, and others that nobody sees are
// escaped. Line ends stay in what is printed as several lines.
func inert(text string) string {
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// hidden reports whether a character acts on the terminal, or cannot be seen.
func hidden(r rune) bool {
	return r != '\n' && (!strconv.IsPrint(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r))
}

// A told error is one whose text may quote the tenant, on a terminal.
type told struct{ err error }

func (t told) Error() string { return inert(t.err.Error()) }
func (t told) Unwrap() error { return t.err }
