// Package sandbox executes one function of one action in a fresh interpreter.
// It knows nothing of triggers' rules: it records the calls of an action to its
// api, and asks a [Host] for everything outside.
package sandbox

import (
	"context"
	"encoding/json"
	"time"
)

// A Job is one execution. It survives JSON.
type Job struct {
	Code    string            `json:"code"`
	Modules map[string]string `json:"modules,omitempty"` // bundled files by name

	// Check only loads the code and looks for what Function exports.
	Check    bool            `json:"check,omitempty"`
	Function string          `json:"function"`
	Optional bool            `json:"optional,omitempty"` // do nothing when Function is not exported
	API      string          `json:"api"`                // which api the function gets
	Event    json.RawMessage `json:"event"`              // with its secrets
	Flow     json.RawMessage `json:"flow"`               // what the api answers from

	Now       time.Time     `json:"now"`
	Wall      time.Duration `json:"wall"`
	CPU       time.Duration `json:"cpu"`
	MaxStack  int           `json:"max_stack"`
	MaxResult int           `json:"max_result"`
}

// An Outcome is what became of a Job. It survives JSON.
type Outcome struct {
	Records []Record `json:"records,omitempty"`
	Failure *Failure `json:"failure,omitempty"`
	// Stuck is set when the interpreter could not be stopped and goes on in the
	// background.
	Stuck bool `json:"stuck,omitempty"`
}

// A Record is one call of an action to its api: the name and the arguments.
type Record struct {
	Op   string            `json:"op"`
	Args []json.RawMessage `json:"args"`
}

// The kinds of a [Failure].
const (
	Syntax    = "syntax"
	Module    = "module"
	Export    = "export"
	Thrown    = "thrown"
	Unsettled = "unsettled"
	Timeout   = "timeout"
	Memory    = "memory"
	Limit     = "limit"
	Internal  = "internal"
)

// A Failure says why a Job has no result.
type Failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

// A Host does what the code asks for outside of the interpreter. op names it,
// arg and the answer are JSON. An error becomes a JavaScript error with its
// text. It is called from several goroutines.
type Host func(ctx context.Context, op string, arg json.RawMessage) (json.RawMessage, error)
