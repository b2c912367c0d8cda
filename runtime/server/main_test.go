package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store/sqlite"
)

// program runs the restaurant's program in the current folder until it ends.
func program(t *testing.T, args, environ []string, terminal bool) (code int, stdout, stderr string) {
	t.Helper()
	return programOf(t, restaurant(true, false, nil), args, environ, terminal)
}

func programOf(t *testing.T, s server.Service, args, environ []string, terminal bool) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if environ == nil {
		environ = []string{"AUTH_SECRET=" + testSecret, "ADDR=127.0.0.1:0"}
	}
	code = server.Run(t.Context(), s, args, environ, strings.NewReader(""), &out, &errs, terminal)
	return code, out.String(), errs.String()
}

func TestMain_usage(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{{"--help"}, {"-h"}, {"help"}, {"migrate", "--help"}, {"serve", "-h"}} {
		code, out, errs := program(t, args, nil, false)
		if code != 0 || errs != "" || !strings.HasPrefix(out, "restaurant: Dishes") || !strings.HasSuffix(out, "restaurant\n") {
			t.Errorf("%q: %d\n%s%s", args, code, out, errs)
		}
	}
	for _, args := range [][]string{{"bogus"}, {"--port", "80"}, {"migrate", "now"}, {"serve", ""}} {
		code, out, errs := program(t, args, nil, false)
		if code != 2 || out != "" || !strings.HasPrefix(errs, "restaurant: unknown argument") {
			t.Errorf("%q: %d\n%s%s", args, code, out, errs)
		}
	}
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if code, out, _ := program(t, args, nil, false); code != 0 || !strings.HasPrefix(out, "restaurant ") || !strings.Contains(out, "go1.") {
			t.Errorf("%q: %d %s", args, code, out)
		}
	}
	s := restaurant(true, false, nil)
	s.Settings = []string{"ADDR", "DATABASE_URL", "PUBLIC_URL", "CORS_ORIGINS", "TRUSTED_PROXIES", "MAX_BODIES_MB", "OTEL_SERVICE_NAME", "AUTH_SECRET"}
	want := `
Settings come from the environment, and from the file .env for what the
environment does not say: ADDR, DATABASE_URL, PUBLIC_URL, CORS_ORIGINS,
TRUSTED_PROXIES, MAX_BODIES_MB, OTEL_SERVICE_NAME, AUTH_SECRET.

Example:
  ADDR=127.0.0.1:8080 AUTH_SECRET="$(openssl rand -base64 48)" restaurant
`
	if _, out, _ := programOf(t, s, []string{"--help"}, nil, false); !strings.HasSuffix(out, want) {
		t.Errorf("the settings:\n%s", out)
	}
	s.Auth, s.Settings = nil, nil
	want = `
Settings come from the environment, and from the file .env for what the
environment does not say.

Example:
  ADDR=127.0.0.1:8080 restaurant
`
	if _, out, _ := programOf(t, s, []string{"--help"}, nil, false); !strings.HasSuffix(out, want) || strings.Contains(out, "restaurant keys") || strings.Contains(out, "restaurant logout") {
		t.Errorf("without any:\n%s", out)
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 0 {
		t.Errorf("asking for help left %v, %v", entries, err)
	}
}

// TestOPS13_boot: what is not right with the settings ends the program before it
// opens anything.
func TestOPS13_boot(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, environ := range map[string][]string{
		"AUTH_SECRET is not set":                  {"ADDR=127.0.0.1:0"},
		"AUTH_SECRET was copied from an example":  {"AUTH_SECRET=Change_ME!!!"},
		"GATE_DEBUG is not a setting":             {"AUTH_SECRET=" + testSecret, "GATE_DEBUG=1"},
		"GATE_DEV is set, and this is not a deve": {"AUTH_SECRET=" + testSecret, "GATE_DEV=0123456789abcdef"},
	} {
		code, out, errs := program(t, nil, environ, true)
		if code != 1 || out != "" || !strings.Contains(errs, name) {
			t.Errorf("%s: %d\n%s%s", name, code, out, errs)
		}
		last := errs[strings.LastIndex(strings.TrimSpace(errs), "\n")+1:]
		var line map[string]any
		if err := json.Unmarshal([]byte(last), &line); err != nil || line["level"] != "ERROR" || line["msg"] == "" || line["err"] == "" {
			t.Errorf("%s: the last line is %q", name, last)
		}
	}
	if _, err := os.Stat(".gate"); !os.IsNotExist(err) {
		t.Errorf("a refused start left a database: %v", err)
	}
}

