package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
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
