package jwe

import "crypto/cipher"

// Open decrypts whatever is in a token, also what is no token.
func (c *Codec) Open(token string) ([]byte, bool) {
	text, _, ok := c.open(token)
	return text, ok
}

// Watch calls f each time that the text of a token is going to be decrypted.
func (c *Codec) Watch(f func()) {
	next := c.suite.aead
	c.suite.aead = func(key []byte) (cipher.AEAD, error) {
		f()
		return next(key)
	}
}

// OpenWith decrypts what is in a token with the key of the token itself.
func OpenWith(enc Encryption, cek []byte, token string) ([]byte, bool) {
	m, ok := parse(token)
	if !ok {
		return nil, false
	}
	s, _ := enc.suite()
	return decrypt(s, cek, m)
}

// Agree returns what a key agrees on with the one in a header.
func Agree(k *Key, head, id string, size int) ([]byte, bool) {
	h, ok := parseHeader(head)
	if !ok {
		return nil, false
	}
	return agree(k.material(), h, id, size)
}