func TestMain_migrate(t *testing.T) {
	t.Chdir(t.TempDir())
	code, out, errs := program(t, []string{"migrate"}, nil, false)
	want := `{"component":"app","version":1,"name":"init"}` + "\n" + `{"component":"accounts","version":1,"name":"sessions"}` + "\n"
	if code != 0 || !strings.HasPrefix(out, want) || !strings.Contains(out, `{"component":"audit","version":1,`) {
		t.Fatalf("%d\n%s%s", code, out, errs)
	}
	if code, out, errs := program(t, []string{"migrate"}, nil, false); code != 0 || out != "" {
		t.Errorf("a second time: %d\n%s%s", code, out, errs)
	}
}

// TestPWD12_firstAdministrator: made once, written for its owner alone, shown
// only to somebody who watches, and never in the log.
func TestPWD12_firstAdministrator(t *testing.T) {
	t.Chdir(t.TempDir())
	_, out, errs := program(t, []string{"migrate"}, nil, false)
	data, err := os.ReadFile(".gate/admin.json")
	if err != nil {
		t.Fatal(err)
	}
	var admin struct{ Email, Password string }
	if err := json.Unmarshal(data, &admin); err != nil {
		t.Fatal(err)
	}
	if admin.Email != "admin@restaurant.test" || len(admin.Password) < 20 {
		t.Errorf("the file says %s", data)
	}
	if strings.Contains(out+errs, admin.Password) {
		t.Error("the password was printed where nobody watches")
	}
	for _, name := range []string{".gate", ".gate/admin.json"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	if entries, err := filepath.Glob(".gate/admin.json.*"); err != nil || len(entries) != 0 {
		t.Errorf("drafts are left: %v, %v", entries, err)
	}
	if err := os.Remove(".gate/admin.json"); err != nil {
		t.Fatal(err)
	}
	if _, _, errs := program(t, []string{"migrate"}, nil, true); strings.Contains(errs, "Administrator") {
		t.Errorf("a second one was made: %s", errs)
	}
	if _, err := os.Stat(".gate/admin.json"); !os.IsNotExist(err) {
		t.Errorf("the file came back: %v", err)
	}

	// Another, empty database makes another administrator; the file of the first
	// may hold the only copy of its password.
	t.Chdir(t.TempDir())
	program(t, []string{"migrate"}, nil, false)
	if data, err = os.ReadFile(".gate/admin.json"); err != nil {
		t.Fatal(err)
	}
	program(t, []string{"migrate"}, []string{"AUTH_SECRET=" + testSecret, "DATABASE_URL=other.db"}, false)
	kept, err := filepath.Glob(".gate/admin-*.json")
	if err != nil || len(kept) != 1 {
		t.Fatalf("the file of the first database: %v, %v", kept, err)
	}
	if old, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(old, data) {
		t.Errorf("%s says %s, want %s", kept[0], old, data)
	}

	t.Chdir(t.TempDir())
	environ := []string{"AUTH_SECRET=" + testSecret, "ADMIN_EMAIL=ada@kitchen.example"}
	_, _, errs = program(t, []string{"migrate"}, environ, true)
	if data, err = os.ReadFile(".gate/admin.json"); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &admin); err != nil || admin.Email != "ada@kitchen.example" {
		t.Errorf("%v: %s", err, data)
	}
	if strings.Count(errs, admin.Password) != 1 {
		t.Errorf("the password was not shown once: %s", errs)
	}
	for line := range strings.Lines(errs) {
		if strings.HasPrefix(line, "{") && strings.Contains(line, admin.Password) {
			t.Errorf("the password is in the log: %s", line)
		}
	}
}

// TestPWD12_twoProcesses: started at the same time, they make one administrator,
// and the file holds the password that works.
func TestPWD12_twoProcesses(t *testing.T) {
	t.Chdir(t.TempDir())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var out, errs bytes.Buffer
			environ := []string{"AUTH_SECRET=" + testSecret}
			if code := server.Run(t.Context(), restaurant(true, false, nil), []string{"migrate"}, environ, nil, &out, &errs, false); code != 0 {
				t.Errorf("%d: %s", code, errs.String())
			}
		})
	}
	wg.Wait()
	entries, err := filepath.Glob(".gate/admin.json*")
	if err != nil || len(entries) != 1 {
		t.Errorf("files: %v, %v", entries, err)
	}
	data, err := os.ReadFile(".gate/admin.json")
	if err != nil {
		t.Fatal(err)
	}
	p := launch(t)
	defer p.stop()
	login := strings.Replace(string(data), "{", `{"strategy":"local",`, 1)
	res, err := http.Post(p.url+"/api/authentication", "application/json", strings.NewReader(login))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 201 || !strings.Contains(string(body), `"roles":["customer","menu-admin"]`) {
		t.Errorf("the log-in answers %d %s", res.StatusCode, body)
	}
}

