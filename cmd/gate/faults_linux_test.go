package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFullDisk fills what the database stands on: writes are 503 and stand in the
// log, reads go on, nothing that was answered is lost, and the service goes on by
// itself when there is room again.
func TestFullDisk(t *testing.T) {
	t.Run("limit", func(t *testing.T) { // of the size of a file
		bin, dir := built(t)
		if err := serve(t, bin, dir, "").cmd.Process.Kill(); err != nil { // it made the database
			t.Fatal(err)
		}
		r := serve(t, bin, dir, "ulimit -S -f 1024 &&")
		fillDisk(t, r, func() {
			pid := strconv.Itoa(r.cmd.Process.Pid)
			if out, err := exec.Command("prlimit", "--pid", pid, "--fsize=unlimited:").CombinedOutput(); err != nil {
				t.Fatalf("prlimit: %v %s", err, out)
			}
		})
	})
	t.Run("disk", func(t *testing.T) {
		bin, old := built(t)
		dir := t.TempDir()
		if err := syscall.Mount("gate", dir, "tmpfs", 0, "size=3m"); err != nil {
			t.Skipf("who runs the tests may not mount a disk: %v", err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
		write(t, filepath.Join(dir, ".env"), read(t, filepath.Join(old, ".env")))
		r := serve(t, bin, dir, "")
		t.Cleanup(func() { _ = r.cmd.Process.Kill(); _ = r.cmd.Wait() }) // before the disk goes
		fillDisk(t, r, func() {
			if err := syscall.Mount("gate", dir, "tmpfs", syscall.MS_REMOUNT, "size=30m"); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// fillDisk writes until there is no room, makes some, and looks at what is there.
func fillDisk(t *testing.T, r *running, makeRoom func()) {
	t.Helper()
	token, _ := r.login(r.admin.Email, r.admin.Password)
	body := fmt.Sprintf(`{"name":"Dish","price":1,"description":%q}`, strings.Repeat("x", 900))
	var answered []string
	full := 0
	for i := 0; full < 20; i++ {
		a := r.ask("POST", "/api/items", token, body)
		switch a.status {
		case 201:
			answered = append(answered, a.object(t)["id"].(string))
		case 503:
			discreet(t, a)
			full++
		default:
			t.Fatalf("a full disk: %d %s, want 503", a.status, a.body)
		}
		if i == 5000 {
			t.Fatal("the disk is never full")
		}
	}
	for _, id := range answered { // while it is full
		r.want(200, "GET", "/api/items/"+id, token, "")
	}
	if !strings.Contains(r.said.String(), `"status":503`) || !strings.Contains(r.said.String(), "request failed") {
		t.Errorf("the log tells nothing of it:\n%s", r.said)
	}
	makeRoom()
	r.want(201, "POST", "/api/items", token, body)
	for _, id := range answered {
		r.want(200, "GET", "/api/items/"+id, token, "")
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(r.cmd.Dir, ".gate", "restaurant.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var state string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&state); err != nil || state != "ok" {
		t.Errorf("the database: %s %v", state, err)
	}
}

// TestNoFilesLeft opens more connections than the service may have files: it waits
// with those that are too many, and goes on when they end.
func TestNoFilesLeft(t *testing.T) {
	bin, dir := built(t)
	r := serve(t, bin, dir, "ulimit -n 60 &&")
	token, _ := r.login(r.admin.Email, r.admin.Password)
	addr := strings.TrimPrefix(r.url, "http://")
	http.DefaultClient.CloseIdleConnections()
	var idle []net.Conn
	for range 150 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, conn)
	}
	for deadline := time.Now().Add(time.Minute); !strings.Contains(r.said.String(), "too many open files") && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	for _, conn := range idle {
		_ = conn.Close()
	}
	r.want(201, "POST", "/api/items", token, dish)
	r.want(200, "GET", "/api/items", "", "")
	if n := strings.Count(r.said.String(), "too many open files"); n == 0 {
		t.Errorf("nothing of it in the log:\n%s", r.said)
	}
}

// TestSlowClients holds connections by sending nearly nothing, or by not reading:
// others are served meanwhile, and the slow ones are put out.
func TestSlowClients(t *testing.T) {
	t.Parallel() // it waits more than it works
	bin, dir := built(t)
	r := serve(t, bin, dir, "")
	token, _ := r.login(r.admin.Email, r.admin.Password)
	for range 30 {
		r.want(201, "POST", "/api/items", token, fmt.Sprintf(`{"name":"Dish","price":1,"description":%q}`, strings.Repeat("x", 900)))
	}
	head := "POST /api/items HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + token + "\r\nContent-Type: application/json\r\n"
	ended := map[string]chan time.Duration{}
	for name, text := range map[string]string{
		"head":  head,
		"body":  head + "Content-Length: 1000\r\n\r\n{",
		"chunk": head + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
	} {
		out := make(chan time.Duration, 50)
		ended[name] = out
		for range 50 {
			go func() { out <- drip(r.url, text) }()
		}
	}
	for range 50 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		ask := strings.Repeat("GET /api/items?$limit=100 HTTP/1.1\r\nHost: localhost\r\n\r\n", 100)
		if _, err := conn.Write([]byte(ask)); err != nil { // and read nothing
			t.Fatal(err)
		}
	}
	for range 20 {
		start := time.Now()
		r.want(201, "POST", "/api/items", token, dish)
		r.want(200, "GET", "/api/items", token, "")
		if took := time.Since(start); took > time.Minute { // whatever else the machine does: they would wait for the slow ones
			t.Errorf("a write and a read took %v beside slow clients", took)
		}
	}
	for name, most := range map[string]time.Duration{"head": 15 * time.Second, "body": 45 * time.Second, "chunk": 45 * time.Second} {
		for range 50 {
			if took := <-ended[name]; took > most {
				t.Errorf("who sends a %s slowly is put out after %v", name, took)
			}
		}
	}
}

// drip sends a text, and then a letter each second until the other side has had
// enough; it returns when that was.
func drip(url, text string) time.Duration {
	start := time.Now()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return time.Hour
	}
	defer conn.Close()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = new(bytes.Buffer).ReadFrom(conn)
	}()
	_, err = conn.Write([]byte(text))
	for err == nil && time.Since(start) < 2*time.Minute {
		select {
		case <-gone:
			return time.Since(start)
		case <-time.After(time.Second):
			_, err = conn.Write([]byte("x"))
		}
	}
	return time.Since(start)
}
