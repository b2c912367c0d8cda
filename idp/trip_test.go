package idp_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
)

// OPS-01: log-ins with other providers that were begun and left do not fill the
// headers of a browser until no server answers it: neither one by one nor all at
// once. The newest of them go on.
func TestOPS01_cookiesOfTrips(t *testing.T) {
	const most = 24 << 10 // of the 64 KiB that gate idp serve takes
	now := &clock{at: time.Now().Truncate(time.Second)}
	c := federatedOn(t, idptest.Config{Edit: func(cfg *idp.Config) { cfg.Now = now.now }})
	base, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	long := func(i int) url.Values {
		return authorization("connection", "github", "state", strings.Repeat("s", 1800)+strconv.Itoa(i))
	}
	size := func(browser *http.Client) (n int) {
		for _, cookie := range browser.Jar.Cookies(base) {
			n += len(cookie.Name) + len(cookie.Value) + 3
		}
		return n
	}
	begin := func(browser *http.Client, in url.Values, header ...string) *http.Response {
		t.Helper()
		res, body := c.Do(browser, http.MethodGet, "/authorize", in, header...)
		if res.StatusCode != http.StatusFound {
			t.Fatalf("%d %.300s", res.StatusCode, body)
		}
		return res
	}
	t.Run("one by one", func(t *testing.T) {
		browser := c.Browser()
		for i := range 20 {
			begin(browser, long(i))
			now.turn(time.Second)
		}
		if n := size(browser); n > most {
			t.Errorf("the browser sends %d bytes of cookies", n)
		}
	})
	t.Run("at once", func(t *testing.T) {
		browser := c.Browser()
		for i := range 20 { // none knows of the others
			browser.Jar.SetCookies(base, begin(c.Browser(), long(i)).Cookies())
		}
		if n := size(browser); n > most {
			t.Errorf("the browser sends %d bytes of cookies", n)
		}
	})
	t.Run("newest", func(t *testing.T) {
		browser := c.Browser()
		var backs []string
		for i := range 5 {
			in := authorization("connection", "github")
			if i%2 == 0 {
				in = long(i) // two cookies in the place of one, and one in the place of two
			}
			backs = append(backs, c.choose(begin(browser, in).Header.Get("Location"), "1001"))
			now.turn(time.Second)
		}
		for i, back := range backs {
			res, body := c.Do(browser, http.MethodGet, back, nil)
			if came := strings.HasPrefix(res.Header.Get("Location"), idptest.Callback); came != (i >= 2) {
				t.Errorf("log-in %d of 5: %d %.100s", i+1, res.StatusCode, body)
			}
		}
		for _, cookie := range browser.Jar.Cookies(base) {
			if strings.HasPrefix(cookie.Name, "gate_with_") {
				t.Errorf("%s stayed", cookie.Name)
			}
		}
	})
	t.Run("unseen", func(t *testing.T) {
		for dest, want := range map[string]int{
			"image": 400, "script": 400, "empty": 400, "object": 400, "embed": 400, "style": 400,
			"document": 302, "iframe": 302,
		} {
			res, _ := c.Do(c.Browser(), http.MethodGet, "/authorize", long(0), "Sec-Fetch-Dest", dest)
			began := slices.ContainsFunc(res.Cookies(), func(c *http.Cookie) bool { return strings.HasPrefix(c.Name, "gate_with_") })
			if res.StatusCode != want || began != (want == 302) {
				t.Errorf("%s: %d, a trip began: %v, want %d", dest, res.StatusCode, began, want)
			}
		}
	})
}