// A launched is a program that serves.
type launched struct {
	t      *testing.T
	url    string
	cancel context.CancelFunc
	ended  chan int
}

// launch starts the program in the current folder and waits until it listens.
func launch(t *testing.T) *launched {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &launched{t: t, cancel: cancel, ended: make(chan int, 1)}
	r, w := io.Pipe()
	go func() {
		environ := []string{"AUTH_SECRET=" + testSecret, "ADDR=127.0.0.1:0"}
		p.ended <- server.Run(ctx, restaurant(true, false, nil), nil, environ, nil, io.Discard, w, false)
		_ = w.Close()
	}()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var line struct{ Msg, Addr string }
		if err := json.Unmarshal(lines.Bytes(), &line); err == nil && line.Msg == "listening" {
			p.url = "http://" + line.Addr
			go func() { _, _ = io.Copy(io.Discard, r) }()
			return p
		}
	}
	t.Fatal("it never listened")
	return nil
}

func (p *launched) stop() {
	p.t.Helper()
	p.cancel()
	if code := <-p.ended; code != 0 {
		p.t.Errorf("it ended with %d", code)
	}
}

// TestServe_drains: a request that runs when the service is told to stop is
// answered, and no further one is.
func TestServe_drains(t *testing.T) {
	t.Chdir(t.TempDir())
	entered, leave := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	s := restaurant(true, false, func(a *App) error {
		a.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
			close(entered)
			<-leave
			fmt.Fprint(w, "done")
		})
		return nil
	})
	ended := make(chan int, 1)
	go func() {
		ended <- server.Run(ctx, s, nil, []string{"AUTH_SECRET=" + testSecret, "ADDR=127.0.0.1:0"}, nil, io.Discard, w, false)
		_ = w.Close()
	}()
	lines := bufio.NewScanner(r)
	addr := ""
	for addr == "" && lines.Scan() {
		var line struct{ Msg, Addr string }
		if err := json.Unmarshal(lines.Bytes(), &line); err == nil && line.Msg == "listening" {
			addr = line.Addr
		}
	}
	answered := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + addr + "/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answered <- string(body)
	}()
	<-entered
	cancel()
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"stopping"`) {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	close(leave)
	if got := <-answered; got != "done" {
		t.Errorf("the running request got %q", got)
	}
	if code := <-ended; code != 0 {
		t.Errorf("it ended with %d", code)
	}
	if res, err := http.Get("http://" + addr + "/health/live"); err == nil {
		_ = res.Body.Close()
		t.Error("it still answers")
	}
}

func TestServe_addressTaken(t *testing.T) {
	t.Chdir(t.TempDir())
	p := launch(t)
	defer p.stop()
	var errs bytes.Buffer
	environ := []string{"AUTH_SECRET=" + testSecret, "ADDR=" + strings.TrimPrefix(p.url, "http://")}
	code := server.Run(t.Context(), restaurant(true, false, nil), nil, environ, nil, io.Discard, &errs, false)
	if code != 1 || !strings.Contains(errs.String(), "address already in use") {
		t.Errorf("%d: %s", code, errs.String())
	}
}

// TestMain_staleRoles: a start tells of the roles of the first administrator that the
// design has no more.
func TestMain_staleRoles(t *testing.T) {
	t.Chdir(t.TempDir())
	program(t, []string{"migrate"}, nil, false)
	db, err := sqlite.Open(t.Context(), ".gate/restaurant.db", sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), `UPDATE "users" SET "roles" = '["baker","customer"]'`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	code, _, errs := program(t, []string{"migrate"}, nil, false)
	if code != 0 || !strings.Contains(errs, `"level":"WARN","msg":"first administrator","problem":"admin@restaurant.test still holds baker, which the design does not have`) {
		t.Errorf("%d: %s", code, errs)
	}
}
