package tenant

import (
	"bytes"
	"strconv"
	"unicode/utf16"
)

// storable returns JSON that each database reads as such: PostgreSQL refuses
// \u0000 and halves of surrogate pairs, so that one document with one would make
// every search fail. Both become U+FFFD.
func storable(data []byte) []byte {
	if !bytes.Contains(data, []byte(`\u`)) {
		return data
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); {
		if data[i] != '\\' || i+1 >= len(data) {
			out = append(out, data[i])
			i++
			continue
		}
		n := 2
		if r, ok := unit(data[i:]); ok {
			n = 6
			low, paired := unit(data[i+6:])
			switch {
			case utf16.IsSurrogate(r) && paired && utf16.DecodeRune(r, low) != 0xfffd:
				n = 12
			case r == 0 || utf16.IsSurrogate(r):
				out = append(out, `\ufffd`...)
				i += n
				continue
			}
		}
		out = append(out, data[i:i+n]...)
		i += n
	}
	return out
}

// unit reads one \uXXXX.
func unit(data []byte) (rune, bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	return rune(n), err == nil
}
