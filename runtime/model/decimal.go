package model

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// MaxPrecision is how many digits a [Decimal] can hold.
const MaxPrecision = 18

// A Decimal is an exact number: units divided by ten to the power of scale. The
// zero value is 0. Numbers of different scales are equal under [Decimal.Cmp]
// but not under ==.
type Decimal struct {
	units int64
	scale uint8
}

// Errors of decimals.
var (
	errDecimalSyntax = errors.New("not a decimal number")
	errDecimalDigits = fmt.Errorf("more than %d digits", MaxPrecision)
)

// pow10 holds the powers of ten up to 10^18.
var pow10 = func() (p [MaxPrecision + 1]int64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// NewDecimal returns units / 10^scale: NewDecimal(1250, 2) is 12.50. It panics
// if scale is not between 0 and 18 or units has more than 18 digits.
func NewDecimal(units int64, scale int) Decimal {
	if scale < 0 || scale > MaxPrecision || !fits(units, MaxPrecision) {
		panic("model: decimal out of range")
	}
	return Decimal{units: units, scale: uint8(scale)}
}

// ParseDecimal reads a number as JSON spells it; its scale is the number of
// digits after the point. Numbers of more than 18 digits are refused, never
// rounded.
func ParseDecimal(s string) (Decimal, error) {
	mantissa, exp, err := splitExponent(s)
	if err != nil {
		return Decimal{}, err
	}
	digits, negative := strings.CutPrefix(mantissa, "-")
	whole, frac, point := strings.Cut(digits, ".")
	if !allDigits(whole) || len(whole) > 1 && whole[0] == '0' || point && !allDigits(frac) {
		return Decimal{}, errDecimalSyntax
	}
	return assemble(whole+frac, len(frac)-exp, negative)
}

// splitExponent cuts the exponent off a number. It is bounded by what can
// possibly fit.
func splitExponent(s string) (mantissa string, exp int, err error) {
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s, 0, nil
	}
	text := strings.TrimPrefix(s[i+1:], "+")
	if !allDigits(strings.TrimPrefix(text, "-")) || strings.HasPrefix(s[i+1:], "+-") {
		return "", 0, errDecimalSyntax
	}
	exp, err = strconv.Atoi(text)
	if err != nil || exp > 2*MaxPrecision || exp < -2*MaxPrecision {
		return "", 0, errDecimalDigits
	}
	return s[:i], exp, nil
}

// assemble makes digits / 10^scale.
func assemble(digits string, scale int, negative bool) (Decimal, error) {
	digits = strings.TrimLeft(digits, "0")
	for ; scale < 0 && digits != "" && len(digits) <= MaxPrecision; scale++ {
		digits += "0"
	}
	for scale > MaxPrecision && strings.HasSuffix(digits, "0") {
		digits, scale = digits[:len(digits)-1], scale-1
	}
	if digits == "" {
		return Decimal{scale: uint8(min(max(scale, 0), MaxPrecision))}, nil
	}
	if len(digits) > MaxPrecision || scale > MaxPrecision {
		return Decimal{}, errDecimalDigits
	}
	units, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return Decimal{}, errDecimalSyntax
	}
	if negative {
		units = -units
	}
	return Decimal{units: units, scale: uint8(scale)}, nil //nolint:gosec // between 0 and MaxPrecision
}

// MustDecimal is [ParseDecimal] for constants; it panics where that fails.
func MustDecimal(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic("model: " + strconv.Quote(s) + ": " + err.Error())
	}
	return d
}

// Units returns the number without its point: 1250 for 12.50.
func (d Decimal) Units() int64 { return d.units }

// Scale returns the number of digits after the point.
func (d Decimal) Scale() int { return int(d.scale) }

