package actions

import "time"

// User is event.user. Members that are absent stay away from the event.
type User struct {
	UserID            string         `json:"user_id,omitempty"`
	Email             string         `json:"email,omitempty"`
	EmailVerified     *bool          `json:"email_verified,omitempty"`
	Name              string         `json:"name,omitempty"`
	Nickname          string         `json:"nickname,omitempty"`
	GivenName         string         `json:"given_name,omitempty"`
	FamilyName        string         `json:"family_name,omitempty"`
	Picture           string         `json:"picture,omitempty"`
	Username          string         `json:"username,omitempty"`
	PhoneNumber       string         `json:"phone_number,omitempty"`
	PhoneVerified     *bool          `json:"phone_verified,omitempty"`
	CreatedAt         time.Time      `json:"created_at,omitzero"`
	UpdatedAt         time.Time      `json:"updated_at,omitzero"`
	LastPasswordReset time.Time      `json:"last_password_reset,omitzero"`
	AppMetadata       map[string]any `json:"app_metadata"`  // {} when there is none
	UserMetadata      map[string]any `json:"user_metadata"` // {} when there is none
	Identities        []Identity     `json:"identities,omitempty"`
	Multifactor       []string       `json:"multifactor,omitempty"`
	EnrolledFactors   []Factor       `json:"enrolledFactors,omitempty"`
	Permissions       []string       `json:"permissions,omitempty"`
}

// Identity is one of event.user.identities.
type Identity struct {
	Connection  string         `json:"connection"`
	Provider    string         `json:"provider"`
	UserID      string         `json:"user_id"`
	IsSocial    bool           `json:"isSocial"`
	ProfileData map[string]any `json:"profileData,omitempty"`
}

// Factor is a factor that a user has enrolled, or that an action asks for.
type Factor struct {
	Type    string         `json:"type"`
	Method  string         `json:"method,omitempty"`
	Options map[string]any `json:"options,omitempty"`
}

// Authorization is event.authorization.
type Authorization struct {
	Roles []string `json:"roles"`
}

// Client is event.client.
type Client struct {
	ClientID string            `json:"client_id"`
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata"`
	// FirstParty says that it is not one of somebody else, for which people are
	// asked. Auth0 does not say it.
	FirstParty bool `json:"is_first_party"`
}

