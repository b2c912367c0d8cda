package realtime_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/realtime"
	"github.com/gatewright/gate/strategy/anonymous"
)

// newRealtime returns one that is closed with the test.
func newRealtime(t testing.TB, cfg realtime.Config) *realtime.Realtime {
	t.Helper()
	rt, err := realtime.New(cfg)
	check(t, err)
	t.Cleanup(func() { check(t, rt.Close(context.Background())) })
	return rt
}

// connect keeps a connection without a network, and returns it with where the
// reason for its end will be.
func connect(t testing.TB, rt *realtime.Realtime, r *http.Request) (*realtime.Conn, chan error) {
	t.Helper()
	c, err := rt.Open(r)
	check(t, err)
	end := make(chan error, 1)
	go func() {
		end <- c.Run(context.WithoutCancel(t.Context()), func(context.Context, realtime.Event) error { return nil })
	}()
	return c, end
}

func isClosed(c *realtime.Conn) bool {
	select {
	case <-c.Closed():
		return true
	default:
		return false
	}
}

// TestSES09_visitors: those whom a strategy gives no account are counted by
// where they come from, not all as one.
func TestSES09_visitors(t *testing.T) {
	s := newShop(t, nil)
	check(t, s.svc.Register("anonymous", anonymous.New(anonymous.Config{})))
	rt := newRealtime(t, realtime.Config{Service: s.svc, Strategies: []string{"jwt", "anonymous"}, MaxPerPrincipal: 2})
	from := func(address string) *http.Request {
		r := request("")
		r.RemoteAddr = address
		return r
	}
	for _, address := range []string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1", "[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:1::1]:1"} {
		connect(t, rt, from(address))
	}
	for _, address := range []string{"192.0.2.1:3", "[2001:db8::3]:1"} {
		var refusal *gate.Error
		if _, err := rt.Open(from(address)); !errors.As(err, &refusal) || refusal.Status != http.StatusTooManyRequests {
			t.Errorf("a third connection from %s: %v", address, err)
		}
	}
}

// scoped is a credential that ann gave away, within a scope.
type scoped struct{ *people }

func (s scoped) Authenticate(ctx context.Context, _ gate.Credentials) (*gate.Principal, error) {
	p, err := s.Subject(ctx, "ann")
	if err == nil {
		p.Scopes = []string{"read:items"}
	}
	return p, err
}

func (scoped) Parse(r *http.Request) (c gate.Credentials, found bool, err error) {
	return c, r.Header.Get("X-Scoped") != "", nil
}

// TestSES09_limited: whoever has limited credentials of somebody takes none of their
// connections.
func TestSES09_limited(t *testing.T) {
	s := newShop(t, nil)
	check(t, s.svc.Register("scoped", scoped{s.people}))
	rt := newRealtime(t, realtime.Config{Service: s.svc, Strategies: []string{"jwt", "scoped"}, MaxPerPrincipal: 2})
	limited := request("")
	limited.Header.Set("X-Scoped", "yes")
	for range 2 {
		connect(t, rt, limited)
	}
	var refusal *gate.Error
	if _, err := rt.Open(limited); !errors.As(err, &refusal) || refusal.Status != http.StatusTooManyRequests {
		t.Errorf("a third limited connection: %v", err)
	}
	for range 2 {
		connect(t, rt, request(s.token(t, "ann")))
	}
}

// TestSES09_refusedLogin: a login that the connection cannot have leaves no
// session behind, and does not end the one of a token that was there before.
func TestSES09_refusedLogin(t *testing.T) {
	s := newShop(t, func(c *realtime.Config, _ *gate.Config, _ *model.Entity) { c.MaxPerPrincipal = 1 })
	token := s.token(t, "ann")
	connect(t, s.rt, request(token))
	c, _ := connect(t, s.rt, request(""))
	for _, fields := range []map[string]any{
		{"strategy": "local", "name": "ann", "password": "ann"},
		{"strategy": "jwt", "accessToken": token},
	} {
		var refusal *gate.Error
		if result, err := c.Login(t.Context(), fields); result != nil || !errors.As(err, &refusal) || refusal.Status != http.StatusTooManyRequests {
			t.Errorf("%v: %v, %v", fields["strategy"], result, err)
		}
		if n := s.live(); n != 1 {
			t.Errorf("%v: %d sessions, want the first one", fields["strategy"], n)
		}
		if !c.Anonymous() || isClosed(c) {
			t.Errorf("%v: the connection changed", fields["strategy"])
		}
	}
}

