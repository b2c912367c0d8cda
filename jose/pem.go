package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// maxDER bounds an encoded key, in bytes: an RSA key of 8192 bits has less than
// 5 KiB, and one that is twice as big is refused before any work is done.
const maxDER = 6 << 10

// ParsePEM reads one key from a PEM file: PKCS#8 ("PRIVATE KEY"), PKCS#1 ("RSA
// PRIVATE KEY", "RSA PUBLIC KEY"), SEC 1 ("EC PRIVATE KEY") or PKIX ("PUBLIC
// KEY"). An empty alg means the one algorithm of the key's curve; an RSA key has
// none by itself, so it needs one. Certificates, encrypted keys and anything
// after the key are refused. The rules of [NewPrivateKey] hold.
func ParsePEM(kid string, alg Algorithm, data []byte) (*Key, error) {
	block, err := onlyBlock(data)
	if err != nil {
		return nil, fmt.Errorf("parse PEM: %w", err)
	}
	key, err := parseDER(block)
	if err != nil {
		return nil, fmt.Errorf("parse PEM: %q: %w", block.Type, err)
	}
	public, signer := key, crypto.Signer(nil)
	if s, ok := key.(crypto.Signer); ok {
		public, signer = s.Public(), s
	}
	if alg == "" {
		if alg = onlyAlgorithm(public); alg == "" {
			return nil, errors.New("parse PEM: the key needs an algorithm")
		}
	}
	var k *Key
	if signer != nil {
		k, err = NewPrivateKey(kid, alg, signer)
	} else {
		k, err = NewPublicKey(kid, alg, public)
	}
	if err != nil {
		return nil, fmt.Errorf("parse PEM: %w", err)
	}
	return k, nil
}

// onlyBlock returns the one block of data. The curve that openssl writes in
// front of a key is passed over: the key names it too.
func onlyBlock(data []byte) (*pem.Block, error) {
	if len(data) > 4*maxDER {
		return nil, fmt.Errorf("%d bytes, more than %d", len(data), 4*maxDER)
	}
	block, rest := pem.Decode(data)
	if block != nil && block.Type == "EC PARAMETERS" {
		block, rest = pem.Decode(rest)
	}
	switch {
	case block == nil:
		return nil, errors.New("there is no PEM block")
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("something follows the key")
	case block.Headers["Proc-Type"] != "":
		return nil, errors.New("an encrypted key is not supported")
	case len(block.Bytes) > maxDER:
		return nil, fmt.Errorf("%q has %d bytes, more than %d", block.Type, len(block.Bytes), maxDER)
	}
	return block, nil
}

func parseDER(block *pem.Block) (crypto.PublicKey, error) {
	switch block.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, errors.New("this kind of block is not supported")
	}
}

// onlyAlgorithm returns the algorithm of keys that have one by their curve.
func onlyAlgorithm(public crypto.PublicKey) Algorithm {
	switch public := public.(type) {
	case ed25519.PublicKey:
		return EdDSA
	case *ecdsa.PublicKey:
		for _, alg := range []Algorithm{ES256, ES384, ES512} {
			if s, _ := alg.scheme(); curveByName(s.curve) == public.Curve {
				return alg
			}
		}
	}
	return ""
}

// PublicPEM returns the public half of the key as a PEM file in PKIX form. A
// shared secret has none and is an error.
func (k *Key) PublicPEM() ([]byte, error) {
	if !k.usable() || k.Symmetric() {
		return nil, errors.New("marshal key: it has no public half")
	}
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return nil, fmt.Errorf("marshal key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
