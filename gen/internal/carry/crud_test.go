package carry

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"testing"
)

// TestCrudSource: what is known of package crud is what it declares; only parameters
// may be anything.
func TestCrudSource(t *testing.T) {
	fset := token.NewFileSet()
	text := func(n ast.Node) string {
		var b bytes.Buffer
		if err := printer.Fprint(&b, fset, n); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	// What is declared, by its name: Change.Row, Resource.Get.
	facts := func(f *ast.File, into map[string]string) {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil {
					fact := ""
					for _, p := range d.Type.Params.List {
						fact += text(p.Names[0]) + " "
					}
					if d.Type.Results != nil {
						for _, r := range d.Type.Results.List {
							fact += text(r.Type) + " "
						}
					}
					into[text(d.Recv.List[0].Type)+"."+d.Name.Name] = fact
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					spec, ok := s.(*ast.TypeSpec)
					if !ok || spec.TypeParams == nil {
						continue
					}
					into[spec.Name.Name] = text(spec.TypeParams.List[0].Type)
					if st, ok := spec.Type.(*ast.StructType); ok {
						for _, field := range st.Fields.List {
							for _, name := range field.Names {
								into[spec.Name.Name+"."+name.Name] = text(field.Type)
							}
						}
					}
				}
			}
		}
	}
	is, known := map[string]string{}, map[string]string{}
	sources, err := filepath.Glob("../../../runtime/crud/*.go")
	if err != nil || len(sources) == 0 {
		t.Fatal(err)
	}
	for _, name := range sources {
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		facts(f, is)
	}
	f, err := parser.ParseFile(fset, "", crudSource, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	facts(f, known)
	for name, fact := range known {
		if is[name] != fact {
			t.Errorf("%s is %q, and known as %q", name, is[name], fact)
		}
	}
	if len(known) < 15 {
		t.Errorf("%v", known)
	}
}
