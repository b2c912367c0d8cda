package upstream

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/oidc"
)

// A preset is what is known about a provider.
type preset struct {
	issuer     string // empty without OpenID Connect, and where it depends on the tenant
	ends       oidc.Metadata
	scope      []string
	auth       AuthMethod
	openID     bool   // gives ID tokens
	userInfo   bool   // has more to say at userinfo than in the ID token
	formPost   bool   // answers with a form
	maxAge     bool   // obeys max_age and says auth_time
	loginHint  string // the parameter's name there; empty means that there is none
	prompts    []string
	emailClaim emailRule
}

// An emailRule says what a provider's "email_verified" is worth.
type emailRule uint8

const (
	emailNever   emailRule = iota // nothing
	emailBoolean                  // true is true
	emailText                     // so is "true"
)

const (
	microsoftHost    = "https://login.microsoftonline.com/"
	personalAccounts = "9188040d-6c67-4c5b-b112-36a304b66dad" // the tenant of all personal accounts
	gitlabIssuer     = "https://gitlab.com"
	graphVersion     = "v23.0"
)

func allPrompts() []string { return []string{"none", "login", "consent", "select_account", "create"} }

// presetFor returns what is known about the strategy of cfg, after checking what
// only this strategy has.
func presetFor(cfg *Config) (preset, error) {
	switch ms := cfg.Strategy == Entra || cfg.Strategy == MicrosoftAccount; {
	case !ms && (cfg.Tenant != "" || len(cfg.Tenants) > 0):
		return preset{}, errors.New("tenants are for Microsoft")
	case ms && cfg.Issuer != "" && !cfg.Imitation:
		return preset{}, errors.New("the issuer depends on the tenant; for another cloud see oidc")
	}
	switch cfg.Strategy {
	case Google:
		return google(), nil
	case GitHub:
		return github(), nil
	case MicrosoftAccount, Entra:
		return microsoft(cfg)
	case Apple:
		return apple(cfg)
	case Facebook:
		return facebook(), nil
	case GitLab:
		return gitlab(cfg), nil
	case OIDC:
		return generic(cfg)
	case OAuth2:
		return plain(cfg)
	default:
		return preset{}, fmt.Errorf("the strategy %q is unknown", cfg.Strategy)
	}
}

func google() preset {
	const issuer = "https://accounts.google.com"
	return preset{
		issuer: issuer,
		ends: oidc.Metadata{
			Issuer: issuer, AuthorizationURL: issuer + "/o/oauth2/v2/auth", TokenURL: "https://oauth2.googleapis.com/token",
			UserInfoURL: "https://openidconnect.googleapis.com/v1/userinfo", JWKSURL: "https://www.googleapis.com/oauth2/v3/certs",
		},
		scope: []string{"openid", "email", "profile"}, auth: SecretPost, openID: true, emailClaim: emailBoolean,
		loginHint: "login_hint", prompts: []string{"none", "consent", "select_account"},
	}
}

func github() preset {
	return preset{
		ends: oidc.Metadata{
			AuthorizationURL: "https://github.com/login/oauth/authorize",
			TokenURL:         "https://github.com/login/oauth/access_token", UserInfoURL: "https://api.github.com/user",
		},
		scope: []string{"read:user", "user:email"}, auth: SecretPost,
		loginHint: "login", prompts: []string{"select_account"},
	}
}

func facebook() preset {
	return preset{
		ends: oidc.Metadata{
			AuthorizationURL: "https://www.facebook.com/" + graphVersion + "/dialog/oauth",
			TokenURL:         "https://graph.facebook.com/" + graphVersion + "/oauth/access_token",
			UserInfoURL:      "https://graph.facebook.com/" + graphVersion + "/me",
		},
		scope: []string{"public_profile", "email"}, auth: SecretPost,
	}
}

func apple(cfg *Config) (preset, error) {
	if !cfg.Imitation && (cfg.Key == nil || cfg.Key.ID() == "" || cfg.Key.Algorithm() != jose.ES256) {
		return preset{}, errors.New("apple wants an ES256 key with its key ID as name")
	}
	if !cfg.Imitation && cfg.ClientSecret != "" {
		return preset{}, errors.New("the secret for Apple is made from the key")
	}
	const issuer = "https://appleid.apple.com"
	return preset{
		issuer: issuer,
		ends: oidc.Metadata{
			Issuer: issuer, AuthorizationURL: issuer + "/auth/authorize", TokenURL: issuer + "/auth/token", JWKSURL: issuer + "/auth/keys",
		},
		scope: []string{"openid", "name", "email"}, auth: SecretPost, openID: true, formPost: true, emailClaim: emailText,
	}, nil
}

func gitlab(cfg *Config) preset {
	issuer := gitlabIssuer
	if cfg.Issuer != "" {
		issuer = cfg.Issuer
	}
	ends := oidc.Metadata{Issuer: issuer}
	if base := strings.TrimSuffix(issuer, "/"); !cfg.Imitation {
		ends.AuthorizationURL, ends.TokenURL = base+"/oauth/authorize", base+"/oauth/token"
		ends.UserInfoURL, ends.JWKSURL = base+"/oauth/userinfo", base+"/oauth/discovery/keys"
	}
	return preset{
		issuer: issuer, ends: ends,
		scope: []string{"openid", "profile", "email"}, auth: SecretPost, openID: true, userInfo: true, emailClaim: emailBoolean,
	}
}

