package accounts_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

var (
	laptop = gate.Client{Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "Browser/1"}
	thief  = gate.Client{Address: netip.MustParseAddr("198.51.100.9"), UserAgent: "curl/8"}
	key    = bytes.Repeat([]byte{7}, 32)
)

// family is a session with its first refresh token.
type family struct {
	*accounts.Sessions
	tokens *accounts.RefreshTokens
	clock  *clock
	id     string
	first  string
	told   func() []string
}

func newFamily(t testing.TB, db *store.DB, cfg accounts.RefreshConfig) *family {
	t.Helper()
	c := newClock()
	f := &family{clock: c, Sessions: newSessions(t, db, accounts.SessionsConfig{Now: c.Now})}
	cfg.Now = c.Now
	var err error
	if f.tokens, err = accounts.NewRefreshTokens(f.Sessions, cfg); err != nil {
		t.Fatal(err)
	}
	f.id, err = f.Create(t.Context(), gate.Session{
		Subject: "1", Entity: "user", Strategy: "local", ExpiresAt: c.Now().Add(30 * 24 * time.Hour), Client: laptop,
	})
	if err != nil {
		t.Fatal(err)
	}
	first, err := f.tokens.Issue(t.Context(), f.id)
	if err != nil {
		t.Fatal(err)
	}
	f.first = first.Token
	f.told = listen(f.Sessions)
	return f
}

// use expects the token to work, and returns the next one.
func (f *family) use(t testing.TB, token string, client gate.Client) string {
	t.Helper()
	session, next, err := f.tokens.Use(t.Context(), token, client)
	if err != nil || session.ID != f.id || session.Subject != "1" || next.Token == "" || next.Token == token {
		t.Fatalf("Use = %v, %v, %v, want another token of session %s", session, next, err, f.id)
	}
	return next.Token
}

// refuse expects the token to be refused.
func (f *family) refuse(t testing.TB, token string, client gate.Client, want gate.Code) {
	t.Helper()
	session, next, err := f.tokens.Use(t.Context(), token, client)
	ae, ok := errors.AsType[*gate.AuthError](err)
	if !ok || ae.Code != want || ae.Message != "Invalid refresh token" || next.Token != "" || session.ID != "" {
		t.Errorf("Use = %v, %v, %v, want %v", session, next, err, want)
	}
	if want == gate.ErrReused && (ae == nil || ae.Subject != "1") {
		t.Errorf("refusal %+v without its subject", ae)
	}
}

func (f *family) expectEnded(t testing.TB) {
	t.Helper()
	expectActive(t, f.Sessions, f.id, "1", false)
	if got := f.told(); len(got) != 1 || got[0] != f.id {
		t.Errorf("told of the end of %v, want %s once", got, f.id)
	}
}

func TestNewRefreshTokens_refusals(t *testing.T) {
	s := newSessions(t, storetest.SQLite(t), accounts.SessionsConfig{})
	for _, tt := range []struct {
		name     string
		sessions *accounts.Sessions
		cfg      accounts.RefreshConfig
	}{
		{"no sessions", nil, accounts.RefreshConfig{}},
		{"idle for too long", s, accounts.RefreshConfig{IdleFor: accounts.MaxRefreshIdleFor + 1}},
		{"negative idle", s, accounts.RefreshConfig{IdleFor: -1}},
		{"long grace", s, accounts.RefreshConfig{Grace: 11 * time.Second, Key: key}},
		{"negative grace", s, accounts.RefreshConfig{Grace: -1, Key: key}},
		{"grace without key", s, accounts.RefreshConfig{Grace: time.Second}},
		{"short key", s, accounts.RefreshConfig{Grace: time.Second, Key: key[:31]}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := accounts.NewRefreshTokens(tt.sessions, tt.cfg); err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestSES06_theftInBothOrders: whoever comes second, both are cut off.
func TestSES06_theftInBothOrders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, tt := range []struct {
			name          string
			first, second gate.Client
		}{
			{"thief first", thief, laptop},
			{"victim first", laptop, thief},
		} {
			t.Run(tt.name, func(t *testing.T) {
				for name, cfg := range map[string]accounts.RefreshConfig{
					"no grace": {}, "grace": {Grace: 10 * time.Second, Key: key},
				} {
					t.Run(name, func(t *testing.T) {
						f := newFamily(t, db, cfg)
						child := f.use(t, f.first, tt.first)
						f.clock.advance(time.Second)
						expectActive(t, f.Sessions, f.id, "1", true)
						f.refuse(t, f.first, tt.second, gate.ErrReused)
						f.expectEnded(t)
						f.refuse(t, child, tt.first, gate.ErrNotAuthenticated)
						f.refuse(t, f.first, tt.first, gate.ErrNotAuthenticated) // the family ends once
						if got := f.told(); got != nil {
							t.Errorf("told again of the end of %v", got)
						}
					})
				}
			})
		}
	})
}

