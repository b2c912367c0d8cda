package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/framing"
)

// Limits of a request's body, whatever the handler would take.
const (
	maxBody      = 1 << 20
	maxLoginBody = 8 << 10
)

// An edge is what every request passes first and every answer last. It refuses
// what no handler should see, sets the headers that every answer carries, turns
// a panic into a 500, and writes the access log.
type edge struct {
	next    http.Handler
	logger  *slog.Logger
	errors  gate.ErrorWriter
	proxies proxies
	origins []string // of CORS, exact
	cookies bool     // their pages may use the cookie of a browser's session
	hsts    bool     // clients reach the service by TLS
	login   string   // path with the smaller limit
	bodies  *bodies
	large   func(*http.Request) int64 // how much a route takes beyond the limit of others; nil without such routes
	now     func() time.Time

	observers []Observer
	ownRoot   bool // the service has its own pattern for everything
}

// ServeHTTP implements [http.Handler].
func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := e.now()
	rec := &recorder{ResponseWriter: w}
	id := e.requestID(r)
	e.headers(rec.Header(), r, id)
	r = e.proxies.withClient(r)
	if len(e.observers) > 0 {
		var end func(Answered)
		r, end = e.observe(r)
		defer func() { end(e.answered(rec, r, id, start)) }() // after finish, which answers a panic
	}
	defer e.finish(rec, r, id, start)
	framing.Guard(rec.Header(), r)
	if e.cors(rec, r) {
		return
	}
	if err := e.admit(rec, r); err != nil {
		e.errors.Write(rec, r, err)
		return
	}
	if r.ContentLength != 0 && e.streamed(r) == 0 { // or -1: nobody said
		defer e.bodies.count(rec, r)()
	}
	e.next.ServeHTTP(rec, r)
}

// headers sets what every answer carries, also a 404, a 405 and a 500. A
// handler that serves pages replaces the policy by its own.
func (e *edge) headers(h http.Header, r *http.Request, id string) {
	h["X-Request-Id"] = []string{id}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Referrer-Policy"] = []string{"no-referrer"}
	h["Content-Security-Policy"] = []string{"default-src 'none'; frame-ancestors 'none'"}
	h["Cross-Origin-Resource-Policy"] = []string{"same-origin"}
	h["Vary"] = []string{"Origin, Authorization"}
	if e.hsts || r.TLS != nil {
		h["Strict-Transport-Security"] = []string{"max-age=31536000"}
	}
}

// requestID returns the identifier of a request: that of a trusted proxy, if it
// looks like one, else a new one.
func (e *edge) requestID(r *http.Request) string {
	if ids := r.Header["X-Request-Id"]; len(ids) == 1 && isRequestID(ids[0]) {
		if _, trusted := e.proxies.peer(r); trusted {
			return ids[0]
		}
	}
	return rand.Text()
}

func isRequestID(s string) bool {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_."
	return len(s) >= 8 && len(s) <= 64 && strings.Trim(s, alphabet) == ""
}

