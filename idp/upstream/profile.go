package upstream

import (
	"fmt"
	"log/slog"
	"time"
)

// Tokens are what the provider gave for the code. They are not shown by fmt,
// slog or JSON.
type Tokens struct {
	// Access opens the provider's own API.
	Access Secret
	// Refresh is empty unless the scope asked for it.
	Refresh Secret
	// ID is the ID token, as hint for [Connection.LogoutURL]. Empty when the
	// provider has none.
	ID Secret
	// Scope is what was granted, as the provider wrote it; empty when it did
	// not say, which means what was asked for (RFC 6749 §5.1).
	Scope string
	// Expiry is when Access ends; zero when the provider did not say.
	Expiry time.Time
}

// A Profile is an account at a provider, and what the provider says about it.
// Texts are valid UTF-8 without control characters and of bounded length; they
// are still somebody else's, and to be escaped.
type Profile struct {
	// Connection is the connection's name, and Provider its strategy.
	Connection, Provider string
	// ID names the account within Provider. Where the strategy leads to a
	// provider of the operator's choice, the name of the connection and a bar
	// are part of it, so that two providers never share a name.
	// [Profile.UserID] is at most 255 bytes long.
	ID string
	// Issuer and Subject name the account as the provider does. Issuer is empty
	// without OpenID Connect.
	Issuer, Subject string
	// Tenant is the organization that vouches for the account: the tenant at
	// Microsoft, the domain at Google. Empty means none.
	Tenant string

	// Email is empty when the provider gave no single good address.
	Email string
	// EmailVerified says that the provider asserts that it has seen proof of the
	// address. It is never true for Microsoft and Facebook, which do not say so.
	// What a provider asserts is only as good as the provider.
	EmailVerified bool
	// EmailAuthoritative says that the provider itself runs the mailbox, as
	// Google does for gmail.com and the domains of its customers. It is false
	// when that is not known.
	EmailAuthoritative bool

	Name, Nickname, GivenName, FamilyName string
	// Picture is an https URL, or empty.
	Picture string
	// Username is the account's changeable name.
	Username string
	Locale   string

	// AuthTime is when the person proved to the provider who they are; zero when
	// it did not say.
	AuthTime time.Time
	// Raw is what the provider said, unchecked and as it was spelt. Numbers are
	// json.Number.
	Raw map[string]any
	// Tokens are for the provider's own API. They are not to be kept unless
	// somebody asked for that, and then sealed.
	Tokens Tokens
}

// UserID returns the name of the account's user here: Provider, a bar, ID.
func (p *Profile) UserID() string { return p.Provider + "|" + p.ID }

// PendingLifetime is how long a person may take at the provider.
const PendingLifetime = 10 * time.Minute

// A Pending is a log-in that was started and has to be kept until it ends. It
// marshals to JSON and holds secrets: the caller keeps it where only the one
// browser has it, on the server or in a sealed cookie, and uses it once. It is
// not shown by fmt and slog.
type Pending struct {
	// Connection is the name of the connection that started it.
	Connection string `json:"connection"`
	// State is what the answer has to repeat.
	State string `json:"state"`
	// Nonce is what the ID token has to repeat.
	Nonce string `json:"nonce,omitempty"`
	// Verifier is the PKCE verifier.
	Verifier string `json:"verifier,omitempty"`
	// Issuer is who was asked; empty when the provider has no such name.
	Issuer string `json:"issuer,omitempty"`
	// RedirectURI is where the answer comes to.
	RedirectURI string `json:"redirect_uri"`
	// MaxAge is the age of authentication that was asked for, in seconds.
	MaxAge int64 `json:"max_age,omitempty"`
	// Started is when, in seconds since 1970.
	Started int64 `json:"started"`
}

// Format implements fmt.Formatter and shows no secret.
func (p Pending) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "pending log-in with %s", p.Connection) }

// LogValue implements slog.LogValuer and shows no secret.
func (p Pending) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(p)) }
