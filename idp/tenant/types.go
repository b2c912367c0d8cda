package tenant

import (
	"encoding/json"
	"time"
)

// The kinds of applications, as [Client].AppType says them.
const (
	SPA            = "spa"
	Native         = "native"
	RegularWeb     = "regular_web"
	NonInteractive = "non_interactive"
)

// The ways a client authenticates, as [Client].AuthMethod says them.
const (
	AuthNone          = "none"
	AuthBasic         = "client_secret_basic"
	AuthPost          = "client_secret_post"
	AuthPrivateKeyJWT = "private_key_jwt"
)

// A Client is an application: a program that sends people to log in, or logs
// in itself.
type Client struct {
	ID          string `json:"client_id"`
	Secret      string `json:"client_secret,omitempty"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	AppType     string `json:"app_type,omitempty"`
	LogoURI     string `json:"logo_uri,omitempty"`
	// Global marks the client "All Applications", which logs nobody in.
	Global bool `json:"global"`
	// FirstParty is true for applications of one's own: they need no consent
	// when the API says so.
	FirstParty bool `json:"is_first_party"`
	// AuthMethod is how it authenticates at the token endpoint; empty means
	// client_secret_post.
	AuthMethod string `json:"token_endpoint_auth_method,omitempty"`
	// Credentials are the public keys of private_key_jwt.
	Credentials []Credential `json:"credentials,omitempty"`
	GrantTypes  []string     `json:"grant_types"`
	// Callbacks, LogoutURLs, WebOrigins and Origins are where it may be
	// returned to, and where its pages stand.
	Callbacks  []string `json:"callbacks,omitempty"`
	LogoutURLs []string `json:"allowed_logout_urls,omitempty"`
	WebOrigins []string `json:"web_origins,omitempty"`
	Origins    []string `json:"allowed_origins,omitempty"`
	// InitiateLoginURI is where a log-in begins anew.
	InitiateLoginURI string         `json:"initiate_login_uri,omitempty"`
	JWT              JWTSettings    `json:"jwt_configuration"`
	Refresh          *RefreshPolicy `json:"refresh_token,omitempty"`
	OIDCLogout       *OIDCLogout    `json:"oidc_logout,omitempty"`
	// TrustsForwardedFor lets a confidential client name the address of the
	// person it speaks for, in the header auth0-forwarded-for.
	TrustsForwardedFor bool              `json:"is_token_endpoint_ip_header_trusted"`
	OIDCConformant     bool              `json:"oidc_conformant"`
	Metadata           map[string]string `json:"client_metadata,omitempty"`
	// UnsafeWildcards lets Callbacks and the other lists have one * in the
	// left-most label of a host.
	UnsafeWildcards bool  `json:"unsafe_wildcards,omitempty"`
	Extra           Extra `json:"-"`
}

// A Credential is a public key of a client that signs its own assertions
// (RFC 7523).
type Credential struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	KeyID     string    `json:"kid"`
	Type      string    `json:"credential_type"`
	Algorithm string    `json:"alg"`
	PEM       string    `json:"pem"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// JWTSettings say how the ID tokens of a client are made.
type JWTSettings struct {
	// LifetimeSeconds is the life of an ID token; zero means 36000.
	LifetimeSeconds int `json:"lifetime_in_seconds,omitempty"`
	// Algorithm is RS256 or, for confidential clients, HS256 with the secret;
	// empty means RS256.
	Algorithm     string `json:"alg,omitempty"`
	SecretEncoded bool   `json:"secret_encoded"`
}

// A RefreshPolicy says how long refresh tokens live and whether they rotate.
// Times are in seconds.
type RefreshPolicy struct {
	Rotation         string `json:"rotation_type"`   // "rotating" or "non-rotating"
	Expiration       string `json:"expiration_type"` // "expiring" or "non-expiring"
	Leeway           int    `json:"leeway"`
	Lifetime         int    `json:"token_lifetime"`
	IdleLifetime     int    `json:"idle_token_lifetime"`
	InfiniteLifetime bool   `json:"infinite_token_lifetime"`
	InfiniteIdle     bool   `json:"infinite_idle_token_lifetime"`
	// Policies name further APIs that a refresh may ask for.
	Policies json.RawMessage `json:"policies,omitempty"`
}

// OIDCLogout says where a client is told of log-outs (OpenID Connect
// Back-Channel Logout 1.0).
type OIDCLogout struct {
	BackchannelURLs []string        `json:"backchannel_logout_urls,omitempty"`
	Initiators      json.RawMessage `json:"backchannel_logout_initiators,omitempty"`
}

// An API is a resource server: what access tokens are for.
type API struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Identifier string     `json:"identifier"`
	Scopes     []APIScope `json:"scopes,omitempty"`
	// SigningAlg is RS256, PS256, ES256 or HS256; empty means RS256.
	SigningAlg    string `json:"signing_alg,omitempty"`
	SigningSecret string `json:"signing_secret,omitempty"`
	// TokenLifetime is that of access tokens in seconds; zero means 86400. For
	// tokens given out at the authorization endpoint it is
	// TokenLifetimeForWeb; zero means 7200.
	TokenLifetime       int  `json:"token_lifetime,omitempty"`
	TokenLifetimeForWeb int  `json:"token_lifetime_for_web,omitempty"`
	AllowOfflineAccess  bool `json:"allow_offline_access"`
	// SkipConsent spares first-party clients the consent page.
	SkipConsent bool `json:"skip_consent_for_verifiable_first_party_clients"`
	// EnforcePolicies is role-based access control: scopes are cut to what the
	// user's roles permit.
	EnforcePolicies bool `json:"enforce_policies,omitempty"`
	// TokenDialect is access_token, access_token_authz (with the claim
	// permissions), rfc9068_profile or rfc9068_profile_authz; empty means
	// access_token.
	TokenDialect string `json:"token_dialect,omitempty"`
	// System marks the provider's own API, which cannot be deleted.
	System bool  `json:"is_system,omitempty"`
	Extra  Extra `json:"-"`
}

