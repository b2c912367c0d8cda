package account

import (
	"context"
	"io"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store/accounts"
)

// A Profile is what these flows need of an account besides its password.
type Profile struct {
	// Subject identifies the account, Login is what it logs in with.
	Subject, Login string
	// Email is the address letters go to, as it is stored; empty for none.
	Email string
	// EmailVerified says that a letter to Email arrived.
	EmailVerified bool
	// Name is what the person calls themselves; it is for [Policy] alone.
	Name string
}

// Users keeps accounts. An account that is not there is
// [gate.ErrNotAuthenticated]; any other error means that it could not tell.
type Users interface {
	// ByLogin returns the account with that login name.
	ByLogin(ctx context.Context, name string) (*gate.Account, error)
	// Profile returns what is known of the account.
	Profile(ctx context.Context, subject string) (Profile, error)
	// SetPassword sets the encoded hash if the one before still is old, empty for
	// none; [ErrChanged] says that it is not. Of any number of callers at the same
	// time one succeeds.
	SetPassword(ctx context.Context, subject, old, hash string) error
	// SetEmail sets the address and takes it for not verified. [ErrTaken] says
	// that another account has it.
	SetEmail(ctx context.Context, subject, email string) error
	// ConfirmEmail notes that a letter to email arrived, if that still is the
	// address of the account; it is no error when it is not. Whoever has a way into
	// the account that these flows do not know, because somebody vouches for them
	// who did not verify the address, loses it; after [PasswordSet] also who verified
	// another one that the account had before, after [TakenBack] everybody does.
	ConfirmEmail(ctx context.Context, subject, email string, what Arrival) error
}

// An Arrival is what the reader of a letter did with it.
type Arrival uint8

// The arrivals.
const (
	// Opened confirms the address, and nothing of who else uses the account.
	Opened Arrival = iota
	// PasswordSet is by whoever has read the letter. Sessions, keys and links of
	// before have ended.
	PasswordSet
	// TakenBack is what undoing a change of address is: the password is nobody's
	// any more, sessions, keys and links of before have ended.
	TakenBack
)

// Tokens keeps tokens that work once; [*accounts.Tokens] does. A token that is
// not there, was used, is too old or is for another purpose is
// [gate.ErrInvalidCredentials]; any other error means that it could not tell.
type Tokens interface {
	// Issue makes a token and returns its text.
	Issue(ctx context.Context, p accounts.Purpose, c accounts.Claim) (token string, expires time.Time, err error)
	// Peek returns what the token proves without using it up.
	Peek(ctx context.Context, p accounts.Purpose, token string) (accounts.Claim, error)
	// Redeem uses the token up. Of any number of callers at the same time one
	// gets the claim.
	Redeem(ctx context.Context, p accounts.Purpose, token string) (accounts.Claim, error)
	// Void uses up the account's tokens for these purposes.
	Void(ctx context.Context, entity, subject string, purposes ...accounts.Purpose) error
	// Pending reports whether the account has a token for this purpose that
	// works.
	Pending(ctx context.Context, p accounts.Purpose, entity, subject string) (bool, error)
}

// Sessions keeps logins; [*accounts.Sessions] does.
type Sessions interface {
	// List returns the live sessions of the account, the newest first.
	List(ctx context.Context, entity, subject string) ([]accounts.Session, error)
	// EndOwn ends a session of this account; [accounts.ErrNoSession] says that
	// it has no such one, whoever else may have.
	EndOwn(ctx context.Context, entity, subject, id string) error
	// EndSubject ends all sessions of the account but those named, with their
	// refresh tokens.
	EndSubject(ctx context.Context, entity, subject string, except ...string) (int, error)
}

// RefreshTokens ends the refresh tokens of the sessions that go on.
type RefreshTokens interface {
	// EndSubject ends every refresh token of the account.
	EndSubject(ctx context.Context, entity, subject string) (int, error)
}

// A Key is an API key as its owner sees it. It does not hold the key itself.
type Key struct {
	// ID is public: it stands at the beginning of the key.
	ID string
	// Name is what the owner calls it.
	Name string
	// Scopes are what it is limited to.
	Scopes []string
	// CreatedAt is when it was made, LastUsedAt when it was last used, zero
	// for never, ExpiresAt when it stops working.
	CreatedAt, LastUsedAt, ExpiresAt time.Time
}

