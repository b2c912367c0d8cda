package gate

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Guard stands in front of handlers and lets those requests through that its
// strategies recognise and its requirements allow. It hangs on the handler,
// not on a path, so no spelling of a path goes around it. A Guard is immutable:
// its methods return changed copies.
type Guard struct {
	service     *Service
	strategies  []*registration
	permissions []string
	roles       [][]string // one of each list
	optional    bool
	fresh       time.Duration // since the account proved who it is; zero does not matter
	carriers    carriers
}

// carriers are the places besides the Authorization header that a token may
// come from (RFC 6750 §2).
type carriers uint8

const (
	fromQuery carriers = 1 << iota
	fromForm
)

// Guard returns a guard that asks the strategies called names in this order.
// The one whose credentials a request carries decides, and a refusal by it is
// final; a request that carries credentials of two is refused. Guard panics when a
// name is not registered or its strategy cannot read requests, when two of them take
// access tokens, and when there are no names: then it is the program that is wrong.
func (s *Service) Guard(names ...string) *Guard {
	if len(names) == 0 {
		panic("gate: a guard needs a strategy")
	}
	st := s.state.Load()
	g := &Guard{service: s}
	for _, name := range names {
		reg := st.byName[name]
		if reg == nil || reg.parser == nil {
			panic(fmt.Sprintf("gate: strategy %q is not registered, or reads no requests", name))
		}
		if reg.carrier != nil && g.tokenStrategy() != nil {
			panic(fmt.Sprintf("gate: %q and %q both take access tokens, so none could be told from the other's; "+
				"one strategy takes those of several issuers, see package oidc", g.tokenStrategy().name, name))
		}
		g.strategies = append(g.strategies, reg)
	}
	return g
}

// Require returns a guard that also demands all of these permissions.
func (g *Guard) Require(permissions ...string) *Guard {
	next := *g
	next.permissions = append(slices.Clip(g.permissions), permissions...)
	return &next
}

// RequireRole returns a guard that also demands one of these roles; nobody
// holds one of none. Like every further condition, a second call narrows.
func (g *Guard) RequireRole(roles ...string) *Guard {
	next := *g
	next.roles = append(slices.Clip(g.roles), slices.Clone(roles))
	return &next
}

// Optional returns a guard that lets requests without credentials through as
// nobody, unless it requires something. Credentials that are refused, and an
// Authorization header that none of its strategies understands, are still 401.
func (g *Guard) Optional() *Guard {
	next := *g
	next.optional = true
	return &next
}

// Fresh returns a guard that also demands that the account proved who it is at
// most d ago: by logging in, not by a token that was renewed since. Who did not
// is answered 401 with the code step_up_required and max_age (RFC 9470 §3), and
// logs in again; limited credentials, see [Principal.Scopes], are 403. Of two
// calls the shorter time counts. Fresh panics when d is not positive.
func (g *Guard) Fresh(d time.Duration) *Guard {
	if d <= 0 {
		panic("gate: fresh for no time")
	}
	next := *g
	if g.fresh == 0 || d < g.fresh {
		next.fresh = d
	}
	return &next
}

// FromQuery returns a guard that also takes an access token from the query
// parameter access_token (RFC 6750 §2.3), for routes whose clients cannot set a
// header, such as downloads by link. URLs are written to logs and histories:
// use it where there is no other way. Answers are marked no-store; two tokens
// in one request are refused. It panics when none of its strategies takes
// access tokens.
func (g *Guard) FromQuery() *Guard { return g.from(fromQuery) }

// FromForm is [Guard.FromQuery] for the field access_token of a form in the
// body (RFC 6750 §2.2), which the guard then parses. Only POST, PUT and PATCH
// carry one.
func (g *Guard) FromForm() *Guard { return g.from(fromForm) }

func (g *Guard) from(c carriers) *Guard {
	if g.tokenStrategy() == nil {
		panic("gate: none of the guard's strategies takes access tokens")
	}
	next := *g
	next.carriers |= c
	return &next
}

// tokenStrategy returns the first of the strategies that takes access tokens.
func (g *Guard) tokenStrategy() *registration {
	for _, reg := range g.strategies {
		if reg.carrier != nil {
			return reg
		}
	}
	return nil
}

// Protect returns a handler that calls next for the requests that pass, with
// the [Principal] and the [Client] in their context, and answers the others
// itself: 401 with the challenges of its strategies, 403 without, 400 for
// malformed credentials, 503 when it could not be decided.
func (g *Guard) Protect(next http.Handler) http.Handler {
	if next == nil {
		panic("gate: a guard needs a handler")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := contextOf(r)
		if g.carriers != 0 {
			w.Header().Set("Cache-Control", "no-store")
		}
		p, asked, err := g.authenticate(ctx, w, r)
		if err == nil {
			err = g.permit(p)
		}
		if err != nil {
			if p != nil {
				g.service.state.Load().audit(ctx, AuditEvent{
					Action: auditAccess, Subject: p.Subject, Strategy: p.Strategy, SessionID: p.SessionID,
				}, err)
			}
			g.refuse(w, r, asked, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, principalKey{}, &admission{p, g})))
	})
}

