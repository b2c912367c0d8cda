package management

import (
	"context"
	"errors"
	"slices"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

func noAPI(err error) error {
	return orConflict(orAbsent(err, "The resource server does not exist", "inexistent_resource_server"),
		"A resource server with the same identifier already exists.", "")
}

// findAPI returns an API by its ID or identifier.
func (a *API) findAPI(ctx context.Context, id string) (*tenant.API, error) {
	api, err := a.store.APIs.Get(ctx, id)
	if errors.Is(err, tenant.ErrNotFound) {
		api, err = a.store.APIs.ByName(ctx, id)
	}
	return api, noAPI(err)
}

func showAPI(q *request, api *tenant.API) (object, error) {
	o, err := view(api)
	if !q.can("read:client_keys") && !q.canMake("client_keys") {
		delete(o, "signing_secret")
	}
	return o, err
}

func (a *API) listAPIs(ctx context.Context, q *request) (answer, error) {
	all, err := a.store.APIs.List(ctx)
	if err != nil {
		return answer{}, err
	}
	if q.can("read:client_keys") && slices.ContainsFunc(all, func(api *tenant.API) bool { return api.SigningSecret != "" }) {
		a.recordRead(ctx, q)
	}
	wanted := append(splitList(q.query["identifiers"]), splitList(q.query["identifiers[]"])...)
	all = slices.DeleteFunc(all, func(api *tenant.API) bool { return len(wanted) > 0 && !slices.Contains(wanted, api.Identifier) })
	return pages(q, "resource_servers", all, func(api *tenant.API) string { return api.ID }, func(api *tenant.API) (object, error) {
		return showAPI(q, api)
	})
}

func (a *API) getAPI(ctx context.Context, q *request) (answer, error) {
	api, err := a.findAPI(ctx, q.id("api"))
	if err != nil {
		return answer{}, err
	}
	if api.SigningSecret != "" && q.can("read:client_keys") {
		a.recordRead(ctx, q)
	}
	o, err := showAPI(q, api)
	return answer{status: 200, body: q.pick(o)}, err
}

func (a *API) createAPI(ctx context.Context, q *request) (answer, error) {
	o, err := q.object(shape.API())
	if err != nil {
		return answer{}, err
	}
	if err := clientKeysScope(q, o, "create:client_keys"); err != nil {
		return answer{}, err
	}
	for name, value := range map[string]string{
		"signing_alg": `"RS256"`, "token_lifetime": "86400", "token_lifetime_for_web": "7200", "allow_offline_access": "false",
		"skip_consent_for_verifiable_first_party_clients": "true",
	} {
		o.setDefault(name, value)
	}
	api, err := into[tenant.API](o)
	if err != nil {
		return answer{}, err
	}
	api.ID = tenant.NewSubject()
	if api.Name == "" {
		api.Name = api.Identifier
	}
	if err := checkAPI(api); err != nil {
		return answer{}, err
	}
	if tenant.ReservedIdentifier(api.Identifier, a.Audience()) {
		return answer{}, conflict("A resource server with the same identifier already exists.", "")
	}
	// Its access tokens would say the audience of that client's ID tokens.
	switch _, err := a.store.Clients.Get(ctx, api.Identifier); {
	case err == nil:
		return answer{}, conflict("The identifier is the ID of a client.", "")
	case !errors.Is(err, tenant.ErrNotFound):
		return answer{}, err
	}
	if err := a.store.APIs.Create(ctx, api); err != nil {
		return answer{}, noAPI(err)
	}
	shown, err := showAPI(q, api)
	return answer{status: 201, body: shown}, err
}

func (a *API) updateAPI(ctx context.Context, q *request) (answer, error) {
	change, err := q.object(shape.API().Patching().Reserve("identifier"))
	if err != nil {
		return answer{}, err
	}
	if err := clientKeysScope(q, change, "update:client_keys"); err != nil {
		return answer{}, err
	}
	found, err := a.findAPI(ctx, q.id("api"))
	if err != nil {
		return answer{}, err
	}
	api, err := a.store.APIs.Update(ctx, found.ID, func(api *tenant.API) error {
		if api.System {
			return unsupported("The resource server of the provider itself cannot be changed")
		}
		next, err := patched(api, change)
		if err != nil {
			return err
		}
		if err := checkAPI(next); err != nil {
			return err
		}
		*api = *next
		return nil
	})
	if err != nil {
		return answer{}, noAPI(err)
	}
	shown, err := showAPI(q, api)
	return answer{status: 200, body: shown}, err
}

func (a *API) deleteAPI(ctx context.Context, q *request) (answer, error) {
	api, err := a.findAPI(ctx, q.id("api"))
	if p, isProblem := errors.AsType[*problem](err); isProblem && p.status == 404 {
		return noContent()
	}
	if err != nil {
		return answer{}, err
	}
	if api.System {
		return answer{}, unsupported("The resource server of the provider itself cannot be deleted")
	}
	if err := a.store.APIs.Delete(ctx, api.ID); err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return answer{}, err
	}
	return noContent()
}

// checkAPI judges an API as a whole, and gives it the secret that it needs.
func checkAPI(api *tenant.API) error {
	if api.SigningAlg == "HS256" && api.SigningSecret == "" {
		api.SigningSecret = newText(64)
	}
	return api.Check()
}
