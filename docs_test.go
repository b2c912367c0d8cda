package gate_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// securityRows are the rows that docs/security.md has, by area and last number.
var securityRows = map[string]int{
	"JWT": 18, "JKS": 8, "PWD": 12, "LOG": 16, "SES": 11, "OTP": 8, "CLI": 12, "IDP": 23, "AUZ": 20, "KEY": 5, "OPS": 17, "GEN": 10,
	"ADM": 7, "HOK": 5, "AUD": 6,
}

// TestSecurityPage reads docs/security.md: each row is there once and says what
// shows it, and every test that it names exists in the package that it names.
func TestSecurityPage(t *testing.T) {
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for area, last := range securityRows {
		for n := range last {
			missing[fmt.Sprintf("%s-%02d", area, n+1)] = true
		}
	}
	row := regexp.MustCompile(`(?m)^\| ([A-Z]{3}-\d\d) \| (.+) \| (.+) \|$`)
	named := 0
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		id, holds, shown := m[1], m[2], m[3]
		if !missing[id] {
			t.Errorf("%s: there is no such row to have, or it is there twice", id)
		}
		delete(missing, id)
		if absent := shown == "—"; absent && !strings.Contains(holds, "*Not there:*") && !strings.Contains(holds, "*Partly:*") {
			t.Errorf("%s holds and nothing shows it", id)
		} else if !absent {
			named += checkShown(t, id, shown)
		}
	}
	if len(missing) > 0 {
		t.Errorf("no row %v", slices.Sorted(maps.Keys(missing)))
	}
	if named < 200 {
		t.Errorf("the page names %d tests", named)
	}
}

// checkShown looks for the tests of a row, written "`jose`: `TestA`, `TestB_*`;
// `oidc`: `TestC`", and returns how many it names.
func checkShown(t *testing.T, id, shown string) (named int) {
	t.Helper()
	quoted := regexp.MustCompile("^`([^` ]+)`$")
	for group := range strings.SplitSeq(shown, "; ") {
		pkg, list, ok := strings.Cut(group, ": ")
		dir := quoted.FindStringSubmatch(pkg)
		if !ok || dir == nil {
			t.Errorf("%s: %q is not a package with its tests", id, group)
			continue
		}
		tests := testsOf(t, dir[1])
		for item := range strings.SplitSeq(list, ", ") {
			name := quoted.FindStringSubmatch(item)
			if name == nil {
				t.Errorf("%s: %q is not a test", id, item)
				continue
			}
			named++
			prefix, all := strings.CutSuffix(name[1], "*")
			if !slices.ContainsFunc(tests, func(test string) bool { return test == name[1] || all && strings.HasPrefix(test, prefix) }) {
				t.Errorf("%s: package %s has no %s", id, dir[1], name[1])
			}
		}
	}
	return named
}

// testsOf returns the tests and fuzz targets of a package of this repository, by
// its folder; "gate" is the root.
func testsOf(t *testing.T, pkg string) (names []string) {
	t.Helper()
	dir := filepath.FromSlash(pkg)
	if pkg == "gate" {
		dir = "."
	}
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if ok && fn.Recv == nil && (strings.HasPrefix(fn.Name.Name, "Test") || strings.HasPrefix(fn.Name.Name, "Fuzz")) {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}

// TestLinksOfDocs follows every link from a page of this repository to another.
func TestLinksOfDocs(t *testing.T) {
	pages, err := filepath.Glob("docs/*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(append(pages, top...), "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, page := range pages {
		src, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(src), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s: the link %s leads nowhere", page, m[1])
			}
		}
	}
}

// TestLibraryGuide compiles the sections of docs/guides/library.md with the
// imports that the guide gives them, beside the program that it begins with,
// whose main calls the application of all sections. The program as it is at its
// beginning is run by a test of cmd/gate.
func TestLibraryGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	guide, err := os.ReadFile("docs/guides/library.md")
	if err != nil {
		t.Fatal(err)
	}
	var first, program, imports, sections string
	for _, m := range regexp.MustCompile("(?s)\n```go\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		code := m[1]
		switch n := strings.Count(code, "\n"); {
		case strings.Contains(code, "type Accounts struct"):
			first = code
		case strings.Contains(code, "func main()"):
			program = code
		case strings.HasPrefix(code, "package main\n"):
			imports += code
		case strings.HasPrefix(code, "func wholeApp("), strings.HasPrefix(code, "// ownKeys"):
			sections += "\n" + code
		case strings.HasPrefix(code, "func "):
			sections += "\n" + code
			if n > 17 {
				t.Errorf("%d lines are no snippet: %.60s", n, code)
			}
		}
	}
	if n := strings.Count(sections, "\nfunc "); n < 18 || first == "" || strings.Count(program, "newApp()") != 2 {
		t.Fatalf("the guide has %d functions", n)
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":      "module example.com/recipes\n\ngo 1.26\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n",
		"go.sum":      string(sums),
		"accounts.go": first,
		"main.go":     strings.Replace(program, "newApp()", "wholeApp(context.Background())", 1),
		"more.go":     imports + sections,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "vet", "-mod=mod", ".")
	build.Dir, build.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}