// authenticate returns who sent r, nil for nobody, and the strategy that was
// asked.
func (g *Guard) authenticate(ctx context.Context, w http.ResponseWriter, r *http.Request) (*Principal, *registration, error) {
	reg, c, err := parse(r, g.strategies)
	if err == nil && g.carriers != 0 {
		reg, c, err = g.carried(w, r, reg, c)
	}
	if err != nil {
		return nil, reg, err
	}
	if reg == nil {
		if g.optional && len(r.Header["Authorization"]) == 0 {
			return nil, nil, nil
		}
		return nil, nil, &AuthError{Code: ErrNotAuthenticated}
	}
	p, err := g.service.state.Load().authenticate(ctx, reg, c)
	if err != nil && reg.ambient != nil && decided(err) && statusOfError(err) == http.StatusUnauthorized {
		reg.ambient.Forget(w.Header())
		if g.optional {
			return nil, reg, nil
		}
	}
	return p, reg, err
}

// maxFormToken bounds a form that is read for its token.
const maxFormToken = 1 << 20

// carried looks for a token where the guard allows one besides the header. One
// request carries one token (RFC 6750 §2), whatever strategy the other is for.
func (g *Guard) carried(w http.ResponseWriter, r *http.Request, reg *registration, c Credentials) (*registration, Credentials, error) {
	const param = "access_token"
	carrier := g.tokenStrategy()
	var tokens []string
	if g.carriers&fromQuery != 0 {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return carrier, Credentials{}, &AuthError{Code: ErrBadRequest, Message: "The query is malformed", Err: err}
		}
		tokens = query[param]
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); g.carriers&fromForm != 0 && media == "application/x-www-form-urlencoded" {
		r.Body = http.MaxBytesReader(w, r.Body, maxFormToken)
		if err := r.ParseForm(); err != nil {
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				return carrier, Credentials{}, &Error{Status: http.StatusRequestEntityTooLarge, Err: err}
			}
			return carrier, Credentials{}, &AuthError{Code: ErrBadRequest, Message: "The form is malformed", Err: err}
		}
		tokens = append(tokens, r.PostForm[param]...)
	}
	switch {
	case len(tokens) == 0:
		return reg, c, nil
	case len(tokens) > 1 || reg != nil || len(r.Header["Authorization"]) > 0:
		return carrier, Credentials{}, &AuthError{Code: ErrBadRequest, Message: "A request carries one token, in one place"}
	}
	c = carrier.carrier.FromToken(tokens[0])
	c.Strategy = carrier.name
	return carrier, c, nil
}

func (g *Guard) permit(p *Principal) error {
	if p == nil && (len(g.permissions) > 0 || len(g.roles) > 0 || g.fresh > 0) {
		return &AuthError{Code: ErrNotAuthenticated}
	}
	if g.fresh > 0 {
		if err := p.RequireFresh(g.fresh, g.service.state.Load().cfg.Now()); err != nil {
			return err
		}
	}
	lacks := func(permission string) bool { return !p.HasPermission(permission) }
	refused := slices.ContainsFunc(g.permissions, lacks)
	for _, roles := range g.roles {
		refused = refused || !slices.ContainsFunc(roles, p.HasRole)
	}
	switch {
	case !refused:
		return nil
	case p.Subject == "" && p.Claims == nil: // a stranger, who might log in
		return &AuthError{Code: ErrNotAuthenticated}
	default:
		return &AuthError{Code: ErrForbidden}
	}
}

func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, asked *registration, err error) {
	switch statusOfError(err) {
	case http.StatusUnauthorized:
		if !errors.Is(err, ErrStepUpRequired) {
			w.Header()["Www-Authenticate"] = challenges(r, g.strategies, asked, err)
		}
	case http.StatusBadRequest: // RFC 6750 §3.1: the form was wrong, say which
		if asked != nil && asked.challenger != nil {
			w.Header().Set("WWW-Authenticate", asked.challenger.Challenge(err))
		}
	}
	ErrorWriter{Logger: g.service.state.Load().cfg.Logger}.Write(w, r, err)
}

// challenges returns the challenges of these strategies; asked is the one that
// refused with err, nil when none was asked. A script that has another way to log in is
// not asked for Basic: the browser would ask for the password itself, over the page.
func challenges(r *http.Request, regs []*registration, asked *registration, err error) []string {
	list := make([]string, 0, len(regs))
	script := len(regs) > 1 && r.Header.Get("Sec-Fetch-Dest") == "empty"
	for _, reg := range regs {
		if reg.challenger == nil {
			continue
		}
		refusal := err
		if reg != asked {
			refusal = nil
		}
		challenge := reg.challenger.Challenge(refusal)
		if scheme, _, _ := strings.Cut(challenge, " "); script && strings.EqualFold(scheme, "Basic") {
			continue
		}
		list = append(list, challenge)
	}
	if len(list) == 0 {
		list = append(list, bareChallenge)
	}
	return list
}

// bareChallenge is for answers that no strategy has a challenge for: RFC 9110
// §15.5.2 wants one in every 401.
const bareChallenge = "Bearer"

// admission is what a guard leaves in the context of a request that it let
// through.
type admission struct {
	principal *Principal
	guard     *Guard
}

// challengesFrom returns the challenges for a 401 below a guard.
func challengesFrom(r *http.Request) []string {
	if a, ok := r.Context().Value(principalKey{}).(*admission); ok && a.guard != nil {
		return challenges(r, a.guard.strategies, nil, nil)
	}
	return []string{bareChallenge}
}
