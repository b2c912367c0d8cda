// Package pattern reads the regular expressions that a design asks texts to
// match. They are those of RE2, which take a time that grows with the text and
// with the expression and with nothing else, and match a text as a whole.
package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// MaxSize is how many bytes an expression has at most.
const MaxSize = 1024

// maxStates bounds what an expression becomes, which a few bytes can make large:
// (a{100}){10}. Each character of a text is compared with all of it at worst.
const maxStates = 1000

// Compile returns the expression that matches the texts which expr matches as a
// whole, from the first to the last character. The error says what is wrong with
// expr in words that follow its name, and is a fault of whoever wrote it.
func Compile(expr string) (*regexp.Regexp, error) {
	re, err := parse(expr)
	if err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?:` + re.String() + `)\z`)
}

func parse(expr string) (*syntax.Regexp, error) {
	switch {
	case expr == "":
		return nil, errors.New("is empty")
	case len(expr) > MaxSize:
		return nil, fmt.Errorf("is longer than %d bytes", MaxSize)
	case !utf8.ValidString(expr):
		return nil, errors.New("is not UTF-8")
	}
	re, err := syntax.Parse(expr, syntax.Perl)
	if wrong, ok := errors.AsType[*syntax.Error](err); ok {
		return nil, fmt.Errorf("is no regular expression of RE2: %s at %q", wrong.Code, wrong.Expr)
	}
	if err != nil {
		return nil, err
	}
	if states(re) > maxStates {
		return nil, fmt.Errorf("repeats too much: it becomes more than %d steps", maxStates)
	}
	return re, nil
}

// states estimates the size of the program that an expression becomes.
func states(re *syntax.Regexp) int {
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		n = len(re.Rune)
	case syntax.OpCharClass:
		n += len(re.Rune) / 16 // a class is searched
	}
	for _, sub := range re.Sub {
		n += states(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Max, re.Min+1)
	}
	return min(n, maxStates+1)
}
