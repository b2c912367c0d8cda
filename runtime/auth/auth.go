package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
)

// Config is what the design of a service says of its authentication. The zero
// value is refused: an account needs a login.
type Config struct {
	// Entity is the key of the account in answers: "user".
	Entity string
	// Login, Password and Roles are the names of the fields of the auth entity
	// that hold what somebody logs in with, the password and the roles. The last
	// two may be empty.
	Login, Password, Roles string
	// JWT makes access tokens; nil means that there are none, and no log-in.
	JWT *JWT
	// Strategies registers the ways to authenticate, in the order in which a
	// request is looked at.
	Strategies func(*Auth) error
}

// JWT says what access tokens are like.
type JWT struct {
	// Algorithm signs them.
	Algorithm jose.Algorithm
	// ExpiresIn is how long they live; zero means [gate.DefaultExpiresIn].
	ExpiresIn time.Duration
	// Issuer and Audience are what they claim; empty means the name of the
	// service.
	Issuer, Audience string
}

// SecretBytes returns the least length of the secret for the algorithm, zero for
// one that is signed with a private key.
func (j *JWT) SecretBytes() int {
	switch {
	case j == nil:
		return 0
	case j.Algorithm == jose.HS256:
		return 32
	case j.Algorithm == jose.HS384:
		return 48
	case j.Algorithm == jose.HS512:
		return 64
	}
	return 0
}

