package strategytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"

	"github.com/gatewright/gate"
)

// checkParse has the parser find what is there and leave everything else alone.
func checkParse(ctx context.Context, r *report) {
	st, _ := r.suite.New()
	parser, ok := st.(gate.Parser)
	if !ok {
		return
	}
	if !isAnonymous(st) {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions, "BREW"} {
			bare := newRequest(ctx, method)
			if _, found, err := parser.Parse(bare); found || err != nil {
				r.errorf("a %s without credentials: found %v, error %v", method, found, err)
			}
		}
	}
	for _, c := range r.suite.Good {
		if c.Request == nil {
			continue
		}
		request := c.Request()
		request.Body = unread{r, c.Name}
		before := request.Clone(ctx)
		cred, found, err := parser.Parse(request)
		if !found || err != nil {
			r.errorf("%s: found %v, error %v", c.Name, found, err)
			continue
		}
		if !reflect.DeepEqual(request.Header, before.Header) || request.URL.String() != before.URL.String() || request.Form != nil {
			r.errorf("%s: the parser changed the request", c.Name)
		}
		if again, _, _ := parser.Parse(request); !reflect.DeepEqual(again, cred) {
			r.errorf("%s: one request holds two different credentials", c.Name)
		}
	}
}

func newRequest(ctx context.Context, method string) *http.Request {
	return httptest.NewRequestWithContext(ctx, method, "/", http.NoBody)
}

// unread is a body that nobody may read.
type unread struct {
	r    *report
	name string
}

// Read implements [io.Reader].
func (u unread) Read([]byte) (int, error) {
	u.r.errorf("%s: the parser reads the body", u.name)
	return 0, io.EOF
}

// Close implements [io.Closer].
func (u unread) Close() error { return nil }

// checkRequests changes the headers that carry the credentials.
func checkRequests(ctx context.Context, r *report) {
	st, _ := r.suite.New()
	parser, ok := st.(gate.Parser)
	if !ok {
		return
	}
	for _, c := range r.suite.Good {
		if c.Request == nil {
			continue
		}
		for _, header := range carriers(parser, c) {
			for _, values := range hostileValues(header, c.Request().Header[header][0]) {
				r.hostile(ctx, st, c, header, values)
			}
			if header != "Authorization" {
				continue
			}
			other := c.Request()
			other.Header.Set(header, "Unheard-Of abc")
			if _, found, err := parser.Parse(other); found || err != nil {
				r.errorf("%s: another scheme: found %v, error %v; it is for another strategy", c.Name, found, err)
			}
		}
	}
}

// carriers returns the headers without which a case is none.
func carriers(parser gate.Parser, c Case) []string {
	var list []string
	for header := range c.Request().Header {
		without := c.Request()
		without.Header.Del(header)
		if _, found, _ := parser.Parse(without); !found {
			list = append(list, header)
		}
	}
	return list
}

// hostileValues returns what a header may hold instead of value. None of it is
// credentials.
func hostileValues(header, value string) [][]string {
	list := [][]string{{value, value}, {value, value, value}}
	one := func(values ...string) {
		for _, v := range values {
			list = append(list, []string{v})
		}
	}
	one(
		"", " ", "=", "\x00", "\xff\xfe", "😀", ",", ";", `"`, value+" junk", value+",", value+"\x00", value+"\r\nX: y", value+"\xff",
		value+value, strings.Repeat("A", 1<<20), value+strings.Repeat("A", 1<<20),
	)
	switch header {
	case "Cookie":
		one(value+"; "+value, value+";"+value, strings.ToLower(value), strings.Repeat(";", 1<<20))
		list = append(list, []string{"a=b", value, value})
	case "Authorization":
		scheme, rest, _ := strings.Cut(value, " ")
		one(
			scheme, scheme+" ", scheme+"  "+rest, scheme+"\t"+rest, scheme+": "+rest, scheme+"="+rest, "X"+value, scheme+"x "+rest,
			rest, scheme+" =", scheme+" ====", scheme+" \xff\xfe", scheme+" 😀", scheme+" "+scheme+" "+rest, value+" "+value,
		)
		fallthrough
	default:
		list = append(list, []string{value, "other"}, []string{"other", value}, []string{"", value})
	}
	return list
}

// hostile reports credentials found where there are none, and a parser that
// does not know what it says.
func (r *report) hostile(ctx context.Context, st gate.Strategy, c Case, header string, values []string) {
	request := c.Request()
	request.Header[header] = values
	what := fmt.Sprintf("%s with %s %.60q", c.Name, header, values)
	cred, found, err := st.(gate.Parser).Parse(request) //nolint:forcetypeassert // the caller has one
	none := reflect.DeepEqual(cred, gate.Credentials{})
	switch code := codeOf(err); {
	case err != nil && (found || !none):
		r.errorf("%s: refused with %v, and credentials all the same", what, err)
	case err != nil && code != gate.ErrBadRequest && code != gate.ErrForbidden:
		r.errorf("%s: got %v, want %s", what, err, gate.ErrBadRequest)
	case err == nil && found == none:
		r.errorf("%s: found %v, and credentials %v", what, found, !none)
	}
	if err != nil {
		r.searchError(c, err)
	}
	if err != nil || !found {
		return
	}
	cred.Strategy = strategyName
	p, err := r.judge(ctx, st, Case{Name: what}, cred)
	if p != nil {
		r.errorf("%s: accepted as %q", what, p.Subject)
	} else if codeOf(err) == "" {
		r.errorf("%s: could not decide: %.200s", what, err)
	}
}

// checkGuard puts a guard with the strategy in front of a handler.
func checkGuard(ctx context.Context, r *report) {
	st, fail := r.suite.New()
	if _, ok := st.(gate.Parser); !ok {
		return
	}
	svc, err := gate.New(gate.Config{})
	if err == nil {
		err = svc.Register(strategyName, st)
	}
	if err != nil {
		r.errorf("register: %v", err)
		return
	}
	handler := svc.Guard(strategyName).Protect(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		p, _ := gate.PrincipalFromContext(req.Context())
		_, _ = io.WriteString(w, p.Subject)
	}))
	serve := func(c Case) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, c.Request().WithContext(ctx))
		r.searchAnswer(c, w)
		return w
	}
	for _, c := range r.suite.Good {
		if c.Request == nil {
			continue
		}
		if w := serve(c); w.Code != http.StatusOK || w.Body.String() != r.suite.Subject {
			r.errorf("%s: answered %d %q", c.Name, w.Code, w.Body)
		}
		if fail == nil {
			continue
		}
		fail(errors.New("backend is down"))
		if w := serve(c); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "backend") {
			r.errorf("%s: when the backend fails answered %d %q, want 503 without details", c.Name, w.Code, w.Body)
		}
		fail(nil)
	}
	for _, c := range r.suite.Bad {
		if c.Request == nil {
			continue
		}
		if w := serve(c); w.Code < http.StatusBadRequest || w.Code >= http.StatusInternalServerError {
			r.errorf("%s: answered %d", c.Name, w.Code)
		}
	}
}

// searchAnswer looks for what was presented in the answer.
func (r *report) searchAnswer(c Case, w *httptest.ResponseRecorder) {
	answer := w.Body.String() + fmt.Sprint(w.Header())
	for _, secret := range c.secrets() {
		if strings.Contains(answer, secret) {
			r.errorf("%s: the answer shows what was presented", c.Name)
			return
		}
	}
}
