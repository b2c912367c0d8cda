package strategytest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/strategytest"
)

// broken is a strategy that finds a code in the header X-Code, and that each
// mutant breaks in one way.
type broken struct {
	authenticate func(context.Context, gate.Credentials) (*gate.Principal, error)
	parse        func(*http.Request) (gate.Credentials, bool, error)
	challenge    string
	err          error // of the backend
}

const goodCode = "correct-horse"

func (b *broken) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	if b.authenticate != nil {
		return b.authenticate(ctx, c)
	}
	return b.honest(c)
}

func (b *broken) honest(c gate.Credentials) (*gate.Principal, error) {
	code, err := c.Text("code")
	switch {
	case err != nil:
		return nil, err
	case b.err != nil:
		return nil, fmt.Errorf("look up code: %w", b.err)
	case code != goodCode:
		return nil, gate.ErrInvalidCredentials
	}
	return &gate.Principal{Subject: "7"}, nil
}

func (b *broken) Parse(r *http.Request) (gate.Credentials, bool, error) {
	if b.parse != nil {
		return b.parse(r)
	}
	var c gate.Credentials
	switch codes := r.Header["X-Code"]; len(codes) {
	case 0:
		return c, false, nil
	case 1:
		c.SetText("code", codes[0])
		return c, true, nil
	default:
		return c, false, gate.ErrBadRequest
	}
}

func (b *broken) Challenge(error) string { return b.challenge }

func suite(breakIt func(*broken)) strategytest.Suite {
	request := func(code string) func() *http.Request {
		return func() *http.Request {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("X-Code", code)
			return r
		}
	}
	return strategytest.Suite{
		New: func() (gate.Strategy, func(error)) {
			b := &broken{challenge: `Code realm="api"`}
			breakIt(b)
			return b, func(err error) { b.err = err }
		},
		Subject: "7",
		Good: []strategytest.Case{
			{Name: "posted", Fields: map[string]any{"code": goodCode}},
			{Name: "sent", Request: request(goodCode)},
		},
		Bad: []strategytest.Case{
			{Name: "wrong", Fields: map[string]any{"code": "wrong-donkey"}},
			{Name: "other", Request: request("other-donkey")},
		},
	}
}

func TestRun(t *testing.T) { strategytest.Run(t, suite(func(*broken) {})) }

