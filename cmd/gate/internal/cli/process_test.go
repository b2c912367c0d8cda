package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/terminal"
)

// A stranger's request is a line of the service's log; in the terminal of whoever
// develops it is text, and one line. So is what a stack says of a panic.
func TestOPS11_terminal(t *testing.T) {
	lines := []string{
		`{"level":"INFO","msg":"request","method":"GET","path":"/\u001b[31mred\u001b]0;pwn\u0007\r\nFAKE` + "\u202e\u009b" + `2J"}`,
		`{"level":"ERROR","msg":"request failed","err":"panic: \u001b]52;c;QQ==\u0007\nFAKE line","method":"GET\u001b[2J","path":"/` + "\u2066" + `x"}`,
		"panic: \x1b[2J\r" + "\u009b" + "31m",
		"\t/service/hooks.go:12",
	}
	var said bytes.Buffer
	log := &serviceLog{talk: newTalk(&said, "never"), all: true}
	for _, line := range lines {
		log.add(line)
	}
	shown := said.String()
	if got := strings.Count(shown, "\n"); got != len(lines) {
		t.Errorf("%d lines for %d: %q", got, len(lines), shown)
	}
	kept := (&exitError{lines: log.errors()}).Error()
	for what, text := range map[string]string{"shown": shown, "kept": kept} {
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && terminal.Steers(r) }); i >= 0 {
			t.Errorf("%s raw: %q", what, text[i:])
		}
		if strings.Contains(text, "\nFAKE") {
			t.Errorf("%s has a line of the stranger's: %q", what, text)
		}
	}
	if !strings.Contains(shown, "request (GET /·[31mred") || !strings.HasSuffix(shown, "    /service/hooks.go:12\n") {
		t.Errorf("not told: %q", shown)
	}
}

// TestServiceLog_keep: what an error tells is not told by a line of the log before it.
func TestServiceLog_keep(t *testing.T) {
	var out bytes.Buffer
	l := &serviceLog{talk: newTalk(&out, "never")}
	for _, line := range []string{`{"level":"INFO","msg":"applying"}`, "DATABASE_URL is not set"} {
		l.keep(line)
	}
	if got := l.errors(); len(got) != 1 || got[0] != "DATABASE_URL is not set" || out.Len() > 0 {
		t.Errorf("%q, and said %q", got, out.String())
	}
	l.add(`{"level":"ERROR","msg":"lost"}`)
	if got := l.errors(); len(got) != 1 || out.Len() == 0 {
		t.Errorf("a line of the service that runs is not told: %q, %q", got, out.String())
	}
}

// TestServiceLog_problem: a warning says what is wrong.
func TestServiceLog_problem(t *testing.T) {
	var out bytes.Buffer
	(&serviceLog{talk: newTalk(&out, "never")}).add(`{"level":"WARN","msg":"setting","problem":"PORT is not known"}`)
	if !strings.HasSuffix(out.String(), "  setting: PORT is not known\n") {
		t.Errorf("told as %q", out.String())
	}
}
