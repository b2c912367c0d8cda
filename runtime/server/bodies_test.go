package server_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hold sends the head of a request and the first bytes of its body, and returns the
// connection.
func (r *running) hold(path string, length, sent int) net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, length, `{"name":"`+strings.Repeat("f", sent-9))
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// TestOPS02_bodiesTogether: strangers who hold many bodies back fill what there is for
// strangers, and are told to come back. Who is known, and who sends little, does not
// notice.
func TestOPS02_bodiesTogether(t *testing.T) {
	r := start(t, options{environ: []string{"MAX_BODIES_MB=1"}})
	r.signUp("ann@x.example", "menu-admin")
	bearer := r.login("ann@x.example")
	large := `{"name":"Figs","price":1,"description":"` + strings.Repeat("f", 500<<10) + `"}`
	stranger := func() answer { return r.do("POST", "/api/users", large) } // everybody may sign up
	stranger().is(http.StatusBadRequest)
	for range 8 { // at most 8 of 128 KiB fit, whatever they say about their lengths
		r.hold("/api/items", 512<<10, 128<<10)
	}
	for begin := time.Now(); stranger().Status != http.StatusServiceUnavailable; {
		if time.Since(begin) > time.Minute {
			t.Fatal("eight bodies are held, and there is room for a ninth")
		}
		r.hold("/api/items", 512<<10, 128<<10) // the one that fit may have taken the place of another
	}
	last := r.hold("/api/users", 900<<10, 600<<10) // more than is left
	res, err := http.ReadResponse(bufio.NewReader(last), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !res.Close {
		t.Errorf("one too many: %s %v", res.Status, res.Header)
	}
	if a := stranger(); a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("a stranger while others hold theirs back: %d %s", a.Status, a.Body)
	}
	if a := r.do("POST", "/api/users", large, "Authorization", "Bearer forged"); a.Status < http.StatusUnauthorized {
		t.Errorf("with a token that is none: %d %s", a.Status, a.Body)
	}
	r.signUp("bob@x.example")
	r.do("POST", "/api/items", large, bearer...).is(http.StatusCreated)
	r.do("POST", "/api/items", `{"name":"Figs","price":1}`, bearer...).is(http.StatusCreated)
	r.login("ann@x.example")
}

// TestOPS02_bodiesGivenBack: what a request held is there for others when it ends.
func TestOPS02_bodiesGivenBack(t *testing.T) {
	r := start(t, options{environ: []string{"MAX_BODIES_MB=1"}})
	large := `{"name":"` + strings.Repeat("f", 900<<10) + `"}`
	for range 5 {
		r.do("POST", "/api/users", large).is(http.StatusBadRequest)
	}
}
