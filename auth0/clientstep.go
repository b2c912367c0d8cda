package auth0

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
)

const (
	clientObject = "client"
	grantObject  = "client grant"

	spaType     = "spa"
	machineType = "non_interactive"

	// In the metadata of a client that was made here, and not only changed.
	madeKey   = "made_by"
	madeValue = "gate auth0 apply"
)

// A wireClient is a client as the tenant has it; see clientFields.
type wireClient struct {
	ID            string         `json:"client_id"`
	Name          string         `json:"name"`
	Type          string         `json:"app_type"`
	Global        bool           `json:"global"`
	AuthMethod    string         `json:"token_endpoint_auth_method"`
	OIDCConform   bool           `json:"oidc_conformant"`
	GrantTypes    []string       `json:"grant_types"`
	Callbacks     []string       `json:"callbacks"`
	LogoutURLs    []string       `json:"allowed_logout_urls"`
	WebOrigins    []string       `json:"web_origins"`
	Metadata      map[string]any `json:"client_metadata"`
	JWT           map[string]any `json:"jwt_configuration"`
	RefreshTokens map[string]any `json:"refresh_token"`
}

// clientFields is what is asked for, so that no client's secret is sent here.
const clientFields = "client_id,name,app_type,global,token_endpoint_auth_method,oidc_conformant,grant_types," +
	"callbacks,client_metadata,allowed_logout_urls,web_origins,jwt_configuration,refresh_token"

// findClient returns the client of that name, nil when there is none. One of
// another type is somebody else's.
func (r *run) findClient(ctx context.Context, name, appType string) (*wireClient, error) {
	query := url.Values{"fields": {clientFields}, "include_fields": {"true"}}
	all, err := list(ctx, r.Tenant, apiPath("clients"), "clients", query, func(c *wireClient) string { return c.ID })
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c wireClient) bool { return c.Global || c.Name != name })
	c, err := only(clientObject, name, all, func(c *wireClient) string { return c.ID })
	if err == nil && c != nil && c.Type != appType && c.Type != "" {
		return nil, fmt.Errorf("%w: the client %q is of the type %q and not %q", ErrConflict, name, c.Type, appType)
	}
	return c, err
}

func spaStep(want *SPA) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		have, err := r.findClient(ctx, want.Name, spaType)
		if err != nil {
			return nil, err
		}
		r.result.ClientID = clientID(have)
		d := newDiff()
		old := value(have)
		d.text("app_type", old.Type, spaType)
		d.text("token_endpoint_auth_method", old.AuthMethod, "none")
		d.truth("oidc_conformant", old.OIDCConform, true)
		d.entries("grant_types", old.GrantTypes, []string{"authorization_code", "refresh_token"})
		if !want.servedElsewhere(old.Callbacks) {
			d.entries("callbacks", old.Callbacks, want.Callbacks)
			d.entries("allowed_logout_urls", old.LogoutURLs, want.LogoutURLs)
			d.entries("web_origins", old.WebOrigins, want.WebOrigins)
		}
		idTokens(d, old.JWT)
		d.nested("refresh_token", old.RefreshTokens, refreshTokens(have == nil)...)
		r.warnGrants(want.Name, old.GrantTypes)
		return r.clientFinding(want.Name, have, d, func(c *newClient) { r.result.ClientID = c.ID }), nil
	}
}

// servedElsewhere reports whether a client that has these callbacks is not where it
// was guessed to be.
func (s *SPA) servedElsewhere(callbacks []string) bool {
	return s.Guessed && len(callbacks) > 0 && !slices.ContainsFunc(s.Callbacks, func(c string) bool { return slices.Contains(callbacks, c) })
}

func machineStep(want *Machine) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		have, err := r.findClient(ctx, want.Name, machineType)
		if err != nil {
			return nil, err
		}
		r.result.MachineClientID = clientID(have)
		d := newDiff()
		old := value(have)
		d.text("app_type", old.Type, machineType)
		if old.AuthMethod == "" || old.AuthMethod == "none" {
			d.text("token_endpoint_auth_method", old.AuthMethod, "client_secret_post")
		}
		d.truth("oidc_conformant", old.OIDCConform, true)
		d.entries("grant_types", old.GrantTypes, []string{"client_credentials"})
		idTokens(d, old.JWT)
		r.warnGrants(want.Name, old.GrantTypes)
		return r.clientFinding(want.Name, have, d, func(c *newClient) {
			r.result.MachineClientID, r.result.MachineClientSecret = c.ID, Secret(c.Secret)
		}), nil
	}
}

// idTokens wants them signed with a key that everybody can check.
func idTokens(d *diff, have map[string]any) {
	have = maps.Clone(have)
	delete(have, "secret_encoded") // it is returned, and refused in a PATCH
	d.nested("jwt_configuration", have, setting{"alg", DefaultSigningAlg})
}

// refreshTokens returns what is wanted of those that a browser holds (RFC 9700
// §4.14). A new client also gets a time in which two tabs may use the same one;
// how long that is for an older one is its owner's decision.
func refreshTokens(made bool) []setting {
	s := []setting{
		{"rotation_type", "rotating"},
		{"expiration_type", "expiring"},
		{"infinite_token_lifetime", false},
		{"infinite_idle_token_lifetime", false},
	}
	if made {
		s = append(s, setting{"leeway", 30})
	}
	return s
}

