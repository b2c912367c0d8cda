package main

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestGuideLibrary builds docs/guides/library.md from an empty folder, runs it,
// and asks what the guide asks.
func TestGuideLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "accounts.go"), block(t, "library.md", "type Accounts struct"))
	write(t, filepath.Join(dir, "main.go"), block(t, "library.md", "func main()"))
	write(t, filepath.Join(dir, "go.mod"), "module example.com/recipes\n\ngo 1.26\n\nrequire github.com/gatewright/gate v0.0.0\n\nreplace github.com/gatewright/gate => "+root+"\n")
	write(t, filepath.Join(dir, "go.sum"), read(t, "../../go.sum"))
	build := exec.Command("go", "build", "-mod=mod", "-o", "recipes", ".")
	build.Dir, build.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	r := &running{t: t, url: "http://" + serveAt(t, filepath.Join(dir, "recipes"))}

	const password = "figs with honey and thyme"
	account := func(email string) string { return `{"email":"` + email + `","password":"` + password + `"}` }
	r.want(400, "POST", "/users", "", `{"email":"ada@example.com","password":"ada"}`)
	r.want(201, "POST", "/users", "", account("ada@example.com"))
	r.want(409, "POST", "/users", "", account("Ada@example.com"))
	r.want(201, "POST", "/users", "", account("bob@example.com"))
	login := func(email string) string {
		body := `{"strategy":"local",` + strings.TrimPrefix(account(email), "{")
		token, _ := r.want(201, "POST", "/authentication", "", body).object(t)["accessToken"].(string)
		return "Bearer " + token
	}
	chef, cook := login("ada@example.com"), login("bob@example.com")
	r.want(401, "POST", "/authentication", "", `{"strategy":"local","email":"ada@example.com","password":"`+password+`!"}`)
	for _, tt := range []struct {
		route                string
		stranger, cook, chef int
	}{
		{"GET /me", 401, 200, 200},
		{"GET /hello", 200, 200, 200},
		{"GET /recipes", 401, 200, 200},
		{"DELETE /recipes", 401, 403, 200},
		{"GET /kitchen", 401, 403, 200},
	} {
		method, path, _ := strings.Cut(tt.route, " ")
		r.want(tt.stranger, method, path, "", "")
		r.want(tt.cook, method, path, cook, "")
		r.want(tt.chef, method, path, chef, "")
	}
	if a := r.want(200, "GET", "/me", chef, ""); a.body != "hello, ada@example.com: [*:recipes read:recipes]\n" {
		t.Errorf("GET /me: %q", a.body)
	}
	r.want(200, "DELETE", "/authentication", chef, "")
	r.want(401, "GET", "/recipes", chef, "")
	r.want(200, "GET", "/recipes", cook, "")
}

// serveAt starts the program on a free address and waits until it answers.
func serveAt(t *testing.T, program string) (addr string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(program)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "ADDR="+addr), &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if res, err := http.Get("http://" + addr + "/hello"); err == nil {
			_ = res.Body.Close()
			return addr
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer:\n%s", program, out.String())
		}
	}
}

// TestGuideFeathers checks that every test that docs/guides/feathers.md names is
// there.
func TestGuideFeathers(t *testing.T) {
	names := regexp.MustCompile("`(Test[A-Za-z0-9]+_?[A-Za-z0-9]*)`").FindAllStringSubmatch(read(t, "../../docs/guides/feathers.md"), -1)
	if len(names) < 20 {
		t.Fatalf("the guide names %d tests", len(names))
	}
	var source strings.Builder
	for _, pattern := range []string{"../../*_test.go", "../../*/*_test.go", "../../*/*/*_test.go", "../../*/*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source.WriteString(read(t, file))
		}
	}
	for _, name := range names {
		if !strings.Contains(source.String(), "func "+name[1]+"(t *testing.T)") {
			t.Errorf("there is no test %s", name[1])
		}
	}
}
