package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to lock the database from outside

	"github.com/gatewright/gate/store/storetest"
)

// shared is a folder for what several tests use.
var shared = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "gate-test")
	if err != nil {
		panic(err)
	}
	return dir
})

// example is the design of examples/restaurant.
func example() (yaml string, err error) {
	data, err := os.ReadFile("../../examples/restaurant/gate.yaml")
	return string(data), err
}

// restaurant is the path of the example's program.
var restaurant = sync.OnceValues(func() (bin string, err error) {
	yaml, err := example()
	if err != nil {
		return "", err
	}
	return buildService("restaurant", yaml)
})

// buildService generates and builds a design as its user would, in the shared
// folder of that name, and returns the path of the program.
func buildService(name, yaml string) (bin string, err error) {
	if err := depend(); err != nil {
		return "", err
	}
	dir := filepath.Join(shared(), name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "gate.yaml"), []byte(yaml), 0o600); err != nil {
		return "", err
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	gate := filepath.Join(dir, "gate")
	if err := os.Symlink(self, gate); err != nil {
		return "", err
	}
	for _, cmd := range []*exec.Cmd{exec.Command(gate, "generate", dir), exec.Command("go", "build", "-o", "service", ".")} {
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
	}
	return filepath.Join(dir, "service"), nil
}

// built is the restaurant as a production build, and an empty folder to run it
// in with secrets of its own.
func built(t *testing.T) (bin, dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a service")
	}
	bin, err := restaurant()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	write(t, filepath.Join(dir, ".env"), "AUTH_SECRET="+rand.Text()+rand.Text()+"\n")
	return bin, dir
}

// serve starts a service's own binary, by sh so that limits can be set before.
func serve(t *testing.T, bin, dir, before string) *running {
	t.Helper()
	r := begin(t, bin, dir, before)
	r.listen()
	return r
}

// begin is serve for who does not wait yet.
func begin(t *testing.T, bin, dir, before string) *running {
	t.Helper()
	cmd := exec.Command("sh", "-c", before+` exec "$0"`, bin)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ADDR=127.0.0.1:0")
	r := &running{t: t, cmd: cmd, said: new(transcript)}
	cmd.Stdout = r.said
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.stderr = bufio.NewReader(stderr)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return r
}

// listen waits until a service listens, and reads who its first administrator is,
// if it stands in its folder.
func (r *running) listen() {
	r.t.Helper()
	for r.url == "" {
		line, err := r.stderr.ReadBytes('\n')
		var l struct{ Msg, Addr string }
		if json.Unmarshal(line, &l) == nil && l.Msg == "listening" {
			r.url = "http://" + l.Addr
		}
		if _, werr := r.said.Write(line); err != nil || werr != nil {
			r.t.Fatalf("the service does not listen:\n%s", r.said)
		}
	}
	go func() { _, _ = io.Copy(r.said, r.stderr) }()
	data, err := os.ReadFile(filepath.Join(r.cmd.Dir, ".gate", "admin.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err := errors.Join(err, json.Unmarshal(data, &r.admin)); err != nil {
		r.t.Fatal(err)
	}
}

// transcript is what a service has written on its standard output and error.
type transcript struct {
	mu   sync.Mutex
	text []byte
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, p...)
	return len(p), nil
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.text)
}

