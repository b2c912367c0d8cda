package auth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/idempotency"
	"github.com/gatewright/gate/strategy/apikey"
)

// Config is what the design of a service says of its authentication. The zero
// value is refused: an account needs a login.
type Config struct {
	// Entity is the key of the account in answers: "user".
	Entity string
	// Renamed are the entities that had other names. What is kept of who logs in as
	// their rows, sessions and API keys, follows when the service starts.
	Renamed []Renamed
	// Login, Password and Roles are the names of the fields of the auth entity
	// that hold what somebody logs in with, the password and the roles. The last
	// two may be empty.
	Login, Password, Roles string
	// Email is the name of the field with the address for letters; empty means the
	// login if that is one, else the first of that type.
	Email string
	// JWT makes access tokens; nil means that there are none, and no log-in that
	// answers one.
	JWT *JWT
	// OIDC takes the access tokens of an issuer elsewhere; nil means none.
	OIDC *OIDC
	// Cookies lets browsers log in with a cookie; nil means that they cannot.
	Cookies *Cookies
	// APIKeys lets accounts make keys for programs; nil means that they cannot.
	APIKeys *APIKeys
	// Letters lets the service write to people, to set a forgotten password anew
	// for instance; nil means that it does not.
	Letters *Letters
	// Breach makes what is asked whether a new password is known to have leaked, see
	// [Breaches]; nil asks nobody.
	Breach func(*slog.Logger) (account.Breach, error)
	// StepUp is how long ago somebody may have logged in who changes a password,
	// a login name, the address that letters go to, roles, or deletes an account; zero means [DefaultStepUp].
	StepUp time.Duration
	// Also are the entities beside that of the accounts whose rows log in. It does not
	// go together with OIDC and Letters yet.
	Also []Also
	// Others says who looks after the accounts of others; nil is nobody.
	Others *Others
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
	// Refresh prolongs logins with refresh tokens; nil means that there are none.
	Refresh *Refresh
	// RotateKeys replaces the key that signs, see [Rotate]; nil means never.
	// Rotated keys are made by the service and live in its database, sealed with
	// AUTH_SECRET; keys that are not are AUTH_SECRET itself or AUTH_KEY_FILE.
	RotateKeys *Rotation
	// Encryption makes what encrypts tokens, with a key of 32 bytes; nil means
	// that they are signed alone.
	Encryption func(key []byte) (gate.Encryption, error)
}

// Refresh says how long a login lasts that refresh tokens prolong. The zero value
// means the defaults of the engine and the store.
type Refresh struct {
	// ExpiresIn is the most, IdleFor without a renewal.
	ExpiresIn, IdleFor time.Duration
}

// Cookies says how long browsers stay logged in; zero means the defaults of
// [gate.CookieConfig].
type Cookies struct {
	// ExpiresIn is the most, IdleFor without a request.
	ExpiresIn, IdleFor time.Duration
	// LoginPage is the path of the page to log in at, where the pages lead that links
	// in letters open; empty means that there is none.
	LoginPage string
}

// APIKeys configures keys for programs. The zero value is ready for use.
type APIKeys struct {
	// Environment stands in each key: "live" if it is empty.
	Environment string
}

// Letters says how letters are sent.
type Letters struct {
	// Open returns what sends them from an address, under the name of the
	// service, through the server that MAIL_URL names. Under "gate dev" without
	// that setting they are written to a folder instead.
	Open func(url, from, name string) (mail.Sender, error)
	// Words are what letters and pages say; see package account/words.
	Words account.Words
	// By is [ByLetter]. That it is named here keeps what letters need out of services
	// that have none.
	By func(cfg Letters, opts Options) (*Post, error)
	// Confirm says that nobody logs in with a password before the address is
	// confirmed.
	Confirm bool
}

// DefaultStepUp is how fresh a login has to be for what cannot be taken back.
const DefaultStepUp = 5 * time.Minute

// maxTokenLife is what auth-jwt allows at most; no key goes before its tokens.
const maxTokenLife = 24 * time.Hour

// SecretBytes returns the least length of AUTH_SECRET: it signs tokens, or seals
// what has to be read again.
func (c *Config) SecretBytes() int { return max(32, c.JWT.SecretBytes()) }

// KeyFile reports whether tokens are signed with the key in AUTH_KEY_FILE.
func (c *Config) KeyFile() bool {
	return c.JWT != nil && c.JWT.RotateKeys == nil && c.JWT.SecretBytes() == 0
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
	// Check registers f to refuse changes that the rules allow.
	Check(f func(context.Context, crud.Changed) error)
}

