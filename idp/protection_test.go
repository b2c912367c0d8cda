package idp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// types returns the entries of a type in the log.
func types(t *testing.T, s *idptest.Server, kind string) []*tenant.Log {
	t.Helper()
	if err := s.Tenant().FlushLogs(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, _, err := s.Tenant().SearchLogs(t.Context(), tenant.LogQuery{Q: "type:" + kind, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// guarded is a provider that takes the address of a client from a header, with
// cheap hashes.
func guarded(t *testing.T, edit func(*idp.Config)) *idptest.Server {
	t.Helper()
	return idptest.New(t, idptest.Config{
		Edit: func(c *idp.Config) {
			if edit != nil {
				edit(c)
			}
		},
		Wrap: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				addr, err := netip.ParseAddr(r.Header.Get("Test-From"))
				if err != nil {
					addr = netip.MustParseAddr("203.0.113.200")
				}
				r = r.WithContext(gate.ContextWithClient(r.Context(), gate.Client{Address: addr, UserAgent: r.UserAgent()}))
				next.ServeHTTP(w, r)
			})
		},
	})
}

// tryPassword tries the password grant, and returns the status.
func tryPassword(s *idptest.Server, from, name, text string) int {
	res, _ := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {idptest.Connection}, "client_id": {idptest.Web},
		"client_secret": {idptest.Secret}, "username": {name}, "password": {text}, "audience": {idptest.Audience}, "scope": {"openid"},
	}, "Test-From", from)
	return res.StatusCode
}

// guesses returns how many wrong passwords are judged, of at most limit.
func guesses(s *idptest.Server, limit int, from, name func(int) string) int {
	for n := range limit {
		if tryPassword(s, from(n), name(n), "wrong") == http.StatusTooManyRequests {
			return n
		}
	}
	return limit
}

func protect(t *testing.T, s *idptest.Server, name, doc string) {
	t.Helper()
	mustManage(t, s, managementToken(t, s), 200, "PATCH", "attack-protection/"+name, doc)
}

// LOG-03: administrators make it stricter, and nothing that they set makes it
// less strict than it is without them: that the number of failures of a network
// has its ceiling too is shown in package throttle.
func TestLOG03_protection(t *testing.T) {
	const brute, suspicious = "brute-force-protection", "suspicious-ip-throttling"
	// Each row has networks and accounts of its own.
	here := func(row, _ int) string { return fmt.Sprintf("192.0.%d.1", row) }
	everywhere := func(row, i int) string { return fmt.Sprintf("198.%d.100.%d", row, i) }
	ada := func(row, _ int) string { return fmt.Sprintf("ada%d@example.com", row) }
	nobody := func(row, _ int) string { return fmt.Sprintf("nobody%d@example.com", row) }
	anyone := func(row, i int) string { return fmt.Sprintf("somebody%d-%d@example.com", row, i) }
	s := guarded(t, nil)
	for row, tt := range []struct {
		name, document, change string
		from, who              func(row, i int) string
		want                   int
	}{
		{"as it is", brute, `{}`, here, ada, 10},
		{"unknown account", brute, `{"max_attempts":3}`, here, nobody, 3},
		{"switched off", brute, `{"enabled":false,"max_attempts":100}`, here, ada, 10},
		{"no shield", brute, `{"shields":[],"max_attempts":100}`, here, ada, 10},
		{"stricter", brute, `{"max_attempts":3}`, here, ada, 3},
		{"trusted", brute, `{"max_attempts":3,"allowlist":["192.0.0.0/16"]}`, here, ada, 10},
		{"everybody trusted", brute, `{"max_attempts":3,"allowlist":["0.0.0.0/0","::/0","nonsense"]}`, here, ada, 3},
		{"by account", brute, `{"mode":"count_per_identifier","max_attempts":5}`, everywhere, ada, 5},
		{"by network", suspicious, `{"stage":{"pre-login":{"max_attempts":6,"rate":1000}}}`, here, anyone, 6},
		{"by network, switched off", suspicious, `{"enabled":false,"stage":{"pre-login":{"max_attempts":6,"rate":1000}}}`, here, anyone, 13},
		{"spared network", suspicious, `{"allowlist":["192.0.10.1"],"stage":{"pre-login":{"max_attempts":6,"rate":1000}}}`, here, anyone, 13},
		{"spared network, one account", suspicious, `{"allowlist":["192.0.11.1"]}`, here, ada, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error { set.Protection = nil; return nil })
			if err != nil {
				t.Fatal(err)
			}
			s.AddUser(ada(row, 0))
			protect(t, s, tt.document, tt.change)
			got := guesses(s, 13, func(i int) string { return tt.from(row, i) }, func(i int) string { return tt.who(row, i) })
			if got != tt.want {
				t.Errorf("%d guesses, want %d", got, tt.want)
			}
		})
	}
}

func TestLOG03_signups(t *testing.T) {
	s := guarded(t, nil)
	protect(t, s, "suspicious-ip-throttling", `{"stage":{"pre-user-registration":{"max_attempts":2,"rate":1000}}}`)
	for i, want := range []int{200, 200, 429} {
		if res, body := signUpAPI(s, "email", fmt.Sprintf("new%d@example.com", i)); res.StatusCode != want {
			t.Errorf("%d %v, want %d", res.StatusCode, body, want)
		}
	}
}