// renewals goes on with the first session.
type renewals struct{ *people }

func (r renewals) Renew(ctx context.Context, _ gate.Credentials) (*gate.Renewal, error) {
	p, err := r.Subject(ctx, "ann")
	if err != nil {
		return nil, err
	}
	p.SessionID = "s0"
	return &gate.Renewal{Principal: p}, nil
}

// TestSES09_refusedRenewal: a session that was there before goes on.
func TestSES09_refusedRenewal(t *testing.T) {
	s := newShop(t, func(c *realtime.Config, _ *gate.Config, _ *model.Entity) { c.MaxPerPrincipal = 1 })
	check(t, s.svc.Register("refresh", renewals{s.people}))
	cfg := s.svc.Configuration()
	cfg.AuthStrategies = append(cfg.AuthStrategies, "refresh")
	check(t, s.svc.Configure(cfg))
	connect(t, s.rt, request(s.token(t, "ann")))
	c, _ := connect(t, s.rt, request(""))
	var refusal *gate.Error
	if _, err := c.Login(t.Context(), map[string]any{"strategy": "refresh"}); !errors.As(err, &refusal) || refusal.Status != http.StatusTooManyRequests {
		t.Errorf("a second connection of one account: %v", err)
	}
	if n := s.live(); n != 1 {
		t.Errorf("%d sessions, want the first one", n)
	}
}

