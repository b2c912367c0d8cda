// Package lucene reads the part of the Lucene query syntax that searches of
// users and logs are written in.
//
//	email:"ada@example.com" AND NOT (name:ada* OR logins_count:[10 TO *})
//
// It reads field:word, field:"a phrase", field:wor*, field:*, ranges with
// square (inclusive) and curly (exclusive) brackets, field:>=10, field:(a OR b),
// _exists_:field, bare words, AND, OR, NOT, &&, ||, ! and -, and parentheses.
// Terms without an operator between them are alternatives, except that NOT
// takes away. A backslash takes the meaning of the character after it.
// Boosts, fuzzy and regular expressions are refused.
package lucene

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The bounds of a query.
const (
	MaxLength    = 4096 // bytes
	MaxTerms     = 64
	MaxDepth     = 16 // of parentheses and negations
	MaxWildcards = 4  // in one term
)

// An Error says what is wrong with a query, and where.
type Error struct {
	Position int // bytes from the start
	Message  string
}

// Error returns the message with the position, counted from 1.
func (e *Error) Error() string { return fmt.Sprintf("%s at position %d", e.Message, e.Position+1) }

// An Op says what an [Expr] is.
type Op uint8

// The operations.
const (
	Match  Op = iota + 1 // the field has the value of Pattern
	Range                // the field lies between Low and High
	Exists               // the field is there
	All                  // everything
	And
	Or
	Not
)

// An Expr is a query, or a part of one.
type Expr struct {
	Op   Op
	Args []*Expr // of And, Or and Not
	// Field is empty for a bare word.
	Field   string
	Pattern Pattern
	Low     Bound
	High    Bound
	// Position is where a term begins, in bytes from the start.
	Position int
}

// A Pattern is a text with wildcards: any text stands between two parts, and
// Any for one character.
type Pattern struct{ Parts []string }

// Any stands for one character in a part of a [Pattern]. It is no character, so
// no query contains it otherwise.
const Any = "\uffff"

// Text returns the pattern as a plain text, and false when it has wildcards.
func (p Pattern) Text() (string, bool) {
	if len(p.Parts) != 1 || strings.Contains(p.Parts[0], Any) {
		return "", false
	}
	return p.Parts[0], true
}

// Prefix returns what a text has to begin with when that is all the pattern
// asks for.
func (p Pattern) Prefix() (string, bool) {
	if len(p.Parts) != 2 || p.Parts[1] != "" || strings.Contains(p.Parts[0], Any) {
		return "", false
	}
	return p.Parts[0], true
}

// A Bound is an end of a range. Open means that there is none.
type Bound struct {
	Value     string
	Open      bool
	Inclusive bool
}

// Parse reads a query. An empty one is [All]. The error is an [*Error].
func Parse(query string) (*Expr, error) {
	p := &parser{in: query}
	switch {
	case len(query) > MaxLength:
		return nil, p.fail(MaxLength, "query is longer than %d bytes", MaxLength)
	case !utf8.ValidString(query):
		return nil, p.fail(0, "query is not UTF-8")
	}
	if i := strings.IndexAny(query, "\x00"+Any); i >= 0 {
		return nil, p.fail(i, "character that is not allowed")
	}
	p.space()
	if p.end() {
		return &Expr{Op: All}, nil
	}
	e, err := p.or("", 0)
	if err != nil {
		return nil, err
	}
	if !p.end() {
		return nil, p.fail(p.at, "unexpected %q", p.rune())
	}
	return e, nil
}

type parser struct {
	in    string
	at    int
	terms int
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &Error{Position: at, Message: fmt.Sprintf(format, args...)}
}

func (p *parser) end() bool { return p.at >= len(p.in) }

func (p *parser) rune() string {
	_, n := utf8.DecodeRuneInString(p.in[p.at:])
	return p.in[p.at : p.at+n]
}

func (p *parser) space() {
	for !p.end() && isSpace(p.in[p.at]) {
		p.at++
	}
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// operator reports whether an operator comes, and steps over it when it does.
func (p *parser) operator(word, sign string) bool {
	rest := p.in[p.at:]
	if sign != "" && strings.HasPrefix(rest, sign) {
		p.at += len(sign)
		p.space()
		return true
	}
	if !p.word(word) {
		return false
	}
	p.at += len(word)
	p.space()
	return true
}

// word reports whether this word comes, and not one that begins so.
func (p *parser) word(word string) bool {
	rest, ok := strings.CutPrefix(p.in[p.at:], word)
	return ok && (rest == "" || isSpace(rest[0]) || strings.ContainsRune(`()"!-`, rune(rest[0])))
}

// negated reports whether a negation comes.
func (p *parser) negated() bool {
	return !p.end() && (p.word("NOT") || p.in[p.at] == '!' || p.in[p.at] == '-')
}

// or reads alternatives, up to the end or a closing parenthesis.
func (p *parser) or(field string, depth int) (*Expr, error) {
	var args []*Expr
	for {
		e, err := p.and(field, depth)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
		if !p.operator("OR", "||") && (p.end() || p.in[p.at] == ')') {
			return join(Or, args), nil
		}
	}
}

func (p *parser) and(field string, depth int) (*Expr, error) {
	var args []*Expr
	for {
		e, err := p.not(field, depth)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
		if !p.operator("AND", "&&") && !p.negated() {
			return join(And, args), nil
		}
	}
}

func join(op Op, args []*Expr) *Expr {
	if len(args) == 1 {
		return args[0]
	}
	return &Expr{Op: op, Args: args}
}

func (p *parser) not(field string, depth int) (*Expr, error) {
	at := p.at
	switch {
	case depth > MaxDepth:
		return nil, p.fail(at, "nested deeper than %d", MaxDepth)
	case p.operator("NOT", "!") || p.operator("NOT", "-"):
		e, err := p.not(field, depth+1)
		if err != nil {
			return nil, err
		}
		return &Expr{Op: Not, Args: []*Expr{e}}, nil
	case p.end():
		return nil, p.fail(at, "term expected")
	case p.in[p.at] == '(':
		return p.group(field, depth)
	case p.word("AND") || p.word("OR"):
		return nil, p.fail(at, "term expected")
	}
	return p.term(field, depth)
}

// group reads ( … ).
func (p *parser) group(field string, depth int) (*Expr, error) {
	at := p.at
	p.at++
	p.space()
	e, err := p.or(field, depth+1)
	if err != nil {
		return nil, err
	}
	if p.end() || p.in[p.at] != ')' {
		return nil, p.fail(at, "parenthesis is not closed")
	}
	p.at++
	p.space()
	return e, nil
}
