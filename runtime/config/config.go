package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"github.com/gatewright/gate/internal/secret"
)

// A Config holds the settings of a service, read and checked. It is not changed
// after [Load] made it. The zero value listens nowhere and signs nothing.
type Config struct {
	// Addr is where to listen, host:port.
	Addr string
	// DatabaseURL names the database and may hold its password.
	DatabaseURL secret.String
	// Pool says how a database server is used.
	Pool Pool
	// AuthSecret signs access tokens; empty unless [Options.SecretBytes] asks
	// for it.
	AuthSecret secret.String
	// AuthKeyFile is the file of the private key that signs access tokens;
	// empty unless [Options.KeyFile] asks for it.
	AuthKeyFile string
	// AdminEmail is the login of the first administrator; empty leaves the
	// choice to the service.
	AdminEmail string
	// MailURL is the server that letters go through and may hold a password;
	// empty if it was not said. MailFrom is the address that they come from.
	MailURL  secret.String
	MailFrom string
	// OIDCIssuer is the issuer of access tokens, and OIDCAudience who the service
	// is for it, where they are others than those of the design; empty if it was
	// not said. AUTH0_ISSUER_URL and AUTH0_AUDIENCE are other names of the two.
	OIDCIssuer, OIDCAudience string
	// Auth0 is what web pages are told that log people in at the issuer, where it
	// is something else than in the design.
	Auth0 Auth0
	// FirstAdminEmail is the address whose owner becomes administrator when they
	// come from the issuer for the first time; empty leaves it to the design.
	FirstAdminEmail string
	// PublicURL is how clients reach the service; nil if it was not said. It has
	// no trailing slash.
	PublicURL *url.URL
	// CORSOrigins are the origins whose pages may read answers, in the spelling
	// of the Origin header.
	CORSOrigins []string
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// MaxBodies bounds the bytes of bodies that requests hold at once, three times: of
	// their first 8 KiB, of the rest, and when that is used up of the rest of those who
	// are known; zero means [DefaultMaxBodies].
	MaxBodies int64
	// LogLevel is the least level that is logged.
	LogLevel slog.Level
	// Docs says whether the OpenAPI document and its viewer are served.
	Docs bool
	// Dev is set while the service runs under "gate dev", else nil.
	Dev *Dev
	// Warnings are what is allowed but should not stay so.
	Warnings []Problem

	lookup func(string) (string, bool) // a function, because a map would be printed with its secrets
}

// DefaultMaxBodies is [Config.MaxBodies] where nothing else is said: 64 MiB.
const DefaultMaxBodies = 64 << 20

// Pool says how a service uses a database server. Zero leaves a setting to
// package store/postgres.
type Pool struct {
	// MaxConns bounds the connections of one process.
	MaxConns int
	// StatementTimeout is when the server gives up on a statement.
	StatementTimeout time.Duration
}

// Auth0 is what a page logs people in with. What was not said is empty.
type Auth0 struct {
	// Domain is the host of the issuer, and ClientID the application there.
	Domain, ClientID string
	// RedirectURI is where a log-in leads back to, and LogoutRedirectURI where a
	// log-out leads.
	RedirectURI, LogoutRedirectURI string
	// Scope is what is asked for, words in one text.
	Scope string
}

// Dev is what "gate dev" tells the service that it runs.
type Dev struct {
	// Token is random and new for each run.
	Token secret.String
	// StateFile is where "gate dev" keeps what it knows of the service.
	StateFile string
}

// Lookup returns a setting by its name, for the service's own code: from the
// environment, else from the file. The result may be a secret.
func (c *Config) Lookup(name string) (string, bool) {
	if c.lookup == nil {
		return "", false
	}
	return c.lookup(name)
}

// Options say what a service needs to be told. The zero value asks for no
// secret, knows no database and reads the environment of the process but no
// file.
type Options struct {
	// Environ is the environment as NAME=value; nil means that of the process.
	Environ []string
	// File is the path of the .env; it need not exist, and empty means none.
	File string
	// Addr is where to listen when nothing else is said.
	Addr string
	// Database is the URL of the database when nothing else is said; empty
	// makes DATABASE_URL necessary.
	Database string
	// Pool is how a database server is used when nothing else is said.
	Pool Pool
	// SecretBytes is the least length of AUTH_SECRET; zero means that the
	// service has no use for it. Less than 32 counts as 32.
	SecretBytes int
	// KeyFile makes AUTH_KEY_FILE necessary.
	KeyFile bool
	// Settings are the names that the service reads besides those of this package, such
	// as METRICS_ADDR: a name in the file that is nearly one of them is refused.
	Settings []string
}

// The names of the settings.
const (
	keyAddr          = "ADDR"
	keyDatabase      = "DATABASE_URL"
	keyMaxConns      = "DATABASE_MAX_CONNS"
	keyTimeout       = "DATABASE_STATEMENT_TIMEOUT"
	keySecret        = "AUTH_SECRET"
	keyKeyFile       = "AUTH_KEY_FILE"
	keyAdmin         = "ADMIN_EMAIL"
	keyMailURL       = "MAIL_URL"
	keyMailFrom      = "MAIL_FROM"
	keyIssuer        = "OIDC_ISSUER"
	keyAudience      = "OIDC_AUDIENCE"
	keyAuth0Issuer   = "AUTH0_ISSUER_URL"
	keyAuth0Audience = "AUTH0_AUDIENCE"
	keyAuth0Domain   = "AUTH0_DOMAIN"
	keyAuth0Client   = "AUTH0_CLIENT_ID"
	keyAuth0Redirect = "AUTH0_REDIRECT_URI"
	keyAuth0Logout   = "AUTH0_LOGOUT_REDIRECT_URI"
	keyAuth0Scope    = "AUTH0_SCOPE"
	keyFirstAdmin    = "FIRST_ADMIN_EMAIL"
	keyPublicURL     = "PUBLIC_URL"
	keyCORS          = "CORS_ORIGINS"
	keyProxies       = "TRUSTED_PROXIES"
	keyMaxBodies     = "MAX_BODIES_MB"
	keyLogLevel      = "LOG_LEVEL"
	keyDocs          = "DOCS"
	keyDev           = "GATE_DEV"
	keyDevState      = "GATE_DEV_STATE"
)

// toolPrefix is before every name that belongs to this module, testPrefix
// before those of its tests.
const (
	toolPrefix = "GATE_"
	testPrefix = "GATE_TEST_"
)

func (l *loader) known() []string {
	return append([]string{
		keyAddr, keyDatabase, keyMaxConns, keyTimeout, keySecret, keyKeyFile, keyAdmin, keyMailURL, keyMailFrom, keyIssuer, keyAudience,
		keyAuth0Issuer, keyAuth0Audience, keyAuth0Domain, keyAuth0Client, keyAuth0Redirect, keyAuth0Logout, keyAuth0Scope, keyFirstAdmin,
		keyPublicURL, keyCORS, keyProxies, keyMaxBodies, keyLogLevel, keyDocs, keyDev, keyDevState,
	}, l.options.Settings...)
}

// Load reads the settings. Its error is an [*Errors] with all that is wrong.
func Load(o Options) (*Config, error) {
	l := &loader{options: o, config: &Config{}, values: make(map[string]string)}
	l.config.lookup = func(name string) (string, bool) { v, ok := l.values[name]; return v, ok }
	l.read()
	l.settings()
	if len(l.problems) > 0 {
		return nil, &Errors{Problems: l.problems}
	}
	return l.config, nil
}
