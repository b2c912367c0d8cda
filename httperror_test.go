package gate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
)

func write(err error, headers ...string) *httptest.ResponseRecorder {
	logger := slog.New(slog.DiscardHandler)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gate.ErrorWriter{Logger: logger}.Write(w, r, err)
	})
	return serve(h, http.MethodGet, "/items", "", headers...)
}

func TestWriteError(t *testing.T) {
	cause := errors.New("pq: password for root")
	for _, tt := range []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"bare code", gate.ErrForbidden, 403, `{"name":"Forbidden","message":"You do not have the permission to do this","code":403,"className":"forbidden"}`},
		{"code with message", &gate.AuthError{Code: gate.ErrInvalidCredentials, Message: "Invalid login", Err: cause}, 401, `{"name":"NotAuthenticated","message":"Invalid login","code":401,"className":"not-authenticated"}`},
		{"wrapped code", fmt.Errorf("root: %w", gate.ErrBadRequest), 400, `{"name":"BadRequest","message":"Bad request","code":400,"className":"bad-request"}`},
		{"throttled", gate.ErrTooManyRequests, 429, `{"name":"TooManyRequests","message":"Too many requests","code":429,"className":"too-many-requests"}`},
		{"field errors", &gate.Error{Status: 400, Message: "Wrong data", Errors: map[string]string{"name": "is <needed>"}, Err: cause}, 400, `{"name":"BadRequest","message":"Wrong data","code":400,"className":"bad-request","errors":{"name":"is <needed>"}}`},
		{"data", &gate.Error{Status: 409, Data: map[string]int{"n": 1}}, 409, `{"name":"Conflict","message":"Conflict","code":409,"className":"conflict","data":{"n":1}}`},
		{"own name", &gate.Error{Status: 400, Name: "OauthError"}, 400, `{"name":"OauthError","message":"Bad request","code":400,"className":"oauth-error"}`},
		{"status without a name in Feathers", &gate.Error{Status: 451}, 451, `{"name":"UnavailableForLegalReasons","message":"Unavailable For Legal Reasons","code":451,"className":"unavailable-for-legal-reasons"}`},
		{"expired", &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "jwt expired", Err: jose.ErrExpired}, 401, `{"name":"NotAuthenticated","message":"jwt expired","code":401,"className":"not-authenticated","data":{"name":"TokenExpiredError"}}`},
		{"unknown", cause, 500, `{"name":"GeneralError","message":"Something went wrong","code":500,"className":"general-error","data":{"requestId":"ID"}}`},
		{"unknown code", gate.Code("nope"), 500, `{"name":"GeneralError","message":"Something went wrong","code":500,"className":"general-error","data":{"requestId":"ID"}}`},
		{"status that is none", &gate.Error{Status: 200, Message: "fine"}, 500, `{"name":"GeneralError","message":"Something went wrong","code":500,"className":"general-error","data":{"requestId":"ID"}}`},
		{"nil", nil, 500, `{"name":"GeneralError","message":"Something went wrong","code":500,"className":"general-error","data":{"requestId":"ID"}}`},
		{"fault that looks like an answer inside", &gate.AuthError{Code: gate.ErrUnavailable, Err: &gate.Error{Status: 401, Message: "no"}}, 503, `{"name":"Unavailable","message":"The service is not available, try again","code":503,"className":"unavailable","data":{"requestId":"ID"}}`},
		{"answer that hides a fault", &gate.AuthError{Code: gate.ErrNotAuthenticated, Err: &gate.AuthError{Code: gate.ErrUnavailable}}, 503, `{"name":"Unavailable","message":"The service is not available, try again","code":503,"className":"unavailable","data":{"requestId":"ID"}}`},
		{"could not decide", &gate.AuthError{Code: gate.ErrUnavailable, Err: cause}, 503, `{"name":"Unavailable","message":"The service is not available, try again","code":503,"className":"unavailable","data":{"requestId":"ID"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := write(tt.err)
			id := got.Header().Get("X-Request-Id")
			if (id != "") != (tt.status >= 500) {
				t.Errorf("request id %q", id)
			}
			body := got.Body.String()
			if id != "" {
				body = strings.Replace(body, id, "ID", 1)
			}
			if got.Code != tt.status || body != tt.body+"\n" {
				t.Errorf("got  %d %swant %d %s", got.Code, body, tt.status, tt.body)
			}
			checkErrorHeaders(t, got, "application/json")
		})
	}
}

func checkErrorHeaders(t *testing.T, got *httptest.ResponseRecorder, mediaType string) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type": mediaType, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept",
	} {
		if value := got.Header().Get(name); value != want {
			t.Errorf("%s: %q, want %q", name, value, want)
		}
	}
	if challenge := got.Header().Get("WWW-Authenticate"); (challenge == "Bearer") != (got.Code == 401) {
		t.Errorf("WWW-Authenticate %q with status %d", challenge, got.Code)
	}
}

func TestWriteError_retryAfter(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&gate.AuthError{Code: gate.ErrUnavailable, RetryAfter: 1500 * time.Millisecond}, "2"},
		{gate.ErrUnavailable, "1"},
		{gate.ErrTooManyRequests, "60"},
		{&gate.Error{Status: 429, RetryAfter: time.Hour}, "3600"},
		{&gate.Error{Status: 404}, ""},
	} {
		if got := write(tt.err).Header().Get("Retry-After"); got != tt.want {
			t.Errorf("%v: Retry-After %q, want %q", tt.err, got, tt.want)
		}
	}
}

func TestWriteError_accept(t *testing.T) {
	const problem, plain = "application/problem+json", "application/json"
	for accept, want := range map[string]string{
		"":                              plain,
		"*/*":                           plain,
		"application/*":                 plain,
		"application/json":              plain,
		"application/problem+json":      problem,
		"Application/Problem+JSON":      problem,
		"application/problem+json, */*": problem,
		"application/json, application/problem+json":             problem,
		"application/json, application/problem+json;q=0.9":       plain,
		"application/json;q=0.5, application/problem+json;q=0.9": problem,
		"application/problem+json;q=0":                           plain,
		"application/problem+json;q=x":                           plain,
		";;;,,":                                                  plain,
		"text/html":                                              plain,
	} {
		got := write(&gate.Error{Status: 404, Message: "No item 7"}, "Accept", accept)
		checkErrorHeaders(t, got, want)
	}
	got := write(&gate.Error{Status: 400, Message: "Wrong data", Errors: []string{"x"}}, "Accept", problem)
	const body = `{"type":"about:blank","title":"Bad Request","status":400,"detail":"Wrong data","name":"BadRequest","errors":["x"]}`
	if got.Body.String() != body+"\n" {
		t.Errorf("got %s", got.Body)
	}
}

func TestWriteError_log(t *testing.T) {
	var log bytes.Buffer
	ew := gate.ErrorWriter{Logger: slog.New(slog.NewJSONHandler(&log, nil))}
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-Id", "r1")
	w.Header().Set("Etag", "x")
	r := httptest.NewRequest(http.MethodPost, "/items?token=secret", nil)
	r.Header.Set("X-Request-Id", "chosen by the client")
	ew.Write(w, r, errors.New("disk full"))
	var line struct {
		Level, Msg, Err, Method, Path string
		RequestID                     string `json:"request_id"`
		Status                        int
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("not one line: %s", log.String())
	}
	if line.Level != "ERROR" || line.RequestID != "r1" || line.Status != 500 || line.Path != "/items" || !strings.Contains(line.Err, "disk full") {
		t.Errorf("logged %s", log.String())
	}
	if !strings.Contains(w.Body.String(), `"requestId":"r1"`) || w.Header().Get("Etag") != "" {
		t.Errorf("answered %s", w.Body)
	}
	log.Reset()
	ew.Write(httptest.NewRecorder(), r, gate.ErrForbidden)
	if log.Len() != 0 {
		t.Errorf("a refusal was logged at the edge: %s", log.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ew.Write(httptest.NewRecorder(), r.WithContext(ctx), &gate.AuthError{Code: gate.ErrUnavailable, Err: ctx.Err()})
	if !strings.Contains(log.String(), `"INFO"`) {
		t.Errorf("a client that went away is no error: %s", log.String())
	}
}

func TestWriteError_unencodable(t *testing.T) {
	got := write(&gate.Error{Status: 400, Data: make(chan int)})
	if got.Code != 500 || !json.Valid(got.Body.Bytes()) {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

func TestErrorIs(t *testing.T) {
	codes := []gate.Code{gate.ErrNotAuthenticated, gate.ErrInvalidCredentials, gate.ErrForbidden, gate.ErrBadRequest, gate.ErrTooManyRequests, gate.ErrUnavailable}
	for _, code := range codes {
		err := fmt.Errorf("asking: %w", &gate.AuthError{Code: code, Err: errors.New("cause")})
		for _, other := range codes {
			if got := errors.Is(err, other); got != (code == other) {
				t.Errorf("%s is %s: %v", code, other, got)
			}
		}
		if err.Error() != "asking: "+string(code)+": cause" {
			t.Errorf("text %q", err)
		}
	}
	if err := (&gate.Error{Status: 403}); !errors.Is(err, gate.ErrForbidden) || errors.Is(err, gate.ErrBadRequest) {
		t.Error("an Error of 403 is not ErrForbidden alone")
	}
	if errors.Is(&gate.Error{Status: 500}, gate.Code("nope")) {
		t.Error("an Error of 500 is a code that does not exist")
	}
	wrapped := &gate.Error{Status: 409, Name: "Conflict", Err: context.Canceled}
	if !errors.Is(wrapped, context.Canceled) || wrapped.Error() != "Conflict: context canceled" {
		t.Errorf("cause lost: %v", wrapped)
	}
}
