package rest

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store/idempotency"
)

// An API says how entities are served. The zero value serves them to everybody
// that the gate below lets in without asking who it is, in the grammar of
// [Feathers], below "/api".
type API struct {
	// Prefix is before every path; empty means "/api". It has no trailing
	// slash.
	Prefix string
	// Grammar is how queries, pages, rows and routes are spelt; nil means [Feathers].
	Grammar Grammar
	// Protect finds out who asks, for instance by a guard that lets anonymous
	// callers pass; nil means that nobody is known.
	Protect func(http.Handler) http.Handler
	// Policy decides who is told what is wrong with a request: not those who may
	// not make it at all. Nil tells everybody.
	Policy *authz.Policy
	// NoCredentials says that there is no way to show who one is. What asks for
	// somebody is then 403 for everybody: a 401 would have nothing to ask for.
	NoCredentials bool
	// Once remembers requests that make rows and have an Idempotency-Key; nil
	// refuses those.
	Once *idempotency.Keeper
	// Transfers bounds the files that are being sent and fetched, for all entities; nil
	// bounds those of each by itself.
	Transfers *Transfers
	// Errors writes the refusals.
	Errors gate.ErrorWriter
}

// A Route is one method on one path.
type Route struct {
	Method string
	// Path is the pattern of the path: /api/items/{id}.
	Path string
	// Action is what is done, for which the rules of the entity say who may: to
	// the row that has the others, where they are asked for by it.
	Action authz.Action
	// Rules are the words of that rule, of those for some rows, too.
	Rules []string
	// Of is the entity of the rows that are listed or made, where it is another: a
	// caller needs what its rules say as well.
	Of string
	// MaxBody is how many bytes of a body it takes, where that is for it to say.
	MaxBody int64
	Handler http.Handler
}

// Routes returns the routes of one entity, always in the same order.
func (a API) Routes(s crud.Service) []Route {
	if a.Prefix == "" {
		a.Prefix = "/api"
	}
	if a.Grammar == nil {
		a.Grammar = Feathers{}
	}
	h := &handlers{
		service: s, grammar: a.Grammar, dialect: dialectOf(a.Grammar), policy: a.Policy, errors: a.Errors,
		prefix: a.Prefix, path: a.Prefix + "/" + s.Entity().Path, noCredentials: a.NoCredentials,
		once: a.Once, transfers: a.Transfers, protect: a.Protect,
	}
	if h.transfers == nil {
		h.transfers = new(Transfers)
	}
	if h.protect == nil {
		h.protect = func(next http.Handler) http.Handler { return next }
	}
	return h.dialect.routes(h, func(method, path string, action authz.Action, f func(http.ResponseWriter, *http.Request) error) Route {
		return Route{Method: method, Path: path, Action: action, Rules: s.Entity().Rules(action.String()), Handler: h.protect(h.handle(f))}
	})
}

// handlers are the routes of one entity.
type handlers struct {
	service   crud.Service
	grammar   Grammar
	dialect   dialect
	policy    *authz.Policy
	errors    gate.ErrorWriter
	prefix    string
	path      string
	once      *idempotency.Keeper
	transfers *Transfers
	protect   func(http.Handler) http.Handler

	noCredentials bool
}

// handle makes a handler of f, whose error becomes the answer.
func (h *handlers) handle(f func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		if _, known := gate.PrincipalFromContext(r.Context()); known {
			header.Set("Cache-Control", "no-store")
		} else {
			header.Set("Cache-Control", "no-cache")
		}
		ctx, made := crud.MakeAnswer(r.Context(), r.Method != http.MethodGet && r.Method != http.MethodHead)
		defer made()
		if err := f(w, r.WithContext(ctx)); err != nil {
			if h.noCredentials && unauthenticated(err) {
				err = gate.ErrForbidden
			}
			h.errors.Write(w, r, err)
		}
	})
}

// unauthenticated reports whether an error asks who somebody is.
func unauthenticated(err error) bool {
	e, ok := errors.AsType[*gate.Error](err)
	return ok && e.Status == http.StatusUnauthorized || errors.Is(err, gate.ErrNotAuthenticated)
}

