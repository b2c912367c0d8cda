package idp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
)

// AUD-01: a client that does not prove who it is leaves an entry of the type that
// a failure of what it wanted has.
func TestAUD01_clientSecrets(t *testing.T) {
	for _, tt := range []struct{ path, grant, kind string }{
		{"/oauth/token", "client_credentials", "feccft"},
		{"/oauth/token", "authorization_code", "feacft"},
		{"/oauth/token", "refresh_token", "fertft"},
		{"/oauth/token", "password", "fepft"},
		{"/oauth/introspect", "", "feccft"},
		{"/oauth/revoke", "", "fertft"},
	} {
		t.Run(tt.path+" "+tt.grant, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			in := url.Values{"grant_type": {tt.grant}, "client_id": {idptest.Machine}, "token": {"x"}, "client_secret": {"wrong-secret-of-somebody"}}
			if res, body := s.Do(s.HTTP, http.MethodPost, tt.path, in); res.StatusCode != http.StatusUnauthorized {
				t.Fatalf("%d %s", res.StatusCode, body)
			}
			list := types(t, s, tt.kind)
			if len(list) != 1 || list[0].ClientID != idptest.Machine || list[0].IP == "" || list[0].Details["path"] != tt.path {
				t.Errorf("%+v", list)
			}
			// The right one leaves none of these.
			in.Set("client_secret", idptest.Secret)
			s.Do(s.HTTP, http.MethodPost, tt.path, in)
			for _, e := range types(t, s, tt.kind) {
				if e.ID != list[0].ID && strings.Contains(e.Description, "prove") {
					t.Errorf("%+v", e)
				}
			}
			if strings.Contains(dumpTable(t, s, "idp_logs"), "wrong-secret") {
				t.Error("the log has the secret")
			}
		})
	}
}

// AUD-04: a flood of them makes a bounded number of entries, and is counted.
func TestAUD04_clientSecrets(t *testing.T) {
	c := &clock{at: time.Now().Truncate(time.Second)}
	s := idptest.New(t, idptest.Config{Wrap: fromNetworks, Edit: func(cfg *idp.Config) { cfg.Now = c.now }})
	try := func(client, from string) {
		t.Helper()
		res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {"wrong"},
		}, "X-Test-Address", from)
		if res.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
	}
	for range 20 {
		try(idptest.Machine, "192.0.2.1")
	}
	if n := len(types(t, s, "feccft")); n != 5 {
		t.Errorf("%d entries of one client and network, want 5", n)
	}
	for n := range 20 { // names that are made up are one client
		try(fmt.Sprint("nobody", n), "192.0.2.1")
	}
	if n := len(types(t, s, "feccft")); n != 10 {
		t.Errorf("%d entries with unknown clients, want 10", n)
	}
	for n := range 120 { // and however many networks there are, all together
		try(idptest.Machine, fmt.Sprintf("198.51.100.%d", n))
	}
	if n := len(types(t, s, "feccft")); n != 100 {
		t.Errorf("%d entries of a minute, want 100", n)
	}
	c.turn(time.Minute)
	try(idptest.Machine, "192.0.2.1")
	list := types(t, s, "feccft")
	untold := 0.0
	for _, e := range list {
		n, _ := e.Details["not_recorded"].(float64)
		untold += n
	}
	if len(list) != 101 || untold != 60 || list[0].Details["not_recorded"] == nil {
		t.Errorf("%d entries tell of %v others, the last %+v", len(list), untold, list[0])
	}
}
