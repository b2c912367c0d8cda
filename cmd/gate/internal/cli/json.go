package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// printJSON prints a value for programs, and for people whose terminal shows it.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(escaping{w})
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// steers reports characters by which a text acts on a terminal, or on how the text
// around it looks: control characters (U+009B begins an order as ESC [ does), and
// those that turn the direction or are not seen.
func steers(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && r != '\u200c' && r != '\u200d' // which join letters
}

// A visible writer passes text on to a terminal, where what people call themselves
// then does nothing. What is no text is a dot, too.
type visible struct {
	w    io.Writer
	part []byte // of a letter whose rest comes with the next write
}

// Write implements [io.Writer].
func (v *visible) Write(p []byte) (int, error) {
	in := slices.Concat(v.part, p)
	v.part = nil
	var out []byte
	for len(in) > 0 {
		if !utf8.FullRune(in) {
			v.part = in
			break
		}
		r, size := utf8.DecodeRune(in)
		if r == utf8.RuneError && size == 1 || r != '\n' && steers(r) {
			r = '·'
		}
		out = utf8.AppendRune(out, r)
		in = in[size:]
	}
	if _, err := v.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// An escaping writer passes JSON on with such characters escaped, which means the
// same to a program. It takes whole texts, as [json.Encoder] writes them.
type escaping struct{ w io.Writer }

// Write implements [io.Writer].
func (e escaping) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p))
	for _, r := range string(p) {
		switch {
		case r == '\n', !steers(r): // json.Encoder has escaped what is below a blank, and breaks lines itself
			out = append(out, string(r)...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	if _, err := e.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}
