// Package terminal keeps texts of strangers from acting on a terminal.
package terminal

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
)

// Steers reports characters by which a text acts on a terminal, or on how the text
// around it looks: control characters (U+009B begins an order as ESC [ does), and
// those that turn the direction or are not seen.
func Steers(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && r != '\u200c' && r != '\u200d' // which join letters
}

// Escaping passes JSON on to W with such characters escaped, which means the same to
// a program. It takes whole texts, as encoding/json and log/slog write them.
type Escaping struct{ W io.Writer }

// Write implements [io.Writer].
func (e Escaping) Write(p []byte) (int, error) {
	if plain(p) {
		return e.W.Write(p)
	}
	out := make([]byte, 0, len(p))
	for _, r := range string(p) {
		switch {
		case r == '\n', !Steers(r): // what is below a blank is escaped already, and lines end where the writer ends them
			out = append(out, string(r)...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	if _, err := e.W.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// plain reports whether a text has nothing but what is printed of ASCII, and ends of
// lines, as most have.
func plain(p []byte) bool {
	for _, b := range p {
		if (b < ' ' && b != '\n') || b > '~' {
			return false
		}
	}
	return true
}
