package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/gatewright/gate/store"
)

// Bind returns v, a value as [Field.Value] answers it, as an argument for the
// database. Values keep their type: numbers are bound as numbers.
func (f *Field) Bind(d store.Dialect, v any) any {
	switch v := v.(type) {
	case Decimal:
		if d == store.SQLite {
			return v.units // a column of units; the scale is that of the field
		}
		return v.String()
	case Date:
		return v.String()
	case time.Time:
		if d == store.SQLite {
			return string(AppendTime(nil, v))
		}
		return v
	case bool:
		if d == store.SQLite {
			if v {
				return int64(1)
			}
			return int64(0)
		}
		return v
	case json.RawMessage:
		return string(v)
	case []string:
		return string(appendStrings(nil, v))
	case Geo:
		return string(v.append(nil))
	case File:
		return string(v.stored())
	}
	return v
}

// A Cell is where a column is scanned to: one field of one row. Cells are made
// once for a query and pointed to the next row by setting P.
type Cell struct {
	Field *Field
	P     any // the address of the field in the row
	Bytes int // of text that were scanned by way of this cell
}

// Scan implements [database/sql.Scanner]. It takes what the drivers of both
// dialects answer, and copies it.
func (c *Cell) Scan(src any) error {
	if src == nil {
		if c.Field.Required {
			return fmt.Errorf("column %s: null in a required field", c.Field.Column)
		}
		c.Field.Clear(c.P)
		return nil
	}
	switch text := src.(type) {
	case string:
		c.Bytes += len(text)
	case []byte:
		c.Bytes += len(text)
	}
	if err := c.scan(src); err != nil {
		return fmt.Errorf("column %s: %w", c.Field.Column, err)
	}
	return nil
}

func (c *Cell) scan(src any) error {
	switch p := c.P.(type) {
	case *string:
		return scanString(p, src)
	case *int64:
		return scanInt(p, src)
	case *Decimal:
		return c.Field.scanDecimal(p, src)
	case *time.Time:
		return scanTime(p, src)
	case *bool:
		return scanBool(p, src)
	case *float64:
		return scanFloat(p, src)
	case *Date:
		return scanDate(p, src)
	case *json.RawMessage:
		if err := scanJSON(p, src); err != nil {
			return err
		}
		return compact(p)
	case *[]string:
		return scanStrings(p, src)
	case *Geo:
		return scanGeo(p, src)
	case **Geo:
		*p = new(Geo)
		return scanGeo(*p, src)
	case **File:
		*p = new(File)
		return scanFile(*p, src)
	case **string:
		*p = new(string)
		return scanString(*p, src)
	case **int64:
		*p = new(int64)
		return scanInt(*p, src)
	case **Decimal:
		*p = new(Decimal)
		return c.Field.scanDecimal(*p, src)
	case **time.Time:
		*p = new(time.Time)
		return scanTime(*p, src)
	case **bool:
		*p = new(bool)
		return scanBool(*p, src)
	case **float64:
		*p = new(float64)
		return scanFloat(*p, src)
	case **Date:
		*p = new(Date)
		return scanDate(*p, src)
	}
	panic(unknownPointer(c.P))
}

func scanString(p *string, src any) error {
	switch src := src.(type) {
	case string:
		*p = src
	case []byte:
		*p = string(src)
	case [16]byte:
		*p = fmt.Sprintf("%x-%x-%x-%x-%x", src[0:4], src[4:6], src[6:8], src[8:10], src[10:16])
	default:
		return mismatch(src, "a text")
	}
	return nil
}

func scanInt(p *int64, src any) (err error) {
	switch src := src.(type) {
	case int64:
		*p = src
	case string:
		*p, err = strconv.ParseInt(src, 10, 64)
	case []byte:
		*p, err = strconv.ParseInt(string(src), 10, 64)
	default:
		return mismatch(src, "an integer")
	}
	return err
}

func (f *Field) scanDecimal(p *Decimal, src any) error {
	var text string
	switch src := src.(type) {
	case int64: // units; see Bind
		if !fits(src, MaxPrecision) {
			return errDecimalDigits
		}
		*p = NewDecimal(src, f.Scale)
		return nil
	case string:
		text = src
	case []byte:
		text = string(src)
	default:
		return mismatch(src, "a decimal")
	}
	d, err := ParseDecimal(text)
	if err != nil {
		return err
	}
	scaled, exact := d.Rescale(f.Scale)
	if !exact {
		return errDecimalDigits
	}
	*p = scaled
	return nil
}

func scanTime(p *time.Time, src any) (err error) {
	switch src := src.(type) {
	case time.Time:
		*p = Moment(src)
	case string:
		*p, err = parseStoredTime(src)
	case []byte:
		*p, err = parseStoredTime(string(src))
	default:
		return mismatch(src, "a time")
	}
	return err
}

// parseStoredTime reads the fixed-width form in which SQLite keeps times, and
// RFC 3339 where somebody else wrote the row.
func parseStoredTime(s string) (time.Time, error) {
	if len(s) == len(timeLayout) && s[4] == '-' && s[7] == '-' && s[10] == 'T' && s[13] == ':' && s[16] == ':' &&
		s[19] == '.' && s[26] == 'Z' {
		year, month, day := digits(s[0:4]), digits(s[5:7]), digits(s[8:10])
		hour, minute, second, micro := digits(s[11:13]), digits(s[14:16]), digits(s[17:19]), digits(s[20:26])
		if min(year, month, day, hour, minute, second, micro) >= 0 {
			t := time.Date(year, time.Month(month), day, hour, minute, second, micro*1000, time.UTC)
			if t.Day() == day && t.Hour() == hour && t.Minute() == minute {
				return t, nil
			}
		}
	}
	return ParseTime(s)
}

// digits returns the number that s spells, -1 if it spells none.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

func scanBool(p *bool, src any) error {
	switch src := src.(type) {
	case bool:
		*p = src
	case int64:
		*p = src != 0
	default:
		return mismatch(src, "a boolean")
	}
	return nil
}

func scanFloat(p *float64, src any) (err error) {
	switch src := src.(type) {
	case float64:
		*p = src
	case int64:
		*p = float64(src)
	case string:
		*p, err = strconv.ParseFloat(src, 64)
	default:
		return mismatch(src, "a number")
	}
	return err
}

func scanDate(p *Date, src any) (err error) {
	switch src := src.(type) {
	case time.Time:
		*p = DateOf(src)
	case string:
		*p, err = ParseDate(src)
	case []byte:
		*p, err = ParseDate(string(src))
	default:
		return mismatch(src, "a date")
	}
	return err
}

func scanJSON(p *json.RawMessage, src any) error {
	switch src := src.(type) {
	case string:
		*p = json.RawMessage(src)
	case []byte:
		*p = append(json.RawMessage(nil), src...)
	default:
		return mismatch(src, "JSON")
	}
	return nil
}

// compact takes the blanks out that jsonb writes behind colons and commas.
func compact(p *json.RawMessage) error {
	out := bytes.NewBuffer(make([]byte, 0, len(*p)))
	if err := json.Compact(out, *p); err != nil {
		return fmt.Errorf("a JSON column: %w", err)
	}
	*p = out.Bytes()
	return nil
}

func scanStrings(p *[]string, src any) error {
	var raw json.RawMessage
	if err := scanJSON(&raw, src); err != nil {
		return err
	}
	list := []string{}
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	*p = list
	return nil
}

func mismatch(src any, want string) error { return fmt.Errorf("%T is not %s", src, want) }
