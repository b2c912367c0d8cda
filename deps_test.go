package gate_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gatewright/gate"

// floors lists the trees of this module from the ground up. A tree may import
// what stands on a lower floor, and itself. This is a statement of policy: a
// change here comes with a decision record in docs/decisions.
var floors = [][]string{
	{"internal"},       // 0: secrets, strict JSON, test helpers; the standard library alone
	{"jose", "design"}, // 1: tokens, the model of gate.yaml; strangers to each other
	{"."},              // 2: the engine, what people import
	{"oidc", "authz", "password", "mail", "store"}, // 3: issuers, decisions, hashes, letters, rows
	{"strategy", "account"},                        // 4: ways to log in, what a person does with an account
	{"runtime", "gen", "idp", "auth0"},             // 5: the products; strangers to each other
	{"cmd", "bench", "examples", "conformance"},    // 6: wiring, and proof with the software of others
}

func TestImportsPointDown(t *testing.T) {
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(file, "go.mod")); d.IsDir() && file != "." && err == nil {
			return filepath.SkipDir // a module of its own
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from, tree := floor(path.Dir(filepath.ToSlash(file)))
		if from < 0 {
			t.Errorf("%s stands on no floor", file)
		}
		for _, spec := range f.Imports {
			imp, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`)+"/", module+"/")
			if !ours {
				if host, _, _ := strings.Cut(imp, "/"); from == 0 && strings.Contains(host, ".") {
					t.Errorf("%s stands in the cellar and imports %s", file, path.Clean(imp))
				}
				continue
			}
			if to, other := floor(path.Clean(imp)); to >= from && other != tree {
				t.Errorf("%s (floor %d) imports %s (floor %d)", file, from, path.Clean(imp), to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestGraphQLReachesNoRows keeps the parser of GraphQL in one package, and this
// package away from databases and statements: rows come from package crud alone.
func TestGraphQLReachesNoRows(t *testing.T) {
	const parsing = "github.com/vektah/gqlparser/"
	banned := []string{"database/sql", module + "/store", module + "/runtime/server"}
	compiler := []string{"Compiler", "NewCompiler", "Reader", "NewReader", "Statement", "Filter", "Equals", "Nothing", "Resolve", "ResolveSelect", "Plan"}
	files, err := filepath.Glob("runtime/*/*.go")
	if err != nil || len(files) < 50 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ours := filepath.Base(filepath.Dir(file)) == "graphql"
		for _, spec := range f.Imports {
			imp := strings.Trim(spec.Path.Value, `"`)
			if !ours && strings.HasPrefix(imp, parsing) {
				t.Errorf("%s imports %s", file, imp)
			}
			for _, b := range banned {
				if ours && (imp == b || strings.HasPrefix(imp, b+"/")) {
					t.Errorf("%s imports %s", file, imp)
				}
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || !ours {
				return true
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "query" && slices.Contains(compiler, sel.Sel.Name) {
				t.Errorf("%s uses query.%s", file, sel.Sel.Name)
			}
			return true
		})
	}
}

// floor returns the floor of a package and the tree it belongs to.
func floor(rel string) (int, string) {
	tree, _, _ := strings.Cut(rel, "/")
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, tree) }), tree
}
