package upstream

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/oidc"
)

// profile finds out whose log-in it was.
func (c *Connection) profile(ctx context.Context, e *oidc.Metadata, p *Pending, t *Tokens, params url.Values) (*Profile, error) {
	switch {
	case c.preset.openID:
		return c.openIDProfile(ctx, e, p, t, params)
	case c.cfg.Strategy == GitHub:
		return c.githubProfile(ctx, e, t)
	case c.cfg.Strategy == Facebook:
		return c.facebookProfile(ctx, e, t)
	default:
		return c.plainProfile(ctx, e, t)
	}
}

func (c *Connection) openIDProfile(ctx context.Context, e *oidc.Metadata, p *Pending, t *Tokens, params url.Values) (*Profile, error) {
	claims, err := c.verifyIDToken(ctx, p, t)
	if err != nil {
		return nil, err
	}
	said := raw(claims)
	// The e-mail address and what is said about it come from one place.
	address, verified := said["email"], said["email_verified"]
	if c.preset.userInfo && e.UserInfoURL != "" {
		more, err := c.userInfo(ctx, e.UserInfoURL, t, claims.Subject)
		if err != nil {
			return nil, err
		}
		if _, there := said["email"]; !there {
			address, verified = more["email"], more["email_verified"]
		}
		for name, value := range more {
			if _, there := said[name]; !there {
				said[name] = value
			}
		}
	}
	profile := standard(said)
	said["email"], said["email_verified"] = address, verified
	profile.setEmail(address, verified, c.preset.emailClaim)
	profile.Issuer, profile.Subject, profile.ID = claims.Issuer, claims.Subject, claims.Subject
	profile.AuthTime, _ = claims.Time("auth_time")
	c.peculiar(profile, params)
	return profile, nil
}

// peculiar adds what one provider alone does.
func (c *Connection) peculiar(p *Profile, params url.Values) {
	switch c.cfg.Strategy {
	case Google:
		p.Issuer = c.preset.issuer // by one of its two names
		p.Tenant = text(p.Raw["hd"])
		d := domain(p.Email)
		p.EmailAuthoritative = p.EmailVerified && (d == "gmail.com" || d == "googlemail.com" || p.Tenant != "")
	case Entra, MicrosoftAccount:
		if c.microsoft() {
			// "sub" is one for each account and client. The tenant goes in front
			// so that no tenant can ever speak for another's accounts.
			p.Tenant, _ = tenantOf(p.Issuer)
			p.ID = p.Tenant + "." + p.Subject
		}
	case Apple:
		p.EmailAuthoritative = p.EmailVerified && domain(p.Email) == "privaterelay.appleid.com"
		appleName(p, params.Get("user"))
	}
}

// appleName reads the name that Apple sends beside the code, at the first log-in
// and never again. Nobody signs it: it is what the browser says, and good for a
// greeting.
func appleName(p *Profile, user string) {
	doc, err := strictjson.Decode([]byte(user), 0)
	if err != nil {
		return
	}
	members, _ := doc.(map[string]any)
	name, _ := members["name"].(map[string]any)
	p.GivenName, p.FamilyName = text(name["firstName"]), text(name["lastName"])
	p.Name = strings.TrimSpace(p.GivenName + " " + p.FamilyName)
}

// userInfo asks for further claims about a subject (OpenID Connect Core 1.0
// §5.3).
func (c *Connection) userInfo(ctx context.Context, from string, t *Tokens, sub string) (map[string]any, error) {
	a, err := c.client.get(ctx, from, t.Access)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, because(ErrUnavailable, fmt.Errorf("userinfo answers with the status %d", a.status))
	}
	if got, ok := id(a.members["sub"]); !ok || got != sub {
		return nil, because(ErrInvalid, errors.New("userinfo is about another subject"))
	}
	return a.members, nil
}

func (c *Connection) githubProfile(ctx context.Context, e *oidc.Metadata, t *Tokens) (*Profile, error) {
	m, err := c.document(ctx, e.UserInfoURL, t)
	if err != nil {
		return nil, err
	}
	account, ok := m["id"].(json.Number) // never the login, which changes hands
	number, good := id(account)
	if !ok || !good {
		return nil, because(ErrUnavailable, errors.New("the account has no number"))
	}
	p := &Profile{
		ID: number, Subject: number, Name: text(m["name"]), Nickname: text(m["login"]), Username: text(m["login"]),
		Picture: picture(m["avatar_url"]), Raw: m,
	}
	p.setEmail(m["email"], nil, emailNever) // what the person shows to the public
	status, list, err := c.client.list(ctx, strings.TrimSuffix(e.UserInfoURL, "/")+"/emails", t.Access)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound:
		return p, nil // the scope user:email is missing
	case status != http.StatusOK:
		return nil, because(ErrUnavailable, fmt.Errorf("the list of addresses answers with the status %d", status))
	}
	m["emails"] = list
	for _, item := range list {
		address, _ := item.(map[string]any)
		if primary, _ := address["primary"].(bool); primary {
			p.setEmail(address["email"], address["verified"], emailBoolean)
		}
	}
	return p, nil
}

