package server_test

import (
	"fmt"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/auth"
)

const thief = "thief@x.example"

// byName is a service whose people log in with a name, and have an address that
// letters go to.
func byName(box *letterbox, change func(*auth.Config)) options {
	return everything(box, func(c *auth.Config) {
		c.Login = "name"
		if change != nil {
			change(c)
		}
	})
}

// signUpNamed makes an account and returns its id.
func (r *running) signUpNamed(name, email string) string {
	r.t.Helper()
	body := fmt.Sprintf(`{"name":%q,"email":%q,"password":%q}`, name, email, goodPassword)
	return fmt.Sprint(r.do("POST", "/api/users", body).is(201).json()["id"])
}

// TestOTP08_addressBesideLogin: where people log in with a name, the address that
// letters go to is worth as much as the name: neither a key nor a login of long ago
// changes it.
func TestOTP08_addressBesideLogin(t *testing.T) {
	box := newLetterbox()
	r := start(t, byName(box, nil))
	id := r.signUpNamed("ada", ada)
	box.next(t, ada)
	here := r.login("ada")
	key := r.makeKey(here)
	boss := r.signUpNamed("boss", "boss@x.example")
	box.next(t, "boss@x.example")
	if _, err := r.app.Users.PatchRow(authz.System(t.Context()), boss, []byte(`{"roles":["menu-admin"]}`), nil); err != nil {
		t.Fatal(err)
	}
	bossHere := r.login("boss")

	change := fmt.Sprintf(`{"email":%q}`, thief)
	replace := fmt.Sprintf(`{"name":"ada","email":%q}`, thief)
	r.do("PATCH", "/api/users/"+id, change, key...).is(403)
	r.do("PUT", "/api/users/"+id, replace, key...).is(403)
	r.do("PATCH", "/api/users/"+id, change, here...).is(400) // counts when it was confirmed
	r.do("PATCH", "/api/users/"+id, `{"name":"ada"}`, key...).is(200)

	// Who looks after accounts has the last word, and ends the letters on their way.
	r.do("POST", "/api/account/password/forgot", `{"name":"ada"}`).is(202)
	_, link := box.next(t, ada)
	r.do("PATCH", "/api/users/"+id, `{"email":"new@x.example"}`, bossHere...).is(200)
	r.do("POST", "/api/account/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, link, newPassword)).is(400)
}

// TestSES10_addressBesideLogin: a login of long ago does not change the address, of
// whoever it is.
func TestSES10_addressBesideLogin(t *testing.T) {
	box := newLetterbox()
	r := start(t, byName(box, func(c *auth.Config) { c.StepUp = 1 })) // nobody is that fast
	id, boss := r.signUpNamed("ada", ada), r.signUpNamed("boss", "boss@x.example")
	if _, err := r.app.Users.PatchRow(authz.System(t.Context()), boss, []byte(`{"roles":["menu-admin"]}`), nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ada", "boss"} {
		r.do("PATCH", "/api/users/"+id, fmt.Sprintf(`{"email":%q}`, thief), r.login(name)...).is(401)
	}
}
