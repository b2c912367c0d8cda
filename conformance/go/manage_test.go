package conformance_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
)

// grant returns an access token by client credentials.
func grant(t *testing.T, s *idptest.Server, clientID, audience string) string {
	t.Helper()
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {clientID}, "client_secret": {idptest.Secret}, "audience": {audience},
	})
	token, _ := s.JSON(body)["access_token"].(string)
	if res.StatusCode != http.StatusOK || token == "" {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	return token
}

// manage makes a request to the Management API.
func manage(t *testing.T, s *idptest.Server, method, path string) {
	t.Helper()
	token := grant(t, s, idptest.Management, s.Issuer()+"api/v2/")
	if res, body := s.Do(s.HTTP, method, "/api/v2/"+path, nil, "Authorization", "Bearer "+token); res.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, body)
	}
}
