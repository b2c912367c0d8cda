package management

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

func noClient(err error) error {
	return orConflict(orAbsent(err, "The client does not exist", "inexistent_client"), "A client with the same identifier already exists.", "")
}

// showClient returns a client as this caller may see it.
func (a *API) showClient(q *request, c *tenant.Client) (object, error) {
	o, err := view(c)
	if err != nil {
		return nil, err
	}
	if !q.can("read:client_keys") && !q.canMake("client_keys") || c.AuthMethod == tenant.AuthPrivateKeyJWT {
		delete(o, "client_secret")
	}
	delete(o, "credentials")
	if len(c.Credentials) > 0 {
		type ref struct {
			ID string `json:"id"`
		}
		var refs []ref
		for _, cred := range c.Credentials {
			refs = append(refs, ref{cred.ID})
		}
		o.set("client_authentication_methods", map[string]any{tenant.AuthPrivateKeyJWT: map[string]any{"credentials": refs}})
	}
	return o, nil
}

// canMake reports whether the caller has just made a secret, which is shown to
// them once: a secret that nobody sees is good for nothing.
func (q *request) canMake(kind string) bool {
	return q.method == "POST" && (q.can("create:"+kind) || q.can("update:"+kind))
}

func (a *API) listClients(ctx context.Context, q *request) (answer, error) {
	all, err := a.store.Clients.List(ctx)
	if err != nil {
		return answer{}, err
	}
	keep, err := clientFilter(q)
	if err != nil {
		return answer{}, err
	}
	all = slices.DeleteFunc(all, func(c *tenant.Client) bool { return !keep(c) })
	if q.can("read:client_keys") {
		a.recordRead(ctx, q)
	}
	return pages(q, "clients", all, func(c *tenant.Client) string { return c.ID }, func(c *tenant.Client) (object, error) {
		return a.showClient(q, c)
	})
}

func clientFilter(q *request) (func(*tenant.Client) bool, error) {
	global, err := q.optional("is_global")
	if err != nil {
		return nil, err
	}
	first, err := q.optional("is_first_party")
	if err != nil {
		return nil, err
	}
	types := splitList(q.query["app_type"])
	ids := splitList(q.query["client_id"])
	name := strings.ToLower(strings.Trim(strings.TrimPrefix(q.query.Get("q"), "name:"), `"*`))
	return func(c *tenant.Client) bool {
		return (global == nil || *global == c.Global) && (first == nil || *first == c.FirstParty) &&
			(len(types) == 0 || slices.Contains(types, c.AppType)) && (len(ids) == 0 || slices.Contains(ids, c.ID)) &&
			strings.Contains(strings.ToLower(c.Name), name)
	}, nil
}

// optional reads a parameter that is true, false or not there.
func (q *request) optional(name string) (*bool, error) {
	if q.query.Get(name) == "" {
		return nil, nil // not there, and nothing wrong
	}
	b, err := q.flag(name)
	return &b, err
}

// splitList returns the values of a parameter that may be given several times or
// with commas.
func splitList(values []string) []string {
	var list []string
	for _, v := range values {
		for s := range strings.SplitSeq(v, ",") {
			if s = strings.TrimSpace(s); s != "" {
				list = append(list, s)
			}
		}
	}
	return list
}

func (a *API) getClient(ctx context.Context, q *request) (answer, error) {
	c, err := a.store.Clients.Get(ctx, q.id("client"))
	if err != nil {
		return answer{}, noClient(err)
	}
	if q.can("read:client_keys") {
		a.recordRead(ctx, q)
	}
	o, err := a.showClient(q, c)
	return answer{status: 200, body: q.pick(o)}, err
}

