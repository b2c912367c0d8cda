package model

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendKey appends the name of the field in quotes, and a colon.
func (f *Field) AppendKey(dst []byte) []byte { return append(dst, f.key...) }

// AppendJSON appends the field at p to dst: times in UTC with microseconds,
// decimals and integers with their exact digits, as strings where the field says so. A
// secret field is null, whoever asks.
func (f *Field) AppendJSON(dst []byte, p any) []byte {
	switch {
	case f.Secret():
		return append(dst, "null"...)
	case f.Quoted && f.Value(p) != nil:
		return append(appendValue(append(dst, '"'), p), '"')
	}
	return appendValue(dst, p)
}

func appendValue(dst []byte, p any) []byte {
	switch p := p.(type) {
	case *string:
		return AppendString(dst, *p)
	case *int64:
		return strconv.AppendInt(dst, *p, 10)
	case *Decimal:
		return p.Append(dst)
	case *time.Time:
		return appendTime(dst, *p)
	case *bool:
		return strconv.AppendBool(dst, *p)
	case *float64:
		return appendFloat(dst, *p)
	case *Date:
		return appendDate(dst, *p)
	case *json.RawMessage:
		if *p == nil {
			return append(dst, "null"...)
		}
		return append(dst, *p...)
	case *[]string:
		return appendStrings(dst, *p)
	case *Geo:
		return p.append(dst)
	case **Geo:
		if *p != nil {
			return (*p).append(dst)
		}
	case **File:
		if *p != nil {
			return (*p).append(dst)
		}
	case **string:
		if *p != nil {
			return AppendString(dst, **p)
		}
	case **int64:
		if *p != nil {
			return strconv.AppendInt(dst, **p, 10)
		}
	case **Decimal:
		if *p != nil {
			return (*p).Append(dst)
		}
	case **time.Time:
		if *p != nil {
			return appendTime(dst, **p)
		}
	case **bool:
		if *p != nil {
			return strconv.AppendBool(dst, **p)
		}
	case **float64:
		if *p != nil {
			return appendFloat(dst, **p)
		}
	case **Date:
		if *p != nil {
			return appendDate(dst, **p)
		}
	default:
		panic(unknownPointer(p))
	}
	return append(dst, "null"...)
}

func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = AppendTime(dst, t)
	return append(dst, '"')
}

func appendDate(dst []byte, d Date) []byte {
	dst = append(dst, '"')
	dst = d.append(dst)
	return append(dst, '"')
}

// appendFloat spells a number as ECMAScript does, as encoding/json has it.
func appendFloat(dst []byte, n float64) []byte {
	if math.IsInf(n, 0) || math.IsNaN(n) {
		return append(dst, "null"...)
	}
	format := byte('f')
	if abs := math.Abs(n); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, n, format, -1, 64)
}

func appendStrings(dst []byte, list []string) []byte {
	if list == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, s)
	}
	return append(dst, ']')
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), `\ufffd`...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, c)
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