// Auth is the authentication of a service. It is made by the server, and used
// by the service's own code through the methods here.
type Auth struct {
	cfg  Config
	opts Options
	stores
	keys     *jose.KeySet // nil without tokens
	service  *gate.Service
	hasher   *password.Hasher
	accounts *Accounts // nil until Use
	entity   Entity
	flows    *account.Flows
	realms   []*realm       // that of the accounts first; none until Use
	breach   account.Breach // nil unless it is asked
	issuer   remote         // nil unless tokens of one are taken
	bearer   *bearer        // nil unless there are tokens of both kinds
	people   *people        // nil unless those have accounts whom the issuer vouches for
	onNew    []func(context.Context, *NewAccount) error
	parsers  []string
	logins   []string // for access tokens
	proofs   []string // those of them that are no tokens themselves

	passwordLogins bool // accounts may prove who they are other than by the issuer
}

// New returns an Auth that knows no accounts yet; see [Auth.Use].
func New(ctx context.Context, cfg Config, opts Options) (_ *Auth, err error) {
	if cfg.Login == "" || cfg.Strategies == nil {
		return nil, errors.New("authentication needs a login field and strategies")
	}
	cfg.Entity = cmp.Or(cfg.Entity, "user")
	cfg.StepUp = cmp.Or(cfg.StepUp, DefaultStepUp)
	if err := cfg.checkAlso(); err != nil {
		return nil, fmt.Errorf("authentication: %w", err)
	}
	cfg.Others = cmp.Or(cfg.Others, &Others{})
	if err := cfg.Others.check(); err != nil {
		return nil, fmt.Errorf("authentication: %w", err)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	a := &Auth{cfg: cfg, opts: opts}
	defer func() { // what was opened does not outlive a service that was not
		if err != nil {
			err = errors.Join(err, a.close(context.WithoutCancel(ctx)))
		}
	}()
	if a.hasher, err = password.New(password.Config{}); err != nil {
		return nil, err
	}
	if cfg.Breach != nil {
		if a.breach, err = cfg.Breach(opts.Logger); err != nil {
			return nil, fmt.Errorf("authentication: %w", err)
		}
	}
	if err := cfg.follow(ctx, opts.DB); err != nil {
		return nil, fmt.Errorf("authentication: %w", err)
	}
	if a.stores, err = openStores(ctx, cfg, opts); err != nil {
		return nil, fmt.Errorf("authentication: %w", err)
	}
	if a.keys, err = a.signingKeys(); err != nil {
		return nil, err
	}
	c, err := a.gateConfig()
	if err != nil {
		return nil, err
	}
	a.service, err = gate.New(c)
	return a, err
}

// gateConfig configures the engine with the strategies registered so far.
func (a *Auth) gateConfig() (gate.Config, error) {
	c := gate.Config{
		Entity: a.cfg.Entity, EntityOf: a.entityOf, LoadEntity: a.loadEntity, Permissions: a.opts.Policy.Permissions,
		Sessions: a.sessions, Logger: a.opts.Logger, Now: a.opts.Now,
		AuthStrategies: a.logins, ParseStrategies: a.parsers, Audit: entityTrail{a}, LoginHeader: a.rememberDevice,
	}
	if a.accounts != nil && a.accounts.password != nil {
		c.Proof = a.accounts.Proof
	}
	if a.cfg.JWT == nil {
		return c, nil
	}
	c.Keys = a.keys
	if a.ring != nil {
		c.KeySource = a.ring
	}
	c.Issuer = cmp.Or(a.cfg.JWT.Issuer, a.opts.Service)
	c.Audience = []string{cmp.Or(a.cfg.JWT.Audience, a.opts.Service)}
	c.ExpiresIn = a.cfg.JWT.ExpiresIn
	if a.refresh != nil {
		c.RefreshTokens, c.SessionExpiresIn = a.refresh, a.cfg.JWT.Refresh.ExpiresIn
	}
	if a.cfg.JWT.Encryption == nil {
		return c, nil
	}
	var err error
	if c.Encryption, err = a.cfg.JWT.Encryption(derive(a.opts.Settings, "encrypt access tokens")); err != nil {
		return c, fmt.Errorf("encryption of tokens: %w", err)
	}
	return c, nil
}

// Service returns the engine: for guards on own routes, and for events.
func (a *Auth) Service() *gate.Service { return a.service }

// Accounts returns the accounts, nil before [Auth.Use].
func (a *Auth) Accounts() *Accounts { return a.accounts }

// Once remembers what accounts had made with an Idempotency-Key.
func (a *Auth) Once() *idempotency.Keeper { return a.once }

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
	if _, key := st.(*apikey.Strategy); !key { // nobody proves with a key who they are
		a.passwordLogins = true
	}
	return a.register(name, a.withIssuer(name, st))
}

