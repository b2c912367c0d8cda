package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gatewright/gate/jose"
)

// A Service authenticates with the strategies registered on it, issues access
// tokens and ends them. Several services live side by side without knowing of
// each other. All methods may be called from many goroutines; what changes the
// service replaces its state at once, so that a call sees either the old
// configuration or the new one.
type Service struct {
	change sync.Mutex // held while the next state is made
	state  atomic.Pointer[state]
	events events
}

// state is what a call works with from its beginning to its end.
type state struct {
	cfg      Config
	verifier *jose.Verifier // nil without keys
	order    []*registration
	byName   map[string]*registration
	ready    bool // Setup succeeded: later configurations are checked the same way
}

// New returns a service without strategies. It refuses a configuration that is
// incomplete; that the strategies named in it exist is for [Service.Setup].
func New(cfg Config) (*Service, error) {
	s := &Service{}
	if err := s.configure(cfg, &state{}); err != nil {
		return nil, err
	}
	return s, nil
}

// Configure replaces the configuration. A configuration that is refused leaves
// the old one in force.
func (s *Service) Configure(cfg Config) error {
	s.change.Lock()
	defer s.change.Unlock()
	next := *s.state.Load()
	return s.configure(cfg, &next)
}

func (s *Service) configure(cfg Config, next *state) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return fmt.Errorf("authentication service: %w", err)
	}
	next.cfg, next.verifier = cfg, nil
	if cfg.Keys != nil {
		source := cfg.KeySource
		if source == nil {
			source = cfg.Keys
		}
		next.verifier, err = jose.NewVerifier(jose.VerifierConfig{
			Keys: source, Issuer: cfg.Issuer, Audience: cfg.Audience,
			Type: []string{jose.AccessTokenType}, Now: cfg.Now,
		})
		if err != nil {
			return fmt.Errorf("authentication service: %w", err)
		}
	}
	if next.ready {
		if err := next.check(); err != nil {
			return fmt.Errorf("authentication service: %w", err)
		}
	}
	s.state.Store(next)
	return nil
}

// Configuration returns a copy of the configuration in force, defaults
// included. Changing it changes nothing; see [Service.Configure].
func (s *Service) Configuration() Config { return s.state.Load().cfg.clone() }

// Register adds a strategy under the name by which clients, guards and the
// configuration call it. It returns the error of a strategy that refuses its
// own configuration, and panics when st is nil or the name is empty or taken:
// then it is the program that is wrong.
func (s *Service) Register(name string, st Strategy) error {
	if name == "" || st == nil {
		panic("gate: a strategy needs a name, and a name a strategy")
	}
	if v, ok := st.(Validator); ok {
		if err := v.Validate(); err != nil {
			return fmt.Errorf("strategy %q: %w", name, err)
		}
	}
	s.change.Lock()
	defer s.change.Unlock()
	next := *s.state.Load()
	if next.byName[name] != nil {
		panic(fmt.Sprintf("gate: strategy %q registered twice", name))
	}
	reg := newRegistration(name, st)
	next.order = append(slices.Clip(next.order), reg)
	next.byName = maps.Clone(next.byName)
	if next.byName == nil {
		next.byName = make(map[string]*registration)
	}
	next.byName[name] = reg
	s.state.Store(&next)
	return nil
}

// Setup checks that configuration and strategies fit together. Call it when
// all strategies are registered; later configurations are then held to the
// same.
func (s *Service) Setup() error {
	s.change.Lock()
	defer s.change.Unlock()
	next := *s.state.Load()
	if err := next.check(); err != nil {
		return fmt.Errorf("authentication service: %w", err)
	}
	next.ready = true
	s.state.Store(&next)
	return nil
}

func (st *state) check() error {
	var errs []error
	for _, name := range st.cfg.AuthStrategies {
		if st.byName[name] == nil {
			errs = append(errs, fmt.Errorf("auth strategy %q is not registered", name))
		}
	}
	for _, name := range st.cfg.ParseStrategies {
		if reg := st.byName[name]; reg == nil || reg.parser == nil {
			errs = append(errs, fmt.Errorf("parse strategy %q is not registered, or reads no requests", name))
		}
	}
	carrier := ""
	for _, name := range st.cfg.parseStrategies() {
		if reg := st.byName[name]; reg != nil && reg.parser != nil && reg.carrier != nil {
			if carrier != "" {
				errs = append(errs, fmt.Errorf("parse strategies %q and %q both take access tokens", carrier, name))
			}
			carrier = name
		}
	}
	if len(st.cfg.AuthStrategies) > 0 && st.verifier == nil {
		errs = append(errs, errors.New("auth strategies make tokens, and tokens need Keys"))
	}
	return errors.Join(errs...)
}