// Options are what a running service adds to its [Config]. All but Now are
// required.
type Options struct {
	// Service is the name of the service.
	Service  string
	Settings *config.Config
	DB       *store.DB
	Policy   *authz.Policy
	Logger   *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Entity is what authentication needs of the entity that holds the accounts;
// [*crud.Resource] is one.
type Entity interface {
	crud.Service
	// OnChange registers f to be told of every change after it was committed.
	OnChange(f func(context.Context, crud.Changed))
}

// Auth is the authentication of a service. It is made by the server, and used
// by the service's own code through the methods here.
type Auth struct {
	cfg      Config
	opts     Options
	keys     *jose.KeySet // nil without tokens
	service  *gate.Service
	hasher   *password.Hasher
	sessions *accounts.Sessions
	throttle *accounts.Throttle
	accounts *Accounts // nil until Use
	entity   Entity
	parsers  []string
	logins   []string
}

// New returns an Auth that knows no accounts yet; see [Auth.Use].
func New(cfg Config, opts Options) (*Auth, error) {
	if cfg.Login == "" || cfg.Strategies == nil {
		return nil, errors.New("authentication needs a login field and strategies")
	}
	cfg.Entity = cmp.Or(cfg.Entity, "user")
	if opts.Now == nil {
		opts.Now = time.Now
	}
	a := &Auth{cfg: cfg, opts: opts}
	var err error
	if a.hasher, err = password.New(password.Config{}); err != nil {
		return nil, err
	}
	if a.sessions, err = accounts.NewSessions(opts.DB, accounts.SessionsConfig{Now: opts.Now}); err != nil {
		return nil, err
	}
	if a.throttle, err = accounts.NewThrottle(accounts.ThrottleConfig{Now: opts.Now}); err != nil {
		return nil, err
	}
	if a.keys, err = a.signingKeys(); err != nil {
		return nil, err
	}
	a.service, err = gate.New(a.gateConfig())
	return a, err
}

// gateConfig configures the engine with the strategies registered so far.
func (a *Auth) gateConfig() gate.Config {
	c := gate.Config{
		Entity: a.cfg.Entity, LoadEntity: a.loadEntity, Permissions: a.opts.Policy.Permissions,
		Sessions: a.sessions, Logger: a.opts.Logger, Now: a.opts.Now,
		AuthStrategies: a.logins, ParseStrategies: a.parsers,
	}
	if a.cfg.JWT == nil {
		return c
	}
	c.Keys = a.keys
	c.Issuer = cmp.Or(a.cfg.JWT.Issuer, a.opts.Service)
	c.Audience = []string{cmp.Or(a.cfg.JWT.Audience, a.opts.Service)}
	c.ExpiresIn = a.cfg.JWT.ExpiresIn
	return c
}

// Service returns the engine: for guards on own routes, and for events.
func (a *Auth) Service() *gate.Service { return a.service }

// Accounts returns the accounts, nil before [Auth.Use].
func (a *Auth) Accounts() *Accounts { return a.accounts }

// Passwords returns the one hasher of the service.
func (a *Auth) Passwords() *password.Hasher { return a.hasher }

// Sessions returns the sessions: to list those of an account, or to end them.
func (a *Auth) Sessions() *accounts.Sessions { return a.sessions }

// Register adds a strategy under a name. One that reads requests by itself
// authenticates each of them; any other one, and one whose credentials are an
// access token, may log in. In a service without authentication, where a is nil,
// there is nothing to do.
func (a *Auth) Register(name string, st gate.Strategy) error {
	if a == nil {
		return nil
	}
	if err := a.service.Register(name, st); err != nil {
		return err
	}
	_, parses := st.(gate.Parser)
	_, carries := st.(gate.TokenCarrier)
	if parses {
		a.parsers = append(a.parsers, name)
	}
	if (carries || !parses) && a.cfg.JWT != nil {
		a.logins = append(a.logins, name)
	}
	return nil
}

// Use says which entity holds the accounts, and registers the strategies. It is
// called once, before the service answers requests.
func (a *Auth) Use(e Entity) error {
	if a.entity != nil {
		return errors.New("authentication has its entity already")
	}
	found, err := newAccounts(a.opts.DB, e.Entity(), a.cfg, a.opts.Now)
	if err != nil {
		return fmt.Errorf("authentication: %w", err)
	}
	for _, role := range a.opts.Policy.Roles() {
		if role.Default {
			found.defaults = append(found.defaults, role.Name)
		}
	}
	a.accounts, a.entity = found, e
	e.OnChange(a.changed)
	if err := a.cfg.Strategies(a); err != nil {
		return fmt.Errorf("authentication: %w", err)
	}
	return nil
}

// Setup takes all strategies that were registered into use. The server calls it
// once, when the service's own code has registered its own.
func (a *Auth) Setup() error {
	if err := a.service.Configure(a.gateConfig()); err != nil {
		return err
	}
	return a.service.Setup()
}

// Protect returns next behind every strategy that reads requests. Nobody in
// particular passes, for the rules below say what that means; credentials that
// are wrong do not.
func (a *Auth) Protect(next http.Handler) http.Handler {
	if len(a.parsers) == 0 {
		return next
	}
	return a.service.Guard(a.parsers...).Optional().Protect(next)
}

// LogsIn reports whether there is a log-in that answers an access token.
func (a *Auth) LogsIn() bool { return a.cfg.JWT != nil }

// changed follows the changes of accounts.
func (a *Auth) changed(ctx context.Context, c crud.Changed) {
	if c.Action == authz.Create {
		return
	}
	a.accounts.cache.drop(c.ID)
	newPassword := false
	if a.cfg.Password != "" {
		f, _ := a.entity.Entity().Field(a.cfg.Password)
		newPassword = c.Set.Has(f)
	}
	if c.Action != authz.Delete && !newPassword {
		return
	}
	var keep []string
	if p, ok := gate.PrincipalFromContext(ctx); ok && c.Action != authz.Delete && p.Subject == c.ID && p.SessionID != "" {
		keep = append(keep, p.SessionID)
	}
	// The change is made whether or not its sender still waits for the answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, err := a.sessions.EndSubject(ctx, a.cfg.Entity, c.ID, keep...); err != nil {
		a.opts.Logger.ErrorContext(ctx, "sessions not ended", "subject", c.ID, "err", err)
	}
}

// loadEntity returns the account of p as its owner may see it.
func (a *Auth) loadEntity(ctx context.Context, p *gate.Principal) (any, error) {
	if known, ok := gate.PrincipalFromContext(ctx); !ok || known.Subject != p.Subject {
		ctx = gate.ContextWithPrincipal(ctx, p)
	}
	row, err := a.entity.GetRow(ctx, p.Subject, nil)
	switch {
	case errors.Is(err, gate.ErrForbidden) || isNotFound(err):
		// The rules hide the account from its owner; who it is is no secret.
		return map[string]any{"id": p.Subject, "roles": p.Roles}, nil
	case err != nil:
		return nil, err
	}
	return json.RawMessage(row.AppendJSON(nil)), nil
}

func isNotFound(err error) bool {
	e, ok := errors.AsType[*gate.Error](err)
	return ok && e.Status == http.StatusNotFound
}

// Close ends what runs in the background.
func (a *Auth) Close(ctx context.Context) error {
	return errors.Join(a.service.Close(ctx), a.sessions.Close())
}

// EntityName returns the name of the entity that holds the accounts.
func (a *Auth) EntityName() string { return a.entity.Entity().Name }
