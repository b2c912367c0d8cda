package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/gatewright/gate/internal/strictjson"
)

// maxLoginBody is enough for any credentials, and for a token to be presented.
const maxLoginBody = 8 << 10

// Handler returns the endpoint of the Feathers contract: POST logs in and
// answers 201, DELETE logs out and answers 200. It is mounted under one path,
// with and without a slash at its end:
//
//	mux.Handle("/authentication", svc.Handler())
//	mux.Handle("/authentication/", svc.Handler())
//
// The second serves DELETE /authentication/{token}. Bodies are JSON objects of
// at most 8 KiB; forms are refused, because any site can make a browser send
// one. Answers are never stored by caches.
func (s *Service) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		result, status, err := s.serve(w, r)
		if err != nil {
			s.answerError(w, r, err)
			return
		}
		if err := writeJSON(w, status, "application/json", result); err != nil {
			s.state.Load().cfg.Logger.ErrorContext(r.Context(), "answer", "err", err)
		}
	})
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) (result *Result, status int, err error) {
	id, known := requestedID(r)
	if !known {
		return nil, 0, &Error{Status: http.StatusNotFound}
	}
	ctx := contextOf(r)
	switch {
	case r.Method == http.MethodPost && id == "" && r.Header["X-Service-Method"] == nil:
		result, err = s.serveCreate(ctx, w, r)
		return result, http.StatusCreated, err
	case r.Method == http.MethodDelete:
		result, err = s.serveRemove(ctx, w, r, id)
		return result, http.StatusOK, err
	default:
		return nil, 0, methodNotAllowed(w, r, id)
	}
}

func (s *Service) serveCreate(ctx context.Context, w http.ResponseWriter, r *http.Request) (*Result, error) {
	c, err := readCredentials(w, r)
	if err != nil {
		return nil, err
	}
	result, err := s.Create(ctx, c, External())
	if err != nil {
		return nil, err
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if add := s.state.Load().cfg.LoginHeader; add != nil && result.proved {
		add(ctx, w.Header(), result)
	}
	return result, nil
}

func (s *Service) serveRemove(ctx context.Context, w http.ResponseWriter, r *http.Request, id string) (*Result, error) {
	c, _, err := s.Parse(r)
	if err != nil {
		return nil, err
	}
	result, err := s.Remove(ctx, id, c, External())
	if err != nil {
		return nil, err
	}
	w.Header().Set("Clear-Site-Data", `"cache","cookies","storage"`)
	return result, nil
}

// answerError answers with the challenge of a token: Basic's would make a
// browser open its own login window over the page that is logging in.
func (s *Service) answerError(w http.ResponseWriter, r *http.Request, err error) {
	st := s.state.Load()
	if statusOfError(err) == http.StatusUnauthorized {
		var carriers []*registration
		for _, reg := range st.order {
			if reg.carrier != nil {
				carriers = append(carriers, reg)
			}
		}
		var asked *registration
		if len(carriers) > 0 && r.Method == http.MethodDelete && len(r.Header["Authorization"]) > 0 {
			asked = carriers[0]
		}
		w.Header()["Www-Authenticate"] = challenges(r, carriers, asked, err)
	}
	ErrorWriter{Logger: st.cfg.Logger}.Write(w, r, err)
}

// readCredentials reads the body of a login.
func readCredentials(w http.ResponseWriter, r *http.Request) (Credentials, error) {
	if err := requireJSON(r.Header); err != nil {
		return Credentials{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLoginBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return Credentials{}, &Error{Status: http.StatusRequestEntityTooLarge, Err: err}
		}
		return Credentials{}, Unreadable(err)
	}
	v, err := strictjson.Decode(body, strictjson.MaxDepth)
	if err != nil {
		return Credentials{}, &Error{Status: http.StatusBadRequest, Message: "The body is not valid JSON: " + err.Error(), Err: err}
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return Credentials{}, &Error{Status: http.StatusBadRequest, Message: "The body must be a JSON object"}
	}
	c := Credentials{Fields: fields}
	c.Strategy, err = c.Text("strategy")
	return c, err
}

// requireJSON refuses bodies that are not plainly JSON. A browser sends JSON
// to another origin only after asking, which it does not for forms and text.
func requireJSON(h http.Header) error {
	unsupported := &Error{Status: http.StatusUnsupportedMediaType, Message: "The body must be application/json"}
	if len(h["Content-Type"]) != 1 {
		return unsupported
	}
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return unsupported
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return unsupported
	}
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return &Error{Status: http.StatusUnsupportedMediaType, Message: "The body must not be compressed"}
	}
	return nil
}

// requestedID returns what follows the path under which the handler is
// mounted, and false when that is more than one segment.
func requestedID(r *http.Request) (id string, ok bool) {
	if id := r.PathValue("token"); id != "" {
		return id, true
	}
	rest := segments(r.URL.Path)
	if i := strings.IndexByte(r.Pattern, '/'); i >= 0 {
		rest = below(segments(r.Pattern[i:]), rest)
	}
	switch len(rest) {
	case 0:
		return "", true
	case 1:
		return rest[0], true
	default:
		return "", false
	}
}

func segments(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// below returns the segments of path that follow those of pattern, or all when
// path has had its prefix stripped.
func below(pattern, path []string) []string {
	for i, p := range pattern {
		if p == "{$}" || strings.HasSuffix(p, "...}") {
			return path[min(i, len(path)):]
		}
		if i >= len(path) || p != path[i] && p[0] != '{' {
			return path
		}
	}
	return path[len(pattern):]
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request, id string) error {
	allow := "POST, DELETE"
	if id != "" {
		allow = "DELETE"
	}
	w.Header().Set("Allow", allow)
	message := fmt.Sprintf("Method %s not allowed", r.Method)
	if method := cmp.Or(customMethod(r), feathersMethod(r, id)); method != "" {
		message = fmt.Sprintf("Method `%s` is not supported by this endpoint.", method)
	}
	return &Error{Status: http.StatusMethodNotAllowed, Message: message}
}

// customMethod returns the method of its own that a Feathers client asks for,
// none of which there is here.
func customMethod(r *http.Request) string {
	name := r.Header.Get("X-Service-Method")
	if r.Method != http.MethodPost || len(name) > 64 || strings.ContainsFunc(name, func(c rune) bool { return c < '!' || c > '~' || c == '`' }) {
		return ""
	}
	return name
}

// feathersMethod returns the service method that Feathers would call.
func feathersMethod(r *http.Request, id string) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if id != "" {
			return "get"
		}
		return "find"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodPost:
		return "create"
	default:
		return ""
	}
}
