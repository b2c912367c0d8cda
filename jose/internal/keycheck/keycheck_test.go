package keycheck_test

import (
	"crypto/rsa"
	"math/big"
	"strings"
	"testing"

	"github.com/gatewright/gate/jose/internal/keycheck"
)

// JWT-03 for secrets as short as one for AES-128 is.
func TestJWT03_shortSecret(t *testing.T) {
	for text, want := range map[string]bool{
		"Wm5wSQ8ZQyq1mYb2": true, "Wm5wSQ8ZQyq1mYb": false, "aaaaaaaaaaaaaaaa": false, "abababababababab": false, "change-me-please": false,
		"": false, `{"kty":"oct___"}`: false, "0123456701234567": false,
	} {
		if err := keycheck.Secret([]byte(text), 16); (err == nil) != want {
			t.Errorf("Secret(%q) = %v, want it good: %t", text, err, want)
		} else if err != nil && len(text) > 0 && strings.Contains(err.Error(), text) {
			t.Errorf("the error quotes the secret: %v", err)
		}
	}
}

func TestRSA(t *testing.T) {
	modulus := new(big.Int).SetBit(big.NewInt(1), keycheck.MinRSABits-1, 1)
	if err := keycheck.RSA(&rsa.PublicKey{N: modulus, E: keycheck.RSAExponent}); err != nil {
		t.Error(err)
	}
	for name, k := range map[string]*rsa.PublicKey{
		"nil": nil, "no modulus": {E: keycheck.RSAExponent}, "e = 3": {N: modulus, E: 3},
		"big": {N: new(big.Int).SetBit(big.NewInt(1), keycheck.MaxRSABits, 1), E: keycheck.RSAExponent},
	} {
		if err := keycheck.RSA(k); err == nil {
			t.Errorf("%s: RSA() takes it", name)
		}
	}
}

func TestID(t *testing.T) {
	for kid, want := range map[string]bool{
		"": true, "k": true, strings.Repeat("k", keycheck.MaxID): true, strings.Repeat("k", keycheck.MaxID+1): false, "\xff": false,
	} {
		if err := keycheck.ID(kid); (err == nil) != want {
			t.Errorf("ID(%.20q) = %v, want it good: %t", kid, err, want)
		}
	}
}

// TestSecret_todo: a word that random texts have by chance is a placeholder only by itself.
func TestSecret_todo(t *testing.T) {
	for secret, ok := range map[string]bool{
		"Q7XK2MTODO4WPAZR5VHN6CUBJYEDGS3FL2IT":        true,
		"9fK/toDo+Qm3xZ7vLp0aYw8RjB2sNcHgT5uEiD1":     true,
		"todoXK2M7QR4WPAZR5VHN6CUBJYEDGS3FL2IT":       true,
		"TODO: put a secret of 32 bytes here, please": false,
		"put-one-here-todo-before-2030-wxyzklmqv":     false,
		"TODO_TODO_put_something_random_here_qzxk":    false,
	} {
		if err := keycheck.Secret([]byte(secret), 32); (err == nil) != ok {
			t.Errorf("%s: %v", secret, err)
		}
	}
}
