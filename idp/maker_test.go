package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// OTP-05: a link that a program made by the Management API is good for as long as the
// program may make it, and with the secret or key of then.
func TestOTP05_maker(t *testing.T) {
	const client = "clients/" + idptest.Machine
	for name, tt := range map[string]struct {
		take            func(*program)
		tickets, export bool
	}{
		"nothing":       {func(*program) {}, true, true},
		"a further key": {func(p *program) { p.addKey() }, true, true},
		"grant": {func(p *program) {
			p.manage(http.StatusNoContent, http.MethodDelete, "client-grants/"+p.grant, "")
		}, false, false},
		"scope of tickets": {func(p *program) {
			p.manage(http.StatusOK, http.MethodPatch, "client-grants/"+p.grant, `{"scope":["read:users"]}`)
		}, false, true},
		"scope of users": {func(p *program) {
			p.manage(http.StatusOK, http.MethodPatch, "client-grants/"+p.grant, `{"scope":["create:user_tickets"]}`)
		}, true, false},
		"secret": {func(p *program) {
			p.manage(http.StatusOK, http.MethodPost, client+"/rotate-secret", "")
		}, false, false},
		"grant type": {func(p *program) {
			p.manage(http.StatusOK, http.MethodPatch, client, `{"grant_types":[]}`)
		}, false, false},
		"client": {func(p *program) {
			p.manage(http.StatusNoContent, http.MethodDelete, client, "")
		}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProgram(t, nil)
			id := p.AddUser("ada@example.com").ID
			token := p.bySecret()
			link := func(path, body string) string {
				t.Helper()
				text, _ := mustManage(t, p.Server, token, http.StatusCreated, http.MethodPost, path, body)["ticket"].(string)
				return text
			}
			reset, confirm := link("tickets/password-change", `{"user_id":"`+id+`"}`), link("tickets/email-verification", `{"user_id":"`+id+`"}`)
			job, _ := mustManage(t, p.Server, token, http.StatusOK, http.MethodPost, "jobs/users-exports", `{"format":"csv"}`)["id"].(string)
			export, _ := mustManage(t, p.Server, p.admin, http.StatusOK, http.MethodGet, "jobs/"+job, "")["location"].(string)
			// Whoever has the page open already is no further.
			browser := p.Browser()
			_, resetPage := p.Do(browser, http.MethodGet, reset, nil)
			_, confirmPage := p.Do(browser, http.MethodGet, confirm, nil)

			tt.take(p)
			if res, body := p.Do(p.Browser(), http.MethodGet, export, nil); res.StatusCode == http.StatusOK != tt.export ||
				strings.Contains(body, "ada@example.com") != tt.export || !tt.export && res.StatusCode != http.StatusNotFound {
				t.Errorf("export: %d %.300s", res.StatusCode, body)
			}
			is := func(what string, res *http.Response, body string) {
				t.Helper()
				if res.StatusCode == http.StatusOK != tt.tickets || !tt.tickets && res.StatusCode != http.StatusBadRequest {
					t.Errorf("%s: %d %.300s", what, res.StatusCode, body)
				}
			}
			post := func(what, path, page string, typed ...string) {
				t.Helper()
				res, body := p.Do(browser, http.MethodPost, path, p.Fill(page, typed...), "Origin", p.URL)
				is(what, res, body)
			}
			for _, link := range []string{reset, confirm} {
				res, body := p.Do(p.Browser(), http.MethodGet, link, nil)
				is(link, res, body)
			}
			post("confirmed", "/u/email-verification", confirmPage)
			post("set", "/u/reset-password", resetPage, "password", newPassword)
			res, body := p.Login(p.Browser(), authorization(), "ada@example.com", newPassword)
			if strings.Contains(res.Header.Get("Location"), "code=") != tt.tickets {
				t.Errorf("with the new password: %d %.300s", res.StatusCode, body)
			}
		})
	}
}

// OTP-05: what the provider sends has no maker and goes on, whoever asked for it.
func TestOTP05_noMaker(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{"client_id": {idptest.Web}, "connection": {idptest.Connection}, "email": {"ada@example.com"}})
	link := letterLink(t, s)
	setClient(t, s, idptest.Web, func(c *tenant.Client) { c.Secret, c.GrantTypes = idptest.Secret+"2", []string{} })
	if status, body := press(s, s.Browser(), link, "/u/reset-password", "password", newPassword); status != http.StatusOK {
		t.Errorf("%d %.300s", status, body)
	}
}

// OTP-05: neither does a link to choose the first password outlive who made the one
// that led to it.
func TestOTP05_makerOfTheFirst(t *testing.T) {
	s := squat(t)
	where := s.open(s.Browser(), s.ticket(victim))
	setClient(t, s.Server, idptest.Management, func(c *tenant.Client) { c.Secret = idptest.Secret + "2" })
	if res, body := s.Do(s.Browser(), http.MethodGet, where, nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("%d %.300s", res.StatusCode, body)
	}
}
