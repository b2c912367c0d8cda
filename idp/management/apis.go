package management

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
)

func noAPI(err error) error {
	return orConflict(orAbsent(err, "The resource server does not exist", "inexistent_resource_server"),
		"A resource server with the same identifier already exists.", "")
}

func apiSchema() schema {
	return schema{
		"name": {check: matching("api-name", 200, func(s string) bool { return !strings.ContainsAny(s, "<>") })},
		"identifier": {
			check: matching("identifier", 600, func(s string) bool { return !strings.ContainsAny(s, " \t\r\n") }), needed: true,
			about: "The audience of access tokens",
		},
		"scopes":                 {check: list(1000, objectOf(4, 4096))},
		"signing_alg":            {check: oneOf("RS256", "HS256", "PS256", "ES256")},
		"signing_secret":         {check: text(32, 128)},
		"token_lifetime":         {check: integer(1, 2592000)},
		"token_lifetime_for_web": {check: integer(1, 2592000)},
		"allow_offline_access":   {check: boolean},
		"enforce_policies":       {check: boolean},
		"token_dialect":          {check: oneOf("access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz")},
		"skip_consent_for_verifiable_first_party_clients": {check: boolean},
	}.reserve("id", "is_system")
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
	o, err := q.object(apiSchema())
	if err != nil {
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
	if err := a.checkAPI(api); err != nil {
		return answer{}, err
	}
	if err := a.store.APIs.Create(ctx, api); err != nil {
		return answer{}, noAPI(err)
	}
	shown, err := showAPI(q, api)
	return answer{status: 201, body: shown}, err
}

func (a *API) updateAPI(ctx context.Context, q *request) (answer, error) {
	change, err := q.object(apiSchema().patching().reserve("identifier"))
	if err != nil {
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
		if err := a.checkAPI(next); err != nil {
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

// checkAPI judges an API as a whole, and gives it the secret that it needs.
func (a *API) checkAPI(api *tenant.API) error {
	root := strings.TrimSuffix(a.cfg.Issuer, "/")
	if slices.Contains([]string{root + "/userinfo", root + "/mfa/", root + "/me/", a.Audience()}, api.Identifier) {
		return conflict("A resource server with the same identifier already exists.", "")
	}
	seen := map[string]bool{}
	for _, s := range api.Scopes {
		if !scopeName(s.Value) {
			return badProperty("scopes.value", "Object didn't pass validation for format scope: "+cutText(s.Value, 64), "")
		}
		if seen[s.Value] {
			return badProperty("scopes", "Array items are not unique: "+cutText(s.Value, 64), "")
		}
		seen[s.Value] = true
		if why := text(0, 500)(quoted(s.Description)); why != "" {
			return badProperty("scopes.description", why, "")
		}
	}
	if api.SigningAlg == "HS256" && api.SigningSecret == "" {
		api.SigningSecret = newText(64)
	}
	if api.TokenLifetimeForWeb > api.TokenLifetime && api.TokenLifetime > 0 {
		return badProperty("token_lifetime_for_web", "is longer than token_lifetime", "")
	}
	return nil
}

// scopeName reports whether s can be a scope (RFC 6749 §3.3) of an API.
func scopeName(s string) bool {
	if s == "" || len(s) > 280 {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
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
