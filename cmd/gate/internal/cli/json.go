package cli

import (
	"encoding/json"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/gatewright/gate/internal/terminal"
)

// printJSON prints a value for programs, and for people whose terminal shows it.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(terminal.Escaping{W: w})
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
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
		if r == utf8.RuneError && size == 1 || r != '\n' && terminal.Steers(r) {
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
