package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/jose"
)

// The strategies, by the names that Auth0 has for them; GitLab has none there.
const (
	Google           = "google-oauth2"
	GitHub           = "github"
	MicrosoftAccount = "windowslive" // personal accounts
	Entra            = "waad"        // accounts of organizations
	Apple            = "apple"
	Facebook         = "facebook"
	GitLab           = "gitlab"
	OIDC             = "oidc"   // any OpenID provider
	OAuth2           = "oauth2" // any other authorization server
)

// An AuthMethod is how a connection authenticates at the token endpoint (OpenID
// Connect Core 1.0 §9).
type AuthMethod string

// The methods. The zero value means: [PrivateKeyJWT] with a key, [NoSecret]
// without a secret, and otherwise what the strategy or the metadata of the
// issuer says.
const (
	SecretBasic   AuthMethod = "client_secret_basic"
	SecretPost    AuthMethod = "client_secret_post"
	PrivateKeyJWT AuthMethod = "private_key_jwt"
	NoSecret      AuthMethod = "none"
)

// AnyTenant among [Config.Tenants] takes accounts of every organization.
const AnyTenant = "*"

// Fields says under which names a provider that is no OpenID provider has what a
// [Profile] holds. A name with dots leads into objects: "data.user.id". Empty
// means the claim that OpenID Connect Core 1.0 §5.1 has for it, except where
// the field says otherwise.
type Fields struct {
	// ID is the account's unchanging name, a string or a whole number; empty
	// means the first of sub, id and user_id that is there, and with
	// [Config.FetchProfile] the first of user_id, sub and id. Nothing that a
	// person can choose or give away will do, above all no e-mail address.
	ID string
	// Email is the address. It is not verified unless EmailVerified says where
	// it is said to be.
	Email string
	// EmailVerified is a boolean; empty means that addresses are not verified.
	EmailVerified string

	Name, Nickname, GivenName, FamilyName, Picture, Username, Locale string
}

// A Secret is a text that prints as "[secret]" in every way; its method Reveal
// is the one way to its value.
type Secret = secret.String