func (a *API) createClient(ctx context.Context, q *request) (answer, error) {
	schema := shape.Client()
	if q.caller.ChoosesIDs {
		schema["client_id"] = shape.Property{Check: shape.Matching("client-id", 64, shape.ID)}
	}
	o, err := q.object(schema)
	if err != nil {
		return answer{}, err
	}
	if err := clientKeysScope(q, o, "create:client_keys"); err != nil {
		return answer{}, err
	}
	clientDefaults(o)
	creds, err := a.takeCredentials(o)
	if err != nil {
		return answer{}, err
	}
	c, err := into[tenant.Client](o)
	if err != nil {
		return answer{}, err
	}
	if c.Credentials, err = knownCredentials(c, creds); err != nil {
		return answer{}, err
	}
	if c.ID == "" {
		c.ID = newText(32)
	}
	if len(creds) > 0 {
		c.AuthMethod = tenant.AuthPrivateKeyJWT
	}
	if c.Secret == "" {
		c.Secret = newText(64)
	}
	if err := c.Check(); err != nil {
		return answer{}, err
	}
	// Its ID tokens would say the audience of that API's access tokens.
	switch _, err := a.store.APIs.ByName(ctx, c.ID); {
	case err == nil:
		return answer{}, conflict("The client_id is the identifier of an API.", "")
	case !errors.Is(err, tenant.ErrNotFound):
		return answer{}, err
	}
	if err := a.store.Clients.Create(ctx, c); err != nil {
		return answer{}, noClient(err)
	}
	shown, err := a.showClient(q, c)
	return answer{status: 201, body: shown}, err
}

// clientKeysScope refuses a secret that the caller chooses without the scope: whoever
// knows that of a client is the client, and that of an API signs its tokens.
func clientKeysScope(q *request, o object, scope string) error {
	for _, name := range []string{"client_secret", "signing_secret"} {
		if _, chosen := o[name]; chosen && !q.can(scope) {
			return insufficient(scope)
		}
	}
	return nil
}

// sameAuthMethod reports whether a change leaves alone how a client proves who it
// is, as when a program sends back what it read.
func (a *API) sameAuthMethod(ctx context.Context, id string, change object) (bool, error) {
	c, err := a.store.Clients.Get(ctx, id)
	if err != nil {
		return false, noClient(err)
	}
	if raw, there := change["client_authentication_methods"]; there && string(raw) != "null" {
		return false, nil
	}
	raw, there := change["token_endpoint_auth_method"]
	return !there || string(raw) == strconv.Quote(c.AuthMethod) || string(raw) == "null" && c.AuthMethod == tenant.AuthPrivateKeyJWT &&
		len(c.Credentials) > 0, nil
}

func (a *API) updateClient(ctx context.Context, q *request) (answer, error) {
	change, err := q.object(shape.Client().Patching())
	if err != nil {
		return answer{}, err
	}
	if err := clientKeysScope(q, change, "update:client_keys"); err != nil {
		return answer{}, err
	}
	// How a client proves who it is belongs to its secrets: whoever puts a key of
	// their own there is that client.
	for _, member := range []string{"client_authentication_methods", "token_endpoint_auth_method"} {
		if _, there := change[member]; there && !q.can("update:client_keys") && !q.can("create:client_credentials") {
			same, err := a.sameAuthMethod(ctx, q.id("client"), change)
			if err != nil {
				return answer{}, err
			}
			if !same {
				return answer{}, insufficient("update:client_keys")
			}
		}
	}
	if raw, there := change["client_secret"]; there && string(raw) == "null" {
		return answer{}, badProperty("client_secret", "Expected type string but found type null", "")
	}
	creds, err := a.takeCredentials(change)
	if err != nil {
		return answer{}, err
	}
	c, err := a.store.Clients.Update(ctx, q.id("client"), func(c *tenant.Client) error {
		next, err := patched(c, change, "client_metadata")
		if err != nil {
			return err
		}
		if next.Credentials = c.Credentials; len(creds) > 0 {
			if next.Credentials, err = knownCredentials(c, creds); err != nil {
				return err
			}
			next.AuthMethod = tenant.AuthPrivateKeyJWT
		}
		if err := next.Check(); err != nil {
			return err
		}
		*c = *next
		return nil
	})
	if err != nil {
		return answer{}, noClient(err)
	}
	shown, err := a.showClient(q, c)
	return answer{status: 200, body: shown}, err
}

