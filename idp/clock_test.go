package idp_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
)

// clock is a clock that tests turn.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func withClock(t *testing.T) (*idptest.Server, *clock) {
	t.Helper()
	c := &clock{at: time.Now().Truncate(time.Second)}
	return idptest.New(t, idptest.Config{Edit: func(cfg *idp.Config) { cfg.Now = c.now }}), c
}

// enter logs a user in and returns the tokens.
func enter(t *testing.T, s *idptest.Server, browser *http.Client, email string, more ...string) map[string]any {
	t.Helper()
	res, body := s.Login(browser, authorization(more...), email, idptest.Password)
	res, tokens := exchange(s, answerOf(t, res, body).Get("code"))
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v", res.StatusCode, tokens)
	}
	return tokens
}

func refresh(s *idptest.Server, token any, more ...string) (*http.Response, map[string]any) {
	text, _ := token.(string)
	in := url.Values{"grant_type": {"refresh_token"}, "client_id": {idptest.SPA}, "refresh_token": {text}}
	for i := 0; i+1 < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in)
	return res, s.JSON(body)
}
