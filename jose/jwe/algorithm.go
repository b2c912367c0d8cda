package jwe

import (
	"crypto/aes"
	"crypto/cipher"

	josecipher "github.com/go-jose/go-jose/v4/cipher"
)

// An Algorithm is how the key of a token is found, by its registered name (RFC
// 7518 §4.1). The zero value is no algorithm.
type Algorithm string

// The algorithms.
const (
	// Direct means that the shared secret is the key of all tokens. With AES-GCM
	// that is good for some four billion tokens; then it has to be another one.
	Direct Algorithm = "dir"
	// A256KW wraps the key of a token with a shared secret of 32 bytes.
	A256KW Algorithm = "A256KW"
	// RSAOAEP256 encrypts the key of a token to an RSA key of 2048 to 8192 bits.
	RSAOAEP256 Algorithm = "RSA-OAEP-256"
	// ECDHES agrees on the key of a token with the owner of an elliptic-curve
	// key, on P-256, P-384 or P-521.
	ECDHES Algorithm = "ECDH-ES"
	// ECDHESA256KW agrees like ECDHES on what wraps the key of a token.
	ECDHESA256KW Algorithm = "ECDH-ES+A256KW"
)

// wrapSize is how long the key of A256KW is, in bytes.
const wrapSize = 32

func (a Algorithm) known() bool {
	switch a {
	case Direct, A256KW, RSAOAEP256, ECDHES, ECDHESA256KW:
		return true
	default:
		return false
	}
}

// An Encryption is how a token is encrypted with its key, by its registered name
// (RFC 7518 §5.1).
type Encryption string

// The encryptions.
const (
	A128GCM      Encryption = "A128GCM"
	A256GCM      Encryption = "A256GCM"
	A128CBCHS256 Encryption = "A128CBC-HS256"
	A256CBCHS512 Encryption = "A256CBC-HS512"
)

// A suite is what an encryption's name stands for. The sizes are in bytes.
type suite struct {
	key, nonce, tag int
	aead            func(key []byte) (cipher.AEAD, error)
}

func (e Encryption) suite() (suite, bool) {
	switch e {
	case A128GCM:
		return suite{16, 12, 16, gcm}, true
	case A256GCM:
		return suite{32, 12, 16, gcm}, true
	case A128CBCHS256:
		return suite{32, 16, 16, cbc}, true
	case A256CBCHS512:
		return suite{64, 16, 32, cbc}, true
	default:
		return suite{}, false
	}
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// cbc checks the MAC before it looks at the padding.
func cbc(key []byte) (cipher.AEAD, error) {
	return josecipher.NewCBCHMAC(key, aes.NewCipher)
}
