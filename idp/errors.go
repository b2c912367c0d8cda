package idp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store"
)

// An oauthError is an answer of RFC 6749 §5.2 that says no.
type oauthError struct {
	status      int
	code        string
	description string
	// basic asks for HTTP authentication in the answer: only after the client
	// tried it, for SDKs read the challenge instead of the body.
	basic      bool
	retryAfter time.Duration
}

func (e *oauthError) Error() string { return e.code + ": " + e.description }

// refuse returns an error with the status that Auth0 gives its code.
func refuse(code, description string) *oauthError {
	status := http.StatusBadRequest
	switch code {
	case "invalid_grant", "access_denied", "unauthorized_client", "unsupported_grant_type", "mfa_required":
		status = http.StatusForbidden
	case "invalid_client", "unauthorized":
		status = http.StatusUnauthorized
	case "too_many_attempts", "too_many_requests":
		status = http.StatusTooManyRequests
	}
	return &oauthError{status: status, code: code, description: description}
}

// echo returns of what somebody sent what may stand in an error_description (RFC 6749
// §5.2), and not more than tells them what it was.
func echo(sent string) string {
	const most = 256
	var out strings.Builder
	for _, r := range sent {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			r = '?'
		}
		if out.WriteRune(r); out.Len() == most {
			return out.String() + "..."
		}
	}
	return out.String()
}

func missing(name string) *oauthError {
	return refuse("invalid_request", "Missing required parameter: "+name)
}

// asOAuth returns what err means to a client. What is no refusal is a fault:
// 503 when it will pass by itself, else 500.
func asOAuth(err error) (*oauthError, bool) {
	if refused, ok := errors.AsType[*oauthError](err); ok {
		return refused, false
	}
	var busy *password.BusyError
	var limited *gate.AuthError
	switch {
	case errors.As(err, &busy):
		return &oauthError{
			status: http.StatusServiceUnavailable, code: "temporarily_unavailable",
			description: "Many people are logging in right now.", retryAfter: busy.RetryAfter,
		}, false
	case errors.As(err, &limited) && errors.Is(err, gate.ErrTooManyRequests):
		return &oauthError{
			status: http.StatusTooManyRequests, code: "too_many_attempts", retryAfter: limited.RetryAfter,
			description: "Your account has been blocked after multiple consecutive login attempts.",
		}, false
	case errors.Is(err, tenant.ErrEnded):
		return refuse("invalid_grant", "The log-in has ended meanwhile."), false
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.Is(err, mail.ErrFull), errors.Is(err, mail.ErrClosed):
		return &oauthError{
			status: http.StatusServiceUnavailable, code: "temporarily_unavailable",
			description: "The service cannot answer now. Try again in a few seconds.", retryAfter: 5 * time.Second,
		}, true
	}
	return &oauthError{
		status: http.StatusInternalServerError, code: "server_error",
		description: "Something is wrong on our side; it was logged.",
	}, true
}

// fail answers a request of a program with what err means.
func (p *Provider) fail(w http.ResponseWriter, r *http.Request, err error) {
	e, fault := asOAuth(err)
	body := map[string]any{"error": e.code, "error_description": e.description}
	if fault {
		reference := newReference()
		p.logFault(r, reference, err)
		body["reference"] = reference
	}
	if e.basic {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+p.host+`", charset="UTF-8"`)
	}
	setRetryAfter(w, e.retryAfter)
	writeJSON(w, e.status, body)
}

func setRetryAfter(w http.ResponseWriter, d time.Duration) {
	if d > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(max(1, (d+time.Second-1)/time.Second))))
	}
}

// newReference returns a short name by which somebody can ask about a fault.
func newReference() string {
	const letters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
	out := make([]byte, 0, 9)
	for i, b := range secret.Bytes(8) {
		if i == 4 {
			out = append(out, '-')
		}
		out = append(out, letters[int(b)%len(letters)])
	}
	return string(out)
}

func (p *Provider) logFault(r *http.Request, reference string, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody waits for the answer any more
	}
	p.log.ErrorContext(r.Context(), "request failed", "reference", reference, "method", r.Method, "path", r.URL.Path, "error", err)
}

// writeJSON writes an answer that no cache may keep.
func writeJSON(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
