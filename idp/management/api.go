package management

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate/idp/internal/bucket"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store/keyring"
)

// An Error is what a hook of [Config] says that refuses, such as Verify of a token
// that is no good; a target for errors.Is. Every other error of Verify means that
// nothing could be decided.
type Error string

// Error returns the condition in words.
func (e Error) Error() string { return string(e) }

// The refusals of a token.
const (
	ErrBadToken     Error = "token is not valid here"
	ErrExpiredToken Error = "token has expired"
)

// ErrVerified is what [Config].SendVerification says of a user whose address is
// confirmed: no letter is sent.
const ErrVerified Error = "the address is confirmed already"

// A LimitError is what [Config].SendVerification says when a user was sent enough
// letters for now.
type LimitError struct {
	// RetryAfter is when there may be another one.
	RetryAfter time.Duration
}

// Error says for how long.
func (e *LimitError) Error() string { return "too many letters, wait " + e.RetryAfter.String() }

// A Caller is who bears an access token.
type Caller struct {
	// ClientID is the client that the token was given to.
	ClientID string
	// Subject is the user, or the client's ID followed by "@clients".
	Subject string
	Scopes  []string
	// ID is the token's own (jti), for the log.
	ID string
	// AuthTime is when the user last proved who they are; zero when that is not
	// known.
	AuthTime time.Time
	// Maker is kept with the links that the caller makes, for [Config].Stands. Without
	// it they are good whatever becomes of the caller.
	Maker json.RawMessage
	// ChoosesIDs lets a program of the operator name a new client by client_id,
	// which nobody can who comes with a token.
	ChoosesIDs bool
}

// A Hasher hashes new passwords; [*password.Hasher] is one.
//
// [*password.Hasher]: https://pkg.go.dev/github.com/gatewright/gate/password#Hasher
type Hasher interface {
	Hash(ctx context.Context, password string) (string, error)
}

// Keys are the keys that sign tokens; [*keyring.Keyring] is one.
type Keys interface {
	List(ctx context.Context) ([]keyring.Info, error)
	Rotate(ctx context.Context) (kid string, err error)
	Remove(ctx context.Context, kid string) error
}

// Blocks are the log-ins that protection against guessing has closed.
type Blocks interface {
	// BlockedFor returns what is closed for a user name, an address of mail or
	// a user ID.
	BlockedFor(ctx context.Context, identifier string) ([]Block, error)
	// Unblock opens it again.
	Unblock(ctx context.Context, identifier string) error
}

// A Block is one closed way to log in.
type Block struct {
	Identifier string `json:"identifier"`
	IP         string `json:"ip,omitempty"`
	Connection string `json:"connection,omitempty"`
}

// A TicketRequest asks for a link that a person follows.
type TicketRequest struct {
	Kind     tenant.TokenKind // tenant.ResetTicket or tenant.EmailTicket
	User     *tenant.User
	Identity *tenant.Identity // whose password is set; nil means the user's own
	ClientID string           // where the person goes afterwards, when it is known
	// ResultURL is where the person goes afterwards, in place of that; http or
	// https.
	ResultURL string
	TTL       time.Duration // 5 days unless the caller says otherwise
	// MarkVerified takes setting a password by the link as proof of the address.
	MarkVerified bool
	// IncludeEmail adds the address to ResultURL.
	IncludeEmail bool
	// Maker is that of the caller.
	Maker json.RawMessage
}

// A Limit bounds how many requests a client may send. The zero value is no
// limit.
type Limit struct {
	PerSecond float64
	Burst     int // zero means PerSecond, at least one
}

