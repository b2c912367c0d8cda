package idp_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

func TestFederate_logout(t *testing.T) {
	c := federated(t)
	browser := c.Browser()
	c.with(browser, "corp", "1001")
	res, _ := c.Do(browser, http.MethodGet, "/v2/logout?"+url.Values{"client_id": {idptest.SPA}, "returnTo": {idptest.LogoutURL}}.Encode()+"&federated", nil)
	where, err := url.Parse(res.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(where.String(), c.other.URL+"/logout?") || where.Query().Get("post_logout_redirect_uri") != idptest.LogoutURL {
		t.Errorf("sent to %v, %v", where, err)
	}
	if back := silent(t, c.Server, browser); back.Get("error") != "login_required" {
		t.Errorf("still logged in: %v", back)
	}
	// GitHub has nothing to end.
	c.with(browser, "github", "1001")
	res, _ = c.Do(browser, http.MethodGet, "/v2/logout?"+url.Values{"client_id": {idptest.SPA}, "returnTo": {idptest.LogoutURL}}.Encode()+"&federated", nil)
	if res.Header.Get("Location") != idptest.LogoutURL {
		t.Errorf("sent to %q", res.Header.Get("Location"))
	}
}

// The end session endpoint leads on to the other provider, too, in each of its ways:
// with a hint, in a form, and after the page that asks.
func TestFederate_oidcLogout(t *testing.T) {
	c := federated(t)
	in := url.Values{"client_id": {idptest.SPA}, "post_logout_redirect_uri": {idptest.LogoutURL}, "state": {"a b"}}
	for name, leave := range map[string]func(browser *http.Client, hinted string) *http.Response{
		"by a hint": func(browser *http.Client, hinted string) *http.Response {
			res, _ := c.Do(browser, http.MethodGet, "/oidc/logout?"+hinted+"&federated", nil)
			return res
		},
		"in a form": func(browser *http.Client, hinted string) *http.Response {
			form, _ := url.ParseQuery(hinted + "&federated=")
			res, _ := c.Do(browser, http.MethodPost, "/oidc/logout", form)
			return res
		},
		"confirmed": func(browser *http.Client, _ string) *http.Response {
			_, page := c.Do(browser, http.MethodGet, "/oidc/logout?"+in.Encode()+"&federated", nil)
			_, rest, _ := strings.Cut(page, `action="/u/logout?`)
			query, _, _ := strings.Cut(rest, `"`)
			res, _ := c.Do(browser, http.MethodPost, "/u/logout?"+html.UnescapeString(query), idptest.Hidden(page), "Origin", c.URL)
			return res
		},
	} {
		browser := c.Browser()
		res, body := c.Do(browser, http.MethodGet, c.choose(c.leave(browser, "corp"), "1001"), nil)
		_, tokens := exchange(c.Server, answerOf(t, res, body).Get("code"))
		res = leave(browser, in.Encode()+"&id_token_hint="+fmt.Sprint(tokens["id_token"]))
		where, err := url.Parse(res.Header.Get("Location"))
		if err != nil || !strings.HasPrefix(where.String(), c.other.URL+"/logout?") || where.Query().Get("post_logout_redirect_uri") != idptest.LogoutURL ||
			where.Query().Get("state") != "a b" {
			t.Errorf("%s: sent to %v, %v", name, where, err)
		}
		if back := silent(t, c.Server, browser); back.Get("error") != "login_required" {
			t.Errorf("%s: still logged in: %v", name, back)
		}
	}
	// A connection that does not work any more holds nobody.
	browser := c.Browser()
	c.with(browser, "corp", "1001")
	if _, err := c.Tenant().Connections.Update(t.Context(), "con_corp", func(conn *tenant.Connection) error { conn.Strategy = "gone"; return nil }); err != nil {
		t.Fatal(err)
	}
	res, _ := c.Do(browser, http.MethodGet, "/v2/logout?"+url.Values{"client_id": {idptest.SPA}, "returnTo": {idptest.LogoutURL}}.Encode()+"&federated", nil)
	if res.Header.Get("Location") != idptest.LogoutURL {
		t.Errorf("%d %q", res.StatusCode, res.Header.Get("Location"))
	}
}
