package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/strategytest"
)

// tokens accepts the tokens it knows.
type tokens map[string]*jose.Claims

func (t tokens) VerifyAccessToken(_ context.Context, token string) (*jose.Claims, error) {
	if claims, ok := t[token]; ok {
		return claims, nil
	}
	if token == "down" {
		return nil, errors.New("key set unreachable")
	}
	return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "invalid signature"}
}

// subjects holds one principal for all requests.
type subjects struct {
	known map[string]*gate.Principal
	err   error
}

func (s *subjects) Subject(_ context.Context, id string) (*gate.Principal, error) {
	if s.err != nil {
		return nil, s.err
	}
	p, ok := s.known[id]
	if !ok {
		return nil, fmt.Errorf("no row for %s: %w", id, gate.ErrNotAuthenticated)
	}
	return p, nil
}

var expires = time.Unix(1_700_000_000, 0)

func newTokens() tokens {
	claims := func(sub string) *jose.Claims {
		return &jose.Claims{
			Subject: sub, Issuer: "https://gate.test", Expiry: expires,
			Extra: map[string]any{"sid": "s1", "roles": []any{"cook", "guest"}},
		}
	}
	return tokens{"good.a.b": claims("7"), "gone.a.b": claims("8"), "mixed.a.b": claims("9")}
}

func newSubjects() *subjects {
	return &subjects{known: map[string]*gate.Principal{
		"7": {Subject: "7", Roles: []string{"cook"}},
		"9": {Subject: "7"}, // an implementation gone wrong
	}}
}

func credentials(token any) gate.Credentials {
	return gate.Credentials{Strategy: "jwt", Fields: map[string]any{"accessToken": token}}
}

func request(authorization ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header["Authorization"] = authorization
	return r
}

func TestStrategy(t *testing.T) {
	fields := func(token string) map[string]any { return credentials(token).Fields }
	strategytest.Run(t, strategytest.Suite{
		New: func() (gate.Strategy, func(error)) {
			s := newSubjects()
			return jwt.New(newTokens(), s, jwt.Config{}), func(err error) { s.err = err }
		},
		Subject: "7",
		Good: []strategytest.Case{
			{Name: "posted", Fields: fields("good.a.b")},
			{Name: "bearer", Request: func() *http.Request { return request("Bearer good.a.b") }},
		},
		Bad: []strategytest.Case{
			{Name: "bad", Fields: fields("wrong.a.b")},
			{Name: "another", Request: func() *http.Request { return request("Bearer other.a.b") }},
			{Name: "no token", Request: func() *http.Request { return request("Bearer") }, Code: gate.ErrBadRequest},
			{Name: "gone", Fields: fields("gone.a.b"), Distinct: true}, // who has it knows that it was good
		},
	})
}

