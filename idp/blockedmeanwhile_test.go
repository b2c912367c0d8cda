package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/idptest"
)

// SES-05: who is blocked while the actions of their log-in run gets nothing, in
// whichever way they come.
func TestSES05_blockedMeanwhile(t *testing.T) {
	runner, err := actions.New(actions.Config{InProcess: true, AllowPrivate: true, AllowedHosts: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = runner.Close() })
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Actions = runner }})
	u := s.AddUser("ada@example.com")
	path, token := "users/"+url.PathEscape(u.ID), managementToken(t, s)
	bind(t, s, "post-login", `exports.onExecutePostLogin = async () => {
		const r = await fetch('`+s.URL+`/api/v2/`+path+`', {method: 'PATCH', body: '{"blocked":true}',
			headers: {'Authorization': 'Bearer `+token+`', 'Content-Type': 'application/json'}});
		if (!r.ok) throw new Error('block ' + r.status);
	};`)
	for _, responseType := range []string{"id_token", "token", "id_token token", "code"} {
		mustManage(t, s, token, http.StatusOK, http.MethodPatch, path, `{"blocked":false}`)
		res, body := s.Login(s.Browser(), web("response_type", responseType, "response_mode", "fragment", "scope", "openid", "audience", idptest.Audience),
			"ada@example.com", idptest.Password)
		if to := res.Header.Get("Location"); res.StatusCode == http.StatusOK || strings.Contains(to, "token=") || strings.Contains(to, "code=") {
			t.Errorf("%s: %d %s %.200s", responseType, res.StatusCode, to, body)
		}
		if got, err := s.Tenant().User(t.Context(), u.ID); err != nil || !got.Blocked {
			t.Fatalf("the action blocked nobody: %+v, %v", got, err)
		}
	}
	mustManage(t, s, token, http.StatusOK, http.MethodPatch, path, `{"blocked":false}`)
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {idptest.Connection}, "client_id": {idptest.Web}, "client_secret": {idptest.Secret},
		"username": {"ada@example.com"}, "password": {idptest.Password}, "scope": {"openid"}, "audience": {idptest.Audience},
	})
	if answer := s.JSON(body); res.StatusCode != http.StatusForbidden && res.StatusCode != http.StatusBadRequest || answer["error"] != "invalid_grant" {
		t.Errorf("password grant: %d %v", res.StatusCode, answer)
	}
}