// The owner is told once that the account is closed, and only where the address
// is theirs.
func TestProtection_letter(t *testing.T) {
	s := guarded(t, nil)
	ada := s.AddUser("ada@example.com")
	_, err := s.Tenant().UpdateUser(t.Context(), s.AddUser("unproven@example.com").ID, func(u *tenant.User) error { u.EmailVerified = false; return nil })
	if err != nil {
		t.Fatal(err)
	}
	protect(t, s, "brute-force-protection", `{"max_attempts":2}`)
	for range 5 {
		tryPassword(s, "192.0.2.66", "unproven@example.com", "wrong")
		tryPassword(s, "192.0.2.66", "ada@example.com", "wrong")
	}
	letters := waitLetters(t, s, "ada@example.com", 1)
	if !strings.Contains(letters[0], "log-in to your account is blocked") || !strings.Contains(letters[0], "192.0.2.66") {
		t.Errorf("%s", letters[0])
	}
	closed := types(t, s, "limit_wc")
	if len(closed) != 6 || closed[0].UserID != ada.ID || closed[0].IP != "192.0.2.66" {
		t.Errorf("%d entries: %+v", len(closed), closed[0])
	}
	// A network that is closed is nobody's account.
	protect(t, s, "suspicious-ip-throttling", `{"stage":{"pre-login":{"max_attempts":1,"rate":1000}}}`)
	for range 2 {
		tryPassword(s, "192.0.2.99", "grace@example.com", "wrong")
	}
	if list := types(t, s, "limit_mu"); len(list) != 1 || list[0].UserID != "" || len(types(t, s, "limit_wc")) != 6 {
		t.Errorf("%v", list)
	}
	protect(t, s, "suspicious-ip-throttling", `{"stage":{"pre-login":{"max_attempts":100,"rate":1000}}}`)
	// Nor is anybody told who does not want it to be.
	s.AddUser("bob@example.com")
	protect(t, s, "brute-force-protection", `{"shields":["block"]}`)
	for range 4 {
		tryPassword(s, "192.0.2.70", "bob@example.com", "wrong")
	}
	s.AddUser("last@example.com")
	protect(t, s, "brute-force-protection", `{"shields":["block","user_notification"]}`)
	for range 4 {
		tryPassword(s, "192.0.2.71", "last@example.com", "wrong")
	}
	waitLetters(t, s, "last@example.com", 1)
	for _, address := range []string{"unproven@example.com", "bob@example.com"} {
		if got := lettersTo(t, s, address); len(got) > 0 {
			t.Errorf("a letter to %s", address)
		}
	}
	if got := lettersTo(t, s, "ada@example.com"); len(got) != 1 {
		t.Errorf("%d letters", len(got))
	}
}

func TestProtection_userBlocks(t *testing.T) {
	s := guarded(t, nil)
	token := managementToken(t, s)
	ada := s.AddUser("ada@example.com")
	protect(t, s, "brute-force-protection", `{"max_attempts":2}`)
	for range 3 {
		tryPassword(s, "192.0.2.66", "ada@example.com", "wrong")
		tryPassword(s, "2001:db8::1", "Ada@Example.com ", "wrong")
		tryPassword(s, "2001:db8::2", "ada@example.com", "wrong") // the same network
	}
	tryPassword(s, "192.0.2.67", "ada@example.com", "wrong") // not closed there
	blocked := func(path string) string {
		t.Helper()
		data, err := json.Marshal(mustManage(t, s, token, 200, "GET", path, "")["blocked_for"])
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	byID := "user-blocks/" + url.PathEscape(ada.ID)
	for _, path := range []string{byID, "user-blocks?identifier=ada%40example.com"} {
		got := blocked(path)
		if strings.Count(got, `"ip"`) != 2 || !strings.Contains(got, `"ip":"192.0.2.66"`) || !strings.Contains(got, `"ip":"2001:db8::`) ||
			!strings.Contains(got, `"connection":"`+idptest.Connection+`"`) {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := blocked("user-blocks?identifier=nobody%40example.com"); got != "[]" {
		t.Errorf("nobody: %s", got)
	}
	if got := tryPassword(s, "192.0.2.66", "ada@example.com", idptest.Password); got != http.StatusTooManyRequests {
		t.Fatalf("before it is opened: %d", got)
	}
	if status, body := manage(t, s, token, "DELETE", byID, ""); status != http.StatusNoContent {
		t.Fatalf("%d %v", status, body)
	}
	if got := blocked(byID); got != "[]" {
		t.Errorf("after it was opened: %s", got)
	}
	for _, from := range []string{"192.0.2.66", "2001:db8::3"} {
		if got := tryPassword(s, from, "ada@example.com", idptest.Password); got != http.StatusOK {
			t.Errorf("%s: %d", from, got)
		}
	}
}

// leaks says of each password that it leaked.
type leaks struct{}

func (leaks) Leaked(context.Context, string) bool { return true }

// PWD-06: what the settings say lets somebody in with the password that they
// have, and gives nobody a new one that leaked.
func TestPWD06_protection(t *testing.T) {
	for _, tt := range []struct {
		change string
		in     bool
	}{
		{"", false},
		{`{"enabled":true,"shields":["block"]}`, false},
		{`{"enabled":true,"shields":["admin_notification"]}`, true},
		{`{"enabled":false,"shields":["block"]}`, true},
	} {
		t.Run(tt.change, func(t *testing.T) {
			s := guarded(t, func(c *idp.Config) { c.Breach = leaks{} })
			s.AddUser("ada@example.com")
			if tt.change != "" {
				protect(t, s, "breached-password-detection", tt.change)
			}
			res, _ := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
			if in := res.StatusCode == http.StatusSeeOther; in != tt.in {
				t.Errorf("%d, want in: %v", res.StatusCode, tt.in)
			}
			if n := len(types(t, s, "pwd_leak")); n != 1 {
				t.Errorf("%d entries", n)
			}
			if res, body := signUpAPI(s, "email", "new@example.com"); res.StatusCode != http.StatusBadRequest || body["code"] != "password_leaked" {
				t.Errorf("a new password: %d %v", res.StatusCode, body)
			}
		})
	}
}
