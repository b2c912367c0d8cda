package management

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store"
)

// A problem is a refusal, in the shape of Auth0's errors.
type problem struct {
	status  int
	message string
	code    string // the errorCode; may be empty
	reasons []string
	// retryAfter is when the same may work; zero says nothing.
	retryAfter time.Duration
	bearer     *bearer // nil when the token is not what was wrong
}

// A bearer is what WWW-Authenticate says of a token, RFC 6750 §3.
type bearer struct {
	fault string // empty when there was no token
	scope string
}

func (b *bearer) challenge(description string) string {
	parts := []string{`Bearer realm="api/v2"`}
	if b.fault != "" {
		parts = append(parts, `error="`+b.fault+`"`, `error_description="`+description+`"`)
	}
	if b.scope != "" {
		parts = append(parts, `scope="`+b.scope+`"`)
	}
	return strings.Join(parts, ", ")
}

// Error returns the message.
func (p *problem) Error() string { return p.message }

// MarshalJSON implements [encoding/json.Marshaler].
func (p *problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Status  int      `json:"statusCode"`
		Error   string   `json:"error"`
		Message string   `json:"message"`
		Code    string   `json:"errorCode,omitempty"`
		Reasons []string `json:"reasons,omitempty"`
	}{p.status, http.StatusText(p.status), p.message, p.code, p.reasons})
}

func badBody(format string, args ...any) error {
	return &problem{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...), code: "invalid_body"}
}

// badProperty is the refusal of one property of a body.
func badProperty(path, why, about string) error {
	return &shape.Error{Field: path, Reason: why, About: about}
}

// wrongShape is the refusal of a body as a schema validator words it.
func wrongShape(e *shape.Error) *problem {
	message := "Payload validation error: '" + e.Reason + "'"
	if e.Field != "" {
		message += " on property " + e.Field
	}
	if e.About != "" {
		message += " (" + e.About + ")"
	}
	return &problem{status: http.StatusBadRequest, message: message + ".", code: "invalid_body"}
}

func badQuery(format string, args ...any) error {
	return &problem{
		status: http.StatusBadRequest, code: "invalid_query_string",
		message: "Query validation error: " + fmt.Sprintf(format, args...),
	}
}

func badPath(name, format, value string) error {
	return &problem{
		status: http.StatusBadRequest, code: "invalid_uri",
		message: fmt.Sprintf("Path validation error: 'Object didn't pass validation for format %s: %q' on property %s.", format, value, name),
	}
}

func absent(message, code string) error {
	return &problem{status: http.StatusNotFound, message: message, code: code}
}

func conflict(message, code string) error {
	return &problem{status: http.StatusConflict, message: message, code: code}
}

func unsupported(format string, args ...any) error {
	return &problem{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...), code: "operation_not_supported"}
}

// orAbsent returns err, or instead of [tenant.ErrNotFound] what callers expect.
func orAbsent(err error, message, code string) error {
	if errors.Is(err, tenant.ErrNotFound) {
		return absent(message, code)
	}
	return err
}

// orConflict returns err, or instead of [tenant.ErrExists] what callers expect.
func orConflict(err error, message, code string) error {
	if errors.Is(err, tenant.ErrExists) {
		return conflict(message, code)
	}
	return err
}

// asProblem returns the answer to an error, and whether it is a fault, to be
// logged.
func asProblem(err error) (p *problem, fault bool) {
	if p, ok := errors.AsType[*problem](err); ok {
		return p, false
	}
	if wrong, ok := errors.AsType[*shape.Error](err); ok {
		return wrongShape(wrong), false
	}
	if limited, ok := errors.AsType[*LimitError](err); ok {
		return &problem{
			status: http.StatusTooManyRequests, code: "too_many_letters", retryAfter: limited.RetryAfter,
			message: "The user was sent enough letters for now, try again later",
		}, false
	}
	switch {
	case errors.Is(err, tenant.ErrNotFound):
		return &problem{status: http.StatusNotFound, message: "The resource does not exist."}, false
	case errors.Is(err, tenant.ErrExists):
		return &problem{status: http.StatusConflict, message: "A resource with the same identifier already exists."}, false
	case errors.Is(err, password.ErrMalformed), errors.Is(err, password.ErrTooLong), errors.Is(err, password.ErrEmpty):
		return &problem{status: http.StatusBadRequest, message: "PasswordStrengthError: Password cannot be used", code: "invalid_body"}, false
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, password.ErrBusy), errors.Is(err, context.DeadlineExceeded):
		return &problem{status: http.StatusServiceUnavailable, retryAfter: 5 * time.Second, message: "The service is not available now, try again"}, true
	}
	return &problem{status: http.StatusInternalServerError, message: "An internal error occurred"}, true
}
