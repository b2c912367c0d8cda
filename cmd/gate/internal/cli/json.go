package cli

import (
	"encoding/json"
	"io"
	"os"
	"slices"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/gatewright/gate/internal/terminal"
)

// printJSON prints a value for programs, and for people whose terminal shows it.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(terminal.Escaping{W: w})
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// onTerminal is where a text goes that a file or a program takes as it is, and a
// terminal without what it would act on.
func onTerminal(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &visible{w: w}
	}
	return w
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
		if r == utf8.RuneError && size == 1 || r != '\n' && r != '\t' && terminal.Steers(r) {
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
