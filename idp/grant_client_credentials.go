package idp

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gatewright/gate/idp/tenant"
)

// grantClientCredentials gives a client a token of its own (RFC 6749 §4.4), as
// far as a client grant says.
func (p *Provider) grantClientCredentials(_ http.ResponseWriter, r *http.Request, c caller, in params) (map[string]any, error) {
	ctx := r.Context()
	if !c.confidential() {
		return nil, errClient(false)
	}
	audience, err := p.wanted(ctx, in)
	if err != nil {
		return nil, err
	}
	if audience == "" {
		return nil, refuse("access_denied", "No audience parameter was provided, and no default audience has been configured")
	}
	api, err := p.tenant.APIs.ByName(ctx, audience)
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, refuse("access_denied", "Service not enabled within domain: "+echo(audience))
	}
	if err != nil {
		return nil, err
	}
	g, err := p.tenant.Grants.ByName(ctx, c.ID+" "+audience)
	if errors.Is(err, tenant.ErrNotFound) {
		p.record(r, "feccft", c.Client, nil, "Client is not authorized to access "+audience, nil)
		return nil, refuse("access_denied", fmt.Sprintf("Client is not authorized to access %q. You need to create a \"client-grant\" associated to this API. "+
			"See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants", audience))
	}
	if err != nil {
		return nil, err
	}
	asked, err := in.scope()
	if err != nil {
		return nil, err
	}
	a, err := machineAccess(api, g, asked)
	if err != nil {
		return nil, err
	}
	i := &issuance{client: c.Client, access: a, grants: []string{"client-credentials"}, credential: c.credential}
	if i.accessMore, err = p.runCredentialsExchange(r, c.Client, a); err != nil {
		return nil, err
	}
	body, err := p.tokens(ctx, i)
	if err != nil {
		return nil, err
	}
	p.record(r, "seccft", c.Client, nil, "", map[string]any{"audience": audience})
	return body, nil
}

// machineAccess returns what a client grant gives: all of it when nothing is
// asked for.
func machineAccess(api *tenant.API, g *tenant.ClientGrant, asked []string) (access, error) {
	a := access{api: api}
	for _, s := range g.Scope {
		if api.Defines(s) && (len(asked) == 0 || slices.Contains(asked, s)) {
			a.scope = append(a.scope, s)
		}
	}
	if len(asked) > 0 && len(a.scope) == 0 {
		return a, refuse("access_denied", "Client has not been granted scopes: "+echo(asked[0]))
	}
	if saysPermissions(api) {
		a.permissions = append([]string{}, a.scope...)
	}
	return a, nil
}