// Connection is event.connection.
type Connection struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Strategy string            `json:"strategy"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Organization is event.organization.
type Organization struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	DisplayName string            `json:"display_name,omitempty"`
	Metadata    map[string]string `json:"metadata"`
}

// Request is event.request. Tokens, secrets and passwords are to be stripped
// from Query and Body by the caller; the Runner strips the usual names again.
type Request struct {
	IP        string         `json:"ip,omitempty"`
	Method    string         `json:"method,omitempty"`
	Hostname  string         `json:"hostname,omitempty"`
	Language  string         `json:"language,omitempty"`
	UserAgent string         `json:"user_agent,omitempty"`
	ASN       string         `json:"asn,omitempty"`
	Query     map[string]any `json:"query"`
	Body      map[string]any `json:"body"`
	GeoIP     map[string]any `json:"geoip"`
}

// ResourceServer is event.resource_server.
type ResourceServer struct {
	Identifier string `json:"identifier"`
}

// Transaction is event.transaction.
type Transaction struct {
	ID              string         `json:"id,omitempty"`
	Protocol        string         `json:"protocol,omitempty"` // such as "oidc-basic-profile", "oauth2-refresh-token"
	RedirectURI     string         `json:"redirect_uri,omitempty"`
	RequestedScopes []string       `json:"requested_scopes"`
	ResponseMode    string         `json:"response_mode,omitempty"`
	ResponseType    []string       `json:"response_type,omitempty"`
	State           string         `json:"state,omitempty"`
	UILocales       []string       `json:"ui_locales"`
	Prompt          []string       `json:"prompt,omitempty"`
	ACRValues       []string       `json:"acr_values"`
	LoginHint       string         `json:"login_hint,omitempty"`
	Locale          string         `json:"locale,omitempty"`
	LinkingID       string         `json:"linking_id,omitempty"`
	Metadata        map[string]any `json:"metadata,omitempty"`
}

// Authentication is event.authentication.
type Authentication struct {
	Methods []Method `json:"methods"`
}

// Method is a way in which the user has authenticated in this session.
type Method struct {
	Name      string    `json:"name"` // "pwd", "federated", "mfa", … or a URL
	Timestamp time.Time `json:"timestamp"`
	Type      string    `json:"type,omitempty"`
}

// Session is event.session.
type Session struct {
	ID              string          `json:"id"`
	AuthenticatedAt time.Time       `json:"authenticated_at,omitzero"`
	CreatedAt       time.Time       `json:"created_at,omitzero"`
	UpdatedAt       time.Time       `json:"updated_at,omitzero"`
	ExpiresAt       time.Time       `json:"expires_at,omitzero"`
	IdleExpiresAt   time.Time       `json:"idle_expires_at,omitzero"`
	Clients         []SessionClient `json:"clients,omitempty"`
	Device          map[string]any  `json:"device,omitempty"`
	Metadata        map[string]any  `json:"metadata,omitempty"`
}

// SessionClient is a client that a session has logged in to.
type SessionClient struct {
	ClientID string `json:"client_id"`
}

// RefreshToken is event.refresh_token.
type RefreshToken struct {
	ID              string           `json:"id"`
	ClientID        string           `json:"client_id"`
	SessionID       string           `json:"session_id,omitempty"`
	CreatedAt       time.Time        `json:"created_at,omitzero"`
	ExpiresAt       time.Time        `json:"expires_at,omitzero"`
	IdleExpiresAt   time.Time        `json:"idle_expires_at,omitzero"`
	ResourceServers []map[string]any `json:"resource_servers,omitempty"`
	Metadata        map[string]any   `json:"metadata,omitempty"`
}

// Stats is event.stats.
type Stats struct {
	LoginsCount int `json:"logins_count"`
}

// Tenant is event.tenant.
type Tenant struct {
	ID string `json:"id"`
}

// PostLoginEvent is what actions of the trigger post-login see. The secrets of
// each are added by the Runner.
type PostLoginEvent struct {
	User            User             `json:"user"`
	Authorization   *Authorization   `json:"authorization,omitempty"`
	Client          Client           `json:"client"`
	Connection      Connection       `json:"connection"`
	Organization    *Organization    `json:"organization,omitempty"`
	Request         Request          `json:"request"`
	ResourceServer  *ResourceServer  `json:"resource_server,omitempty"`
	Transaction     *Transaction     `json:"transaction,omitempty"`
	Authentication  *Authentication  `json:"authentication,omitempty"`
	Session         *Session         `json:"session,omitempty"`
	RefreshToken    *RefreshToken    `json:"refresh_token,omitempty"`
	Stats           Stats            `json:"stats"`
	Tenant          Tenant           `json:"tenant"`
	SecurityContext *SecurityContext `json:"security_context,omitempty"`
	CustomDomain    map[string]any   `json:"custom_domain,omitempty"`
}

// SecurityContext is event.security_context, the fingerprints of the client's TLS.
type SecurityContext struct {
	JA3 string `json:"ja3,omitempty"`
	JA4 string `json:"ja4,omitempty"`
}

// CredentialsExchangeEvent is what actions of the trigger credentials-exchange
// see: a machine asks for a token, and there is no user.
type CredentialsExchangeEvent struct {
	AccessToken    ExchangeToken   `json:"accessToken"`
	Client         Client          `json:"client"`
	Organization   *Organization   `json:"organization,omitempty"`
	Request        Request         `json:"request"`
	ResourceServer *ResourceServer `json:"resource_server,omitempty"`
	Transaction    *Transaction    `json:"transaction,omitempty"`
	Tenant         Tenant          `json:"tenant"`
}

// ExchangeToken is the access token that a machine is about to get.
type ExchangeToken struct {
	CustomClaims map[string]any `json:"customClaims"`
	Scope        []string       `json:"scope"`
}

// RegistrationEvent is what actions of the triggers pre-user-registration,
// where the user has no id yet, and post-user-registration see.
type RegistrationEvent struct {
	User         User          `json:"user"`
	Connection   Connection    `json:"connection"`
	Client       *Client       `json:"client,omitempty"`
	Organization *Organization `json:"organization,omitempty"`
	Request      Request       `json:"request"`
	Transaction  *Transaction  `json:"transaction,omitempty"`
	Tenant       Tenant        `json:"tenant"`
}

// ChangePasswordEvent is what actions of the trigger post-change-password see.
type ChangePasswordEvent struct {
	User       User       `json:"user"`
	Connection Connection `json:"connection"`
	Request    Request    `json:"request"`
	Tenant     Tenant     `json:"tenant"`
}
