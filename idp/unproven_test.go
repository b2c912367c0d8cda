package idp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// CLI-08: a page of another site has the browser of the victim send a sign-up,
// cookie and all. The password in it is not one that was chosen there.
func TestCLI08_preHijackForm(t *testing.T) {
	for _, mode := range []idp.Signup{idp.SignupConfirm, idp.SignupOpen} {
		t.Run(string(mode), func(t *testing.T) {
			s := &squatter{Server: idptest.New(t, idptest.Config{Edit: signupMode(mode)}), t: t}
			owner := s.Browser()
			res, _ := s.Do(owner, http.MethodGet, "/authorize", authorization())
			s.Do(owner, http.MethodGet, res.Header.Get("Location"), nil) // sets the cookie
			res, body := s.Do(owner, http.MethodPost, "/dbconnections/signup", url.Values{
				"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {victim}, "password": {newPassword},
			}, "Origin", "https://evil.example")
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%d %s", res.StatusCode, body)
			}
			where := s.open(owner, linkIn(t, waitLetters(t, s.Server, victim, 1)[0], "/u/email-verification?ticket="))
			if res, _ := s.Login(s.Browser(), authorization(), victim, newPassword); res.StatusCode != http.StatusBadRequest {
				t.Errorf("the stranger's password: %d", res.StatusCode)
			}
			s.choose(owner, where)
		})
	}
}

// CLI-09: an account that a stranger may have made is not linked, neither to
// another one nor the other way round, until its address is confirmed.
func TestCLI09_linkUnproven(t *testing.T) {
	s := squat(t)
	id, own := userID(t, s.Server, victim), s.AddUser("mallory@example.com").ID
	link := func(primary, secondary string) (int, any) {
		provider, subject, _ := strings.Cut(secondary, "|")
		return manage(t, s.Server, managementToken(t, s.Server), http.MethodPost, "users/"+url.PathEscape(primary)+"/identities",
			`{"provider":"`+provider+`","user_id":"`+subject+`"}`)
	}
	for _, pair := range [][2]string{{own, id}, {id, own}} {
		if status, body := link(pair[0], pair[1]); status != http.StatusBadRequest || !strings.Contains(body.(map[string]any)["message"].(string), "confirmed") {
			t.Errorf("%v: %d %v", pair, status, body)
		}
	}
	if status, page := press(s.Server, s.browser, s.letter, "/u/email-verification"); status != http.StatusOK {
		t.Fatalf("%d %.500s", status, page)
	}
	if status, body := link(own, id); status != http.StatusCreated {
		t.Errorf("a confirmed one: %d %v", status, body)
	}
}

// CLI-08: a stranger linked the account with the address of the victim to one of
// their own. The victim who sets a password gets an account of their own.
func TestCLI08_preHijackLinked(t *testing.T) {
	s := &squatter{Server: idptest.New(t, idptest.Config{}), t: t}
	ctx := t.Context()
	hash, err := s.HashPassword(ctx, idptest.Password)
	if err != nil {
		t.Fatal(err)
	}
	way := func(subject, email string) tenant.Identity {
		return tenant.Identity{
			Connection: idptest.Connection, Provider: tenant.Database, UserID: subject, Email: email, PasswordHash: hash,
			Profile: map[string]any{"email": email, "email_verified": false},
		}
	}
	mallory := &tenant.User{
		Email: "mallory@example.com", EmailVerified: true, Identities: []tenant.Identity{way("111", "mallory@example.com"), way("222", victim)},
	}
	if err := s.Tenant().CreateUser(ctx, mallory); err != nil {
		t.Fatal(err)
	}
	s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
		"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {victim},
	})
	s.choose(s.Browser(), letterLink(t, s.Server))
	u, _, err := s.Tenant().UserByLogin(ctx, idptest.Connection, victim)
	if err != nil || u.ID != "auth0|222" || !u.EmailVerified || len(u.Identities) != 1 {
		t.Errorf("the owner: %+v, %v", u, err)
	}
	u, err = s.Tenant().User(ctx, mallory.ID)
	if err != nil || len(u.Identities) != 1 || u.Identities[0].PasswordHash != hash {
		t.Errorf("the stranger: %+v, %v", u, err)
	}
}