// An APIScope is a permission that an API knows.
type APIScope struct {
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
}

// A ClientGrant lets a client get tokens of its own for an API.
type ClientGrant struct {
	ID       string   `json:"id"`
	ClientID string   `json:"client_id"`
	Audience string   `json:"audience"`
	Scope    []string `json:"scope"`
	Extra    Extra    `json:"-"`
}

// A Role is a named set of permissions.
type Role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Extra       Extra  `json:"-"`
}

// A Permission is a scope of an API, given to a role or a user.
type Permission struct {
	API  string `json:"resource_server_identifier"`
	Name string `json:"permission_name"`
}

// Database is the strategy of connections whose users and passwords are kept here.
const Database = "auth0"

// A Connection is where users come from: kept here ([Database]), or another
// provider.
type Connection struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Strategy    string            `json:"strategy"`
	DisplayName string            `json:"display_name,omitempty"`
	Options     ConnectionOptions `json:"options"`
	// EnabledClients are the IDs of the clients that may use it.
	EnabledClients []string          `json:"enabled_clients"`
	Realms         []string          `json:"realms,omitempty"`
	DomainLevel    bool              `json:"is_domain_connection"`
	ShowAsButton   *bool             `json:"show_as_button,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
	Extra          Extra             `json:"-"`
}

// ConnectionOptions are the settings of a connection that this provider reads;
// the others are in Extra.
type ConnectionOptions struct {
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
	// Scope is a list, or one text with spaces.
	Scope             json.RawMessage   `json:"scope,omitempty"`
	Issuer            string            `json:"issuer,omitempty"`
	DiscoveryURL      string            `json:"discovery_url,omitempty"`
	AuthorizationURL  string            `json:"authorizationURL,omitempty"`
	TokenURL          string            `json:"tokenURL,omitempty"`
	UserInfoURL       string            `json:"userInfoURL,omitempty"`
	UpstreamParams    json.RawMessage   `json:"upstream_params,omitempty"`
	SetRootAttributes string            `json:"set_user_root_attributes,omitempty"`
	DisableSignup     bool              `json:"disable_signup,omitempty"`
	RequiresUsername  bool              `json:"requires_username,omitempty"`
	PasswordPolicy    string            `json:"passwordPolicy,omitempty"`
	BruteForce        *bool             `json:"brute_force_protection,omitempty"`
	Scripts           map[string]string `json:"scripts,omitempty"`
	Apple             map[string]string `json:"apple,omitempty"`
	Extra             Extra             `json:"-"`
}

// An Action is a script that runs at a trigger; see package idp/actions.
type Action struct {
	ID           string          `json:"id"`
	Name         string          `json:"name"`
	Triggers     []ActionTrigger `json:"supported_triggers"`
	Code         string          `json:"code"`
	Dependencies []Dependency    `json:"dependencies"`
	Runtime      string          `json:"runtime,omitempty"`
	Status       string          `json:"status"`
	Secrets      []ActionSecret  `json:"secrets"`
	// Deployed is the version that bindings run, and Versions all there were,
	// the newest last.
	Deployed  *ActionVersion  `json:"deployed_version,omitempty"`
	Versions  []ActionVersion `json:"gate_versions,omitempty"`
	CreatedAt time.Time       `json:"created_at,omitzero"`
	UpdatedAt time.Time       `json:"updated_at,omitzero"`
	Extra     Extra           `json:"-"`
}

// An ActionTrigger is where an action may run.
type ActionTrigger struct {
	ID      string `json:"id"`
	Version string `json:"version"`
}

// A Dependency is a module that an action requires.
type Dependency struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// An ActionSecret is a value that an action finds in event.secrets.
type ActionSecret struct {
	Name      string    `json:"name"`
	Value     string    `json:"value,omitempty"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// An ActionVersion is an action as it was deployed.
