package auth0

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	// MaxWait is the longest that a busy tenant is waited for at a time. One that
	// asks for more ends the call with its 429.
	MaxWait = time.Minute

	attempts = 5                      // of one request
	backoff  = 500 * time.Millisecond // before a GET is tried again, doubled each time
	settle   = 2 * time.Second        // before it is looked up whether a write was done
	maxBody  = 16 << 20
)

// A request is one of the Management API.
type request struct {
	method string
	path   string // escaped; see apiPath
	query  url.Values
	body   any
	hide   []Secret // what the answer must not repeat in an error
}

// apiPath returns the path of an object: its segments are escaped, a user's id
// with "|" and an identifier with slashes too.
func apiPath(segments ...string) string {
	var b strings.Builder
	b.WriteString("/api/v2")
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// get reads one object.
func (t *Tenant) get(ctx context.Context, path string, query url.Values, into any) error {
	return t.do(ctx, request{method: http.MethodGet, path: path, query: query}, into)
}

// do makes a request until it is answered, within bounds, and decodes the answer
// unless into is nil.
func (t *Tenant) do(ctx context.Context, rq request, into any) error {
	token, err := t.bearer(ctx)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := t.once(ctx, rq, token, into)
		if err == nil {
			return nil
		}
		pause, again := t.pause(err, rq.method, attempt)
		if !again || attempt == attempts || ctx.Err() != nil {
			return doubt(rq.method, err)
		}
		t.log.DebugContext(ctx, "tenant asked again", "method", rq.method, "path", rq.path, "wait", pause)
		if werr := t.wait(ctx, pause); werr != nil {
			return errors.Join(werr, err)
		}
	}
}

// doubt marks the error of a request that writes and may have been done.
func doubt(method string, err error) error {
	_, silent := errors.AsType[*unanswered](err)
	if method != http.MethodGet && (silent || status(err) >= http.StatusInternalServerError) {
		return &uncertain{err}
	}
	return err
}

// pause says whether a request may be made again, and after what time. One that
// writes may only when it was certainly not done.
func (t *Tenant) pause(err error, method string, attempt int) (time.Duration, bool) {
	e, answered := errors.AsType[*Error](err)
	switch {
	case answered && e.Status == http.StatusTooManyRequests:
		if e.retryAfter < 0 {
			return backoff << attempt, true
		}
		return max(e.retryAfter, backoff), e.retryAfter <= MaxWait
	case method != http.MethodGet:
		return 0, false
	case answered:
		return backoff << (attempt - 1), e.Status >= http.StatusInternalServerError
	}
	_, sent := errors.AsType[*unanswered](err)
	return backoff << (attempt - 1), sent
}

// An unanswered error is one of a request without a usable answer.
type unanswered struct{ err error }

func (u *unanswered) Error() string { return u.err.Error() }
func (u *unanswered) Unwrap() error { return u.err }

func (t *Tenant) once(ctx context.Context, rq request, token Secret, into any) error {
	r, err := t.newRequest(ctx, rq, token)
	if err != nil {
		return err
	}
	got, err := t.send(r)
	if err != nil {
		return &unanswered{fmt.Errorf("%s %s: %w", rq.method, rq.path, err)}
	}
	if got.status < 200 || got.status > 299 {
		return t.refusal(rq, got, token)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(got.body, into); err != nil {
		return fmt.Errorf("%s %s: the answer is not what the Management API says: %w", rq.method, rq.path, shape(err))
	}
	return nil
}

func (t *Tenant) newRequest(ctx context.Context, rq request, token Secret) (*http.Request, error) {
	target := t.base + rq.path
	if len(rq.query) > 0 {
		target += "?" + rq.query.Encode()
	}
	var body io.Reader
	if rq.body != nil {
		b, err := json.Marshal(rq.body)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", rq.method, rq.path, err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, rq.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", rq.method, rq.path, err)
	}
	if rq.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "gatewright")
	return r, nil
}

// An answer is one that was read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send returns the answer to a request.
func (t *Tenant) send(r *http.Request) (*answer, error) {
	resp, err := t.client.Do(r)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err // without the URL
		}
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxBody)
	}
	return &answer{resp.StatusCode, resp.Header, body}, nil
}

// refusal returns the error in an answer that is not 2xx.
func (t *Tenant) refusal(rq request, got *answer, token Secret) error {
	var said struct {
		Message     string `json:"message"`
		ErrorCode   string `json:"errorCode"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(got.body, &said) // what is no JSON says nothing
	message := said.Message
	if message == "" {
		message = strings.Trim(said.Error+": "+said.Description, ": ")
	}
	e := &Error{
		Method: rq.method, Path: rq.path, Status: got.status,
		Code:    clean(said.ErrorCode, nil),
		Message: clean(message, append([]Secret{token, t.clientSecret}, rq.hide...)),
	}
	if e.Status == http.StatusForbidden {
		e.Scopes = scopesIn(e.Message)
	}
	if e.Status == http.StatusTooManyRequests {
		e.retryAfter = t.retryAfter(got.header)
	}
	return e
}

// clean returns a message of the server without the secrets that it repeats,
// bounded, on one line, and with what nobody sees escaped.
func clean(message string, secrets []Secret) string {
	for _, s := range secrets {
		if s != "" {
			message = strings.ReplaceAll(message, s.Reveal(), s.String())
		}
	}
	const longest = 500
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "") + "…"
	}
	return inert(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, message))
}

// shape returns what is wrong with the shape of a document, without its content.
func shape(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s is no %s", clean(e.Field, nil), e.Type)
	}
	return errors.New("no JSON")
}

// retryAfter returns how long a busy server wants to be left alone (RFC 9110
// §10.2.3, else Auth0's own header), negative when it does not say.
func (t *Tenant) retryAfter(h http.Header) time.Duration {
	if raw := h.Get("Retry-After"); raw != "" {
		if n, err := strconv.ParseUint(raw, 10, 31); err == nil {
			return time.Duration(n) * time.Second
		}
		if at, err := http.ParseTime(raw); err == nil {
			return max(at.Sub(t.now()), 0)
		}
	}
	if at, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
		return max(time.Unix(at, 0).Sub(t.now()), 0)
	}
	return -1
}
