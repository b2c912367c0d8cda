package auth0

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
)

const apiObject = "api"

// A resourceServer is an API as the tenant has it.
type resourceServer struct {
	ID                 string          `json:"id"`
	Name               string          `json:"name"`
	Identifier         string          `json:"identifier"`
	Scopes             []resourceScope `json:"scopes"`
	SigningAlg         string          `json:"signing_alg"`
	EnforcePolicies    bool            `json:"enforce_policies"`
	TokenDialect       string          `json:"token_dialect"`
	AllowOfflineAccess bool            `json:"allow_offline_access"`
	SkipConsent        bool            `json:"skip_consent_for_verifiable_first_party_clients"`
	TokenLifetime      int             `json:"token_lifetime"`
	WebLifetime        int             `json:"token_lifetime_for_web"`
	System             bool            `json:"is_system"`
}

type resourceScope struct {
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
}

// The dialects of access tokens with permissions in them.
const (
	dialectAuth0Authz = "access_token_authz"
	dialectRFC        = "rfc9068_profile"
	dialectRFCAuthz   = "rfc9068_profile_authz"
)

func (r *run) resourceServers(ctx context.Context) ([]resourceServer, error) {
	return list(ctx, r.Tenant, apiPath("resource-servers"), "resource_servers", nil, func(s *resourceServer) string { return s.ID })
}

// findAPI returns the API with that identifier, nil when there is none.
func findAPI(all []resourceServer, identifier string) (*resourceServer, error) {
	var found []resourceServer
	for i := range all {
		if all[i].Identifier == identifier {
			found = append(found, all[i])
		}
	}
	s, err := only(apiObject, identifier, found, func(s *resourceServer) string { return s.ID })
	if err == nil && s != nil && s.System {
		return nil, fmt.Errorf("%w: the API %q is the tenant's own", ErrConflict, identifier)
	}
	return s, err
}

func apiStep(want API) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		all, err := r.resourceServers(ctx)
		if err != nil {
			return nil, err
		}
		have, err := findAPI(all, want.Identifier)
		if err != nil {
			return nil, err
		}
		change := Change{Kind: Update, Object: apiObject, Name: want.Identifier}
		rq := request{method: http.MethodPatch}
		if have == nil {
			change.Kind = Create
			have = &resourceServer{}
			rq.method, rq.path = http.MethodPost, apiPath("resource-servers")
		} else {
			rq.path = apiPath("resource-servers", have.ID)
			r.result.Audience = have.Identifier
		}
		d := apiDiff(have, want)
		if change.Kind == Create {
			if err := nameFree(all, want); err != nil {
				return nil, err
			}
			d.body["identifier"] = want.Identifier
		} else if d.empty() {
			return nil, nil
		}
		change.Fields, rq.body = d.fields, d.body
		return &finding{change, func(ctx context.Context) error { return r.do(ctx, rq, nil) }}, nil
	}
}

// nameFree refuses a name that an API with another identifier has.
func nameFree(all []resourceServer, want API) error {
	for i := range all {
		if all[i].Name == want.Name && all[i].Identifier != want.Identifier {
			return fmt.Errorf("%w: the API %q has the identifier %q and not %q", ErrConflict, want.Name, all[i].Identifier, want.Identifier)
		}
	}
	return nil
}

func apiDiff(have *resourceServer, want API) *diff {
	d := newDiff()
	if have.ID == "" { // one that is there is called what somebody called it
		d.text("name", have.Name, want.Name)
	}
	d.text("signing_alg", have.SigningAlg, want.SigningAlg)
	d.truth("enforce_policies", have.EnforcePolicies, want.RBAC)
	if want.RBAC {
		d.text("token_dialect", have.TokenDialect, authzDialect(have.TokenDialect))
	}
	d.truth("allow_offline_access", have.AllowOfflineAccess, want.AllowOfflineAccess)
	d.truth("skip_consent_for_verifiable_first_party_clients", have.SkipConsent, want.SkipConsent)
	d.number("token_lifetime", have.TokenLifetime, want.TokenLifetime)
	if web := cmp.Or(have.WebLifetime, newWebLifetime); web > want.TokenLifetime && (have.ID == "" || have.WebLifetime > 0) {
		d.number("token_lifetime_for_web", have.WebLifetime, want.TokenLifetime)
	}
	scopeDiff(d, have.Scopes, want.Scopes)
	return d
}

// newWebLifetime is how long access tokens of the implicit flow are valid in a new
// API, in seconds. It must not be longer than for the other flows.
const newWebLifetime = 7200

// authzDialect returns the dialect that has permissions and is else the same.
func authzDialect(have string) string {
	switch have {
	case dialectRFC, dialectRFCAuthz:
		return dialectRFCAuthz
	default:
		return dialectAuth0Authz
	}
}

// scopeDiff wants scopes. A PATCH replaces all of them, so those of others are
// sent along. What is said of one that is there stays, unless nothing is.
func scopeDiff(d *diff, have []resourceScope, want []Scope) {
	merged := slices.Clone(have)
	before := len(d.fields)
	for _, w := range want {
		i := slices.IndexFunc(merged, func(s resourceScope) bool { return s.Value == w.Value })
		switch {
		case i < 0:
			merged = append(merged, resourceScope(w))
			d.add("scopes", "", w.Value)
		case w.Description != "" && merged[i].Description == "":
			d.add("scopes."+w.Value+".description", "", w.Description)
			merged[i].Description = w.Description
		}
	}
	if len(d.fields) > before {
		d.body["scopes"] = merged
	}
}

// apiDelete deletes an API that is as [apiStep] makes one. It has the name of the
// design then, which is never given to one that is there.
func apiDelete(want API) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		all, err := r.resourceServers(ctx)
		if err != nil {
			return nil, err
		}
		have, err := findAPI(all, want.Identifier)
		if err != nil || have == nil {
			return nil, err
		}
		if have.Name != want.Name {
			r.warn("the API %q stays: it is called %q and not %q, so that it was not made here", want.Identifier, have.Name, want.Name)
			return nil, nil
		}
		if foreign := foreignScopes(have.Scopes, want.Scopes); len(foreign) > 0 {
			r.warn("the API %q stays: it has the scopes %q, which are not the design's", want.Identifier, foreign)
			return nil, nil
		}
		if r.held != "" {
			r.warn("the API %q stays as long as the role %q: only by the permissions of this API is it known whose that is; "+
				"take the role from everybody, and destroy again", want.Identifier, r.held)
			return nil, nil
		}
		f := &finding{change: Change{Kind: Delete, Object: apiObject, Name: want.Identifier, Reason: fmt.Sprintf("called %q", have.Name)}}
		for _, s := range have.Scopes {
			f.change.Fields = append(f.change.Fields, FieldChange{"scopes", s.Value, ""})
		}
		f.write = r.deletion(apiPath("resource-servers", have.ID))
		return f, nil
	}
}

// foreignScopes returns those that are not wanted.
func foreignScopes(have []resourceScope, want []Scope) []string {
	var list []string
	for _, s := range have {
		if !slices.ContainsFunc(want, func(w Scope) bool { return w.Value == s.Value }) {
			list = append(list, s.Value)
		}
	}
	return list
}

// deletion returns a write that deletes one object. One that is gone is fine.
func (r *run) deletion(path string) func(context.Context) error {
	return func(ctx context.Context) error {
		err := r.do(ctx, request{method: http.MethodDelete, path: path}, nil)
		if status(err) == http.StatusNotFound {
			return nil
		}
		return err
	}
}
