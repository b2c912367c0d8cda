package upstream

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatewright/gate/oidc"
)

// The times of metadata.
const (
	metadataLife = time.Hour
	metadataRest = 5 * time.Second // after a failure, so that it does not cost each person a time-out
	metadataKept = 24 * time.Hour  // where the issuer does not say it again
)

// A source keeps the metadata of an issuer. One caller at a time asks for it,
// and the others wait as long as their contexts allow.
type source struct {
	turn    chan struct{} // holds a value while somebody has it
	issuer  string
	options oidc.Options
	now     func() time.Time

	// These belong to who has the turn.
	known *oidc.Metadata
	err   error
	until time.Time
	said  time.Time // when known was
}

func newSource(issuer string, o oidc.Options, now func() time.Time) *source {
	return &source{turn: make(chan struct{}, 1), issuer: issuer, options: o, now: now}
}

func (s *source) get(ctx context.Context) (*oidc.Metadata, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.now().Before(s.until) {
		return s.known, s.err
	}
	known, err := s.ask(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, err // it is this caller who went away
	}
	now := s.now()
	switch {
	case err == nil:
		s.known, s.err, s.until, s.said = known, nil, now.Add(metadataLife), now
	case s.known != nil && now.Sub(s.said) < metadataKept:
		s.until = now.Add(metadataRest) // a document that is not there now is no reason that nobody logs in
	default:
		s.known, s.err, s.until = nil, err, now.Add(metadataRest)
	}
	return s.known, s.err
}

func (s *source) ask(ctx context.Context) (*oidc.Metadata, error) {
	m, err := oidc.Discover(ctx, s.issuer, s.options)
	if err == nil && (m.AuthorizationURL == "" || m.TokenURL == "") {
		err = fmt.Errorf("discover %s: an endpoint is missing", s.issuer)
	}
	return m, err
}

// endpoints returns where the provider is: what the operator wrote wins over
// what the issuer says.
func (c *Connection) endpoints(ctx context.Context) (oidc.Metadata, error) {
	own := c.preset.ends
	own.ResponseIssuer = c.cfg.ResponseIssuer
	if c.preset.complete() {
		return own, nil
	}
	e, err := c.source.get(ctx)
	if err != nil {
		return oidc.Metadata{}, because(ErrUnavailable, err)
	}
	found := *e
	found.AuthorizationURL = cmp.Or(own.AuthorizationURL, e.AuthorizationURL)
	found.TokenURL = cmp.Or(own.TokenURL, e.TokenURL)
	found.UserInfoURL = cmp.Or(own.UserInfoURL, e.UserInfoURL)
	found.JWKSURL = cmp.Or(own.JWKSURL, e.JWKSURL)
	found.EndSessionURL = cmp.Or(own.EndSessionURL, e.EndSessionURL)
	found.ResponseIssuer = own.ResponseIssuer || e.ResponseIssuer
	return found, nil
}

// method returns how the connection authenticates.
func (c *Connection) method(e *oidc.Metadata) AuthMethod {
	switch {
	case c.cfg.AuthMethod != "":
		return c.cfg.AuthMethod
	case c.cfg.Strategy == Apple && c.cfg.Key != nil:
		return SecretPost
	case c.cfg.Key != nil:
		return PrivateKeyJWT
	case c.cfg.ClientSecret == "":
		return NoSecret
	case c.preset.auth != "":
		return c.preset.auth
	case len(e.AuthMethods) > 0 && !slices.Contains(e.AuthMethods, string(SecretBasic)):
		return SecretPost
	default:
		return SecretBasic
	}
}