// microsoft is the second version of Microsoft's platform. The issuer depends on
// the tenant of the account, so it is not in the preset; see
// [Connection.issuerOf].
func microsoft(cfg *Config) (preset, error) {
	if cfg.Strategy == MicrosoftAccount {
		if cfg.Tenant == "" {
			cfg.Tenant = "consumers"
		}
		if cfg.Tenant != "consumers" || len(cfg.Tenants) > 0 {
			return preset{}, errors.New("personal accounts have one tenant, consumers; for others see waad")
		}
		cfg.Tenants = []string{personalAccounts}
	}
	single := guid.MatchString(cfg.Tenant)
	switch {
	case !single && cfg.Tenant != "common" && cfg.Tenant != "organizations" && cfg.Tenant != "consumers":
		return preset{}, errors.New("the tenant is a GUID in small letters, organizations or common")
	case len(cfg.Tenants) == 0 && !single:
		return preset{}, errors.New("a connection for several tenants lists which ones it takes")
	case len(cfg.Tenants) == 0:
		cfg.Tenants = []string{cfg.Tenant}
	}
	for _, t := range cfg.Tenants {
		if !guid.MatchString(t) && t != AnyTenant {
			return preset{}, fmt.Errorf("tenant %q: not a GUID in small letters", t)
		}
	}
	base := microsoftHost + cfg.Tenant
	return preset{
		ends: oidc.Metadata{
			AuthorizationURL: base + "/oauth2/v2.0/authorize", TokenURL: base + "/oauth2/v2.0/token",
			JWKSURL: base + "/discovery/v2.0/keys", EndSessionURL: base + "/oauth2/v2.0/logout",
		},
		scope: []string{"openid", "profile", "email"}, auth: SecretPost, openID: true, emailClaim: emailNever,
		loginHint: "login_hint", prompts: allPrompts(),
	}, nil
}

func generic(cfg *Config) (preset, error) {
	if cfg.Issuer == "" {
		return preset{}, errors.New("there is no issuer")
	}
	return preset{
		issuer: cfg.Issuer, ends: oidc.Metadata{Issuer: cfg.Issuer},
		scope: []string{"openid", "profile", "email"}, openID: true, userInfo: true, maxAge: true, emailClaim: emailBoolean,
		loginHint: "login_hint", prompts: allPrompts(),
	}, nil
}

func plain(cfg *Config) (preset, error) {
	switch {
	case cfg.AuthorizationURL == "" || cfg.TokenURL == "":
		return preset{}, errors.New("there is no authorization URL or no token URL")
	case (cfg.UserInfoURL == "") == (cfg.FetchProfile == nil):
		return preset{}, errors.New("a profile comes from a userinfo URL or from a function")
	case cfg.JWKSURL != "":
		return preset{}, errors.New("an OAuth 2 server signs nothing")
	case cfg.ResponseIssuer && cfg.Issuer == "":
		return preset{}, errors.New("there is no issuer to compare with")
	}
	return preset{
		issuer: cfg.Issuer, ends: oidc.Metadata{Issuer: cfg.Issuer}, auth: SecretPost,
		loginHint: "login_hint", prompts: allPrompts(),
	}, nil
}

// own reports whether the operator chose who says which account it is, so that
// names of accounts have to say which connection they are from.
func (p *preset) own(cfg *Config) bool {
	switch {
	case cfg.Strategy == OIDC || cfg.Strategy == OAuth2:
		return true
	case cfg.Imitation:
		return false
	case p.openID && cfg.Issuer != "" && cfg.Issuer != p.issuer, cfg.Strategy == GitLab && p.issuer != gitlabIssuer:
		return true
	}
	return slices.ContainsFunc([][2]string{
		{cfg.TokenURL, p.ends.TokenURL}, {cfg.UserInfoURL, p.ends.UserInfoURL}, {cfg.JWKSURL, p.ends.JWKSURL},
	}, func(u [2]string) bool { return u[0] != "" && origin(u[0]) != origin(u[1]) })
}

func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Scheme + "://" + u.Host
}

// replace puts what the operator wrote in the place of what is known. Another
// issuer has endpoints of its own, which its metadata names.
func (p *preset) replace(cfg *Config) {
	switch {
	case cfg.Issuer == "" || cfg.Issuer == p.issuer:
	case !p.openID:
		p.issuer = cfg.Issuer // which is compared, and not asked
	default:
		p.issuer, p.ends = cfg.Issuer, oidc.Metadata{Issuer: cfg.Issuer}
	}
	for _, e := range []struct {
		to   *string
		from string
	}{
		{&p.ends.AuthorizationURL, cfg.AuthorizationURL},
		{&p.ends.TokenURL, cfg.TokenURL},
		{&p.ends.UserInfoURL, cfg.UserInfoURL},
		{&p.ends.JWKSURL, cfg.JWKSURL},
		{&p.ends.EndSessionURL, cfg.EndSessionURL},
	} {
		if e.from != "" {
			*e.to = e.from
		}
	}
	if cfg.Scope != nil {
		p.scope = slices.Clone(cfg.Scope)
	}
	if p.openID && !slices.Contains(p.scope, "openid") {
		p.scope = append([]string{"openid"}, p.scope...)
	}
}

// complete reports whether the metadata of the issuer is not needed.
func (p *preset) complete() bool {
	return p.ends.AuthorizationURL != "" && p.ends.TokenURL != "" && (!p.openID || p.ends.JWKSURL != "")
}