// TestSES09_loginDuringLogout: who logs in while a log-out is under way stays.
func TestSES09_loginDuringLogout(t *testing.T) {
	s := newShop(t, func(c *realtime.Config, _ *gate.Config, _ *model.Entity) { c.MaxPerPrincipal = 1 })
	c, _ := connect(t, s.rt, request(s.token(t, "ann")))
	check(t, c.Subscribe(t.Context(), "notes"))
	s.ended = func(ctx context.Context, id string) {
		s.ended = nil
		s.rt.SessionEnded(ctx, id)
		if _, err := c.Login(ctx, map[string]any{"strategy": "local", "name": "max", "password": "max"}); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Logout(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(t.Context(), realtime.Call{Method: "find", Path: "notes"}); err != nil || c.Anonymous() || isClosed(c) {
		t.Errorf("who logged in meanwhile is gone: %v", err)
	}
	if _, err := s.rt.Open(request(s.token(t, "max"))); err == nil {
		t.Error("the connection is not counted as that of who logged in")
	}
	connect(t, s.rt, request(s.token(t, "ann"))) // whose place is free
}

// TestSES09_sessionEnded: the connections of a session close with it, without a
// question to anybody; those of another, and one that logs out, stay.
func TestSES09_sessionEnded(t *testing.T) {
	s := newShop(t, nil)
	s.ended = s.rt.SessionEnded
	token := s.token(t, "ann")
	first, end := connect(t, s.rt, request(token))
	second, _ := connect(t, s.rt, request(token))
	other, _ := connect(t, s.rt, request(s.token(t, "ann")))
	later, _ := connect(t, s.rt, request(""))
	nobody, _ := connect(t, s.rt, request(""))
	if _, err := later.Login(t.Context(), map[string]any{"strategy": "jwt", "accessToken": token}); err != nil {
		t.Fatal(err)
	}
	s.rt.SessionEnded(t.Context(), "")
	if isClosed(first) || isClosed(nobody) {
		t.Fatal("closed although no session ended")
	}
	if _, err := second.Logout(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if !isClosed(first) || !isClosed(later) {
		t.Error("a connection outlives its session")
	}
	if isClosed(second) || isClosed(other) || isClosed(nobody) {
		t.Error("a connection of another session closed, or the one that logged out")
	}
	if err := <-end; !errors.Is(err, realtime.Revoked) {
		t.Errorf("closed: %v", err)
	}
	check(t, s.End(t.Context(), "s1"))
	if !isClosed(other) || isClosed(second) {
		t.Error("the end of the other session closed another connection")
	}
}

// flaky items cannot be read now and then.
type flaky struct {
	*crud.Resource[item]

	faults, reads atomic.Int64
}

func (f *flaky) Snapshot(ctx context.Context, id string) (crud.Snapshot, error) {
	f.reads.Add(1)
	if f.faults.Add(-1) >= 0 {
		return crud.Snapshot{}, errors.New("the disk sleeps")
	}
	return f.Resource.Snapshot(ctx, id)
}

// TestSES09_faultyRead: one fault of the database closes nobody; when it lasts,
// all close who would have been told, and it is said once.
func TestSES09_faultyRead(t *testing.T) {
	s := newShop(t, nil)
	items := &flaky{Resource: s.items}
	var log bytes.Buffer
	rt := newRealtime(t, realtime.Config{Entities: []crud.Service{items}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	open := func() *listener {
		c, err := rt.Open(request(""))
		check(t, err)
		check(t, c.Subscribe(t.Context(), "items"))
		l := &listener{Conn: c, t: t, told: make(chan realtime.Event, 10), end: make(chan error, 1)}
		go func() {
			l.end <- c.Run(context.WithoutCancel(t.Context()), func(_ context.Context, e realtime.Event) error { l.told <- e; return nil })
		}()
		return l
	}
	listeners := []*listener{open(), open(), open()}
	items.faults.Store(1)
	s.newItem(t, `{"name":"soup","price":4}`)
	for _, l := range listeners {
		l.until("items created")
	}
	if items.reads.Load() != 2 || log.Len() > 0 {
		t.Errorf("%d reads, and logged %s", items.reads.Load(), log.String())
	}
	items.faults.Store(1000)
	s.newItem(t, `{"name":"tea","price":2}`)
	for _, l := range listeners {
		if err := <-l.end; !errors.Is(err, realtime.Unavailable) {
			t.Errorf("closed: %v", err)
		}
	}
	if got := strings.Count(log.String(), "the disk sleeps"); got != 1 || items.reads.Load() != 4 {
		t.Errorf("%d reads, and logged %d times: %s", items.reads.Load(), got, log.String())
	}
}

// TestSES09_steadyRate: the rate is what it is said to be, whenever calls come.
func TestSES09_steadyRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt, err := realtime.New(realtime.Config{})
		check(t, err)
		c, end := connect(t, rt, request(""))
		answered := func() bool {
			_, err := c.Call(t.Context(), realtime.Call{Method: "find", Path: "ghosts"})
			e, ok := errors.AsType[*gate.Error](err)
			if !ok || e.Status == http.StatusTooManyRequests && (e.RetryAfter <= 0 || e.RetryAfter > 20*time.Millisecond) {
				t.Fatalf("answered with %v", err)
			}
			return e.Status != http.StatusTooManyRequests
		}
		for i := range 100 {
			if !answered() {
				t.Fatal("refused after " + strconv.Itoa(i))
			}
		}
		n := 0
		for range 200 { // in three seconds
			time.Sleep(15 * time.Millisecond)
			if answered() {
				n++
			}
		}
		if n != 150 {
			t.Errorf("%d calls in three seconds, want 150", n)
		}
		check(t, rt.Close(t.Context()))
		if err := <-end; !errors.Is(err, realtime.Stopping) {
			t.Errorf("closed: %v", err)
		}
	})
}

// TestClose_departures: when Close returns, it was told of each connection that it is
// gone, so that nobody is told after the rest of the program has closed.
func TestClose_departures(t *testing.T) {
	var closing atomic.Bool
	s := newShop(t, func(_ *realtime.Config, c *gate.Config, _ *model.Entity) {
		c.Now = func() time.Time { // which the news of a departure asks
			if closing.Load() {
				time.Sleep(20 * time.Millisecond)
			}
			return time.Now()
		}
	})
	var gone atomic.Int64
	s.svc.OnDisconnect(func(context.Context, *gate.Event) { gone.Add(1) })
	const n = 10
	for range n {
		listen(t, s, "ann")
	}
	closing.Store(true)
	check(t, s.rt.Close(t.Context()))
	check(t, s.svc.Close(t.Context()))
	if got := gone.Load(); got != n {
		t.Errorf("told of %d departures of %d", got, n)
	}
}