func TestAuthenticate(t *testing.T) {
	s := newSubjects()
	p, err := jwt.New(newTokens(), s, jwt.Config{}).Authenticate(t.Context(), credentials("good.a.b"))
	if err != nil {
		t.Fatal(err)
	}
	want := &gate.Principal{
		Subject: "7", Issuer: "https://gate.test", SessionID: "s1", Roles: []string{"cook"},
		Claims: newTokens()["good.a.b"], ExpiresAt: expires,
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	if kept := s.known["7"]; kept == p || kept.Claims != nil {
		t.Error("the principal of the store was changed")
	}
}

// TestAuthenticate_rolesOfTheToken has a token that claims roles: those of the
// account count.
func TestAuthenticate_rolesOfTheToken(t *testing.T) {
	p, err := jwt.New(newTokens(), newSubjects(), jwt.Config{}).Authenticate(t.Context(), credentials("good.a.b"))
	if err != nil || p.HasRole("guest") {
		t.Errorf("%v %v", p, err)
	}
}

func TestAuthenticate_stateless(t *testing.T) {
	p, err := jwt.New(newTokens(), nil, jwt.Config{Stateless: true, RolesClaim: "roles"}).Authenticate(t.Context(), credentials("gone.a.b"))
	if err != nil || p.Subject != "8" || !slices.Equal(p.Roles, []string{"cook", "guest"}) {
		t.Errorf("%v %v", p, err)
	}
	known := newTokens()
	known["gone.a.b"].Extra["roles"] = []any{"cook", 1}
	p, err = jwt.New(known, nil, jwt.Config{Stateless: true, RolesClaim: "roles"}).Authenticate(t.Context(), credentials("gone.a.b"))
	if err != nil || p.Roles != nil {
		t.Errorf("roles of a list that is none of strings: %v %v", p, err)
	}
	p, err = jwt.New(newTokens(), nil, jwt.Config{Stateless: true}).Authenticate(t.Context(), credentials("gone.a.b"))
	if err != nil || p.Roles != nil {
		t.Errorf("roles without a claim: %v %v", p, err)
	}
}

// TestLOG16_couldNotDecide tells failures from refusals.
func TestLOG16_couldNotDecide(t *testing.T) {
	for name, tt := range map[string]struct {
		token string
		err   error
	}{
		"verifier fails":          {"down", nil},
		"store fails":             {"good.a.b", errors.New("down")},
		"store fails, confused":   {"good.a.b", &gate.AuthError{Code: gate.ErrUnavailable, Err: gate.ErrNotAuthenticated}},
		"store answers a 403":     {"good.a.b", gate.ErrForbidden},
		"another one is returned": {"mixed.a.b", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSubjects()
			s.err = tt.err
			p, err := jwt.New(newTokens(), s, jwt.Config{}).Authenticate(t.Context(), credentials(tt.token))
			if p != nil || err == nil {
				t.Fatalf("%v %v", p, err)
			}
			if !errors.Is(err, gate.ErrUnavailable) {
				for _, code := range []gate.Code{gate.ErrNotAuthenticated, gate.ErrInvalidCredentials, gate.ErrForbidden, gate.ErrBadRequest} {
					if errors.Is(err, code) {
						t.Errorf("%v is %s", err, code)
					}
				}
			}
		})
	}
}

func TestLOG13_goneSaysNoMore(t *testing.T) {
	_, err := jwt.New(newTokens(), newSubjects(), jwt.Config{}).Authenticate(t.Context(), credentials("gone.a.b"))
	refusal, ok := errors.AsType[*gate.AuthError](err)
	if !ok || refusal.Code != gate.ErrNotAuthenticated || refusal.Message != "" {
		t.Errorf("got %v", err)
	}
}

func TestLOG15_parse(t *testing.T) {
	const found, none, bad = "found", "none", "bad"
	s := jwt.New(newTokens(), newSubjects(), jwt.Config{})
	for _, tt := range []struct {
		authorization []string
		want          string
	}{
		{nil, none},
		{[]string{"Bearer a.b.c"}, found},
		{[]string{"BEARER a.b.c"}, found},
		{[]string{"Bearer AZaz09-._~+/=="}, found},
		{[]string{""}, none},
		{[]string{"a.b.c"}, none},
		{[]string{"JWT a.b.c"}, none},
		{[]string{"Basic YTpi"}, none},
		{[]string{"Bearerx a.b.c"}, none},
		{[]string{"XBearer a.b.c"}, none},
		{[]string{"Bearer: a.b.c"}, none},
		{[]string{"Bearer\ta.b.c"}, none},
		{[]string{" Bearer a.b.c"}, none},
		{[]string{"Bearer"}, bad},
		{[]string{"Bearer "}, bad},
		{[]string{"Bearer  a.b.c"}, bad},
		{[]string{"Bearer a.b.c "}, bad},
		{[]string{"Bearer a.b.c d"}, bad},
		{[]string{"Bearer a.b.c, Basic YTpi"}, bad},
		{[]string{"Bearer a=b"}, bad},
		{[]string{"Bearer ="}, bad},
		{[]string{"Bearer a\x00"}, bad},
		{[]string{"Bearer é"}, bad},
		{[]string{"Bearer a", "Bearer a"}, bad},
		{[]string{"Bearer a", ""}, bad},
		{[]string{"Basic YTpi", "Bearer a"}, bad},
	} {
		c, ok, err := s.Parse(request(tt.authorization...))
		got := map[bool]string{true: found, false: none}[ok]
		if err != nil {
			got = bad
			if !errors.Is(err, gate.ErrBadRequest) || s.AccessToken(c) != "" {
				t.Errorf("%q: %v and credentials", tt.authorization, err)
			}
		}
		if got != tt.want {
			t.Errorf("%q: %s, want %s", tt.authorization, got, tt.want)
		}
	}
}

