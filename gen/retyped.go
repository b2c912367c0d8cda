package gen

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"strings"

	"github.com/gatewright/gate/gen/internal/carry"
)

// otherTypes reports whether a field may have another type in Go than it had: what may
// be null is a pointer.
func otherTypes(pairs []pair) bool {
	for _, p := range pairs {
		for _, f := range p.is.Fields {
			if before := formerField(p.was, f); before != nil && (before.Required != f.Required || before.Type != f.Type) {
				return true
			}
		}
	}
	return false
}

var identifier = regexp.MustCompile(`\b[A-Z]\w*`)

// retyped finds the fields of rows that have another type now, by the names of before.
func retyped(pairs []pair, sources []carry.File, files Files, names carry.Names) map[string]map[string]string {
	was, is := map[string]map[string]string{}, map[string]map[string]string{}
	for _, f := range sources {
		if f.Ours && path.Dir(f.Path) == appDir {
			structs(f.Data, was)
		}
	}
	for _, f := range files {
		if f.ofApp() {
			structs(f.Data, is)
		}
	}
	called := func(name string) string { return cmp.Or(names.Declared[name], name) }
	out := map[string]map[string]string{}
	for _, p := range pairs {
		of := p.was.Name
		for field, typ := range was[of] {
			now, there := is[called(of)][cmp.Or(names.Members[of][field], field)]
			if there && now != identifier.ReplaceAllStringFunc(typ, called) {
				if out[of] == nil {
					out[of] = map[string]string{}
				}
				out[of][field] = now
			}
		}
	}
	return out
}

// structs notes the types of the fields of structs that a file declares.
func structs(src []byte, into map[string]map[string]string) {
	f, err := parser.ParseFile(token.NewFileSet(), "", src, parser.SkipObjectResolution)
	if err != nil {
		return // which the compiler tells
	}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if st, ok := spec.Type.(*ast.StructType); ok {
			fields := map[string]string{}
			for _, field := range st.Fields.List {
				for _, name := range field.Names {
					fields[name.Name] = strings.TrimSpace(types.ExprString(field.Type))
				}
			}
			into[spec.Name.Name] = fields
		}
		return true
	})
}
