package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOapiCodegen makes a Go client from the document of the restaurant, and has
// a program use it against one that runs.
func TestOapiCodegen(t *testing.T) {
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	example := filepath.Join(checkout, "examples", "restaurant")
	client := t.TempDir() // a module like this one, with the client beside the program
	document := filepath.Join(example, "app", "openapi_gen.json")
	if _, err := os.ReadFile(document); err != nil { // the cache of tests knows from here what this one depends on
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum", "testdata/client/main.go"} {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		src = bytes.ReplaceAll(src, []byte("=> ../.."), []byte("=> "+checkout))
		if err := os.WriteFile(filepath.Join(client, filepath.Base(name)), src, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command(t, ".", "go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "main", "-o", filepath.Join(client, "client.go"), document)
	command(t, client, "go", "vet", ".")
	command(t, client, "go", "build", "-o", "client", ".")

	url, dir := restaurant(t, example)
	admin, err := os.ReadFile(filepath.Join(dir, ".gate", "admin.json"))
	if err != nil {
		t.Fatal(err)
	}
	command(t, client, "./client", url, string(admin))
}

// command runs a program that has to succeed.
func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args[:min(2, len(args))], " "), err, out)
	}
}

// restaurant runs the example until the test ends, and returns its address and
// its folder.
func restaurant(t *testing.T, example string) (url, dir string) {
	t.Helper()
	dir = t.TempDir()
	program := filepath.Join(dir, "restaurant")
	command(t, example, "go", "build", "-o", program, ".")
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
		_ = cmd.Wait() // interrupted
	})
	at, ok := <-addr
	if !ok {
		t.Fatal("the restaurant did not open")
	}
	return "http://" + at, dir
}
