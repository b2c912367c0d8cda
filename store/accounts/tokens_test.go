package accounts_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

func newTokens(t testing.TB, db *store.DB) (*accounts.Tokens, *clock) {
	t.Helper()
	if _, err := db.Migrate(t.Context(), accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
	c := newClock()
	tokens, err := accounts.NewTokens(db, accounts.TokensConfig{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return tokens, c
}

func claim(subject string) accounts.Claim {
	return accounts.Claim{
		Entity: "user", Subject: subject, Address: subject + "@example.com", Version: "3", Data: map[string]string{"old": "a@example.com"},
	}
}

func issue(t testing.TB, tokens *accounts.Tokens, p accounts.Purpose, c accounts.Claim) string {
	t.Helper()
	token, _, err := tokens.Issue(t.Context(), p, c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// expectToken expects the token to be good for the purpose, or not.
func expectToken(t testing.TB, tokens *accounts.Tokens, p accounts.Purpose, token string, good bool) {
	t.Helper()
	got, err := tokens.Peek(t.Context(), p, token)
	if good && err != nil || !good && (!errors.Is(err, gate.ErrInvalidCredentials) || got.Subject != "") {
		t.Errorf("Peek(%s, %.50q) = %v, %v, want it good: %v", p, token, got, err, good)
	}
	if good {
		return
	}
	if got, err := tokens.Redeem(t.Context(), p, token); !errors.Is(err, gate.ErrInvalidCredentials) || got.Subject != "" {
		t.Errorf("Redeem(%s, %.50q) = %v, %v, want %v", p, token, got, err, gate.ErrInvalidCredentials)
	}
}

var lives = map[accounts.Purpose]time.Duration{
	accounts.ResetPassword:   30 * time.Minute,
	accounts.VerifyEmail:     24 * time.Hour,
	accounts.ChangeEmail:     24 * time.Hour,
	accounts.UndoEmailChange: 7 * 24 * time.Hour,
	accounts.Unlock:          30 * time.Minute,
	accounts.Invitation:      7 * 24 * time.Hour,
}

func TestOTP01_lives(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokens, c := newTokens(t, db)
		for p, life := range lives {
			begin := c.Now()
			token, expires, err := tokens.Issue(t.Context(), p, claim("1"))
			if err != nil || !expires.Equal(begin.Add(life)) {
				t.Fatalf("Issue(%s) = %v, %v, want %v from now", p, expires, err, life)
			}
			c.advance(life - time.Millisecond)
			expectToken(t, tokens, p, token, true)
			c.advance(time.Millisecond)
			expectToken(t, tokens, p, token, false)
		}
	})
}

func TestOTP01_hostile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokens, _ := newTokens(t, db)
		token := issue(t, tokens, accounts.ResetPassword, claim("1"))
		if len(token) != 43 {
			t.Errorf("token of %d characters", len(token))
		}
		for _, hostile := range []string{
			"", token[:42], token + "A", token + "=", strings.ToLower(token), strings.Repeat("A", 43), strings.Repeat("A", 1<<20),
			token[:42] + "\x00", token[:42] + "\xff", strings.Repeat("'", 43), " " + token[1:],
		} {
			expectToken(t, tokens, accounts.ResetPassword, hostile, false)
		}
		expectToken(t, tokens, accounts.ResetPassword, token, true)
	})
}

// crowd runs f n times at once, and keeps the tokens locked until as many as can
// be have looked at theirs and wait to change it.
func crowd(t *testing.T, db *store.DB, n int, f func()) {
	t.Helper()
	var wg sync.WaitGroup
	defer wg.Wait()
	before := db.Write().Stats().WaitCount
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE gate_tokens SET data = data"); err != nil {
			return err
		}
		for range n {
			wg.Go(f)
		}
		for end := time.Now().Add(time.Second); db.Write().Stats().WaitCount < before+int64(n/2) && time.Now().Before(end); {
			runtime.Gosched()
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOTP01_oneSuccess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokens, _ := newTokens(t, db)
		token := issue(t, tokens, accounts.ResetPassword, claim("1"))
		var good atomic.Int32
		crowd(t, db, 50, func() {
			_, err := tokens.Redeem(t.Context(), accounts.ResetPassword, token)
			for errors.Is(err, store.ErrUnavailable) { // no answer: a slow machine has one writer, and asks again
				_, err = tokens.Redeem(t.Context(), accounts.ResetPassword, token)
			}
			switch {
			case err == nil:
				good.Add(1)
			case !errors.Is(err, gate.ErrInvalidCredentials):
				t.Error(err)
			}
		})
		if good.Load() != 1 {
			t.Errorf("%d successes, want 1", good.Load())
		}
		expectToken(t, tokens, accounts.ResetPassword, token, false)
	})
}

// TestOTP03_looking: what scanners of mails do changes nothing.
func TestOTP03_looking(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokens, _ := newTokens(t, db)
		want := claim("1")
		token := issue(t, tokens, accounts.VerifyEmail, want)
		for range 3 {
			got, err := tokens.Peek(t.Context(), accounts.VerifyEmail, token)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("Peek (-want +got):\n%s%v", diff, err)
			}
		}
		got, err := tokens.Redeem(t.Context(), accounts.VerifyEmail, token)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Redeem (-want +got):\n%s%v", diff, err)
		}
		expectToken(t, tokens, accounts.VerifyEmail, token, false)
	})
}

