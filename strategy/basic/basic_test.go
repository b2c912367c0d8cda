package basic_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/basic"
	"github.com/gatewright/gate/strategy/strategytest"
)

const password = "correct horse battery"

// backend holds accounts and judges passwords, slowly if told to.
type backend struct {
	mu       sync.Mutex
	accounts map[string]gate.Account
	err      error
	judged   int
	delay    time.Duration
	panics   bool
}

func newBackend() *backend {
	return &backend{accounts: map[string]gate.Account{
		"ada": {Subject: "7", PasswordHash: "plain:" + password, Roles: []string{"cook"}},
		"a":   {Subject: "1", PasswordHash: "plain:bc"},
		"ab":  {Subject: "2", PasswordHash: "plain:c"},
		"off": {Subject: "8", PasswordHash: "plain:" + password, Disabled: true},
	}}
}

// change replaces the account of ada by a changed copy.
func (b *backend) change(f func(*gate.Account)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	account := b.accounts["ada"]
	f(&account)
	b.accounts["ada"] = account
}

func (b *backend) ByLogin(_ context.Context, name string) (*gate.Account, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.err
	}
	account, ok := b.accounts[name]
	if !ok {
		return nil, gate.ErrNotAuthenticated
	}
	return &account, nil
}

func (b *backend) Verify(ctx context.Context, username, password string) (*gate.Principal, error) {
	b.mu.Lock()
	b.judged++
	b.mu.Unlock()
	if b.delay > 0 {
		select {
		case <-time.After(b.delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if b.panics {
		panic("oops")
	}
	account, err := b.ByLogin(ctx, username)
	if err != nil && !errors.Is(err, gate.ErrNotAuthenticated) {
		return nil, err
	}
	if err != nil || account.Disabled || account.PasswordHash != "plain:"+password {
		return nil, &gate.AuthError{Code: gate.ErrInvalidCredentials, Message: "Invalid login"}
	}
	return &gate.Principal{Subject: account.Subject, Roles: account.Roles}, nil
}

func credentials(username, password any) gate.Credentials {
	return gate.Credentials{Strategy: "basic", Fields: map[string]any{"username": username, "password": password}}
}

func request(authorization ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header["Authorization"] = authorization
	return r
}

func encode(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }

func TestStrategy(t *testing.T) {
	fields := func(username, password string) map[string]any { return credentials(username, password).Fields }
	strategytest.Run(t, strategytest.Suite{
		New: func() (gate.Strategy, func(error)) {
			b := newBackend()
			return basic.New(b, b, basic.Config{}), func(err error) { b.err = err }
		},
		Subject: "7",
		Good: []strategytest.Case{
			{Name: "posted", Fields: fields("ada", password)},
			{Name: "header", Request: func() *http.Request { return request(encode("ada:" + password)) }},
		},
		Bad: []strategytest.Case{
			{Name: "wrong password", Fields: fields("ada", "a wrong guess")},
			{Name: "unknown", Fields: fields("eve", password)},
			{Name: "disabled", Request: func() *http.Request { return request(encode("off:" + password)) }},
			{Name: "no colon", Request: func() *http.Request { return request(encode("ada")) }, Code: gate.ErrBadRequest},
		},
	})
}

// TestLOG14_framing sends two pairs that are the same text when glued: each
// gets his own identity, one after the other and both at once.
func TestLOG14_framing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.delay = time.Second
		s := basic.New(b, b, basic.Config{})
		for range 2 { // in flight together, then from memory
			var wg sync.WaitGroup
			for _, pair := range [][3]string{{"a", "bc", "1"}, {"ab", "c", "2"}} {
				wg.Go(func() {
					p, err := s.Authenticate(t.Context(), credentials(pair[0], pair[1]))
					if err != nil || p.Subject != pair[2] {
						t.Errorf("%s:%s is %v, %v", pair[0], pair[1], p, err)
					}
				})
			}
			wg.Wait()
		}
		if _, err := s.Authenticate(t.Context(), credentials("abc", "")); !errors.Is(err, gate.ErrInvalidCredentials) {
			t.Errorf("abc without a password: %v", err)
		}
	})
}

