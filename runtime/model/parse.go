package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatewright/gate/internal/address"
)

// Bounds that no design lifts.
const (
	maxPassword = 1024 // bytes; what hashing it may cost
	maxRoles    = 100
)

// Parse reads a value for the field from outside: a string is read as the
// field's type spells it (that is how values stand in a URL), a Go number, bool,
// time, [Date] or [Decimal] is taken as what it is. The answer is as
// [Field.Value] answers it, and nil for nil. The rules of the field hold, save
// that nil is not refused. The error is for people.
func (f *Field) Parse(v any) (any, error) {
	value, bad := f.parse(v)
	if bad.bad() {
		return nil, errors.New(bad.message)
	}
	return value, nil
}

// ParseComparand is [Field.Parse] for a value that rows are compared with: what
// is beyond the minimum, maximum, length or pattern of the field is no mistake
// there. A multi-enum is compared with one of its values.
func (f *Field) ParseComparand(v any) (any, error) {
	loose := *f
	loose.MinLength, loose.MaxLength, loose.bounds, loose.pattern = 0, 0, bounds{}, nil
	switch f.Type {
	case Email, URL, Username:
		loose.Type = Text
	case MultiEnum:
		loose.Type = Enum
	}
	return loose.Parse(v)
}

func (f *Field) parse(v any) (any, fault) {
	if v == nil {
		return nil, fault{}
	}
	switch f.Type {
	case Integer:
		return f.parseInteger(v)
	case DecimalType:
		return f.parseDecimal(v)
	case Float:
		return f.parseFloat(v)
	case Boolean:
		return parseBoolean(v)
	case DateType:
		return f.parseDate(v)
	case DateTime, CreatedAt, UpdatedAt:
		return f.parseTime(v)
	case ID, Relation:
		return f.parseID(v)
	case Roles:
		return parseRoles(v)
	case MultiEnum:
		return f.parseValues(v)
	case GeoType:
		return parseGeo(v)
	case FileType:
		if file, ok := v.(File); ok {
			return file, fault{}
		}
		return nil, fault{CodeType, "must be " + f.wants()}
	case JSON:
		raw, ok := v.(json.RawMessage)
		if !ok || !json.Valid(raw) {
			return nil, fault{CodeType, "must be JSON"}
		}
		return decodeJSON(raw)
	default:
		s, ok := Plain(v).(string)
		if !ok {
			return nil, fault{CodeType, "must be a string"}
		}
		return s, f.checkText(s)
	}
}

