package server_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/runtime/auth"
)

// beside is a service with each way to authenticate, and the provider's.
func beside(p *provider, box *letterbox, environ ...string) options {
	o := everything(box, func(c *auth.Config) {
		before := c.Strategies
		c.OIDC = p.auth0()
		c.Strategies = func(a *auth.Auth) error { return errors.Join(before(a), a.RegisterIssuer()) }
	})
	o.environ = append(o.environ, environ...)
	return o
}

// A stranger is somebody who had an account before its owner came, with every way
// into it that there is.
type stranger struct {
	bearer, key    []string
	refresh, email string
}

// moveIn makes every way into an account that its password gives.
func (r *running) moveIn(email, password string) stranger {
	r.t.Helper()
	in := r.do("POST", "/api/authentication", loginBody(email, password)).is(201).json()
	s := stranger{email: email, bearer: []string{"Authorization", "Bearer " + fmt.Sprint(in["accessToken"])}, refresh: fmt.Sprint(in["refreshToken"])}
	s.key = r.makeKey(s.bearer)
	return s
}

func (r *running) makeKey(bearer []string) []string {
	r.t.Helper()
	made := r.do("POST", "/api/account/api-keys", `{"name":"k","scopes":["owner"]}`, bearer...).is(201).json()
	return []string{"X-API-Key", fmt.Sprint(made["key"])}
}

