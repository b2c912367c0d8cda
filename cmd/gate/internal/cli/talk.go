package cli

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/internal/terminal"
)

// The columns of the terminal: mark, name, detail, right edge.
const (
	nameColumn   = 4
	detailColumn = 15
	rightEdge    = 76
)

// talk is what the command says to a person, or with --json to a program:
// finished lines, and on a terminal one line of progress that becomes the
// finished one. It is safe for concurrent use.
type talk struct {
	mu       sync.Mutex
	w        io.Writer
	mode     string        // --color
	programs *json.Encoder // --json: one object a line, instead of words
	terminal bool
	color    bool
	ascii    bool
	open     bool // a progress line is on the screen

	paints string // begins a colour of paint, and nothing that is called anything
}

func newTalk(w io.Writer, color string) *talk {
	f, ok := w.(*os.File)
	terminal := ok && term.IsTerminal(int(f.Fd()))
	t := &talk{w: w, mode: color, terminal: terminal}
	switch color {
	case "always":
		t.color = true
	case "auto", "":
		t.color = terminal && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == ""
	}
	t.ascii = !speaksUTF8()
	t.paints = "\x1b[" + rand.Text() + ":"
	return t
}

// speaksUTF8 reads the locale as POSIX has it: LC_ALL, then LC_CTYPE, then LANG.
// An unset locale is taken for UTF-8.
func speaksUTF8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := os.Getenv(name); v != "" {
			v = strings.ToUpper(v)
			return strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8")
		}
	}
	return true
}

// toPrograms sends every word to w as JSON instead.
func (t *talk) toPrograms(w io.Writer) {
	t.programs = json.NewEncoder(terminal.Escaping{W: w})
	t.programs.SetEscapeHTML(false)
	t.terminal = false
}

// Colours are the sixteen of the terminal, so the user's theme decides.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
	dim    = "2"
	bold   = "1"
)

func (t *talk) paint(code, s string) string {
	if !t.color {
		return s
	}
	return t.paints + code + "m" + s + t.paints + "0m" // which shown makes colours
}

// shown is one line as it is printed: the colours of the talk, and else nothing that
// a terminal acts on. Files and what is in them are called as people like it.
func (t *talk) shown(line string) string {
	line = strings.ReplaceAll(line, "\t", "    ")
	if !t.color {
		return plain(line)
	}
	parts := strings.Split(line, t.paints)
	for i, part := range parts {
		code, text, ours := strings.Cut(part, "m")
		if i == 0 || !ours {
			parts[i] = plain(part)
			continue
		}
		parts[i] = "\x1b[" + code + "m" + plain(text)
	}
	return strings.Join(parts, "")
}

// line prints one finished line.
func (t *talk) line(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	if t.programs == nil {
		fmt.Fprintln(t.w, t.shown(strings.TrimRight(s, " ")))
	}
}

// lines prints a text that may have more than one.
func (t *talk) lines(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		t.line(line)
	}
}

// event tells programs; people have been told by line.
func (t *talk) event(fields map[string]any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.programs != nil {
		_ = t.programs.Encode(fields)
	}
}

func (t *talk) clear() {
	if t.open {
		fmt.Fprint(t.w, "\r\x1b[K")
		t.open = false
	}
}

// error tells what went wrong and what to do next. Of a design it tells every
// problem, each with its place and its own hint.
func (t *talk) error(err error, hint string) {
	t.event(map[string]any{"event": "error", "message": err.Error(), "hint": hint})
	if errs, ok := errors.AsType[*design.Errors](err); ok {
		for _, p := range errs.Problems {
			t.complaint(p.String())
		}
	} else {
		t.complaint(err.Error())
	}
	if hint != "" {
		t.line("      " + hint)
	}
}

// complaint prints an error; its further lines are indented. An error may repeat
// what people call themselves and theirs.
func (t *talk) complaint(text string) {
	lines := strings.Split(text, "\n")
	t.line(t.paint(red, "gate:") + " " + lines[0])
	for _, more := range lines[1:] {
		t.line("      " + strings.TrimSpace(more))
	}
}

// named prints a line of the table under the steps: a name and what it is.
func (t *talk) named(name, value string) {
	t.line("  " + pad(name, detailColumn-2) + value)
}

// step is one thing that gate does: a progress line while it lasts, after 150 ms
// and at most ten times a second, and then its finished line.
type step struct {
	t     *talk
	name  string
	start time.Time
	shown time.Time
}

func (t *talk) step(name string) *step {
	return &step{t: t, name: name, start: time.Now()}
}

// progress rewrites the line while the step lasts.
func (s *step) progress(detail string) {
	now := time.Now()
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if !s.t.terminal || now.Sub(s.start) < 150*time.Millisecond || now.Sub(s.shown) < 100*time.Millisecond {
		return
	}
	s.shown = now
	s.t.clear()
	fmt.Fprint(s.t.w, s.t.shown(s.t.format("·", "", s.name, detail, now.Sub(s.start))))
	s.t.open = true
}

// done turns the progress line into the finished one.
func (s *step) done(detail string) {
	took := time.Since(s.start)
	s.t.event(map[string]any{"event": "step", "step": s.name, "status": "done", "detail": detail, "ms": took.Milliseconds()})
	s.t.line(s.t.format("✓", green, s.name, detail, took))
}

// format lays out one line: mark, name, detail, and the time at the right edge.
func (t *talk) format(mark, color, name, detail string, took time.Duration) string {
	if t.ascii {
		mark = map[string]string{"✓": "ok", "·": "-"}[mark]
	}
	time := short(took)
	lead := "  " + mark + " " + pad(name, detailColumn-nameColumn)
	room := rightEdge - utf8.RuneCountInString(lead) - utf8.RuneCountInString(time) - 1
	if color != "" {
		lead = "  " + t.paint(color, mark) + " " + pad(name, detailColumn-nameColumn)
	}
	return lead + pad(detail, room) + " " + t.paint(dim, time)
}

// pad fills s with blanks to n runes; what is longer stays whole.
func pad(s string, n int) string {
	if missing := n - utf8.RuneCountInString(s); missing > 0 {
		return s + strings.Repeat(" ", missing)
	}
	return s
}

// short is a duration as people read it: 4 ms, 0.9 s.
func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
