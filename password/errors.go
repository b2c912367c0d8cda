package password

import (
	"fmt"
	"time"
)

// Error is the kind of failure of this package, a target for [errors.Is]. The
// text is for logs, and holds neither password nor hash.
type Error string

// The failures that callers tell apart.
const (
	// ErrBusy means that too many callers wait for a hash already; try again later.
	// The error is a [*BusyError], which says when.
	ErrBusy Error = "password: too many hashes are waiting"
	// ErrUnsupportedHash means that a stored hash is of an unknown kind or damaged.
	ErrUnsupportedHash Error = "password: unsupported hash"
	// ErrTooCostly means that a stored hash asks for more memory or time than this
	// package grants.
	ErrTooCostly Error = "password: hash is too costly to verify"
	// ErrTooManyKinds means that refusals count as many kinds of hash already as
	// they may, or as costly ones.
	ErrTooManyKinds Error = "password: too many kinds of hash in use"
	// ErrMalformed means that a password is not valid UTF-8 or contains NUL; it is
	// the sender's mistake.
	ErrMalformed Error = "password: not valid UTF-8 text without NUL"
	// ErrTooLong means that a password is over MaxRunes or MaxBytes; it is the
	// sender's mistake.
	ErrTooLong Error = "password: too long"
	// ErrEmpty means that the empty password was to be hashed.
	ErrEmpty Error = "password: empty"
)

// Error returns the kind as text.
func (e Error) Error() string { return string(e) }

// BusyError is an [ErrBusy] that knows when the queue will have run dry.
type BusyError struct {
	// RetryAfter is a whole number of seconds, at least one.
	RetryAfter time.Duration
}

// Error says what happened and when to come back.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%s: retry after %s", ErrBusy, e.RetryAfter)
}

// Is makes errors.Is(err, ErrBusy) true.
func (e *BusyError) Is(target error) bool { return target == ErrBusy }
