package idp_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/storetest"
)

// replicas returns two processes of one provider, each with connections of its
// own to one PostgreSQL.
func replicas(t *testing.T) (a, b *idptest.Server) {
	t.Helper()
	address := storetest.PostgresURL(t)
	first, err := postgres.Open(t.Context(), address, postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = first.Close() })
	second, err := postgres.Open(t.Context(), address, postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Close() })
	a = idptest.New(t, idptest.Config{DB: first})
	return a, beside(t, a, second, nil)
}

// beside opens another process of a provider, over db.
func beside(t *testing.T, a *idptest.Server, db *store.DB, edit func(*idp.Config)) *idptest.Server {
	t.Helper()
	cfg := idp.Config{
		Issuer: a.Issuer(), Secret: bytes.Repeat([]byte("s"), 32), Mail: discard{}, Signup: idp.SignupOpen, Development: true,
		Logger: slog.New(slog.DiscardHandler),
	}
	if edit != nil {
		edit(&cfg)
	}
	other, err := idp.Open(t.Context(), db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(other)
	t.Cleanup(func() {
		server.Close()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := other.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	b := *a
	b.Provider = other
	b.URL = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) // where the cookies are for
	return &b
}

func TestReplicas(t *testing.T) {
	a, b := replicas(t)
	ada := a.AddUser("ada@example.com", "menu-admin")
	browser := a.Browser()

	// A page of one and its form at the other; the code at the first again.
	res, _ := a.Do(browser, http.MethodGet, "/authorize", authorization())
	_, page := b.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	form := a.Fill(page, "username", "ada@example.com", "password", idptest.Password)
	res, body := a.Do(browser, http.MethodPost, "/u/login", form, "Origin", a.URL)
	res, tokens := exchange(b, answerOf(t, res, body).Get("code"))
	if res.StatusCode != http.StatusOK {
		t.Fatalf("a code of the one at the other: %d %v", res.StatusCode, tokens)
	}
	for name, s := range map[string]*idptest.Server{"first": a, "second": b} {
		if !silent(t, s, browser).Has("code") {
			t.Errorf("no session at the %s", name)
		}
		if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string)); res.StatusCode != http.StatusOK {
			t.Errorf("userinfo of the %s: %d", name, res.StatusCode)
		}
	}

	t.Run("SES06_oneSuccessor", func(t *testing.T) {
		for range 5 {
			var mu sync.Mutex
			successors := map[any]int{}
			var all sync.WaitGroup
			for i := range 16 {
				s := []*idptest.Server{a, b}[i%2]
				all.Go(func() {
					_, body := refresh(s, tokens["refresh_token"])
					mu.Lock()
					defer mu.Unlock()
					successors[body["refresh_token"]]++
				})
			}
			all.Wait()
			if len(successors) != 1 || successors[nil] != 0 {
				t.Fatalf("successors %v", successors)
			}
			for next := range successors {
				tokens["refresh_token"] = next
			}
		}
	})

	t.Run("SES05_revocation", func(t *testing.T) {
		jwt := tokens["access_token"].(string)
		b.Do(b.HTTP, http.MethodPost, "/oauth/revoke", url.Values{"client_id": {idptest.SPA}, "token": {jwt}})
		if res, _ := a.Do(a.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+jwt); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("an access token revoked at the other: %d", res.StatusCode)
		}
		b.Do(b.HTTP, http.MethodPost, "/oauth/revoke", url.Values{"client_id": {idptest.SPA}, "token": {tokens["refresh_token"].(string)}})
		if res, _ := refresh(a, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden {
			t.Errorf("a refresh token revoked at the other: %d", res.StatusCode)
		}
		sessions, err := a.Tenant().SessionsOf(t.Context(), ada.ID)
		if err != nil || len(sessions) == 0 {
			t.Fatal(err)
		}
		if err := b.Tenant().EndAll(t.Context(), ada.ID); err != nil {
			t.Fatal(err)
		}
		if back := silent(t, a, browser); back.Get("error") != "login_required" {
			t.Errorf("a session ended at the other: %v", back)
		}
	})

	t.Run("client", func(t *testing.T) {
		const fresh = "http://localhost:3000/fresh"
		ask := func() int {
			res, _ := a.Do(a.HTTP, http.MethodGet, "/authorize", authorization("redirect_uri", fresh, "prompt", "none"))
			return res.StatusCode
		}
		if status := ask(); status != http.StatusForbidden {
			t.Fatalf("%d", status)
		}
		if _, err := b.Tenant().Clients.Update(t.Context(), idptest.SPA, func(c *tenant.Client) error { c.Callbacks = append(c.Callbacks, fresh); return nil }); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return ask() == http.StatusFound })
	})

	t.Run("LOG03_oneThrottle", func(t *testing.T) {
		a.AddUser("ben@example.com")
		var statuses []int
		for i := range 12 {
			s := []*idptest.Server{a, b}[i%2]
			res, _ := s.Login(s.Browser(), authorization(), "ben@example.com", "wrong")
			statuses = append(statuses, res.StatusCode)
		}
		if got := fmt.Sprint(statuses); got != "[400 400 400 400 400 400 400 400 400 400 429 429]" {
			t.Errorf("statuses %s", got)
		}
	})

	t.Run("rotation", func(t *testing.T) {
		// The other has not looked at the keys since; what is signed with the next one is verified there all the same.
		token := managementToken(t, a)
		if _, err := a.DB.Exec(t.Context(), "UPDATE gate_keys SET created_at = created_at - 7200000"); err != nil { // published for long enough
			t.Fatal(err)
		}
		rotated := mustManage(t, a, token, http.StatusCreated, "POST", "keys/signing/rotate", "")
		if kid := header(t, managementToken(t, a))["kid"]; kid != rotated["kid"] {
			t.Errorf("%v signs, not %v", kid, rotated["kid"])
		}
		if status, got := manage(t, b, managementToken(t, a), "GET", "clients", ""); status != http.StatusOK {
			t.Errorf("a token of the new key: %d %v", status, got)
		}
		if status, got := manage(t, b, token, "GET", "clients", ""); status != http.StatusOK {
			t.Errorf("a token of the old key: %d %v", status, got)
		}
	})
}
