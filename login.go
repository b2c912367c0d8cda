package gate

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/gatewright/gate/jose"
)

// An Option changes one call of [Service.Create], [Service.CreateFor] or
// [Service.Remove].
type Option func(*call)

type call struct {
	strategies []string
	payload    map[string]any
	external   bool
}

// WithStrategies allows these strategies for the call instead of
// Config.AuthStrategies.
func WithStrategies(names ...string) Option { return func(c *call) { c.strategies = names } }

// WithPayload adds claims to the token of the call; they win over those of
// Config.Payload.
func WithPayload(claims map[string]any) Option { return func(c *call) { c.payload = claims } }

// External marks a call made for somebody outside the program, which is what
// login and logout events are about.
func External() Option { return func(c *call) { c.external = true } }

func (st *state) newCall(opts []Option) call {
	c := call{strategies: st.cfg.AuthStrategies}
	for _, opt := range opts {
		opt(&c)
	}
	return c
}

// Create logs in: it lets a strategy judge c, opens a session and issues an
// access token, and a refresh token where there are any. Credentials that are
// an access token already are answered with that token; a refresh token is
// answered with the next ones, within its session.
func (s *Service) Create(ctx context.Context, c Credentials, opts ...Option) (*Result, error) {
	st := s.state.Load()
	call := st.newCall(opts)
	return s.finishLogin(ctx, st, call, c.Strategy, func() (*Result, error) { return st.login(ctx, c, call) })
}

// CreateFor logs in an account that the program knows already, without
// credentials: after a sign-up, or for tests. A principal with a session gets
// a token of that session, any other a new one. It works without
// Config.AuthStrategies.
func (s *Service) CreateFor(ctx context.Context, p *Principal, opts ...Option) (*Result, error) {
	st := s.state.Load()
	if p == nil {
		return nil, errors.New("create for nobody")
	}
	known := *p
	call := st.newCall(opts)
	return s.finishLogin(ctx, st, call, p.Strategy, func() (*Result, error) {
		result, err := st.describe(ctx, p.Strategy, &known)
		if err != nil {
			return nil, err
		}
		return result, st.complete(ctx, result, call.payload)
	})
}

// finishLogin runs a login, tells those who want to know, and notes it.
func (s *Service) finishLogin(ctx context.Context, st *state, call call, strategy string, login func() (*Result, error)) (*Result, error) {
	action := auditLogin
	if reg := st.byName[strategy]; reg != nil && reg.renewer != nil {
		action = auditRefresh
	}
	result, err := login()
	if err == nil && call.external {
		err = s.announceLogin(ctx, st, result)
	}
	if err != nil {
		if decided(err) && st.cfg.Audit == nil { // the trail logs it, too
			st.cfg.Logger.InfoContext(ctx, "login refused", "strategy", st.known(strategy), "err", err)
		}
		st.audit(ctx, AuditEvent{Action: action, Strategy: st.known(strategy)}, err)
		return nil, err
	}
	p := result.Principal
	ev := AuditEvent{Action: action, Subject: p.Subject, Strategy: p.Strategy, SessionID: p.SessionID}
	if result.Authentication.AccessToken == "" { // a token that is shown again is no login
		st.audit(ctx, ev, nil)
	}
	return result, nil
}

// known returns name if it is that of a strategy: what strangers send does not
// become a label in the log.
func (st *state) known(name string) string {
	if st.byName[name] == nil {
		return "unknown"
	}
	return name
}

func (st *state) login(ctx context.Context, c Credentials, call call) (*Result, error) {
	if len(call.strategies) == 0 {
		return nil, &AuthError{
			Code:    ErrNotAuthenticated,
			Message: "No authentication strategies allowed for creating a JWT (`authStrategies`)",
		}
	}
	reg, err := st.allowed(c.Strategy, call.strategies)
	if err != nil {
		return nil, err
	}
	if reg.renewer != nil {
		return st.renew(ctx, reg, c, call)
	}
	p, err := st.prove(ctx, reg, c)
	if err != nil {
		return nil, err
	}
	result, err := st.result(ctx, reg, c, p)
	if err != nil || reg.carrier != nil {
		return result, err
	}
	result.proved = true
	return result, st.complete(ctx, result, call.payload)
}

