package model

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// spell returns a JSON value in the one spelling that every database keeps, which is
// that of jsonb of PostgreSQL without its blanks: keys by length and then by their
// bytes, numbers without an exponent, nothing escaped that need not be.
func spell(raw json.RawMessage) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return appendSpelt(make([]byte, 0, len(raw)), v), nil
}

func appendSpelt(dst []byte, v any) []byte {
	switch v := v.(type) {
	case map[string]any:
		keys := slices.Collect(maps.Keys(v))
		sort.Slice(keys, func(i, j int) bool {
			return cmp.Or(cmp.Compare(len(keys[i]), len(keys[j])), strings.Compare(keys[i], keys[j])) < 0
		})
		dst = append(dst, '{')
		for i, key := range keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendSpelt(append(appendSpeltText(dst, key), ':'), v[key])
		}
		return append(dst, '}')
	case []any:
		dst = append(dst, '[')
		for i, one := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendSpelt(dst, one)
		}
		return append(dst, ']')
	case string:
		return appendSpeltText(dst, v)
	case json.Number:
		return appendSpeltNumber(dst, v.String())
	case bool:
		return strconv.AppendBool(dst, v)
	}
	return append(dst, "null"...)
}

func appendSpeltText(dst []byte, s string) []byte {
	const short = "\b\f\n\r\t\"\\"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case strings.IndexByte(short, c) >= 0:
			dst = append(dst, '\\', `bfnrt"\`[strings.IndexByte(short, c)])
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// appendSpeltNumber writes all digits of a number: 15e2 is 1500, 1.50 is 1.50.
func appendSpeltNumber(dst []byte, s string) []byte {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	exp, _ := strconv.Atoi(cmp.Or(exponent, "0")) // modest has asked
	negative := strings.HasPrefix(mantissa, "-")
	whole, part, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	digits, point := whole+part, len(whole)+exp
	if point < 0 {
		digits, point = strings.Repeat("0", -point)+digits, 0
	}
	if n := point - len(digits); n > 0 {
		digits += strings.Repeat("0", n)
	}
	whole, part = strings.TrimLeft(digits[:point], "0"), digits[point:]
	if negative && strings.Trim(digits, "0") != "" { // there is one zero
		dst = append(dst, '-')
	}
	dst = append(dst, cmp.Or(whole, "0")...)
	if part != "" {
		dst = append(append(dst, '.'), part...)
	}
	return dst
}
