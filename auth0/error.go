package auth0

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A Condition is something that callers act on; a target for errors.Is.
type Condition string

// Error returns the condition in words.
func (c Condition) Error() string { return string(c) }

// The conditions.
const (
	// ErrChanged means that the tenant is not as it was when the plan was made.
	// What came before in the plan is done; plan again.
	ErrChanged Condition = "the tenant changed after the plan was made: plan again"
	// ErrConflict means that a name is taken by something that cannot be used.
	ErrConflict Condition = "a name in the tenant is taken"
	// ErrUncertain means that a request failed and that what it asked for is not
	// there, yet. Plan again.
	ErrUncertain Condition = "not known whether it was done: plan again"
)

// An Error is an answer of the Management API that says no.
type Error struct {
	Method  string
	Path    string // escaped, without the query
	Status  int    // of HTTP
	Code    string // errorCode, often empty
	Message string // of the server, without the secrets that were sent
	// Scopes are what the token needs, any one of them, when that is what is
	// wrong with it.
	Scopes []string

	retryAfter time.Duration // of a 429; negative when it did not say
}

// Error implements error.
func (e *Error) Error() string {
	what := fmt.Sprintf("%s %s: status %d", e.Method, e.Path, e.Status)
	switch {
	case len(e.Scopes) == 1:
		return what + ": the token of the Management API needs the scope " + e.Scopes[0]
	case len(e.Scopes) > 1:
		return what + ": the token of the Management API needs one of the scopes " + strings.Join(e.Scopes, ", ")
	case e.Status == http.StatusUnauthorized && e.Path != tokenPath:
		return what + ": the token of the Management API is not valid: " + e.Message
	case e.Message == "":
		return what
	default:
		return what + ": " + e.Message
	}
}

// An uncertain error is one of a request that may have been done.
type uncertain struct{ err error }

func (u *uncertain) Error() string { return u.err.Error() }
func (u *uncertain) Unwrap() error { return u.err }

// status returns the HTTP status in an error, zero when there is none.
func status(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	return 0
}

// insufficient is how the Management API starts to say which scopes it wants.
const insufficient = "Insufficient scope, expected any of:"

// scopesIn returns the scopes that a message of the server asks for.
func scopesIn(message string) []string {
	_, list, found := strings.Cut(message, insufficient)
	if !found {
		return nil
	}
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '.' })
}
