// Package carry rewrites the files of a user where they name what the generator has
// renamed. It resolves names as a compiler does, in the service as it was generated
// before: a name that only looks like one of those stays, and is told.
package carry

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"slices"
	"strings"
)

// Names are what the generator called things before, each with its name of now.
type Names struct {
	App      string                       // import path of the package that declares them
	Entities map[string]string            // Item: Product
	Declared map[string]string            // of the package: Item: Product, ItemFieldName: ProductFieldName
	Members  map[string]map[string]string // fields and methods, by their type of before: App: {Items: Products}
	Retyped  map[string]map[string]string // fields, by their type of before, and what they are of now: Item: {Note: string}
	Types    map[string]string            // of the GraphQL schema: Item: Product
	Texts    []Text                       // what only texts name
}

// A File is one of the service as it was.
type File struct {
	Path string
	Data []byte
	Ours bool // generated: where the names are declared
}

// A Note is a place that somebody has to look at.
type Note struct {
	Path string
	Line int
	Text string
}

// Carry returns the new content of the files of the user that name what has another
// name now, and what they have to see to themselves. Files are Go, or a GraphQL schema.
func Carry(files []File, names Names) (map[string][]byte, []Note) {
	c := &carrier{
		names: names, fset: token.NewFileSet(), ours: map[string]bool{}, sources: map[string][]byte{},
		objects: map[types.Object]string{}, retyped: map[types.Object]string{}, edits: map[string][]edit{},
	}
	packages := map[string][]*ast.File{}
	changed := map[string][]byte{}
	for _, f := range files {
		c.ours[f.Path], c.sources[f.Path] = f.Ours, f.Data
		if path.Ext(f.Path) == ".graphql" {
			if data := c.schema(f); data != nil {
				changed[f.Path] = data
			}
			continue
		}
		parsed, err := parser.ParseFile(c.fset, f.Path, f.Data, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			if !f.Ours {
				c.unread(f, err)
			}
			continue
		}
		key := path.Dir(f.Path) + " " + parsed.Name.Name
		packages[key] = append(packages[key], parsed)
	}
	// The package that declares the names comes first, and then who imports it.
	keys := slices.SortedFunc(maps.Keys(packages), func(a, b string) int {
		return cmp.Or(rank(b == "app app")-rank(a == "app app"), strings.Compare(a, b))
	})
	for _, key := range keys {
		c.check(key, packages[key])
	}
	for name, edits := range c.edits {
		changed[name] = apply(c.sources[name], edits)
	}
	slices.SortFunc(c.notes, func(a, b Note) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.Line-b.Line, strings.Compare(a.Text, b.Text))
	})
	return changed, slices.Compact(c.notes)
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

type carrier struct {
	names   Names
	fset    *token.FileSet
	ours    map[string]bool
	sources map[string][]byte
	app     *types.Package
	crud    *types.Package
	objects map[types.Object]string // what has another name
	retyped map[types.Object]string // what has another type
	edits   map[string][]edit
	notes   []Note
}

// An edit puts other text in the place of some.
type edit struct {
	at, end int
	text    string
}

// apply makes the edits, and keeps the file formatted if it was.
func apply(src []byte, edits []edit) []byte {
	slices.SortFunc(edits, func(a, b edit) int { return a.at - b.at })
	var out bytes.Buffer
	last := 0
	for _, e := range slices.Compact(edits) {
		out.Write(src[last:e.at])
		out.WriteString(e.text)
		last = e.end
	}
	out.Write(src[last:])
	if was, err := format.Source(src); err == nil && bytes.Equal(was, src) {
		if is, err := format.Source(out.Bytes()); err == nil {
			return is
		}
	}
	return out.Bytes()
}

// Import finds the package of the names, and that of its resources; any other is
// unknown, and so is what comes from it.
func (c *carrier) Import(path string) (*types.Package, error) {
	switch {
	case path == c.names.App && c.app != nil:
		return c.app, nil
	case path == crudPackage:
		return c.resources()
	}
	return nil, errors.New("not looked at")
}

