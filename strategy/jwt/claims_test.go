package jwt_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/strategy/jwt"
)

// authenticate has a token with these claims judged.
func authenticate(t *testing.T, cfg jwt.Config, claims *jose.Claims) *gate.Principal {
	t.Helper()
	var subjects jwt.Subjects
	if !cfg.Stateless {
		subjects = newSubjects()
	}
	s := jwt.New(tokens{"t.o.k": claims}, subjects, cfg)
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	p, err := s.Authenticate(t.Context(), credentials("t.o.k"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSES10_authenticatedAt takes the time of the login from the token, and
// nothing else for it.
func TestSES10_authenticatedAt(t *testing.T) {
	issued := time.Unix(1_700_000_000, 0)
	for name, tt := range map[string]struct {
		claim any
		want  time.Time
	}{
		"an hour before":    {json.Number("1699996400"), issued.Add(-time.Hour)},
		"the same second":   {json.Number("1700000000"), issued},
		"after the token":   {json.Number("1700000001"), time.Time{}},
		"long after":        {json.Number("9999999999"), time.Time{}},
		"absent":            {nil, time.Time{}},
		"text":              {"1699996400", time.Time{}},
		"negative":          {json.Number("-1"), time.Time{}},
		"beyond all times":  {json.Number("1e300"), time.Time{}},
		"an object":         {map[string]any{"$gt": 0}, time.Time{}},
		"yes":               {true, time.Time{}},
		"a list of the one": {[]any{json.Number("1699996400")}, time.Time{}},
	} {
		for _, cfg := range []jwt.Config{{}, {Stateless: true}} {
			claims := &jose.Claims{Subject: "7", IssuedAt: issued, Extra: map[string]any{"auth_time": tt.claim}}
			if got := authenticate(t, cfg, claims).AuthenticatedAt; !got.Equal(tt.want) {
				t.Errorf("%s: %v, want %v", name, got, tt.want)
			}
		}
	}
}

// TestAuthenticate_permissions has tokens of other issuers say what they may do.
func TestAuthenticate_permissions(t *testing.T) {
	for name, tt := range map[string]struct {
		claim any
		want  []string
	}{
		"a list":              {[]any{"read:items", "write:items"}, []string{"read:items", "write:items"}},
		"words":               {"openid read:items", []string{"openid", "read:items"}},
		"blanks":              {"  read:items   write:items ", []string{"read:items", "write:items"}},
		"one that is two":     {[]any{"read:items write:items"}, []string{"read:items write:items"}},
		"a wildcard":          {"* read:items *:items read:*", []string{"read:items"}},
		"wildcards in a list": {[]any{"*", "read:items", "items:*"}, []string{"read:items"}},
		"absent":              {nil, []string{}},
		"empty":               {"", []string{}},
		"an empty list":       {[]any{}, []string{}},
		"a list with others":  {[]any{"read:items", 1}, []string{}},
		"a number":            {json.Number("1"), []string{}},
		"an object":           {map[string]any{"read:items": true}, []string{}},
	} {
		cfg := jwt.Config{Stateless: true, PermissionsClaim: "scope", RolesClaim: "roles"}
		claims := &jose.Claims{Subject: "7", Extra: map[string]any{"scope": tt.claim, "roles": []any{"cook"}}}
		p := authenticate(t, cfg, claims)
		if diff := cmp.Diff(tt.want, p.Permissions); diff != "" || !p.HasRole("cook") {
			t.Errorf("%s: %v %s", name, p.Roles, diff)
		}
		if authenticate(t, jwt.Config{Stateless: true}, claims).Permissions != nil {
			t.Errorf("%s: permissions without a claim for them", name)
		}
	}
}

// TestAuthenticate_permissionsOfTheAccount has a token claim permissions where
// accounts are looked up: they count for nothing.
func TestAuthenticate_permissionsOfTheAccount(t *testing.T) {
	p := authenticate(t, jwt.Config{}, &jose.Claims{Subject: "7", Extra: map[string]any{"scope": "write:items", "permissions": []any{"*"}}})
	if p.Permissions != nil {
		t.Errorf("permissions %v", p.Permissions)
	}
	if jwt.New(newTokens(), newSubjects(), jwt.Config{PermissionsClaim: "scope"}).Validate() == nil {
		t.Error("permissions from two places are accepted")
	}
}

// TestLOG13_aboutNobody refuses a token without a subject where accounts are
// looked up: that is the token's fault, not the store's.
func TestLOG13_aboutNobody(t *testing.T) {
	_, err := jwt.New(tokens{"t.o.k": {}}, newSubjects(), jwt.Config{}).Authenticate(t.Context(), credentials("t.o.k"))
	if !errors.Is(err, gate.ErrNotAuthenticated) || strings.Contains(err.Error(), "look up") {
		t.Errorf("got %v", err)
	}
}
