package idp_test

import (
	"html"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
)

// Whoever develops an application reads which address after a log-out is not
// registered and where it is; in production that is for the log, and the page
// repeats nothing of the request.
func TestLogout_unregistered(t *testing.T) {
	const (
		sent     = "https://ada:pw@app.example/bye$(id)?token=s3cret#s3cret"
		inTenant = `The request names no application, so that "https://app.example/bye$(id)" has to be among the log-out URLs of the tenant`
		none     = "The address to return to is none"
	)
	command := "gate idp client update " + idptest.SPA + " --logout-url "
	for _, development := range []bool{true, false} {
		log := new(logLines)
		s := idptest.New(t, idptest.Config{TLS: !development, Edit: func(c *idp.Config) {
			c.Development, c.Logger = development, slog.New(slog.NewTextHandler(log, nil))
		}})
		for name, tt := range map[string]struct {
			path string
			in   url.Values
			hint string
		}{
			"v2":              {"/v2/logout", url.Values{"client_id": {idptest.SPA}, "returnTo": {sent}}, command + "'https://app.example/bye$(id)'"},
			"v2, no client":   {"/v2/logout", url.Values{"returnTo": {sent}}, inTenant},
			"oidc":            {"/oidc/logout", url.Values{"client_id": {idptest.SPA}, "post_logout_redirect_uri": {sent}}, command + "'https://app.example/bye$(id)'"},
			"oidc, no client": {"/oidc/logout", url.Values{"post_logout_redirect_uri": {sent}}, inTenant},
			"no address":      {"/v2/logout", url.Values{"client_id": {idptest.SPA}, "returnTo": {"bye"}}, none},
			"a long address":  {"/v2/logout", url.Values{"client_id": {idptest.SPA}, "returnTo": {"https://app.example/" + strings.Repeat("x", 600)}}, none},
			"a quote":         {"/v2/logout", url.Values{"client_id": {idptest.SPA}, "returnTo": {"https://app.example/'"}}, command + `'https://app.example/'\'''`},
		} {
			before := len(log.String())
			res, page := s.Do(s.Browser(), http.MethodGet, tt.path, tt.in)
			page, said := html.UnescapeString(strings.NewReplacer(`<span class="word">`, "", "</span>", "").Replace(page)), log.String()[before:]
			if res.StatusCode != http.StatusBadRequest || strings.Contains(page, tt.hint) != development {
				t.Errorf("%s, development %t: %d, no %s in %.4000s", name, development, res.StatusCode, tt.hint, page)
			}
			if !development && strings.Contains(page, "app.example") || strings.Contains(page+said, "s3cret") || strings.Contains(page+said, "ada:pw") {
				t.Errorf("%s, development %t: the page or the log repeats the request: %.3000s %s", name, development, page, said)
			}
			if strings.Contains(tt.hint, "bye") && !strings.Contains(said, "address=https://app.example/bye$(id)") {
				t.Errorf("%s, development %t: the log does not say which address: %s", name, development, said)
			}
		}
	}
}
