//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// withAdmin is the restaurant with pages to look after it.
func withAdmin(t *testing.T) string {
	t.Helper()
	text := read(t, "../../examples/restaurant/gate.yaml")
	if !strings.Contains(text, "\n  admin: {} #") {
		t.Fatal("the restaurant has no pages")
	}
	text = strings.Replace(text, "\n  admin: {} #", "\n  admin: {path: /back/office} #", 1)
	dir := design(t, text)
	write(t, filepath.Join(dir, "seed.yaml"), read(t, "../../examples/restaurant/seed.yaml"))
	return dir
}

// programs returns a folder for PATH with the go command and these scripts, and no other
// program but those of the system that scripts need.
func programs(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go", "sh", "cp", "mkdir", "cat", "grep"} {
		path, err := exec.LookPath(name)
		if err == nil {
			err = os.Symlink(path, filepath.Join(dir, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// builder is an npm that installs nothing, and whose build is a copy of the theme.
const builder = `case "$1" in
ci) mkdir -p node_modules && echo ci >> installed ;;
run) # build -- --outDir DIR --emptyOutDir
	if grep -q broken src/theme.ts; then echo "src/theme.ts(1,1): error TS1005: broken"; exit 2; fi
	mkdir -p "$5" && cp src/theme.ts "$5/index.html" ;;
esac
`

// pages waits for an event that says how the pages were built.
func (r *running) pages(status string) map[string]any {
	r.t.Helper()
	for {
		if e := r.await("step"); e["step"] == "admin" && e["status"] == status {
			return e
		}
	}
}

// shows waits until the pages hold a text.
func (r *running) shows(text string) {
	r.t.Helper()
	end := time.Now().Add(patience)
	for {
		a := r.ask("GET", "/back/office/items", "", "")
		if strings.Contains(a.body, text) {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("the pages do not show %q: %d %s", text, a.status, a.body)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestDevAdmin: gate dev builds the pages beside the service, again when their source
// changes, and keeps those of before when that is wrong. The service stays the same.
func TestDevAdmin(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	dir := withAdmin(t)
	t.Setenv("PATH", programs(t, map[string]string{"node": "echo v20.19.0\n", "npm": builder}))
	r := dev(t, gateBinary(t), dir, "--admin")
	r.shows("The colours of the log-in pages")
	theme := filepath.Join(dir, "admin", "src", "theme.ts")
	write(t, theme, "// blue")
	r.shows("// blue")
	write(t, theme, "// broken")
	r.pages("left out")
	r.shows("// blue")
	write(t, theme, "// green")
	r.shows("// green")
	if got := read(t, filepath.Join(dir, "admin", "installed")); got != "ci\n" {
		t.Errorf("installed %q", got)
	}
	if n := strings.Count(read(t, filepath.Join(dir, ".gate", "service.log")), `"listening"`); n != 1 {
		t.Errorf("the service started %d times", n)
	}
	r.stop()

	t.Log("pages that are there are not built again")
	r = devStarts(t, gateBinary(t), dir, "--admin")
	if e := r.pages("done"); e["detail"] != "cached" {
		t.Errorf("%v", e)
	}
	r.ready(dir)
	r.shows("// green")
}

// TestDevAdmin_without: without Node.js, with one that is too old, and without a
// registry one line says so, and all else works.
func TestDevAdmin_without(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	dir := withAdmin(t)
	for _, tt := range []struct {
		name, want string
		scripts    map[string]string
	}{
		{"no Node.js", "node is not installed", nil},
		{"no npm", "npm is not installed", map[string]string{"node": "echo v22.0.0\n"}},
		{"an old one", "it needs Node.js 20.19 or newer, and this is v18.20.4", map[string]string{"node": "echo v18.20.4\n", "npm": builder}},
		{"no registry", "npm error code ENOTFOUND", map[string]string{"node": "echo v24.1.0\n", "npm": "echo npm error code ENOTFOUND\nexit 1\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PATH", programs(t, tt.scripts))
			r := devStarts(t, gateBinary(t), dir, "--admin")
			if e := r.pages("left out"); !strings.Contains(e["detail"].(string), tt.want) {
				t.Errorf("%v, want %s", e, tt.want)
			}
			r.ready(dir)
			r.want(200, "GET", "/api/items", "", "")
			a := r.want(503, "GET", "/back/office", "", "")
			if !strings.Contains(a.body, "are not built yet") || a.header.Get("Refresh") == "" {
				t.Errorf("%v %s", a.header, a.body)
			}
			r.stop()
		})
	}
	t.Run("turned off", func(t *testing.T) {
		t.Setenv("PATH", programs(t, map[string]string{"node": "echo v22.0.0\n", "npm": builder}))
		r := dev(t, gateBinary(t), dir)
		r.want(503, "GET", "/back/office", "", "")
		if _, err := os.Stat(filepath.Join(dir, "admin", "installed")); err == nil {
			t.Error("npm ran")
		}
	})
}
