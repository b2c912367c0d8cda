package conformance_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
)

const email = "ada@example.com"

var items = []string{"create:items", "delete:items", "update:items"}

// answer follows a browser from an address of the provider, or of an app that
// leads there, over the log-in page, if there is one, to an address that begins
// with end.
func answer(t *testing.T, s *idptest.Server, browser *http.Client, from, end string) *url.URL {
	t.Helper()
	res, body := s.Do(browser, http.MethodGet, from, nil)
	at := absolute(t, s.URL, from)
	for range 10 {
		switch where := res.Header.Get("Location"); {
		case where != "":
			at = absolute(t, at.String(), where)
			if strings.HasPrefix(at.String(), end) {
				return at
			}
			res, body = s.Do(browser, http.MethodGet, at.String(), nil)
		case strings.Contains(body, `name="password"`):
			form := idptest.Hidden(body)
			form.Set("username", email)
			form.Set("password", idptest.Password)
			res, body = s.Do(browser, http.MethodPost, "/u/login", form, "Origin", s.URL, "Sec-Fetch-Site", "same-origin")
			at = absolute(t, s.URL, "/u/login")
		default:
			t.Fatalf("%s: %d %.2000s", at, res.StatusCode, body)
		}
	}
	t.Fatalf("too many redirects, the last to %s", at)
	return nil
}

func absolute(t *testing.T, base, ref string) *url.URL {
	t.Helper()
	u, err := url.Parse(base)
	if err == nil {
		u, err = u.Parse(ref)
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}
