package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/internal/terminal"
)

// What programs get means what it meant, and does nothing to the terminal of a
// person who reads it: no control characters, and no turning of the direction.
func TestPrintJSON_steers(t *testing.T) {
	in := map[string]string{
		"name": "a\u009b31mb\u0085c\x7fd\x1be\u202ef\u2066g\u200eh\u061ci\ufeffj\U000e0041k\u2028l", "plain": "Zoë 👩‍🚀 می\u200cخواهم <b>\n",
	}
	var out, events bytes.Buffer
	if err := printJSON(&out, in); err != nil {
		t.Fatal(err)
	}
	tk := newTalk(&bytes.Buffer{}, "never")
	tk.toPrograms(&events)
	tk.event(map[string]any{"name": in["name"], "plain": in["plain"]})
	for what, text := range map[string]string{"an object": out.String(), "an event": events.String()} {
		var got map[string]string
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if diff := cmp.Diff(in, got); diff != "" {
			t.Errorf("%s means something else:\n%s", what, diff)
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) }); i >= 0 {
			t.Errorf("%s is raw: %q", what, text[i:])
		}
		if !strings.Contains(text, "Zoë 👩‍🚀 می\u200cخواهم <b>") {
			t.Errorf("%s escapes what is plain: %s", what, text)
		}
	}
	if got := plain(in["name"]); strings.ContainsFunc(got, unicode.IsControl) || strings.ContainsFunc(got, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }) {
		t.Errorf("a table: %q", got)
	}
}

// Whatever way a name goes to a person: as a table, in an error, its hint, a line of
// an action, a question, or an export to the terminal. However it is written in
// parts, letters stay letters.
func TestTalk_steers(t *testing.T) {
	const name = "A\x1b]0;owned\x07d\u009b31ma\u202e\x7f Zoë\u2028"
	var said bytes.Buffer
	tk := newTalk(&said, "never")
	tk.error(fmt.Errorf("there is no %s\n\tat %s", name, name), "try "+name)
	errs := new(design.Errors)
	errs.Add(design.Position{File: name, Line: 1, Column: 1}, name, name, name)
	tk.error(errs.Err(), "")
	a := &admin{out: &console{talk: tk}}
	a.done("made %s", name)
	a.adviseFields("user", []string{name}, []string{"email"})
	printConsole(tk)(t.Context(), actions.ConsoleEntry{Level: "log", Text: name + "\nb"})
	if err := table(&said, []string{"name"}, [][]string{{name}}); err != nil {
		t.Fatal(err)
	}
	if err := (&console{talk: tk, stdin: strings.NewReader("")}).confirm(false, "delete %s", name); err != nil {
		tk.error(err, "")
	}
	v := &visible{w: &said}
	for i := range len(name) {
		if n, err := v.Write([]byte(name[i : i+1])); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := v.Write([]byte("\xc2\n\xff\n")); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(said.String(), func(r rune) bool { return r != '\n' && terminal.Steers(r) || r == utf8.RuneError }); i >= 0 {
		t.Errorf("raw: %q", said.String()[max(0, i-60):])
	}
	if got := strings.Count(said.String(), "Zoë"); got < 12 {
		t.Errorf("%d names: %s", got, &said)
	}
}