// warnGrants tells of grants that a client should not have: taking one away could
// break somebody.
func (r *run) warnGrants(client string, grants []string) {
	for _, g := range grants {
		if g == "implicit" || g == "password" || g == "http://auth0.com/oauth/grant-type/password-realm" {
			r.warn("the client %q may use the grant %q, which nothing here needs (RFC 9700 §2)", client, g)
		}
	}
}

// A newClient is what is read of the answer about a client that was made.
type newClient struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// usableID is what ids and secrets of clients look like.
var usableID = regexp.MustCompile(`^[A-Za-z0-9_.~-]{1,512}$`)

// clientFinding makes the client when have is nil, and else mends it.
func (r *run) clientFinding(name string, have *wireClient, d *diff, made func(*newClient)) *finding {
	change := Change{Kind: Update, Object: clientObject, Name: name, Fields: d.fields}
	switch {
	case have == nil:
		change.Kind = Create
		d.body["name"] = name
		d.body["client_metadata"] = map[string]any{madeKey: madeValue}
		return &finding{change, func(ctx context.Context) error {
			var c newClient
			rq := request{method: http.MethodPost, path: apiPath("clients"), body: d.body}
			if err := r.do(ctx, rq, &c); err != nil {
				return err
			}
			if !usableID.MatchString(c.ID) || c.Secret != "" && !usableID.MatchString(c.Secret) {
				return fmt.Errorf("client %q: %w", name, errNoID)
			}
			made(&c)
			return nil
		}}
	case d.empty():
		return nil
	}
	rq := request{method: http.MethodPatch, path: apiPath("clients", have.ID), body: d.body}
	return &finding{change, func(ctx context.Context) error { return r.do(ctx, rq, nil) }}
}

func clientID(c *wireClient) string { return value(c).ID }

// value returns what p points to, the zero value for nil.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func clientDelete(name, appType string) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		have, err := r.findClient(ctx, name, appType)
		if err != nil || have == nil {
			return nil, err
		}
		if have.Metadata[madeKey] != madeValue || have.Type != appType {
			r.warn("the client %q stays: it was there before, and not made here", name)
			return nil, nil
		}
		change := Change{Kind: Delete, Object: clientObject, Name: name, Reason: "id " + have.ID}
		return &finding{change, r.deletion(apiPath("clients", have.ID))}, nil
	}
}

// machinesStay tells of machine clients that were made here, where none is to be
// deleted: whoever does not say so again forgets one, with its secret.
func machinesStay(ctx context.Context, r *run) (*finding, error) {
	query := url.Values{"fields": {clientFields}, "include_fields": {"true"}}
	all, err := list(ctx, r.Tenant, apiPath("clients"), "clients", query, func(c *wireClient) string { return c.ID })
	for i := range all {
		if c := &all[i]; c.Type == machineType && c.Metadata[madeKey] == madeValue {
			r.warn("the machine client %q, which was made here, stays with its grant: with --machine that of the service goes, too", c.Name)
		}
	}
	return nil, err
}

// A clientGrant lets a client have tokens for an API.
type clientGrant struct {
	ID          string   `json:"id"`
	ClientID    string   `json:"client_id"`
	Audience    string   `json:"audience"`
	Scope       []string `json:"scope"`
	SubjectType string   `json:"subject_type"` // client, user; empty is client
}

// findGrant returns the grant of a client on the API, nil when there is none.
func (r *run) findGrant(ctx context.Context, client string) (*clientGrant, error) {
	if client == "" {
		return nil, nil // the client is still to be made
	}
	audience := r.desired.API.Identifier
	query := url.Values{"audience": {audience}, "client_id": {client}}
	all, err := list(ctx, r.Tenant, apiPath("client-grants"), "client_grants", query, func(g *clientGrant) string { return g.ID })
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(g clientGrant) bool {
		return g.ClientID != client || g.Audience != audience || g.SubjectType == "user"
	})
	return only(grantObject, client, all, func(g *clientGrant) string { return g.ID })
}

func grantStep(want *Machine) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		client := r.result.MachineClientID
		have, err := r.findGrant(ctx, client)
		if err != nil {
			return nil, err
		}
		d := newDiff()
		d.entries("scope", value(have).Scope, want.Scopes)
		change := Change{Kind: Update, Object: grantObject, Name: want.Name, Fields: d.fields, Reason: "tokens for " + r.desired.API.Identifier}
		rq := request{method: http.MethodPatch, body: d.body}
		switch {
		case have == nil:
			change.Kind = Create
			rq.method, rq.path = http.MethodPost, apiPath("client-grants")
			rq.body = map[string]any{"client_id": client, "audience": r.desired.API.Identifier, "scope": union([]string{}, want.Scopes)}
		case d.empty():
			return nil, nil
		default:
			rq.path = apiPath("client-grants", have.ID)
		}
		return &finding{change, func(ctx context.Context) error {
			if client == "" {
				return errNoID
			}
			return r.do(ctx, rq, nil)
		}}, nil
	}
}

func grantDelete(want *Machine) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		client, err := r.findClient(ctx, want.Name, machineType)
		if err != nil || client == nil || client.Metadata[madeKey] != madeValue {
			return nil, err // clientDelete says that it stays
		}
		have, err := r.findGrant(ctx, client.ID)
		if err != nil || have == nil {
			return nil, err
		}
		change := Change{Kind: Delete, Object: grantObject, Name: want.Name, Reason: "tokens for " + have.Audience}
		return &finding{change, r.deletion(apiPath("client-grants", have.ID))}, nil
	}
}