func TestLOG14_remembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		s := basic.New(b, b, basic.Config{})
		ask := func(wantErr error, wantJudged int) {
			t.Helper()
			before := b.judged
			p, err := s.Authenticate(t.Context(), credentials("ada", password))
			if !errors.Is(err, wantErr) || (err == nil) != (p != nil) {
				t.Errorf("got %v, %v, want %v", p, err, wantErr)
			}
			if n := b.judged - before; n != wantJudged {
				t.Errorf("judged %d times, want %d", n, wantJudged)
			}
		}
		ask(nil, 1)
		ask(nil, 0)
		time.Sleep(basic.MaxRemember - time.Second)
		ask(nil, 0)
		time.Sleep(time.Second) // being used does not make it younger
		ask(nil, 1)

		b.change(func(a *gate.Account) { a.Roles = []string{"chef"} })
		if p, _ := s.Authenticate(t.Context(), credentials("ada", password)); !p.HasRole("chef") {
			t.Errorf("roles %v", p.Roles)
		}
		b.change(func(a *gate.Account) { a.Disabled = true })
		ask(gate.ErrInvalidCredentials, 1)
		b.change(func(a *gate.Account) { a.Disabled = false })
		ask(nil, 1)
		b.change(func(a *gate.Account) { a.PasswordHash = "plain:another" })
		ask(gate.ErrInvalidCredentials, 1)
		b.change(func(a *gate.Account) { a.PasswordHash = "plain:" + password })
		ask(nil, 1)
		delete(b.accounts, "ada")
		ask(gate.ErrInvalidCredentials, 1)
	})
}

// TestLOG14_wrongIsNotRemembered repeats a wrong password: each time it is
// judged, and counted, anew.
func TestLOG14_wrongIsNotRemembered(t *testing.T) {
	b := newBackend()
	s := basic.New(b, b, basic.Config{})
	for range 3 {
		if _, err := s.Authenticate(t.Context(), credentials("ada", "wrong")); !errors.Is(err, gate.ErrInvalidCredentials) {
			t.Error(err)
		}
	}
	if b.judged != 3 {
		t.Errorf("judged %d times, want 3", b.judged)
	}
}

func TestLOG16_storeDownIsNotRemembered(t *testing.T) {
	b := newBackend()
	s := basic.New(b, b, basic.Config{})
	if _, err := s.Authenticate(t.Context(), credentials("ada", password)); err != nil {
		t.Fatal(err)
	}
	for _, fault := range []error{errors.New("down"), &gate.AuthError{Code: gate.ErrUnavailable, Err: gate.ErrNotAuthenticated}} {
		b.err = fault
		if p, err := s.Authenticate(t.Context(), credentials("ada", password)); p != nil || !errors.Is(err, gate.ErrUnavailable) {
			t.Errorf("the memory answers for the store: %v, %v", p, err)
		}
		b.err = nil
		if _, err := s.Authenticate(t.Context(), credentials("ada", password)); err != nil {
			t.Errorf("after the repair: %v", err)
		}
	}
}

// TestLOG14_oneFlight has many ask at once, and the first go away.
func TestLOG14_oneFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend()
		b.delay = time.Second
		s := basic.New(b, b, basic.Config{})
		first, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = s.Authenticate(first, credentials("ada", password)) })
		synctest.Wait()
		seen := make([]*gate.Principal, 20)
		for i := range seen {
			wg.Go(func() {
				p, err := s.Authenticate(t.Context(), credentials("ada", password))
				if err != nil || p.Subject != "7" {
					t.Errorf("%v %v", p, err)
				}
				seen[i] = p
			})
		}
		impatient, stop := context.WithTimeout(t.Context(), time.Millisecond)
		defer stop()
		wg.Go(func() {
			if _, err := s.Authenticate(impatient, credentials("ada", password)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the impatient one got %v", err)
			}
		})
		cancel()
		wg.Wait()
		if b.judged != 1 {
			t.Errorf("judged %d times, want once", b.judged)
		}
		if seen[0] == seen[1] {
			t.Error("two callers share a principal")
		}
	})
}

