package gen_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/store/storetest"
)

// accounts is a shop whose items are public to read and guarded to write.
const accounts = `gate: 1
service: {name: shop, module: example.com/shop}
roles:
  customer: {default: true}
  clerk: {permissions: ["create:items"]}
plugins:
  auth-core: {entity: User, enabled: true}
  auth-jwt: {enabled: true}
  auth-basic: {enabled: true}
entities:
  Item:
    fields: {name: {type: text, required: true}}
    allow: {view: public, list: public, create: ["create:items"]}
  User:
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      roles: roles
    owner: id
    allow: {view: owner, create: public}
`

// with turns plugins of accounts on and off.
func with(jwt, basic bool) string {
	src := accounts
	off := func(plugin string) {
		src = strings.Replace(src, plugin, strings.Replace(plugin, "true", "false", 1), 1)
	}
	if !jwt {
		off("auth-jwt: {enabled: true}")
	}
	if !basic {
		off("auth-basic: {enabled: true}")
	}
	if !jwt && !basic {
		off("auth-core: {entity: User, enabled: true}")
	}
	return src
}

// TestServices takes one service through every combination of authentication,
// and back. Each time it is generated over what was there, compiles, starts on
// the database that it had, answers, and still knows who signed up at first.
func TestServices(t *testing.T) {
	if testing.Short() {
		t.Skip("builds services")
	}
	dir := t.TempDir()
	for i, step := range []struct {
		name       string
		jwt, basic bool
	}{{"jwt", true, false}, {"none", false, false}, {"basic", false, true}, {"both", true, true}} {
		t.Run(step.name, func(t *testing.T) {
			regenerate(t, dir, with(step.jwt, step.basic))
			goTool(t, dir, "vet", "./...")
			goTool(t, dir, "build", "-o", "shop", ".")
			url := start(t, dir, filepath.Join(dir, "shop"))
			if i == 0 {
				signUp(t, url)
			}
			answers(t, url, step.jwt, step.basic)
		})
	}
}

const (
	email    = "ada@example.com"
	password = "an engine that weaves algebra"
)

func signUp(t *testing.T, url string) {
	t.Helper()
	body := `{"email": "` + email + `", "password": "` + password + `", "roles": ["clerk"]}`
	if status, _, answer := ask(t, "POST", url+"/api/users", "", body); status != 403 && status != 400 {
		t.Errorf("sign up as a clerk: %d %s", status, answer)
	}
	body = strings.Replace(body, `, "roles": ["clerk"]`, "", 1)
	if status, _, answer := ask(t, "POST", url+"/api/users", "", body); status != 201 || strings.Contains(answer, "argon2") {
		t.Errorf("sign up: %d %s", status, answer)
	}
}

// answers asks the service what tells the combinations apart.
func answers(t *testing.T, url string, jwt, basic bool) {
	t.Helper()
	if status, _, body := ask(t, "GET", url+"/api/items", "", ""); status != 200 || !strings.Contains(body, `"data":[]`) {
		t.Errorf("list: %d %s", status, body)
	}
	status, challenge, _ := ask(t, "POST", url+"/api/items", "", `{"name": "Fig"}`)
	if status != 401 || jwt && !strings.Contains(challenge, "Bearer") || strings.Contains(challenge, "Basic") != basic {
		t.Errorf("create: %d %q", status, challenge)
	}
	status, _, body := ask(t, "POST", url+"/api/authentication", "", `{"strategy": "local", "email": "`+email+`", "password": "`+password+`"}`)
	if want := map[bool]int{true: 201, false: 404}[jwt]; status != want {
		t.Errorf("log in: %d %s, want %d", status, body, want)
	}
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte(email+":"+password))
	if status, _, body := ask(t, "POST", url+"/api/items", header, `{"name": "Fig"}`); status != map[bool]int{true: 403, false: 401}[basic] {
		t.Errorf("create by Basic: %d %s", status, body)
	}
}

// ask makes one request.
func ask(t *testing.T, method, url, authorization, body string) (status int, challenge, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.Join(res.Header.Values("WWW-Authenticate"), ", "), string(b)
}

// start runs a service until the test ends, and returns its address.
func start(t *testing.T, dir, program string) string {
	t.Helper()
	secret := make([]byte, 48)
	if _, err := rand.Read(secret); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ADDR=127.0.0.1:0", "AUTH_SECRET="+base64.StdEncoding.EncodeToString(secret))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	addr := make(chan string, 1)
	go func() {
		defer close(done)
		defer close(addr)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			var entry struct{ Msg, Addr string }
			if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "listening" {
				addr <- entry.Addr
			} else {
				t.Logf("%s", lines.Bytes())
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-done
		_ = cmd.Wait()
	})
	at, ok := <-addr
	if !ok {
		t.Fatal("the service did not start")
	}
	return "http://" + at
}

// regenerate generates the design into dir, as a development build in a checkout.
func regenerate(t *testing.T, dir, src string) {
	t.Helper()
	checkout, err := gen.FindReplace(dir, "..")
	if err != nil {
		t.Fatal(err)
	}
	d := parse(t, src)
	state, err := gen.ReadState(dir, d.Service.Database)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, dir, generate(t, d, gen.Options{Replace: checkout, State: state}), gen.ApplyOptions{})
}

// goTool runs the go command offline, and lets it change nothing.
func goTool(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestEverythingBuilds compiles and starts a service with every type of field, on
// both databases, and sees that go.mod and go.sum are complete.
func TestEverythingBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("builds services")
	}
	for _, db := range []string{"sqlite", "postgres"} {
		t.Run(db, func(t *testing.T) {
			dir := t.TempDir()
			regenerate(t, dir, strings.Replace(everything, "example.com/shop,", "example.com/shop, database: "+db+",", 1))
			before := tree(t, dir)
			goTool(t, dir, "vet", "./...")
			goTool(t, dir, "mod", "verify")
			goTool(t, dir, "list", "-m", "all")
			after := tree(t, dir)
			for _, name := range []string{"go.mod", "go.sum"} {
				if before[name] != after[name] {
					t.Errorf("the go command changed %s", name)
				}
			}
			unlinked(t, dir, db)

			if db == "postgres" {
				t.Setenv("DATABASE_URL", storetest.PostgresURL(t))
			}
			goTool(t, dir, "build", "-o", "shop", ".")
			url := start(t, dir, filepath.Join(dir, "shop"))
			if status, _, body := ask(t, "GET", url+"/api/order-items?$sort[code]=-1&code[$startsWith]=ab", "", ""); status != 200 {
				t.Errorf("list: %d %s", status, body)
			}
			if status, _, body := ask(t, "GET", url+"/api/openapi.json", "", ""); status != 200 || !json.Valid([]byte(body)) {
				t.Errorf("openapi.json: %d %s", status, body)
			}
		})
	}
}

// unlinked sees that a service holds nothing that it does not need.
func unlinked(t *testing.T, dir, db string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", ".")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr(err))
	}
	banned := []string{"ariga.io/atlas", "github.com/gatewright/gate/gen", "github.com/gatewright/gate/design", "goccy/go-yaml"}
	if db == "sqlite" {
		banned = append(banned, "jackc/pgx")
	} else {
		banned = append(banned, "modernc.org/sqlite")
	}
	for _, p := range banned {
		if strings.Contains(string(out), p) {
			t.Errorf("a service with %s links %s", db, p)
		}
	}
}