// TestSES06_everyAncestor: a used token is recognised for as long as its family
// lives, past its own expiry too.
func TestSES06_everyAncestor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for back := range 4 {
			f := newFamily(t, db, accounts.RefreshConfig{Grace: 10 * time.Second, Key: key, IdleFor: time.Hour})
			chain := []string{f.first}
			for range 4 {
				f.clock.advance(59 * time.Minute)
				chain = append(chain, f.use(t, chain[len(chain)-1], laptop))
			}
			if back == 3 {
				f.clock.advance(30 * time.Second) // past the grace of the direct parent
			}
			f.refuse(t, chain[back], laptop, gate.ErrReused)
			f.expectEnded(t)
			f.refuse(t, chain[4], laptop, gate.ErrNotAuthenticated)
		}
	})
}

// atOnce uses one token many times at once, half of them in another process.
func (f *family) atOnce(t *testing.T, db *store.DB, cfg accounts.RefreshConfig, n int) (children map[string]int, reused, refused int) {
	t.Helper()
	cfg.Now = f.clock.Now
	there, err := accounts.NewRefreshTokens(newSessions(t, db, accounts.SessionsConfig{Now: f.clock.Now}), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := make(chan struct{})
	children = make(map[string]int)
	for i := range n {
		tokens := f.tokens
		if i%2 == 1 {
			tokens = there
		}
		wg.Go(func() {
			<-start
			_, next, err := tokens.Use(t.Context(), f.first, laptop)
			for errors.Is(err, store.ErrUnavailable) { // no answer: a slow machine has one writer, and asks again
				_, next, err = tokens.Use(t.Context(), f.first, laptop)
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				children[next.Token]++
			case errors.Is(err, gate.ErrReused):
				reused++
			case errors.Is(err, gate.ErrNotAuthenticated):
				refused++
			default:
				t.Errorf("Use = %v", err)
			}
		})
	}
	close(start)
	wg.Wait()
	return children, reused, refused
}

func TestSES06_oneWinner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const n = 100
		f := newFamily(t, db, accounts.RefreshConfig{})
		children, reused, refused := f.atOnce(t, db, accounts.RefreshConfig{}, n)
		if len(children) != 1 || reused != 1 || refused != n-2 {
			t.Errorf("%d children, %d reused, %d refused, want 1, 1 and the rest", len(children), reused, refused)
		}
		f.clock.advance(5 * time.Second)
		expectActive(t, f.Sessions, f.id, "1", false)
		for child := range children {
			f.refuse(t, child, laptop, gate.ErrNotAuthenticated)
		}
	})
}

func TestSES06_oneWinnerWithGrace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const n = 100
		cfg := accounts.RefreshConfig{Grace: 10 * time.Second, Key: key}
		f := newFamily(t, db, cfg)
		children, reused, refused := f.atOnce(t, db, cfg, n)
		if len(children) != 1 || reused != 0 || refused != 0 {
			t.Fatalf("%d children, %d reused, %d refused, want the same child for all", len(children), reused, refused)
		}
		expectActive(t, f.Sessions, f.id, "1", true)
		var live int
		err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM gate_refresh_tokens WHERE used_at IS NULL").Scan(&live)
		if err != nil || live != 1 {
			t.Errorf("%d live tokens, %v, want 1", live, err)
		}
		for child := range children {
			f.use(t, child, laptop)
		}
	})
}

