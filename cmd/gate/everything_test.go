package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"net/textproto"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// everyPlugin is the example's design with each way to authenticate, and tokens
// that a stranger can read and verify.
func everyPlugin(database string) (string, error) {
	yaml, err := example()
	if err != nil {
		return "", err
	}
	before, rest, _ := strings.Cut(yaml, "\nplugins:\n")
	_, after, ok := strings.Cut(rest, "\nentities:\n")
	if !ok || !strings.Contains(before, "database: sqlite") {
		return "", fmt.Errorf("the example has changed its shape")
	}
	return strings.Replace(before, "database: sqlite", "database: "+database, 1) + `
plugins:
  auth-core: {entity: User, stepUp: 10m}
  auth-jwt: {algorithm: ES256, expiresIn: 10m, refresh: true, rotateKeys: 2160h}
  auth-session: {idleFor: 20m}
  auth-apikey: {environment: test}
  auth-letters: {confirm: true}
  auth-basic: {}
  auth-oidc: {issuer: "https://localhost:9/", audience: restaurant}
  realtime: {}

entities:
` + after, nil
}

var everything = sync.OnceValues(func() (string, error) { return buildEverything("sqlite") })

var everythingOnPostgres = sync.OnceValues(func() (string, error) { return buildEverything("postgres") })

func buildEverything(database string) (bin string, err error) {
	yaml, err := everyPlugin(database)
	if err != nil {
		return "", err
	}
	return buildService("everything-on-"+database, yaml)
}

// A canteen is a service with every plugin, as its operator runs it: one folder,
// one database, a mail server, and processes that come and go. It notes each
// secret that passes by, and its end looks for them where they must not be.
type canteen struct {
	*running
	bin, dir string
	post     *postOffice
	mu       sync.Mutex
	secrets  map[string]string // what it is, by its text
	said     []*transcript
}

// open starts a canteen on SQLite.
func open(t *testing.T) *canteen { return openOn(t, everything) }

func openOn(t *testing.T, build func() (string, error), environ ...string) *canteen {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a service")
	}
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	c := &canteen{bin: bin, dir: t.TempDir(), post: openPostOffice(t), secrets: make(map[string]string)}
	secret := rand.Text() + rand.Text()
	c.note("AUTH_SECRET", secret)
	write(t, filepath.Join(c.dir, ".env"), strings.Join(append(environ,
		"AUTH_SECRET="+secret, "LOG_LEVEL=debug", "ADMIN_EMAIL=chef@kitchen.example",
		"MAIL_URL=smtp://"+c.post.addr, "MAIL_FROM=no-reply@kitchen.example", "PUBLIC_URL=https://kitchen.example", "",
	), "\n"))
	t.Cleanup(func() { c.search(t) })
	c.running = c.serve(t)
	c.note("the password of the administrator", c.admin.Password)
	return c
}

// serve starts one more process in the same folder.
func (c *canteen) serve(t *testing.T) *running {
	t.Helper()
	r := serve(t, c.bin, c.dir, "")
	c.said = append(c.said, r.said)
	return r
}

// run runs a command of the service beside the one that serves, and returns what
// it prints.
func (c *canteen) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(c.bin, args...)
	said := new(transcript)
	c.said = append(c.said, said)
	cmd.Dir, cmd.Stderr = c.dir, said
	out, err := cmd.Output()
	if _, werr := said.Write(out); err != nil || werr != nil {
		t.Fatalf("%v: %v, %v\n%s", args, err, werr, said)
	}
	return strings.TrimSpace(string(out))
}

// note remembers a secret.
func (c *canteen) note(what, text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets[text] = what
	return text
}

// A guest is somebody with an account, a password and one device.
type guest struct {
	c                *canteen
	at               *running // the process that is asked
	email, password  string
	agent            string // of the device
	bearer, renewing string // what it was given last
	cookie           string
}

// signUp makes an account whose address is confirmed.
func (c *canteen) signUp(t *testing.T, name string) *guest {
	t.Helper()
	g := c.newcomer(t, name)
	_, token := g.link(t, "verify")
	g.ask(t, "POST", "/api/account/email/confirm", fmt.Sprintf(`{"token":%q}`, token)).is(t, 204)
	return g
}

// newcomer makes an account that has got a letter to confirm its address.
func (c *canteen) newcomer(t *testing.T, name string) *guest {
	t.Helper()
	g := &guest{
		c: c, at: c.running, agent: name + "'s telephone", email: name + "@kitchen.example",
		password: c.note("a password", "canary "+name+" "+rand.Text()),
	}
	g.ask(t, "POST", "/api/users", fmt.Sprintf(`{"email":%q,"password":%q}`, g.email, g.password)).is(t, 201)
	return g
}

// chef is the first administrator.
func (c *canteen) chef() *guest {
	return &guest{c: c, at: c.running, agent: "the office", email: c.admin.Email, password: c.admin.Password}
}

// device is another device of the same person.
func (g *guest) device(agent string) *guest {
	return &guest{c: g.c, at: g.at, email: g.email, password: g.password, agent: agent}
}

// reply is an answer, and the question for messages.
type reply struct {
	answer
	question string
}

// is demands one of these statuses.
func (a reply) is(t *testing.T, want ...int) reply {
	t.Helper()
	if !slices.Contains(want, a.status) {
		t.Fatalf("%s: %d, want %v: %s", a.question, a.status, want, a.body)
	}
	return a
}

