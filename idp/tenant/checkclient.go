package tenant

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/jose"
)

// Check judges a client by what its members say together: where it may be
// returned to, how it authenticates, and what it may ask for. The error is a
// [*FieldError].
func (c *Client) Check() error {
	for _, l := range []struct {
		name  string
		list  []string
		judge func(string, bool) string
	}{
		{"callbacks", c.Callbacks, shape.ReturnURL},
		{"allowed_logout_urls", c.LogoutURLs, shape.ReturnURL},
		{"web_origins", c.WebOrigins, shape.Origin},
		{"allowed_origins", c.Origins, shape.Origin},
	} {
		for _, s := range l.list {
			if why := l.judge(s, c.UnsafeWildcards); why != "" {
				return wrong(l.name, "Object didn't pass validation for format "+urlFormat(l.name)+": "+shape.Cut(s, 128)+" "+why)
			}
		}
	}
	public := c.AuthMethod == AuthNone
	switch {
	case c.UnsafeWildcards && !c.FirstParty:
		return wrong("unsafe_wildcards", "wildcards are not for third-party clients")
	case public && slices.Contains(c.GrantTypes, "client_credentials"):
		return wrong("grant_types", "client_credentials needs a client that authenticates")
	case c.JWT.Algorithm != "" && !slices.Contains([]string{"RS256", "HS256", "PS256"}, c.JWT.Algorithm):
		return wrong("jwt_configuration.alg", "No enum match for: "+shape.Cut(c.JWT.Algorithm, 32))
	case public && c.JWT.Algorithm == "HS256":
		return wrong("jwt_configuration.alg", "HS256 needs a client that keeps a secret")
	case c.JWT.LifetimeSeconds < 0 || c.JWT.LifetimeSeconds > 2592000:
		return wrong("jwt_configuration.lifetime_in_seconds", "is not between 1 and 2592000")
	case c.AuthMethod == AuthPrivateKeyJWT && len(c.Credentials) == 0:
		return wrong("token_endpoint_auth_method", "private_key_jwt needs client_authentication_methods with a key")
	}
	if c.JWT.Algorithm == string(jose.HS256) && c.Secret != "" {
		if _, err := jose.NewHMACKey("", jose.HS256, []byte(c.Secret)); err != nil {
			return wrong("client_secret", "signs no ID token: "+err.Error())
		}
	}
	if c.OIDCLogout != nil {
		for _, s := range c.OIDCLogout.BackchannelURLs {
			if why := shape.Endpoint(s); why != "" {
				return wrong("oidc_logout.backchannel_logout_urls", shape.Cut(s, 128)+" "+why)
			}
		}
	}
	for i := range c.Credentials {
		if _, err := c.Credentials[i].Thumbprint(); err != nil {
			return wrong("credentials.pem", err.Error())
		}
	}
	return checkRefresh(c.Refresh, public)
}

func urlFormat(list string) string {
	if strings.HasSuffix(list, "origins") {
		return "origin"
	}
	return "absolute-uri-or-empty"
}

func checkRefresh(p *RefreshPolicy, public bool) error {
	if p == nil {
		return nil
	}
	const year = 31557600
	switch {
	case p.Rotation != "rotating" && p.Rotation != "non-rotating":
		return wrong("refresh_token.rotation_type", "No enum match for: "+shape.Cut(p.Rotation, 32))
	case p.Expiration != "expiring" && p.Expiration != "non-expiring":
		return wrong("refresh_token.expiration_type", "No enum match for: "+shape.Cut(p.Expiration, 32))
	case p.Rotation == "rotating" && p.Expiration != "expiring":
		return wrong("refresh_token.expiration_type", "has to be expiring where tokens rotate")
	case public && p.Rotation != "rotating":
		return wrong("refresh_token.rotation_type", "has to be rotating for a client that does not authenticate")
	case p.Leeway < 0 || p.Leeway > 60:
		return wrong("refresh_token.leeway", "is not between 0 and 60")
	case p.Lifetime < 0 || p.IdleLifetime < 0 || p.Lifetime > 5*year || p.IdleLifetime > 5*year:
		return wrong("refresh_token.token_lifetime", "is not between 1 and 157788000")
	case p.Expiration == "expiring" && !p.InfiniteLifetime && p.Lifetime > 0 && p.IdleLifetime > p.Lifetime:
		return wrong("refresh_token.idle_token_lifetime", "is longer than token_lifetime")
	case len(p.Policies) > 0 && !json.Valid(p.Policies):
		return wrong("refresh_token.policies", "cannot be read")
	}
	return nil
}

const errNotPublicKey Error = "is no public key in PEM, of RSA with 2048 bits or more or of the curve P-256"

// Thumbprint returns the thumbprint of the key (RFC 7638), which is its name.
// The error says what the key has to be.
func (c *Credential) Thumbprint() (string, error) {
	block, rest := pem.Decode([]byte(c.PEM))
	if block == nil || len(rest) > 0 {
		return "", errNotPublicKey
	}
	var public any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = cert.PublicKey
		}
	default:
		return "", errNotPublicKey
	}
	if err != nil {
		return "", errNotPublicKey
	}
	key, err := jose.NewPublicKey("credential", jose.Algorithm(c.Algorithm), public)
	if err != nil {
		return "", errNotPublicKey
	}
	return key.Thumbprint(), nil
}