func TestSES07_binding(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFamily(t, db, accounts.RefreshConfig{})
		for name, hostile := range map[string]string{
			"empty": "", "unknown": strings.Repeat("A", 43), "short": f.first[:42], "long": f.first + "A", "huge": strings.Repeat("A", 1<<20),
			"identifier": f.id, "broken": f.first[:42] + "\xff", "NUL": f.first[:42] + "\x00",
		} {
			t.Run(name, func(t *testing.T) { f.refuse(t, hostile, laptop, gate.ErrNotAuthenticated) })
		}
		admins, err := accounts.NewRefreshTokens(newSessions(t, db, accounts.SessionsConfig{Now: f.clock.Now, Entity: "admin"}),
			accounts.RefreshConfig{Now: f.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := admins.Use(t.Context(), f.first, laptop); !errors.Is(err, gate.ErrNotAuthenticated) || errors.Is(err, gate.ErrReused) {
			t.Errorf("Use by another kind of account = %v, want %v", err, gate.ErrNotAuthenticated)
		}
		_, text := browser(t, f.Sessions, f.clock, "1") // a cookie is no refresh token, nor the other way round
		f.refuse(t, text, laptop, gate.ErrNotAuthenticated)
		expectSecret(t, f.Sessions, f.first, "")

		session, next, err := f.tokens.Use(t.Context(), f.first, thief)
		if err != nil || session.Entity != "user" || session.Strategy != "local" || session.Client != laptop ||
			!session.AuthenticatedAt.Equal(f.clock.Now()) || !next.ExpiresAt.Equal(f.clock.Now().Add(14*24*time.Hour)) {
			t.Errorf("Use = %+v, %v, %v", session, next, err)
		}
	})
}

func TestSES07_lives(t *testing.T) {
	day := 24 * time.Hour
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFamily(t, db, accounts.RefreshConfig{})
		f.clock.advance(14*day - time.Millisecond)
		token := f.use(t, f.first, laptop)
		f.clock.advance(14*day - time.Millisecond)
		session, next, err := f.tokens.Use(t.Context(), token, laptop)
		if err != nil || !next.ExpiresAt.Equal(session.ExpiresAt) {
			t.Fatalf("Use = %v, %v, %v, want a token that ends with its session", session, next, err)
		}
		f.clock.advance(2*day + time.Millisecond)
		last := f.use(t, next.Token, laptop)
		f.clock.advance(time.Millisecond)
		f.refuse(t, last, laptop, gate.ErrNotAuthenticated)

		f = newFamily(t, db, accounts.RefreshConfig{})
		f.clock.advance(14 * day)
		f.refuse(t, f.first, laptop, gate.ErrNotAuthenticated)
		f.clock.advance(-time.Millisecond) // and was not taken for used
		f.use(t, f.first, laptop)
	})
}

// TestSES04_refreshAfterEnd: however a session ends, its tokens end with it.
func TestSES04_refreshAfterEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, end := range map[string]func(f *family) error{
			"End":        func(f *family) error { return f.End(t.Context(), f.id) },
			"EndOwn":     func(f *family) error { return f.EndOwn(t.Context(), "user", "1", f.id) },
			"EndSubject": func(f *family) error { return second(f.EndSubject(t.Context(), "user", "1")) },
			"EndAll":     func(f *family) error { return second(f.EndAll(t.Context())) },
		} {
			t.Run(name, func(t *testing.T) {
				f := newFamily(t, db, accounts.RefreshConfig{Grace: time.Second, Key: key})
				child := f.use(t, f.first, laptop)
				if err := end(f); err != nil {
					t.Fatal(err)
				}
				f.told()
				f.refuse(t, child, laptop, gate.ErrNotAuthenticated)
				f.refuse(t, f.first, laptop, gate.ErrNotAuthenticated) // and not the child again
				if _, err := f.tokens.Issue(t.Context(), f.id); !errors.Is(err, accounts.ErrNoSession) {
					t.Errorf("Issue = %v, want %v", err, accounts.ErrNoSession)
				}
				if got := f.told(); got != nil {
					t.Errorf("told of the end of %v", got)
				}
			})
		}
	})
}

