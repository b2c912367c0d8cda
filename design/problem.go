package design

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Severity says whether a problem stops the work.
type Severity uint8

// The severities.
const (
	Error Severity = iota
	Warning
)

// A Problem is something wrong, or dangerous, at one place of a design file.
type Problem struct {
	File     string
	Line     int    // 0 when the problem has no place
	Column   int    // in characters
	Path     string // entities.Item.fields.price.scale
	Message  string // lower case, no full stop
	Hint     string // what to do about it; may be empty
	Severity Severity
	Name     string // of a warning that the file can accept, such as shows-email
}

// String returns the problem as compilers print it, its hint on an indented
// second line:
//
//	gate.yaml:12:5: unknown permission "create:itmes", did you mean "create:items"?
//	    a role has to hold a permission before a rule can ask for it
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		b.WriteByte(':')
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", p.Line, p.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if p.Severity == Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	if p.Name != "" {
		b.WriteString(" [" + p.Name + "]")
	}
	if p.Hint != "" {
		b.WriteString("\n    ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

// Errors is the error of [Load], [Parse] and [Plugin.Decode]: everything that is
// wrong with a design, not only the first thing. The zero value is empty and
// ready to use; it is not safe for concurrent use.
//
// Whoever checks more than this package can, as the plugins of the generator do,
// reports it in the same form:
//
//	var errs design.Errors
//	errs.Add(plugin.Pos, "plugins.auth-jwt", "auth-jwt needs auth-core", "add auth-core to the plugins")
//	return errs.Err()
type Errors struct {
	Problems []Problem
}

// Add appends a problem. The path and the hint may be empty.
func (e *Errors) Add(at Position, path, message, hint string) {
	e.Problems = append(e.Problems, Problem{
		File: at.File, Line: at.Line, Column: at.Column,
		Path: path, Message: message, Hint: hint,
	})
}

// Join appends the problems of err if it holds an *Errors, and err itself as a
// problem without a place if it does not. A nil err changes nothing.
func (e *Errors) Join(err error) {
	if err == nil {
		return
	}
	if other, ok := errors.AsType[*Errors](err); ok {
		e.Problems = append(e.Problems, other.Problems...)
		return
	}
	e.Problems = append(e.Problems, Problem{Message: err.Error()})
}

// Err returns nil if there is no problem, and otherwise a copy of e whose
// problems are in the order of their places, each once: an alias can bring one
// up again.
func (e *Errors) Err() error {
	if len(e.Problems) == 0 {
		return nil
	}
	sorted := slices.Clone(e.Problems)
	sortProblems(sorted)
	return &Errors{Problems: slices.CompactFunc(sorted, Problem.same)}
}

// Error returns the problems, one per line, hints indented below.
func (e *Errors) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (p Problem) same(q Problem) bool {
	return p.File == q.File && p.Line == q.Line && p.Column == q.Column && p.Message == q.Message
}

func sortProblems(list []Problem) {
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(
			strings.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
}
