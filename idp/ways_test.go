package idp_test

import (
	"net/http"
	"strings"
	"testing"

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
