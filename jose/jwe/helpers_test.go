package jwe_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"strings"
	"sync"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwe"
)

// inner is a signed token, for those who do not look closely.
var inner = encode(`{"alg":"HS256","typ":"at+jwt"}`) + "." + encode(`{"sub":"ada"}`) + "." + encode("signature")

var algorithms = []jwe.Algorithm{jwe.Direct, jwe.A256KW, jwe.RSAOAEP256, jwe.ECDHES, jwe.ECDHESA256KW}

var encryptions = []jwe.Encryption{jwe.A128GCM, jwe.A256GCM, jwe.A128CBCHS256, jwe.A256CBCHS512}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func decode(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func secret(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.Read(b)
	return b
}

// rsaKey returns an RSA key, which takes long to make.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func ecKey(tb testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// material returns a new key for alg as the crypto packages have it.
func material(tb testing.TB, alg jwe.Algorithm, enc jwe.Encryption) any {
	tb.Helper()
	switch alg {
	case jwe.Direct:
		return secret(map[jwe.Encryption]int{jwe.A128GCM: 16, jwe.A256GCM: 32, jwe.A128CBCHS256: 32, jwe.A256CBCHS512: 64}[enc])
	case jwe.A256KW:
		return secret(32)
	case jwe.RSAOAEP256:
		return rsaKey()
	default:
		return ecKey(tb, elliptic.P256())
	}
}

func key(tb testing.TB, id string, material any) *jwe.Key {
	tb.Helper()
	k, err := jwe.NewKey(id, material)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func codec(tb testing.TB, cfg jwe.Config) *jwe.Codec {
	tb.Helper()
	c, err := jwe.NewCodec(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// newCodec returns a codec, and the key that it has.
func newCodec(tb testing.TB, alg jwe.Algorithm, enc jwe.Encryption) (*jwe.Codec, any) {
	tb.Helper()
	m := material(tb, alg, enc)
	return codec(tb, jwe.Config{Algorithm: alg, Encryption: enc, Key: key(tb, "k", m)}), m
}

func encrypt(tb testing.TB, c *jwe.Codec, token string) string {
	tb.Helper()
	sealed, err := c.Encrypt(token)
	if err != nil {
		tb.Fatal(err)
	}
	return sealed
}

// accept checks that token holds inner.
func accept(tb testing.TB, c *jwe.Codec, token string) {
	tb.Helper()
	if got, err := c.Decrypt(token); err != nil || got != inner {
		tb.Errorf("Decrypt() = %q, %v; want the inner token", got, err)
	}
}

// refuse checks that there is the one error, and nothing with it.
func refuse(tb testing.TB, c *jwe.Codec, token string) {
	tb.Helper()
	if got, err := c.Decrypt(token); got != "" || err != jose.ErrDecryption { //nolint:errorlint // exactly this one
		tb.Errorf("Decrypt() = %q, %v; want nothing and ErrDecryption", got, err)
	}
}

// seal encrypts text for Direct with A256GCM under any header, genuinely.
func seal(tb testing.TB, key []byte, header, text string) string {
	tb.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		tb.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		tb.Fatal(err)
	}
	aad, nonce := encode(header), bytes.Repeat([]byte{7}, 12)
	sealed := string(aead.Seal(nil, nonce, []byte(text), []byte(aad)))
	cut := len(sealed) - 16
	return strings.Join([]string{aad, "", encode(string(nonce)), encode(sealed[:cut]), encode(sealed[cut:])}, ".")
}

// peerEncrypt encrypts with another implementation.
func peerEncrypt(tb testing.TB, to gojose.Recipient, enc jwe.Encryption, options *gojose.EncrypterOptions, text string) string {
	tb.Helper()
	if private, ok := to.Key.(*rsa.PrivateKey); ok {
		to.Key = &private.PublicKey
	}
	if private, ok := to.Key.(*ecdsa.PrivateKey); ok {
		to.Key = &private.PublicKey
	}
	e, err := gojose.NewEncrypter(gojose.ContentEncryption(enc), to, options)
	if err != nil {
		tb.Fatal(err)
	}
	sealed, err := e.Encrypt([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	token, err := sealed.CompactSerialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}