func (a *API) deleteClient(ctx context.Context, q *request) (answer, error) {
	id := q.id("client")
	c, err := a.store.Clients.Get(ctx, id)
	if errors.Is(err, tenant.ErrNotFound) {
		return noContent()
	}
	if err != nil {
		return answer{}, err
	}
	if c.Global {
		return answer{}, unsupported("The global client cannot be deleted")
	}
	if err := a.store.Clients.Delete(ctx, id); err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return answer{}, err
	}
	return noContent()
}

func (a *API) rotateSecret(ctx context.Context, q *request) (answer, error) {
	c, err := a.store.Clients.Update(ctx, q.id("client"), func(c *tenant.Client) error {
		if c.Global {
			return unsupported("The global client has no secret")
		}
		c.Secret = newText(64)
		return nil
	})
	if err != nil {
		return answer{}, noClient(err)
	}
	o, err := a.showClient(q, c)
	return answer{status: 200, body: o}, err
}

// clientConnections lists the connections that a client may use.
func (a *API) clientConnections(ctx context.Context, q *request) (answer, error) {
	id := q.id("client")
	if _, err := a.store.Clients.Get(ctx, id); err != nil {
		return answer{}, noClient(err)
	}
	all, err := a.store.Connections.List(ctx)
	if err != nil {
		return answer{}, err
	}
	strategies := splitList(q.query["strategy"])
	all = slices.DeleteFunc(all, func(c *tenant.Connection) bool {
		return !slices.Contains(c.EnabledClients, id) || len(strategies) > 0 && !slices.Contains(strategies, c.Strategy)
	})
	q.query.Set("take", cmp.Or(q.query.Get("take"), "50"))
	return pages(q, "connections", all, func(c *tenant.Connection) string { return c.ID }, showConnection)
}

// clientDefaults gives a new client what Auth0 gives it, with safer grants: no
// implicit grant, client credentials for machines alone, rotating refresh tokens
// for programs in a browser.
func clientDefaults(o object) {
	for name, value := range map[string]string{
		"is_first_party": "true", "oidc_conformant": "true", "is_token_endpoint_ip_header_trusted": "false",
		"sso_disabled": "false", "cross_origin_authentication": "false", "custom_login_page_on": "true",
		"jwt_configuration": `{"secret_encoded":false,"lifetime_in_seconds":36000,"alg":"RS256"}`,
	} {
		o.setDefault(name, value)
	}
	app := o.text("app_type")
	public := app == tenant.SPA || app == tenant.Native
	if o.text("token_endpoint_auth_method") == "" {
		o.set("token_endpoint_auth_method", map[bool]string{true: tenant.AuthNone, false: tenant.AuthPost}[public])
	}
	public = o.text("token_endpoint_auth_method") == tenant.AuthNone
	if app == tenant.NonInteractive {
		o.setDefault("grant_types", `["client_credentials"]`)
	}
	o.setDefault("grant_types", `["authorization_code","refresh_token"]`)
	rotate := `{"rotation_type":"non-rotating","expiration_type":"non-expiring","leeway":0,"token_lifetime":2592000,` +
		`"idle_token_lifetime":1296000,"infinite_token_lifetime":true,"infinite_idle_token_lifetime":true}`
	if public {
		rotate = `{"rotation_type":"rotating","expiration_type":"expiring","leeway":10,"token_lifetime":2592000,` +
			`"idle_token_lifetime":1296000,"infinite_token_lifetime":false,"infinite_idle_token_lifetime":false}`
	}
	o.setDefault("refresh_token", rotate)
}