// cors answers preflights of listed origins and lets their pages read answers
// (Fetch §3.2). It allows cookies only where browsers log in with one.
func (e *edge) cors(w http.ResponseWriter, r *http.Request) (answered bool) {
	origins := r.Header["Origin"]
	if len(origins) != 1 || !slices.Contains(e.origins, origins[0]) {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origins[0])
	if e.cookies {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		h.Set("Access-Control-Expose-Headers", "Content-Disposition, ETag, Idempotency-Replayed, Link, Location, Retry-After, WWW-Authenticate, X-Request-Id")
		return false
	}
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
	h.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-API-Key, Last-Event-ID")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// streamed returns how much a route takes that bounds its bodies by itself, and does not
// hold them; 0 for any other.
func (e *edge) streamed(r *http.Request) int64 {
	if e.large == nil || r.Method != http.MethodPut {
		return 0
	}
	return e.large(r)
}

// admit refuses requests that no handler should see, and bounds the body.
func (e *edge) admit(w http.ResponseWriter, r *http.Request) error {
	if !canonical(r) {
		return &gate.Error{Status: http.StatusNotFound}
	}
	if path := r.URL.Path; len(path) > 1 && strings.HasSuffix(path, "/") {
		r.URL.Path, r.URL.RawPath = strings.TrimSuffix(path, "/"), ""
	}
	for _, coding := range r.Header["Content-Encoding"] {
		if !strings.EqualFold(coding, "identity") {
			return &gate.Error{Status: http.StatusUnsupportedMediaType, Message: "Send the body without a Content-Encoding"}
		}
	}
	limit := int64(maxBody)
	if r.URL.Path == e.login {
		limit = maxLoginBody
	}
	limit = max(limit, e.streamed(r))
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close")
		return &gate.Error{Status: http.StatusRequestEntityTooLarge}
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	return nil
}

// canonical reports whether the path has one meaning only: no empty or dot
// segments, no encoded slash, nothing that another server in the way could read
// differently. Whatever has another spelling is not found.
func canonical(r *http.Request) bool {
	path := r.URL.Path
	if path == "" || path[0] != '/' || strings.Contains(path, "//") {
		return false
	}
	for _, c := range []byte(path) {
		if c < ' ' || c == 0x7f || c == '\\' || c == ';' {
			return false
		}
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	raw := strings.ToLower(r.URL.RawPath)
	return !strings.Contains(raw, "%2f") && !strings.Contains(raw, "%2e")
}

// clientGone is the status, for the log and observers alone, of what could not be done
// for a client that did not wait for it: that is no outage. Other servers write the same
// number.
const clientGone = 499

// told is the status for the log and observers.
func (rec *recorder) told(ctx context.Context) int {
	status := rec.statusOr200()
	if status == http.StatusServiceUnavailable && errors.Is(ctx.Err(), context.Canceled) {
		return clientGone
	}
	return status
}

// finish turns a panic into a 500 and logs the request, also one whose answer is cut off.
func (e *edge) finish(rec *recorder, r *http.Request, id string, start time.Time) {
	fault := recover()
	defer e.log(rec, r, id, start)
	if fault != nil {
		e.failed(rec, r, fault)
	}
}

// log writes the line of a request.
func (e *edge) log(rec *recorder, r *http.Request, id string, start time.Time) {
	ctx := r.Context()
	if !e.logger.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", rec.told(ctx)), slog.Int64("bytes", rec.bytes),
		slog.Float64("duration_ms", float64(e.now().Sub(start).Microseconds())/1000),
		slog.String("request_id", id),
	}
	if c, ok := gate.ClientFromContext(ctx); ok {
		attrs = append(attrs, slog.String("client", c.Address.String()))
	}
	e.logger.LogAttrs(ctx, slog.LevelInfo, "request", attrs...)
}

// failed answers a request whose handler panicked. What was panicked with goes
// to the log and nowhere else. When the answer has begun it can only be cut
// off, so that nobody takes it for whole.
func (e *edge) failed(rec *recorder, r *http.Request, fault any) {
	if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	ctx := context.WithoutCancel(r.Context())
	e.logger.ErrorContext(ctx, "panic", "err", fmt.Sprint(fault), "method", r.Method, "path", r.URL.Path, "stack", string(debug.Stack()))
	if rec.status != 0 {
		rec.broken = true
		panic(http.ErrAbortHandler)
	}
	rec.Header().Set("Connection", "close")
	e.errors.Write(rec, r, &gate.Error{Status: http.StatusInternalServerError})
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64

	switched bool // to another protocol
	broken   bool // the handler panicked in the middle of the answer
}

// WriteHeader implements [http.ResponseWriter].
func (rec *recorder) WriteHeader(status int) {
	oneVary(rec.Header())
	if rec.status == 0 && status >= 200 {
		rec.status = status
	}
	rec.switched = rec.switched || status == http.StatusSwitchingProtocols
	rec.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (rec *recorder) Write(p []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
		oneVary(rec.Header())
	}
	n, err := rec.ResponseWriter.Write(p)
	rec.bytes += int64(n)
	return n, err
}

// oneVary makes one line of those that handlers have added, with each name once.
func oneVary(h http.Header) {
	lines := h["Vary"]
	if len(lines) < 2 {
		return
	}
	var names []string
	for name := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name = strings.TrimSpace(name)
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			names = append(names, name)
		}
	}
	h["Vary"] = []string{strings.Join(names, ", ")}
}

// Unwrap lets [http.ResponseController] reach the connection.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

func (rec *recorder) statusOr200() int {
	if rec.status == 0 {
		return http.StatusOK
	}
	return rec.status
}
