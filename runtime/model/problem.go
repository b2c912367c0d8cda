package model

import "strings"

// A Problem is one thing that is wrong with what somebody sent.
type Problem struct {
	// Field is the name of the field as it was sent; empty when the whole is
	// meant.
	Field string `json:"field,omitempty"`
	// Code is for programs, and is one of the Code constants.
	Code string `json:"code"`
	// Message is for people. It never repeats a value.
	Message string `json:"message"`
}

// The codes of problems. They are part of the API and are never renamed.
const (
	CodeMalformed = "malformed"   // not JSON, or not an object
	CodeUnknown   = "unknown"     // no such field, or none that the caller may know
	CodeReadOnly  = "read_only"   // set by the service alone
	CodeForbidden = "forbidden"   // a right is missing
	CodeRequired  = "required"    // missing, or null
	CodeType      = "type"        // another JSON type is wanted
	CodeFormat    = "format"      // right type, wrong form
	CodeTooShort  = "too_short"   // fewer code points than wanted
	CodeTooLong   = "too_long"    // more code points than wanted
	CodeTooSmall  = "too_small"   // less than the minimum
	CodeTooLarge  = "too_large"   // more than the maximum
	CodePrecision = "precision"   // more digits than the field keeps
	CodeNotInList = "not_in_list" // none of the values of an enum, or no role
	CodeNotFound  = "not_found"   // points to a row that is not there, or out of sight
	CodeTaken     = "taken"       // another row has the value
	CodeWeak      = "weak"        // a password that the policy refuses
	CodeLimit     = "limit"       // more than one request may ask for
)

// Problems is everything that is wrong with one value, row or query. It is an
// error; an empty list is not.
type Problems []Problem

// Error lists the problems for a log.
func (p Problems) Error() string {
	var b strings.Builder
	for i, x := range p {
		if i > 0 {
			b.WriteString("; ")
		}
		if x.Field != "" {
			b.WriteString(x.Field + " ")
		}
		b.WriteString(x.Message)
	}
	return b.String()
}

// Add appends a problem.
func (p *Problems) Add(field, code, message string) {
	*p = append(*p, Problem{Field: field, Code: code, Message: message})
}

// Only reports whether there are problems and all have that code.
func (p Problems) Only(code string) bool {
	for _, x := range p {
		if x.Code != code {
			return false
		}
	}
	return len(p) > 0
}

// fault is a problem before it is known whose.
type fault struct{ code, message string }

func (f fault) bad() bool { return f.code != "" }