// ask sends a request; headers are names and values in turn.
func (g *guest) ask(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	a, err := g.try(method, path, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// try is ask where the service may go away.
func (g *guest) try(method, path, body string, headers ...string) (reply, error) {
	req, err := http.NewRequest(method, g.at.url+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("User-Agent", g.agent)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] != "" {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, err
	}
	a := reply{answer{res.StatusCode, res.Header, string(data)}, method + " " + path}
	if a.status >= 400 && len(g.c.found(a.question)) == 0 {
		for _, found := range g.c.found(a.body) {
			return a, fmt.Errorf("OPS-10: the answer to %s tells %s", a.question, found)
		}
	}
	g.c.overhear(a)
	return a, nil
}

// overhear notes the secrets in an answer.
func (c *canteen) overhear(a reply) {
	var o struct{ AccessToken, RefreshToken, Key string }
	if json.Unmarshal([]byte(a.body), &o) == nil {
		for what, text := range map[string]string{"an access token": o.AccessToken, "a refresh token": o.RefreshToken, "an API key": o.Key} {
			if text != "" {
				c.note(what, text)
			}
		}
	}
	for _, line := range a.header.Values("Set-Cookie") {
		if cookie, err := http.ParseSetCookie(line); err == nil && cookie.Value != "" {
			c.note("the cookie "+cookie.Name, cookie.Value)
		}
	}
}

func (g *guest) credentials() string {
	return fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, g.email, g.password)
}

// login gets an access token and a refresh token.
func (g *guest) login(t *testing.T) *guest {
	t.Helper()
	g.keep(t, g.ask(t, "POST", "/api/authentication", g.credentials()).is(t, 201))
	return g
}

// keep takes the tokens from an answer.
func (g *guest) keep(t *testing.T, a reply) {
	t.Helper()
	o := a.object(t)
	token, _ := o["accessToken"].(string)
	g.renewing, _ = o["refreshToken"].(string)
	if token == "" || g.renewing == "" {
		t.Fatalf("%s: tokens are missing: %s", a.question, a.body)
	}
	g.bearer = "Bearer " + token
}

// renewal is the request for the next tokens.
func renewal(token string) string {
	return fmt.Sprintf(`{"strategy":"refresh","refreshToken":%q}`, token)
}

// enter gets a cookie.
func (g *guest) enter(t *testing.T) *guest {
	t.Helper()
	a := g.ask(t, "POST", "/api/session", g.credentials()).is(t, 201)
	for _, line := range a.header.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == "__Host-gate" {
			g.cookie = c.Name + "=" + c.Value
		}
	}
	if g.cookie == "" {
		t.Fatalf("no cookie: %v", a.header)
	}
	return g
}

// id is that of the account.
func (g *guest) id(t *testing.T) string {
	t.Helper()
	id, _ := g.ask(t, "GET", "/api/me", "", "Authorization", g.bearer, "Cookie", g.cookie).is(t, 200).object(t)["id"].(string)
	if id == "" {
		t.Fatal("an account without an id")
	}
	return id
}

// me asks who the guest is, with each thing that it was given.
func (g *guest) me(t *testing.T, want int) {
	t.Helper()
	if g.bearer != "" {
		g.ask(t, "GET", "/api/me", "", "Authorization", g.bearer).is(t, want)
	}
	if g.cookie != "" {
		g.ask(t, "GET", "/api/me", "", "Cookie", g.cookie).is(t, want)
	}
}

// untilOut asks the same again and again until it is refused, for as long as the
// end of a session may take to be seen and as much again.
func (g *guest) untilOut(t *testing.T, headers ...string) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		a := g.ask(t, "GET", "/api/me", "", headers...)
		took := time.Since(start)
		if a.status == 401 {
			return took
		}
		if a.status != 200 || took > 10*time.Second {
			t.Fatalf("%s: %d after %v: %s", a.question, a.status, took, a.body)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// postOffice is a mail server on this machine.
type postOffice struct {
	addr    string
	letters chan letter
}

type letter struct{ to, text string }

func openPostOffice(t *testing.T) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{addr: l.Addr().String(), letters: make(chan letter, 100)}
	var clerks sync.WaitGroup
	clerks.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			clerks.Go(func() { p.receive(conn) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); clerks.Wait() })
	return p
}

// receive speaks as much SMTP as a client needs (RFC 5321).
func (p *postOffice) receive(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	in := textproto.NewReader(bufio.NewReader(conn))
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 kitchen.example")
	var to string
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		command, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(command) {
		case "RCPT":
			to = strings.Trim(rest[strings.Index(rest, ":")+1:], "<> ")
			say("250 yes")
		case "DATA":
			say("354 go on")
			m, err := mail.ReadMessage(in.DotReader())
			if err != nil {
				say("554 what")
				return
			}
			text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
			if err != nil {
				say("554 what")
				return
			}
			p.letters <- letter{to, string(text)}
			say("250 it will be delivered")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 yes")
		}
	}
}

var linkInLetter = regexp.MustCompile(`https://kitchen\.example(/api/account/[a-z]+)\?token=([\w-]+)`)

// link waits for the letter with a link to that page, and returns where it leads.
func (g *guest) link(t *testing.T, page string) (path, token string) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case l := <-g.c.post.letters:
			found := linkInLetter.FindStringSubmatch(l.text)
			if found == nil || l.to != g.email || !strings.HasSuffix(found[1], "/"+page) {
				continue // it is about something else
			}
			return found[1], g.c.note("the token of a link", found[2])
		case <-timeout:
			t.Fatalf("no letter came with a link to %s", page)
		}
	}
}
