package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxInert = 100 // characters of somebody else's text in a letter
	joiner   = '\u2060'
)

// Inert returns the text of somebody else as it may stand in a letter: on one
// line, at most 100 characters, and with an invisible joiner after every
// character that makes mail readers see a link in "evil.example", an address or
// a number. For the HTML of a message it has to be escaped as well.
func Inert(text string) string {
	var b strings.Builder
	kept := 0
	for _, r := range text {
		if kept == maxInert {
			b.WriteString("…")
			break
		}
		switch {
		case r == utf8.RuneError || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || unicode.IsControl(r):
			r = ' '
		case unicode.IsSpace(r):
			r = ' '
		}
		b.WriteRune(r)
		kept++
		if r != ' ' && !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) {
			b.WriteRune(joiner)
		}
	}
	return strings.TrimSpace(b.String())
}
