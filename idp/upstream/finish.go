package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/oidc"
)

// Finish ends the log-in that started with p. params are those of the callback,
// from its query, or from its form when the provider answers with a POST
// ([Connection.FormPost]). The error is an [*Error]; see [Reason].
//
// Nothing is asked of the provider before params are known to belong to p. That
// p is used once is for the caller to see to.
func (c *Connection) Finish(ctx context.Context, p Pending, params url.Values) (*Profile, error) {
	profile, err := c.finish(ctx, p, params)
	if err != nil {
		if _, ok := errors.AsType[*Error](err); !ok {
			err = because(ErrUnavailable, err)
		}
		return nil, fmt.Errorf("finish log-in with %s: %w", c.cfg.Name, err)
	}
	return profile, nil
}

func (c *Connection) finish(ctx context.Context, p Pending, params url.Values) (*Profile, error) {
	if err := c.belongs(&p, params); err != nil {
		return nil, err
	}
	e, err := c.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.checkIssuer(&e, params); err != nil {
		return nil, err
	}
	code, err := codeOf(params)
	if err != nil {
		return nil, err
	}
	tokens, err := c.redeem(ctx, &e, &p, code)
	if err != nil {
		return nil, err
	}
	profile, err := c.profile(ctx, &e, &p, tokens, params)
	if err != nil {
		return nil, err
	}
	profile.Connection, profile.Provider, profile.Tokens = c.cfg.Name, c.cfg.Strategy, *tokens
	if c.qualified {
		profile.ID = c.cfg.Name + "|" + profile.ID
	}
	if len(profile.UserID()) > maxUserID {
		return nil, because(ErrInvalid, errors.New("the name of the account is too long"))
	}
	return profile, nil
}

const (
	maxParam = 8 << 10
	// clockSkew is how far ahead the clock of another process of ours may be.
	clockSkew = time.Minute
)

// belongs reports whether params answer the log-in that p is about. Of errors it
// says the same as of good answers: they have a state too.
func (c *Connection) belongs(p *Pending, params url.Values) error {
	switch {
	case p.Connection != c.cfg.Name || p.Issuer != c.preset.issuer:
		return because(ErrInvalid, errors.New("the log-in was started by another connection"))
	case p.State == "" || c.preset.openID && p.Nonce == "" || !c.cfg.WithoutPKCE && p.Verifier == "":
		return because(ErrInvalid, errors.New("the log-in was not started"))
	}
	for _, name := range []string{"state", "code", "iss", "error", "error_description", "user"} {
		if values := params[name]; len(values) > 1 || len(values) == 1 && len(values[0]) > maxParam {
			return because(ErrInvalid, fmt.Errorf("the parameter %s is there twice or too long", name))
		}
	}
	if !secret.String(params.Get("state")).Equal(secret.String(p.State)) {
		return because(ErrInvalid, errors.New("the state is another"))
	}
	switch age := c.now().Sub(time.Unix(p.Started, 0)); {
	case age < -clockSkew:
		return because(ErrInvalid, errors.New("the log-in starts in the future"))
	case age > PendingLifetime:
		return because(ErrExpired, nil)
	}
	return nil
}

// checkIssuer compares the issuer that the answer names (RFC 9207 §2.4).
func (c *Connection) checkIssuer(e *oidc.Metadata, params url.Values) error {
	got := params.Get("iss")
	switch {
	case got == "" && !e.ResponseIssuer:
		return nil
	case got == "":
		return because(ErrInvalid, errors.New("the answer does not name its issuer"))
	case c.microsoft():
		if _, ok := tenantOf(got); !ok {
			return because(ErrInvalid, errors.New("the answer is from another issuer"))
		}
	case c.preset.issuer != "" && got != c.preset.issuer:
		return because(ErrInvalid, errors.New("the answer is from another issuer"))
	}
	return nil
}

// codeOf returns the code of an answer, or the error that it is.
func codeOf(params url.Values) (string, error) {
	if params.Has("error") {
		return "", providerError(params.Get("error"), params.Get("error_description"))
	}
	code := params.Get("code")
	if code == "" {
		return "", because(ErrInvalid, errors.New("the answer has no code"))
	}
	return code, nil
}

// providerError is what a provider said, made fit for a log.
func providerError(code, description string) error {
	e := &Error{Reason: reasonFor(code), Code: errorCode(code)}
	if d := clean(description, maxDescription); d != "" {
		e.Err = errors.New(d)
	}
	return e
}
