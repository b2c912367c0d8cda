package sandbox

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // actions hash e-mail addresses for Gravatar with it
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // for webhooks of others that are signed with it
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"strings"

	"github.com/dop251/goja"

	"github.com/gatewright/gate/jose"
)

var errKey = errors.New("the key does not fit the algorithm")

func (m *machine) algorithm(name string) func() hash.Hash {
	switch strings.ToLower(strings.ReplaceAll(name, "-", "")) {
	case "md5":
		return md5.New
	case "sha1":
		return sha1.New
	case "sha256":
		return sha256.New
	case "sha384":
		return sha512.New384
	case "sha512":
		return sha512.New
	default:
		m.fail(fmt.Errorf("digest method %q is not supported", name))
		return nil
	}
}

// hash is hash(algorithm, bytes) → ArrayBuffer.
func (m *machine) hash(call goja.FunctionCall) goja.Value {
	h := m.algorithm(call.Argument(0).String())()
	h.Write(m.bytes(call.Argument(1)))
	return m.buffer(h.Sum(nil))
}

// hmac is hmac(algorithm, key, bytes) → ArrayBuffer.
func (m *machine) hmac(call goja.FunctionCall) goja.Value {
	h := hmac.New(m.algorithm(call.Argument(0).String()), m.bytes(call.Argument(1)))
	h.Write(m.bytes(call.Argument(2)))
	return m.buffer(h.Sum(nil))
}

// random is random(size) → ArrayBuffer.
func (m *machine) random(call goja.FunctionCall) goja.Value {
	n := call.Argument(0).ToInteger()
	if n < 0 || n > 65536 {
		m.typeError("at most 65536 random bytes at once")
	}
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return m.buffer(b)
}

// equal is equal(bytes, bytes), in constant time.
func (m *machine) equal(call goja.FunctionCall) goja.Value {
	a, b := m.bytes(call.Argument(0)), m.bytes(call.Argument(1))
	return m.vm.ToValue(subtle.ConstantTimeCompare(a, b) == 1)
}

// A signature algorithm of RFC 7518 §3.1.
func signing(alg string) (family string, h crypto.Hash) {
	if len(alg) != 5 {
		return "", 0
	}
	switch alg[2:] {
	case "256":
		h = crypto.SHA256
	case "384":
		h = crypto.SHA384
	case "512":
		h = crypto.SHA512
	}
	return alg[:2], h
}

// sign is sign(alg, key, input) → ArrayBuffer: a secret for HS…, a private key in
// PEM for the others.
func (m *machine) sign(call goja.FunctionCall) goja.Value {
	sig, err := sign(call.Argument(0).String(), m.bytes(call.Argument(1)), m.bytes(call.Argument(2)))
	if err != nil {
		m.fail(err)
	}
	return m.buffer(sig)
}

func sign(alg string, key, input []byte) ([]byte, error) {
	family, h := signing(alg)
	if h == 0 {
		return nil, fmt.Errorf("algorithm %q is not supported", alg)
	}
	if family == "HS" {
		return mac(h, key, input)
	}
	private, err := privateKey(key)
	if err != nil {
		return nil, err
	}
	digest := h.New()
	digest.Write(input)
	sum := digest.Sum(nil)
	switch k := private.(type) {
	case *rsa.PrivateKey:
		switch family {
		case "RS":
			return rsa.SignPKCS1v15(rand.Reader, k, h, sum)
		case "PS":
			return rsa.SignPSS(rand.Reader, k, h, sum, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
	case *ecdsa.PrivateKey:
		if family == "ES" && k.Curve.Params().BitSize/8 == curveSize(h) {
			return signECDSA(k, sum)
		}
	}
	return nil, errKey
}

func mac(h crypto.Hash, key, input []byte) ([]byte, error) {
	if len(key) == 0 {
		return nil, errors.New("secretOrPrivateKey must have a value")
	}
	if block, _ := pem.Decode(key); block != nil {
		return nil, errKey // a public key is no secret (RFC 8725 §2.1)
	}
	digest := hmac.New(h.New, key)
	digest.Write(input)
	return digest.Sum(nil), nil
}

// curveSize is the size of the curve that goes with h, in whole bytes.
func curveSize(h crypto.Hash) int {
	switch h {
	case crypto.SHA256:
		return 32
	case crypto.SHA384:
		return 48
	default:
		return 65 // P-521
	}
}

func signECDSA(k *ecdsa.PrivateKey, sum []byte) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, k, sum)
	if err != nil {
		return nil, err
	}
	size := (k.Curve.Params().BitSize + 7) / 8
	sig := make([]byte, 2*size)
	r.FillBytes(sig[:size])
	s.FillBytes(sig[size:])
	return sig, nil
}

// verify is verify(alg, key, input, signature): the key is a secret for HS…, a
// public key or certificate in PEM for the others.
func (m *machine) verify(call goja.FunctionCall) goja.Value {
	ok, err := verify(call.Argument(0).String(),
		m.bytes(call.Argument(1)), m.bytes(call.Argument(2)), m.bytes(call.Argument(3)))
	if err != nil {
		m.fail(err)
	}
	return m.vm.ToValue(ok)
}

func verify(alg string, key, input, sig []byte) (bool, error) {
	family, h := signing(alg)
	if h == 0 {
		return false, fmt.Errorf("algorithm %q is not supported", alg)
	}
	if family == "HS" {
		want, err := mac(h, key, input)
		return err == nil && hmac.Equal(want, sig), err
	}
	public, err := publicKey(key)
	if err != nil {
		return false, err
	}
	digest := h.New()
	digest.Write(input)
	sum := digest.Sum(nil)
	switch k := public.(type) {
	case *rsa.PublicKey:
		switch family {
		case "RS":
			return rsa.VerifyPKCS1v15(k, h, sum, sig) == nil, nil
		case "PS":
			return rsa.VerifyPSS(k, h, sum, sig, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil, nil
		}
	case *ecdsa.PublicKey:
		size := (k.Curve.Params().BitSize + 7) / 8
		if family == "ES" && k.Curve.Params().BitSize/8 == curveSize(h) && len(sig) == 2*size {
			r, s := new(big.Int).SetBytes(sig[:size]), new(big.Int).SetBytes(sig[size:])
			return ecdsa.Verify(k, sum, r, s), nil
		}
	}
	return false, errKey
}

func privateKey(data []byte) (any, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errKey
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	default:
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	}
}

func publicKey(data []byte) (any, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errKey
	}
	switch block.Type {
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return cert.PublicKey, nil
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return x509.ParsePKIXPublicKey(block.Bytes)
	}
}

// jwkToPEM is jwkToPEM(JSON) → string, or null for a key that is not for
// verifying signatures.
func (m *machine) jwkToPEM(call goja.FunctionCall) goja.Value {
	key, err := jose.ParseJWK([]byte(call.Argument(0).String()), jose.RS256, jose.ES256)
	if err != nil {
		return goja.Null()
	}
	text, err := key.Public().PublicPEM()
	if err != nil {
		return goja.Null()
	}
	return m.vm.ToValue(string(text))
}