// Keys keeps API keys. [accounts.ErrNoKey] says that the account has no such
// key, whoever else may have; [accounts.ErrKeyRotated] and
// [accounts.ErrTooManyKeys] are refusals too.
type Keys interface {
	// List returns the keys of the account that work.
	List(ctx context.Context, entity, subject string) ([]Key, error)
	// Create makes a key with this name, these scopes and this expiry, and
	// returns it with its text, which nobody can read again.
	Create(ctx context.Context, entity, subject string, k Key) (key Key, text string, err error)
	// Rotate makes a key like that one. The old one works for a while longer.
	Rotate(ctx context.Context, entity, subject, id string) (key Key, text string, err error)
	// Revoke ends a key.
	Revoke(ctx context.Context, entity, subject, id string) error
	// RevokeSubject ends every key of the account, those too that are made at
	// that moment, and returns how many there were.
	RevokeSubject(ctx context.Context, entity, subject string) (int, error)
}

// A Hasher hashes passwords.
type Hasher interface {
	// Verify reports whether password is the one that encoded was made of.
	Verify(ctx context.Context, encoded, password string) (ok, rehash bool, err error)
	// Hash returns the encoded hash of password.
	Hash(ctx context.Context, password string) (string, error)
}

// A Policy judges new passwords.
type Policy interface {
	// Check returns a [*password.PolicyError] with the reasons of a refusal.
	// The context is what is known of the user.
	Check(password string, context ...string) error
}

// A Breach knows passwords that have leaked.
type Breach interface {
	// Leaked reports whether the password is known to have leaked. Whoever
	// cannot tell says no.
	Leaked(ctx context.Context, password string) bool
}

// A Limiter counts events by key.
type Limiter interface {
	// Allow counts one and reports whether that makes no more than limit within
	// the window. An error means that it could not tell.
	Allow(ctx context.Context, key string, limit int, window time.Duration) (bool, error)
}

// A Letter is what a letter says. Everything in it that a person chose is inert:
// mail programs make no link of it.
type Letter struct {
	// Service is the name of the service, Account whom the letter is about, Other
	// another address that it speaks of.
	Service, Account, Other string
	// Link is what to open, empty for a notice; Life for how long it works.
	Link, Life string
	// When and Where are the time and the address of whoever caused the letter.
	When, Where string
}

// A Page is what a page shows.
type Page struct {
	Title string
	// Service is the name of the service, Home where the page leads when all is
	// done, Host where the reader is.
	Service, Home, Host string
	// State is how far things are: "open", "set" or "fault".
	State string
	// Account is whom the page is about, Other the address that it is about.
	Account, Other string
	// Token goes back with the form.
	Token string
	// Least is how long a password must be, 0 when nobody says; Problem what is
	// wrong with the one that was sent.
	Least   int
	Problem string
	// Message says what happened, Reference where the log has more of it.
	Message, Reference string
	// Life is for how long the link works.
	Life string
}

// Words writes letters and pages; package account/words does, in English. It is
// called from many goroutines.
type Words interface {
	// Letter writes the letter called name: its subject, a line end, and what it
	// says. Names are reset, verify, change, email-changed, email-undone, exists
	// and password-changed.
	Letter(w io.Writer, name string, l Letter) error
	// Page writes the page called name in HTML, escaping what it is given. Names
	// are those of the last parts of the paths (reset, verify, email, undo), done
	// and dead. The page may load gate.css, next to it, and nothing else.
	Page(w io.Writer, name string, p Page) error
	// Style returns gate.css.
	Style() []byte
}

// A Mailer sends letters in the background.
type Mailer interface {
	// Later has a letter written and sent after it has returned. An error means
	// that it will not be.
	Later(ctx context.Context, compose mail.Compose) error
}

var (
	_ Hasher        = (*password.Hasher)(nil)
	_ Policy        = password.Policy{}
	_ Breach        = (*password.Breach)(nil)
	_ Limiter       = (*mail.Rates)(nil)
	_ Mailer        = (*mail.Queue)(nil)
	_ Tokens        = (*accounts.Tokens)(nil)
	_ Sessions      = (*accounts.Sessions)(nil)
	_ RefreshTokens = (*accounts.RefreshTokens)(nil)
)
