package gate

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/jose"
)

// An Error is an error as it is answered over HTTP. Everything in it but Err
// is shown to the client. [WriteError] is the only one to write it.
type Error struct {
	// Status is the HTTP status; one outside 400 to 599 is answered as 500.
	Status int
	// Name is the word for programs, for instance "NotFound"; empty means the
	// one that Feathers uses for the status.
	Name string
	// Message is for people; empty means the usual words for the status.
	Message string
	// Errors says what is wrong with which field; a map or a list.
	Errors any
	// Data is further information for programs.
	Data any
	// RetryAfter is when asking again makes sense; zero leaves it open.
	RetryAfter time.Duration
	// Err is the cause: logged when the status is 500 or more, never shown.
	Err error
}

// Error returns the message and the cause. It is meant for logs.
func (e *Error) Error() string {
	text := cmp.Or(e.Message, e.Name, strconv.Itoa(e.Status))
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the [Code] of the same status.
func (e *Error) Is(target error) bool {
	code, ok := target.(Code)
	return ok && e.Status != http.StatusInternalServerError && e.Status == statusOf(code)
}

// Unreadable returns the answer to a request whose body could not be read: what its
// reader says as an [Error], else 400.
func Unreadable(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Status: http.StatusBadRequest, Message: "The body could not be read", Err: err}
}

// ErrorWriter writes errors as HTTP answers. The zero value is ready to use.
type ErrorWriter struct {
	// Logger gets every answer of 500 and more, once, with its cause; nil
	// means slog.Default().
	Logger *slog.Logger
}

// WriteError answers r with err; it is the zero [ErrorWriter]'s Write.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	ErrorWriter{}.Write(w, r, err)
}

// Write answers r with err: an [Error] or an [AuthError] as what it says, a
// bare [Code] as that, anything else as 500 without details. The body is that
// of Feathers, or of [ContextWithErrorForm], or application/problem+json (RFC
// 9457) when the client prefers it. A 401 always carries WWW-Authenticate: what the caller set, else the
// challenges of the [Guard] that let r through, else that of a bearer token.
//
// From 500 on, the answer names a request identifier, that of the response
// header X-Request-Id if there is one, and the log has it next to the cause.
func (ew ErrorWriter) Write(w http.ResponseWriter, r *http.Request, err error) {
	e := httpError(err)
	body := newErrorBody(e)
	h := w.Header()
	if e.Status >= http.StatusInternalServerError {
		body.requestID = requestID(h)
		ew.log(r, e.Status, err, body.requestID)
	}
	if e.Status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h["Www-Authenticate"] = challengesFrom(r)
		if e, ok := errors.AsType[*AuthError](err); ok && e.Code == ErrStepUpRequired {
			h.Set("WWW-Authenticate", stepUpChallenge(e.MaxAge))
		}
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	h.Del("Content-Encoding")
	h.Del("Etag")
	h.Del("Last-Modified")
	h.Add("Vary", "Accept")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	var fault error
	if prefersProblem(r.Header.Values("Accept")) {
		fault = writeJSON(w, e.Status, "application/problem+json", body.problem())
	} else {
		fault = writeJSON(w, e.Status, "application/json", body.plain(r.Context()))
	}
	if fault != nil {
		loggerOr(ew.Logger).ErrorContext(r.Context(), "answer", "err", fault)
	}
}

func (ew ErrorWriter) log(r *http.Request, status int, err error, id string) {
	ctx, level := r.Context(), slog.LevelError
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		level = slog.LevelInfo // the client went away; nothing is wrong here
	}
	loggerOr(ew.Logger).Log(ctx, level, "request failed",
		"status", status, "method", r.Method, "path", r.URL.Path, "request_id", id, "err", err)
}

// answerer is an error that knows how it is answered: Error, AuthError, Code.
type answerer interface {
	error
	answer() Error
}

// httpError is the one place where errors become answers. The outermost one
// that knows its answer decides: a cause is not an answer. But whatever could
// not be decided is never answered as if it had been.
func httpError(err error) *Error {
	answer := Error{Status: http.StatusInternalServerError}
	if known, ok := errors.AsType[answerer](err); ok {
		answer = known.answer()
	}
	if answer.Status < http.StatusInternalServerError && errors.Is(err, ErrUnavailable) {
		answer = ErrUnavailable.answer()
	}
	if answer.Status < 400 || answer.Status > 599 {
		answer = Error{Status: http.StatusInternalServerError}
	}
	return &answer
}

