package upstream

import (
	"strings"
	"unicode"
)

// A Reason is why a log-in came to nothing. It is the target of errors.Is for
// what a [Connection] returns.
type Reason string

// Error implements error.
func (r Reason) Error() string { return string(r) }

// The reasons. The first four say no; the last two say that nothing could be
// decided, which is a fault and not the person's.
const (
	// ErrDenied means that the person, or whoever decides for them, did not
	// agree at the provider.
	ErrDenied Reason = "log-in was declined at the provider"
	// ErrExpired means that the log-in took longer than [PendingLifetime].
	ErrExpired Reason = "log-in took too long"
	// ErrInvalid means that the answer does not hold: it is not for the log-in
	// that was started, was used before, or was made up by somebody else.
	ErrInvalid Reason = "answer of the provider does not hold"
	// ErrNotAllowed means that the account is genuine and of an organization
	// that the connection does not take.
	ErrNotAllowed Reason = "account is not taken by this connection"
	// ErrRefused means that the provider answered with an error that no person
	// can help: usually the connection is not set up as the provider wants it.
	ErrRefused Reason = "provider refused the request"
	// ErrUnavailable means that the provider did not answer, or not with
	// anything that can be understood.
	ErrUnavailable Reason = "provider does not answer"
)

// An Error is a log-in that came to nothing.
type Error struct {
	// Reason is why.
	Reason Reason
	// Code is the error code of the provider, of at most 64 letters, digits,
	// '_', '-' and '.'; empty when it gave none. It tells "login_required" from
	// other refusals.
	Code string
	// Err is the cause, for the log: words of the provider may be in it, without
	// control characters and never long. Nil when there is nothing to add.
	Err error
}

// Error implements error. The text is for a log and not for people.
func (e *Error) Error() string {
	text := string(e.Reason)
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is reports whether target is the reason.
func (e *Error) Is(target error) bool { return target == e.Reason }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func because(reason Reason, err error) error { return &Error{Reason: reason, Err: err} }

const (
	maxCode        = 64
	maxDescription = 200
)

// errorCode returns an error code of a provider, when it looks like one.
func errorCode(raw string) string {
	if len(raw) > maxCode {
		return ""
	}
	for _, r := range raw {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r) {
			return ""
		}
	}
	return raw
}

// reasonFor sorts the error codes of RFC 6749 §4.1.2.1 and §5.2, OpenID Connect
// Core 1.0 §3.1.2.6, and those that providers made up.
func reasonFor(code string) Reason {
	switch code {
	case "access_denied", "user_cancelled_authorize", "user_cancelled_login", "consent_required", "user_denied":
		return ErrDenied
	case "invalid_grant", "bad_verification_code":
		return ErrInvalid
	case "server_error", "temporarily_unavailable", "slow_down":
		return ErrUnavailable
	default:
		return ErrRefused
	}
}
