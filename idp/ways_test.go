package idp_test

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// A page has no button that leads to a fault: not of a strategy that a release
// of before took, and not of a connection that is not written to its end. Who
// knows its name reads what is wrong in the log.
func TestLogin_noButtonThatCannotWork(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for name, c := range map[string]tenant.Connection{
		"banana": {Strategy: "banana", Options: tenant.ConnectionOptions{ClientID: "abc"}},
		"half":   {Strategy: "github"},
		"whole":  {Strategy: "github", Options: tenant.ConnectionOptions{ClientID: "abc", ClientSecret: "q8w7e6r5t4y3u2i1o0p"}},
	} {
		c.ID, c.Name, c.EnabledClients = "con_"+name, name, []string{idptest.SPA}
		if err := s.Tenant().Connections.Create(t.Context(), &c); err != nil {
			t.Fatal(err)
		}
	}
	browser := s.Browser()
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
	where := res.Header.Get("Location")
	_, page := s.Do(browser, http.MethodGet, where, nil)
	for name, want := range map[string]bool{"banana": false, "half": false, "whole": true} {
		if got := strings.Contains(page, "/u/with?connection="+name+"&amp;"); got != want {
			t.Errorf("%s: button %t, want %t: %.4000s", name, got, want, page)
		}
	}
	if res, _ := s.Do(browser, http.MethodGet, strings.Replace(where, "/u/login?", "/u/with?connection=banana&", 1), nil); res.StatusCode != http.StatusInternalServerError {
		t.Errorf("a strategy that is not there: %d", res.StatusCode)
	}
	if err := s.Tenant().FlushLogs(t.Context()); err != nil {
		t.Fatal(err)
	}
	logs, _, err := s.Tenant().SearchLogs(t.Context(), tenant.LogQuery{Q: "type:f", Limit: 10})
	if err != nil || len(logs) != 1 || !strings.Contains(logs[0].Description, `the strategy "banana" is unknown`) {
		t.Errorf("the log has %v %v", logs, err)
	}
}

// Who develops an application that nobody can log in to reads why: a connection that
// does not work, or has no button, is none to enable.
func TestLogin_noWay(t *testing.T) {
	hide := false
	for name, tt := range map[string]struct {
		connection tenant.Connection
		says       string
	}{
		"none":   {tenant.Connection{Strategy: "github"}, "<pre tabindex=\"0\">gate idp connection enable CONNECTION " + idptest.SPA},
		"broken": {tenant.Connection{Strategy: "github", EnabledClients: []string{idptest.SPA}}, `connection "social": `},
		"hidden": {tenant.Connection{
			Strategy: "github", EnabledClients: []string{idptest.SPA}, ShowAsButton: &hide,
			Options: tenant.ConnectionOptions{ClientID: "abc", ClientSecret: "q8w7e6r5t4y3u2i1o0p"},
		}, `connection "social": it has no button (show_as_button)`},
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			if _, err := s.Tenant().Connections.Update(t.Context(), "con_database00000001", func(c *tenant.Connection) error { c.EnabledClients = nil; return nil }); err != nil {
				t.Fatal(err)
			}
			c := tt.connection
			c.ID, c.Name = "con_social", "social"
			if err := s.Tenant().Connections.Create(t.Context(), &c); err != nil {
				t.Fatal(err)
			}
			browser := s.Browser()
			res, body := s.Do(browser, http.MethodGet, begin(t, s, browser), nil)
			page := html.UnescapeString(strings.NewReplacer(`<span class="word">`, "", "</span>", "").Replace(body))
			if res.StatusCode != http.StatusBadRequest || !strings.Contains(page, "no connection enabled for the client") || !strings.Contains(page, tt.says) || strings.Contains(page, "gate idp connection enable") != (name == "none") {
				t.Errorf("%d: no %s in %.3000s", res.StatusCode, tt.says, page)
			}
		})
	}
}

// OPS-05: a provider keeps nothing for connections that are gone.
func TestOPS05_connectionsThatAreGone(t *testing.T) {
	s, now := withClock(t)
	browser := s.Browser()
	for i := range 20 {
		name := fmt.Sprintf("gone-%d", i)
		if err := s.Tenant().Connections.Create(t.Context(), &tenant.Connection{
			ID: "con_" + name, Name: name, Strategy: "github", EnabledClients: []string{idptest.SPA},
			Options: tenant.ConnectionOptions{ClientID: "abc", ClientSecret: "q8w7e6r5t4y3u2i1o0p"},
		}); err != nil {
			t.Fatal(err)
		}
		if _, page := s.Do(browser, http.MethodGet, begin(t, s, browser), nil); !strings.Contains(page, name) {
			t.Fatalf("no %s: %.3000s", name, page)
		}
		if err := s.Tenant().Connections.Delete(t.Context(), "con_"+name); err != nil {
			t.Fatal(err)
		}
		now.turn(20 * time.Minute)
	}
	if n := s.Upstreams(); n > 5 {
		t.Errorf("%d clients for one connection", n)
	}
}
