package management

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
)

func noClient(err error) error {
	return orConflict(orAbsent(err, "The client does not exist", "inexistent_client"), "A client with the same identifier already exists.", "")
}

// maxURLs is how many addresses a list of a client has.
const maxURLs = 100

// clientSchema is what callers may say of a client. The rules of addresses
// depend on the client as a whole, see [checkClient].
func clientSchema() schema {
	urls := list(maxURLs, text(1, 2048))
	return schema{
		"name":            {check: matching("client-name", 140, func(s string) bool { return !strings.ContainsAny(s, "<>") }), needed: true, about: "The name of the client"},
		"description":     {check: text(0, 140)},
		"app_type":        {check: oneOf(tenant.SPA, tenant.Native, tenant.RegularWeb, tenant.NonInteractive, "sso_integration", "resource_server", "express_configuration")},
		"logo_uri":        {check: urlCheck(func(s string) string { return returnURL(s, false) })},
		"client_secret":   {check: text(32, 255)},
		"is_first_party":  {check: boolean},
		"oidc_conformant": {check: boolean},
		"unsafe_wildcards": {
			check: boolean, about: "Whether addresses may have a wildcard in the first label of their host",
		},
		"is_token_endpoint_ip_header_trusted": {check: boolean},
		"token_endpoint_auth_method":          {check: oneOf(tenant.AuthNone, tenant.AuthBasic, tenant.AuthPost, tenant.AuthPrivateKeyJWT)},
		"grant_types":                         {check: list(20, oneOf(grantTypes()...))},
		"callbacks":                           {check: urls},
		"allowed_logout_urls":                 {check: urls},
		"web_origins":                         {check: urls},
		"allowed_origins":                     {check: urls},
		"allowed_clients":                     {check: list(maxURLs, text(1, 64))},
		"client_aliases":                      {check: list(20, text(1, 2048))},
		"initiate_login_uri":                  {check: urlCheck(initiateLogin)},
		"client_metadata":                     {check: pairs(10, 255), about: "At most 10 pairs of texts"},
		"jwt_configuration":                   {check: objectOf(10, 4096)},
		"refresh_token":                       {check: objectOf(12, 16384)},
		"oidc_logout":                         {check: objectOf(6, 32768)},
		// The keys of a client come by client_authentication_methods.
		"client_authentication_methods": {check: objectOf(4, 65536)},
	}.reserve("client_id", "global", "tenant", "credentials", "signing_keys", "is_system", "owners", "callback_url_template")
}

func grantTypes() []string {
	return []string{
		"authorization_code", "implicit", "refresh_token", "client_credentials", "password",
		"http://auth0.com/oauth/grant-type/password-realm", "http://auth0.com/oauth/grant-type/passwordless/otp",
		"http://auth0.com/oauth/grant-type/mfa-oob", "http://auth0.com/oauth/grant-type/mfa-otp",
		"http://auth0.com/oauth/grant-type/mfa-recovery-code", "urn:ietf:params:oauth:grant-type:device_code",
		"urn:ietf:params:oauth:grant-type:token-exchange", "urn:openid:params:grant-type:ciba",
		"urn:okta:params:oauth:grant-type:webauthn",
	}
}

func initiateLogin(s string) string {
	if !strings.HasPrefix(strings.ToLower(s), "https://") {
		return "has to be https"
	}
	return returnURL(s, false)
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
	o, err := q.object(clientSchema())
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
	c.ID, c.Credentials = newText(32), creds
	if len(creds) > 0 {
		c.AuthMethod = tenant.AuthPrivateKeyJWT
	}
	if c.Secret == "" {
		c.Secret = newText(64)
	}
	if err := checkClient(c); err != nil {
		return answer{}, err
	}
	if err := a.store.Clients.Create(ctx, c); err != nil {
		return answer{}, noClient(err)
	}
	shown, err := a.showClient(q, c)
	return answer{status: 201, body: shown}, err
}

