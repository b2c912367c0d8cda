package idp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/upstream/fake"
)

// IDP-12: over an OpenID connection it counts when the person proved who they are
// there, and a request for a new log-in goes on to it.
func TestIDP12_upstream(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Now = func() time.Time { return now.Add(500 * time.Millisecond) } }})
	c := &company{Server: s, t: t}
	mux := http.NewServeMux()
	c.other = httptest.NewServer(mux)
	t.Cleanup(c.other.Close)
	c.serve(mux, []fake.Person{
		{ID: 1, Login: "now", Name: "Now"},
		{ID: 2, Login: "this", Name: "This second", LoggedIn: now},
		{ID: 3, Login: "minutes", Name: "Minutes ago", LoggedIn: now.Add(-5 * time.Minute)},
		{ID: 4, Login: "day", Name: "A day ago", LoggedIn: now.Add(-24 * time.Hour)},
		{ID: 5, Login: "later", Name: "Tomorrow", LoggedIn: now.Add(24 * time.Hour)},
	})
	for name, tt := range map[string]struct {
		connection, person string
		in                 []string
		want               url.Values // there
		age                time.Duration
		refused            bool
	}{
		"nobody asks":                  {"corp", "4", nil, nil, 24 * time.Hour, false},
		"in the future":                {"corp", "5", nil, nil, 0, false},
		"max_age, fresh":               {"corp", "3", []string{"max_age", "600"}, url.Values{"max_age": {"600"}}, 5 * time.Minute, false},
		"max_age, stale":               {"corp", "4", []string{"max_age", "600"}, url.Values{"max_age": {"600"}}, 0, true},
		"max_age 0, fresh":             {"corp", "2", []string{"max_age", "0"}, url.Values{"max_age": {"1"}, "prompt": {"login"}}, 0, false},
		"max_age 0, stale":             {"corp", "3", []string{"max_age", "0"}, url.Values{"max_age": {"1"}, "prompt": {"login"}}, 0, true},
		"prompt=login, fresh":          {"corp", "1", []string{"prompt", "login"}, url.Values{"max_age": {"1"}, "prompt": {"login"}}, 0, false},
		"prompt=login, stale":          {"corp", "3", []string{"prompt", "login"}, url.Values{"max_age": {"1"}, "prompt": {"login"}}, 0, true},
		"another account, stale":       {"corp", "3", []string{"prompt", "select_account"}, url.Values{"max_age": {"1"}, "prompt": {"select_account login"}}, 0, true},
		"another account, a yes":       {"corp", "2", []string{"prompt", "select_account consent"}, url.Values{"max_age": {"1"}, "prompt": {"select_account login"}}, 0, false},
		"a provider that does not say": {"github", "4", []string{"max_age", "600"}, nil, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			browser := c.Browser()
			res, body := c.Do(browser, http.MethodGet, "/authorize", authorization(append([]string{"connection", tt.connection}, tt.in...)...))
			there, err := url.Parse(res.Header.Get("Location"))
			if err != nil || res.StatusCode != http.StatusFound {
				t.Fatalf("%d %v %.300s", res.StatusCode, err, body)
			}
			for _, param := range []string{"max_age", "prompt"} {
				if got := there.Query().Get(param); got != tt.want.Get(param) {
					t.Errorf("%s is %q there, want %q", param, got, tt.want.Get(param))
				}
			}
			res, body = c.Do(browser, http.MethodGet, c.choose(there.String(), tt.person), nil)
			if res.StatusCode == http.StatusOK {
				res, body = decide(s, browser, body, "allow") // it is fresh enough for the yes, too
			}
			back := answerOf(t, res, body)
			if tt.refused {
				if back.Has("code") || back.Get("error") == "" {
					t.Errorf("accepted: %v", back)
				}
				if silent(t, s, browser).Has("code") {
					t.Error("there is a session")
				}
				return
			}
			_, tokens := exchange(s, back.Get("code"))
			if got, _ := claimsMap(t, tokens["id_token"])["auth_time"].(float64); int64(got) != now.Add(-tt.age).Unix() {
				t.Errorf("auth_time %v, want %v", time.Unix(int64(got), 0), now.Add(-tt.age))
			}
		})
	}
	// What is in the session counts for the next client.
	browser := c.Browser()
	c.with(browser, "corp", "3")
	if back := silent(t, s, browser, "max_age", "60"); back.Get("error") != "login_required" {
		t.Errorf("a minute: %v", back)
	}
	if back := silent(t, s, browser, "max_age", "600"); !back.Has("code") {
		t.Errorf("ten minutes: %v", back)
	}
	// Who takes the wish out of the address there is found out.
	res, _ := c.Do(browser, http.MethodGet, "/authorize", authorization("connection", "corp", "prompt", "login"))
	there, err := url.Parse(res.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	query := there.Query()
	query.Del("prompt")
	query.Del("max_age")
	there.RawQuery = query.Encode()
	res, body := c.Do(browser, http.MethodGet, c.choose(there.String(), "3"), nil)
	if back := answerOf(t, res, body); back.Has("code") {
		t.Errorf("without the wish: %v", back)
	}
}
