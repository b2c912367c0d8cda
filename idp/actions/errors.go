package actions

import (
	"errors"
	"fmt"
)

// What an [Error] may be about, for errors.Is.
var (
	// ErrSyntax: the code is no JavaScript that the interpreter knows.
	ErrSyntax = errors.New("syntax error")
	// ErrModule: a require of a module that is not there.
	ErrModule = errors.New("unknown module")
	// ErrExport: the code does not export the function of its trigger.
	ErrExport = errors.New("missing export")
	// ErrThrown: the action threw, or its promise was rejected.
	ErrThrown = errors.New("action threw")
	// ErrUnsettled: the action waits for something that cannot come.
	ErrUnsettled = errors.New("action never settles")
	// ErrTimeout: the time of the trigger, or the processor time of the action,
	// was used up.
	ErrTimeout = errors.New("action ran out of time")
	// ErrMemory: the action wanted more memory than it may have.
	ErrMemory = errors.New("action ran out of memory")
	// ErrLimit: the action's code, result, console or number of calls is too
	// large.
	ErrLimit = errors.New("action is over a limit")
	// ErrUnsupported: the action asked for what this package does not do.
	ErrUnsupported = errors.New("not supported")
	// ErrBusy: no execution became free while the context lasted.
	ErrBusy = errors.New("too many actions are running")
	// ErrWorker: the worker could not be started, or ended by itself.
	ErrWorker = errors.New("worker failed")
	// ErrClosed: the runner is closed.
	ErrClosed = errors.New("runner is closed")
)

// An Error says what went wrong with an action. It is for the log and for the
// one who wrote the action, not for the one who logs in.
type Error struct {
	Action  string // the name of the action
	Line    int    // where, 1 for the first; 0 when it is not known
	Column  int    // 1 for the first; 0 when it is not known
	Message string // what; the secrets of the action are taken out
	Kind    error  // one of the errors of this package
}

// Error implements error.
func (e *Error) Error() string {
	where := ""
	if e.Line > 0 {
		where = fmt.Sprintf(":%d:%d", e.Line, e.Column)
	}
	if e.Message == "" {
		return fmt.Sprintf("action %q%s: %v", e.Action, where, e.Kind)
	}
	return fmt.Sprintf("action %q%s: %v: %s", e.Action, where, e.Kind, e.Message)
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }
