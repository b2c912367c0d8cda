package main

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/store/storetest"
)

// TestDatabaseRestarts stops PostgreSQL under load, in order and as a crash does,
// and starts it again: what cannot be served is 503 at once, nobody is taken for a
// stranger, nothing that was answered is lost, and the service goes on by itself.
func TestDatabaseRestarts(t *testing.T) {
	t.Parallel() // it waits more than it works
	if testing.Short() {
		t.Skip("builds a service")
	}
	db := storetest.NewCrasher(t)
	c := openOn(t, everythingOnPostgres, "DATABASE_URL="+db.URL)
	chef := c.chef().login(t)
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprintf("crash %v", crash), func(t *testing.T) {
			l := write4(c.running, chef.bearer)
			l.await(100)
			db.Stop(t, crash)
			l.awaitStatus(503, 50)
			c.want(200, "GET", "/health/live", "", "")
			c.want(503, "GET", "/health/ready", "", "")
			c.away(t, chef)
			db.Start(t)
			l.await(100)
			c.want(200, "GET", "/health/ready", "", "")
			chef.me(t, 200)
			l.end()
			l.only(t, c.running, 201, 503)
			l.kept(t, c.running)
			if l.slowest > 20*time.Second {
				t.Errorf("an answer took %v", l.slowest)
			}
			discreet(t, l.statuses[503])
		})
	}
}

// away asks for things of every sort while the database is away.
func (c *canteen) away(t *testing.T, chef *guest) {
	t.Helper()
	for _, q := range [][3]string{
		{"GET", "/api/items", ""},
		{"GET", "/api/items?name=Dish", ""},
		{"GET", "/api/users", ""},
		{"PATCH", "/api/items/0190f3a2-0000-7000-8000-000000000000", `{"price":2}`},
		{"DELETE", "/api/items/0190f3a2-0000-7000-8000-000000000000", ""},
		{"POST", "/api/items", "[" + dish + "," + dish + "]"},
		{"POST", "/api/authentication", chef.credentials()},
		{"POST", "/api/authentication", renewal(chef.renewing)},
		{"POST", "/api/session", chef.credentials()},
		{"POST", "/api/users", `{"email":"late@kitchen.example","password":"correct horse battery staple"}`},
		{"DELETE", "/api/authentication", ""},
	} {
		start := time.Now()
		a := c.ask(q[0], q[1], chef.bearer, q[2])
		if a.status != 503 {
			t.Errorf("%s %s %s: %d %s, want 503", q[0], q[1], q[2], a.status, a.body)
			continue
		}
		discreet(t, a)
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s %s: 503 after %v", q[0], q[1], took)
		}
	}
}

// requestID is random letters in an answer, which at times hold a word: SQL once
// in a thousand.
var requestID = regexp.MustCompile(`"requestId":"[A-Z2-7]{26}"`)

// discreet demands that an answer says when to come again, and nothing of what
// is behind.
func discreet(t *testing.T, a answer) {
	t.Helper()
	if a.header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %s", a.body)
	}
	a.body = requestID.ReplaceAllString(a.body, "")
	for _, word := range []string{"sql", "postgres", "connect", "socket", "EOF"} {
		if strings.Contains(strings.ToLower(a.body), strings.ToLower(word)) {
			t.Errorf("the answer tells too much: %s", a.body)
		}
	}
}

// TestDatabaseIsSilent has PostgreSQL say nothing any more, as when a cable is
// pulled, without an end of any connection: requests are 503 within their bounds,
// and all is well when it speaks again.
func TestDatabaseIsSilent(t *testing.T) {
	t.Parallel() // it waits more than it works
	if testing.Short() {
		t.Skip("builds a service")
	}
	db := storetest.NewCrasher(t)
	wire := newWire(t, db.Socket)
	c := openOn(t, everythingOnPostgres, "DATABASE_URL=postgres://gate@"+wire.addr+"/postgres?sslmode=disable")
	chef := c.chef().login(t)
	row := c.want(201, "POST", "/api/items", chef.bearer, dish).object(t)["id"]
	l := write4(c.running, chef.bearer)
	l.await(50)
	wire.hold()
	start := time.Now()
	var askers sync.WaitGroup
	for _, q := range [][3]string{
		{"GET", "/api/items", ""},
		{"GET", "/api/items?name=Dish", ""},
		{"GET", fmt.Sprint("/api/items/", row), ""},
		{"GET", "/api/account/sessions", ""},
		{"GET", "/health/ready", ""},
		{"POST", "/api/items", dish},
		{"POST", "/api/authentication", chef.credentials()},
		{"POST", "/api/authentication", renewal(chef.renewing)},
	} {
		for range 4 { // more than there are connections
			askers.Go(func() {
				a, err := chef.try(q[0], q[1], q[2], "Authorization", chef.bearer, "Idempotency-Key", rand.Text())
				if took := time.Since(start); err != nil || a.status != 503 || took > 20*time.Second {
					t.Errorf("%s %s: %d %v %s after %v, want 503", q[0], q[1], a.status, err, a.body, took)
				}
			})
		}
	}
	askers.Wait()
	l.awaitStatus(503, 4)
	wire.release()
	l.await(100)
	c.want(200, "GET", "/health/ready", "", "")
	l.end()
	l.only(t, c.running, 201, 503)
	l.kept(t, c.running)
	if l.slowest > 20*time.Second {
		t.Errorf("an answer took %v", l.slowest)
	}
}

// A wire is what a service reaches its database by.
type wire struct {
	addr string
	gate sync.RWMutex // held: nothing passes
}

func newWire(t *testing.T, socket string) *wire {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{addr: l.Addr().String()}
	var copies sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); copies.Wait() })
	copies.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			copies.Go(func() {
				defer from.Close()
				w.gate.RLock()
				to, err := net.Dial("unix", socket)
				w.gate.RUnlock()
				if err != nil {
					return
				}
				defer to.Close()
				var both sync.WaitGroup
				both.Go(func() { w.pass(to, from) })
				both.Go(func() { w.pass(from, to) })
				both.Wait()
			})
		}
	})
	return w
}

// pass carries what comes, as long as the wire lets it.
func (w *wire) pass(to, from net.Conn) {
	defer to.Close()
	part := make([]byte, 32<<10)
	for {
		n, err := from.Read(part)
		w.gate.RLock()
		if n > 0 && err == nil {
			_, err = to.Write(part[:n])
		}
		w.gate.RUnlock()
		if err != nil {
			return
		}
	}
}

func (w *wire) hold()    { w.gate.Lock() }
func (w *wire) release() { w.gate.Unlock() }

// TestReplicasStartAtOnce starts five processes on one empty database: all of them
// serve, with one administrator and one key between them.
func TestReplicasStartAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	url := storetest.PostgresURL(t)
	first := openOn(t, everythingOnPostgres, "DATABASE_URL="+storetest.PostgresURL(t)) // for its .env
	_, env, _ := strings.Cut(read(t, filepath.Join(first.dir, ".env")), "\n")
	var all []*running
	for range 5 {
		dir := t.TempDir()
		write(t, filepath.Join(dir, ".env"), "DATABASE_URL="+url+"\n"+env)
		all = append(all, begin(t, first.bin, dir, ""))
	}
	var admins []*running
	for _, r := range all {
		r.listen()
		if _, err := os.Stat(filepath.Join(r.cmd.Dir, ".gate", "admin.json")); err == nil {
			admins = append(admins, r)
		}
	}
	if len(admins) != 1 {
		t.Fatalf("%d administrators, want one", len(admins))
	}
	keys := ""
	for _, r := range all {
		token, _ := r.login(admins[0].admin.Email, admins[0].admin.Password)
		for _, other := range all {
			other.want(201, "POST", "/api/items", token, dish)
		}
		set := r.want(http.StatusOK, "GET", "/.well-known/jwks.json", "", "").body
		if keys != "" && set != keys {
			t.Errorf("two processes publish different keys:\n%s%s", keys, set)
		}
		keys = set
	}
}
