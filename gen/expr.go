package gen

import (
	"fmt"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Expr is a Go expression in the code of a service, and the packages that it
// needs. It is made by the functions of this package only, so that no text of a
// design can become code. The zero value is no expression and refused.
type Expr struct {
	code    string
	imports []string
}

// String returns the code of the expression.
func (e Expr) String() string { return e.code }

// A Member is one field of a struct literal.
type Member struct {
	Name  string
	Value Expr
}

// Text returns s as a string literal.
func Text(s string) Expr { return Expr{code: strconv.Quote(s)} }

// Texts returns a []string literal.
func Texts(list []string) Expr {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = strconv.Quote(s)
	}
	return Expr{code: "[]string{" + strings.Join(quoted, ", ") + "}"}
}

// TextMap returns a map[string]string literal, sorted by its keys.
func TextMap(m map[string]string) Expr {
	var b strings.Builder
	b.WriteString("map[string]string{\n")
	for _, key := range slices.Sorted(maps.Keys(m)) {
		b.WriteString(strconv.Quote(key) + ": " + strconv.Quote(m[key]) + ",\n")
	}
	return Expr{code: b.String() + "}"}
}

// Bool returns true or false.
func Bool(b bool) Expr { return Expr{code: strconv.FormatBool(b)} }

// Int returns an integer literal.
func Int(n int64) Expr { return Expr{code: strconv.FormatInt(n, 10)} }

// Duration returns d as people write it: 15 * time.Minute.
func Duration(d time.Duration) Expr {
	units := []struct {
		unit time.Duration
		name string
	}{
		{time.Hour, "time.Hour"},
		{time.Minute, "time.Minute"},
		{time.Second, "time.Second"},
		{time.Millisecond, "time.Millisecond"},
		{time.Microsecond, "time.Microsecond"},
	}
	for _, u := range units {
		if d == u.unit {
			return Expr{code: u.name, imports: []string{"time"}}
		}
		if d%u.unit == 0 && d != 0 {
			return Expr{code: fmt.Sprintf("%d * %s", d/u.unit, u.name), imports: []string{"time"}}
		}
	}
	return Expr{code: strconv.FormatInt(int64(d), 10)}
}

// Name returns the name of something: declared in the package with that import
// path, or, when the path is empty, in the package app of the service. It panics
// if name is no identifier: names are written by plugins, not by users.
func Name(importPath, name string) Expr {
	if !token.IsIdentifier(name) {
		panic(fmt.Sprintf("gen: %q is no identifier", name))
	}
	if importPath == "" {
		return Expr{code: name}
	}
	return Expr{code: path.Base(importPath) + "." + name, imports: []string{importPath}}
}

// Struct returns the address of a struct literal, one member a line.
func Struct(typ Expr, members ...Member) Expr {
	var b strings.Builder
	imports := slices.Clone(typ.imports)
	b.WriteString("&" + typ.code + "{\n")
	for _, m := range members {
		b.WriteString(Name("", m.Name).code + ": " + m.Value.code + ",\n")
		imports = append(imports, m.Value.imports...)
	}
	b.WriteString("}")
	return Expr{code: b.String(), imports: imports}
}

// List returns a literal of a list of structs, one a line.
func List(typ Expr, items ...[]Member) Expr {
	var b strings.Builder
	imports := slices.Clone(typ.imports)
	b.WriteString("[]" + typ.code + "{\n")
	for _, members := range items {
		b.WriteString("{")
		for i, m := range members {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(Name("", m.Name).code + ": " + m.Value.code)
			imports = append(imports, m.Value.imports...)
		}
		b.WriteString("},\n")
	}
	b.WriteString("}")
	return Expr{code: b.String(), imports: imports}
}

// Value returns the zero value of a struct type.
func Value(typ Expr) Expr { return Expr{code: typ.code + "{}", imports: typ.imports} }

// Call returns a call of a function.
func Call(function Expr, args ...Expr) Expr {
	code := make([]string, len(args))
	imports := slices.Clone(function.imports)
	for i, a := range args {
		code[i] = a.code
		imports = append(imports, a.imports...)
	}
	return Expr{code: function.code + "(" + strings.Join(code, ", ") + ")", imports: imports}
}

// Float returns a literal of a number that need not be whole.
func Float(f float64) Expr { return Expr{code: strconv.FormatFloat(f, 'g', -1, 64)} }
