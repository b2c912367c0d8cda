package gen_test

import (
	"bytes"
	"flag"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

var update = flag.Bool("update", false, "rewrite the golden files and the lists of modules")

// TestModuleLists compares gomod, from which the go.mod and go.sum of services
// are made, with this module and with what services import.
func TestModuleLists(t *testing.T) {
	for from, to := range map[string]string{"../go.mod": "gomod/gate.mod", "../go.sum": "gomod/gate.sum"} {
		same(t, to, read(t, from))
	}
	for _, db := range []design.Database{design.SQLite, design.Postgres} {
		same(t, "gomod/"+string(db)+".txt", moduleList(t, db))
	}
	for _, db := range []design.Database{design.SQLite, design.Postgres} {
		base := strings.Fields(string(moduleList(t, db)))
		more := strings.Fields(string(moduleList(t, db, design.REST, design.GraphQL)))
		more = slices.DeleteFunc(more, func(path string) bool { return slices.Contains(base, path) })
		same(t, "gomod/graphql.txt", []byte(strings.Join(more, "\n")+"\n"))
	}
	base := strings.Fields(string(modulesOf(t, parse(t, everything))))
	for _, plugin := range []string{"metrics", "otel"} {
		more := strings.Fields(string(modulesOf(t, parse(t, withPlugin(plugin)))))
		more = slices.DeleteFunc(more, func(path string) bool { return slices.Contains(base, path) })
		same(t, "gomod/"+plugin+".txt", []byte(strings.Join(more, "\n")+"\n"))
	}
}

// same compares a file with what it should hold.
func same(t *testing.T, name string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(read(t, name), want) {
		t.Errorf("%s is out of date: run go test ./gen -run TestModuleLists -update, and then the golden tests", name)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// moduleList lists the modules that a service with every plugin builds, on any
// of the usual systems; apis are its APIs, none means REST.
func moduleList(t *testing.T, db design.Database, apis ...string) []byte {
	t.Helper()
	d := parse(t, everything)
	d.Service.Database = db
	if apis != nil {
		d.Service.APIs = apis
	}
	return modulesOf(t, d)
}

// withPlugin is everything with one plugin more, which has a list of modules of
// its own.
func withPlugin(name string) string {
	return strings.Replace(everything, "  realtime: {}\n", "  realtime: {}\n  "+name+": {}\n", 1)
}

// modulesOf lists the modules that a service builds.
func modulesOf(t *testing.T, d *design.Design) []byte {
	t.Helper()
	files := generate(t, d, gen.Options{})
	var modules []string
	for _, system := range []string{"linux", "darwin", "windows"} {
		args := append([]string{"list", "-deps", "-tags", "gatedev", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}"}, gateImports(t, files)...)
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, stderr(err))
		}
		modules = append(modules, strings.Fields(string(out))...)
	}
	slices.Sort(modules)
	return []byte(strings.Join(slices.Compact(modules), "\n") + "\n")
}

// gateImports lists the packages of gate that the files import.
func gateImports(t *testing.T, files gen.Files) []string {
	t.Helper()
	var list []string
	for _, f := range files {
		if filepath.Ext(f.Path) != ".go" {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Path, f.Data, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(p, "github.com/gatewright/gate/") {
				list = append(list, p)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func stderr(err error) string {
	if e, ok := err.(*exec.ExitError); ok { //nolint:errorlint // as exec returns it
		return string(e.Stderr)
	}
	return ""
}
