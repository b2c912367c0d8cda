package management

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

func noGrant(err error) error {
	return orConflict(orAbsent(err, "The grant does not exist.", "inexistent_client_grant"), "A resource with the same identifier already exists.", "")
}

func showGrant(g *tenant.ClientGrant) (object, error) {
	o, err := view(g)
	if g.Scope == nil && err == nil {
		o["scope"] = json.RawMessage("[]")
	}
	return o, err
}

func (a *API) listGrants(ctx context.Context, q *request) (answer, error) {
	all, err := a.store.Grants.List(ctx)
	if err != nil {
		return answer{}, err
	}
	client, audience := q.query.Get("client_id"), q.query.Get("audience")
	all = slices.DeleteFunc(all, func(g *tenant.ClientGrant) bool {
		return client != "" && g.ClientID != client || audience != "" && g.Audience != audience
	})
	return pages(q, "client_grants", all, func(g *tenant.ClientGrant) string { return g.ID }, showGrant)
}

func (a *API) getGrant(ctx context.Context, q *request) (answer, error) {
	g, err := a.store.Grants.Get(ctx, q.id("grant"))
	if err != nil {
		return answer{}, noGrant(err)
	}
	o, err := showGrant(g)
	return answer{status: 200, body: o}, err
}

func (a *API) createGrant(ctx context.Context, q *request) (answer, error) {
	o, err := q.object(shape.Grant())
	if err != nil {
		return answer{}, err
	}
	g, err := into[tenant.ClientGrant](o)
	if err != nil {
		return answer{}, err
	}
	g.ID = "cgr_" + newText(16)
	c, err := a.store.Clients.Get(ctx, g.ClientID)
	if err != nil {
		return answer{}, noClient(err)
	}
	if err := a.checkGrant(ctx, g, c); err != nil {
		return answer{}, err
	}
	if err := a.store.Grants.Create(ctx, g); err != nil {
		return answer{}, noGrant(err)
	}
	shown, err := showGrant(g)
	return answer{status: 201, body: shown}, err
}

func (a *API) checkGrant(ctx context.Context, g *tenant.ClientGrant, c *tenant.Client) error {
	api, err := a.store.APIs.ByName(ctx, g.Audience)
	if err != nil {
		return noAPI(err)
	}
	return g.Check(c, api)
}

func (a *API) updateGrant(ctx context.Context, q *request) (answer, error) {
	change, err := q.object(shape.Grant().Patching().Reserve("client_id", "audience", "subject_type"))
	if err != nil {
		return answer{}, err
	}
	g, err := a.store.Grants.Get(ctx, q.id("grant"))
	if err != nil {
		return answer{}, noGrant(err)
	}
	wanted, err := patched(g, change) // judged outside the transaction: client and audience do not change
	if err != nil {
		return answer{}, err
	}
	c, err := a.store.Clients.Get(ctx, g.ClientID)
	if err != nil {
		return answer{}, noClient(err)
	}
	if err := a.checkGrant(ctx, wanted, c); err != nil {
		return answer{}, err
	}
	g, err = a.store.Grants.Update(ctx, g.ID, func(g *tenant.ClientGrant) error {
		next, err := patched(g, change)
		if err == nil {
			*g = *next
		}
		return err
	})
	if err != nil {
		return answer{}, noGrant(err)
	}
	shown, err := showGrant(g)
	return answer{status: 200, body: shown}, err
}

func (a *API) deleteGrant(ctx context.Context, q *request) (answer, error) {
	if err := a.store.Grants.Delete(ctx, q.id("grant")); err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return answer{}, err
	}
	return noContent()
}
