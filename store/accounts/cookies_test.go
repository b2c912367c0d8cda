package accounts_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

// browser logs in with a cookie, for an hour, idle for half of it.
func browser(t testing.TB, s *accounts.Sessions, c *clock, subject string) (id, text string) {
	t.Helper()
	id, text, err := s.CreateSecret(t.Context(), gate.Session{
		Subject: subject, Entity: "user", Strategy: "local", ExpiresAt: c.Now().Add(2 * time.Hour), IdleFor: 30 * time.Minute,
		Client: gate.Client{Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "Browser/1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return id, text
}

// expectSecret expects the secret to be that of a session, or of none if id is
// empty.
func expectSecret(t testing.TB, s *accounts.Sessions, text, id string) {
	t.Helper()
	got, err := s.BySecret(t.Context(), text)
	switch {
	case id == "" && (!errors.Is(err, gate.ErrNotAuthenticated) || got.ID != ""):
		t.Errorf("BySecret(%.50q) = %v, %v, want %v", text, got, err, gate.ErrNotAuthenticated)
	case id != "" && (err != nil || got.ID != id):
		t.Errorf("BySecret = %v, %v, want session %s", got, err, id)
	}
}

func TestSES01_secrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		id, text := browser(t, s, c, "1")
		_, other := browser(t, s, c, "2")
		without := login(t, s, c, "1")
		if len(text) != 43 || text == other { // 256 bits, 6 a character
			t.Errorf("secrets %q, %q", text, other)
		}
		var stored string
		if err := db.Read().QueryRowContext(t.Context(), "SELECT secret_hash FROM gate_sessions WHERE id = $1", id).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		for name, hostile := range map[string]string{
			"empty": "", "digest": stored, "identifier": without, "own identifier": id, "short": text[:42], "long": text + "A", "padded": text + "=",
			"blank": text[:42] + " ", "NUL": text[:42] + "\x00", "huge": strings.Repeat("A", 1<<20), "unknown": strings.Repeat("A", 43),
			"other case": strings.ToLower(text[:21]) + strings.ToUpper(text[21:]), "injection": strings.Repeat("'", 43),
		} {
			t.Run(name, func(t *testing.T) { expectSecret(t, s, hostile, "") })
		}
		for range 2 { // asked of the database, then remembered
			expectSecret(t, s, text, id)
		}
		got, err := s.BySecret(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if got.Subject != "1" || got.Entity != "user" || got.Client.UserAgent != "Browser/1" || got.IdleFor != 30*time.Minute ||
			!got.AuthenticatedAt.Equal(c.Now()) || !got.ExpiresAt.Equal(c.Now().Add(2*time.Hour)) {
			t.Errorf("session = %+v", got)
		}
	})
}

func TestSES03_idle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		used, usedText := browser(t, s, c, "1")
		unused, unusedText := browser(t, s, c, "1")
		expectSecret(t, s, unusedText, unused)
		for range 2 {
			c.advance(29 * time.Minute)
			expectSecret(t, s, usedText, used)
		}
		expectSecret(t, s, unusedText, "")
		expectActive(t, s, unused, "1", false)
		expectActive(t, s, used, "1", true)
		if err := s.Close(); err != nil { // waits until the use is written
			t.Fatal(err)
		}
		if list, err := s.List(t.Context(), "user", "1"); err != nil || len(list) != 1 || list[0].ID != used {
			t.Errorf("List = %v, %v, want %s alone", list, err, used)
		}
		// Another process sees the use, too.
		c.advance(29 * time.Minute)
		expectSecret(t, newSessions(t, db, accounts.SessionsConfig{Now: c.Now}), usedText, used)
	})
}

// TestSES03_idleWhileRemembered: the cache does not make an idle session last.
func TestSES03_idleWhileRemembered(t *testing.T) {
	c := newClock()
	s := newSessions(t, storetest.SQLite(t), accounts.SessionsConfig{Now: c.Now})
	id, text, err := s.CreateSecret(t.Context(), gate.Session{
		Subject: "1", Entity: "user", ExpiresAt: c.Now().Add(time.Hour), IdleFor: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	expectSecret(t, s, text, id)
	c.advance(1999 * time.Millisecond)
	expectSecret(t, s, text, id)
	c.advance(2 * time.Second)
	expectSecret(t, s, text, "")
	expectActive(t, s, id, "1", false)
}

func TestSES03_absolute(t *testing.T) {
	c := newClock()
	s := newSessions(t, storetest.SQLite(t), accounts.SessionsConfig{Now: c.Now})
	id, text := browser(t, s, c, "1")
	for range 5 {
		c.advance(20 * time.Minute)
		expectSecret(t, s, text, id)
	}
	c.advance(20*time.Minute - time.Millisecond)
	expectSecret(t, s, text, id)
	c.advance(time.Millisecond)
	expectSecret(t, s, text, "")
}

func TestSES04_cookieAfterEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		here := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		there := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		id, text := browser(t, here, c, "1")
		expectSecret(t, here, text, id)
		expectSecret(t, there, text, id)
		if err := here.End(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		expectSecret(t, here, text, "")
		c.advance(5 * time.Second)
		expectSecret(t, there, text, "")
	})
}

// TestEntity: two kinds of accounts may have the same identifiers.
func TestEntity(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		users := newSessions(t, db, accounts.SessionsConfig{Now: c.Now, Entity: "user"})
		admins := newSessions(t, db, accounts.SessionsConfig{Now: c.Now, Entity: "admin"})
		id, text := browser(t, users, c, "1")
		expectActive(t, admins, id, "1", false)
		expectSecret(t, admins, text, "")
		if _, err := admins.Create(t.Context(), gate.Session{Subject: "1", Entity: "user", ExpiresAt: c.Now().Add(time.Hour)}); err == nil {
			t.Error("a session of another kind of account was made")
		}
		if n, err := admins.EndAll(t.Context()); err != nil || n != 0 {
			t.Errorf("EndAll = %d, %v, want 0", n, err)
		}
		expectActive(t, users, id, "1", true)
		expectSecret(t, users, text, id)
	})
}
