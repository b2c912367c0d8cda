package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A running is gate dev at work on a folder, as a program reads it.
type running struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	start  string // path of the start page, with its token
	admin  struct{ Email, Password string }
	idp    map[string]any // what it says of its identity provider
	seeded any            // and of the accounts of seed.yaml
	events chan map[string]any
	said   *transcript // of a service that runs by itself
	stderr *bufio.Reader
}

// patience is how long a step may take on a slow machine with a cold cache.
const patience = 8 * time.Minute

// gateBinary is the command: this program under another name, see TestMain.
func gateBinary(t *testing.T) string {
	t.Helper()
	if err := depend(); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "gate")
	if err := os.Symlink(self, bin); err != nil {
		t.Fatal(err)
	}
	return bin
}

// design writes a gate.yaml into a new folder.
func design(t *testing.T, yaml string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "gate.yaml"), yaml)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// dev starts gate dev on dir, with further arguments, and waits until it is
// ready.
func dev(t *testing.T, gate, dir string, args ...string) *running {
	t.Helper()
	r := devStarts(t, gate, dir, args...)
	r.ready(dir)
	return r
}

// devStarts starts gate dev and does not wait for anything. Pages, which take Node.js,
// are built with --admin alone.
func devStarts(t *testing.T, gate, dir string, args ...string) *running {
	t.Helper()
	if !slices.Contains(args, "--admin") {
		args = append(args, "--no-admin")
	}
	cmd := exec.Command(gate, append([]string{"dev", dir, "--addr", "127.0.0.1:0", "--json"}, args...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, cmd: cmd, events: make(chan map[string]any, 100)}
	go func() {
		defer close(r.events)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var event map[string]any
			if json.Unmarshal(lines.Bytes(), &event) != nil {
				event = map[string]any{"event": "not json", "line": lines.Text()}
			}
			r.events <- event
		}
	}()
	t.Cleanup(func() { r.stop() })
	return r
}

// ready waits until gate dev is.
func (r *running) ready(dir string) {
	r.t.Helper()
	ready := r.await("ready")
	r.url = strings.TrimSuffix(ready["url"].(string), "/")
	r.start = strings.TrimPrefix(ready["start"].(string), r.url)
	r.idp, _ = ready["idp"].(map[string]any)
	r.seeded = ready["seeded"]
	if data, err := os.ReadFile(filepath.Join(dir, ".gate", "admin.json")); err == nil {
		if err := json.Unmarshal(data, &r.admin); err != nil {
			r.t.Fatal(err)
		}
	}
}

// await returns the next event of that kind.
func (r *running) await(kind string) map[string]any {
	r.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case event, more := <-r.events:
			switch {
			case !more:
				r.t.Fatalf("gate dev ended before it said %q", kind)
			case event["event"] == kind:
				return event
			case event["event"] == "error", event["event"] == "not json", event["event"] == "change" && event["status"] == "failed":
				r.t.Fatalf("waiting for %q: %v", kind, event)
			}
		case <-timeout:
			r.t.Fatalf("no %q after %s", kind, patience)
		}
	}
}

// stop interrupts gate dev and waits until it and its children are gone.
func (r *running) stop() {
	if r.cmd.ProcessState != nil {
		return
	}
	_ = r.cmd.Process.Signal(os.Interrupt)
	done := make(chan error, 1)
	go func() { done <- r.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			r.t.Errorf("gate dev: %v", err)
		}
	case <-time.After(30 * time.Second):
		_ = r.cmd.Process.Kill()
		r.t.Error("gate dev does not end after an interrupt")
	}
	if r.url != "" {
		if res, err := http.Get(r.url + "/health/live"); err == nil {
			_ = res.Body.Close()
			r.t.Error("the service still answers after gate dev has ended")
		}
	}
}

// answer is what a request brought.
type answer struct {
	status int
	header http.Header
	body   string
}

// object reads the body as a JSON object.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(a.body), &o); err != nil {
		t.Fatalf("%q: %v", a.body, err)
	}
	return o
}