func (c *Connection) facebookProfile(ctx context.Context, e *oidc.Metadata, t *Tokens) (*Profile, error) {
	u, err := url.Parse(e.UserInfoURL)
	if err != nil {
		return nil, because(ErrUnavailable, errors.New("the profile's address is not a URL"))
	}
	q := u.Query()
	q.Set("fields", "id,name,first_name,last_name,email,picture")
	q.Set("appsecret_proof", c.appSecretProof(t))
	u.RawQuery = q.Encode()
	m, err := c.document(ctx, u.String(), t)
	if err != nil {
		return nil, err
	}
	account, ok := id(m["id"])
	if !ok {
		return nil, because(ErrUnavailable, errors.New("the account has no number"))
	}
	p := &Profile{
		ID: account, Subject: account, Name: text(m["name"]), GivenName: text(m["first_name"]), FamilyName: text(m["last_name"]), Raw: m,
	}
	image, _ := member(m, "picture.data.url")
	p.Picture = picture(image)
	p.setEmail(m["email"], nil, emailNever)
	return p, nil
}

// appSecretProof shows that the token is used by the one it was issued to
// (Facebook, "Securing Graph API requests").
func (c *Connection) appSecretProof(t *Tokens) string {
	mac := hmac.New(sha256.New, []byte(c.cfg.ClientSecret.Reveal()))
	mac.Write([]byte(t.Access.Reveal()))
	return hex.EncodeToString(mac.Sum(nil))
}

// graphError sorts the errors of Facebook's API.
func graphError(m map[string]any) error {
	e := &Error{Reason: ErrRefused, Code: errorCode(fmt.Sprint(m["code"]))}
	switch e.Code {
	case "1", "2", "4", "17", "341": // away, or too many requests
		e.Reason = ErrUnavailable
	case "100": // the code is wrong, expired or used
		e.Reason = ErrInvalid
	}
	if message := text(m["message"]); message != "" {
		e.Err = errors.New(clean(message, maxDescription))
	}
	return e
}

// document gets a profile with an access token that was issued a moment ago, so
// whoever does not take it cannot decide.
func (c *Connection) document(ctx context.Context, from string, t *Tokens) (map[string]any, error) {
	a, err := c.client.get(ctx, from, t.Access)
	switch {
	case err != nil:
		return nil, err
	case a.status != http.StatusOK:
		return nil, because(ErrUnavailable, fmt.Errorf("the profile answers with the status %d", a.status))
	}
	return a.members, nil
}

func (c *Connection) plainProfile(ctx context.Context, e *oidc.Metadata, t *Tokens) (*Profile, error) {
	m, err := c.fetch(ctx, e, t)
	if err != nil {
		return nil, err
	}
	f := &c.cfg.Fields
	pick := func(own string, usual ...string) any {
		if own != "" {
			usual = []string{own}
		}
		for _, name := range usual {
			if v, ok := member(m, name); ok {
				return v
			}
		}
		return nil
	}
	account, ok := id(pick(f.ID, c.accountNames()...))
	if !ok {
		return nil, because(ErrUnavailable, errors.New("the profile does not name an account"))
	}
	p := &Profile{
		ID: account, Subject: account,
		Name: text(pick(f.Name, "name")), Nickname: text(pick(f.Nickname, "nickname")), GivenName: text(pick(f.GivenName, "given_name")),
		FamilyName: text(pick(f.FamilyName, "family_name")), Picture: picture(pick(f.Picture, "picture")),
		Username: text(pick(f.Username, "preferred_username")), Locale: text(pick(f.Locale, "locale")), Raw: m,
	}
	var verified any
	if f.EmailVerified != "" {
		verified, _ = member(m, f.EmailVerified)
	}
	p.setEmail(pick(f.Email, "email"), verified, emailBoolean)
	return p, nil
}

// accountNames are the members that name an account unless the connection says
// another one, in their order. What a provider answers is read in the words of
// OpenID Connect first, for elsewhere user_id may be a name that people choose;
// what FetchProfile returns is in Auth0's.
func (c *Connection) accountNames() []string {
	if c.cfg.FetchProfile != nil {
		return []string{"user_id", "sub", "id"}
	}
	return []string{"sub", "id", "user_id"}
}

func (c *Connection) fetch(ctx context.Context, e *oidc.Metadata, t *Tokens) (map[string]any, error) {
	if c.cfg.FetchProfile == nil {
		return c.document(ctx, e.UserInfoURL, t)
	}
	m, err := c.cfg.FetchProfile(ctx, *t)
	if err != nil {
		return nil, fmt.Errorf("fetch profile: %w", err)
	}
	return m, nil
}

// member returns the value at a path of names with dots between them. A name
// that has dots itself comes first.
func member(m map[string]any, path string) (any, bool) {
	if v, ok := m[path]; ok {
		return v, true
	}
	var at any = m
	for name := range slices.Values(strings.Split(path, ".")) {
		object, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		if at, ok = object[name]; !ok {
			return nil, false
		}
	}
	return at, true
}
