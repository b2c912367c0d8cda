package jwe

import (
	"crypto"
	"crypto/aes"
	"crypto/rsa"
	_ "crypto/sha256" // registers the hash of the key derivation and of OAEP
	"encoding/binary"
	"strings"

	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/gatewright/gate/internal/base64url"
)

// A message is a token in its parts (RFC 7516 §7.1).
type message struct {
	header *header
	aad    string // the header as it was written
	key    []byte // encrypted
	nonce  []byte
	text   []byte // encrypted
	tag    []byte
}

// parse takes a token apart.
func parse(token string) (*message, bool) {
	if strings.Count(token, ".") != 4 {
		return nil, false
	}
	m := new(message)
	m.aad, token, _ = strings.Cut(token, ".")
	for _, part := range []*[]byte{&m.key, &m.nonce, &m.text, &m.tag} {
		var s string
		var ok bool
		s, token, _ = strings.Cut(token, ".")
		if *part, ok = base64url.Append(nil, s); !ok {
			return nil, false
		}
	}
	text, ok := base64url.Append(nil, m.aad)
	if !ok {
		return nil, false
	}
	m.header, ok = parseHeader(string(text))
	return m, ok
}

// open decrypts a token with the key that it names.
func (c *Codec) open(token string) ([]byte, *header, bool) {
	m, ok := parse(token)
	if !ok || m.header.alg != c.alg || m.header.enc != c.enc {
		return nil, nil, false
	}
	k := c.find(m.header.kid)
	if k == nil || len(m.nonce) != c.suite.nonce || len(m.tag) != c.suite.tag {
		return nil, nil, false
	}
	cek, unwrapped := c.unwrap(k.material(), m)
	if !unwrapped {
		cek = random(c.suite.key) // go on: what was wrong does not show (RFC 7516 §11.5)
	}
	text, decrypted := decrypt(c.suite, cek, m)
	return text, m.header, unwrapped && decrypted
}

// decrypt decrypts the text of m with its key, when it is authentic.
func decrypt(s suite, cek []byte, m *message) ([]byte, bool) {
	aead, err := s.aead(cek)
	if err != nil {
		return nil, false
	}
	text, err := aead.Open(nil, m.nonce, append(m.text, m.tag...), []byte(m.aad))
	return text, err == nil
}

// unwrap finds the key of a token. It is of the right size.
func (c *Codec) unwrap(k material, m *message) ([]byte, bool) {
	direct := len(m.key) == 0
	switch c.alg {
	case Direct:
		return k.secret, direct && k.secret != nil
	case A256KW:
		return c.unwrapAES(k.secret, m.key)
	case RSAOAEP256:
		if k.rsaPrivate == nil {
			return nil, false
		}
		cek, err := rsa.DecryptOAEP(crypto.SHA256.New(), nil, k.rsaPrivate, m.key, nil)
		return cek, err == nil && len(cek) == c.suite.key
	case ECDHES:
		cek, ok := agree(k, m.header, string(c.enc), c.suite.key)
		return cek, ok && direct
	case ECDHESA256KW:
		kek, ok := agree(k, m.header, string(c.alg), wrapSize)
		if !ok {
			return nil, false
		}
		return c.unwrapAES(kek, m.key)
	default:
		return nil, false
	}
}

func (c *Codec) unwrapAES(kek, wrapped []byte) ([]byte, bool) {
	block, err := aes.NewCipher(kek)
	if err != nil || len(wrapped) != c.suite.key+8 {
		return nil, false
	}
	cek, err := josecipher.KeyUnwrap(block, wrapped)
	return cek, err == nil
}

// agree returns what the two keys agree on (RFC 7518 §4.6.2).
func agree(k material, h *header, id string, size int) ([]byte, bool) {
	if k.ecPrivate == nil {
		return nil, false
	}
	bits := k.ec.Curve.Params().BitSize
	public, ok := h.point(k.ecPrivate.Curve(), k.curveName(), (bits+7)/8)
	if !ok {
		return nil, false
	}
	z, err := k.ecPrivate.ECDH(public)
	if err != nil {
		return nil, false
	}
	sizeInfo := binary.BigEndian.AppendUint32(nil, uint32(size)*8) //nolint:gosec // at most 64
	kdf := josecipher.NewConcatKDF(crypto.SHA256, z, prefixed([]byte(id)), prefixed(h.apu), prefixed(h.apv), sizeInfo, nil)
	key := make([]byte, size)
	_, err = kdf.Read(key)
	return key, err == nil
}

// prefixed returns b after its length.
func prefixed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) //nolint:gosec // part of a token
}
