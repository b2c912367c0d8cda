package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/server"
)

// raw sends bytes and returns the status of the first answer, and whether the
// connection ends with it.
func (r *running) raw(request string) (status int, closes bool) {
	r.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	if _, err := fmt.Fprint(c, request); err != nil {
		r.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		r.t.Logf("the answer was cut off: %v", err)
	}
	return res.StatusCode, res.Close
}

// TestAUZ18_spellings: every other spelling of a guarded route reaches the same
// guard or nothing.
func TestAUZ18_spellings(t *testing.T) {
	r := start(t, options{})
	for _, path := range []string{
		"/api/users", "/api/users/", "/api/users//", "//api/users", "/api//users", "/api/./users", "/api/../api/users",
		"/./api/users", "/api/users/.", "/api/users/..", "/api/users/../users", "/api/items/../users", "/api/%2e/users",
		"/api/%2e%2e/api/users", "/api/%2E%2E/api/users", "/api%2fusers", "/api%2Fusers", "/api/users%2f", "/api/%75sers",
		"/API/users", "/api/Users", "/api/USERS", "/api/users;x", "/api/users;x=1", "/api;x/users", "/api/users%3bx",
		"/api/users%00", "/api/users%0a", "/api/users%20", "/api/users.json", "/api/users%5c", "/api\\users", "/api/users\\..\\items",
		"/api/users%252f", "/api/users/%2e%2e", "/api/users%09", "/%61pi/users", "/api/users%3f", "/api/users%23", "/api/users?$limit=1",
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "get", "TRACE", "FOO"} {
			if method == "POST" {
				continue // sign-up is open
			}
			status, _ := r.raw(method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-HTTP-Method-Override: GET\r\n" +
				"X-Original-URL: /api/items\r\nX-Rewrite-URL: /api/items\r\nX-User: admin\r\nX-Forwarded-User: admin\r\n\r\n")
			switch status {
			case 400, 401, 404, 405:
			default:
				t.Errorf("%s %s answers %d", method, path, status)
			}
		}
	}
}

// TestAUZ18_sameGuard: the spellings that mean the route reach it.
func TestAUZ18_sameGuard(t *testing.T) {
	r := start(t, options{})
	r.signUp("ada@kitchen.example", "menu-admin")
	ada := r.login("ada@kitchen.example")
	for _, path := range []string{"/api/users", "/api/users/", "/api/%75sers"} {
		r.do("GET", path, "").is(401)
		r.do("GET", path, "", ada...).is(200)
	}
}

func TestOPS04_framing(t *testing.T) {
	r := start(t, options{})
	const head = "POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for _, tt := range []struct {
		name, request string
		status        int
	}{
		{"both lengths", head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400},
		{"chunked", head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400},
		{"two lengths", head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400},
		{"unknown coding", head + "Transfer-Encoding: gzip\r\n\r\n{}", 501},
		{"coding in disguise", head + "Transfer-Encoding: xchunked\r\n\r\n{}", 501},
		{"blank before the colon", head + "Content-Length : 2\r\n\r\n{}", 400},
		{"negative length", head + "Content-Length: -1\r\n\r\n{}", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, closes := r.raw(tt.request)
			if status != tt.status || !closes {
				t.Errorf("status %d, close %v; want %d and a closed connection", status, closes, tt.status)
			}
		})
	}
}

