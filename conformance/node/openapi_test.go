package node_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// TestOpenAPI has a linter and a generator of clients look at the documents of
// every example and of every design of the generator's tests, and a typed client
// use a service.
func TestOpenAPI(t *testing.T) {
	if err := present(); err != nil {
		missing(t, err)
	}
	url, login, password := restaurant(t)
	execute(t, "openapi/openapi.mjs", "", facts{"documents": documents(t), "url": url, "login": login, "password": password})
}

// documents writes the documents to a folder of their own.
func documents(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	add := func(name string, doc []byte) {
		if err := os.WriteFile(filepath.Join(dir, name+".json"), doc, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range glob(t, "../../examples/*/app/openapi_gen.json") {
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		add(filepath.Base(filepath.Dir(filepath.Dir(file))), doc)
	}
	add("everything", document(t, everything(t)))
	add("everything-graphql", document(t, strings.Replace(everything(t), "example.com/shop,", "example.com/shop, apis: [rest, graphql],", 1)))
	add("everything-amplication", document(t, strings.Replace(everything(t), "example.com/shop,", "example.com/shop, rest: amplication,", 1)))
	for _, file := range glob(t, "../../gen/testdata/*.txtar") {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			if f.Name == "gate.yaml" {
				add("test-"+strings.TrimSuffix(filepath.Base(file), ".txtar"), document(t, string(f.Data)))
			}
		}
	}
	return dir
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	return files
}

// everything returns the design of the generator's tests with every type of field.
func everything(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../gen/gen_test.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var src string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && v.Names[0].Name == "everything" {
			if text, ok := v.Values[0].(*ast.BasicLit); ok {
				src, err = strconv.Unquote(text.Value)
			}
		}
		return true
	})
	if err != nil || src == "" {
		t.Fatalf("the design everything is not where it was: %v", err)
	}
	return src
}

// document returns the OpenAPI document of a design.
func document(t *testing.T, src string) []byte {
	t.Helper()
	d, err := design.Parse("gate.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	files, err := gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...)
	if err != nil {
		t.Fatal(err)
	}
	doc, ok := files.Get("app/openapi_gen.json")
	if !ok {
		t.Fatal("there is no document")
	}
	return doc
}

// restaurant runs the example until the test ends. It returns its address, and
// how its administrator logs in.
func restaurant(t *testing.T) (url, login, password string) {
	t.Helper()
	return runService(t, filepath.FromSlash("../../examples/restaurant"))
}

// start runs the program of a service until the test ends, in its own folder. It returns
// its address, and how its administrator logs in.
func start(t *testing.T, program string) (url, login, password string) {
	t.Helper()
	dir := filepath.Dir(program)
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ADDR=127.0.0.1:0", "AUTH_SECRET="+rand.Text()+rand.Text(), "ADMIN_EMAIL=chef@kitchen.example")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(addr)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var line struct{ Msg, Addr string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
				addr <- line.Addr
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		if err := cmd.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	at, ok := <-addr
	if !ok {
		t.Fatal("the service did not open")
	}
	src, err := os.ReadFile(filepath.Join(dir, ".gate", "admin.json"))
	if err != nil {
		t.Fatal(err)
	}
	var admin struct{ Email, Password string }
	if err := json.Unmarshal(src, &admin); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://%s", at), admin.Email, admin.Password
}
