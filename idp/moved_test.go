package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// A mover had an account with a proven address and a further way in, when an
// application changed the address to that of the victim.
type mover struct {
	*squatter

	id string
}

func move(t *testing.T) *mover {
	t.Helper()
	m := &mover{squatter: &squatter{Server: idptest.New(t, idptest.Config{}), t: t}}
	m.browser = m.Browser()
	m.id = m.AddUser("mallory@example.com").ID
	m.refresh = enter(t, m.Server, m.browser, "mallory@example.com")["refresh_token"]
	res, body := m.Do(m.browser, http.MethodGet, "/authorize", authorization("audience", "", "scope", "openid email"))
	_, tokens := exchange(m.Server, answerOf(t, res, body).Get("code"))
	m.opaque = tokens["access_token"]
	m.way("666")
	mustManage(t, m.Server, managementToken(t, m.Server), http.StatusOK, http.MethodPatch, "users/"+url.PathEscape(m.id),
		`{"email":"`+victim+`","verify_email":true,"connection":"`+idptest.Connection+`"}`)
	m.letter = linkIn(t, waitLetters(t, m.Server, victim, 1)[0], "/u/email-verification?ticket=")
	return m
}

// way links a further way in.
func (m *mover) way(subject string) {
	m.t.Helper()
	way := &tenant.User{Email: "mallory@github.example", Identities: []tenant.Identity{{Connection: "github", Provider: "github", UserID: subject, Social: true}}}
	if err := m.Tenant().CreateUser(m.t.Context(), way); err != nil {
		m.t.Fatal(err)
	}
	if _, err := m.Tenant().LinkIdentity(m.t.Context(), m.id, way.ID); err != nil {
		m.t.Fatal(err)
	}
}

// forgot asks for a letter to set a password, and returns its link.
func (m *mover) forgot() string {
	m.t.Helper()
	m.Do(m.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
		"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {victim},
	})
	return letterLink(m.t, m.Server)
}

// reset has the application make a link to set a password.
func (m *mover) reset() string {
	m.t.Helper()
	return mustManage(m.t, m.Server, managementToken(m.t, m.Server), http.StatusCreated, http.MethodPost, "tickets/password-change",
		`{"user_id":"`+m.id+`","mark_email_as_verified":true}`)["ticket"].(string)
}

// linked returns how many ways in the account has.
func (m *mover) linked() int {
	m.t.Helper()
	u, err := m.Tenant().User(m.t.Context(), m.id)
	if err != nil {
		m.t.Fatal(err)
	}
	return len(u.Identities)
}

// CLI-08: an application changed the address of an account to that of somebody else,
// who sets a password by letter. Whoever had the account before is out of it,
// whether or not the owner of the address opened the letter that asks for it.
func TestCLI08_moved(t *testing.T) {
	for name, before := range map[string]func(m *mover){
		"at once": func(*mover) {},
		"after the letter": func(m *mover) {
			if status, page := press(m.Server, m.Browser(), m.letter, "/u/email-verification"); status != http.StatusOK {
				m.t.Fatalf("%d %.500s", status, page)
			}
		},
		"linked after the letter": func(m *mover) {
			press(m.Server, m.Browser(), m.letter, "/u/email-verification")
			m.way("667")
		},
		"after an administrator said that it is confirmed": func(m *mover) {
			mustManage(m.t, m.Server, managementToken(m.t, m.Server), http.StatusOK, http.MethodPatch, "users/"+url.PathEscape(m.id), `{"email_verified":true,"connection":"`+idptest.Connection+`"}`)
		},
		"after another password": func(m *mover) {
			mustManage(m.t, m.Server, managementToken(m.t, m.Server), http.StatusOK, http.MethodPatch, "users/"+url.PathEscape(m.id), `{"password":"`+newPassword+`","connection":"`+idptest.Connection+`"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := move(t)
			before(m)
			if err := m.Tenant().AddConsent(t.Context(), m.id, idptest.Web, idptest.Audience, []string{"create:items"}); err != nil {
				t.Fatal(err)
			}
			owner, where := m.Browser(), m.forgot()
			if _, page := m.Do(owner, http.MethodGet, where, nil); !strings.Contains(page, "other ways to log in to it are removed") {
				t.Errorf("the page does not say what else ends: %.3000s", page)
			}
			m.choose(owner, where)
			m.out(idptest.Password)
			m.out(newPassword)
			if u, err := m.Tenant().UserByIdentity(t.Context(), "github", "666"); err != nil || u.ID == m.id || m.linked() != 1 {
				t.Errorf("a way in of before: %+v, %v", u, err)
			}
			if allowed, err := m.Tenant().Consent(t.Context(), m.id, idptest.Web, idptest.Audience); err != nil || len(allowed) > 0 {
				t.Errorf("what was allowed before: %v, %v", allowed, err)
			}
			// From now on it is the owner's, and another letter takes nothing from them.
			m.way("668")
			m.choose(m.Browser(), m.reset())
			if m.linked() != 2 {
				t.Error("the owner lost a way in")
			}
		})
	}
}

// CLI-08: whoever opens the letter, or sets the password, where they are logged in to
// the account has both: the address is theirs, and nothing ends for it.
func TestCLI08_movedOwner(t *testing.T) {
	t.Run("letter", func(t *testing.T) {
		m := move(t)
		if status, page := press(m.Server, m.browser, m.letter, "/u/email-verification"); status != http.StatusOK {
			t.Fatalf("%d %.500s", status, page)
		}
		m.choose(m.Browser(), m.forgot())
		if m.linked() != 2 {
			t.Error("the owner lost a way in")
		}
	})
	t.Run("reset", func(t *testing.T) {
		m := move(t)
		m.choose(m.browser, m.forgot())
		if m.linked() != 2 {
			t.Error("the owner lost a way in")
		}
	})
	t.Run("the application knows", func(t *testing.T) {
		m := move(t)
		mustManage(t, m.Server, managementToken(t, m.Server), http.StatusOK, http.MethodPatch, "users/"+url.PathEscape(m.id),
			`{"email":"mallory@new.example","email_verified":true,"connection":"`+idptest.Connection+`"}`)
		if status, page := press(m.Server, m.Browser(), m.reset(), "/u/reset-password", "password", "Elm-Harbour-Moss-52"); status != http.StatusOK {
			t.Fatalf("%d %.500s", status, page)
		}
		if m.linked() != 2 {
			t.Error("the owner lost a way in")
		}
	})
}