// ask sends one request. auth is a value for the header Authorization, or "".
func (r *running) ask(method, path, auth, body string) answer {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(data)}
}

// want sends a request and demands a status.
func (r *running) want(status int, method, path, auth, body string) answer {
	r.t.Helper()
	a := r.ask(method, path, auth, body)
	if a.status != status {
		r.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.status, status, a.body)
	}
	return a
}

// login logs in by e-mail and password, and returns the header to send.
func (r *running) login(email, password string) (bearer string, result map[string]any) {
	r.t.Helper()
	body := fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, email, password)
	result = r.want(201, "POST", "/api/authentication", "", body).object(r.t)
	token, ok := result["accessToken"].(string)
	if !ok {
		r.t.Fatalf("no accessToken in %v", result)
	}
	return "Bearer " + token, result
}

// TestStory is the README's story by curl, against the built command and the
// built service.
func TestStory(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	dir := design(t, read(t, "../../examples/restaurant/gate.yaml"))
	r := dev(t, gateBinary(t), dir)

	t.Log("anyone reads the menu")
	page := r.want(200, "GET", "/api/items", "", "")
	if want := `{"total":0,"limit":25,"skip":0,"data":[]}`; strings.TrimSpace(page.body) != want {
		t.Errorf("GET /api/items: %s, want %s", page.body, want)
	}

	t.Log("writing needs a token, and the permission")
	const item = `{"name":"Figs and honey","price":7.50,"description":"Fresh","image":"https://example.com/figs.jpg"}`
	if a := r.want(401, "POST", "/api/items", "", item); !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("WWW-Authenticate: %q", a.header.Get("WWW-Authenticate"))
	}
	const password = "correct horse battery staple"
	user := r.want(201, "POST", "/api/users", "", `{"email":"maria@kitchen.example","password":"`+password+`"}`)
	if a := r.ask("POST", "/api/users", "", `{"email":"eve@kitchen.example","password":"`+password+`","roles":["menu-admin"]}`); a.status != 400 && a.status != 403 {
		t.Errorf("a sign-up that asks for a role: %d %s", a.status, a.body)
	}
	customer, result := r.login("maria@kitchen.example", password)
	if roles := fmt.Sprint(result["user"].(map[string]any)["roles"]); roles != "[customer]" {
		t.Errorf("a new user has the roles %s", roles)
	}
	if fmt.Sprint(result["authentication"].(map[string]any)["strategy"]) != "local" {
		t.Errorf("authentication: %v", result["authentication"])
	}
	for _, secret := range []string{"argon2", "$", password} {
		if text, err := json.Marshal(result); err != nil || strings.Contains(string(text), secret) || strings.Contains(user.body, secret) {
			t.Errorf("an answer holds %q", secret)
		}
	}
	r.want(403, "POST", "/api/items", customer, item)
	admin, _ := r.login(r.admin.Email, r.admin.Password)
	created := r.want(201, "POST", "/api/items", admin, item).object(t)
	path := "/api/items/" + created["id"].(string)
	if got := fmt.Sprint(created["price"]); got != "7.5" {
		t.Errorf("price: %s", got)
	}

	t.Log("the administrator makes Maria menu-admin, and her next request counts")
	maria := user.object(t)["id"].(string)
	r.want(200, "PATCH", "/api/users/"+maria, admin, `{"roles":["menu-admin"]}`)
	menuAdmin, _ := r.login("maria@kitchen.example", password)
	r.want(400, "PATCH", "/api/users/"+maria, menuAdmin, `{"password":"maria@kitchen.example"}`)
	r.want(200, "PATCH", path, menuAdmin, `{"price":8}`)
	put := r.want(200, "PUT", path, menuAdmin, `{"name":"Figs","price":9.25}`).object(t)
	if put["name"] != "Figs" || put["description"] != nil {
		t.Errorf("PUT: %v", put)
	}
	r.want(200, "GET", path, "", "")
	r.want(200, "DELETE", path, menuAdmin, "")
	r.want(404, "GET", path, "", "")

	t.Log("a token authenticates again, until its owner logs out")
	token := strings.TrimPrefix(menuAdmin, "Bearer ")
	again := r.want(201, "POST", "/api/authentication", "", `{"strategy":"jwt","accessToken":"`+token+`"}`).object(t)
	if again["accessToken"] != token {
		t.Error("re-authentication made another token")
	}
	r.want(200, "DELETE", "/api/authentication", menuAdmin, "")
	r.want(401, "POST", "/api/items", menuAdmin, item)
	r.want(401, "POST", "/api/authentication", "", `{"strategy":"jwt","accessToken":"`+token+`"}`)

	t.Log("documents")
	if doc := r.want(200, "GET", "/api/openapi.json", "", "").object(t); doc["openapi"] != "3.1.0" && doc["openapi"] != "3.1.1" {
		t.Errorf("openapi: %v", doc["openapi"])
	}
	r.want(200, "GET", "/api/docs", "", "")
	if page := r.want(200, "GET", "/", "", ""); strings.Contains(page.body, r.admin.Password) {
		t.Error("the start page shows the password to whoever asks on this machine")
	}
	if page := r.want(200, "GET", r.start, "", ""); !strings.Contains(page.body, r.admin.Password) {
		t.Error("the start page hides the password from whoever was given its address")
	}

	t.Log("a name that leads here by DNS is another host")
	for _, path := range []string{"/", "/api/items", r.start} {
		req, err := http.NewRequest("GET", r.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "evil.example"
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 403 {
			t.Errorf("GET %s for another host: %s", path, res.Status)
		}
	}

	for name, mode := range map[string]os.FileMode{".env": 0o600, ".gate/admin.json": 0o600, ".gate": 0o700} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, want mode %o", name, info, mode)
		}
	}
}

