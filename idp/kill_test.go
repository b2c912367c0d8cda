package idp_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/hashcost"
)

// The test binary runs itself as the provider that is killed.
const (
	childPlace  = "GATE_TEST_IDP_DATABASE"
	childIssuer = "GATE_TEST_IDP_ISSUER"
)

func TestMain(m *testing.M) {
	hashcost.Lower()
	where := os.Getenv(childPlace)
	if where == "" {
		os.Exit(m.Run())
	}
	if err := serveUntilKilled(where, os.Getenv(childIssuer)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveUntilKilled serves the provider of a database, and prints its address. POST
// /-/die?at=3&after=true has the process kill itself at the third statement from
// then on, before the database has it or after.
func serveUntilKilled(where, issuer string) error {
	go func() { // nobody is left who could kill it
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	ctx := context.Background()
	db, err := openPlace(ctx, where)
	if err != nil {
		return err
	}
	m := &mortal{die: func() {
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill()
		}
		select {}
	}}
	if db, err = m.over(db); err != nil {
		return err
	}
	p, err := idp.Open(ctx, db, idp.Config{
		Issuer: issuer, Secret: bytes.Repeat([]byte("s"), 32), Mail: discard{}, Development: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /-/die", func(_ http.ResponseWriter, r *http.Request) {
		at, _ := strconv.Atoi(r.FormValue("at"))
		m.dieAt(at, r.FormValue("after") == "true")
	})
	mux.Handle("/", p)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return (&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(listener)
}

// A child is a process that serves a provider.
type child struct {
	url  string
	kill func() // kill -9, and waits for its end
}

func startChild(t *testing.T, where, issuer string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childPlace+"="+where, childIssuer+"="+issuer)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = stdin.Close()
	})
	t.Cleanup(kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the process said nothing: %v", err)
	}
	return &child{url: "http://" + strings.TrimSpace(line), kill: kill}
}

// refresh sends a refresh token of the confidential client; there is no answer from
// a process that was killed.
func (c *child) refresh(token string) (next string, answered bool) {
	res, err := http.PostForm(c.url+"/oauth/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "refresh_token": {token},
	})
	if err != nil {
		return "", false
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return "", false
	}
	_, rest, _ := strings.Cut(string(data), `"refresh_token":"`)
	next, _, _ = strings.Cut(rest, `"`)
	return next, next != ""
}

// A holder is a confidential client that holds a refresh token, asked for at a
// server that goes on living.
type holder struct {
	s     *idptest.Server
	token string
}

// newHolder logs ada in. Without an audience access tokens are opaque, and stored.
func newHolder(t *testing.T, s *idptest.Server, audience string) *holder {
	t.Helper()
	res, body := s.Login(s.Browser(), web("audience", audience), "ada@example.com", idptest.Password)
	_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
	text, _ := tokens["refresh_token"].(string)
	if text == "" {
		t.Fatalf("no refresh token: %v", tokens)
	}
	return &holder{s, text}
}

// next returns the successor that the token is going to have. A token is computed
// from its number, so that it can be taken back.
func (h *holder) next(t *testing.T) string {
	t.Helper()
	text := h.again(t)
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(h.token, "v1."))
	if err != nil {
		t.Fatal(err)
	}
	id := base64.RawURLEncoding.EncodeToString(raw[:16])
	if _, err := h.s.DB.Exec(t.Context(), "UPDATE idp_refresh SET generation = generation - 1 WHERE id = $1", id); err != nil {
		t.Fatal(err)
	}
	if !h.active(t, h.token) || h.active(t, text) {
		t.Fatal("the token was not taken back")
	}
	return text
}

// again refreshes at the server that lives, and returns what it answers.
func (h *holder) again(t *testing.T) string {
	t.Helper()
	res, body := refresh(h.s, h.token, "client_id", idptest.Web, "client_secret", idptest.Secret)
	text, _ := body["refresh_token"].(string)
	if res.StatusCode != http.StatusOK || text == "" || text == h.token {
		t.Fatalf("refresh: %d %v", res.StatusCode, body)
	}
	return text
}

// active reports whether a refresh token is the current one.
func (h *holder) active(t *testing.T, token string) bool {
	t.Helper()
	_, body := h.s.Do(h.s.HTTP, http.MethodPost, "/oauth/introspect", url.Values{
		"client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "token": {token},
	})
	active, ok := h.s.JSON(body)["active"].(bool)
	if !ok {
		t.Fatalf("introspection: %s", body)
	}
	return active
}

// after holds what is so after somebody died between a token and its successor:
// one of the two is current, and whoever lost the answer gets the successor. It
// reports whether the successor had been stored, and goes on with it.
func (h *holder) after(t *testing.T, next string, answered bool) (stored bool) {
	t.Helper()
	before, stored := h.active(t, h.token), h.active(t, next)
	if before == stored {
		t.Fatalf("the old token is current: %t, the new one: %t", before, stored)
	}
	if answered && !stored {
		t.Fatal("the successor was answered and is not stored")
	}
	if got := h.again(t); got != next {
		t.Fatal("the token has two successors")
	}
	if h.active(t, h.token) || !h.active(t, next) {
		t.Fatal("the successor is not the current token")
	}
	h.token = next
	return stored
}

