package idp_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// tradeCode trades a code for tokens.
func tradeCode(s *idptest.Server, code string) (*http.Response, string) {
	return s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {idptest.SPA}, "code": {code}, "redirect_uri": {idptest.Callback}, "code_verifier": {verifier},
	})
}

// liveFamilies counts the refresh tokens that are good.
func liveFamilies(t *testing.T, s *idptest.Server) (n int) {
	t.Helper()
	err := s.DB.Read().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM idp_refresh WHERE revoked_at = 0").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// SES-05: a code whose log-in is over leads to nothing, and the log says so.
func TestSES05_codeOfEnded(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	res, body := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
	code := answerOf(t, res, body).Get("code")
	if _, err := s.DB.Exec(t.Context(), "DELETE FROM idp_sessions"); err != nil {
		t.Fatal(err)
	}
	res, body = tradeCode(s, code)
	if res.StatusCode != http.StatusForbidden || s.JSON(body)["error"] != "invalid_grant" || strings.Contains(body, "access_token") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if n := liveFamilies(t, s); n != 0 {
		t.Errorf("%d refresh tokens are good", n)
	}
	if n := len(types(t, s, "feacft")); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// SES-05: the same in whatever order it happens.
func TestSES05_codeAndEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := idptest.New(t, idptest.Config{DB: db})
		u := s.AddUser("ada@example.com")
		for range 8 {
			res, body := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
			code := answerOf(t, res, body).Get("code")
			var both sync.WaitGroup
			both.Go(func() { tradeCode(s, code) })
			both.Go(func() {
				if err := s.Tenant().EndAll(context.WithoutCancel(t.Context()), u.ID); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			if n := liveFamilies(t, s); n != 0 {
				t.Fatalf("%d refresh tokens are good", n)
			}
		}
	})
}

// A code costs one transaction that writes, and to give one to somebody who is
// logged in is one. PostgreSQL tells how many there were.
func TestCode_transactions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if db.Dialect() != store.Postgres {
			t.Skip("SQLite does not number transactions")
		}
		s := idptest.New(t, idptest.Config{DB: db})
		s.AddUser("ada@example.com")
		enter(t, s, s.HTTP, "ada@example.com")
		for _, statement := range []string{
			"CREATE TABLE written (id xid8 PRIMARY KEY)",
			"CREATE FUNCTION note_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO written VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING; RETURN NULL; END $$",
			"CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON idp_tokens FOR EACH STATEMENT EXECUTE FUNCTION note_written()",
			"CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON idp_refresh FOR EACH STATEMENT EXECUTE FUNCTION note_written()",
			"CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON idp_sessions FOR EACH STATEMENT EXECUTE FUNCTION note_written()",
		} {
			if _, err := db.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		written := func() (n int) {
			t.Helper()
			if err := db.Read().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM written").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for _, audience := range []string{idptest.Audience, ""} { // a JWT, and an opaque token
			before := written()
			res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("prompt", "none", "audience", audience))
			code := answerOf(t, res, body).Get("code")
			made := written()
			if made-before != 1 {
				t.Errorf("to give a code: %d transactions", made-before)
			}
			res, body = tradeCode(s, code)
			if res.StatusCode != http.StatusOK || !strings.Contains(body, "refresh_token") {
				t.Fatalf("%d %s", res.StatusCode, body)
			}
			if n := written() - made; n != 1 {
				t.Errorf("to exchange one: %d transactions", n)
			}
		}
	})
}
