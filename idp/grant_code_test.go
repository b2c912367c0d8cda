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

// SES-05: a code whose exchange is under way when all of a user ends, as by a new
// password, leaves no refresh token behind.
func TestSES05_codeWhileEnding(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	res, body := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
	code := answerOf(t, res, body).Get("code")
	// The end comes when the family has just been made.
	_, err := s.DB.Exec(t.Context(), "CREATE TRIGGER ending AFTER INSERT ON idp_refresh BEGIN DELETE FROM idp_tokens; END")
	if err != nil {
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
