package node_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

func TestExpressOAuth2JWTBearer(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	const strict = "https://strict.example"
	if err := s.Tenant().APIs.Create(t.Context(), &tenant.API{
		ID: tenant.NewSubject(), Name: "Strict", Identifier: strict, TokenDialect: "rfc9068_profile",
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Tenant().Grants.Create(t.Context(), &tenant.ClientGrant{ID: "cgr_strict0000000001", ClientID: idptest.Machine, Audience: strict}); err != nil {
		t.Fatal(err)
	}
	run(t, s, "express-oauth2-jwt-bearer.mjs", facts{
		"ada": person(s, "ada@example.com", "menu-admin"), "bob": person(s, "bob@example.com"), "strict": strict,
	})
}

func TestExpressOpenIDConnect(t *testing.T) {
	for name, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{TLS: secure})
			cert, key := certificate(t)
			run(t, s, "express-openid-connect.mjs", facts{"ada": person(s, "ada@example.com", "menu-admin"), "cert": cert, "key": key})
		})
	}
}

func TestPassportAuth0(t *testing.T) {
	s := idptest.New(t, idptest.Config{TLS: true})
	run(t, s, "passport-auth0.mjs", facts{"ada": person(s, "ada@example.com", "menu-admin")})
}

// The tutorial's strategy, and how often it asks for keys.
func TestPassportJWT(t *testing.T) {
	s := idptest.New(t, idptest.Config{Wrap: countKeys})
	run(t, s, "passport-jwt.mjs", facts{"ada": person(s, "ada@example.com", "menu-admin")})
}

// countKeys says at /jwks-fetches how often the keys were fetched.
func countKeys(next http.Handler) http.Handler {
	var fetches atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/jwks-fetches":
			_, _ = io.WriteString(w, strconv.FormatInt(fetches.Load(), 10))
			return
		case "/.well-known/jwks.json":
			fetches.Add(1)
		}
		next.ServeHTTP(w, r)
	})
}

// certificate returns a certificate for apps on localhost, and its key, as PEM.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "app"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