// first returns what comes before a malformed request: that its sender is
// nobody, or may not do this at all. Otherwise it returns err.
func (h *handlers) first(r *http.Request, action authz.Action, err error) error {
	if h.policy == nil {
		return err
	}
	rule, ruleErr := authz.ParseRule(h.service.Entity().Rules(action.String())...)
	if ruleErr != nil {
		return ruleErr // cannot be: the entity was checked when it was made
	}
	switch h.policy.DecideContext(r.Context(), rule) {
	case authz.Unauthenticated:
		return gate.ErrNotAuthenticated
	case authz.Forbidden:
		return gate.ErrForbidden
	default:
		return err
	}
}

func (h *handlers) find(w http.ResponseWriter, r *http.Request) error {
	q, err := h.grammar.Find(r.URL.RawQuery)
	if err != nil {
		return h.first(r, authz.List, err)
	}
	rows, err := h.service.FindRows(r.Context(), q)
	if err != nil {
		return err
	}
	return h.page(w, r, rows)
}

// page answers a page.
func (h *handlers) page(w http.ResponseWriter, r *http.Request, rows *crud.Rows) error {
	body := encode(func(dst []byte) []byte { return h.grammar.AppendPage(dst, rows) })
	release, err := crud.HoldAnswer(r.Context(), *body)
	if err != nil {
		return err
	}
	defer release()
	h.dialect.lead(w.Header(), r, rows)
	send(w, http.StatusOK, body)
	return nil
}

// answer answers a row that was written.
func (h *handlers) answer(w http.ResponseWriter, r *http.Request, status int, row crud.Row) {
	writeJSON(w, r, status, func(dst []byte) []byte { return h.dialect.appendRow(dst, row) })
}