// TestDevFollows changes gate.yaml while the service runs: for the worse, and
// then for the better.
func TestDevFollows(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	const yaml = `gate: 1
service: {name: notes, module: example.com/notes}
entities:
  Note:
    fields:
      text: {type: text, required: true}
    allow: {view: [public], list: [public], create: [public]}
`
	dir := design(t, yaml)
	r := dev(t, gateBinary(t), dir)
	r.want(201, "POST", "/api/notes", "", `{"text":"milk"}`)

	write(t, filepath.Join(dir, "gate.yaml"), strings.Replace(yaml, "text: {type", "text: {tpye", 1))
	if e := r.await("change"); e["status"] != "failed" || !strings.Contains(fmt.Sprint(e["message"]), "gate.yaml:6:") || !strings.Contains(fmt.Sprint(e["hint"]), "one of: text") {
		t.Errorf("a broken design: %v", e)
	}
	r.want(200, "GET", "/api/notes", "", "")

	write(t, filepath.Join(dir, "gate.yaml"), strings.Replace(yaml, "    allow", "      done: {type: boolean, default: false}\n    allow", 1))
	if e := r.await("change"); e["status"] != "restarted" || !strings.Contains(fmt.Sprint(e["news"]), "migration 0002_") || !strings.Contains(fmt.Sprint(e["news"]), "applied") {
		t.Fatalf("a better design: %v", e)
	}
	if a := r.want(200, "GET", "/api/notes", "", ""); !strings.Contains(a.body, `"text":"milk"`) || !strings.Contains(a.body, `"done":false`) {
		t.Errorf("after the change: %s", a.body)
	}

	// Rows that are there refuse a new key: its migration goes, and nothing else.
	r.want(201, "POST", "/api/notes", "", `{"text":"milk"}`)
	better := read(t, filepath.Join(dir, "gate.yaml"))
	manifest := read(t, filepath.Join(dir, "gate.manifest.json"))
	snapshot := read(t, filepath.Join(dir, "migrations", "sqlite", "schema.json"))
	write(t, filepath.Join(dir, "gate.yaml"), strings.Replace(better, "    allow", "    unique: [[text, done]]\n    allow", 1))
	e := r.await("change")
	if e["status"] != "failed" || !strings.Contains(fmt.Sprint(e["message"]), "UNIQUE constraint failed") || !strings.Contains(fmt.Sprint(e["hint"]), "taken back") {
		t.Errorf("a key that the rows refuse: %v", e)
	}
	r.want(201, "POST", "/api/notes", "", `{"text":"bread"}`)
	if files, err := filepath.Glob(filepath.Join(dir, "migrations", "sqlite", "*.sql")); err != nil || len(files) != 2 {
		t.Errorf("migrations: %q, %v", files, err)
	}
	if read(t, filepath.Join(dir, "migrations", "sqlite", "schema.json")) != snapshot || strings.Count(read(t, filepath.Join(dir, "gate.manifest.json")), ".sql") != strings.Count(manifest, ".sql") {
		t.Error("the snapshot or the manifest knows the migration that was taken back")
	}
	write(t, filepath.Join(dir, "gate.yaml"), better)
	if e := r.await("change"); e["status"] != "restarted" {
		t.Fatalf("the design from before: %v", e)
	}
	if now := read(t, filepath.Join(dir, "gate.manifest.json")); now != manifest {
		t.Errorf("the manifest is another: %s", now)
	}

	hooks := filepath.Join(dir, "app", "hooks.go")
	write(t, hooks, read(t, hooks)+"\nfunc broken() {\n")
	if e := r.await("change"); e["status"] != "failed" || !strings.Contains(fmt.Sprint(e["message"]), "hooks.go:") {
		t.Errorf("broken Go: %v", e)
	}
	r.want(200, "GET", "/api/notes", "", "")

	// An interrupt may fall into a change: what is generated is there, and is
	// being built.
	design := filepath.Join(dir, "gate.yaml")
	write(t, design, strings.Replace(read(t, design), "    allow", "      urgent: {type: boolean, default: false}\n    allow", 1))
	for deadline := time.Now().Add(patience); !strings.Contains(read(t, filepath.Join(dir, "app", "note_gen.go")), "Urgent"); {
		if time.Now().After(deadline) {
			t.Fatal("the change is not generated")
		}
		time.Sleep(5 * time.Millisecond)
	}
	r.stop()
}

