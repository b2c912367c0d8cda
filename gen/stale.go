package gen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// stale lists the lines of the user's files that name what the generated files
// beside them declared and declare no more, as after an entity has got another
// name: "app/hooks.go:12: Items". It looks at names, not at types, so that one that
// is the user's own may be among them; nothing is decided by it.
func (a *applier) stale(files Files) ([]string, error) {
	had, have, dirs := map[string]bool{}, map[string]bool{}, map[string]bool{}
	ours := map[string]bool{}
	for _, f := range files {
		if f.Owner == Generated && strings.HasSuffix(f.Path, ".go") {
			ours[f.Path] = true
			declared(f.Data, have)
		}
	}
	for _, e := range a.old.Files {
		if e.Owner != Generated.String() || !strings.HasSuffix(e.Path, ".go") {
			continue
		}
		src, exists, err := a.read(e.Path)
		if err != nil {
			return nil, err
		}
		if exists {
			ours[e.Path], dirs[path.Dir(e.Path)] = true, true
			declared(src, had)
		}
	}
	maps.DeleteFunc(had, func(name string, _ bool) bool { return have[name] || name == "_" })
	if len(had) == 0 {
		return nil, nil
	}
	var list []string
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		found, err := a.staleIn(dir, ours, had)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// staleIn looks at the files of a folder that are not ours.
func (a *applier) staleIn(dir string, ours, gone map[string]bool) ([]string, error) {
	entries, err := fs.ReadDir(a.root.FS(), dir)
	if err != nil {
		return nil, err
	}
	gone = maps.Clone(gone)
	var names []string
	sources := map[string][]byte{}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if !e.Type().IsRegular() || !strings.HasSuffix(name, ".go") || ours[name] {
			continue
		}
		src, _, err := a.read(name)
		if err != nil {
			return nil, err
		}
		if data, ok := a.carried[name]; ok {
			src = data
		}
		name = a.movedTo(name)
		names, sources[name] = append(names, name), src
		own := map[string]bool{}
		declared(src, own)
		maps.DeleteFunc(gone, func(name string, _ bool) bool { return own[name] })
	}
	var list []string
	for _, name := range names {
		list = append(list, named(name, sources[name], gone)...)
	}
	return list, nil
}

// declared adds the names of the types, values, functions, methods and fields that
// a file declares. A file that is no Go declares nothing.
func declared(src []byte, names map[string]bool) {
	f, err := parser.ParseFile(token.NewFileSet(), "", src, parser.SkipObjectResolution)
	if err != nil {
		return
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names[d.Name.Name] = true
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					names[s.Name.Name] = true
					if t, ok := s.Type.(*ast.StructType); ok {
						for _, field := range t.Fields.List {
							for _, n := range field.Names {
								names[n.Name] = true
							}
						}
					}
				case *ast.ValueSpec:
					for _, n := range s.Names {
						names[n.Name] = true
					}
				}
			}
		}
	}
}

// named lists where a file has one of the names, other than as part of a package.
func named(file string, src []byte, names map[string]bool) []string {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, "", src, parser.SkipObjectResolution)
	if err != nil {
		return nil // the compiler says it better
	}
	packages := map[string]bool{}
	for _, i := range f.Imports {
		name := path.Base(strings.Trim(i.Path.Value, `"`))
		if i.Name != nil {
			name = i.Name.Name
		}
		packages[name] = true
	}
	var list []string
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && packages[x.Name] {
				return false
			}
		}
		if id, ok := n.(*ast.Ident); ok && names[id.Name] {
			list = append(list, fmt.Sprintf("%s:%d: %s", file, set.Position(id.Pos()).Line, id.Name))
		}
		return true
	})
	return slices.Compact(list)
}
