package accounts

import (
	"crypto/rand"
	"hash/crc32"
	"strings"
)

// An API key reads gk_<env>_<id>_<secret><checksum>: the prefix is for scanners
// of repositories, the identifier finds the row, the checksum tells a typing
// error from a guess without asking the database.
const (
	keyPrefix   = "gk_"
	keyIDLen    = 16 // of 32 letters: 80 bits
	keyCheckLen = 6  // of 62 letters: 32 bits
	maxEnv      = 16

	base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// newKeyText returns a new key and its parts.
func newKeyText(env string) (text, id, secret string) {
	id = strings.ToLower(rand.Text()[:keyIDLen])
	secret = randomBase62(secretLen)
	text = keyPrefix + env + "_" + id + "_" + secret
	return text + checksum(text), id, secret
}

// parseKeyText returns the parts of a key that was made for this environment,
// and whether it was, as far as that can be told by looking at it.
func parseKeyText(env, text string) (id, secret string, ok bool) {
	head := keyPrefix + env + "_"
	if len(text) != len(head)+keyIDLen+1+secretLen+keyCheckLen || !strings.HasPrefix(text, head) {
		return "", "", false
	}
	body, check := text[:len(text)-keyCheckLen], text[len(text)-keyCheckLen:]
	id, secret = body[len(head):len(head)+keyIDLen], body[len(body)-secretLen:]
	if body[len(head)+keyIDLen] != '_' || !validKeyID(id) || strings.Trim(secret, base62) != "" || check != checksum(body) {
		return "", "", false
	}
	return id, secret, true
}

// validKeyID reports whether id has the form of one made here.
func validKeyID(id string) bool {
	return len(id) == keyIDLen && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// checksum returns the CRC-32 (IEEE) of text. It is no secret and protects
// nothing.
func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var b [keyCheckLen]byte
	for i := keyCheckLen - 1; i >= 0; i-- {
		b[i] = base62[sum%62]
		sum /= 62
	}
	return string(b[:])
}

// randomBase62 returns n letters, each as likely as any other: 43 of them hold
// 256 bits.
func randomBase62(n int) string {
	text := make([]byte, 0, n)
	var random [64]byte
	for {
		_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the program instead
		for _, b := range random {
			if b >= 4*62 { // the rest would make the first letters likelier
				continue
			}
			if text = append(text, base62[b%62]); len(text) == n {
				return string(text)
			}
		}
	}
}
