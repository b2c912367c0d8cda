package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwks"
)

func Example() {
	// An issuer somewhere else, with one key.
	key, err := jose.GenerateKey("2030-03", jose.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	issuer, err := jose.NewKeySet(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s", issuer.JWKS())
	}))
	defer server.Close()

	keys, err := jwks.New(jwks.Config{URL: server.URL + "/keys", Algorithms: []jose.Algorithm{jose.ES256}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer keys.Close()
	verifier, err := jose.NewVerifier(jose.VerifierConfig{
		Keys:     keys,
		Issuer:   "https://login.example.com",
		Audience: []string{"https://api.example.com"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	token, err := jose.Sign(key, jose.AccessTokenType, &jose.Claims{
		Issuer:   "https://login.example.com",
		Audience: []string{"https://api.example.com"},
		Subject:  "ada",
		Expiry:   time.Now().Add(15 * time.Minute),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := verifier.Verify(context.Background(), token)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(claims.Subject)

	_, err = keys.Key(context.Background(), "made up", jose.ES256)
	fmt.Println(errors.Is(err, jose.ErrUnknownKey))
	// Output:
	// ada
	// true
}