type ActionVersion struct {
	ID           string         `json:"id"`
	Number       int            `json:"number"`
	Code         string         `json:"code"`
	Dependencies []Dependency   `json:"dependencies,omitempty"`
	Runtime      string         `json:"runtime,omitempty"`
	Secrets      []ActionSecret `json:"secrets,omitempty"`
	CreatedAt    time.Time      `json:"created_at,omitzero"`
}

// Bindings are the actions of a trigger, in the order in which they run.
type Bindings struct {
	Trigger string    `json:"trigger_id"`
	List    []Binding `json:"bindings"`
	Extra   Extra     `json:"-"`
}

// A Binding puts an action at a trigger.
type Binding struct {
	ID          string    `json:"id"`
	ActionID    string    `json:"action_id"`
	DisplayName string    `json:"display_name"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
}

// A SessionCookie has the mode "persistent", which is that of the zero value, or
// "non-persistent": the browser forgets it when it is closed, however long the
// session lives.
type SessionCookie struct {
	Mode string `json:"mode,omitempty"`
}

// Settings are those of the tenant. The zero value has the defaults of the
// fields.
type Settings struct {
	FriendlyName     string `json:"friendly_name,omitempty"`
	PictureURL       string `json:"picture_url,omitempty"`
	SupportEmail     string `json:"support_email,omitempty"`
	SupportURL       string `json:"support_url,omitempty"`
	DefaultAudience  string `json:"default_audience,omitempty"`
	DefaultDirectory string `json:"default_directory,omitempty"`
	// DefaultRedirectionURI is where a person goes who has nowhere to go.
	DefaultRedirectionURI string   `json:"default_redirection_uri,omitempty"`
	LogoutURLs            []string `json:"allowed_logout_urls,omitempty"`
	// SessionLifetime and IdleSessionLifetime are hours; zero means 168 and 72.
	SessionLifetime     float64 `json:"session_lifetime,omitempty"`
	IdleSessionLifetime float64 `json:"idle_session_lifetime,omitempty"`
	// SessionCookie says how long a browser keeps the cookie of the session.
	SessionCookie  *SessionCookie  `json:"session_cookie,omitempty"`
	EnabledLocales []string        `json:"enabled_locales,omitempty"`
	Flags          map[string]bool `json:"flags,omitempty"`
	// Protection is what guards against guessing, by the names of Auth0's
	// attack-protection endpoints.
	Protection map[string]json.RawMessage `json:"gate_attack_protection,omitempty"`
	// Documents are further settings documents by name (branding,
	// email-templates/verify_email, prompts/login/custom-text/en, …).
	Documents map[string]json.RawMessage `json:"gate_documents,omitempty"`
	// LogRetentionDays is how long log entries are kept; zero means 400.
	// FailedLogRetentionDays is the same for log-ins that failed; zero means 90.
	// LogAddressDays is after how many days the addresses in entries are cut to
	// the /24 or /48 that they are of; zero means 30. Negative is for ever, each.
	LogRetentionDays       int   `json:"gate_log_retention_days,omitempty"`
	FailedLogRetentionDays int   `json:"gate_failed_log_retention_days,omitempty"`
	LogAddressDays         int   `json:"gate_log_address_days,omitempty"`
	Extra                  Extra `json:"-"`
}