// TestDevFollows_first: a first version that does not build is told, and the next
// change is looked at as any other.
func TestDevFollows_first(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	dir := design(t, "gate: 1\nservice: {name: notes, module: example.com/notes}\nentities:\n  Note: {fields: {text: text}, allow: {list: [public]}}\n")
	if err := os.Mkdir(filepath.Join(dir, "app"), 0o700); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(dir, "app", "own.go")
	write(t, own, "package app\n\nfunc own() {\n")
	r := devStarts(t, gateBinary(t), dir)
	if e := r.await("change"); e["status"] != "failed" || !strings.Contains(fmt.Sprint(e["message"]), "own.go:") {
		t.Fatalf("a first version that does not build: %v", e)
	}
	write(t, own, "package app\n\nvar _ = 1\n")
	r.ready(dir)
	r.want(200, "GET", "/api/notes", "", "")
}

// TestDevEndsWithItsService checks that a service does not outlive a gate dev
// that was killed.
func TestDevEndsWithItsService(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	dir := design(t, "gate: 1\nservice: {name: notes, module: example.com/notes}\nentities:\n  Note: {fields: {text: text}, allow: {list: [public]}}\n")
	r := dev(t, gateBinary(t), dir)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // one that is not refused would go on
	defer cancel()
	out, err := exec.CommandContext(ctx, gateBinary(t), "dev", dir, "--addr", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), fmt.Sprintf("another gate dev runs in %s (process %d)", dir, r.cmd.Process.Pid)) {
		t.Errorf("a second one in the folder: %v\n%s", err, out)
	}
	if err := r.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = r.cmd.Wait()
	deadline := time.Now().Add(20 * time.Second)
	for {
		res, err := http.Get(r.url + "/health/live")
		if err != nil {
			return
		}
		_ = res.Body.Close()
		if time.Now().After(deadline) {
			t.Fatal("the service lives on after gate dev was killed")
		}
		time.Sleep(50 * time.Millisecond)
	}
}
