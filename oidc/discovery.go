package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatewright/gate/internal/outbound"
	"github.com/gatewright/gate/internal/strictjson"
)

// Options say how requests to an issuer are made. The zero value is fine for
// issuers that the operator chose.
type Options struct {
	// Guarded has to be set when the issuer did not come from the operator, but
	// from a tenant or a client: then only public addresses on port 443 are
	// connected to, whatever a name resolves to.
	Guarded bool
	// Proxy says which proxy requests take; nil means none, and the environment
	// is not asked. It does not go together with Guarded.
	Proxy func(*http.Request) (*url.URL, error)
	// Transport does the requests; nil means one of the package that keeps no
	// connection open. It does not go together with Guarded.
	Transport http.RoundTripper
}

// Metadata is what an issuer says about itself (OpenID Connect Discovery 1.0 §3,
// RFC 8414 §2). URLs that it does not give are empty.
type Metadata struct {
	// Issuer is the issuer, byte by byte the one that was asked for.
	Issuer string
	// JWKSURL is where its keys are. It is never empty.
	JWKSURL string
	// AuthorizationURL is where a person logs in.
	AuthorizationURL string
	// TokenURL is where codes become tokens.
	TokenURL string
	// UserInfoURL is where claims about a person are.
	UserInfoURL string
	// EndSessionURL is where a person logs out.
	EndSessionURL string
	// RevocationURL is where tokens are ended (RFC 7009).
	RevocationURL string
	// IntrospectionURL is where opaque tokens are explained (RFC 7662).
	IntrospectionURL string
	// AuthMethods are how clients authenticate at TokenURL; empty when the issuer
	// does not say.
	AuthMethods []string
	// ResponseIssuer says that answers from AuthorizationURL name the issuer
	// (RFC 9207 §3).
	ResponseIssuer bool
}

// Discover returns the metadata of an issuer: its openid-configuration, or when
// there is none the document of RFC 8414 §3. The issuer in it has to be equal to
// issuer byte by byte (RFC 8414 §3.3), and every URL https; http is for an
// issuer on a loopback address. It asks anew at each call and takes at most five
// seconds.
func Discover(ctx context.Context, issuer string, o Options) (*Metadata, error) {
	client, err := o.client()
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", issuer, err)
	}
	m, err := discover(ctx, client, issuer)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", issuer, err)
	}
	return m, nil
}

func (o Options) client() (*outbound.Client, error) {
	return outbound.New(outbound.Config{Guarded: o.Guarded, Proxy: o.Proxy, Transport: o.Transport})
}

func discover(ctx context.Context, client *outbound.Client, issuer string) (*Metadata, error) {
	u, err := parseIssuer(client, issuer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, outbound.Timeout)
	defer cancel()
	doc, err := client.Get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", "application/json")
	if status, ok := errors.AsType[outbound.StatusError](err); ok && status == http.StatusNotFound {
		other := *u
		other.Path, other.RawPath = "/.well-known/oauth-authorization-server"+strings.TrimSuffix(u.Path, "/"), ""
		doc, err = client.Get(ctx, other.String(), "application/json")
	}
	if err != nil {
		return nil, err
	}
	return parseMetadata(client, u, issuer, doc.Body)
}

// parseIssuer checks an issuer identifier (OpenID Connect Core 1.0 §2).
func parseIssuer(client *outbound.Client, issuer string) (*url.URL, error) {
	u, err := client.ParseURL(issuer)
	switch {
	case err != nil:
		return nil, err
	case u.RawQuery != "" || u.ForceQuery:
		return nil, errors.New("an issuer with a query")
	case strings.Contains(issuer, subjectSeparator):
		return nil, fmt.Errorf("an issuer with %q in it", subjectSeparator)
	default:
		return u, nil
	}
}

func parseMetadata(client *outbound.Client, from *url.URL, issuer string, body []byte) (*Metadata, error) {
	members, err := strictjson.Members(body)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	m := new(Metadata)
	fields := map[string]*string{
		"issuer": &m.Issuer, "jwks_uri": &m.JWKSURL, "authorization_endpoint": &m.AuthorizationURL,
		"token_endpoint": &m.TokenURL, "userinfo_endpoint": &m.UserInfoURL, "end_session_endpoint": &m.EndSessionURL,
		"revocation_endpoint": &m.RevocationURL, "introspection_endpoint": &m.IntrospectionURL,
	}
	for _, member := range members {
		switch member.Key { // what has another shape than it should says nothing
		case "token_endpoint_auth_methods_supported":
			_ = json.Unmarshal(member.Value, &m.AuthMethods)
		case "authorization_response_iss_parameter_supported":
			_ = json.Unmarshal(member.Value, &m.ResponseIssuer)
		}
		field, ok := fields[member.Key]
		if !ok {
			continue
		}
		if *field, err = metadataText(client, from, member.Key, member.Value); err != nil {
			return nil, fmt.Errorf("metadata: %s: %w", member.Key, err)
		}
	}
	if m.Issuer != issuer {
		return nil, fmt.Errorf("metadata: the issuer is %q", m.Issuer)
	}
	if m.JWKSURL == "" {
		return nil, errors.New("metadata: there is no jwks_uri")
	}
	return m, nil
}

// metadataText returns a member of the metadata that comes from an issuer.
func metadataText(client *outbound.Client, from *url.URL, name string, raw json.RawMessage) (string, error) {
	text, err := strictjson.Unquote(raw)
	if err != nil {
		return "", err
	}
	if name == "issuer" {
		return text, nil
	}
	u, err := client.ParseURL(text)
	if err != nil {
		return "", err
	}
	if u.Scheme != "https" && from.Scheme == "https" {
		return "", errors.New("a URL that is not https")
	}
	return text, nil
}
