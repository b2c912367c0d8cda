// Package anonymous is the strategy of those who present nothing. It gives them
// roles or permissions of their own, so that a guard and a policy need no
// special case for visitors.
//
// It comes last in a list: "jwt", "anonymous". Credentials that an earlier
// strategy recognises and refuses stay refused. An anonymous principal has no
// subject: it owns nothing and cannot log in.
package anonymous

import (
	"context"
	"net/http"
	"slices"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/internal/presented"
)

// Config configures a [Strategy]. The zero value lets visitors in who may do
// nothing but what is public.
type Config struct {
	// Roles are the roles of visitors; nil means none.
	Roles []string
	// Permissions are what visitors may do; nil means what their roles permit.
	Permissions []string
}

// Strategy implements [gate.Strategy], [gate.Parser] and [gate.Anonymous].
type Strategy struct {
	cfg Config
}

var (
	_ gate.Strategy  = (*Strategy)(nil)
	_ gate.Parser    = (*Strategy)(nil)
	_ gate.Anonymous = (*Strategy)(nil)
)

// New returns a strategy for visitors.
func New(cfg Config) *Strategy {
	cfg.Roles, cfg.Permissions = slices.Clone(cfg.Roles), slices.Clone(cfg.Permissions)
	return &Strategy{cfg: cfg}
}

// Anonymous implements [gate.Anonymous].
func (s *Strategy) Anonymous() bool { return true }

// field marks a request without credentials.
const field = "nothing"

// Authenticate implements [gate.Strategy] for what [Strategy.Parse] found: a
// principal without a subject. To log in, somebody has to be somebody.
func (s *Strategy) Authenticate(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
	if _, ok := presented.Text(c, field); !ok {
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "Nobody cannot log in"}
	}
	return &gate.Principal{Roles: slices.Clone(s.cfg.Roles), Permissions: slices.Clone(s.cfg.Permissions)}, nil
}

// Parse implements [gate.Parser]: it finds its own on every request that no
// strategy before it did, unless that has an Authorization header. One that
// nobody understood is a refusal, not nothing.
func (s *Strategy) Parse(r *http.Request) (gate.Credentials, bool, error) {
	var c gate.Credentials
	if len(r.Header["Authorization"]) > 0 {
		return c, false, nil
	}
	c.SetText(field, "presented")
	return c, true, nil
}
