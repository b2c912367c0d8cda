package server_test

import (
	"fmt"
	"testing"
)

// TestCLI08_handoverAllOrNothing: an account is taken from strangers with all that
// they obtained, or not at all.
func TestCLI08_handoverAllOrNothing(t *testing.T) {
	for _, broken := range [][2]string{{"UPDATE OF ended_at", "gate_sessions"}, {"DELETE", "gate_refresh_tokens"}, {"UPDATE OF revoked_at", "gate_api_keys"}} {
		t.Run(broken[1], func(t *testing.T) {
			p, box := newProvider(t), newLetterbox()
			r := start(t, beside(p, box))
			eve := p.unproven(ada)
			id := fmt.Sprint(r.do("GET", "/api/me", "", eve...).is(200).json()["id"])
			r.do("PATCH", "/api/users/"+id, `{"password":"`+goodPassword+`"}`, eve...).is(200)
			<-box.arrived // she is told, at the address
			s := r.moveIn(ada, goodPassword)
			letter := func() string {
				r.do("POST", "/api/account/email/verification", `{"email":"`+ada+`"}`).is(202)
				_, token := box.next(t, ada)
				return fmt.Sprintf(`{"token":%q}`, token)
			}
			link := letter()
			r.broken(broken[0], broken[1], func() { r.fails("POST", "/api/account/email/confirm", link) })
			r.do("GET", "/api/me", "", eve...).is(200) // nothing of it was done
			r.do("GET", "/api/me", "", s.bearer...).is(200)
			r.do("GET", "/api/me", "", s.key...).is(200)
			r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(201)
			r.do("POST", "/api/account/email/confirm", letter()).is(204)
			s.isOut(r)
			r.do("GET", "/api/me", "", eve...).is(403)
		})
	}
}

// TestPWD11_linksAllOrNothing: a new password that cannot void the links in letters
// is not set, so that who sets it again voids them.
func TestPWD11_linksAllOrNothing(t *testing.T) {
	box := newLetterbox()
	r := start(t, everything(box, nil))
	id := r.signUp(ada)
	box.next(t, ada)
	r.do("POST", "/api/account/password/forgot", `{"email":"`+ada+`"}`).is(202)
	_, link := box.next(t, ada)
	here := r.login(ada)
	body := fmt.Sprintf(`{"password":%q}`, newPassword)
	r.broken("DELETE", "gate_tokens", func() { r.fails("PATCH", "/api/users/"+id, body, here...) })
	r.do("POST", "/api/authentication", loginBody(ada, newPassword)).is(401)
	r.do("PATCH", "/api/users/"+id, body, here...).is(200)
	r.do("POST", "/api/account/password/reset", fmt.Sprintf(`{"token":%q,"password":"Another-Good-One-7"}`, link)).is(400)
	r.do("POST", "/api/authentication", loginBody(ada, newPassword)).is(201)
}