// prove authenticates c as a login: it has to be an account that does it, not
// something that was given a part of its rights.
func (st *state) prove(ctx context.Context, reg *registration, c Credentials) (*Principal, error) {
	p, err := st.authenticate(ctx, reg, c)
	if err != nil {
		return nil, err
	}
	if p.Scopes != nil || reg.anonymous {
		return nil, &AuthError{
			Code: ErrNotAuthenticated, Message: "These credentials cannot log in, only make requests", Subject: p.Subject,
		}
	}
	if p.AuthenticatedAt.IsZero() && reg.carrier == nil {
		p.AuthenticatedAt = st.cfg.Now()
	}
	return p, nil
}

// renew answers the credentials of a [Renewer].
func (st *state) renew(ctx context.Context, reg *registration, c Credentials, call call) (result *Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			result, err = nil, undecided(panicError("strategy "+reg.name, v))
		}
	}()
	renewal, err := reg.renewer.Renew(ctx, c)
	switch {
	case err != nil:
		return nil, undecided(err)
	case renewal == nil || renewal.Principal == nil || renewal.Principal.SessionID == "":
		return nil, undecided(fmt.Errorf("strategy %s renewed without a principal and its session", reg.name))
	}
	p := renewal.Principal
	p.Strategy = reg.name
	result, err = st.describe(ctx, reg.name, p)
	if err != nil {
		return nil, err
	}
	result.Refresh = renewal.Refresh
	result.AccessToken, result.Authentication.Payload, err = st.issueFor(ctx, p, call.payload)
	if err != nil {
		return nil, err
	}
	return result, nil
}

// result describes p, with the token if that is what was presented.
func (st *state) result(ctx context.Context, reg *registration, c Credentials, p *Principal) (*Result, error) {
	result, err := st.describe(ctx, reg.name, p)
	if err == nil && reg.carrier != nil {
		token := reg.carrier.AccessToken(c)
		result.AccessToken, result.Authentication.AccessToken = token, token
		result.Authentication.Payload = p.Claims
	}
	return result, err
}

// describe returns what is answered about p, without tokens.
func (st *state) describe(ctx context.Context, strategy string, p *Principal) (*Result, error) {
	result := &Result{Authentication: Authentication{Strategy: strategy}, Principal: p}
	if st.cfg.Entity == EntityNone {
		return result, nil
	}
	result.EntityName, result.Entity = st.cfg.Entity, p.Entity
	if st.cfg.EntityOf != nil {
		result.EntityName = cmp.Or(st.cfg.EntityOf(p), st.cfg.Entity)
	}
	if st.cfg.LoadEntity != nil {
		entity, err := st.cfg.LoadEntity(ctx, p)
		if err != nil {
			return nil, undecided(fmt.Errorf("load %s: %w", st.cfg.Entity, err))
		}
		result.Entity = entity
	}
	return result, nil
}

// complete adds the tokens to the result of a login.
func (st *state) complete(ctx context.Context, result *Result, payload map[string]any) (err error) {
	result.AccessToken, result.Authentication.Payload, err = st.issueFor(ctx, result.Principal, payload)
	if err != nil || result.Principal.SessionID != "" {
		return err
	}
	id := sessionID(result.Authentication.Payload)
	result.Principal.SessionID, result.opened = id, true
	if err := st.stillProved(ctx, result.Principal); err != nil {
		return errors.Join(err, st.endSession(ctx, id))
	}
	if st.cfg.RefreshTokens == nil {
		return nil
	}
	if result.Refresh, err = st.cfg.RefreshTokens.Issue(ctx, id); err != nil {
		return errors.Join(undecided(fmt.Errorf("issue refresh token: %w", err)), st.endSession(ctx, id))
	}
	return nil
}