func TestOTP05_purpose(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokens, _ := newTokens(t, db)
		for p := range lives {
			token := issue(t, tokens, p, claim("1"))
			for other := range lives {
				if other != p {
					expectToken(t, tokens, other, token, false)
				}
			}
			expectToken(t, tokens, "", token, false)
			expectToken(t, tokens, "sign_in", token, false)
			expectToken(t, tokens, p, token, true)
		}
	})
}

func TestOTP05_void(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokens, _ := newTokens(t, db)
		reset, verify, change := accounts.ResetPassword, accounts.VerifyEmail, accounts.ChangeEmail
		mine := map[accounts.Purpose]string{}
		for _, p := range []accounts.Purpose{reset, verify, change} {
			mine[p] = issue(t, tokens, p, claim("1"))
		}
		theirs := issue(t, tokens, reset, claim("2"))
		admin := claim("1")
		admin.Entity = "admin"
		admins := issue(t, tokens, reset, admin)

		if err := tokens.Void(t.Context(), "user", "1", reset, change); err != nil {
			t.Fatal(err)
		}
		expectToken(t, tokens, reset, mine[reset], false)
		expectToken(t, tokens, change, mine[change], false)
		expectToken(t, tokens, verify, mine[verify], true)
		if err := tokens.Void(t.Context(), "user", "1"); err != nil {
			t.Fatal(err)
		}
		expectToken(t, tokens, verify, mine[verify], false)
		expectToken(t, tokens, reset, theirs, true)
		expectToken(t, tokens, reset, admins, true)
	})
}

// TestIssue_bounded: an account has five tokens of one purpose.
func TestIssue_bounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokens, c := newTokens(t, db)
		verify := issue(t, tokens, accounts.VerifyEmail, claim("1"))
		theirs := issue(t, tokens, accounts.ResetPassword, claim("2"))
		var mine []string
		for range 7 {
			mine = append(mine, issue(t, tokens, accounts.ResetPassword, claim("1")))
			c.advance(time.Second)
		}
		for i, token := range mine {
			expectToken(t, tokens, accounts.ResetPassword, token, i >= 2)
		}
		expectToken(t, tokens, accounts.VerifyEmail, verify, true)
		expectToken(t, tokens, accounts.ResetPassword, theirs, true)

		// Those who are invited have no account yet: the address counts.
		var guests []string
		for i := range 7 {
			guests = append(guests, issue(t, tokens, accounts.Invitation, accounts.Claim{Entity: "user", Address: fmt.Sprintf("%d@example.com", i)}))
		}
		for _, token := range guests {
			expectToken(t, tokens, accounts.Invitation, token, true)
		}
	})
}

func TestIssue_refusals(t *testing.T) {
	if _, err := accounts.NewTokens(nil, accounts.TokensConfig{}); err == nil {
		t.Error("no database: no error")
	}
	tokens, _ := newTokens(t, storetest.SQLite(t))
	for _, tt := range []struct {
		name    string
		purpose accounts.Purpose
		change  func(*accounts.Claim)
	}{
		{"no purpose", "", func(*accounts.Claim) {}},
		{"unknown purpose", "sign_in", func(*accounts.Claim) {}},
		{"no entity", accounts.VerifyEmail, func(c *accounts.Claim) { c.Entity = "" }},
		{"no subject", accounts.VerifyEmail, func(c *accounts.Claim) { c.Subject = "" }},
		{"invitation of nobody", accounts.Invitation, func(c *accounts.Claim) { c.Subject, c.Address = "", "" }},
		{"long subject", accounts.VerifyEmail, func(c *accounts.Claim) { c.Subject = strings.Repeat("x", 256) }},
		{"long address", accounts.VerifyEmail, func(c *accounts.Claim) { c.Address = strings.Repeat("x", 321) }},
		{"NUL", accounts.VerifyEmail, func(c *accounts.Claim) { c.Address = "a\x00" }},
		{"much data", accounts.VerifyEmail, func(c *accounts.Claim) { c.Data = map[string]string{"x": strings.Repeat("x", 5000)} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := claim("1")
			tt.change(&c)
			if token, _, err := tokens.Issue(t.Context(), tt.purpose, c); err == nil || token != "" {
				t.Errorf("Issue = %q, %v, want an error", token, err)
			}
		})
	}
}

func TestLOG16_tokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokens, _ := newTokens(t, db)
		token := issue(t, tokens, accounts.ResetPassword, claim("1"))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, issued := tokens.Issue(gone, accounts.ResetPassword, claim("1"))
		for name, err := range map[string]error{
			"Issue": issued, "Void": tokens.Void(gone, "user", "1"),
			"Peek":   second(tokens.Peek(gone, accounts.ResetPassword, token)),
			"Redeem": second(tokens.Redeem(gone, accounts.ResetPassword, token)),
		} {
			if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, gate.ErrInvalidCredentials) {
				t.Errorf("%s = %v, want %v", name, err, store.ErrUnavailable)
			}
		}
		expectToken(t, tokens, accounts.ResetPassword, token, true)
	})
}
