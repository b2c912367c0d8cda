package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/oidc"
)

// assertionLife is how long an assertion that we sign is good.
const assertionLife = time.Minute

// redeem turns a code into tokens (RFC 6749 §4.1.3).
func (c *Connection) redeem(ctx context.Context, e *oidc.Metadata, p *Pending, code string) (*Tokens, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.RedirectURI}}
	if p.Verifier != "" {
		form.Set("code_verifier", p.Verifier)
	}
	user, password, err := c.authenticate(form, e)
	if err != nil {
		return nil, err
	}
	a, err := c.client.post(ctx, e.TokenURL, form, user, password)
	if err != nil {
		return nil, err
	}
	if err := tokenError(a); err != nil {
		return nil, err
	}
	return c.tokens(a.members)
}

// authenticate puts who we are into the form, or returns what goes in front of
// it.
func (c *Connection) authenticate(form url.Values, e *oidc.Metadata) (user string, password Secret, err error) {
	switch c.method(e) {
	case SecretBasic:
		return c.cfg.ClientID, c.cfg.ClientSecret, nil
	case PrivateKeyJWT:
		assertion, err := c.assertion(c.cfg.ClientID, c.preset.issuer)
		if err != nil {
			return "", "", err
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	case SecretPost:
		password = c.cfg.ClientSecret
		if c.cfg.Strategy == Apple && c.cfg.Key != nil {
			assertion, err := c.assertion(c.cfg.TeamID, c.preset.issuer)
			if err != nil {
				return "", "", err
			}
			password = Secret(assertion)
		}
		form.Set("client_secret", password.Reveal())
	}
	form.Set("client_id", c.cfg.ClientID)
	return "", "", nil
}

// assertion says who we are for a minute (RFC 7523 §3). Apple wants the team as
// issuer and calls it a secret.
func (c *Connection) assertion(issuer, audience string) (string, error) {
	now := c.now()
	token, err := jose.Sign(c.cfg.Key, "JWT", &jose.Claims{
		Issuer: issuer, Subject: c.cfg.ClientID, Audience: []string{audience},
		IssuedAt: now, Expiry: now.Add(assertionLife), ID: secret.Text().Reveal(),
	})
	if err != nil {
		return "", fmt.Errorf("sign assertion: %w", err)
	}
	return token, nil
}

// tokenError returns the error that an answer of the token endpoint is. GitHub
// says so with the status 200; Facebook makes an object of it.
func tokenError(a *answer) error {
	status := fmt.Errorf("the token endpoint answers with the status %d", a.status)
	if a.status == http.StatusTooManyRequests || a.status >= http.StatusInternalServerError {
		return because(ErrUnavailable, status)
	}
	switch said := a.members["error"].(type) {
	case string:
		description, _ := a.members["error_description"].(string)
		return providerError(said, description)
	case map[string]any:
		return graphError(said)
	}
	switch a.status {
	case http.StatusOK, http.StatusCreated:
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return because(ErrRefused, status)
	default:
		return because(ErrUnavailable, status)
	}
}

// tokens reads a good answer of the token endpoint (RFC 6749 §5.1).
func (c *Connection) tokens(m map[string]any) (*Tokens, error) {
	str := func(name string) string {
		s, _ := m[name].(string)
		return s
	}
	t := &Tokens{
		Access: Secret(str("access_token")), Refresh: Secret(str("refresh_token")), ID: Secret(str("id_token")),
		Scope: clean(str("scope"), maxParam),
	}
	switch kind, given := m["token_type"]; {
	case t.Access == "":
		return nil, because(ErrUnavailable, errors.New("the token endpoint gives no access token"))
	case strings.ContainsFunc(t.Access.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, because(ErrUnavailable, errors.New("the access token is no text for a header"))
	case given && !strings.EqualFold(fmt.Sprint(kind), "bearer"):
		return nil, because(ErrUnavailable, errors.New("the access token is of another type"))
	case c.preset.openID && t.ID == "":
		return nil, because(ErrInvalid, errors.New("there is no ID token"))
	}
	if n, ok := m["expires_in"].(json.Number); ok {
		if s, err := n.Int64(); err == nil && s > 0 && s < 10*365*24*60*60 {
			t.Expiry = c.now().Add(time.Duration(s) * time.Second)
		}
	}
	return t, nil
}
