package config

import (
	"strconv"
	"strings"
)

// A Problem is one thing that is wrong with the settings. It names the setting
// and never holds the value of one.
type Problem struct {
	// Setting is the name of the setting, empty if the problem is not with one.
	Setting string
	// File and Line are where it stands; empty means the environment, or
	// nowhere.
	File string
	Line int
	// Message says what is wrong, Hint what to do; Hint may be empty.
	Message, Hint string
}

// String returns the problem on one line, without its hint.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			b.WriteString(":" + strconv.Itoa(p.Line))
		}
		b.WriteString(": ")
	}
	if p.Setting != "" {
		b.WriteString(p.Setting + " ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Errors are all problems of one set of settings. [Load] returns it as its
// error.
type Errors struct {
	Problems []Problem // never empty
}

// Error returns every problem on a line of its own, hints indented below.
func (e *Errors) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
		if p.Hint != "" {
			b.WriteString("\n\t" + p.Hint)
		}
	}
	return b.String()
}
