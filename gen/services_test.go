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

// get asks for an address.
func get(t *testing.T, url string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
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
	return res.StatusCode, string(b)
}

// start runs a service until the test ends, and returns its address.
func start(t *testing.T, dir, program string) string {
	t.Helper()
	return launch(t, program, func(cmd *exec.Cmd) {
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), cmd.Env...)
	})
}

// launch is start for a program that is set up in another way.
func launch(t *testing.T, program string, setUp func(*exec.Cmd)) string {
	t.Helper()
	secret := make([]byte, 48)
	if _, err := rand.Read(secret); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = []string{
		"ADDR=127.0.0.1:0", "AUTH_SECRET=" + base64.StdEncoding.EncodeToString(secret),
		"MAIL_URL=smtp://127.0.0.1:9", "MAIL_FROM=no-reply@shop.example", "PUBLIC_URL=https://shop.example",
	}
	setUp(cmd)
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

// goTool runs the go command offline, and lets it change nothing. It returns what the
// command said.
func goTool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// computing is hooks.go of a service with computed fields.
const computing = `package app

import "github.com/gatewright/gate/runtime/model"

func configure(a *App) error {
	a.ComputeOrderItemImageURL(func(i *OrderItem) string { return "https://example.com/" + i.Code })
	a.ComputeOrderItemSpan(func(*OrderItem) *model.Decimal { return nil })
	return nil
}
`

// TestEverythingBuilds compiles and starts a service with every type of field, on
// both databases, and sees that go.mod and go.sum are complete.
func TestEverythingBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("builds services")
	}
	for _, db := range []string{"sqlite", "postgres"} {
		t.Run(db, func(t *testing.T) {
			dir := t.TempDir()
			src := strings.Replace(everything, "example.com/shop,", "example.com/shop, database: "+db+",", 1)
			src = strings.Replace(src, "      owner: email\n", "      owner: email\n"+
				"      imageUrl: {type: url, required: true, computed: [code, parent]}\n      span: {type: decimal, computed: code}\n      seen: {type: integer, readOnly: true}\n", 1)
			regenerate(t, dir, src)
			write(t, dir, "app/hooks.go", computing)
			before := tree(t, dir)
			goTool(t, dir, "vet", "./...")
			after := tree(t, dir)
			for _, name := range []string{"go.mod", "go.sum"} {
				if before[name] != after[name] {
					t.Errorf("the go command changed %s", name)
				}
			}
			unlinked(t, dir, db, "vektah/gqlparser", "prometheus/", "go.opentelemetry.io")

			if db == "postgres" {
				t.Setenv("DATABASE_URL", storetest.PostgresURL(t))
			}
			goTool(t, dir, "build", "-o", "shop", ".")
			url := start(t, dir, filepath.Join(dir, "shop"))
			if status, body := get(t, url+"/api/order-items?$sort[code]=-1&code[$startsWith]=ab&$select=imageUrl&$include=parent,children.goesWith"); status != 200 {
				t.Errorf("list: %d %s", status, body)
			}
			if status, body := get(t, url+"/api/openapi.json"); status != 200 || !json.Valid([]byte(body)) {
				t.Errorf("openapi.json: %d %s", status, body)
			}
		})
	}
}

// TestGraphQLBuilds turns GraphQL on in a service with every type of field, and
// sees that go.mod and go.sum are complete, and that the schema is served.
func TestGraphQLBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("builds services")
	}
	dir := t.TempDir()
	regenerate(t, dir, strings.Replace(everything, "example.com/shop,", "example.com/shop, apis: [rest, graphql],", 1))
	before := tree(t, dir)
	goTool(t, dir, "vet", "./...")
	after := tree(t, dir)
	for _, name := range []string{"go.mod", "go.sum"} {
		if before[name] != after[name] {
			t.Errorf("the go command changed %s", name)
		}
	}
	unlinked(t, dir, "sqlite")
	goTool(t, dir, "build", "-o", "shop", ".")
	url := start(t, dir, filepath.Join(dir, "shop")) + "/api/graphql"
	for _, tt := range []struct{ body, want string }{
		{`{"query":"{ orderItems(where: {code: {startsWith: \"ab\"}}, orderBy: [{code: desc}]) { id code parentId parent { code } goesWith(limit: 2) { wentWith(where: {code: {ne: \"x\"}}) { id } } } }"}`, `{"data":{"orderItems":[]}}`},
		{`{"query":"{ customers { id } }"}`, `"UNAUTHENTICATED"`},
		{`{"query":"{ __schema { types { name } } }"}`, `"INTROSPECTION_OFF"`},
	} {
		if body := post(t, url, tt.body); !strings.Contains(body, tt.want) {
			t.Errorf("%s: %s", tt.body, body)
		}
	}
	if status, _ := get(t, url+"?query={orderItems{id}}"); status != http.StatusBadRequest { // a text in an address is refused
		t.Errorf("GET: %d", status)
	}
	const list = `{"query":"{ customers { id } }"}`
	for _, spelling := range []string{"/", "?x=1", "//", "/.", "/x", "%2f"} { // AUZ-18
		if body := post(t, url+spelling, list); !strings.Contains(body, "UNAUTHENTICATED") && !strings.Contains(body, `"code":404`) {
			t.Errorf("%s: %s", spelling, body)
		}
	}

	// And off again: what it brought is gone.
	regenerate(t, dir, everything)
	for name := range tree(t, dir) {
		if strings.Contains(name, "graphql") && filepath.Base(name) != "schema.graphql" { // which is the user's
			t.Errorf("%s is still there", name)
		}
	}
	goTool(t, dir, "vet", "./...")
}

// TestOperatorsPluginsBuild turns on what has a list of modules of its own, and
// sees that go.mod and go.sum are complete without anybody being asked, and that
// it works.
func TestOperatorsPluginsBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	dir := t.TempDir()
	regenerate(t, dir, strings.Replace(withPlugin("metrics"), "  metrics: {}\n", "  metrics: {}\n  otel: {}\n", 1))
	before := tree(t, dir)
	goTool(t, dir, "vet", "./...")
	after := tree(t, dir)
	for _, name := range []string{"go.mod", "go.sum"} {
		if before[name] != after[name] {
			t.Errorf("the go command changed %s", name)
		}
	}
	unlinked(t, dir, "sqlite", "vektah/gqlparser")
	goTool(t, dir, "build", "-o", "shop", ".")
	t.Setenv("METRICS_ADDR", "127.0.0.1:0")
	url := start(t, dir, filepath.Join(dir, "shop"))
	if status, _ := get(t, url+"/metrics"); status != http.StatusNotFound {
		t.Errorf("the service itself answers its metrics: %d", status)
	}
}

// post sends a JSON body and returns the answer.
func post(t *testing.T, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// unlinked sees that a service holds nothing that it does not need, more of which
// may be named.
func unlinked(t *testing.T, dir, db string, more ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", ".")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr(err))
	}
	banned := []string{"ariga.io/atlas", "github.com/gatewright/gate/gen", "github.com/gatewright/gate/design", "goccy/go-yaml"}
	banned = append(banned, more...)
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