// check resolves the names of a package.
func (c *carrier) check(key string, files []*ast.File) {
	isApp := key == "app app"
	if !isApp && !slices.ContainsFunc(files, c.imports) {
		for _, f := range files {
			if !c.ours[c.place(f.Package).Filename] {
				c.texts(f)
			}
		}
		return
	}
	info := &types.Info{
		Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{},
	}
	conf := types.Config{Importer: c, FakeImportC: true, Error: func(error) {}}
	importPath := key
	if isApp {
		importPath = c.names.App
	}
	pkg, _ := conf.Check(importPath, c.fset, files, info) // what is unknown is an error, and left alone
	if isApp {
		c.app = pkg
		c.declared()
	}
	for _, f := range files {
		if name := c.place(f.Package).Filename; !c.ours[name] {
			c.file(f, pkg, info)
		}
	}
}

func (c *carrier) imports(f *ast.File) bool {
	return slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return strings.Trim(i.Path.Value, "`\"") == c.names.App })
}

// declared finds what has another name now, and leaves alone what would get one that
// the user has given away.
func (c *carrier) declared() {
	add := func(obj types.Object, to string, taken types.Object) {
		switch {
		case obj == nil || !c.generated(obj):
		case taken != nil && !c.generated(taken):
			c.note(taken.Pos(), fmt.Sprintf("%s is yours, and what was %s gets that name: give yours another one, and write %[1]s for %[2]s", to, obj.Name()))
		default:
			c.objects[obj] = to
		}
	}
	scope := c.app.Scope()
	for from, to := range c.names.Declared {
		add(scope.Lookup(from), to, scope.Lookup(to))
	}
	for name, members := range c.names.Members {
		typ := scope.Lookup(name)
		if typ == nil {
			continue
		}
		for from, to := range members {
			member, _, _ := types.LookupFieldOrMethod(types.NewPointer(typ.Type()), true, c.app, from)
			taken, _, _ := types.LookupFieldOrMethod(types.NewPointer(typ.Type()), true, c.app, to)
			add(member, to, taken)
		}
	}
	for name, fields := range c.names.Retyped {
		for field, to := range fields {
			if typ := scope.Lookup(name); typ != nil {
				if member, _, _ := types.LookupFieldOrMethod(typ.Type(), true, c.app, field); member != nil {
					c.retyped[member] = to
				}
			}
		}
	}
}

func (c *carrier) generated(o types.Object) bool { return c.ours[c.place(o.Pos()).Filename] }

// place is where something is, whatever a //line says.
func (c *carrier) place(at token.Pos) token.Position { return c.fset.PositionFor(at, false) }

// file looks at each name of a file of the user.
func (c *carrier) file(f *ast.File, pkg *types.Package, info *types.Info) {
	r := resolver{c, pkg, info, map[*ast.SelectorExpr]bool{}}
	selected := map[*ast.Ident]*ast.SelectorExpr{} // a.Items, app.Item
	keys := map[*ast.Ident]bool{}                  // Item{Name: "x"}
	known := map[*ast.BasicLit]bool{}              // texts that are names for sure
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.SelectorExpr:
			selected[n.Sel] = n
		case *ast.CompositeLit:
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if id, ok := kv.Key.(*ast.Ident); ok {
						keys[id] = true
					}
				}
			}
		case *ast.CallExpr:
			if fun, ok := n.Fun.(*ast.SelectorExpr); ok {
				r.called[fun] = true
			}
			if lit := c.call(n, info); lit != nil {
				known[lit] = true
			}
		case *ast.BasicLit:
			if !known[n] {
				c.text(n)
			}
		case *ast.Ident:
			r.ident(n, selected[n], keys[n])
		}
		return true
	})
}

// A resolver finds what the names in a package stand for.
type resolver struct {
	*carrier

	pkg    *types.Package
	info   *types.Info
	called map[*ast.SelectorExpr]bool // f.Name()
}

// ident renames a use of what has another name.
func (r *resolver) ident(id *ast.Ident, sel *ast.SelectorExpr, key bool) {
	obj := r.info.Uses[id]
	if _, defined := r.info.Defs[id]; obj == nil && !defined && !key {
		obj = r.lexical(id, sel)
		if obj == nil && sel != nil {
			r.unresolved(id, sel)
		}
	}
	if typ, ok := r.retyped[obj]; ok {
		r.note(id.Pos(), fmt.Sprintf("%s is %s now", id.Name, typ))
	}
	to, ok := r.objects[obj]
	if !ok {
		to, ok = r.embedded(obj)
	}
	if !ok {
		return
	}
	if v, isVar := obj.(*types.Var); sel == nil && (!isVar || !v.IsField()) {
		if other := r.at(to, id); other != nil && !r.generated(other) {
			r.note(id.Pos(), fmt.Sprintf("%s is %s now, but that is something else here", id.Name, to))
			return
		}
	}
	r.edit(id.Pos(), id.Name, to)
}

