package design

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gatewright/gate/internal/address"
)

// number reads a limit of a numeric field as its exact literal.
func (l *loader) number(f *Field, n *node, path string) string {
	ok := n.kind == KindInteger || n.kind == KindFloat
	if ok && f.Type == Int {
		ok = isInt64(n.text)
	} else if ok && f.Type == Decimal {
		ok = exactNumber.MatchString(n.text)
	} else if ok {
		ok = isFloat64(n.text)
	}
	if !ok {
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be %s, not %s", last(path), numberNoun(f.Type), n.describe()), "")
		return ""
	}
	return strings.TrimPrefix(n.text, "+")
}

func numberNoun(t Type) string {
	switch t {
	case Int:
		return "a whole number of 64 bits"
	case Decimal:
		return "a number such as 9.99"
	default:
		return "a number"
	}
}

func isInt64(s string) bool {
	if !wholeNumber.MatchString(s) {
		return false
	}
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

func isFloat64(s string) bool {
	if strings.ContainsAny(s, "_xXoObBpP") {
		return false
	}
	v, err := strconv.ParseFloat(s, 64)
	return err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
}

// compare orders two literals that number or [Field.moment] accepted.
func (f *Field) compare(a, b string) int {
	if f.Type == Date || f.Type == DateTime {
		x, _ := f.moment(a)
		y, _ := f.moment(b)
		return x.Compare(y)
	}
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	if !okX || !okY {
		return 0
	}
	return x.Cmp(y)
}

// misfit says why a literal has too many digits for a decimal field.
func (f *Field) misfit(literal string) string {
	if f.Type != Decimal {
		return ""
	}
	whole, fraction, _ := strings.Cut(strings.TrimLeft(literal, "+-"), ".")
	if len(fraction) > f.Scale {
		return fmt.Sprintf("has more than %d digits after the point", f.Scale)
	}
	if whole != "0" && len(whole) > f.Precision-f.Scale {
		return fmt.Sprintf("has more than %d digits before the point", f.Precision-f.Scale)
	}
	return ""
}

// outside says why a literal is beyond the limits of a field.
func (f *Field) outside(literal string) string {
	switch {
	case f.Min != "" && f.compare(literal, f.Min) < 0:
		return "is less than min " + f.Min
	case f.Max != "" && f.compare(literal, f.Max) > 0:
		return "is greater than max " + f.Max
	}
	return ""
}

func (l *loader) defaultValue(f *Field, n *node, path string) {
	if f.Unique {
		l.errs.Add(n.pos, path, "a unique field cannot have a default: only one row could use it", "")
		return
	}
	switch f.Type {
	case Boolean:
		if v, ok := l.boolean(n, path); ok {
			f.Default = v
		}
	case Int, Decimal, Float:
		l.defaultNumber(f, n, path)
	case MultiEnum:
		l.defaultValues(f, n, path)
	default:
		s, ok := l.text(n, path, lengthLimit(f.Type))
		if !ok {
			return
		}
		if wrong := f.wrongText(s); wrong != "" {
			l.errs.Add(n.pos, path, fmt.Sprintf("default %s %s", quote(s), wrong), "")
			return
		}
		f.Default = s
	}
}

func (l *loader) defaultNumber(f *Field, n *node, path string) {
	s := l.number(f, n, path)
	if s == "" {
		return
	}
	wrong := f.misfit(s)
	if wrong == "" {
		wrong = f.outside(s)
	}
	if wrong != "" {
		l.errs.Add(n.pos, path, "default "+s+" "+wrong, "")
		return
	}
	switch f.Type {
	case Int:
		f.Default, _ = strconv.ParseInt(s, 10, 64)
	case Float:
		f.Default, _ = strconv.ParseFloat(s, 64)
	default:
		f.Default = s
	}
}

// wrongText says why a text is no value of a field.
func (f *Field) wrongText(s string) string {
	switch n := utf8.RuneCountInString(s); {
	case n < f.MinLength:
		return fmt.Sprintf("is shorter than minLength %d", f.MinLength)
	case f.MaxLength > 0 && n > f.MaxLength:
		return fmt.Sprintf("is longer than maxLength %d", f.MaxLength)
	case f.Required && s == "":
		return "is empty, and the field is required"
	case strings.IndexByte(s, 0) >= 0:
		return "has the character NUL, which no database keeps as text"
	}
	switch f.Type {
	case Email:
		if !address.IsEmail(s) {
			return "is not an e-mail address"
		}
	case URL:
		if !address.IsURL(s) {
			return "is not an address that starts with http:// or https://"
		}
		if len(s) > address.MaxURL {
			return fmt.Sprintf("is longer than %d bytes", address.MaxURL)
		}
	case Enum:
		return f.notAValue(s)
	case Text:
		return f.mismatch(s)
	case Date:
		if _, ok := f.moment(s); !ok && s != nowWord {
			return `is neither a day such as 2006-01-02 nor "now"`
		}
		return f.untimely(s)
	case DateTime:
		if _, ok := f.moment(s); !ok && s != nowWord {
			return `is neither an instant such as 2006-01-02T15:04:05Z nor "now"`
		}
		return f.untimely(s)
	}
	return ""
}

const nowWord = "now"
