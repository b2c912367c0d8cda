package pattern_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/pattern"
)

func TestCompile_refuses(t *testing.T) {
	for _, tt := range []struct{ name, expr, want string }{
		{"nothing", "", "is empty"},
		{"long", strings.Repeat("a", pattern.MaxSize+1), "longer than 1024 bytes"},
		{"much in little", "((a{10}){10}){10}", "repeats too much"},
		{"many of a class", `(\pL{500}){2}`, "repeats too much"},
		{"more than RE2 counts", "a{1001}", "RE2"},
		{"to look ahead", "(?=a)b", "RE2"},
		{"what was matched before", `(a)\1`, "RE2"},
		{"half of a group", "a)|(b", "RE2"},
		{"no UTF-8", "a\xff", "UTF-8"},
	} {
		if re, err := pattern.Compile(tt.expr); err == nil || re != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, %v, want %q", tt.name, re, err, tt.want)
		}
	}
}

// TestCompile_whole: an expression is about the whole text, however it is written.
func TestCompile_whole(t *testing.T) {
	for _, tt := range []struct {
		expr    string
		yes, no []string
	}{
		{"a|b", []string{"a", "b"}, []string{"ab", "xa", "bx", "", "a\n"}},
		{"^a$", []string{"a"}, []string{"a\n", "ba"}},
		{`(?m)^a$`, []string{"a"}, []string{"a\nb", "b\na"}},
		{`(?i)straße`, []string{"STRAßE", "straße"}, []string{"strasse"}},
		{`\Qa.b`, []string{"a.b"}, []string{"axb", `a.b)\z`}}, // quoting that is never ended
		{"a+", []string{"aaa"}, []string{"aab"}},
		{"a|ab", []string{"ab"}, []string{"abb"}},
		{"[A-Z]{2}-[0-9]{4}", []string{"AB-1234"}, []string{"AB-12345", "xAB-1234"}},
		{".", []string{"é", "😀"}, []string{"\n", "éé"}},
	} {
		re, err := pattern.Compile(tt.expr)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range tt.yes {
			if !re.MatchString(s) {
				t.Errorf("%s does not match %q", tt.expr, s)
			}
		}
		for _, s := range tt.no {
			if re.MatchString(s) {
				t.Errorf("%s matches %q", tt.expr, s)
			}
		}
	}
}

func TestSample(t *testing.T) {
	for _, tt := range []struct {
		expr        string
		least, most int
		several     bool // different ones for different n
	}{
		{"[A-Z]{2}-[0-9]{4}", 0, 0, true},
		{"^(Mr|Mrs)[.]? [A-Z][a-z]+$", 6, 20, true},
		{"x*", 0, 0, false},
		{"x*", 40, 40, false}, // found by no power of two, and not promised
		{"[0-9]+", 100, 0, true},
		{"a?", 0, 0, false},
		{"(?i)abc", 3, 3, false},
		{`\pL{3}`, 0, 3, true},
		{"[^a-zA-Z0-9]", 0, 0, true},
		{"a b", 0, 2, false}, // there is none
		{`\bword\b`, 0, 0, false},
		{"(", 0, 0, false},
	} {
		re, wrong := pattern.Compile(tt.expr)
		seen := map[string]bool{}
		for n := range 9 {
			s, ok := pattern.Sample(tt.expr, n, tt.least, tt.most)
			if !ok {
				continue
			}
			if wrong != nil || !re.MatchString(s) || len([]rune(s)) < tt.least || tt.most > 0 && len([]rune(s)) > tt.most {
				t.Errorf("%s: %q", tt.expr, s)
			}
			seen[s] = true
		}
		if tt.several && len(seen) < 5 {
			t.Errorf("%s: only %d texts", tt.expr, len(seen))
		}
	}
	if s, ok := pattern.Sample("[A-Z]{2}-[0-9]{4}", 7, 0, 0); !ok || len(s) != 7 {
		t.Errorf("%q, %t", s, ok)
	}
	if _, ok := pattern.Sample("a b", 0, 0, 2); ok {
		t.Error("a text of three characters that has two")
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"a", "(a|b)*", `\Qa`, "[[:alpha:]]", "(?i)k", "a{2,5}?", `\x{10FFFF}`, "^$"} {
		f.Add(s, "ab")
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		re, err := pattern.Compile(expr)
		if err != nil {
			return
		}
		re.MatchString(text)
		if s, ok := pattern.Sample(expr, 3, 0, 0); ok && !re.MatchString(s) {
			t.Errorf("%q does not match %q", s, expr)
		}
	})
}
