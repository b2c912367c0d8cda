package gate

import (
	"errors"
	"time"
)

// A Code says what kind of refusal an error is. It is itself an error, to be
// the target of [errors.Is]. Codes are part of the API and are never renamed.
type Code string

// The codes. Everything else is a fault: 500, without details.
const (
	// ErrNotAuthenticated: no credentials, or they no longer count: 401.
	ErrNotAuthenticated Code = "not_authenticated"
	// ErrInvalidCredentials: the credentials are wrong: 401.
	ErrInvalidCredentials Code = "invalid_credentials"
	// ErrReused: the credentials were good for one use and had been used: 401.
	// It is an [ErrNotAuthenticated] too.
	ErrReused Code = "reused"
	// ErrStepUpRequired: known, but not for sure enough: 401, and the account
	// has to prove anew who it is (RFC 9470).
	ErrStepUpRequired Code = "step_up_required"
	// ErrForbidden: known, but not allowed: 403.
	ErrForbidden Code = "forbidden"
	// ErrBadRequest: the credentials are malformed: 400.
	ErrBadRequest Code = "bad_request"
	// ErrTooManyRequests: throttled: 429, with Retry-After.
	ErrTooManyRequests Code = "too_many_requests"
	// ErrUnavailable: it could not be decided: 503, with Retry-After.
	ErrUnavailable Code = "unavailable"
)

// Error implements error.
func (c Code) Error() string { return string(c) }

// An AuthError is a refusal with its reasons.
type AuthError struct {
	// Code is for programs.
	Code Code
	// Message is for people and safe to show to the one who asked; empty
	// means the usual words for the code.
	Message string
	// Subject is the account that the refusal is about, if there is one: for
	// the audit trail, never shown.
	Subject string
	// RetryAfter is when asking again makes sense; zero leaves it open.
	RetryAfter time.Duration
	// MaxAge is how old a login may be, for [ErrStepUpRequired].
	MaxAge time.Duration
	// Err is the cause: logged, never shown.
	Err error
}

// Error returns the message and the cause. It is meant for logs.
func (e *AuthError) Error() string {
	text := e.Message
	if text == "" {
		text = string(e.Code)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is reports whether target is the code of e.
func (e *AuthError) Is(target error) bool {
	return target == e.Code || e.Code == ErrReused && target == ErrNotAuthenticated
}

// Unwrap returns the cause.
func (e *AuthError) Unwrap() error { return e.Err }

// decided reports whether err is an answer of the strategy rather than a
// failure to find one.
func decided(err error) bool {
	if errors.Is(err, ErrUnavailable) {
		return false
	}
	for _, code := range []Code{ErrNotAuthenticated, ErrInvalidCredentials, ErrReused, ErrStepUpRequired, ErrForbidden, ErrBadRequest, ErrTooManyRequests} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// undecided turns err into one that says that no decision was possible, unless
// it is a decision. What lies below is kept as the cause.
func undecided(err error) error {
	if err == nil || decided(err) || errors.Is(err, ErrUnavailable) {
		return err
	}
	return &AuthError{Code: ErrUnavailable, Err: err}
}