// isOut fails the test unless every way is closed.
func (s stranger) isOut(r *running) {
	r.t.Helper()
	for name, got := range map[string]int{
		"access token":  r.do("GET", "/api/me", "", s.bearer...).Status,
		"key":           r.do("GET", "/api/me", "", s.key...).Status,
		"refresh token": r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"refresh","refreshToken":%q}`, s.refresh)).Status,
		"password":      r.do("POST", "/api/authentication", loginBody(s.email, goodPassword)).Status,
	} {
		if got != 401 {
			r.t.Errorf("the stranger's %s: %d", name, got)
		}
	}
}

func (r *running) rolesOf(bearer []string) string {
	r.t.Helper()
	return fmt.Sprint(r.do("GET", "/api/me", "", bearer...).is(200).json()["roles"])
}

// TestCLI08_confirmedForStranger: whoever signed up with the address of the first
// administrator has nothing of it when its owner opens the letter, and then comes
// with a token of the issuer.
func TestCLI08_confirmedForStranger(t *testing.T) {
	p, box := newProvider(t), newLetterbox()
	r := start(t, beside(p, box, "FIRST_ADMIN_EMAIL="+ada))
	r.signUp(ada)
	_, token := box.next(t, ada)
	s := r.moveIn(ada, goodPassword)
	r.do("PUT", "/api/account/email", `{"email":"eve@x.example","currentPassword":"`+goodPassword+`"}`, s.bearer...).is(202)
	_, change := box.next(t, "eve@x.example")
	boss := p.person("auth0|boss", verified(ada))
	r.do("GET", "/api/me", "", boss...).is(403)
	r.do("POST", "/api/account/email/confirm", fmt.Sprintf(`{"token":%q}`, token)).is(204)
	if got := r.rolesOf(boss); got != "[customer]" {
		t.Errorf("an account that somebody else made has %s", got)
	}
	s.isOut(r)
	r.do("POST", "/api/account/email/confirm", fmt.Sprintf(`{"token":%q}`, change)).is(400)
	if !strings.Contains(r.logged(), "may have been made by somebody else") {
		t.Error("nothing tells the operator why there is no administrator")
	}

	// Whoever sets the password by letter has all of it.
	r.do("POST", "/api/account/password/forgot", `{"email":"`+ada+`"}`).is(202)
	_, token = box.next(t, ada)
	r.do("POST", "/api/account/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, token, newPassword)).is(204)
	again := verified(ada)
	again["again"] = true // another token
	boss = p.person("auth0|boss", again)
	if got := r.rolesOf(boss); got != "[customer menu-admin]" {
		t.Errorf("the owner of address and password has %s", got)
	}
}

// TestCLI08_ownPassword: whoever set the password by letter keeps it when they
// come with a token.
func TestCLI08_ownPassword(t *testing.T) {
	p, box := newProvider(t), newLetterbox()
	r := start(t, beside(p, box))
	r.signUp(ada)
	box.next(t, ada)
	r.do("POST", "/api/account/password/forgot", `{"email":"`+ada+`"}`).is(202)
	_, token := box.next(t, ada)
	r.do("POST", "/api/account/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, token, newPassword)).is(204)
	in := r.do("POST", "/api/authentication", loginBody(ada, newPassword)).is(201).json()
	r.do("GET", "/api/me", "", p.person("auth0|ada", verified(ada))...).is(200)
	r.do("GET", "/api/me", "", "Authorization", "Bearer "+fmt.Sprint(in["accessToken"])).is(200)
	r.do("POST", "/api/authentication", loginBody(ada, newPassword)).is(201)
}

// unproven are the headers of auth0|eve, of whom the issuer says an address, and
// that it is not verified.
func (p *provider) unproven(email string) []string {
	return p.person("auth0|eve", map[string]any{"email": email, "email_verified": false, "auth_time": time.Now().Unix()})
}

// TestCLI08_unverifiedIdentity: whom the issuer let in without verifying the
// address loses the account when its owner sets the password, or confirms it.
func TestCLI08_unverifiedIdentity(t *testing.T) {
	for name, take := range map[string]func(r *running, box *letterbox){
		"reset": func(r *running, box *letterbox) {
			r.do("POST", "/api/account/password/forgot", `{"email":"`+ada+`"}`).is(202)
			_, token := box.next(r.t, ada)
			r.do("POST", "/api/account/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, token, newPassword)).is(204)
			r.do("POST", "/api/authentication", loginBody(ada, newPassword)).is(201)
		},
		"confirmation": func(r *running, box *letterbox) {
			r.do("POST", "/api/account/email/verification", `{"email":"`+ada+`"}`).is(202)
			_, token := box.next(r.t, ada)
			r.do("POST", "/api/account/email/confirm", fmt.Sprintf(`{"token":%q}`, token)).is(204)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, box := newProvider(t), newLetterbox()
			r := start(t, beside(p, box))
			eve := p.unproven(ada)
			id := fmt.Sprint(r.do("GET", "/api/me", "", eve...).is(200).json()["id"])
			r.do("PATCH", "/api/users/"+id, `{"password":"`+goodPassword+`"}`, eve...).is(200)
			<-box.arrived // she is told, at the address
			s := r.moveIn(ada, goodPassword)
			take(r, box)
			s.isOut(r)
			r.do("GET", "/api/me", "", eve...).is(403)
			r.do("GET", "/api/me", "", p.unproven(ada)...).is(403)
			// The owner comes with a token of their own.
			if got := r.do("GET", "/api/me", "", p.person("auth0|ada", verified(ada))...).is(200).json(); got["id"] != id {
				t.Errorf("the owner is %v", got)
			}
		})
	}
}

// TestCLI08_undone: who undoes a change of address is rid of whoever came with a
// token for the other one.
func TestCLI08_undone(t *testing.T) {
	p, box := newProvider(t), newLetterbox()
	r := start(t, beside(p, box))
	r.signUp(ada)
	box.next(t, ada)
	in := r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(201).json()
	bearer := []string{"Authorization", "Bearer " + fmt.Sprint(in["accessToken"])}
	r.do("PUT", "/api/account/email", `{"email":"eve@x.example","currentPassword":"`+goodPassword+`"}`, bearer...).is(202)
	_, token := box.next(t, "eve@x.example")
	r.do("POST", "/api/account/email/confirm", fmt.Sprintf(`{"token":%q}`, token)).is(204)
	_, undo := box.next(t, ada)
	eve := p.person("auth0|eve", verified("eve@x.example"))
	r.do("GET", "/api/me", "", eve...).is(200)
	r.do("POST", "/api/account/email/undo", fmt.Sprintf(`{"token":%q}`, undo)).is(204)
	if got := r.do("GET", "/api/me", "", eve...); got.Status == 200 && got.json()["email"] == ada {
		t.Errorf("whoever changed the address still has the account: %s", got.Body)
	}
}

// TestPWD12_squattedAddress: nobody keeps the first administrator out with an
// address that the issuer does not call verified.
func TestPWD12_squattedAddress(t *testing.T) {
	p := newProvider(t)
	r := start(t, withUsers(p.auth0(), "FIRST_ADMIN_EMAIL="+ada))
	r.do("GET", "/api/me", "", p.unproven(ada)...).is(403)
	r.do("GET", "/api/me", "", p.unproven(strings.ToUpper(ada))...).is(403)
	if got := r.rolesOf(p.person("auth0|boss", verified(ada))); got != "[customer menu-admin]" {
		t.Errorf("the first administrator has %s", got)
	}
	// Other addresses may be made without, and are their owner's when they come.
	id := r.do("GET", "/api/me", "", p.unproven("bob@x.example")...).is(200).json()["id"]
	if got := r.do("GET", "/api/me", "", p.person("auth0|bob", verified("bob@x.example"))...).is(200).json(); got["id"] != id {
		t.Errorf("bob is %v", got)
	}
	r.do("GET", "/api/me", "", p.unproven("bob@x.example")...).is(403)
}

// TestCLI08_verifiedBefore: whom the issuer let in with an address that it called
// verified loses the account when it has another address by now, whose owner sets the
// password by letter, or comes with a token. Until then, the change was theirs.
func TestCLI08_verifiedBefore(t *testing.T) {
	const own = "eve@x.example"
	for name, take := range map[string]func(r *running, p *provider, box *letterbox){
		"reset": func(r *running, _ *provider, box *letterbox) {
			r.do("POST", "/api/account/password/forgot", `{"email":"`+ada+`"}`).is(202)
			_, token := box.next(r.t, ada)
			r.do("POST", "/api/account/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, token, newPassword)).is(204)
			r.do("POST", "/api/authentication", loginBody(ada, newPassword)).is(201)
		},
		"token": func(r *running, p *provider, _ *letterbox) {
			r.do("GET", "/api/me", "", p.person("auth0|ada", verified(ada))...).is(200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, box := newProvider(t), newLetterbox()
			r := start(t, beside(p, box))
			profile := verified(own)
			profile["auth_time"] = time.Now().Unix()
			eve := p.person("auth0|eve", profile)
			id := fmt.Sprint(r.do("GET", "/api/me", "", eve...).is(200).json()["id"])
			key := r.makeKey(eve)
			r.do("PUT", "/api/account/email", `{"email":"`+ada+`","currentPassword":""}`, eve...).is(202)
			_, token := box.next(t, ada)
			r.do("POST", "/api/account/email/confirm", fmt.Sprintf(`{"token":%q}`, token)).is(204)
			<-box.arrived // the former address is told
			if got := r.do("GET", "/api/me", "", eve...).is(200).json(); got["id"] != id {
				t.Errorf("after the change of address eve is %v", got)
			}
			take(r, p, box)
			profile["again"] = true // another token
			if got := r.do("GET", "/api/me", "", p.person("auth0|eve", profile)...); got.Status == 200 && got.json()["id"] == id {
				t.Errorf("eve still has the account: %s", got.Body)
			}
			r.do("GET", "/api/me", "", key...).is(401)
		})
	}
}