func (f *Field) parseInteger(v any) (any, fault) {
	var text string
	switch v := v.(type) {
	case int64:
		return v, f.checkNumber(v)
	case int:
		return int64(v), f.checkNumber(int64(v))
	case string:
		text = v
	case json.Number:
		text = v.String()
	case float64:
		text = strconv.FormatFloat(v, 'g', -1, 64)
	default:
		return nil, fault{CodeType, "must be an integer"}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && !strings.HasPrefix(text, "+") {
		return n, f.checkNumber(n)
	}
	if d, derr := ParseDecimal(text); derr == nil { // 1e3, 5.0
		if d, whole := d.Rescale(0); whole {
			return d.units, f.checkNumber(d.units)
		}
		return nil, fault{CodeType, "must be an integer"}
	}
	if errors.Is(err, strconv.ErrRange) {
		return nil, fault{CodeTooLarge, "must fit into 64 bits"}
	}
	return nil, fault{CodeType, "must be an integer"}
}

// checkNumber compares an integer with the limits of the field.
func (f *Field) checkNumber(n int64) fault {
	if f.bounds.min != nil && cmpInt(n, *f.bounds.min) < 0 {
		return fault{CodeTooSmall, "must be " + f.Min + " or more"}
	}
	if f.bounds.max != nil && cmpInt(n, *f.bounds.max) > 0 {
		return fault{CodeTooLarge, "must be " + f.Max + " or less"}
	}
	return fault{}
}

// cmpInt compares an integer of any size with a decimal.
func cmpInt(n int64, d Decimal) int { return Decimal{units: n}.Cmp(d) }

func (f *Field) parseDecimal(v any) (any, fault) {
	d, err := toDecimal(v)
	if errors.Is(err, errDecimalDigits) {
		return nil, fault{CodePrecision, f.digits()}
	}
	if err != nil {
		return nil, fault{CodeType, "must be a number"}
	}
	scaled, exact := d.Rescale(f.Scale)
	if !exact || !fits(scaled.units, f.Precision) {
		return nil, fault{CodePrecision, f.digits()}
	}
	if f.bounds.min != nil && scaled.Cmp(*f.bounds.min) < 0 {
		return nil, fault{CodeTooSmall, "must be " + f.Min + " or more"}
	}
	if f.bounds.max != nil && scaled.Cmp(*f.bounds.max) > 0 {
		return nil, fault{CodeTooLarge, "must be " + f.Max + " or less"}
	}
	return scaled, fault{}
}

func (f *Field) digits() string {
	return fmt.Sprintf("must have at most %d digits, %d of them after the point", f.Precision, f.Scale)
}

func toDecimal(v any) (Decimal, error) {
	switch v := v.(type) {
	case Decimal:
		return v, nil
	case string:
		return ParseDecimal(v)
	case json.Number:
		return ParseDecimal(v.String())
	case int:
		return ParseDecimal(strconv.Itoa(v))
	case int64:
		return ParseDecimal(strconv.FormatInt(v, 10))
	case float64:
		return ParseDecimal(strconv.FormatFloat(v, 'g', -1, 64))
	}
	return Decimal{}, errDecimalSyntax
}

func (f *Field) parseFloat(v any) (any, fault) {
	n, ok := toFloat(v)
	switch {
	case !ok:
		return nil, fault{CodeType, "must be a number"}
	case math.IsInf(n, 0) || math.IsNaN(n):
		return nil, fault{CodeTooLarge, "must be a finite number"}
	case f.bounds.fmin != nil && n < *f.bounds.fmin:
		return nil, fault{CodeTooSmall, "must be " + f.Min + " or more"}
	case f.bounds.fmax != nil && n > *f.bounds.fmax:
		return nil, fault{CodeTooLarge, "must be " + f.Max + " or less"}
	}
	return n, fault{}
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case json.Number:
		return parseJSONFloat(v.String())
	case string:
		return parseJSONFloat(v)
	}
	return 0, false
}

