package node_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

const (
	basicClient   = "basicClient0000000000000000000a"
	signingClient = "signingClient00000000000000000a"
	oddSecret     = "a-b_c.d~e!f*g'h(i)j:k&l=m n/o%25" // each character that is encoded differently somewhere
)

func TestOpenIDClient(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	keys := machines(t, s)
	run(t, s, "openid-client.mjs", facts{
		"ada": person(s, "ada@example.com", "menu-admin"), "basic": basicClient, "oddSecret": oddSecret, "signing": signingClient, "keys": keys,
	})
}

// person makes a user and says what scenarios need to know.
func person(s *idptest.Server, email string, roles ...string) facts {
	return facts{"email": email, "password": idptest.Password, "sub": s.AddUser(email, roles...).ID}
}

// machines makes a client for each further way to authenticate, and returns
// the private keys of the one that signs.
func machines(t *testing.T, s *idptest.Server) map[string]string {
	t.Helper()
	keys := map[string]string{}
	var credentials []tenant.Credential
	for _, alg := range []string{"RS256", "PS256", "ES256"} {
		for _, name := range []string{alg, "other " + alg} {
			private, public := keyPair(t, alg)
			keys[name] = private
			if name == alg {
				credentials = append(credentials, tenant.Credential{
					ID: "cred_" + alg, KeyID: alg, Type: "public_key", Algorithm: alg, PEM: public,
				})
			}
		}
	}
	for _, c := range []*tenant.Client{
		{ID: basicClient, Name: "Basic", AuthMethod: tenant.AuthBasic, Secret: oddSecret},
		{ID: signingClient, Name: "Signing", AuthMethod: tenant.AuthPrivateKeyJWT, Credentials: credentials},
	} {
		c.AppType, c.FirstParty, c.OIDCConformant, c.GrantTypes = tenant.NonInteractive, true, true, []string{"client_credentials"}
		if err := s.Tenant().Clients.Create(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := s.Tenant().Grants.Create(t.Context(), &tenant.ClientGrant{
			ID: "cgr_" + c.ID[:16], ClientID: c.ID, Audience: idptest.Audience, Scope: []string{"create:items"},
		}); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// keyPair returns a private key as PKCS #8 in base64, and its public key as PEM.
func keyPair(t *testing.T, alg string) (private, public string) {
	t.Helper()
	var key crypto.Signer
	var err error
	if alg == "ES256" {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der), string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
}
