package model

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Date is a day without a time or zone. The zero value is no day; it is never
// read from a request or a database.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

const (
	dateLayout = "2006-01-02"
	// timeLayout is how times look in answers and in SQLite: fixed width, so
	// that text compares as time does.
	timeLayout = "2006-01-02T15:04:05.000000Z"
)

var errYear = errors.New("year not between 1 and 9999")

// ParseDate reads a day as RFC 3339 spells it: 2026-11-21.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(dateLayout, s)
	if err != nil || t.Year() < 1 {
		return Date{}, fmt.Errorf("%s: not a date", strconv.Quote(s))
	}
	return DateOf(t), nil
}

// DateOf returns the day of t in its zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{Year: y, Month: m, Day: d}
}

// Time returns the first moment of the day in UTC.
func (d Date) Time() time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}

// String returns the day as RFC 3339 spells it.
func (d Date) String() string { return string(d.append(nil)) }

func (d Date) append(dst []byte) []byte { return d.Time().AppendFormat(dst, dateLayout) }

// MarshalText returns the day as RFC 3339 spells it.
func (d Date) MarshalText() ([]byte, error) { return d.append(nil), nil }

// UnmarshalText reads a day as [ParseDate] does.
func (d *Date) UnmarshalText(text []byte) error {
	v, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// ParseTime reads a moment as RFC 3339 spells it, and returns it in UTC, cut to
// the microsecond.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || !strictTime(s) {
		return time.Time{}, fmt.Errorf("%s: not an RFC 3339 time", strconv.Quote(s))
	}
	t = Moment(t)
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, errYear
	}
	return t, nil
}

// strictTime looks at what time.Parse is lax about: hours of one digit, a comma
// before the fraction, zones beyond a day.
func strictTime(s string) bool {
	zone := s[len(s)-1:]
	if zone != "Z" {
		zone = s[len(s)-len("07:00"):]
	}
	return s[len("2006-01-02T15")] == ':' && !strings.Contains(s, ",") &&
		(zone == "Z" || zone[:2] < "24" && zone[3:] < "60")
}

// Moment returns t as it is kept: in UTC, cut to the microsecond.
func Moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// AppendTime appends t as answers spell it: 2026-11-21T11:45:40.123456Z.
func AppendTime(dst []byte, t time.Time) []byte { return t.UTC().AppendFormat(dst, timeLayout) }
