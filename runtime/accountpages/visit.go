package accountpages

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/markup"
)

// A visit is one request of a page.
type visit struct {
	*pages

	w      http.ResponseWriter
	r      *http.Request
	path   string            // below [Path]
	form   map[string]string // of a POST
	person *gate.Principal   // nil for nobody
}

// maxField is how many bytes a field of a form has at most.
const maxField = 4 << 10

// readForm reads the body: a form in which each field is there once, and is text.
func (v *visit) readForm() error {
	media, params, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if charset := params["charset"]; err != nil || len(v.r.Header["Content-Type"]) != 1 ||
		media != "application/x-www-form-urlencoded" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return &gate.Error{Status: http.StatusUnsupportedMediaType}
	}
	body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return &gate.Error{Status: http.StatusRequestEntityTooLarge, Err: err}
	}
	if err != nil {
		return gate.Unreadable(err)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return &gate.Error{Status: http.StatusBadRequest, Err: err}
	}
	v.form = make(map[string]string, len(values))
	for name, list := range values {
		if len(list) != 1 || len(list[0]) > maxField || !utf8.ValidString(list[0]) || strings.ContainsRune(list[0], 0) {
			return &gate.Error{Status: http.StatusBadRequest}
		}
		v.form[name] = list[0]
	}
	return nil
}

// typed is a password of the form: of the two inputs the one that was visible.
func (v *visit) typed(name string) string {
	if v.form[name+"_reveal"] == "1" {
		return v.form[name+"_shown"]
	}
	return v.form[name]
}

// next is where the form, or the address of the page, says that a log-in leads: a path
// of this service, empty for none.
func (v *visit) next() string {
	text := v.form["next"]
	if v.form == nil {
		text = v.r.URL.Query().Get("next")
	}
	if !markup.Path(text) {
		return ""
	}
	return text
}

// to sends the browser to a path.
func (v *visit) to(path string) {
	v.w.Header().Set("Location", path)
	v.w.WriteHeader(http.StatusSeeOther)
}

// fail shows an error that no page has words for.
func (v *visit) fail(err error) {
	e := answered(err)
	s := sheet{state: "fault", title: "This cannot be done"}
	switch e.Status {
	case http.StatusNotFound:
		s.title, s.lead = "There is no such page", markup.Text("The address may have been typed wrong, or what was here is gone.")
	case http.StatusForbidden, http.StatusConflict:
		s.lead = markup.Text(sentence(e.Message))
	case http.StatusTooManyRequests:
		s.title, s.lead = "Too many tries", markup.Text("Wait 15 minutes, then try again.")
	case http.StatusRequestEntityTooLarge:
		s.lead = markup.Text("What you sent is too long.")
	case http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusBadRequest, http.StatusUnauthorized:
		s.lead = markup.Text("The form that was sent cannot be read. Go back, load the page again, and try once more.")
	case http.StatusServiceUnavailable:
		s.title, s.lead = "Not right now", markup.Text(busyWords(e.RetryAfter))
	default:
		s.title, s.lead = "Something is wrong on our side", markup.Text("It is logged under the reference on this page. Try again in a minute.")
	}
	v.log(e, err)
	s.reference = v.reference(e)
	v.retry(e)
	v.show(e.Status, s)
}

// reference is what the log knows a fault by, empty where nothing is in the log.
func (v *visit) reference(e *gate.Error) string {
	if e.Status < http.StatusInternalServerError {
		return ""
	}
	return v.w.Header().Get("X-Request-Id")
}

// log writes a fault into the log, unless whoever found it has.
func (v *visit) log(e *gate.Error, err error) {
	if e.Status < http.StatusInternalServerError || e.Err == nil {
		return
	}
	v.logger.ErrorContext(v.r.Context(), "request failed", "status", e.Status, "method", v.r.Method,
		"path", v.r.URL.Path, "request_id", v.reference(e), "err", err)
}

// retry says when to come back.
func (v *visit) retry(e *gate.Error) {
	if e.RetryAfter > 0 {
		v.w.Header().Set("Retry-After", strconv.FormatInt(seconds(e.RetryAfter), 10))
	}
}

func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// busyWords is what is said while the service has too much to do.
func busyWords(wait time.Duration) string {
	n := max(seconds(wait), 1)
	if n == 1 {
		return "Many people are logging in right now. Try again in a second."
	}
	return "Many people are logging in right now. Try again in " + strconv.FormatInt(n, 10) + " seconds."
}

// answered returns an error as it is answered. What is no refusal is a fault.
func answered(err error) *gate.Error {
	if e, ok := errors.AsType[*gate.Error](err); ok {
		return e
	}
	e := &gate.Error{Status: http.StatusInternalServerError, Err: err}
	for code, status := range map[gate.Code]int{
		gate.ErrUnavailable: http.StatusServiceUnavailable, gate.ErrTooManyRequests: http.StatusTooManyRequests,
		gate.ErrForbidden: http.StatusForbidden, gate.ErrBadRequest: http.StatusBadRequest,
		gate.ErrNotAuthenticated: http.StatusUnauthorized, gate.ErrInvalidCredentials: http.StatusUnauthorized,
		gate.ErrStepUpRequired: http.StatusUnauthorized,
	} {
		if errors.Is(err, code) && e.Status != http.StatusServiceUnavailable {
			e.Status = status
		}
	}
	if refusal, ok := errors.AsType[*gate.AuthError](err); ok {
		e.Message, e.RetryAfter = refusal.Message, refusal.RetryAfter
	}
	return e
}

// sentence ends a message as a sentence.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}
