package graphql

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
)

// The codes of errors, in extensions.code. They are part of the API and are
// never renamed.
const (
	codeUnauthenticated = "UNAUTHENTICATED"
	codeForbidden       = "FORBIDDEN"
	codeNotFound        = "NOT_FOUND"
	codeBadInput        = "BAD_USER_INPUT"
	codeConflict        = "CONFLICT"
	codeTooMany         = "TOO_MANY_REQUESTS"
	codeUnavailable     = "UNAVAILABLE"
	codeInternal        = "INTERNAL"

	// These come with 400: nothing was executed.
	codeBadRequest    = "BAD_REQUEST"
	codeParse         = "GRAPHQL_PARSE_FAILED"
	codeInvalid       = "GRAPHQL_VALIDATION_FAILED"
	codeTooMuch       = "LIMIT_EXCEEDED"
	codeIntrospection = "INTROSPECTION_OFF"
)

// reasonStale says of a conflict that the row is not in the version that was sent.
const reasonStale = "stale"

// An answerError is one entry of "errors" (§7.1.2 of the specification).
type answerError struct {
	Message    string     `json:"message"`
	Locations  []location `json:"locations,omitempty"`
	Path       []any      `json:"path,omitempty"`
	Extensions extensions `json:"extensions"`
}

type location struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

type extensions struct {
	Code      string          `json:"code"`
	Fields    json.RawMessage `json:"fields,omitempty"`
	Reason    string          `json:"reason,omitempty"` // step_up_required, for instance
	RequestID string          `json:"requestId,omitempty"`
}

// A refusal is why nothing was executed.
type refusal struct {
	errs   []answerError
	status int // 0 is 400
}

func refuse(code, message string) *refusal {
	return &refusal{errs: []answerError{{Message: message, Extensions: extensions{Code: code}}}}
}

// refuseInput refuses variables that do not fit their types, and says of which member
// that is.
func refuseInput(err error) *refusal {
	r := refuse(codeBadInput, err.Error())
	_, unknown := errors.AsType[unknownMember](err)
	if m, ok := errors.AsType[*memberError](err); ok && !unknown {
		problem := model.Problem{Field: m.path(), Code: model.CodeType, Message: m.cause().Error()}
		switch {
		case errors.Is(err, errMissing):
			problem.Code, problem.Message = model.CodeRequired, "is required"
		case errors.Is(err, errNull):
			problem.Code = model.CodeRequired
		}
		if fields, err := encode(model.Problems{problem}); err == nil {
			r.errs[0].Extensions.Fields = fields
		}
	}
	return r
}

func writeRefusal(w http.ResponseWriter, r *refusal) {
	w.WriteHeader(cmp.Or(r.status, http.StatusBadRequest))
	_, _ = w.Write(append(appendErrors([]byte(`{"errors":`), r.errs), '}')) //nolint:gosec // it is JSON, and says so; nobody is left to be told
}

func appendErrors(dst []byte, errs []answerError) []byte {
	raw, err := encode(errs)
	if err != nil { // the words of a hook that are no JSON
		return append(dst, `[{"message":"Something went wrong","extensions":{"code":"INTERNAL"}}]`...)
	}
	return append(dst, raw...)
}

// badInput is an error about what somebody sent.
func badInput(field, code, message string) error {
	return &gate.Error{Status: http.StatusBadRequest, Message: "The query is not valid", Errors: model.Problems{{Field: field, Code: code, Message: message}}}
}

// failed makes an entry of an error. What it is answered as is decided where it
// is for every surface, in [gate.ErrorWriter], which logs faults, too.
func (x *execution) failed(err error, path []any) answerError {
	if x.api.noCredentials && errors.Is(err, gate.ErrNotAuthenticated) {
		err = gate.ErrForbidden
	}
	rec := recorder{header: http.Header{}}
	if id := x.w.Header().Get("X-Request-Id"); id != "" {
		rec.header.Set("X-Request-Id", id)
	}
	r := x.r.WithContext(gate.ContextWithErrorForm(x.r.Context(), nil)) // which told reads
	r.Header = http.Header{}                                            // whatever form of errors the client likes over REST
	x.api.errors.Write(&rec, r, err)
	return x.told(&rec, path)
}

// told makes an entry of an error that was answered as over REST.
func (x *execution) told(rec *recorder, path []any) answerError {
	var body struct {
		Message string
		Errors  json.RawMessage
		Data    struct{ RequestID, Name string }
	}
	if json.Unmarshal(rec.body.Bytes(), &body) != nil || body.Message == "" {
		body.Message = "Something went wrong"
	}
	if retry := rec.header.Get("Retry-After"); retry != "" {
		x.w.Header().Set("Retry-After", retry)
	}
	reason := body.Data.Name
	if rec.status == http.StatusPreconditionFailed {
		reason = cmp.Or(reason, reasonStale)
	}
	return answerError{Message: body.Message, Path: path, Extensions: extensions{
		Code: codeOf(rec.status), Fields: body.Errors, Reason: reason, RequestID: body.Data.RequestID,
	}}
}

func codeOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return codeUnauthenticated
	case http.StatusForbidden:
		return codeForbidden
	case http.StatusNotFound:
		return codeNotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return codeConflict
	case http.StatusTooManyRequests:
		return codeTooMany
	case http.StatusServiceUnavailable:
		return codeUnavailable
	}
	if status >= http.StatusInternalServerError {
		return codeInternal
	}
	return codeBadInput
}

// recorder takes what an [gate.ErrorWriter] writes.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write implements [http.ResponseWriter].
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