// Config configures an [API]. Without a hook, what needs it is refused with
// operation_not_supported.
type Config struct {
	// Tenant is what is administered; required.
	Tenant *tenant.Store
	// Issuer is the address of the provider, with a slash at its end; required.
	Issuer string
	// Verify judges an access token: signature, issuer, audience, expiry,
	// revocation; required. See [Error].
	Verify func(ctx context.Context, token string) (Caller, error)
	// VerifyIDToken judges an ID token of this provider, for linking accounts.
	VerifyIDToken func(ctx context.Context, token string) (Caller, error)

	// Hasher hashes the passwords of users.
	Hasher Hasher
	// Policy judges a new password of a user in a connection; a
	// [*password.PolicyError] is a refusal. Nil means a password.Policy that
	// asks for eight characters.
	Policy func(ctx context.Context, c *tenant.Connection, u *tenant.User, password string) error

	// CheckConnection judges the options of a connection to another provider, as far
	// as nobody there has to be asked; a [*tenant.FieldError] is a refusal. Nil takes
	// what [tenant.Connection.Check] does.
	CheckConnection func(c *tenant.Connection) error
	// FindConnection asks for the names of hosts that a connection leads to, and
	// refuses one that is no place to connect to. Nil asks for none.
	FindConnection func(ctx context.Context, c *tenant.Connection) error
	// CheckAction compiles an action. What is wrong with its code comes back as
	// text; the error means that it could not be judged. Nil takes all code.
	CheckAction func(ctx context.Context, a *tenant.Action) (problem string, err error)
	// TestAction runs an action with an event and returns what it did.
	TestAction func(ctx context.Context, a *tenant.Action, event json.RawMessage) (json.RawMessage, error)

	// Stands reports whether who made a link may still do what takes a scope. Nil takes
	// links whatever became of who made them.
	Stands func(ctx context.Context, maker json.RawMessage, scope string) (bool, error)
	// Ticket makes a link for a person.
	Ticket func(ctx context.Context, t TicketRequest) (url string, err error)
	// SendVerification sends a letter with a link that proves the address: it
	// returns when the letter is on its way. [ErrVerified] and [*LimitError] say
	// why none is.
	SendVerification func(ctx context.Context, u *tenant.User, clientID string) error

	// SessionsEnded is told which sessions of a user ended, after they have:
	// for back-channel log-out.
	SessionsEnded func(ctx context.Context, userID string, sessions []*tenant.Session)
	// PasswordChanged is told of a new password, after it was stored.
	PasswordChanged func(ctx context.Context, u *tenant.User, c *tenant.Connection)

	// Blocks are shown and opened at user-blocks; nil means none.
	Blocks Blocks
	// Keys are shown and changed at keys/signing.
	Keys Keys
	// Certificate returns the certificate of a key in PEM; nil leaves it out.
	Certificate func(ctx context.Context, kid string) (string, error)

	// Limit bounds the requests of each client.
	Limit Limit
	// RemoteIP returns the address of who sent a request, for the log; nil means
	// that of the connection.
	RemoteIP func(*http.Request) string
	// Logger gets faults; nil means slog.Default().
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// An API answers the requests below /api/v2/. It is safe for concurrent use;
// [New] makes one, [API.Close] ends what it does in the background.
type API struct {
	cfg    Config
	store  *tenant.Store
	log    *slog.Logger
	now    func() time.Time
	tree   *node
	limits *bucket.Limit[string]
	jobs   jobs
}

// New returns the API of a tenant.
func New(cfg Config) (*API, error) {
	switch {
	case cfg.Tenant == nil:
		return nil, errors.New("management: no tenant")
	case !strings.HasSuffix(cfg.Issuer, "/"):
		return nil, errors.New("management: the issuer has to end in a slash")
	case cfg.Verify == nil:
		return nil, errors.New("management: nothing to verify tokens with")
	case cfg.Limit.PerSecond < 0 || cfg.Limit.Burst < 0:
		return nil, errors.New("management: a limit is negative")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.RemoteIP == nil {
		cfg.RemoteIP = remoteIP
	}
	if cfg.Policy == nil {
		cfg.Policy = defaultPolicy
	}
	a := &API{cfg: cfg, store: cfg.Tenant, log: cfg.Logger, now: cfg.Now}
	a.tree = newTree(routes())
	a.limits = newLimiter(cfg.Limit, cfg.Now)
	a.jobs.slots = make(chan struct{}, maxImports)
	a.jobs.ctx, a.jobs.cancel = background()
	return a, nil
}

// Audience returns the audience of the API's access tokens.
func (a *API) Audience() string { return a.cfg.Issuer + "api/v2/" }

// Close waits for imports in the background, until ctx ends; then they are broken
// off.
func (a *API) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		a.jobs.running.Wait()
		close(done)
	}()
	defer a.jobs.cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		a.jobs.cancel()
		<-done
		return ctx.Err()
	}
}

// jobs is what goes on in the background.
type jobs struct {
	ctx     context.Context //nolint:containedctx // the life of the API, not of a request
	cancel  context.CancelFunc
	running sync.WaitGroup
	slots   chan struct{} // of imports
}

func background() (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
