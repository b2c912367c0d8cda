package account_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

// stored is a world whose tokens, sessions and refresh tokens are in a database.
func stored(t *testing.T, db *store.DB) (*world, *accounts.Sessions, *accounts.RefreshTokens) {
	t.Helper()
	if _, err := db.Migrate(t.Context(), accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
	var w *world
	clock := func() time.Time { return w.clock() }
	sessions, err := accounts.NewSessions(db, accounts.SessionsConfig{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sessions.Close() })
	refresh, err := accounts.NewRefreshTokens(sessions, accounts.RefreshConfig{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := accounts.NewTokens(db, accounts.TokensConfig{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, func(c *account.Config) { c.Tokens, c.Sessions, c.RefreshTokens = tokens, sessions, refresh })
	return w, sessions, refresh
}

// TestOTP01_database: of fifty who redeem one link at once, one does, and the
// link is not in the database.
func TestOTP01_database(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, _, _ := stored(t, db)
		token := w.resetToken("ann@kitchen.example")
		var digest string
		if err := db.Read().QueryRowContext(t.Context(), "SELECT token_hash FROM gate_tokens").Scan(&digest); err != nil || strings.Contains(digest, token) {
			t.Errorf("the database has %q, %v", digest, err)
		}
		var wins int
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				err := w.flows.Reset(t.Context(), token, other)
				if err != nil && !errors.Is(err, gate.ErrBadRequest) {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					wins++
				}
			})
		}
		all.Wait()
		if wins != 1 {
			t.Errorf("%d succeeded, want 1", wins)
		}
	})
}

// TestPWD11_database: after a change the other sessions are over, and so is the
// refresh token of the one that goes on.
func TestPWD11_database(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, sessions, refresh := stored(t, db)
		var ids []string
		var issued []gate.RefreshToken
		for range 2 {
			id, err := sessions.Create(t.Context(), gate.Session{Subject: "1", Entity: "user", Strategy: "local", ExpiresAt: w.now.Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			token, err := refresh.Issue(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			ids, issued = append(ids, id), append(issued, token)
		}
		p := w.ann()
		p.SessionID = ids[0]
		w.want(w.ask("PUT", "/password", fmt.Sprintf(`{"currentPassword":%q,"password":%q}`, good, other), as(p)), 204)
		for i, want := range []bool{true, false} {
			if ok, err := sessions.Active(t.Context(), ids[i], "1"); ok != want || err != nil {
				t.Errorf("session %d is active: %t, %v, want %t", i, ok, err, want)
			}
			if _, _, err := refresh.Use(t.Context(), issued[i].Token, gate.Client{}); !errors.Is(err, gate.ErrNotAuthenticated) && !errors.Is(err, gate.ErrInvalidCredentials) {
				t.Errorf("refresh token %d after the change: %v, want a refusal", i, err)
			}
		}
		w.want(w.ask("DELETE", "/sessions/"+ids[1], "", as(p)), 404) // it is over
		list := w.ask("GET", "/sessions", "", as(p))
		w.want(list, 200, `"current":true`)
		if strings.Contains(list.Body.String(), ids[1]) {
			t.Errorf("the list has a session that is over: %s", list.Body)
		}
	})
}

// TestOTP08_database: the owner comes back after two changes.
func TestOTP08_database(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, _, _ := stored(t, db)
		undo := ""
		for i, address := range []string{"thief@evil.example", "thief2@evil.example"} {
			if err := w.flows.ChangeEmail(from("192.0.2.1"), w.ann(), address, ""); err != nil {
				t.Fatal(err)
			}
			_, token := linked(t, w.letter())
			if err := w.flows.Confirm(from("192.0.2.1"), token); err != nil {
				t.Fatal(err)
			}
			m := w.letter()
			if hasLink := strings.Contains(m.Text, "https://"); hasLink != (i == 0) {
				t.Fatalf("notice %d has a link: %t", i, hasLink)
			}
			if i == 0 {
				_, undo = linked(t, m)
			}
		}
		if err := w.flows.Undo(from("192.0.2.1"), undo); err != nil {
			t.Fatal(err)
		}
		if got := w.users["1"].profile.Email; got != "ann@kitchen.example" {
			t.Errorf("the address is %s", got)
		}
	})
}
