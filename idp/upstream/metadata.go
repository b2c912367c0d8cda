package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/internal/outbound"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/oidc"
)

// The times of metadata.
const (
	metadataLife = time.Hour
	metadataRest = 5 * time.Second // after a failure, so that it does not cost each person a time-out
	metadataKept = 24 * time.Hour  // where the issuer does not say it again
)

// endpoints are where a provider is, and what it says that it can do.
type endpoints struct {
	oidc.Metadata
	responseIssuer bool
	auth           []string // token_endpoint_auth_methods_supported
}

// A source keeps the metadata of an issuer. One caller at a time asks for it,
// and the others wait as long as their contexts allow.
type source struct {
	turn    chan struct{} // holds a value while somebody has it
	asker   *outbound.Client
	issuer  string
	options oidc.Options
	now     func() time.Time

	// These belong to who has the turn.
	known *endpoints
	err   error
	until time.Time
	said  time.Time // when known was
}

func newSource(asker *outbound.Client, issuer string, o oidc.Options, now func() time.Time) *source {
	return &source{turn: make(chan struct{}, 1), asker: asker, issuer: issuer, options: o, now: now}
}

func (s *source) get(ctx context.Context) (*endpoints, error) {
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

func (s *source) ask(ctx context.Context) (*endpoints, error) {
	m, err := oidc.Discover(ctx, s.issuer, s.options)
	if err != nil {
		return nil, err
	}
	if m.AuthorizationURL == "" || m.TokenURL == "" {
		return nil, fmt.Errorf("discover %s: an endpoint is missing", s.issuer)
	}
	e := &endpoints{Metadata: *m}
	// What else the document says is no address, and read apart from it.
	doc, err := s.asker.Get(ctx, strings.TrimSuffix(s.issuer, "/")+"/.well-known/openid-configuration", "application/json")
	if status, ok := errors.AsType[outbound.StatusError](err); ok && status == http.StatusNotFound {
		return e, nil // an authorization server that is no OpenID provider
	}
	if err != nil {
		return nil, err
	}
	value, err := strictjson.Decode(doc.Body, 0)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", s.issuer, err)
	}
	members, _ := value.(map[string]any)
	e.responseIssuer, _ = members["authorization_response_iss_parameter_supported"].(bool)
	methods, _ := members["token_endpoint_auth_methods_supported"].([]any)
	for _, m := range methods {
		if name, ok := m.(string); ok {
			e.auth = append(e.auth, name)
		}
	}
	return e, nil
}

// endpoints returns where the provider is: what the operator wrote wins over
// what the issuer says.
func (c *Connection) endpoints(ctx context.Context) (endpoints, error) {
	own := endpoints{Metadata: c.preset.ends, responseIssuer: c.cfg.ResponseIssuer}
	if c.preset.complete() {
		return own, nil
	}
	e, err := c.source.get(ctx)
	if err != nil {
		return endpoints{}, because(ErrUnavailable, err)
	}
	found := *e
	for _, o := range []struct {
		to   *string
		from string
	}{
		{&found.AuthorizationURL, own.AuthorizationURL},
		{&found.TokenURL, own.TokenURL},
		{&found.UserInfoURL, own.UserInfoURL},
		{&found.JWKSURL, own.JWKSURL},
		{&found.EndSessionURL, own.EndSessionURL},
	} {
		if o.from != "" {
			*o.to = o.from
		}
	}
	found.responseIssuer = found.responseIssuer || own.responseIssuer
	return found, nil
}

// method returns how the connection authenticates.
func (c *Connection) method(e *endpoints) AuthMethod {
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
	case len(e.auth) > 0 && !slices.Contains(e.auth, string(SecretBasic)):
		return SecretPost
	default:
		return SecretBasic
	}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
