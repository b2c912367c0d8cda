package conformance_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"

	"github.com/gatewright/gate/idp/idptest"
)

type permissions struct {
	Scope       string   `json:"scope"`
	Permissions []string `json:"permissions"`
}

func (*permissions) Validate(context.Context) error { return nil }

// service protects a resource with go-jwt-middleware.
func service(t *testing.T, s *idptest.Server, issuer, audience string) *httptest.Server {
	t.Helper()
	u, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwks.NewCachingProvider(jwks.WithIssuerURL(u), jwks.WithCustomClient(s.HTTP))
	if err != nil {
		t.Fatal(err)
	}
	v, err := validator.New(validator.WithKeyFunc(keys.KeyFunc), validator.WithAlgorithm(validator.RS256), validator.WithIssuer(issuer),
		validator.WithAudience(audience), validator.WithCustomClaims(func() *permissions { return &permissions{} }))
	if err != nil {
		t.Fatal(err)
	}
	m, err := jwtmiddleware.New(jwtmiddleware.WithValidator(v))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(m.CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, err := jwtmiddleware.GetClaims[*validator.ValidatedClaims](r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		_ = json.NewEncoder(w).Encode(claims)
	})))
	t.Cleanup(srv.Close)
	return srv
}

func TestJWTMiddleware(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	srv := service(t, s, s.Issuer(), idptest.Audience)
	good := grant(t, s, idptest.Machine, idptest.Audience)

	res, body := s.Do(s.HTTP, http.MethodGet, srv.URL, nil, "Authorization", "Bearer "+good)
	var got struct {
		CustomClaims     permissions
		RegisteredClaims validator.RegisteredClaims
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	if c := got.RegisteredClaims; c.Issuer != s.Issuer() || c.Subject != idptest.Machine+"@clients" || !slices.Equal(c.Audience, []string{idptest.Audience}) {
		t.Errorf("claims %+v", c)
	}
	if c := got.CustomClaims; c.Scope != "create:items" || !slices.Equal(c.Permissions, []string{"create:items"}) {
		t.Errorf("claims %+v", c)
	}

	for name, token := range map[string]string{
		"another API": grant(t, s, idptest.Management, s.Issuer()+"api/v2/"), "changed": good[:len(good)-8] + "AAAAAAAA", "opaque": "nobody",
	} {
		res, body := s.Do(s.HTTP, http.MethodGet, srv.URL, nil, "Authorization", "Bearer "+token)
		if res.StatusCode != http.StatusUnauthorized || !strings.Contains(res.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
	if res, body := s.Do(s.HTTP, http.MethodGet, srv.URL, nil); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("no token: %d %s", res.StatusCode, body)
	}
}

// The slash at the end is part of the issuer.
func TestJWTMiddleware_issuerWithoutSlash(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	srv := service(t, s, s.URL, idptest.Audience)
	res, body := s.Do(s.HTTP, http.MethodGet, srv.URL, nil, "Authorization", "Bearer "+grant(t, s, idptest.Machine, idptest.Audience))
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
