package management

import (
	"crypto/rand"
	"fmt"
)

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newText returns n random letters and digits, 5.9 bits each.
func newText(n int) string {
	out := make([]byte, 0, n)
	buf := make([]byte, 2*n)
	for len(out) < n {
		_, _ = rand.Read(buf) // never fails
		for _, b := range buf {
			if b >= 248 || len(out) == n { // 248 is 4 × 62: each letter as likely as any
				continue
			}
			out = append(out, alphabet[b%62])
		}
	}
	return string(out)
}

// newUUID returns a random UUID (RFC 9562 §5.4).
func newUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