func (e *Error) answer() Error { return *e }

func (e *AuthError) answer() Error {
	answer := e.Code.answer()
	if answer.Status != http.StatusInternalServerError {
		answer.Message, answer.Data = e.Message, tokenProblem(e)
		answer.RetryAfter = cmp.Or(e.RetryAfter, answer.RetryAfter)
	}
	return answer
}

func (c Code) answer() Error { return Error{Status: statusOf(c), RetryAfter: defaultRetry(c)} }

// statusOfError returns the status that err is answered with.
func statusOfError(err error) int { return httpError(err).Status }

func statusOf(code Code) int {
	switch code {
	case ErrNotAuthenticated, ErrInvalidCredentials, ErrReused, ErrStepUpRequired:
		return http.StatusUnauthorized
	case ErrForbidden:
		return http.StatusForbidden
	case ErrBadRequest:
		return http.StatusBadRequest
	case ErrTooManyRequests:
		return http.StatusTooManyRequests
	case ErrUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

func defaultRetry(code Code) time.Duration {
	switch code {
	case ErrUnavailable:
		return time.Second
	case ErrTooManyRequests:
		return time.Minute
	default:
		return 0
	}
}

// stepUpChallenge asks for a login that is at most maxAge old (RFC 9470 §3).
func stepUpChallenge(maxAge time.Duration) string {
	const challenge = `Bearer error="insufficient_user_authentication", error_description="Log in again"`
	if maxAge <= 0 {
		return challenge
	}
	return fmt.Sprintf(`%s, max_age="%d"`, challenge, max(1, int64(maxAge/time.Second)))
}

// tokenProblem names what is wrong with a token as the clients of Feathers
// know it.
func tokenProblem(err *AuthError) any {
	type problem struct {
		Name      string `json:"name"`
		ExpiredAt string `json:"expiredAt,omitempty"`
		Date      string `json:"date,omitempty"`
	}
	at := func() string {
		e, ok := errors.AsType[*jose.TimeError](err)
		if !ok {
			return ""
		}
		return e.At.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	kind, token := errors.AsType[jose.Error](err)
	switch {
	case err.Code == ErrStepUpRequired:
		return problem{Name: string(ErrStepUpRequired)}
	case !token || kind == jose.ErrUnavailable:
		return nil
	case kind == jose.ErrExpired:
		return problem{Name: "TokenExpiredError", ExpiredAt: at()}
	case kind == jose.ErrNotYetValid:
		return problem{Name: "NotBeforeError", Date: at()}
	default:
		return problem{Name: "JsonWebTokenError"}
	}
}

// feathersName returns the name that Feathers gives to a status, ours where it
// has none, and the words for people.
func feathersName(status int) (name, message string) {
	switch status {
	case http.StatusBadRequest:
		return "BadRequest", "Bad request"
	case http.StatusUnauthorized:
		return "NotAuthenticated", "Not authenticated"
	case http.StatusPaymentRequired:
		return "PaymentError", "Payment required"
	case http.StatusForbidden:
		return "Forbidden", "You do not have the permission to do this"
	case http.StatusNotFound:
		return "NotFound", "Not found"
	case http.StatusMethodNotAllowed:
		return "MethodNotAllowed", "Method not allowed"
	case http.StatusNotAcceptable:
		return "NotAcceptable", "Not acceptable"
	case http.StatusRequestTimeout:
		return "Timeout", "Timeout"
	case http.StatusConflict:
		return "Conflict", "Conflict"
	case http.StatusGone:
		return "Gone", "Gone"
	case http.StatusLengthRequired:
		return "LengthRequired", "Length required"
	case http.StatusPreconditionFailed:
		return "PreconditionFailed", "Precondition failed"
	case http.StatusRequestEntityTooLarge:
		return "PayloadTooLarge", "The body is too large"
	case http.StatusUnsupportedMediaType:
		return "UnsupportedMediaType", "Unsupported media type"
	case http.StatusUnprocessableEntity:
		return "Unprocessable", "Unprocessable"
	case http.StatusTooManyRequests:
		return "TooManyRequests", "Too many requests"
	case http.StatusNotImplemented:
		return "NotImplemented", "Not implemented"
	case http.StatusBadGateway:
		return "BadGateway", "Bad gateway"
	case http.StatusServiceUnavailable:
		return "Unavailable", "The service is not available, try again"
	}
	if status < http.StatusInternalServerError {
		return strings.ReplaceAll(http.StatusText(status), " ", ""), http.StatusText(status)
	}
	return "GeneralError", "Something went wrong"
}

// errorBody is what both formats are made of.
type errorBody struct {
	*Error
	requestID string
}

func newErrorBody(e *Error) errorBody {
	name, message := feathersName(e.Status)
	e.Name = cmp.Or(e.Name, name)
	e.Message = cmp.Or(e.Message, message)
	return errorBody{Error: e}
}

// An ErrorForm makes what is answered as JSON of an error, whose status, name and
// message are there. From 500 on it gets the identifier of the request.
type ErrorForm func(e *Error, requestID string) any

type errorFormKey struct{}

// ContextWithErrorForm returns a context in which errors are answered in that form in
// place of that of Feathers.
func ContextWithErrorForm(ctx context.Context, form ErrorForm) context.Context {
	return context.WithValue(ctx, errorFormKey{}, form)
}

// plain is the body for clients that do not ask for another.
func (b errorBody) plain(ctx context.Context) any {
	if form, ok := ctx.Value(errorFormKey{}).(ErrorForm); ok && form != nil {
		return form(b.Error, b.requestID)
	}
	return b.feathers()
}

func (b errorBody) feathers() any {
	data := b.Data
	if data == nil && b.requestID != "" {
		data = map[string]string{"requestId": b.requestID}
	}
	return struct {
		Name      string `json:"name"`
		Message   string `json:"message"`
		Code      int    `json:"code"`
		ClassName string `json:"className"`
		Data      any    `json:"data,omitempty"`
		Errors    any    `json:"errors,omitempty"`
	}{b.Name, b.Message, b.Status, className(b.Name), data, b.Errors}
}

func (b errorBody) problem() any {
	return struct {
		Type      string `json:"type"`
		Title     string `json:"title"`
		Status    int    `json:"status"`
		Detail    string `json:"detail"`
		Name      string `json:"name"`
		RequestID string `json:"requestId,omitempty"`
		Data      any    `json:"data,omitempty"`
		Errors    any    `json:"errors,omitempty"`
	}{"about:blank", http.StatusText(b.Status), b.Status, b.Message, b.Name, b.requestID, b.Data, b.Errors}
}

// className turns "NotAuthenticated" into "not-authenticated".
func className(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// requestID returns the identifier that middleware gave to the request, or a
// new one. What the client sent as its own is not looked at.
func requestID(h http.Header) string {
	id := h.Get("X-Request-Id")
	if id == "" {
		id = rand.Text()
		h.Set("X-Request-Id", id)
	}
	return id
}

// prefersProblem reports whether an Accept header names
// application/problem+json and does not like application/json better. A
// wildcard does not count: it is what clients send that never heard of either.
func prefersProblem(accept []string) bool {
	if len(accept) == 0 {
		return false
	}
	problem, plain := -1.0, -1.0
	for _, value := range accept {
		for entry := range strings.SplitSeq(value, ",") {
			media, params, err := mime.ParseMediaType(entry)
			if err != nil {
				continue
			}
			q, err := strconv.ParseFloat(cmp.Or(params["q"], "1"), 64)
			if err != nil {
				continue
			}
			switch media {
			case "application/problem+json":
				problem = max(problem, q)
			case "application/json":
				plain = max(plain, q)
			}
		}
	}
	return problem > 0 && problem >= plain
}

// writeJSON writes v. Encoding comes first, so that a value that cannot be
// encoded is a 500 and not half an answer; the error says so, for the log.
func writeJSON(w http.ResponseWriter, status int, mediaType string, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	fault := enc.Encode(v)
	if fault != nil {
		status, mediaType = http.StatusInternalServerError, "application/json"
		buf.Reset()
		buf.WriteString(`{"name":"GeneralError","message":"Something went wrong","code":500,"className":"general-error"}` + "\n")
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // nobody is left to be told
	if fault != nil {
		return fmt.Errorf("encode an answer: %w", fault)
	}
	return nil
}

func loggerOr(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.Default()
	}
	return l
}