// Rescale returns the same number with another scale, and whether that can be
// done exactly.
func (d Decimal) Rescale(scale int) (Decimal, bool) {
	if scale < 0 || scale > MaxPrecision {
		return Decimal{}, false
	}
	if by := scale - int(d.scale); by >= 0 {
		hi, lo := bits.Mul64(magnitude(d.units), magnitude(pow10[by]))
		if hi != 0 || lo >= magnitude(pow10[MaxPrecision]) {
			return Decimal{}, false
		}
		return Decimal{units: d.units * pow10[by], scale: uint8(scale)}, true
	}
	p := pow10[int(d.scale)-scale]
	return Decimal{units: d.units / p, scale: uint8(scale)}, d.units%p == 0
}

// Cmp returns -1, 0 or +1 as d is less than, equal to or more than e.
func (d Decimal) Cmp(e Decimal) int {
	if d.scale == e.scale {
		return cmp.Compare(d.units, e.units)
	}
	if sd, se := cmp.Compare(d.units, 0), cmp.Compare(e.units, 0); sd != se {
		return cmp.Compare(sd, se)
	}
	scale := max(d.scale, e.scale)
	dh, dl := bits.Mul64(magnitude(d.units), magnitude(pow10[scale-d.scale]))
	eh, el := bits.Mul64(magnitude(e.units), magnitude(pow10[scale-e.scale]))
	c := cmp.Or(cmp.Compare(dh, eh), cmp.Compare(dl, el))
	if d.units < 0 {
		return -c
	}
	return c
}

// Add returns d + e with the longer of their scales, and whether that fits into 18
// digits. Nothing is rounded.
func (d Decimal) Add(e Decimal) (Decimal, bool) {
	scale := int(max(d.scale, e.scale))
	d, fitsD := d.Rescale(scale)
	e, fitsE := e.Rescale(scale)
	return sized(d.units+e.units, scale, fitsD && fitsE)
}

// Sub returns d - e as Add does.
func (d Decimal) Sub(e Decimal) (Decimal, bool) {
	e.units = -e.units
	return d.Add(e)
}

// Mul returns d × e with the sum of their scales, and whether that fits into 18
// digits: 12.50 × 3 is 37.50. Nothing is rounded; [Decimal.Rescale] takes zeros off.
func (d Decimal) Mul(e Decimal) (Decimal, bool) {
	hi, lo := bits.Mul64(magnitude(d.units), magnitude(e.units))
	return sized(d.units*e.units, int(d.scale)+int(e.scale), hi == 0 && lo < magnitude(pow10[MaxPrecision]))
}

// sized returns units / 10^scale if it is a decimal.
func sized(units int64, scale int, ok bool) (Decimal, bool) {
	if !ok || scale < 0 || scale > MaxPrecision || !fits(units, MaxPrecision) {
		return Decimal{}, false
	}
	return Decimal{units: units, scale: uint8(scale)}, true
}

// String returns the number with all digits of its scale: 12.50.
func (d Decimal) String() string { return string(d.Append(nil)) }

// Append appends the number to dst.
func (d Decimal) Append(dst []byte) []byte {
	if d.scale == 0 {
		return strconv.AppendInt(dst, d.units, 10)
	}
	if d.units < 0 {
		dst = append(dst, '-')
	}
	p := magnitude(pow10[d.scale])
	m := magnitude(d.units)
	dst = strconv.AppendUint(dst, m/p, 10)
	dst = append(dst, '.')
	frac := m % p
	for q := p / 10; q > 1 && frac < q; q /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendUint(dst, frac, 10)
}

// MarshalJSON returns the number with its exact digits.
func (d Decimal) MarshalJSON() ([]byte, error) { return d.Append(nil), nil }

// UnmarshalJSON reads a JSON number. Strings and null are refused.
func (d *Decimal) UnmarshalJSON(data []byte) error {
	v, err := ParseDecimal(string(data))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// fits reports whether n has at most that many digits.
func fits(n int64, digits int) bool { return magnitude(n) < magnitude(pow10[digits]) }

// magnitude returns the absolute value.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n) //nolint:gosec // two's complement: right for the least number, too
	}
	return uint64(n)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