func TestLOG16_panicFreesTheFlight(t *testing.T) {
	b := newBackend()
	b.panics = true
	s := basic.New(b, b, basic.Config{})
	func() {
		defer func() { _ = recover() }()
		_, _ = s.Authenticate(t.Context(), credentials("ada", password))
		t.Error("no panic")
	}()
	b.panics = false
	if _, err := s.Authenticate(t.Context(), credentials("ada", password)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestLOG14_bounded remembers two pairs at most; more only cost a judgment.
func TestLOG14_bounded(t *testing.T) {
	b := newBackend()
	s := basic.New(b, b, basic.Config{Entries: 2})
	pairs := [][2]string{{"ada", password}, {"a", "bc"}, {"ab", "c"}}
	for range 3 {
		for _, pair := range pairs {
			if _, err := s.Authenticate(t.Context(), credentials(pair[0], pair[1])); err != nil {
				t.Fatal(err)
			}
		}
	}
	if b.judged <= len(pairs) {
		t.Errorf("judged %d times: more than two pairs are remembered", b.judged)
	}
}

func TestParse(t *testing.T) {
	const found, none, bad = "found", "none", "bad"
	b := newBackend()
	s := basic.New(b, b, basic.Config{})
	for _, tt := range []struct {
		authorization []string
		want          string
	}{
		{nil, none},
		{[]string{encode("a:b")}, found},
		{[]string{encode("a:b:c")}, found},
		{[]string{encode(":")}, found},
		{[]string{encode("jösé:pä")}, found},
		{[]string{"bASIC " + base64.StdEncoding.EncodeToString([]byte("a:b"))}, found},
		{[]string{"Bearer a.b.c"}, none},
		{[]string{"Basicx YTpi"}, none},
		{[]string{"YTpi"}, none},
		{[]string{"Basic"}, bad},
		{[]string{"Basic "}, bad},
		{[]string{"Basic  YTpi"}, bad},
		{[]string{"Basic YTpi "}, bad},
		{[]string{"Basic YTpi junk"}, bad},
		{[]string{"Basic YT\npi"}, bad},
		{[]string{"Basic YTpi\r\n"}, bad},
		{[]string{"Basic YTo"}, bad},      // no padding
		{[]string{"Basic YTpiYh=="}, bad}, // bits after the end
		{[]string{"Basic YTpi_-=="}, bad},
		{[]string{encode("nocolon")}, bad},
		{[]string{encode("a:\xff")}, bad},
		{[]string{encode("a\x00:b")}, bad},
		{[]string{encode("a:b\n")}, bad},
		{[]string{encode("a:\u0085")}, bad},
		{[]string{encode("a:b"), encode("a:b")}, bad},
		{[]string{encode("a:b"), "Bearer x"}, bad},
	} {
		c, ok, err := s.Parse(request(tt.authorization...))
		got := map[bool]string{true: found, false: none}[ok]
		if err != nil {
			got = bad
			if !errors.Is(err, gate.ErrBadRequest) || !reflect.DeepEqual(c, gate.Credentials{}) {
				t.Errorf("%q: %v and credentials", tt.authorization, err)
			}
		}
		if got != tt.want {
			t.Errorf("%q: %s, want %s", tt.authorization, got, tt.want)
		}
	}
	c, _, _ := s.Parse(request(encode("a:b:c")))
	username, _ := c.Text("username")
	if secret, _ := c.Text("password"); username != "a" || secret != "b:c" {
		t.Errorf("only the first colon separates: %q %q", username, secret)
	}
}

func TestChallenge(t *testing.T) {
	b := newBackend()
	s := basic.New(b, b, basic.Config{Realm: `"x\`})
	for _, refusal := range []error{nil, gate.ErrInvalidCredentials} {
		if got, want := s.Challenge(refusal), `Basic realm="\"x\\", charset="UTF-8"`; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	b := newBackend()
	for name, s := range map[string]*basic.Strategy{
		"no verifier":  basic.New(nil, b, basic.Config{}),
		"no users":     basic.New(b, nil, basic.Config{}),
		"too long":     basic.New(b, b, basic.Config{Remember: basic.MaxRemember + 1}),
		"negative":     basic.New(b, b, basic.Config{Remember: -1}),
		"less than no": basic.New(b, b, basic.Config{Entries: -1}),
	} {
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzParse compares with net/http: what is taken means the same there.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"Basic YTpi", "basic YTpiOmM=", "Basic", "Basic !", "Bearer x", "Basic YTo\xff", ""} {
		f.Add(seed)
	}
	b := newBackend()
	s := basic.New(b, b, basic.Config{})
	f.Fuzz(func(t *testing.T, header string) {
		r := request(header)
		c, found, err := s.Parse(r)
		if !found || err != nil {
			if !reflect.DeepEqual(c, gate.Credentials{}) {
				t.Errorf("%q: credentials although not found", header)
			}
			return
		}
		username, password, ok := r.BasicAuth()
		gotName, _ := c.Text("username")
		gotSecret, _ := c.Text("password")
		if !ok || gotName != username || gotSecret != password {
			t.Errorf("%q: %q %q, net/http says %q %q", header, gotName, gotSecret, username, password)
		}
		if strings.ContainsAny(username+password, "\x00\r\n\x7f") {
			t.Errorf("%q: control characters", header)
		}
	})
}
