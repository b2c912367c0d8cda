package management

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

const (
	// prefix is where the API is mounted.
	prefix = "/api/v2/"
	// maxBody is the largest body, in bytes.
	maxBody = 1 << 20
)

// A request is what an operation reads.
type request struct {
	route  *route
	caller Caller
	// self is set when nothing but a scope for the current user let it in.
	self   bool
	method string
	path   string // escaped, below the prefix
	params map[string]string
	query  url.Values
	media  string // of the body
	bounds map[string]string
	body   []byte
	ip     string
	agent  string
}

// id returns a parameter of the path.
func (q *request) id(name string) string { return q.params[name] }

// can reports whether the caller has a scope.
func (q *request) can(scope string) bool { return slices.Contains(q.caller.Scopes, scope) }

// An answer is what an operation says.
type answer struct {
	status int
	body   any    // written as JSON; nil means none
	link   string // the header Link
	// stream writes the body instead; media is its type.
	stream func(io.Writer) error
	media  string
	file   string // the name under which a browser keeps it
}

func ok(body any) (answer, error)      { return answer{status: http.StatusOK, body: body}, nil }
func created(body any) (answer, error) { return answer{status: http.StatusCreated, body: body}, nil }
func noContent() (answer, error)       { return answer{status: http.StatusNoContent}, nil }
func accepted(body any) (answer, error) {
	return answer{status: http.StatusAccepted, body: body}, nil
}

// empty is the body {}.
type empty struct{}

// ServeHTTP answers a request whose path begins with /api/v2/.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Authorization")
	ans, err := a.answer(ctx, w, r)
	if err != nil {
		p, fault := asProblem(err)
		if fault && !errors.Is(err, context.Canceled) {
			a.log.ErrorContext(ctx, "management request failed", "method", r.Method, "path", r.URL.EscapedPath(), "err", err)
		}
		if p.retryAfter > 0 {
			h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
		}
		if p.bearer != nil {
			h.Set("WWW-Authenticate", p.bearer.challenge(p.message))
		}
		ans = answer{status: p.status, body: p}
	}
	a.write(ctx, w, r, ans)
}

// A patient writer gives each piece of a long answer a minute of its own,
// whatever the server gives whole answers.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(time.Minute)) // one that cannot has none
	return p.ResponseWriter.Write(b)
}

func (a *API) write(ctx context.Context, w http.ResponseWriter, r *http.Request, ans answer) {
	if ans.link != "" {
		w.Header().Set("Link", ans.link)
	}
	if ans.stream != nil {
		w.Header().Set("Content-Type", ans.media)
		w.Header().Set("Content-Disposition", "attachment; filename="+ans.file)
		w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'")
		w.WriteHeader(ans.status)
		if err := ans.stream(patient{w, http.NewResponseController(w)}); err != nil {
			a.log.ErrorContext(ctx, "management answer broke off", "path", r.URL.EscapedPath(), "err", err)
			panic(http.ErrAbortHandler) // the receiver must not take it for whole
		}
		return
	}
	if ans.body == nil {
		w.WriteHeader(ans.status)
		return
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(ans.body); err != nil {
		a.log.ErrorContext(ctx, "management answer cannot be written", "path", r.URL.EscapedPath(), "err", err)
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(ans.status)
	_, _ = w.Write(buf.Bytes()) // whoever is gone gets no answer
}

// answer finds the operation, asks whether the caller may, and runs it.
func (a *API) answer(ctx context.Context, w http.ResponseWriter, r *http.Request) (answer, error) {
	rateHeaders(w.Header(), a.limits.Full(), a.now())
	rest, below := strings.CutPrefix(r.URL.EscapedPath(), prefix)
	place, params := a.tree.find(rest)
	if !below || place == nil {
		return answer{}, absent("Not Found", "")
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	route := place.methods[method]
	if method == http.MethodOptions {
		w.Header().Set("Allow", place.allow())
		return noContent()
	}
	if route == nil {
		w.Header().Set("Allow", place.allow())
		return answer{}, &problem{status: http.StatusMethodNotAllowed, message: "Method Not Allowed"}
	}
	q := &request{
		route: route, method: method, path: rest, params: params,
		ip: a.cfg.RemoteIP(r), agent: r.UserAgent(),
	}
	if err := a.authenticate(ctx, w, r, q); err != nil {
		return answer{}, err
	}
	ans, err := a.run(ctx, w, r, q)
	a.record(ctx, q, ans, err)
	return ans, err
}

// run reads what the operation needs and runs it.
func (a *API) run(ctx context.Context, w http.ResponseWriter, r *http.Request, q *request) (answer, error) {
	if err := q.authorize(); err != nil {
		return answer{}, err
	}
	for name, value := range q.params {
		if len(value) > 1024 || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return answer{}, badPath(name, "id", shape.Cut(value, 64))
		}
	}
	var err error
	if q.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return answer{}, badQuery("'the query is not encoded as it should be'.")
	}
	for name, values := range q.query {
		for _, v := range values {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return answer{}, badQuery("'not a text' on property %s.", shape.Cut(name, 64))
			}
		}
	}
	if err := q.readBody(w, r); err != nil {
		return answer{}, err
	}
	return q.route.handle(a, ctx, q)
}

