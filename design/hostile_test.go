package design_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/design"
)

const header = "gate: 1\nservice: {name: shop, module: example.com/shop}\n"

// TestGEN03_hostileFiles wants every file that tries to cost time, memory or
// stack refused quickly, with the reason.
func TestGEN03_hostileFiles(t *testing.T) {
	laughs := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	nested := "a0: &a0 [x]\n"
	for i := 1; i < 60; i++ {
		nested += fmt.Sprintf("a%d: &a%d [*a%d]\n", i, i, i-1)
	}
	var wide strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&wide, "k%d: 1\n", i)
	}
	for _, tt := range []struct{ name, src, want string }{
		{"billion laughs", laughs, "aliases repeat more than 10000 values"},
		{"aliases nest", nested, "more than 50 mappings and lists inside each other"},
		{"too large", header + strings.Repeat("# comment\n", 110_000), "more than 1048576"},
		{"deep lists", "a: " + strings.Repeat("[", 50_000), "more than 50 mappings and lists"},
		{"deep mappings", "a: " + strings.Repeat("{a: ", 50_000), "more than 50 mappings and lists"},
		{"deep dashes", strings.Repeat("- ", 50_000) + "a", "more than 50 mappings and lists"},
		{"deep in two styles", nestedBlocks(40) + strings.Repeat("[", 40) + strings.Repeat("]", 40), "more than 50 mappings and lists"},
		{"question marks", strings.Repeat("? ", 50_000) + "a", `introduced by "?"`},
		{"tags", strings.Repeat("!a ", 50_000) + "a", "is not allowed"},
		{"anchors", strings.Repeat("&a ", 50_000) + "a", "more than 100 anchors"},
		{"documents", strings.Repeat("---\n", 50_000) + "a: 1\n---\n", ""},
		{"empty elements", strings.Repeat("-\n", 50_000), "more than 5000 empty values"},
		{"empty values", "a:\n" + strings.Repeat("- b:\n", 50_000), "more than 5000 empty values"},
		{"empty flow values", "a: {" + strings.Repeat("b,", 50_000) + "}", "more than 5000 empty values"},
		{"many permissions", header + "roles: {a: {permissions: [" + strings.Repeat("\"a:b\", ", 50_000) + "]}}\n", "more than 1000 elements"},
		{"many misspelt rules", manyRules(), "unknown role"},
		{"wide mapping", wide.String(), "more than 1000 entries in one mapping"},
		{"many values", "a: [" + strings.Repeat("1,", 110_000) + "1]", "more than 100000 values"},
		{"not UTF-8", header + "roles: {\"\xff\": {}}\n", "3:10: not UTF-8 text"},
		{"NUL", header + "# \x00", "control character U+0000"},
		{"carriage return", "gate: 1\rservice: 1\n", "control character U+000D"},
		{"unknown tag on a key", "!!python/object:os.system gate: 1\n", "is not allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			d, err := design.Parse("gate.yaml", []byte(tt.src))
			took := time.Since(start)
			if d != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, %.300v; want an error with %q", d, err, tt.want)
			}
			if took > 30*time.Second { // whatever else the machine does: it is a fraction of a second
				t.Errorf("took %v", took)
			}
		})
	}
}

// nestedBlocks returns mappings inside each other, ready for a value.
func nestedBlocks(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString("\n" + strings.Repeat(" ", i) + "a: ")
	}
	return b.String()
}

// manyRules is a design in which every rule is misspelt and has many names to
// be compared with.
func manyRules() string {
	var b strings.Builder
	b.WriteString(header + "roles:\n")
	for i := range 900 {
		fmt.Fprintf(&b, "  role-number-%d: {permissions: [\"do:thing-number-%d\"]}\n", i, i)
	}
	b.WriteString("entities:\n")
	for i := range 900 {
		fmt.Fprintf(&b, "  Entity%d: {allow: {view: [role-numbre-%d, \"do:thing-numbre-%d\"], list: [role-nmuber-%d]}}\n", i, i, i, i)
	}
	return b.String()
}

// TestGEN03_billionLaughsTime holds the bound that the attack is known for.
func TestGEN03_billionLaughsTime(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	best := time.Hour
	for range 20 { // the best of them: other tests want the machine, too
		start := time.Now()
		if _, err := design.Parse("gate.yaml", []byte(b.String())); err == nil {
			t.Fatal("got a design, want an error")
		}
		if best = min(best, time.Since(start)); best <= 100*time.Millisecond {
			return
		}
	}
	t.Errorf("took %v, want no more than 100ms", best)
}

