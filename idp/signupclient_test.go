package idp_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// A sign-up that names no client is one of the global client of the tenant, as at
// Auth0, in the connections that it is enabled for; the errors have the shape of
// all others there.
func TestSignup_noClient(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	signUp := func(clientID string) (int, map[string]any) {
		in := url.Values{"connection": {idptest.Connection}, "email": {"new@example.com"}, "password": {newPassword}}
		if clientID != "" {
			in.Set("client_id", clientID)
		}
		res, body := s.Do(s.HTTP, http.MethodPost, "/dbconnections/signup", in)
		return res.StatusCode, s.JSON(body)
	}
	refused := func(when, clientID, code, description string) {
		t.Helper()
		status, body := signUp(clientID)
		if status != http.StatusBadRequest || body["name"] != "BadRequestError" || body["code"] != code || body["description"] != description || body["statusCode"] != 400.0 {
			t.Errorf("%s: %d %v", when, status, body)
		}
	}
	refused("no client", "", "invalid_body", "client_id is missing")
	refused("an unknown client", "nobody", "invalid_signup", "Invalid sign up")
	if err := s.Tenant().Clients.Create(t.Context(), &tenant.Client{ID: "everybody", Name: "All Applications", Global: true, AuthMethod: tenant.AuthNone}); err != nil {
		t.Fatal(err)
	}
	refused("a global client that the connection is not for", "", "invalid_body", "client_id is missing")
	conn, err := s.Tenant().Connections.ByName(t.Context(), idptest.Connection)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tenant().Connections.Update(t.Context(), conn.ID, func(c *tenant.Connection) error {
		c.EnabledClients = append(c.EnabledClients, "everybody")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if status, body := signUp(""); status != http.StatusOK || body["email"] != "new@example.com" {
		t.Errorf("with a global client: %d %v", status, body)
	}
}