// stillProved looks again at what p was proved with, after its session was
// opened: whoever changes a password ends the sessions that there are, and must
// not miss one that was on its way.
func (st *state) stillProved(ctx context.Context, p *Principal) error {
	if st.cfg.Proof == nil || p.Proof == "" {
		return nil
	}
	now, err := st.cfg.Proof(ctx, p.Subject)
	switch {
	case err != nil && decided(err): // the account is gone
		return err
	case err != nil:
		return undecided(fmt.Errorf("look at the account again: %w", err))
	case now != p.Proof:
		return &AuthError{Code: ErrUnavailable, Subject: p.Subject, Err: errors.New("the account changed during the login")}
	}
	return nil
}

// announceLogin asks the listeners that may refuse and tells the others. A
// refused login leaves no session behind.
func (s *Service) announceLogin(ctx context.Context, st *state, result *Result) error {
	ev := st.event(ctx, result.Principal, result)
	if err := s.events.require(ctx, eventLogin, ev); err != nil {
		if result.opened {
			err = errors.Join(err, st.endSession(ctx, result.Principal.SessionID))
		}
		return err
	}
	s.events.emit(ctx, eventLogin, ev, st.cfg.Logger)
	return nil
}

// Remove logs out whoever presents c: the session behind it ends, and with it
// every token of that session. The id is empty or the access token itself.
// Without [Config.Sessions] the token works on until it expires.
func (s *Service) Remove(ctx context.Context, id string, c Credentials, opts ...Option) (*Result, error) {
	st := s.state.Load()
	call := st.newCall(opts)
	if id != "" && subtle.ConstantTimeCompare([]byte(id), []byte(st.tokenOf(c))) != 1 {
		return nil, &AuthError{Code: ErrNotAuthenticated, Message: "Invalid access token"}
	}
	reg, err := st.allowed(c.Strategy, call.strategies)
	if err != nil {
		return nil, err
	}
	p, err := st.authenticate(ctx, reg, c)
	if err != nil {
		return nil, err
	}
	if p.Issuer != "" && p.Issuer != st.cfg.Issuer {
		return nil, &AuthError{Code: ErrBadRequest, Message: "This token was issued elsewhere: log out there", Subject: p.Subject}
	}
	result, err := st.result(ctx, reg, c, p)
	if err != nil {
		return nil, err
	}
	return result, s.end(ctx, st, result, call.external)
}

// end ends the session of a result and tells those who want to know.
func (s *Service) end(ctx context.Context, st *state, result *Result, external bool) error {
	p := result.Principal
	err := st.endSession(ctx, p.SessionID)
	st.audit(ctx, AuditEvent{Action: auditLogout, Subject: p.Subject, Strategy: p.Strategy, SessionID: p.SessionID}, err)
	if err != nil || !external {
		return err
	}
	ev := st.event(ctx, p, result)
	if err := s.events.require(ctx, eventLogout, ev); err != nil {
		return err
	}
	s.events.emit(ctx, eventLogout, ev, st.cfg.Logger)
	return nil
}

// tokenOf returns the access token that c carries, if it is of that kind.
func (st *state) tokenOf(c Credentials) string {
	if reg := st.byName[c.Strategy]; reg != nil && reg.carrier != nil {
		return reg.carrier.AccessToken(c)
	}
	return ""
}

func (st *state) endSession(ctx context.Context, id string) error {
	if st.cfg.Sessions == nil || id == "" {
		return nil
	}
	if err := st.cfg.Sessions.End(ctx, id); err != nil {
		return undecided(fmt.Errorf("end session: %w", err))
	}
	return nil
}

// sessionID returns the session that claims name, "" when there is none.
func sessionID(claims *jose.Claims) string {
	if claims == nil {
		return ""
	}
	id, _ := claims.String(sessionClaim)
	return id
}