// Strategies returns the names of the registered strategies in the order of
// their registration.
func (s *Service) Strategies() []string {
	st := s.state.Load()
	names := make([]string, len(st.order))
	for i, reg := range st.order {
		names[i] = reg.name
	}
	return names
}

// Strategy returns the strategy registered under name, nil when there is none.
func (s *Service) Strategy(name string) Strategy {
	if reg := s.state.Load().byName[name]; reg != nil {
		return reg.strategy
	}
	return nil
}

// Authenticate lets the strategy that c names judge c, provided it is among
// names; no names means Config.AuthStrategies. An error is a refusal with one
// of the codes of this package, or [ErrUnavailable].
func (s *Service) Authenticate(ctx context.Context, c Credentials, names ...string) (*Principal, error) {
	st := s.state.Load()
	if len(names) == 0 {
		names = st.cfg.AuthStrategies
	}
	reg, err := st.allowed(c.Strategy, names)
	if err != nil {
		return nil, err
	}
	return st.authenticate(ctx, reg, c)
}

func (st *state) allowed(name string, names []string) (*registration, error) {
	const message = "Invalid authentication information"
	switch reg := st.byName[name]; {
	case name == "":
		return nil, &AuthError{Code: ErrNotAuthenticated, Message: message + " (no `strategy` set)"}
	case !slices.Contains(names, name):
		return nil, &AuthError{Code: ErrNotAuthenticated, Message: message + " (strategy not allowed in authStrategies)"}
	case reg == nil:
		return nil, &AuthError{Code: ErrNotAuthenticated, Message: message}
	default:
		return reg, nil
	}
}

func (st *state) authenticate(ctx context.Context, reg *registration, c Credentials) (p *Principal, err error) {
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, undecided(panicError("strategy "+reg.name, v))
		}
	}()
	p, err = reg.strategy.Authenticate(ctx, c)
	switch {
	case err != nil:
		return nil, undecided(err)
	case p == nil:
		return nil, undecided(fmt.Errorf("strategy %s returned neither a principal nor an error", reg.name))
	case p.Subject == "" && st.cfg.Entity != EntityNone && !reg.anonymous:
		return nil, undecided(fmt.Errorf("strategy %s returned a principal without a subject", reg.name))
	}
	p.Strategy = reg.name
	if p.Permissions == nil && st.cfg.Permissions != nil {
		p.Permissions = st.cfg.Permissions(p.Roles)
	}
	if p.Scopes != nil {
		p.Permissions, p.Roles = within(p.Permissions, p.Scopes), nil
	}
	return p, nil
}

// within returns what both permit.
func within(permissions, scopes []string) []string {
	both := []string{}
	add := func(permission string, other []string) {
		permits := func(held string) bool { return Permits(held, permission) }
		if slices.ContainsFunc(other, permits) && !slices.Contains(both, permission) {
			both = append(both, permission)
		}
	}
	for _, permission := range permissions {
		add(permission, scopes)
	}
	for _, scope := range scopes {
		add(scope, permissions)
	}
	return both
}

func panicError(who string, v any) error {
	return fmt.Errorf("%s panicked: %v\n%s", who, v, debug.Stack())
}

// Parse asks the strategies called names, in order, for credentials on r; no
// names means Config.ParseStrategies. It returns those of the first that finds
// its own, and whether any did. It does not judge them.
func (s *Service) Parse(r *http.Request, names ...string) (Credentials, bool, error) {
	st := s.state.Load()
	if len(names) == 0 {
		names = st.cfg.parseStrategies()
	}
	regs := make([]*registration, 0, len(names))
	for _, name := range names {
		if reg := st.byName[name]; reg != nil && reg.parser != nil {
			regs = append(regs, reg)
		}
	}
	_, c, err := parse(r, regs)
	return c, c.Strategy != "", err
}

// parse returns the registration whose credentials r carries, nil when there
// is none. With an error it returns the registration that refused their form.
// Credentials of two kinds are refused: which of them counts must not depend on
// the order of strategies. What a browser sends by itself counts when nothing
// else is there, and so does the lack of anything.
func parse(r *http.Request, regs []*registration) (found *registration, c Credentials, err error) {
	var asked *registration
	defer func() {
		if v := recover(); v != nil {
			found, c, err = asked, Credentials{}, undecided(panicError("parser", v))
		}
	}()
	for rank := range ranks {
		for _, asked = range regs {
			if asked.rank() != rank {
				continue
			}
			other, ok, err := asked.parser.Parse(r)
			switch {
			case err != nil:
				return asked, Credentials{}, undecided(err)
			case ok && found != nil:
				return asked, Credentials{}, &AuthError{Code: ErrBadRequest, Message: "A request carries credentials of one kind"}
			case ok:
				found, c = asked, other
				c.Strategy = found.name
			}
		}
		if found != nil {
			break
		}
	}
	return found, c, nil
}