func TestGEN01_everyProblemAtOnce(t *testing.T) {
	src := "gate: 3\nservice: {name: A, module: b}\nroles: {x: {y: 1}}\nentities: {item: {}, Item: {allow: {view: nope}}}\n"
	_, err := design.Parse("dir/gate.yaml", []byte(src))
	errs, ok := errors.AsType[*design.Errors](err)
	if !ok {
		t.Fatalf("got %T, want *design.Errors", err)
	}
	var got []string
	for _, p := range errs.Problems {
		if p.File != "dir/gate.yaml" {
			t.Errorf("problem in file %q", p.File)
		}
		got = append(got, fmt.Sprintf("%d:%d %s", p.Line, p.Column, p.Path))
	}
	want := "1:7 gate|2:17 service.name|2:28 service.module|3:13 roles.x.y|4:12 entities.item|4:22 entities.Item|4:43 entities.Item.allow.view"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// TestPositions puts a mark into files in all line endings and styles, and
// wants it found.
func TestPositions(t *testing.T) {
	for _, tt := range []struct {
		name, src string
		line, col int
	}{
		{"plain", header + "roles:\n  a: {zz: 1}\n", 4, 7},
		{"CRLF", strings.ReplaceAll(header+"roles:\n  a: {zz: 1}\n", "\n", "\r\n"), 4, 7},
		{"byte order mark", "\ufeff" + header + "roles:\n  a: {zz: 1}\n", 4, 7},
		{"after wide characters", header + "roles:\n  a: {description: \"äöü世界😀\", zz: 1}\n", 4, 30},
		{"after a comment", header + "# comment: {\n\n# more\nroles: # here\n  a: # and here\n    # and\n    zz: 1\n", 9, 5},
		{"after a block of text", header + "roles:\n  a:\n    description: |\n      one\n      two: three\n\n    zz: 1\n", 9, 5},
		{"after folded text", header + "roles:\n  a:\n    description: >-\n      one\n      two\n    zz: 1\n", 8, 5},
		{"after text over lines", header + "roles:\n  a:\n    description: one\n      two\n      three\n    zz: 1\n", 8, 5},
		{"after quoted text over lines", header + "roles:\n  a:\n    description: \"one\n      two\"\n    zz: 1\n", 7, 5},
		{"quoted key", header + "roles:\n  a: {\"zz\": 1}\n", 4, 7},
		{"flow over lines", header + "roles: {\n  a: {\n    default: true, # x\n    zz: 1\n  }\n}\n", 6, 5},
		{"document start", "---\n" + header + "roles:\n  a: {zz: 1}\n", 5, 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := design.Parse("gate.yaml", []byte(tt.src))
			errs, ok := errors.AsType[*design.Errors](err)
			if !ok || len(errs.Problems) != 1 {
				t.Fatalf("got %v, want one problem", err)
			}
			p := errs.Problems[0]
			if p.Line != tt.line || p.Column != tt.col || p.Path != "roles.a.zz" {
				t.Errorf("got %s (%s), want %d:%d", p, p.Path, tt.line, tt.col)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := design.Load(filepath.Join(dir, "gate.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want os.ErrNotExist", err)
	}
	path := filepath.Join(dir, "gate.yaml")
	if err := os.WriteFile(path, bytes.Repeat([]byte("#"), design.MaxSize+10), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := design.Load(path); err == nil || !strings.Contains(err.Error(), "more than 1048576") {
		t.Errorf("got %v, want a refusal of the size", err)
	}
	if err := os.WriteFile(path, []byte(header), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := design.Load(path)
	if err != nil || d.File != path || d.Service.Name != "shop" {
		t.Errorf("got %+v, %v", d, err)
	}
}

// FuzzParse wants no panic, no design beside an error, and problems that have
// places inside the file and print on lines of their own.
func FuzzParse(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(seeds, "../examples/restaurant/gate.yaml") {
		src, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte(header + "roles: {a: &x {}, b: *x}\n"))
	f.Add([]byte(header + "entities:\n  Item:\n    fields: {a: {type: decimal, default: 1.5}}\n    allow: {view: [owner]}\n"))
	f.Add([]byte("? a\n: - b\n--- >-\n !!x &y\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := design.Parse("gate.yaml", src)
		if (d == nil) == (err == nil) {
			t.Fatalf("got design %v and error %v", d, err)
		}
		if err == nil {
			return
		}
		errs, ok := errors.AsType[*design.Errors](err)
		if !ok || len(errs.Problems) == 0 {
			t.Fatalf("got %T without problems", err)
		}
		lines := bytes.Count(src, []byte("\n")) + 1
		for _, p := range errs.Problems {
			if p.Line < 1 || p.Line > lines || p.Column < 1 {
				t.Errorf("place outside of the file: %s", p)
			}
			if strings.ContainsAny(p.Message+p.Hint, "\n\r\x1b") {
				t.Errorf("message over lines: %q", p.Message)
			}
		}
	})
}