// parseJSONFloat reads only what JSON calls a number: no hexadecimal, no
// underscores, no "Infinity".
func parseJSONFloat(s string) (float64, bool) {
	if strings.Trim(s, "+-.0123456789eE") != "" || !json.Valid([]byte(s)) {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil || errors.Is(err, strconv.ErrRange)
}

func parseBoolean(v any) (any, fault) {
	switch v {
	case true, "true":
		return true, fault{}
	case false, "false":
		return false, fault{}
	}
	return nil, fault{CodeType, "must be true or false"}
}

func (f *Field) parseDate(v any) (any, fault) {
	switch v := v.(type) {
	case Date:
		if v == DateOf(v.Time()) && v.Year >= 1 && v.Year <= 9999 {
			return v, f.checkMoment(v.Time())
		}
	case string:
		if d, err := ParseDate(v); err == nil {
			return d, f.checkMoment(d.Time())
		}
	default:
		return nil, fault{CodeType, "must be a date such as 2026-11-21"}
	}
	return nil, fault{CodeFormat, "must be a date such as 2026-11-21"}
}

// checkMoment compares a time, or the first moment of a day, with the limits of the
// field.
func (f *Field) checkMoment(t time.Time) fault {
	switch {
	case f.bounds.tmin != nil && t.Before(*f.bounds.tmin):
		return fault{CodeTooSmall, "must be " + f.Min + " or later"}
	case f.bounds.tmax != nil && t.After(*f.bounds.tmax):
		return fault{CodeTooLarge, "must be " + f.Max + " or earlier"}
	}
	return fault{}
}

func (f *Field) parseTime(v any) (any, fault) {
	switch v := v.(type) {
	case time.Time:
		if t := Moment(v); t.Year() >= 1 && t.Year() <= 9999 {
			return t, f.checkMoment(t)
		}
	case string:
		if t, err := ParseTime(v); err == nil {
			return t, f.checkMoment(t)
		}
	default:
		return nil, fault{CodeType, "must be a time such as 2026-11-21T11:45:40Z"}
	}
	return nil, fault{CodeFormat, "must be a time such as 2026-11-21T11:45:40Z"}
}

func (f *Field) parseID(v any) (any, fault) {
	if f.ID == Serial {
		return parseSerial(v)
	}
	s, ok := v.(string)
	if !ok {
		return nil, fault{CodeType, "must be a string"}
	}
	id, ok := f.ID.Parse(s)
	if !ok {
		return nil, fault{CodeFormat, "must be a " + f.ID.String()}
	}
	return id, fault{}
}

// parseSerial takes a number that the database has counted, in one spelling: what
// tells rows apart by their identifiers, a cache or a log, would take 7.0 for
// another one than 7.
func parseSerial(v any) (any, fault) {
	switch text := v.(type) {
	case string:
		if _, ok := Serial.Parse(text); !ok {
			return nil, fault{CodeType, "must be a positive integer"}
		}
	case json.Number:
		if _, ok := Serial.Parse(text.String()); !ok {
			return nil, fault{CodeType, "must be a positive integer"}
		}
	}
	n, bad := (&Field{Type: Integer}).parseInteger(v)
	if id, ok := n.(int64); bad.bad() || !ok || id <= 0 {
		return nil, fault{CodeType, "must be a positive integer"}
	}
	return n, fault{}
}

// checkText checks the string of any text type.
func (f *Field) checkText(s string) fault {
	if bad := checkRunes(s); bad.bad() {
		return bad
	}
	n := utf8.RuneCountInString(s)
	switch {
	case n == 0 && f.Required && f.MinLength == 0 && f.Type != Text && f.Type != LongText && f.Type != Enum:
		return fault{CodeRequired, "must not be empty"}
	case n < f.MinLength:
		return fault{CodeTooShort, "must have at least " + count(f.MinLength, "character")}
	case f.MaxLength > 0 && n > f.MaxLength:
		return fault{CodeTooLong, "must have at most " + count(f.MaxLength, "character")}
	}
	switch f.Type {
	case Text:
		if f.pattern != nil && !f.pattern.MatchString(s) {
			return fault{CodeFormat, "must match " + f.Pattern}
		}
	case Email:
		if !address.IsEmail(s) {
			return fault{CodeFormat, "must be an e-mail address"}
		}
	case URL:
		if !address.IsURL(s) {
			return fault{CodeFormat, "must be an address that begins with http:// or https://"}
		}
		if len(s) > address.MaxURL {
			return fault{CodeTooLong, fmt.Sprintf("must have at most %d bytes", address.MaxURL)}
		}
	case Username:
		return checkUsername(s)
	case Enum:
		if !slices.Contains(f.Values, s) {
			return f.notAValue()
		}
	case Password:
		if len(s) > maxPassword {
			return fault{CodeTooLong, fmt.Sprintf("must have at most %d bytes", maxPassword)}
		}
	}
	return fault{}
}

func count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}

// checkRunes refuses what no database keeps as text.
func checkRunes(s string) fault {
	if !utf8.ValidString(s) {
		return fault{CodeFormat, "must be valid Unicode"}
	}
	if strings.IndexByte(s, 0) >= 0 {
		return fault{CodeFormat, "must not contain the character NUL"}
	}
	return fault{}
}

// checkUsername wants ASCII, so that no two names look or compare alike.
func checkUsername(s string) fault {
	if s == "" || !onlyOf(s, alphanumeric+"._-@+") {
		return fault{CodeFormat, "must be made of letters, digits and . _ - @ +"}
	}
	return fault{}
}
