package gen_test

import (
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A checker checks the types of services, against the packages that the go command
// has compiled: in milliseconds, where a build takes seconds.
type checker struct {
	fset *token.FileSet
	deps types.Importer
}

func newChecker(t *testing.T) *checker {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}}\t{{.Export}}{{end}}",
		"./runtime/...", "./store/...", "./strategy/...", "./account/...", "./mail/...", "./jose/...", "./authz", "./password")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr(err))
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, file, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			exports[path] = file
		}
	}
	c := &checker{fset: token.NewFileSet()}
	c.deps = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		file, ok := exports[path]
		if !ok {
			return nil, errors.New(path + " is nothing that services import")
		}
		return os.Open(file)
	})
	return c
}

// service resolves what a service imports: its own packages first.
type service struct {
	checker *checker
	own     map[string]*types.Package
}

func (s *service) Import(path string) (*types.Package, error) {
	if p := s.own[path]; p != nil {
		return p, nil
	}
	return s.checker.deps.Import(path)
}

// check returns what a compiler would say of the service in dir, its tests included.
func (c *checker) check(t *testing.T, dir string) []types.Error {
	t.Helper()
	s := &service{c, map[string]*types.Package{}}
	var found []types.Error
	for _, folder := range []string{"migrations", "app", "."} {
		packages := c.parse(t, filepath.Join(dir, folder))
		for _, name := range slices.Sorted(maps.Keys(packages)) { // app before app_test
			path := "example.com/shop/" + folder
			conf := types.Config{Importer: s, Error: func(err error) {
				if e, ok := errors.AsType[types.Error](err); ok {
					found = append(found, e)
				}
			}}
			p, _ := conf.Check(path, c.fset, packages[name], nil)
			if !strings.HasSuffix(name, "_test") {
				s.own[path] = p
			}
		}
	}
	return found
}

// parse returns the files of a folder by the name of their package.
func (c *checker) parse(t *testing.T, dir string) map[string][]*ast.File {
	t.Helper()
	names, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string][]*ast.File{}
	for _, name := range names {
		f, err := parser.ParseFile(c.fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		packages[f.Name.Name] = append(packages[f.Name.Name], f)
	}
	return packages
}
