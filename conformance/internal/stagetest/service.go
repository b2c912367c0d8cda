package stagetest

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// Checkout is the root of the repository, from a package two folders below it.
const Checkout = "../.."

// Design is what conformance/testdata has of that name.
func Design(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("../testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// Emit generates the service of a design into dir.
func Emit(t *testing.T, dir, src string) {
	t.Helper()
	d, err := design.Parse("gate.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	checkout, err := filepath.Abs(Checkout)
	if err != nil {
		t.Fatal(err)
	}
	files, err := gen.Generate(d, gen.Options{Replace: filepath.ToSlash(checkout)}, standard.Plugins()...)
	if err == nil {
		_, err = gen.Apply(dir, files, gen.ApplyOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Compiled builds the program of the service in dir.
func Compiled(t *testing.T, dir string) (program string) {
	t.Helper()
	program = filepath.Join(dir, "program")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", program, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// Pages generates a service with the plugin admin into dir, has its pages built, and
// builds the program with them, which it returns. build is [Application] or [Bundle].
func Pages(t *testing.T, dir, src string, build func(t *testing.T, dir string)) (program string) {
	t.Helper()
	Emit(t, dir, src)
	build(t, filepath.Join(dir, "admin"))
	return Compiled(t, dir)
}

// Serve runs the program of a service until the test ends, in its own folder, and returns
// its address.
func Serve(t *testing.T, program string, environ ...string) (url string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program)
	cmd.Dir = filepath.Dir(program)
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GATE_") }) // which is not its own
	cmd.Env = append(append(env, "ADDR=127.0.0.1:0", "AUTH_SECRET="+rand.Text()+rand.Text()), environ...)
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
	var said []string
	go func() {
		defer close(ended)
		defer close(addr)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var line struct{ Msg, Addr string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
				addr <- line.Addr
			}
			said = append(said, lines.Text())
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		if err := cmd.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the service said:\n%s", strings.Join(said, "\n"))
		}
	})
	at, ok := <-addr
	if !ok {
		t.Fatal("the service did not start")
	}
	return "http://" + at
}

// Administrator is who a service made when it started in dir with ADMIN_EMAIL.
func Administrator(t *testing.T, dir string) Facts {
	t.Helper()
	var who struct{ Email, Password string }
	src, err := os.ReadFile(filepath.Join(dir, ".gate", "admin.json"))
	if err == nil {
		err = json.Unmarshal(src, &who)
	}
	if err != nil {
		t.Fatal(err)
	}
	return Facts{"email": who.Email, "password": who.Password}
}

// FreePort returns a port that nobody listens on, for a server of a scenario.
func FreePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