// clientKeysScope refuses a secret that the caller chooses without the scope.
func clientKeysScope(q *request, o object, scope string) error {
	if _, chosen := o["client_secret"]; chosen && !q.can(scope) {
		return insufficient(scope)
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
	change, err := q.object(clientSchema().patching())
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
			next.Credentials, next.AuthMethod = creds, tenant.AuthPrivateKeyJWT
		}
		if err := checkClient(next); err != nil {
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
	conns, err := a.store.Connections.List(ctx)
	if err != nil {
		return answer{}, err
	}
	for _, conn := range conns {
		if !slices.Contains(conn.EnabledClients, id) {
			continue
		}
		if err := a.setEnabled(ctx, conn.ID, map[string]bool{id: false}); err != nil && !errors.Is(err, tenant.ErrNotFound) {
			return answer{}, err
		}
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
	q.query.Set("take", orText(q.query.Get("take"), "50"))
	return pages(q, "connections", all, func(c *tenant.Connection) string { return c.ID }, func(c *tenant.Connection) (object, error) {
		return a.showConnection(q, c)
	})
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
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

// checkClient judges a client as a whole.
func checkClient(c *tenant.Client) error {
	for _, l := range []struct {
		name  string
		list  []string
		judge func(string, bool) string
	}{
		{"callbacks", c.Callbacks, returnURL},
		{"allowed_logout_urls", c.LogoutURLs, returnURL},
		{"web_origins", c.WebOrigins, webOrigin},
		{"allowed_origins", c.Origins, webOrigin},
	} {
		for _, s := range l.list {
			if why := l.judge(s, c.UnsafeWildcards); why != "" {
				return badProperty(l.name, "Object didn't pass validation for format "+urlFormat(l.name)+": "+cutText(s, 128)+" "+why, "")
			}
		}
	}
	public := c.AuthMethod == tenant.AuthNone
	switch {
	case c.UnsafeWildcards && !c.FirstParty:
		return badProperty("unsafe_wildcards", "wildcards are not for third-party clients", "")
	case public && slices.Contains(c.GrantTypes, "client_credentials"):
		return badProperty("grant_types", "client_credentials needs a client that authenticates", "")
	case c.JWT.Algorithm != "" && !slices.Contains([]string{"RS256", "HS256", "PS256"}, c.JWT.Algorithm):
		return badProperty("jwt_configuration.alg", "No enum match for: "+cutText(c.JWT.Algorithm, 32), "")
	case public && c.JWT.Algorithm == "HS256":
		return badProperty("jwt_configuration.alg", "HS256 needs a client that keeps a secret", "")
	case c.JWT.LifetimeSeconds < 0 || c.JWT.LifetimeSeconds > 2592000:
		return badProperty("jwt_configuration.lifetime_in_seconds", "is not between 1 and 2592000", "")
	case c.AuthMethod == tenant.AuthPrivateKeyJWT && len(c.Credentials) == 0:
		return badProperty("token_endpoint_auth_method", "private_key_jwt needs client_authentication_methods with a key", "")
	}
	if c.OIDCLogout != nil {
		for _, s := range c.OIDCLogout.BackchannelURLs {
			if why := endpoint(s); why != "" {
				return badProperty("oidc_logout.backchannel_logout_urls", cutText(s, 128)+" "+why, "")
			}
		}
	}
	return checkRefresh(c.Refresh, public)
}

func urlFormat(list string) string {
	if strings.HasSuffix(list, "origins") {
		return "origin"
	}
	return "absolute-uri-or-empty"
}

func checkRefresh(p *tenant.RefreshPolicy, public bool) error {
	if p == nil {
		return nil
	}
	const year = 31557600
	switch {
	case p.Rotation != "rotating" && p.Rotation != "non-rotating":
		return badProperty("refresh_token.rotation_type", "No enum match for: "+cutText(p.Rotation, 32), "")
	case p.Expiration != "expiring" && p.Expiration != "non-expiring":
		return badProperty("refresh_token.expiration_type", "No enum match for: "+cutText(p.Expiration, 32), "")
	case p.Rotation == "rotating" && p.Expiration != "expiring":
		return badProperty("refresh_token.expiration_type", "has to be expiring where tokens rotate", "")
	case public && p.Rotation != "rotating":
		return badProperty("refresh_token.rotation_type", "has to be rotating for a client that does not authenticate", "")
	case p.Leeway < 0 || p.Leeway > 60:
		return badProperty("refresh_token.leeway", "is not between 0 and 60", "")
	case p.Lifetime < 0 || p.IdleLifetime < 0 || p.Lifetime > 5*year || p.IdleLifetime > 5*year:
		return badProperty("refresh_token.token_lifetime", "is not between 1 and 157788000", "")
	case p.Expiration == "expiring" && !p.InfiniteLifetime && p.Lifetime > 0 && p.IdleLifetime > p.Lifetime:
		return badProperty("refresh_token.idle_token_lifetime", "is longer than token_lifetime", "")
	case len(p.Policies) > 0 && !json.Valid(p.Policies):
		return badProperty("refresh_token.policies", "cannot be read", "")
	}
	return nil
}