func TestOPS02_bodies(t *testing.T) {
	r := start(t, options{})
	var bomb bytes.Buffer
	zw := gzip.NewWriter(&bomb)
	if _, err := zw.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	large := `{"name":"` + strings.Repeat("x", 2<<20) + `"}`
	login := `{"strategy":"local","email":"` + strings.Repeat("x", 9<<10) + `"}`
	for _, tt := range []struct {
		name, path, body string
		status           int
		headers          []string
	}{
		{"2 MiB", "/api/users", large, 413, nil},
		{"9 KiB to log in", "/api/authentication", login, 413, nil},
		{"9 KiB to log in, with a slash", "/api/authentication/", login, 413, nil},
		{"gzip", "/api/users", bomb.String(), 415, []string{"Content-Encoding", "gzip"}},
		{"gzip to log in", "/api/authentication", bomb.String(), 415, []string{"Content-Encoding", "gzip"}},
		{"two codings", "/api/users", `{}`, 415, []string{"Content-Encoding", "identity, br"}},
		{"form", "/api/users", "a=b", 415, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"form to log in", "/api/authentication", "a=b", 415, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"text", "/api/users", `{}`, 415, []string{"Content-Type", "text/plain"}},
		{"JSON in Latin 1", "/api/users", `{}`, 415, []string{"Content-Type", "application/json; charset=latin1"}},
		{"JSON of another kind", "/api/users", `{}`, 415, []string{"Content-Type", "application/jsonp"}},
		{"no type", "/api/users", `{}`, 415, []string{"Content-Type", ""}},
		{"JSON in UTF-8", "/api/users", `{}`, 400, []string{"Content-Type", "application/json; charset=UTF-8"}},
		{"identity", "/api/users", `{}`, 400, []string{"Content-Encoding", "identity"}},
	} {
		t.Run(tt.name, func(t *testing.T) { r.do("POST", tt.path, tt.body, tt.headers...).is(tt.status) })
	}
	t.Run("2 MiB in chunks", func(t *testing.T) {
		var b strings.Builder
		b.WriteString("POST /api/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
		chunk := strings.Repeat("x", 64<<10)
		for range 20 {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(chunk), chunk)
		}
		b.WriteString("0\r\n\r\n")
		if status, _ := r.raw(b.String()); status != 413 {
			t.Errorf("status is %d", status)
		}
	})
}

