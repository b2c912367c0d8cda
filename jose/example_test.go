package jose_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/jose"
)

func Example() {
	key, err := jose.GenerateKey("2030-03", jose.EdDSA)
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := jose.NewKeySet(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := jose.NewVerifier(jose.VerifierConfig{
		Keys:     keys,
		Issuer:   "https://login.example.com",
		Audience: []string{"https://api.example.com"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	token, err := jose.Sign(keys.Signing(), jose.AccessTokenType, &jose.Claims{
		Issuer:   "https://login.example.com",
		Audience: []string{"https://api.example.com"},
		Subject:  "ada",
		Expiry:   time.Now().Add(15 * time.Minute),
		Extra:    map[string]any{"roles": []string{"editor"}},
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
	roles, _ := claims.Strings("roles")
	fmt.Println(claims.Subject, roles)

	_, err = verifier.Verify(context.Background(), token[:len(token)-4]+"AAAA")
	fmt.Println(errors.Is(err, jose.ErrSignature))
	// Output:
	// ada [editor]
	// true
}

func ExampleKeySet_rotation() {
	older, err := jose.GenerateKey("2030-02", jose.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	newer, err := jose.GenerateKey("2030-03", jose.ES256)
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := jose.NewKeySet(older)
	if err != nil {
		fmt.Println(err)
		return
	}

	if err := keys.Add(newer); err != nil { // published in JWKS, signs nothing yet
		fmt.Println(err)
		return
	}
	fmt.Println(keys.Signing())
	if err := keys.Use("2030-03"); err != nil { // when everybody knows it
		fmt.Println(err)
		return
	}
	fmt.Println(keys.Signing())
	if err := keys.Retire("2030-02", time.Now().Add(15*time.Minute)); err != nil { // as long as its last token lives
		fmt.Println(err)
		return
	}
	for _, k := range keys.Keys() {
		fmt.Println(k.ID, k.State)
	}
	// Output:
	// ES256 key "2030-02"
	// ES256 key "2030-03"
	// 2030-02 retired
	// 2030-03 signing
}

func ExampleClaimsAs() {
	claims := &jose.Claims{Subject: "ada", Extra: map[string]any{"tenant": "acme", "level": 3}}
	type own struct {
		Tenant string `json:"tenant"`
		Level  int    `json:"level"`
	}
	c, err := jose.ClaimsAs[own](claims)
	fmt.Println(c, err)

	claims.Extra = map[string]any{"Tenant": "acme"} // is another claim
	_, err = jose.ClaimsAs[own](claims)
	fmt.Println(err)
	// Output:
	// {acme 3} <nil>
	// typed claims: "Tenant" is not "tenant"
}

func ExampleParseJWK() {
	key, err := jose.ParseJWK([]byte(`{
		"kty": "OKP", "crv": "Ed25519", "kid": "login-1", "use": "sig",
		"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(key, key.CanSign(), key.Thumbprint())
	// Output:
	// EdDSA key "login-1" false kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
}
