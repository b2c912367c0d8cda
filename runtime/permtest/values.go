package permtest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/internal/pattern"
	"github.com/gatewright/gate/runtime/model"
)

// value returns a value for a field that is valid by its type, another one for
// another n as far as the type has more; nil for what has none that a row could
// be sent with.
func value(f *model.Field, n int) any {
	switch f.Type {
	case model.Text, model.LongText:
		if f.Pattern == "" {
			return text(f, "sample ", n)
		}
		if s, ok := pattern.Sample(f.Pattern, n, f.MinLength, f.MaxLength); ok {
			return s
		}
		return nil
	case model.Username:
		return text(f, "sample-", n)
	case model.Email:
		return fmt.Sprintf("sample%d@permtest.example", n)
	case model.URL:
		return fmt.Sprintf("https://permtest.example/%d", n)
	case model.Password:
		return text(f, "quince-Harbour-lantern-", n)
	case model.Enum:
		return f.Values[n%len(f.Values)]
	case model.MultiEnum:
		return []string{f.Values[n%len(f.Values)]}
	case model.GeoType:
		return map[string]any{"lat": json.Number(strconv.Itoa(n % 90)), "lng": json.Number(strconv.Itoa(n % 180))}
	case model.Integer:
		return number(f, n, 0, 9)
	case model.DecimalType:
		return number(f, n, f.Scale, f.Precision-f.Scale)
	case model.Float:
		return number(f, n, 1, 6)
	case model.Boolean:
		return n%2 == 0
	case model.DateType:
		return moment(f, n, time.DateOnly, 24*time.Hour)
	case model.DateTime:
		return moment(f, n, time.RFC3339Nano, time.Minute)
	case model.JSON:
		return map[string]any{"sample": json.Number(strconv.Itoa(n))}
	}
	return nil
}

// moment is one within the limits of the field, so many steps after another.
func moment(f *model.Field, n int, layout string, step time.Duration) string {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	least, errLeast := time.Parse(layout, f.Min)
	most, errMost := time.Parse(layout, f.Max)
	if errLeast == nil {
		first = least
	}
	if errMost == nil {
		if errLeast != nil && first.Add(1000*step).After(most) {
			first = most.Add(-1000 * step)
		}
		n %= int(min(most.Sub(first)/step, 1000)) + 1
	}
	return first.Add(time.Duration(n) * step).Format(layout)
}

// text is a text of the field's length that ends in a number.
func text(f *model.Field, lead string, n int) string {
	s := lead + strconv.Itoa(n)
	if f.MaxLength > 0 && len(s) > f.MaxLength {
		digits := strconv.FormatInt(int64(n), 36)
		s = strings.Repeat("x", max(0, f.MaxLength-len(digits))) + digits
		s = s[len(s)-f.MaxLength:]
	}
	return strings.Repeat("x", max(0, f.MinLength-len(s))) + s
}

// number is a number within the limits of the field, with that many digits after
// the point and at most digits before it.
func number(f *model.Field, n, scale, digits int) json.Number {
	step := new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	most := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
	most.Sub(most, step)
	least := new(big.Rat)
	if lo, ok := new(big.Rat).SetString(f.Min); ok {
		least = lo
	}
	if hi, ok := new(big.Rat).SetString(f.Max); ok && hi.Cmp(most) < 0 {
		most = hi
		if f.Min == "" && hi.Sign() < 0 {
			least = new(big.Rat).Sub(hi, big.NewRat(1000, 1))
		}
	}
	first := new(big.Rat).Quo(least, step) // the first multiple of step from least on
	units := new(big.Int).Neg(new(big.Int).Div(new(big.Int).Neg(first.Num()), first.Denom()))
	span := new(big.Rat).Quo(new(big.Rat).Sub(most, least), step)
	room := new(big.Int).Div(span.Num(), span.Denom())
	if room.Sign() > 0 {
		units.Add(units, new(big.Int).Mod(big.NewInt(int64(n)), room.Add(room, big.NewInt(1))))
	}
	return json.Number(new(big.Rat).Mul(new(big.Rat).SetInt(units), step).FloatString(scale))
}

// other returns a value of the field that is none of these; false if there is
// none.
func other(f *model.Field, values []any) (any, bool) {
	for n := range len(values) + max(4, len(f.Values)) {
		v := value(f, n)
		if v != nil && !slices.ContainsFunc(values, func(o any) bool { return equal(v, o) }) {
			return v, true
		}
	}
	return nil, !f.Required && len(values) > 0
}

// equal compares values as JSON has them; numbers by what they are.
func equal(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	x, xok := new(big.Rat).SetString(fmt.Sprint(a))
	y, yok := new(big.Rat).SetString(fmt.Sprint(b))
	_, text := a.(string)
	if xok && yok && !text {
		return x.Cmp(y) == 0
	}
	return fmt.Sprint(a) == fmt.Sprint(b)
}

// holds reports whether a row with these values is as the clauses say. The names
// of fields are those of the design, for which key says what stands in JSON.
func holds(where []clause, values map[string]any, key func(string) string) bool {
	return !slices.ContainsFunc(where, func(c clause) bool { return !c.holds(values[key(c.Field)]) })
}

func (c *clause) holds(v any) bool {
	if len(c.Values) == 0 {
		return (v == nil) != c.Not
	}
	return slices.ContainsFunc(c.Values, func(o any) bool { return equal(v, o) }) != c.Not
}

// met returns a value of which the clause holds, or with not one of which it does
// not; false if there is none.
func (c *clause) met(f *model.Field, not bool) (any, bool) {
	is := c.Not == not // the field has the value
	switch {
	case len(c.Values) == 0 && is:
		return nil, !f.Required
	case len(c.Values) == 0:
		v := value(f, 1)
		return v, v != nil
	case is:
		return c.Values[0], true
	}
	return other(f, c.Values)
}
