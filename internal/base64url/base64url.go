// Package base64url reads what the parts of a token are spelled in: base64url
// without padding (RFC 7515 §2), in the one spelling that a value has.
package base64url

import (
	"encoding/binary"
	"slices"
)

const invalid = 0xff

// values maps a byte to its six bits (RFC 4648 §5), or to invalid.
var values = func() (table [256]byte) {
	for i := range table {
		table[i] = invalid
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		table[c] = byte(i)
	}
	return table
}()

// Append appends to dst what s is the base64url spelling of, and reports whether
// it is one; if not, it returns nil. There is one spelling for every value: no
// padding, no line breaks, no bits left over. (The decoder of encoding/base64
// skips CR and LF even when it is strict.)
func Append(dst []byte, s string) ([]byte, bool) {
	n := len(dst)
	dst = slices.Grow(dst, len(s)/4*3+8) // room for eight bytes at the last six
	out := dst[:cap(dst)]
	var bad byte
	for ; len(s) >= 8; s = s[8:] {
		a, b, c, d := values[s[0]], values[s[1]], values[s[2]], values[s[3]]
		e, f, g, h := values[s[4]], values[s[5]], values[s[6]], values[s[7]]
		bad |= a | b | c | d | e | f | g | h
		binary.BigEndian.PutUint64(out[n:], uint64(a)<<58|uint64(b)<<52|uint64(c)<<46|uint64(d)<<40|
			uint64(e)<<34|uint64(f)<<28|uint64(g)<<22|uint64(h)<<16)
		n += 6
	}
	dst = out[:n]
	if len(s) >= 4 {
		a, b, c, d := values[s[0]], values[s[1]], values[s[2]], values[s[3]]
		bad |= a | b | c | d
		dst = append(dst, a<<2|b>>4, b<<4|c>>2, c<<6|d)
		s = s[4:]
	}
	switch len(s) {
	case 1:
		return nil, false
	case 2:
		a, b := values[s[0]], values[s[1]]
		bad |= a | b | b<<4 | b<<6 // the last four bits are zero
		dst = append(dst, a<<2|b>>4)
	case 3:
		a, b, c := values[s[0]], values[s[1]], values[s[2]]
		bad |= a | b | c | c<<6 // the last two bits are zero
		dst = append(dst, a<<2|b>>4, b<<4|c>>2)
	}
	if bad&0xc0 != 0 {
		return nil, false
	}
	return dst, true
}