// CLI-08: what was noted of a sign-up goes where the account goes, and nobody who
// reads accounts sees it or writes it.
func TestCLI08_preHijackMoved(t *testing.T) {
	s := squat(t)
	id := userID(t, s.Server, victim)
	u, err := s.Tenant().User(t.Context(), id)
	if err != nil || u.Identities[0].Unproven == "" || u.Identities[0].Unproven == tenant.NoBrowser {
		t.Fatalf("%+v, %v", u, err)
	}
	token := managementToken(t, s.Server)
	status, body := manage(t, s.Server, token, http.MethodGet, "users/"+url.PathEscape(id), "")
	if text := strings.ToLower(fmt.Sprint(body)); status != http.StatusOK || strings.Contains(text, "unproven") || strings.Contains(text, u.Identities[0].Unproven) {
		t.Errorf("%d %s", status, text)
	}
	for _, name := range []string{"unproven", "Unproven", "gate_unproven"} {
		if status, body := manage(t, s.Server, token, http.MethodPatch, "users/"+url.PathEscape(id), `{"`+name+`":""}`); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	if got, err := s.Tenant().User(t.Context(), id); err != nil || got.Identities[0].Unproven != u.Identities[0].Unproven {
		t.Errorf("after that %+v, %v", got, err)
	}
	// A second sign-up does not take the first one's place.
	if _, page := signUp(t, s.Server, s.Browser(), victim); !strings.Contains(page, victim) {
		t.Errorf("%.300s", page)
	}
	if got, err := s.Tenant().User(t.Context(), id); err != nil || got.Identities[0].Unproven != u.Identities[0].Unproven {
		t.Errorf("after another sign-up %+v, %v", got, err)
	}
}

// CLI-08: an administrator vouches for an address, and not for whoever signed up with
// it: what they chose, said and linked ends, as with a letter.
func TestCLI08_vouchedForStranger(t *testing.T) {
	s := squat(t)
	id, token := userID(t, s.Server, victim), managementToken(t, s.Server)
	path := "users/" + url.PathEscape(id)
	mustManage(t, s.Server, token, http.StatusOK, http.MethodPatch, path, `{"user_metadata":{"iban":"x"},"app_metadata":{"plan":"free"}}`)
	got := mustManage(t, s.Server, token, http.StatusOK, http.MethodPatch, path, `{"email_verified":true,"given_name":"Ada"}`)
	if got["email_verified"] != true || got["given_name"] != "Ada" || got["user_metadata"] != nil || got["app_metadata"] == nil {
		t.Errorf("%v", got)
	}
	if list, err := s.Tenant().SessionsOf(t.Context(), id); err != nil || len(list) != 0 {
		t.Errorf("%d sessions, %v", len(list), err)
	}
	if res, _ := s.Login(s.Browser(), authorization(), victim, newPassword); res.StatusCode != http.StatusBadRequest {
		t.Errorf("the stranger's password: %d", res.StatusCode)
	}
	// Once it is proven there is nobody to take it from.
	mustManage(t, s.Server, token, http.StatusOK, http.MethodPatch, path, `{"user_metadata":{"iban":"hers"}}`)
	mustManage(t, s.Server, token, http.StatusOK, http.MethodPatch, path, `{"email_verified":true}`)
	if u, err := s.Tenant().User(t.Context(), id); err != nil || u.UserMetadata["iban"] != "hers" {
		t.Errorf("%+v, %v", u, err)
	}
}

// CLI-08: an administrator vouched for an address. Nobody else can have made the
// account after that, so a later letter takes nothing from its owner.
func TestCLI08_vouched(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	signUp(t, s, s.Browser(), "ada@example.com")
	id := userID(t, s, "ada@example.com")
	token, path := managementToken(t, s), "users/"+url.PathEscape(id)
	mustManage(t, s, token, http.StatusOK, http.MethodPatch, path, `{"email_verified":true}`)
	mustManage(t, s, token, http.StatusOK, http.MethodPatch, path, `{"password":"`+newPassword+`"}`)
	way := &tenant.User{
		Email: "ada@github.example", Identities: []tenant.Identity{{Connection: "github", Provider: "github", UserID: "1", Social: true}},
	}
	if err := s.Tenant().CreateUser(t.Context(), way); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tenant().LinkIdentity(t.Context(), id, way.ID); err != nil {
		t.Fatal(err)
	}
	mustManage(t, s, token, http.StatusOK, http.MethodPatch, path,
		`{"email":"ada@new.example","verify_email":true,"connection":"Username-Password-Authentication"}`)
	letter := linkIn(t, waitLetters(t, s, "ada@new.example", 1)[0], "/u/email-verification?ticket=")
	if status, page := press(s, s.Browser(), letter, "/u/email-verification"); status != http.StatusOK {
		t.Fatalf("%d %.500s", status, page)
	}
	u, err := s.Tenant().User(t.Context(), id)
	if err != nil || !u.EmailVerified || len(u.Identities) != 2 || u.Identities[0].PasswordHash == "" {
		t.Errorf("after the letter: %+v, %v", u, err)
	}
}

// CLI-08: an application makes accounts for whoever asks, and lets the letter prove
// the address. The password may be that of a stranger, who has nothing of it when
// the owner opens the letter. An administrator who asks for no letter vouches for
// the password.
func TestCLI08_madeByApplication(t *testing.T) {
	s := &squatter{Server: idptest.New(t, idptest.Config{}), t: t}
	token := managementToken(t, s.Server)
	mustManage(t, s.Server, token, http.StatusCreated, http.MethodPost, "users",
		`{"connection":"`+idptest.Connection+`","email":"`+victim+`","password":"`+newPassword+`","verify_email":true,"user_metadata":{"iban":"x"},"app_metadata":{"plan":"free"}}`)
	mustManage(t, s.Server, token, http.StatusCreated, http.MethodPost, "users",
		`{"connection":"`+idptest.Connection+`","email":"ada@example.com","password":"`+newPassword+`"}`)
	letter := linkIn(t, waitLetters(t, s.Server, victim, 1)[0], "/u/email-verification?ticket=")
	s.choose(s.Browser(), s.open(s.Browser(), letter))
	if res, _ := s.Login(s.Browser(), authorization(), victim, newPassword); res.StatusCode != http.StatusBadRequest {
		t.Errorf("the password of before: %d", res.StatusCode)
	}
	u, err := s.Tenant().User(t.Context(), userID(t, s.Server, victim))
	if err != nil || !u.EmailVerified || u.UserMetadata != nil || u.AppMetadata["plan"] != "free" {
		t.Errorf("%+v, %v", u, err)
	}
	if u, err = s.Tenant().User(t.Context(), userID(t, s.Server, "ada@example.com")); err != nil || u.Identities[0].Unproven != "" {
		t.Errorf("an administrator's: %+v, %v", u, err)
	}
}