// A Config is a connection as the operator wrote it. Name, Strategy and ClientID
// are required.
type Config struct {
	// Name is the connection's: letters, digits and single hyphens between
	// them, 128 at most.
	Name string
	// Strategy is one of the constants, from [Google] to [OAuth2].
	Strategy string
	// ClientID is who we are at the provider.
	ClientID string
	// ClientSecret goes with it. What is plainly a placeholder is refused.
	ClientSecret Secret
	// Key signs assertions instead of a secret (RFC 7523 §2.2). Apple's is an
	// ES256 key with the name that Apple gave it, and required:
	//
	//	key, err := jose.ParsePEM(keyID, jose.ES256, p8)
	Key *jose.Key
	// TeamID is the team at Apple; for Apple alone, and required there.
	TeamID string
	// AuthMethod is how the connection authenticates; empty means as the
	// provider wants it.
	AuthMethod AuthMethod
	// Scope lists what is asked for; nil means enough for a name and an e-mail
	// address. OpenID providers are asked for "openid" in any case.
	Scope []string
	// Params are added to each authorization request (upstream_params). Those
	// that the protocol needs are refused.
	Params map[string]string
	// Headers are added to the requests for tokens and profiles (customHeaders).
	Headers map[string]string

	// Issuer is the identifier of an OpenID provider, compared byte by byte. It
	// is required for [OIDC], and for a [GitLab] of one's own.
	Issuer string
	// AuthorizationURL, TokenURL, UserInfoURL, JWKSURL and EndSessionURL replace
	// what the strategy or the metadata of the issuer says. When the first two
	// and JWKSURL are given the metadata is not asked for. [OAuth2] requires
	// the first two, and UserInfoURL or FetchProfile.
	AuthorizationURL, TokenURL, UserInfoURL, JWKSURL, EndSessionURL string
	// ResponseIssuer demands the parameter "iss" in answers (RFC 9207). It is
	// also demanded when the metadata of the issuer announces it, and compared
	// whenever it is there and Issuer is known.
	ResponseIssuer bool
	// Algorithms lists what ID tokens may be signed with; nil means RS256,
	// ES256 and EdDSA. Shared secrets are refused.
	Algorithms []jose.Algorithm
	// Tenant is the directory that Microsoft is asked for: the GUID of a tenant,
	// "organizations" or "common" ([Entra], required), "consumers"
	// ([MicrosoftAccount], where empty means that).
	Tenant string
	// Tenants lists the GUIDs of the tenants whose accounts are taken. Empty
	// means Tenant, which has to be a GUID then; [AnyTenant] takes all.
	Tenants []string

	// Fields says where an [OAuth2] provider has what.
	Fields Fields
	// FetchProfile returns the profile of an [OAuth2] provider in place of a
	// request to UserInfoURL (scripts.fetchUserProfile). Fields applies to what
	// it returns. An error that is no [*Error] counts as [ErrUnavailable].
	FetchProfile func(ctx context.Context, t Tokens) (map[string]any, error)

	// WithoutPKCE is for a provider that breaks on it. Those that do not know
	// PKCE ignore it (RFC 6749 §3.1), so this is rarely the reason.
	WithoutPKCE bool
	// AllowPrivate also connects to addresses that are not public, on any port,
	// and without TLS to this machine. It is for development and for providers
	// in one's own network, and only for an operator to say.
	AllowPrivate bool
	// Private lists what is connected to in the operator's own networks, with TLS;
	// it too is only for an operator to say.
	Private Private
	// Imitation says that the URLs lead to an imitation of the provider, like
	// that of package fake: accounts are named as if it were the provider, and
	// any credentials will do. Every URL has to be on this machine. It is for
	// development.
	Imitation bool
	// Transport does the requests; nil means one of the package. It takes the
	// place of the check of addresses.
	Transport http.RoundTripper
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

var (
	connectionName = regexp.MustCompile(`^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$`)
	guid           = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	scopeToken     = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]{1,256}$`)
)

// reserved are the parameters of a request that the protocol needs.
func reserved(param string) bool {
	switch strings.ToLower(param) {
	case "client_id", "client_secret", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce",
		"code_challenge", "code_challenge_method", "request", "request_uri", "max_age":
		return true
	}
	return false
}

// validate checks what does not depend on the strategy.
func (cfg *Config) validate() error {
	switch {
	case !connectionName.MatchString(cfg.Name) || len(cfg.Name) > 128:
		return errors.New("a name has letters, digits and single hyphens between them, 128 at most")
	case cfg.ClientID == "":
		return errors.New("there is no client ID")
	case !cfg.Imitation && shape.Placeholder(cfg.ClientID):
		return errors.New("the client ID is a placeholder")
	case !cfg.Imitation && cfg.ClientSecret != "" && shape.Placeholder(cfg.ClientSecret.Reveal()):
		return errors.New("the client secret is a placeholder")
	case cfg.Key != nil && !cfg.Key.CanSign():
		return errors.New("the key does not sign")
	case cfg.Key != nil && cfg.Key.Symmetric():
		return errors.New("the key is a shared secret")
	case cfg.Key != nil && cfg.Strategy != Apple && cfg.Strategy != OIDC:
		return errors.New("a key is for Apple and oidc")
	case !cfg.Imitation && (cfg.TeamID != "") != (cfg.Strategy == Apple):
		return errors.New("a team ID goes with Apple, and Apple with a team ID")
	case cfg.FetchProfile != nil && cfg.Strategy != OAuth2, cfg.Fields != (Fields{}) && cfg.Strategy != OAuth2:
		return errors.New("fields and a profile of one's own are for oauth2")
	}
	return errors.Join(cfg.validateScope(), cfg.validateExtras(), cfg.validateAlgorithms())
}

func (cfg *Config) validateScope() error {
	for _, s := range cfg.Scope {
		if !scopeToken.MatchString(s) {
			return fmt.Errorf("scope %q: not a scope (RFC 6749 §3.3)", s)
		}
	}
	return nil
}

func (cfg *Config) validateExtras() error {
	for name := range cfg.Params {
		if name == "" || reserved(name) {
			return fmt.Errorf("parameter %q: it is set by the protocol", name)
		}
	}
	for name, value := range cfg.Headers {
		switch http.CanonicalHeaderKey(name) {
		case "", "Host", "Authorization", "Accept", "Cookie", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection":
			return fmt.Errorf("header %q: it is set by the protocol", name)
		}
		if strings.ContainsAny(name, " \r\n:") || strings.ContainsAny(value, "\r\n") {
			return fmt.Errorf("header %q: not a header", name)
		}
	}
	return nil
}

func (cfg *Config) validateAlgorithms() error {
	for _, a := range cfg.Algorithms {
		if slices.Contains([]jose.Algorithm{jose.HS256, jose.HS384, jose.HS512}, a) {
			return fmt.Errorf("algorithm %s: ID tokens are not signed with shared secrets", a)
		}
	}
	return nil
}