// unresolved tells of a name behind a value of a type that nobody knows here.
func (r *resolver) unresolved(id *ast.Ident, sel *ast.SelectorExpr) {
	if x, ok := sel.X.(*ast.Ident); ok {
		if _, ok := r.at(x.Name, x).(*types.PkgName); ok {
			return
		}
	}
	for of, members := range r.names.Members {
		if to, ok := members[id.Name]; ok && (of == "App" || !r.called[sel]) { // fields are not called
			r.note(id.Pos(), fmt.Sprintf("%s may be %s.%s, which is %s now", id.Name, of, id.Name, to))
		}
	}
}

// at returns what a name stands for in the place of another one.
func (r *resolver) at(name string, id *ast.Ident) types.Object {
	_, obj := r.pkg.Scope().Innermost(id.Pos()).LookupParent(name, id.Pos())
	return obj
}

// lexical finds what is named inside of what comes from an unknown package, such as
// the Item of crud.Change[Item].
func (r *resolver) lexical(id *ast.Ident, sel *ast.SelectorExpr) types.Object {
	if sel == nil {
		return r.at(id.Name, id)
	}
	if x, ok := sel.X.(*ast.Ident); ok {
		if p, ok := r.at(x.Name, x).(*types.PkgName); ok && r.app != nil && p.Imported() == r.app {
			return r.app.Scope().Lookup(id.Name)
		}
	}
	return nil
}

// embedded returns the name of a field that is called after its type.
func (c *carrier) embedded(obj types.Object) (string, bool) {
	v, ok := obj.(*types.Var)
	if !ok || !v.Embedded() {
		return "", false
	}
	typ := v.Type()
	if p, ok := typ.(*types.Pointer); ok {
		typ = p.Elem()
	}
	named, ok := typ.(*types.Named)
	if !ok {
		return "", false
	}
	to, ok := c.objects[named.Obj()]
	return to, ok
}

const graphPackage = "github.com/gatewright/gate/runtime/server/graph"

// call renames the entity in a text that is handed to a function of the runtime:
// a.Decorate("Item", …) and graph.RowField(a.App, "Item.label", …). It returns the text.
func (c *carrier) call(call *ast.CallExpr, info *types.Info) *ast.BasicLit {
	fun := call.Fun
	switch f := fun.(type) { // graph.RowField[Item, struct{}, string]
	case *ast.IndexExpr:
		fun = f.X
	case *ast.IndexListExpr:
		fun = f.X
	}
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	arg := -1
	if id, ok := sel.X.(*ast.Ident); ok && sel.Sel.Name == "RowField" {
		if p, ok := info.Uses[id].(*types.PkgName); ok && p.Imported().Path() == graphPackage {
			arg = 1
		}
	}
	if sel.Sel.Name == "Decorate" && c.isApp(sel.X, info) {
		arg = 0
	}
	if arg < 0 || arg >= len(call.Args) {
		return nil
	}
	lit, ok := call.Args[arg].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return nil
	}
	entity, _, _ := strings.Cut(lit.Value[1:len(lit.Value)-1], ".")
	if to, ok := c.names.Entities[entity]; ok {
		c.edit(lit.Pos()+1, entity, to)
	}
	return lit
}

// isApp reports whether an expression is the App of the service, or the one in it.
func (c *carrier) isApp(x ast.Expr, info *types.Info) bool {
	if sel, ok := x.(*ast.SelectorExpr); ok && sel.Sel.Name == "App" {
		x = sel.X
	}
	typ := info.TypeOf(x)
	if p, ok := typ.(*types.Pointer); ok {
		typ = p.Elem()
	}
	named, ok := typ.(*types.Named)
	return ok && c.app != nil && named.Obj() == c.app.Scope().Lookup("App")
}

func (c *carrier) edit(at token.Pos, from, to string) {
	p := c.place(at)
	c.edits[p.Filename] = append(c.edits[p.Filename], edit{p.Offset, p.Offset + len(from), to})
}

func (c *carrier) note(at token.Pos, text string) {
	p := c.place(at)
	c.notes = append(c.notes, Note{p.Filename, p.Line, text})
}
