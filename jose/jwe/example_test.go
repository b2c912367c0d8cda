package jwe_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwe"
)

func Example() {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	key, err := jwe.NewKey("2030-03", secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	codec, err := jwe.NewCodec(jwe.Config{Algorithm: jwe.Direct, Key: key})
	if err != nil {
		fmt.Println(err)
		return
	}
	signing, err := jose.GenerateKey("", jose.EdDSA)
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := jose.NewKeySet(signing)
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := jose.NewVerifier(jose.VerifierConfig{
		Keys: keys, Issuer: "https://login.example.com", Audience: []string{"https://api.example.com"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	signed, err := jose.Sign(keys.Signing(), jose.AccessTokenType, &jose.Claims{
		Issuer: "https://login.example.com", Audience: []string{"https://api.example.com"}, Subject: "ada",
		Expiry: time.Now().Add(time.Hour),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	encrypted, err := codec.Encrypt(signed)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Count(encrypted, ".")+1, "parts")

	opened, err := codec.Decrypt(encrypted)
	if err != nil {
		fmt.Println(err)
		return
	}
	claims, err := verifier.Verify(context.Background(), opened) // only now it is known to be genuine
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(claims.Subject)
	// Output:
	// 5 parts
	// ada
}