func (h *handlers) get(w http.ResponseWriter, r *http.Request) error {
	sel, err := h.grammar.Get(r.URL.RawQuery)
	if err != nil {
		return h.first(r, authz.View, err)
	}
	row, err := h.service.GetRow(r.Context(), r.PathValue("id"), sel)
	if err != nil {
		return err
	}
	same, err := known(r, row)
	if err != nil {
		return err
	}
	if same {
		mark(w, row)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	body := encode(func(dst []byte) []byte { return h.dialect.appendRow(dst, row) })
	release, err := crud.HoldAnswer(r.Context(), *body)
	if err != nil {
		return err
	}
	defer release()
	mark(w, row)
	send(w, http.StatusOK, body)
	return nil
}

func (h *handlers) create(w http.ResponseWriter, r *http.Request) error {
	fields, body, err := h.change(r)
	if err != nil {
		return h.first(r, authz.Create, err)
	}
	if _, ok := r.Header["Idempotency-Key"]; ok {
		return h.createOnce(w, r, fields, body)
	}
	return h.made(w, r, fields, body)
}

// made makes the row of a body, or the rows of a list.
func (h *handlers) made(w http.ResponseWriter, r *http.Request, fields []string, body []byte, opts ...crud.Option) error {
	if isList(body) {
		rows, err := h.service.CreateRows(r.Context(), body, fields, opts...)
		if err != nil {
			return err
		}
		writeJSON(w, r, http.StatusCreated, rows.AppendJSON)
		return nil
	}
	row, err := h.service.CreateRow(r.Context(), body, fields, opts...)
	if err != nil {
		return err
	}
	w.Header().Set("Location", h.path+"/"+url.PathEscape(row.ID))
	mark(w, row)
	h.answer(w, r, http.StatusCreated, row)
	return nil
}

func (h *handlers) update(w http.ResponseWriter, r *http.Request) error {
	fields, body, opts, err := h.conditional(r)
	if err != nil {
		return h.first(r, authz.Update, err)
	}
	row, err := h.service.UpdateRow(r.Context(), r.PathValue("id"), body, fields, opts...)
	if err != nil {
		return err
	}
	mark(w, row)
	h.answer(w, r, http.StatusOK, row)
	return nil
}

func (h *handlers) patch(w http.ResponseWriter, r *http.Request) error {
	fields, body, opts, err := h.conditional(r)
	if err != nil {
		return h.first(r, authz.Update, err)
	}
	row, err := h.service.PatchRow(r.Context(), r.PathValue("id"), body, fields, opts...)
	if err != nil {
		return err
	}
	mark(w, row)
	h.answer(w, r, http.StatusOK, row)
	return nil
}

func (h *handlers) remove(w http.ResponseWriter, r *http.Request) error {
	fields, err := h.grammar.Select(r.URL.RawQuery)
	var opts []crud.Option
	if err == nil {
		opts, err = precondition(r)
	}
	if err != nil {
		return h.first(r, authz.Delete, err)
	}
	row, err := h.service.RemoveRow(r.Context(), r.PathValue("id"), fields, opts...)
	if err != nil {
		return err
	}
	h.answer(w, r, http.StatusOK, row)
	return nil
}

// restore brings a deleted row back. There is nothing to say but which.
func (h *handlers) restore(w http.ResponseWriter, r *http.Request) error {
	fields, err := h.grammar.Select(r.URL.RawQuery)
	var opts []crud.Option
	if err == nil {
		opts, err = precondition(r)
	}
	if err != nil {
		return h.first(r, authz.Delete, err)
	}
	row, err := h.service.RestoreRow(r.Context(), r.PathValue("id"), fields, opts...)
	if err != nil {
		return err
	}
	mark(w, row)
	h.answer(w, r, http.StatusOK, row)
	return nil
}

// change reads what the routes that change something take.
func (h *handlers) change(r *http.Request) (fields []string, body []byte, err error) {
	body, err = readBody(r)
	if err == nil {
		body, err = h.dialect.body(h.service.Entity(), body)
	}
	if err != nil {
		return nil, nil, err
	}
	fields, err = h.grammar.Select(r.URL.RawQuery)
	return fields, body, err
}

// conditional is change for a row that is there, with the condition on it.
func (h *handlers) conditional(r *http.Request) (fields []string, body []byte, opts []crud.Option, err error) {
	if fields, body, err = h.change(r); err == nil {
		opts, err = precondition(r)
	}
	return fields, body, opts, err
}

// readBody returns the body of a request, which must say that it is JSON. How
// much there may be is limited before, for every handler alike.
func readBody(r *http.Request) ([]byte, error) {
	if !isJSON(r.Header["Content-Type"]) {
		return nil, &gate.Error{Status: http.StatusUnsupportedMediaType, Message: "The body must be application/json"}
	}
	return wholeBody(r)
}

func wholeBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &gate.Error{Status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return nil, gate.Unreadable(err)
	}
	return body, nil
}

// isJSON reports whether the one Content-Type is application/json, in UTF-8.
func isJSON(types []string) bool {
	if len(types) != 1 {
		return false
	}
	if types[0] == "application/json" {
		return true
	}
	media, params, err := mime.ParseMediaType(types[0])
	if err != nil || media != "application/json" {
		return false
	}
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8")
}

// isList reports whether a JSON text is a list.
func isList(body []byte) bool {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == '['
		}
	}
	return false
}

// maxPooled is the largest buffer that is kept for the next answer.
const maxPooled = 64 << 10

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// writeJSON answers what was done with what appendTo appends.
func writeJSON(w http.ResponseWriter, r *http.Request, status int, appendTo func([]byte) []byte) {
	body := encode(appendTo)
	defer crud.KeepAnswer(r.Context(), *body)()
	send(w, status, body)
}

// encode returns what appendTo appends, which is for send.
func encode(appendTo func([]byte) []byte) *[]byte {
	buf := buffers.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	*buf = appendTo((*buf)[:0])
	return buf
}

func send(w http.ResponseWriter, status int, buf *[]byte) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(*buf))}
	w.WriteHeader(status)
	_, _ = w.Write(*buf) // nobody is left to be told
	if cap(*buf) <= maxPooled {
		buffers.Put(buf)
	}
}