// readBody reads a body of at most maxBody bytes.
func (q *request) readBody(w http.ResponseWriter, r *http.Request) error {
	if q.method == http.MethodGet {
		return nil
	}
	if r.ContentLength > maxBody {
		return tooLarge()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return tooLarge()
	}
	if err != nil {
		return badBody("The body could not be read")
	}
	if q.body = body; len(body) == 0 {
		return nil
	}
	for _, coding := range r.Header["Content-Encoding"] {
		if !strings.EqualFold(coding, "identity") {
			return &problem{status: http.StatusUnsupportedMediaType, message: "Send the body without a Content-Encoding"}
		}
	}
	q.media, q.bounds, err = mime.ParseMediaType(r.Header.Get("Content-Type"))
	want := "application/json"
	if q.route.media != "" {
		want = q.route.media
	}
	if err != nil || q.media != want {
		return &problem{status: http.StatusUnsupportedMediaType, message: "The body has to be " + want}
	}
	return nil
}

func tooLarge() error {
	return &problem{status: http.StatusRequestEntityTooLarge, message: "Payload content length greater than maximum allowed: 1048576"}
}

// authenticate finds out who calls.
func (a *API) authenticate(ctx context.Context, w http.ResponseWriter, r *http.Request, q *request) error {
	if q.route.open {
		return nil
	}
	refuse := func(fault, message string) error {
		return &problem{status: http.StatusUnauthorized, message: message, bearer: &bearer{fault: fault}}
	}
	header := r.Header.Values("Authorization")
	if len(header) == 0 {
		return refuse("", "Missing authentication")
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	token = strings.TrimSpace(token)
	if len(header) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t,") {
		return &problem{
			status: http.StatusBadRequest, message: "Bad HTTP authentication header format", code: "invalid_bearer_header",
			bearer: &bearer{fault: "invalid_request"},
		}
	}
	caller, err := a.cfg.Verify(ctx, token)
	switch {
	case errors.Is(err, ErrExpiredToken):
		return refuse("invalid_token", "Expired token received for JSON Web Token validation")
	case errors.Is(err, ErrBadToken):
		return refuse("invalid_token", "Invalid token")
	case err != nil:
		a.log.ErrorContext(ctx, "management token could not be judged", "err", err)
		return &problem{status: http.StatusServiceUnavailable, message: "The token cannot be judged now, try again"}
	}
	q.caller = caller
	left := a.limits.Take(caller.ClientID)
	rateHeaders(w.Header(), left, a.now())
	if left.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(left.Wait.Seconds()))))
		return &problem{
			status: http.StatusTooManyRequests, code: "too_many_requests",
			message: "Global limit has been reached",
		}
	}
	return nil
}

// authorize asks whether the caller has one of the scopes of the route. A scope
// for the current user counts on the path of the subject.
func (q *request) authorize() error {
	if q.route.open {
		return nil
	}
	for scope := range strings.FieldsSeq(q.route.scopes) {
		if !isSelf(scope) && q.can(scope) {
			return nil
		}
	}
	for scope := range strings.FieldsSeq(q.route.scopes) {
		if isSelf(scope) && q.can(scope) && q.caller.Subject != "" && q.id("user") == q.caller.Subject {
			q.self = true
			return nil
		}
	}
	return insufficient(q.route.scopes)
}

func insufficient(scopes string) error {
	list := strings.Fields(scopes)
	return &problem{
		status: http.StatusForbidden, code: "insufficient_scope", message: "Insufficient scope, expected any of: " + strings.Join(list, ","),
		bearer: &bearer{fault: "insufficient_scope", scope: list[0]}, // one of them is enough
	}
}

// isSelf reports whether a scope is for the current user alone.
func isSelf(scope string) bool { return strings.Contains(scope, ":current_user") }

// record leaves an entry in the log: of changes, and of attempts at them.
func (a *API) record(ctx context.Context, q *request, ans answer, err error) {
	if q.method == http.MethodGet || q.route.open {
		return
	}
	kind, status, why := "sapi", ans.status, ""
	if err != nil {
		p, _ := asProblem(err)
		kind, status, why = "fapi", p.status, p.message
	}
	a.entry(ctx, q, kind, status, why)
}

// recordRead leaves an entry of a secret that was shown.
func (a *API) recordRead(ctx context.Context, q *request) {
	a.entry(ctx, q, "mgmt_api_read", http.StatusOK, "")
}

func (a *API) entry(ctx context.Context, q *request, kind string, status int, why string) {
	a.store.Record(ctx, tenant.Log{
		Type: kind, Description: q.method + " " + prefix + q.path, ClientID: q.caller.ClientID,
		UserID: q.caller.Subject, IP: q.ip, UserAgent: q.agent, Audience: a.Audience(),
		Details: map[string]any{
			"request": map[string]any{
				"method": q.method, "path": prefix + q.path, "channel": "api",
				"auth": map[string]any{"subject": q.caller.Subject, "client_id": q.caller.ClientID, "credentials": map[string]any{"jti": q.caller.ID}},
			},
			"response": compact(map[string]any{"statusCode": status, "message": why}),
		},
	})
}

// compact removes the empty texts of m.
func compact(m map[string]any) map[string]any {
	for name, value := range m {
		if value == "" {
			delete(m, name)
		}
	}
	return m
}