// TestOPS05_client: whose address counts.
func TestOPS05_client(t *testing.T) {
	report := func(a *App) error {
		a.HandleFunc("GET /client", func(w http.ResponseWriter, r *http.Request) {
			c, _ := gate.ClientFromContext(r.Context())
			fmt.Fprint(w, c.Address)
		})
		return nil
	}
	direct := start(t, options{configure: report})
	behind := start(t, options{configure: report, environ: []string{"TRUSTED_PROXIES=127.0.0.0/8,10.0.0.0/8"}})
	for _, tt := range []struct {
		name, forwarded string
		want            string // behind the proxy; without one it is always the peer
	}{
		{"nothing", "", "127.0.0.1"},
		{"one", "192.0.2.7", "192.0.2.7"},
		{"the right-most", "1.1.1.1, 192.0.2.7", "192.0.2.7"},
		{"behind two proxies", "1.1.1.1, 192.0.2.7, 10.1.1.1", "192.0.2.7"},
		{"mapped", "::ffff:192.0.2.7", "192.0.2.7"},
		{"IPv6 with a zone", "fe80::1%eth0", "fe80::1"},
		{"IPv6 in another spelling", "2001:DB8:0:0::0001", "2001:db8::1"},
		{"rubbish", "nobody", "127.0.0.1"},
		{"rubbish behind a proxy", "192.0.2.7, nobody, 10.1.1.1", "10.1.1.1"},
		{"with a port", "192.0.2.7:80", "127.0.0.1"},
		{"only proxies", "10.1.1.1", "10.1.1.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			headers := []string{"X-Forwarded-For", tt.forwarded, "X-Real-Ip", "9.9.9.9", "Forwarded", "for=9.9.9.9", "True-Client-Ip", "9.9.9.9"}
			if got := direct.do("GET", "/client", "", headers...).Body; got != "127.0.0.1" {
				t.Errorf("without proxies: %s", got)
			}
			if got := behind.do("GET", "/client", "", headers...).Body; got != tt.want {
				t.Errorf("behind a proxy: %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRequestID(t *testing.T) {
	direct := start(t, options{})
	behind := start(t, options{environ: []string{"TRUSTED_PROXIES=127.0.0.1"}})
	const good = "0123456789abcdef"
	if got := behind.do("GET", "/health/live", "", "X-Request-Id", good).Header.Get("X-Request-Id"); got != good {
		t.Errorf("that of a proxy became %q", got)
	}
	for _, bad := range []string{"short", strings.Repeat("x", 65), "has blanks in it", `has"quotes"in`, "has<tags>in"} {
		if got := behind.do("GET", "/health/live", "", "X-Request-Id", bad).Header.Get("X-Request-Id"); got == bad || len(got) < 16 {
			t.Errorf("%q became %q", bad, got)
		}
	}
	a := direct.do("GET", "/health/live", "", "X-Request-Id", good).Header.Get("X-Request-Id")
	b := direct.do("GET", "/health/live", "", "X-Request-Id", good).Header.Get("X-Request-Id")
	if a == good || a == b {
		t.Errorf("a client chose its own: %q, %q", a, b)
	}
}

// TestOPS11_log: one line of JSON a request, whatever a client sends, and an
// answer of 500 that tells nothing but an identifier.
func TestOPS11_log(t *testing.T) {
	r := start(t, options{configure: func(a *App) error {
		a.HandleFunc("GET /fails", func(w http.ResponseWriter, req *http.Request) {
			gate.ErrorWriter{Logger: a.Logger}.Write(w, req, fmt.Errorf("SELECT canary FROM hosts at /var/lib"))
		})
		return nil
	}})
	r.do("GET", "/api/items/%0A%7B%22level%22%3A%22x%22%7D%1B%5B31m%E2%80%AE%C2%9B?token=canary-of-the-query", "", "User-Agent", "canary-of-the-agent").is(404)
	failed := r.do("GET", "/fails", "").is(500)
	if strings.Contains(failed.Body, "canary") || strings.Contains(failed.Body, "var") {
		t.Errorf("the answer tells: %s", failed.Body)
	}
	id := failed.Header.Get("X-Request-Id")
	if !strings.Contains(failed.Body, id) || !strings.Contains(r.log.String(), id) {
		t.Errorf("the identifier %q is not in answer and log:\n%s\n%s", id, failed.Body, r.log)
	}
	for line := range strings.Lines(r.log.String()) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Errorf("no JSON: %q", line)
		}
		if strings.Contains(line, "canary-of-the-query") || strings.ContainsAny(line, "\x1b\u009b\u202e") {
			t.Errorf("line: %q", line)
		}
	}
}

// TestOPS11_clientGone: what could not be done for a client that is gone does not
// look like an outage in the log and to observers; for one that waits it does.
func TestOPS11_clientGone(t *testing.T) {
	var leave func()
	var seen statuses
	r := start(t, options{configure: func(a *App) error {
		a.Observe(&seen)
		a.HandleFunc("GET /slow", func(w http.ResponseWriter, _ *http.Request) {
			leave()
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, try := range []struct {
		leave func()
		want  int
	}{{func() {}, 503}, {cancel, 499}} {
		leave = try.leave
		before := len(r.logged())
		r.srv.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, r.url+"/slow", nil))
		if line := r.logged()[before:]; !strings.Contains(line, fmt.Sprintf(`"status":%d`, try.want)) {
			t.Errorf("no %d in %s", try.want, line)
		}
		if got := seen[len(seen)-1]; got != try.want {
			t.Errorf("observers are told %d, want %d", got, try.want)
		}
	}
}

// TestOPS11_cutOff: a request whose answer is cut off has its line, too.
func TestOPS11_cutOff(t *testing.T) {
	r := start(t, options{configure: func(a *App) error {
		a.HandleFunc("GET /begun", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			panic("fire")
		})
		a.HandleFunc("GET /aborted", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		return nil
	}})
	for _, path := range []string{"/begun", "/aborted"} {
		func() {
			defer func() {
				if fault := recover(); fault != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
					t.Errorf("%s: %v", path, fault)
				}
			}()
			r.srv.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil))
		}()
		if want := `"msg":"request","method":"GET","path":"` + path + `"`; strings.Count(r.logged(), want) != 1 {
			t.Errorf("no %s in %s", want, r.logged())
		}
	}
}

// statuses are what observers are told.
type statuses []int

func (*statuses) Begin(r *http.Request) context.Context      { return r.Context() }
func (s *statuses) End(_ context.Context, a server.Answered) { *s = append(*s, a.Status) }
