package idp_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os/exec"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/idptest"
)

// A stopped keeps actions that look into it until the end of the test.
type stopped struct {
	actions.Cache
	asked, end chan struct{}
}

func (s stopped) Get(context.Context, string, string) (string, time.Time, bool, error) {
	close(s.asked)
	<-s.end
	return "", time.Time{}, false, nil
}

// LOG-16: where no action could run nothing was decided. That is no refusal, and it
// is worth another try.
func TestLOG16_actionsBusy(t *testing.T) {
	cache := stopped{asked: make(chan struct{}), end: make(chan struct{})}
	runner, err := actions.New(actions.Config{InProcess: true, MaxConcurrent: 1, Timeout: 300 * time.Millisecond, Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = runner.Close() })
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Actions = runner }})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.Browser(), "ada@example.com")
	bind(t, s, "post-login", `exports.onExecutePostLogin = () => {};`)
	bind(t, s, "credentials-exchange", `exports.onExecuteCredentialsExchange = () => {};`)
	bind(t, s, "pre-user-registration", `exports.onExecutePreUserRegistration = () => {};`)
	// What cannot be stopped keeps the one place.
	stuck := []actions.Action{{ID: "act_1", Name: "stuck", Code: `exports.onExecutePostLogin = async (event, api) => { api.cache.get('k'); };`}}
	if _, err := runner.PostLogin(t.Context(), stuck, actions.PostLoginEvent{}, actions.Flow{}); !errors.Is(err, actions.ErrTimeout) {
		t.Fatal(err)
	}
	<-cache.asked
	res, body := s.Login(s.HTTP, authorization(), "ada@example.com", idptest.Password)
	if back := answerOf(t, res, body); back.Get("error") != "temporarily_unavailable" || back.Has("code") {
		t.Errorf("log-in: %v", back)
	}
	refused := func(name string, res *http.Response, body map[string]any) {
		t.Helper()
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || body["error"] != "temporarily_unavailable" {
			t.Errorf("%s: %d %v %v", name, res.StatusCode, res.Header, body)
		}
	}
	res, answer := refresh(s, tokens["refresh_token"])
	refused("refresh", res, answer)
	res, answer = signUpAPI(s, "email", "new@example.com")
	refused("sign-up", res, answer)
	res, body = s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "audience": {idptest.Audience},
	})
	refused("client credentials", res, s.JSON(body))
	if status, _ := signUp(t, s, s.Browser(), "new@example.com"); status != http.StatusServiceUnavailable {
		t.Errorf("the page of the sign-up: %d", status)
	}
	if got := types(t, s, "actions_execution_failed"); len(got) != 0 {
		t.Errorf("%d actions failed, of which none ran", len(got))
	}
	close(cache.end)
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusOK {
		t.Errorf("once there is a place: %d %v", res.StatusCode, body)
	}
}

// A worker that cannot be started is a fault, and no refusal.
func TestLOG16_noWorker(t *testing.T) {
	runner, err := actions.New(actions.Config{Worker: func() *exec.Cmd { return exec.Command("/nonexistent/worker") }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = runner.Close() })
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Actions = runner }})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.Browser(), "ada@example.com")
	bind(t, s, "post-login", `exports.onExecutePostLogin = () => {};`)
	res, _ := s.Login(s.HTTP, authorization(), "ada@example.com", idptest.Password)
	if res.StatusCode != http.StatusInternalServerError || res.Header.Get("Location") != "" {
		t.Errorf("log-in: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusInternalServerError || body["access_token"] != nil {
		t.Errorf("refresh: %d %v", res.StatusCode, body)
	}
	if got := types(t, s, "actions_execution_failed"); len(got) != 2 {
		t.Errorf("%d entries of it, want 2", len(got))
	}
}
