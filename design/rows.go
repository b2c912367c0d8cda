package design

import (
	"fmt"
	"strings"
)

// ParseValues reads a YAML file of the user's that belongs to a design and is none,
// such as one with rows: within the limits of [Parse], with every value in its
// place. name is the file name that positions carry. A file that holds nothing is
// of [KindNull]. If anything is wrong, the error is an [*Errors].
func ParseValues(name string, src []byte) (*Setting, error) {
	l := &loader{errs: &Errors{}}
	root := readYAML(name, src, l.errs)
	if root == nil {
		return nil, l.errs.Err()
	}
	s := l.setting("", "", Position{File: name, Line: 1, Column: 1}, root)
	if err := l.errs.Err(); err != nil {
		return nil, err
	}
	return &s, nil
}

// WrongValue says why what is written in a file is no value of the field, for
// "price …"; empty when it may be one. It looks at the value alone, and has nothing
// to say of null, of relations, passwords and roles.
func (f *Field) WrongValue(s *Setting) string {
	if s.Kind == KindNull {
		return ""
	}
	switch f.Type {
	case Boolean:
		if s.Kind != KindBool {
			return "has to be true or false, not " + s.describe()
		}
	case Int, Decimal, Float:
		return f.wrongNumber(s)
	case Text, LongText, Email, URL, Enum, Date, DateTime, Username:
		switch {
		case s.Kind != KindString:
			return "has to be text, not " + s.describe()
		case (f.Type == Date || f.Type == DateTime) && s.Value == nowWord:
			return fmt.Sprintf("cannot be %s, which is for defaults", quote(nowWord))
		}
		if text, ok := s.Value.(string); ok {
			return f.wrongText(text)
		}
	default: // what the service looks at when it makes the row
	}
	return ""
}

func (f *Field) wrongNumber(s *Setting) string {
	ok := s.Kind == KindInteger || s.Kind == KindFloat
	switch {
	case ok && f.Type == Int:
		ok = isInt64(s.Text)
	case ok && f.Type == Decimal:
		ok = exactNumber.MatchString(s.Text)
	}
	if !ok {
		return "has to be " + numberNoun(f.Type) + ", not " + s.describe()
	}
	literal := strings.TrimPrefix(s.Text, "+")
	if wrong := f.misfit(literal); wrong != "" {
		return wrong
	}
	return f.outside(literal)
}
