package design

import (
	"fmt"
	"time"

	"github.com/gatewright/gate/internal/pattern"
)

// limit reads min or max: of a number as its exact literal, of a day or an instant
// in one spelling.
func (l *loader) limit(f *Field, n *node, path string) string {
	if f.Type != Date && f.Type != DateTime {
		return l.number(f, n, path)
	}
	s, ok := l.text(n, path, maxName)
	if !ok {
		return ""
	}
	t, ok := f.moment(s)
	switch {
	case !ok && f.Type == Date:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s %s is no day such as 2006-01-02", last(path), quote(s)), "")
	case !ok:
		l.errs.Add(n.pos, path, fmt.Sprintf("%s %s is no instant such as 2006-01-02T15:04:05Z", last(path), quote(s)), "")
	case f.Type == Date:
		return t.Format(time.DateOnly)
	default:
		return t.Format(time.RFC3339Nano)
	}
	return ""
}

// moment reads a day, or an instant, which is kept to the microsecond.
func (f *Field) moment(s string) (time.Time, bool) {
	layout := time.DateOnly
	if f.Type == DateTime {
		layout = time.RFC3339Nano
	}
	t, err := time.Parse(layout, s)
	t = t.UTC().Truncate(time.Microsecond)
	return t, err == nil && t.Year() >= 1 && t.Year() <= 9999
}

// untimely says why a day or an instant, or "now", is beyond the limits of a field.
func (f *Field) untimely(s string) string {
	if s != nowWord {
		return f.outside(s)
	}
	if f.Max != "" {
		return "is greater than max " + f.Max + " some day"
	}
	return ""
}

// pattern reads a regular expression.
func (l *loader) pattern(n *node, path string) string {
	s, ok := l.text(n, path, pattern.MaxSize)
	if !ok {
		return ""
	}
	if _, err := pattern.Compile(s); err != nil {
		l.errs.Add(n.pos, path, fmt.Sprintf("pattern %s %s", quote(s), err), "it is in the syntax of RE2, and matches the text as a whole: [A-Z]{2}-[0-9]{4}")
		return ""
	}
	return s
}

// mismatch says why a text does not match the pattern of its field.
func (f *Field) mismatch(s string) string {
	if f.Pattern == "" {
		return ""
	}
	if re, err := pattern.Compile(f.Pattern); err != nil || !re.MatchString(s) {
		return "does not match the pattern " + f.Pattern
	}
	return ""
}