// TestRefreshTokens_endSubject: a use that is under way leaves no token behind.
func TestRefreshTokens_endSubject(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for range 20 {
			f := newFamily(t, db, accounts.RefreshConfig{})
			var child gate.RefreshToken
			var wg sync.WaitGroup
			wg.Go(func() {
				var err error
				if _, child, err = f.tokens.Use(t.Context(), f.first, laptop); err != nil && !errors.Is(err, gate.ErrNotAuthenticated) {
					t.Error(err)
				}
			})
			if _, err := f.tokens.EndSubject(t.Context(), "user", "1"); err != nil {
				t.Error(err)
			}
			wg.Wait()
			f.refuse(t, f.first, laptop, gate.ErrNotAuthenticated)
			f.refuse(t, child.Token, laptop, gate.ErrNotAuthenticated)
			expectActive(t, f.Sessions, f.id, "1", true)
		}
	})
}

func TestIssue_onceASession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFamily(t, db, accounts.RefreshConfig{})
		if got, err := f.tokens.Issue(t.Context(), f.id); err == nil || got.Token != "" {
			t.Errorf("Issue again = %v, %v, want an error", got, err)
		}
		f.use(t, f.first, laptop)
		if _, err := f.tokens.Issue(t.Context(), f.id); err == nil {
			t.Error("Issue after a use: no error")
		}
		if _, err := f.tokens.Issue(t.Context(), strings.Repeat("A", 26)); !errors.Is(err, accounts.ErrNoSession) {
			t.Errorf("Issue for no session = %v, want %v", err, accounts.ErrNoSession)
		}
	})
}

// TestUse_idleSession: a token does not wake a session that is idle.
func TestUse_idleSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFamily(t, db, accounts.RefreshConfig{})
		var err error
		if f.id, err = f.Create(t.Context(), gate.Session{
			Subject: "1", Entity: "user", ExpiresAt: f.clock.Now().Add(24 * time.Hour), IdleFor: time.Hour,
		}); err != nil {
			t.Fatal(err)
		}
		token, err := f.tokens.Issue(t.Context(), f.id)
		if err != nil {
			t.Fatal(err)
		}
		f.clock.advance(59 * time.Minute)
		next := f.use(t, token.Token, laptop) // which is a use of the session
		f.clock.advance(59 * time.Minute)
		expectActive(t, f.Sessions, f.id, "1", true)
		next = f.use(t, next, laptop)
		f.clock.advance(time.Hour)
		f.refuse(t, next, laptop, gate.ErrNotAuthenticated)
	})
}

// TestLOG16_refresh: a database that does not answer is neither a no nor a use.
func TestLOG16_refresh(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFamily(t, db, accounts.RefreshConfig{})
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := f.tokens.Use(gone, f.first, laptop)
		if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("Use = %v, want %v", err, store.ErrUnavailable)
		}
		if _, err := f.tokens.Issue(gone, f.id); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, accounts.ErrNoSession) {
			t.Errorf("Issue = %v, want %v", err, store.ErrUnavailable)
		}
		// A failure in the middle takes nothing away.
		rename := func(from, to string) {
			t.Helper()
			if _, err := db.Exec(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
				t.Fatal(err)
			}
		}
		rename("gate_sessions", "elsewhere")
		if _, _, err := f.tokens.Use(t.Context(), f.first, laptop); err == nil || errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("Use without sessions = %v, want a fault", err)
		}
		rename("elsewhere", "gate_sessions")
		f.use(t, f.first, laptop)
	})
}

// TestUse_bounded: a session remembers ten thousand used tokens.
func TestUse_bounded(t *testing.T) {
	db := storetest.SQLite(t)
	f := newFamily(t, db, accounts.RefreshConfig{})
	second := f.use(t, f.first, laptop)
	third := f.use(t, second, laptop)
	// As if it had been used very often since.
	if _, err := db.Exec(t.Context(), "UPDATE gate_refresh_tokens SET generation = 10003 WHERE generation = 3"); err != nil {
		t.Fatal(err)
	}
	fourth := f.use(t, third, laptop)
	f.refuse(t, second, laptop, gate.ErrNotAuthenticated) // forgotten, not accepted
	if _, err := f.tokens.Issue(t.Context(), f.id); err == nil {
		t.Error("a second family was made")
	}
	f.use(t, fourth, laptop)
	f.refuse(t, third, laptop, gate.ErrReused)
}
