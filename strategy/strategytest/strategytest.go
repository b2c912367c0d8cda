// Package strategytest checks that a strategy keeps the rules of package gate:
// yes, no and could not decide are told apart, credentials that are not strings
// reach nothing, parsing survives anything, challenges are well formed.
package strategytest

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate"
)

// A Suite says how to make a strategy and what to send to it.
type Suite struct {
	// New returns a strategy on a backend that works, and a function after
	// which every look-up in the backend fails with the error given, until it
	// is called with nil.
	New func(t *testing.T) (st gate.Strategy, fail func(error))
	// Valid are credentials that the strategy accepts.
	Valid gate.Credentials
	// Subject is whose they are.
	Subject string
	// Refused are credentials that it must answer with no, by name.
	Refused map[string]gate.Credentials
	// Request returns a request that carries the valid credentials; nil for a
	// strategy that reads no requests.
	Request func() *http.Request
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Run("yes", s.testYes)
	t.Run("no", s.testNo)
	t.Run("not a string", s.testTypes)
	t.Run("could not decide", s.testFaults)
	if s.Request != nil {
		t.Run("parse", s.testParse)
		t.Run("hostile headers", s.testHostileHeaders)
	}
	t.Run("challenge", s.testChallenge)
}

const name = "under-test"

// service returns a service with the strategy as its only one.
func (s Suite) service(t *testing.T) (*gate.Service, func(error)) {
	t.Helper()
	st, fail := s.New(t)
	svc, err := gate.New(gate.Config{AuthStrategies: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Register(name, st); err != nil {
		t.Fatalf("the strategy refuses its configuration: %v", err)
	}
	return svc, fail
}

func authenticate(t *testing.T, svc *gate.Service, c gate.Credentials) (*gate.Principal, error) {
	t.Helper()
	c.Strategy = name
	return svc.Authenticate(t.Context(), c)
}

func (s Suite) testYes(t *testing.T) {
	svc, _ := s.service(t)
	seen := make([]*gate.Principal, 8)
	var wg sync.WaitGroup
	for i := range seen {
		wg.Go(func() {
			p, err := authenticate(t, svc, s.Valid)
			if err != nil {
				t.Errorf("valid credentials: %v", err)
				return
			}
			seen[i] = p
		})
	}
	wg.Wait()
	for i, p := range seen {
		if p == nil {
			continue
		}
		if p.Subject != s.Subject {
			t.Errorf("subject %q, want %q", p.Subject, s.Subject)
		}
		if slices.Contains(seen[:i], p) {
			t.Error("one principal was returned twice: callers complete theirs")
		}
	}
}

func (s Suite) testNo(t *testing.T) {
	svc, _ := s.service(t)
	refused := maps.Clone(s.Refused)
	if refused == nil {
		refused = make(map[string]gate.Credentials)
	}
	refused["nothing"] = gate.Credentials{}
	for what, c := range refused {
		t.Run(what, func(t *testing.T) {
			p, err := authenticate(t, svc, c)
			if p != nil {
				t.Errorf("got the principal %q", p.Subject)
			}
			if !errors.Is(err, gate.ErrNotAuthenticated) && !errors.Is(err, gate.ErrInvalidCredentials) {
				t.Errorf("got %v, want a 401", err)
			}
			leaks(t, err, c)
		})
	}
}

// leaks reports a value of c in the text of err.
func leaks(t *testing.T, err error, c gate.Credentials) {
	t.Helper()
	for field, v := range c.Fields {
		if text, ok := v.(string); ok && len(text) > 3 && err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("the error shows the field %q", field)
		}
	}
}

func (s Suite) testTypes(t *testing.T) {
	svc, _ := s.service(t)
	wrong := map[string]any{
		"object": map[string]any{"$ne": nil}, "list": []any{"a"}, "number": 1.5, "true": true, "null": nil,
		"stringer": map[string]any{"toString": 1},
	}
	for field := range s.Valid.Fields {
		for kind, v := range wrong {
			t.Run(field+" is "+kind, func(t *testing.T) {
				c := gate.Credentials{Fields: maps.Clone(s.Valid.Fields)}
				c.Fields[field] = v
				if p, err := authenticate(t, svc, c); p != nil || !errors.Is(err, gate.ErrBadRequest) {
					t.Errorf("got %v and %v, want ErrBadRequest", p, err)
				}
			})
		}
	}
}

func (s Suite) testFaults(t *testing.T) {
	svc, fail := s.service(t)
	fail(errors.New("backend is down"))
	p, err := authenticate(t, svc, s.Valid)
	if p != nil || !errors.Is(err, gate.ErrUnavailable) {
		t.Errorf("with a failing backend got %v and %v, want ErrUnavailable", p, err)
	}
	if errors.Is(err, gate.ErrNotAuthenticated) || errors.Is(err, gate.ErrInvalidCredentials) {
		t.Errorf("%v is a 401 too: clients would throw their token away", err)
	}
	fail(nil)
	if _, err := authenticate(t, svc, s.Valid); err != nil {
		t.Errorf("after the repair: %v", err)
	}
}

func (s Suite) parser(t *testing.T) gate.Parser {
	t.Helper()
	st, _ := s.New(t)
	parser, ok := st.(gate.Parser)
	if !ok {
		t.Fatal("the suite has a Request, but the strategy is no gate.Parser")
	}
	return parser
}

func (s Suite) testParse(t *testing.T) {
	parser := s.parser(t)
	if _, found, err := parser.Parse(httptest.NewRequest(http.MethodGet, "/", nil)); found || err != nil {
		t.Errorf("a request without credentials: found %v, error %v", found, err)
	}
	c, found, err := parser.Parse(s.Request())
	if !found || err != nil {
		t.Fatalf("a request with credentials: found %v, error %v", found, err)
	}
	svc, _ := s.service(t)
	if p, err := authenticate(t, svc, c); err != nil || p.Subject != s.Subject {
		t.Errorf("what Parse found is refused: %v", err)
	}
	r := s.Request()
	if value := r.Header.Get("Authorization"); value != "" {
		r.Header.Add("Authorization", value)
		if _, found, err := parser.Parse(r); found || !errors.Is(err, gate.ErrBadRequest) {
			t.Errorf("two Authorization headers: found %v, error %v, want ErrBadRequest", found, err)
		}
	}
}

func (s Suite) testHostileHeaders(t *testing.T) {
	parser := s.parser(t)
	valid := s.Request().Header.Get("Authorization")
	scheme, rest, _ := strings.Cut(valid, " ")
	for _, value := range []string{
		"", " ", scheme, scheme + " ", scheme + "  " + rest, scheme + "\t" + rest, scheme + ": " + rest,
		"X" + valid, scheme + "x " + rest, rest, valid + " junk", valid + ",", valid + "\x00", valid + "\r\nX: y",
		scheme + " " + strings.Repeat("A", 1<<16), scheme + " \xff\xfe", scheme + " =", scheme + " ====", scheme + " 😀",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Authorization"] = []string{value}
		c, found, err := parser.Parse(r)
		if none := reflect.DeepEqual(c, gate.Credentials{}); err != nil && found || !found && !none {
			t.Errorf("%.40q: found %v, error %v, and credentials all the same", value, found, err)
		}
		if err != nil && !errors.Is(err, gate.ErrBadRequest) {
			t.Errorf("%.40q: got %v, want ErrBadRequest", value, err)
		}
		if found && err == nil && reflect.DeepEqual(c, gate.Credentials{}) {
			t.Errorf("%.40q: found, but no credentials", value)
		}
	}
}

// challenge is one challenge with parameters (RFC 9110 §11.3).
var challenge = regexp.MustCompile(`^[!#$%&'*+.^_` + "`" + `|~0-9A-Za-z-]+( [A-Za-z_-]+="([^"\\]|\\.)*"(, [A-Za-z_-]+="([^"\\]|\\.)*")*)?$`)

func (s Suite) testChallenge(t *testing.T) {
	st, _ := s.New(t)
	challenger, ok := st.(gate.Challenger)
	if !ok {
		if s.Request != nil {
			t.Error("the strategy reads requests but cannot ask for credentials")
		}
		return
	}
	for what, refusal := range map[string]error{"none": nil, "refused": gate.ErrNotAuthenticated, "malformed": gate.ErrBadRequest} {
		if got := challenger.Challenge(refusal); !challenge.MatchString(got) {
			t.Errorf("%s: %q is not a challenge", what, got)
		}
	}
}
