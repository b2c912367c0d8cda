package jose_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/gatewright/gate/jose"
)

// Every algorithm is written with its secret half and read again, by us and by
// another implementation.
func TestMarshalPrivateJWK(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			k := keyFor(t, "name", alg)
			doc, err := k.MarshalPrivateJWK()
			if err != nil {
				t.Fatal(err)
			}
			again, err := jose.ParseJWK(doc)
			if err != nil {
				t.Fatal(err)
			}
			if !again.Equal(k) || !again.CanSign() || again.ID() != "name" || again.Algorithm() != alg {
				t.Errorf("%v reads as %v", k, again)
			}
			sig, err := again.SignRaw("input")
			if err != nil || !k.VerifySignature("input", sig) {
				t.Errorf("what is read does not sign for what was written: %v", err)
			}
			if second := must(again.MarshalPrivateJWK()); string(second) != string(doc) {
				t.Errorf("written first\n%s, then\n%s", doc, second)
			}
			var theirs gojose.JSONWebKey
			if err := json.Unmarshal(doc, &theirs); err != nil || !k.Symmetric() && (!theirs.Valid() || theirs.IsPublic()) {
				t.Errorf("they read %v, %v", theirs.KeyID, err)
			}
		})
	}
}

// The secret half comes out of one door.
func TestMarshalPrivateJWK_onlyDoor(t *testing.T) {
	for _, alg := range algorithms {
		k := keyFor(t, "name", alg)
		var secret struct{ D, K string }
		if err := json.Unmarshal(must(k.MarshalPrivateJWK()), &secret); err != nil || secret.D+secret.K == "" {
			t.Fatalf("%s: no secret half: %v", alg, err)
		}
		public, err := json.Marshal(k)
		if strings.Contains(string(public), secret.D+secret.K) || (err == nil) == k.Symmetric() {
			t.Errorf("%s: json.Marshal() = %s, %v", alg, public, err)
		}
		if strings.Contains(string(keySet(t, k).JWKS()), secret.D+secret.K) {
			t.Errorf("%s: the JWKS has the secret half", alg)
		}
	}
}

func TestMarshalPrivateJWK_refuses(t *testing.T) {
	private := generate(t, "", jose.ES256)
	hsm, err := jose.NewPrivateKey("", jose.ES256, brokenSigner{key: private})
	if err != nil {
		t.Fatal(err)
	}
	three, err := rsa.GenerateMultiPrimeKey(rand.Reader, 3, 2048) //nolint:staticcheck // somebody may have one
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]*jose.Key{
		"nil": nil, "zero": new(jose.Key), "public": private.Public(), "in an HSM": hsm,
		"three primes": must(jose.NewPrivateKey("", jose.RS256, three)),
	} {
		if doc, err := k.MarshalPrivateJWK(); err == nil || doc != nil {
			t.Errorf("%s: MarshalPrivateJWK() = %s, %v", name, doc, err)
		}
	}
}

// A key is written as it came, whatever became of it since.
func TestMarshalPrivateJWK_ownSecret(t *testing.T) {
	secret := []byte("Wm5wSQ8ZQyq1mYb2nJ0qk7bTTx0eTJ9J")
	k := must(jose.NewHMACKey("", jose.HS256, secret))
	secret[0] = 'x'
	doc := must(k.MarshalPrivateJWK())
	if want := `{"kty":"oct","k":"` + encode("Wm5wSQ8ZQyq1mYb2nJ0qk7bTTx0eTJ9J") + `","use":"sig","alg":"HS256"}`; string(doc) != want {
		t.Errorf("MarshalPrivateJWK() = %s, want %s", doc, want)
	}
}