// opaques counts the opaque access tokens that are stored.
func opaques(t *testing.T, s *idptest.Server) (n int) {
	t.Helper()
	if err := s.DB.Read().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM idp_tokens WHERE kind = 'access'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// SES-06: whoever dies at any statement of a refresh, BEGIN and COMMIT among them,
// leaves the old token or the new one, never both and never none, and an opaque
// access token with the new one alone.
func TestSES06_diesAtAnyStatement(t *testing.T) {
	eachPlace(t, func(t *testing.T, where string) {
		c := &clock{at: time.Now().Truncate(time.Second)} // it stands: the leeway lasts
		s := idptest.New(t, idptest.Config{DB: mustOpen(t, where), Edit: func(cfg *idp.Config) { cfg.Now = c.now }})
		s.AddUser("ada@example.com")
		m := &mortal{}
		dying := beside(t, s, mustOver(t, m, mustOpen(t, where)), func(cfg *idp.Config) { cfg.Now = c.now })
		for name, audience := range map[string]string{"JWT": idptest.Audience, "opaque": ""} {
			t.Run(name, func(t *testing.T) {
				h := newHolder(t, s, audience)
				left := map[bool]int{}
				for _, after := range []bool{false, true} {
					for at, died := 1, true; died; at++ {
						next, made := h.next(t), opaques(t, s)
						m.dieAt(at, after)
						res, body := refresh(dying, h.token, "client_id", idptest.Web, "client_secret", idptest.Secret)
						answered := res.StatusCode == http.StatusOK
						if died = m.comeBack(); !answered && (!died || res.StatusCode < 500) {
							t.Fatalf("statement %d: %d %v", at, res.StatusCode, body)
						}
						more := opaques(t, s) - made
						stored := h.after(t, next, answered)
						if want := map[bool]int{true: 1}[stored && audience == ""]; more != want {
							t.Fatalf("statement %d, after it %t: %d access tokens were stored, want %d", at, after, more, want)
						}
						if died && !answered {
							left[stored]++
						}
					}
				}
				t.Logf("left the old token %d times, the new one %d times", left[false], left[true])
				if left[false] < 3 || left[true] < 1 {
					t.Errorf("left the old token %d times, the new one %d times", left[false], left[true])
				}
			})
		}
	})
}

// SES-06: kill -9 of a process that serves, at a statement or while many refresh.
func TestSES06_killedProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	eachPlace(t, func(t *testing.T, where string) {
		s := idptest.New(t, idptest.Config{DB: mustOpen(t, where)})
		s.AddUser("ada@example.com")
		setClient(t, s, idptest.Web, func(c *tenant.Client) { // the leeway lasts until a slow machine has come back
			c.Refresh = &tenant.RefreshPolicy{Rotation: "rotating", Expiration: "expiring", Leeway: 60}
		})
		random := rand.New(rand.NewPCG(749, 6))
		h := newHolder(t, s, "")
		c := startChild(t, where, s.Issuer())
		next, at, after := h.next(t), 5+random.IntN(4), !strings.HasPrefix(where, "postgres")
		res, err := http.PostForm(c.url+"/-/die", url.Values{"at": {strconv.Itoa(at)}, "after": {strconv.FormatBool(after)}})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		got, answered := c.refresh(h.token)
		if answered && got != next {
			t.Fatal("another successor")
		}
		c.kill()
		t.Logf("killed at statement %d: answered %t, stored %t", at, answered, h.after(t, next, answered))
		killedUnderLoad(t, s, startChild(t, where, s.Issuer()), 20+random.IntN(20))
	})
}

// killedUnderLoad has clients refresh until so many answers have come, and kills the
// process with whatever is under way.
func killedUnderLoad(t *testing.T, s *idptest.Server, c *child, answers int) {
	t.Helper()
	holders := make([]*holder, 6)
	for i := range holders {
		holders[i] = newHolder(t, s, "")
	}
	answered, killed := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for _, h := range holders {
		all.Go(func() {
			for {
				next, ok := c.refresh(h.token)
				if !ok {
					return
				}
				h.token = next
				select {
				case answered <- struct{}{}:
				case <-killed: // soon
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	for range answers {
		select {
		case <-answered:
		case <-ended:
			t.Fatal("the process refuses refresh tokens")
		}
	}
	close(killed)
	c.kill()
	<-ended
	stored := 0
	for _, h := range holders {
		current := h.active(t, h.token)
		next := h.again(t) // of one that was stored while its answer was lost, that one
		if !h.active(t, next) || h.active(t, h.token) {
			t.Error("after the kill the successor is not the current token")
		}
		if !current {
			stored++
		}
	}
	t.Logf("of %d clients %d lost the answer to a refresh that was stored", len(holders), stored)
}
