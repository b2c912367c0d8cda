package gen_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// hostile are texts that want to be more than text.
var hostile = []string{
	"plain", "two\nlines", "*/ package evil /*", "\n}\nfunc init() { panic(1) }\n//", "`+evil()+`", "\"+evil()+\"", "\\", "{{.}}", "%s%n", "\r func evil()",
	"\u2028func evil()", "\u2029func evil()", "\u0085func evil()", "\v\ffunc evil()", "//go:generate rm -rf /", "go:embed /etc/passwd", "+build ignore",
	"\u202eevil", "\x00", "\ufeff", "</script>", "[x](javascript:x)", "$(evil)", "'; DROP TABLE items; --", "\n\n# Heading\n\n\tcode", " - list\n - list", "\t",
}

// described returns a design in which every text is text.
func described(text string) *design.Design {
	src, err := json.Marshal(map[string]any{
		"gate":    1,
		"service": map[string]any{"name": "shop", "module": "example.com/shop", "description": text},
		"roles":   map[string]any{"clerk": map[string]any{"description": text, "permissions": []string{"create:items"}}},
		"plugins": map[string]any{"auth-core": map[string]any{"entity": "User"}, "auth-jwt": map[string]any{}},
		"entities": map[string]any{
			"Item": map[string]any{
				"description": text,
				"fields":      map[string]any{"note": map[string]any{"type": "longtext", "description": text, "default": text}},
				"allow":       map[string]any{"create": []string{"create:items"}},
			},
			"User": map[string]any{"fields": map[string]any{
				"email": map[string]any{"type": "email", "required": true, "unique": true}, "password": "password", "roles": "roles",
			}},
		},
	})
	if err != nil {
		panic(err)
	}
	d, err := design.Parse("gate.yaml", src)
	if err != nil {
		return nil
	}
	return d
}

// shape describes the declarations of a file without the texts in it.
func shape(t *testing.T, f gen.File) string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), f.Path, f.Data, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("%v in\n%s", err, f.Data)
	}
	var b strings.Builder
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CommentGroup:
			return false
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				b.WriteString("text ")
				return false
			}
			b.WriteString(n.Value + " ")
		case *ast.Ident:
			b.WriteString(n.Name + " ")
		case nil:
			b.WriteString(") ")
		default:
			b.WriteString("( ")
		}
		return true
	})
	if first, _, _ := bytes.Cut(f.Data, []byte("package ")); bytes.Contains(first, []byte("+build")) || bytes.Contains(first, []byte("//go:build")) {
		t.Errorf("%s is built under a condition:\n%s", f.Path, first)
	}
	for _, group := range parsed.Comments {
		for _, c := range group.List {
			ours := c.Text == "//go:embed openapi_gen.json" || c.Text == "//go:embed permissions_gen.json"
			if strings.HasPrefix(c.Text, "//go:") && !ours && !strings.HasPrefix(c.Text, "//go:embed sqlite/") {
				t.Errorf("%s holds the directive %q", f.Path, c.Text)
			}
		}
	}
	return b.String()
}

// FuzzGEN02_texts puts hostile texts wherever a design takes one: the Go files
// have exactly the nodes that they have for a harmless text, and every other file
// is still what it should be.
func FuzzGEN02_texts(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	want := map[string]gen.File{}
	files, err := gen.Generate(described("harmless"), gen.Options{Replace: "/gate"}, standard.Plugins()...)
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		want[file.Path] = file
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := described(text)
		if d == nil {
			return
		}
		if d.Service.Description == "" || d.Entity("Item").Description == "" {
			return // that is another design
		}
		for _, file := range generate(t, d, gen.Options{}) {
			switch path.Ext(file.Path) {
			case ".go":
				if got, want := shape(t, file), shape(t, want[file.Path]); got != want {
					t.Errorf("%s has another shape:\n%s", file.Path, file.Data)
				}
				if again, err := format.Source(file.Data); err != nil || string(again) != string(file.Data) {
					t.Errorf("%s is not formatted: %v", file.Path, err)
				}
			case ".json":
				if !json.Valid(file.Data) {
					t.Errorf("%s is no JSON", file.Path)
				}
			case ".lock":
				lock, err := gen.ReadLock(file.Data)
				if err != nil || lock.Design.Service.Description != d.Service.Description || lock.Design.Entity("Item").Description != d.Entity("Item").Description {
					t.Errorf("%v in\n%s", err, file.Data)
				}
			default:
				if file.Owner != gen.Once && string(file.Data) != string(want[file.Path].Data) {
					t.Errorf("%s changes with a description:\n%s", file.Path, file.Data)
				}
			}
		}
	})
}

// TestGEN02_textsArrive sees that what is made harmless is still the same text.
func TestGEN02_textsArrive(t *testing.T) {
	for _, text := range hostile {
		d := described(text)
		if d == nil || d.Entity("Item").Description == "" {
			continue
		}
		files := generate(t, d, gen.Options{})
		entity, _ := files.Get("app/item_gen.go")
		if !strings.Contains(string(entity), strconv.Quote(d.Entity("Item").Description)) {
			t.Errorf("%q is not in\n%s", text, entity)
		}
		doc, _ := files.Get("app/openapi_gen.json")
		var parsed struct{ Info struct{ Description string } }
		if err := json.Unmarshal(doc, &parsed); err != nil || parsed.Info.Description != d.Service.Description {
			t.Errorf("%q: got %q, %v", text, parsed.Info.Description, err)
		}
	}
}

// FuzzGEN02_comments splits comments: nothing leaves them.
func FuzzGEN02_comments(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := gen.Comment(text)
		if !utf8.ValidString(got) {
			t.Errorf("%q is no UTF-8", got)
		}
		for line := range strings.SplitSeq(got, "\n") {
			if got != "" && line != "//" && !strings.HasPrefix(line, "// ") {
				t.Errorf("%q leaves the comment", line)
			}
		}
		src := "package p\n\n" + got + "\ntype T struct{}\n"
		file, err := parser.ParseFile(token.NewFileSet(), "p.go", src, parser.SkipObjectResolution)
		if err != nil || len(file.Decls) != 1 {
			t.Errorf("%v in\n%s", err, src)
		}
	})
}