func (a *Auth) register(name string, st gate.Strategy) error {
	if err := a.service.Register(name, st); err != nil {
		return err
	}
	_, parses := st.(gate.Parser)
	_, carries := st.(gate.TokenCarrier)
	_, renews := st.(gate.Renewer)
	if parses {
		a.parsers = append(a.parsers, name)
	}
	if (carries || !parses) && a.cfg.JWT != nil {
		a.logins = append(a.logins, name)
	}
	if !parses && !renews {
		a.proofs = append(a.proofs, name)
	}
	return nil
}

// Use says which entity holds the accounts, and which hold those of [Config.Also], in
// its order; it registers the strategies. It is called once, before the service
// answers requests.
func (a *Auth) Use(e Entity, also ...Entity) error {
	if a.entity != nil {
		return errors.New("authentication has its entity already")
	}
	if err := a.useAll(e, also); err != nil {
		return fmt.Errorf("authentication: %w", err)
	}
	if err := a.cfg.Strategies(a); err != nil {
		return fmt.Errorf("authentication: %w", err)
	}
	if a.cfg.OIDC != nil && a.issuer == nil {
		return errors.New("authentication: there is an issuer, and no strategy takes its tokens: call RegisterIssuer in Strategies")
	}
	return nil
}

// Setup takes all strategies that were registered into use. The server calls it
// once, when the service's own code has registered its own.
func (a *Auth) Setup() error {
	c, err := a.gateConfig()
	if err != nil {
		return err
	}
	if err := a.service.Configure(c); err != nil {
		return err
	}
	return a.service.Setup()
}

// Protect returns next behind every strategy that reads requests. Nobody in
// particular passes, for the rules below say what that means; credentials that
// are wrong do not.
//
// Who calls is judged when the body is here, 1 MiB of it or what next says with a
// method MaxBody() int64: next finds the body as if it had not been touched, but
// cannot talk to the sender before it has ended.
func (a *Auth) Protect(next http.Handler) http.Handler {
	most := int64(maxBody)
	if b, ok := next.(bounded); ok {
		most = b.MaxBody()
	}
	return a.protect(next, most)
}

// protect is [Auth.Protect] for a handler that takes at most that much of a body.
func (a *Auth) protect(next http.Handler, most int64) http.Handler {
	if len(a.parsers) == 0 {
		return next
	}
	known := a.withDevice(a.service.Guard(a.parsers...).Optional().Protect(a.ownAccounts(next)))
	if most == 0 {
		return known // next reads the body: nobody is told to send it before
	}
	return received(known, most)
}

// Knows reports whether the credentials of a request are good now. Its body is not
// looked at.
func (a *Auth) Knows(r *http.Request) bool {
	if len(a.parsers) == 0 {
		return false
	}
	c, found, err := a.service.Parse(r, a.parsers...)
	if err != nil || !found {
		return false
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	_, err = a.service.Authenticate(ctx, c, c.Strategy)
	return err == nil
}

// LogsIn reports whether there is a log-in that answers an access token.
func (a *Auth) LogsIn() bool { return a.cfg.JWT != nil }

// loadEntity returns the account of p as its owner may see it, or what is known
// of somebody who has none here.
func (a *Auth) loadEntity(ctx context.Context, p *gate.Principal) (any, error) {
	if a.vouchedFor(p) {
		return map[string]any{"id": p.Subject, "roles": append([]string{}, p.Roles...)}, nil
	}
	if known, ok := gate.PrincipalFromContext(ctx); !ok || known.Subject != p.Subject {
		ctx = gate.ContextWithPrincipal(ctx, p)
	}
	r := a.realm(p)
	id := r.entity.Entity().Account(p.Subject)
	row, err := r.entity.GetRow(ctx, id, nil)
	switch {
	case errors.Is(err, gate.ErrForbidden) || isNotFound(err):
		// The rules hide the account from its owner; who it is is no secret.
		return map[string]any{"id": cmp.Or(id, p.Subject), "roles": p.Roles}, nil
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
	var err error
	if a.issuer != nil {
		err = a.issuer.close()
	}
	return errors.Join(a.service.Close(ctx), err, a.close(ctx))
}

// Readers returns the names of the strategies that read requests, in the order
// in which they are asked.
func (a *Auth) Readers() []string { return slices.Clone(a.parsers) }

// EntityKey returns the key of the account in answers and in sessions: "user".
func (a *Auth) EntityKey() string { return a.cfg.Entity }

// TrustedOrigins returns the origins whose pages may use the service with a
// cookie: those of CORS_ORIGINS.
func (a *Auth) TrustedOrigins() []string { return a.opts.Settings.CORSOrigins }

// EntityName returns the name of the entity that holds the accounts.
func (a *Auth) EntityName() string { return a.entity.Entity().Name }