func TestLOG15_query(t *testing.T) {
	s := jwt.New(newTokens(), newSubjects(), jwt.Config{})
	for target, want := range map[string]bool{
		"/?access_token=a.b.c": true, "/?x=1&access%5ftoken=a": false, "/?access_token": true,
		"/?q=access_token": false, "/?my_access_token=1": false,
	} {
		r := request("Bearer a.b.c")
		r.URL, _ = r.URL.Parse(target)
		_, found, err := s.Parse(r)
		if refused := errors.Is(err, gate.ErrBadRequest); refused != want || found == want {
			t.Errorf("%s: found %v, %v", target, found, err)
		}
		r.Header.Del("Authorization")
		if _, found, err := s.Parse(r); found || err != nil {
			t.Errorf("%s without a header: found %v, %v", target, found, err)
		}
	}
}

func TestChallenge(t *testing.T) {
	s := jwt.New(newTokens(), newSubjects(), jwt.Config{Realm: "a\"b\\c\r\nX: y"})
	for refusal, want := range map[error]string{
		nil:                      `Bearer realm="a\"b\\cX: y"`,
		gate.ErrBadRequest:       `Bearer realm="a\"b\\cX: y", error="invalid_request"`,
		gate.ErrNotAuthenticated: `Bearer realm="a\"b\\cX: y", error="invalid_token"`,
	} {
		if got := s.Challenge(refusal); got != want {
			t.Errorf("%v: %s, want %s", refusal, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, s := range map[string]*jwt.Strategy{
		"no verifier":             jwt.New(nil, newSubjects(), jwt.Config{}),
		"no subjects":             jwt.New(newTokens(), nil, jwt.Config{}),
		"stateless with subjects": jwt.New(newTokens(), newSubjects(), jwt.Config{Stateless: true}),
		"roles from two places":   jwt.New(newTokens(), newSubjects(), jwt.Config{RolesClaim: "roles"}),
	} {
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestLOG15_everyByte tries each byte as a token.
func TestLOG15_everyByte(t *testing.T) {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	s := jwt.New(newTokens(), newSubjects(), jwt.Config{})
	for c := range 256 {
		_, found, _ := s.Parse(request("Bearer a" + string([]byte{byte(c)}) + "b"))
		if want := strings.IndexByte(allowed, byte(c)) >= 0; found != want {
			t.Errorf("%q: found %v, want %v", byte(c), found, want)
		}
	}
}

// FuzzParse looks for headers that are taken although they are not exactly a
// scheme, a blank and a token.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"Bearer a.b.c", "bearer  x", "Bearer x y", "Bearer", "", "Basic YTpi", "Bearer \xff"} {
		f.Add(seed)
	}
	s := jwt.New(newTokens(), newSubjects(), jwt.Config{})
	f.Fuzz(func(t *testing.T, header string) {
		c, found, err := s.Parse(request(header))
		if !found || err != nil {
			if s.AccessToken(c) != "" {
				t.Errorf("%q: credentials although not found", header)
			}
			return
		}
		token := s.AccessToken(c)
		if !strings.EqualFold(header, "Bearer "+token) || token == "" || strings.ContainsAny(token, " \t\r\n,;\"\x00") {
			t.Errorf("%q: took %q", header, token)
		}
	})
}
