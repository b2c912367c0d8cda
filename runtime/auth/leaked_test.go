package auth_test

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/auth"
)

// TestPWD06_leaked: a password that has leaked is refused at sign-up, and five
// digits are all that leaves the machine.
func TestPWD06_leaked(t *testing.T) {
	const leaked = "plum-Gravel-oyster-29"
	sum := sha1.Sum([]byte(leaked))
	digest := strings.ToUpper(hex.EncodeToString(sum[:]))
	var asked []string
	lists := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		_, _ = w.Write([]byte(digest[5:] + ":3\r\n"))
	}))
	defer lists.Close()
	s := mustSystem(t, func(c *auth.Config) { c.Breach = auth.Breaches(lists.URL + "/range/") })
	h, err := auth.NewHasher(s.Auth, "club", "password")
	if err != nil {
		t.Fatal(err)
	}
	s.members.UsePasswords(h)
	create := func(login, password string) error {
		_, err := s.members.CreateRow(authz.System(t.Context()), []byte(`{"login":"`+login+`","password":"`+password+`","roles":[]}`), nil)
		return err
	}
	if e, ok := errors.AsType[*gate.Error](create("ada", leaked)); !ok || e.Status != http.StatusBadRequest || e.Errors == nil {
		t.Errorf("a leaked password: %v", e)
	}
	if err := create("bob", "another plum in gravel 77"); err != nil {
		t.Errorf("another one: %v", err)
	}
	if len(asked) != 2 || asked[0] != "/range/"+digest[:5] {
		t.Errorf("asked for %q", asked)
	}
	lists.Close()
	if err := create("eve", leaked); err != nil {
		t.Errorf("nobody answers: %v", err)
	}
}