// TestCheck_mutants breaks a strategy in one way at a time: the suite says
// which.
func TestCheck_mutants(t *testing.T) {
	shared := &gate.Principal{Subject: "7"}
	for want, breakIt := range map[string]func(*broken){
		"refused: ": func(b *broken) {
			b.authenticate = func(context.Context, gate.Credentials) (*gate.Principal, error) { return nil, gate.ErrNotAuthenticated }
		},
		"the subject is": func(b *broken) {
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				p, err := b.honest(c)
				if err == nil {
					p.Subject = "8"
				}
				return p, err
			}
		},
		"not a fresh one": func(b *broken) {
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				if _, err := b.honest(c); err != nil {
					return nil, err
				}
				return shared, nil
			}
		},
		"no: wrong: accepted": func(b *broken) {
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				if p, err := b.honest(c); err == nil || !errors.Is(err, gate.ErrInvalidCredentials) {
					return p, err
				}
				return &gate.Principal{Subject: "7"}, nil
			}
		},
		"learns which it is": func(b *broken) {
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				if code, _ := c.Text("code"); code == "wrong-donkey" {
					return nil, &gate.AuthError{Code: gate.ErrInvalidCredentials, Message: "Wrong password"}
				}
				return b.honest(c)
			}
		},
		"the error shows": func(b *broken) {
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				p, err := b.honest(c)
				if code, _ := c.Text("code"); err != nil {
					err = fmt.Errorf("code %q: %w", code, err)
				}
				return p, err
			}
		},
		"the log shows": func(b *broken) {
			b.authenticate = func(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
				slog.DebugContext(ctx, "login", "code", c.Fields["code"]) //nolint:sloglint // a mistake to be found
				return b.honest(c)
			}
		},
		"wrong types": func(b *broken) { // a map key: an object panics, a number is compared
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				if _, posted := c.Fields["code"]; posted && map[any]bool{goodCode: true}[c.Fields["code"]] {
					return &gate.Principal{Subject: "7"}, nil
				}
				return b.honest(c)
			}
		},
		"hostile text": func(b *broken) { // a C string
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				code, err := c.Text("code")
				if err != nil {
					return nil, err
				}
				code, _, _ = strings.Cut(code, "\x00")
				return b.honest(gate.Credentials{Fields: map[string]any{"code": code}})
			}
		},
		"clients throw their credentials away": func(b *broken) {
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				p, err := b.honest(c)
				if b.err != nil {
					err = gate.ErrInvalidCredentials
				}
				return p, err
			}
		},
		"fails with \"unavailable": func(b *broken) { // the first code makes the answer
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				p, err := b.honest(c)
				if errors.Is(err, gate.ErrUnavailable) {
					err = &gate.AuthError{Code: gate.ErrInvalidCredentials, Err: err}
				}
				return p, err
			}
		},
		"accepted although the backend fails": func(b *broken) {
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				if b.err != nil {
					return &gate.Principal{Subject: "7"}, nil
				}
				return b.honest(c)
			}
		},
		"after the caller went away": func(b *broken) {
			b.authenticate = func(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
				if ctx.Err() != nil {
					return nil, gate.ErrNotAuthenticated
				}
				return b.honest(c)
			}
		},
		"neither a principal nor an error": func(b *broken) {
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				p, _ := b.honest(c)
				return p, nil
			}
		},
		"a principal and an error": func(b *broken) {
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				_, err := b.honest(c)
				return &gate.Principal{Subject: "7"}, err
			}
		},
		"changed the fields": func(b *broken) {
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				p, err := b.honest(c)
				delete(c.Fields, "code")
				return p, err
			}
		},
		"panicked": func(b *broken) {
			b.authenticate = func(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
				if code, _ := c.Text("code"); code == "" {
					panic("empty")
				}
				return b.honest(c)
			}
		},
		"hostile requests": func(b *broken) { // the first of two headers
			b.parse = func(r *http.Request) (gate.Credentials, bool, error) {
				code := r.Header.Get("X-Code")
				return gate.Credentials{Fields: map[string]any{"code": code}}, code != "", nil
			}
		},
		"parse: a GET without credentials": func(b *broken) {
			b.parse = func(r *http.Request) (gate.Credentials, bool, error) {
				return gate.Credentials{Fields: map[string]any{"code": r.Header.Get("X-Code")}}, true, nil
			}
		},
		"reads the body": func(b *broken) {
			b.parse = func(r *http.Request) (gate.Credentials, bool, error) {
				_, _ = r.Body.Read(make([]byte, 1))
				return (&broken{}).Parse(r)
			}
		},
		"changed the request": func(b *broken) {
			b.parse = func(r *http.Request) (gate.Credentials, bool, error) {
				defer r.Header.Del("X-Code")
				return (&broken{}).Parse(r)
			}
		},
		"credentials all the same": func(b *broken) {
			b.parse = func(r *http.Request) (gate.Credentials, bool, error) {
				c, found, err := (&broken{}).Parse(r)
				if err != nil {
					c.SetText("code", "x")
				}
				return c, found, err
			}
		},
		"is not a scheme":         func(b *broken) { b.challenge = "Code realm=\"a\"\r\nX: y" },
		"has a realm without":     func(b *broken) { b.challenge = "Code realm=api" },
		"has a parameter twice":   func(b *broken) { b.challenge = `Code realm="a", Realm="b"` },
		"suite: the suite needs":  nil,
		"the strategy is a gate.": nil,
	} {
		t.Run(want, func(t *testing.T) {
			s := suite(func(*broken) {})
			switch {
			case breakIt != nil:
				s = suite(breakIt)
			case strings.HasPrefix(want, "suite"):
				s.Bad = nil
			default:
				s.Good, s.Bad = s.Good[:1], s.Bad[:1]
			}
			err := strategytest.Check(t.Context(), s)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestCheck_clean has nothing to say of a strategy that keeps the rules, and
// leaves the logger as it was.
func TestCheck_clean(t *testing.T) {
	before := slog.Default()
	if err := strategytest.Check(t.Context(), suite(func(*broken) {})); err != nil {
		t.Error(err)
	}
	if slog.Default() != before {
		t.Error("the default logger is another one")
	}
	if got := maps.Clone(suite(func(*broken) {}).Good[0].Fields); got["code"] != goodCode || len(got) != 1 {
		t.Errorf("the suite was changed: %v", got)
	}
}