// with returns the lines that hold these words.
func (s *transcript) with(words string) string {
	var b strings.Builder
	for line := range strings.Lines(s.String()) {
		if words != "" && strings.Contains(line, words) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestOwnBinary starts a production build: it has no start page, and refuses
// placeholders, before and after.
func TestOwnBinary(t *testing.T) {
	bin, dir := built(t)
	for name, env := range map[string]string{
		"short":       "AUTH_SECRET=hunter22",
		"placeholder": "AUTH_SECRET=change_me_change_me_change_me_change_me_change_me",
		"repeated":    "AUTH_SECRET=" + strings.Repeat("a", 64),
		"unknown":     "GATE_DEBUG=1",
		"address":     "ADDR=everywhere",
	} {
		cmd := exec.Command(bin)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "ADDR=127.0.0.1:0", env)
		out, err := cmd.CombinedOutput()
		key, value, _ := strings.Cut(env, "=")
		if err == nil || !strings.Contains(string(out), key) {
			t.Errorf("%s: %v, want an error that names %s:\n%s", name, err, key, out)
		}
		if key == "AUTH_SECRET" && strings.Contains(string(out), value) {
			t.Errorf("%s: the output tells the value:\n%s", name, out)
		}
	}
	r := serve(t, bin, dir, "")
	r.want(404, "GET", "/", "", "")
	r.want(200, "GET", "/api/items", "", "")
	if a := r.ask("GET", "/health/live", "", ""); a.status >= 300 {
		t.Errorf("live: %d", a.status)
	}
	if a := r.ask("GET", "/health/ready", "", ""); a.status >= 300 {
		t.Errorf("ready: %d", a.status)
	}
}

// TestKillLosesNothing kills the service while it writes: every row that it has
// answered is there afterwards, whatever the database.
func TestKillLosesNothing(t *testing.T) {
	kill := func(t *testing.T, r *running, token string, again func() *running) {
		l := write4(r, token)
		l.await(200)
		_ = r.cmd.Process.Kill()
		l.end()
		_ = r.cmd.Wait()
		l.only(t, r, 201)
		r = again()
		l.kept(t, r)
		r.want(201, "POST", "/api/items", token, dish)
	}
	t.Run("sqlite", func(t *testing.T) {
		bin, dir := built(t)
		r := serve(t, bin, dir, "")
		token, _ := r.login(r.admin.Email, r.admin.Password)
		kill(t, r, token, func() *running { return serve(t, bin, dir, "") })
	})
	t.Run("postgres", func(t *testing.T) {
		c := openOn(t, everythingOnPostgres, "DATABASE_URL="+storetest.PostgresURL(t))
		kill(t, c.running, c.chef().login(t).bearer, func() *running { return c.serve(t) })
	})
}

// TestLockedDatabase locks the database from outside: writes are 503 within the
// busy time-out, neither a hang nor a 401, and reads go on.
func TestLockedDatabase(t *testing.T) {
	bin, dir := built(t)
	r := serve(t, bin, dir, "")
	token, _ := r.login(r.admin.Email, r.admin.Password)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, ".gate", "restaurant.db")+"?_pragma=busy_timeout(2000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	for _, write := range []struct{ path, auth, body string }{
		{"/api/items", token, `{"name":"Dish","price":1}`},
		{"/api/users", "", `{"email":"maria@kitchen.example","password":"correct horse battery staple"}`},
		{"/api/authentication", "", fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, r.admin.Email, r.admin.Password)},
	} {
		discreet(t, r.want(503, "POST", write.path, write.auth, write.body))
	}
	r.want(200, "GET", "/api/items", token, "")
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	r.want(201, "POST", "/api/items", token, `{"name":"Dish","price":1}`)
}

// TestLOG01_sameAnswer compares an unknown user and a wrong password: the same
// bytes, and times whose medians cannot be told apart.
func TestLOG01_sameAnswer(t *testing.T) {
	bin, dir := built(t)
	r := serve(t, bin, dir, "")
	ask := func(email, password string) (answer, time.Duration) {
		start := time.Now()
		a := r.ask("POST", "/api/authentication", "", fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, email, password))
		return a, time.Since(start)
	}
	var unknown, wrong []time.Duration
	for i := range 9 { // below the throttle's limit of ten
		u, tu := ask(fmt.Sprintf("nobody%d@kitchen.example", i), "correct horse battery staple")
		w, tw := ask(r.admin.Email, "correct horse battery staple")
		unknown, wrong = append(unknown, tu), append(wrong, tw)
		if u.status != 401 || u.body != w.body || u.status != w.status {
			t.Fatalf("unknown user: %d %s; wrong password: %d %s", u.status, u.body, w.status, w.body)
		}
		for name := range u.header {
			if name != "Date" && name != "X-Request-Id" && u.header.Get(name) != w.header.Get(name) {
				t.Errorf("header %s: %q and %q", name, u.header.Get(name), w.header.Get(name))
			}
		}
		if len(u.header) != len(w.header) {
			t.Errorf("headers: %v and %v", u.header, w.header)
		}
	}
	slices.Sort(unknown)
	slices.Sort(wrong)
	// Without the dummy hash the ratio is about 50. Medians of noisy runs on a
	// loaded machine stay well inside of 3.
	if ratio := wrong[4].Seconds() / unknown[4].Seconds(); ratio > 3 || ratio < 1.0/3 {
		t.Errorf("the median time of a wrong password is %s, of an unknown user %s", wrong[4], unknown[4])
	}
}
