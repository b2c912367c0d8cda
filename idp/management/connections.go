package management

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/tenant"
)

func noConnection(err error) error {
	return orConflict(orAbsent(err, "The connection does not exist", "inexistent_connection"), "A connection with the same name already exists", "")
}

func connectionSchema() schema {
	return schema{
		"name": {
			check: matching("connection-name", 128, connectionName), needed: true,
			about: "The name of the connection, of letters, digits and hyphens",
		},
		"strategy":             {check: matching("strategy", 64, connectionName), needed: true},
		"display_name":         {check: text(0, 128)},
		"options":              {check: objectOf(100, 200_000)},
		"enabled_clients":      {check: list(5000, text(1, 64))},
		"realms":               {check: list(10, text(1, 128))},
		"is_domain_connection": {check: boolean},
		"show_as_button":       {check: boolean},
		"metadata":             {check: pairs(10, 255)},
		"authentication":       {check: objectOf(10, 4096)},
		"connected_accounts":   {check: objectOf(10, 4096)},
	}.reserve("id")
}

// connectionName reports whether s is made of letters, digits and single
// hyphens between them.
func connectionName(s string) bool {
	for part := range strings.SplitSeq(s, "-") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return !strings.ContainsRune(alphabet, r) }) {
			return false
		}
	}
	return true
}

// secretOptions are options that are written and, without read:client_keys, not
// read.
func secretOptions() []string {
	return []string{"client_secret", "configuration", "app_secret", "twilio_token", "apple", "signing_key", "decryptionKey", "signingKey"}
}

func (a *API) showConnection(q *request, c *tenant.Connection) (object, error) {
	o, err := view(c)
	if err != nil || q.can("read:client_keys") {
		return o, err
	}
	var options object
	if err := json.Unmarshal(o["options"], &options); err != nil {
		return nil, err
	}
	for _, name := range secretOptions() {
		delete(options, name)
	}
	o.set("options", options)
	return o, nil
}

func (a *API) listConnections(ctx context.Context, q *request) (answer, error) {
	all, err := a.store.Connections.List(ctx)
	if err != nil {
		return answer{}, err
	}
	strategies := append(splitList(q.query["strategy"]), splitList(q.query["strategy[]"])...)
	name := q.query.Get("name")
	all = slices.DeleteFunc(all, func(c *tenant.Connection) bool {
		return len(strategies) > 0 && !slices.Contains(strategies, c.Strategy) || name != "" && c.Name != name
	})
	if q.can("read:client_keys") {
		a.recordRead(ctx, q)
	}
	return pages(q, "connections", all, func(c *tenant.Connection) string { return c.ID }, func(c *tenant.Connection) (object, error) {
		return a.showConnection(q, c)
	})
}

func (a *API) getConnection(ctx context.Context, q *request) (answer, error) {
	c, err := a.store.Connections.Get(ctx, q.id("connection"))
	if err != nil {
		return answer{}, noConnection(err)
	}
	if q.can("read:client_keys") {
		a.recordRead(ctx, q)
	}
	o, err := a.showConnection(q, c)
	return answer{status: 200, body: q.pick(o)}, err
}

func (a *API) createConnection(ctx context.Context, q *request) (answer, error) {
	o, err := q.object(connectionSchema())
	if err != nil {
		return answer{}, err
	}
	o.setDefault("is_domain_connection", "false")
	o.setDefault("enabled_clients", "[]")
	o.setDefault("realms", "["+string(o["name"])+"]")
	o.setDefault("options", "{}")
	if o.text("strategy") == tenant.Database {
		var options object
		if err := o.read("options", &options); err != nil {
			return answer{}, err
		}
		databaseDefaults(options)
		o.set("options", options)
	}
	c, err := into[tenant.Connection](o)
	if err != nil {
		return answer{}, err
	}
	c.ID = "con_" + newText(16)
	if err := checkConnection(c); err != nil {
		return answer{}, err
	}
	if err := a.store.Connections.Create(ctx, c); err != nil {
		return answer{}, noConnection(err)
	}
	shown, err := a.showConnection(q, c)
	return answer{status: 201, body: shown}, err
}

func databaseDefaults(options object) {
	for name, value := range map[string]string{
		"mfa": `{"active":true,"return_enroll_settings":true}`, "passwordPolicy": `"good"`, "strategy_version": "2",
		"authentication_methods": `{"password":{"enabled":true},"passkey":{"enabled":false}}`, "brute_force_protection": "true",
	} {
		options.setDefault(name, value)
	}
}

// checkConnection judges a connection as a whole.
func checkConnection(c *tenant.Connection) error {
	for name, address := range map[string]string{
		"issuer": c.Options.Issuer, "discovery_url": c.Options.DiscoveryURL, "authorizationURL": c.Options.AuthorizationURL,
		"tokenURL": c.Options.TokenURL, "userInfoURL": c.Options.UserInfoURL,
	} {
		if address == "" {
			continue
		}
		if why := endpoint(address); why != "" {
			return badProperty("options."+name, cutText(address, 128)+" "+why, "")
		}
	}
	if !slices.Contains([]string{"", "none", "low", "fair", "good", "excellent"}, c.Options.PasswordPolicy) {
		return badProperty("options.passwordPolicy", "No enum match for: "+cutText(c.Options.PasswordPolicy, 32), "")
	}
	if !slices.Contains([]string{"", "on_each_login", "on_first_login", "never_on_login"}, c.Options.SetRootAttributes) {
		return badProperty("options.set_user_root_attributes", "No enum match for: "+cutText(c.Options.SetRootAttributes, 32), "")
	}
	return nil
}

func (a *API) updateConnection(ctx context.Context, q *request) (answer, error) {
	change, err := q.object(connectionSchema().patching().reserve("name", "strategy"))
	if err != nil {
		return answer{}, err
	}
	c, err := a.store.Connections.Update(ctx, q.id("connection"), func(c *tenant.Connection) error {
		next, err := patched(c, change)
		if err != nil {
			return err
		}
		keepSecret(&c.Options, &next.Options)
		if err := checkConnection(next); err != nil {
			return err
		}
		*c = *next
		return nil
	})
	if err != nil {
		return answer{}, noConnection(err)
	}
	shown, err := a.showConnection(q, c)
	return answer{status: 200, body: shown}, err
}

// keepSecret lets callers who were not shown the secret write the options back
// without it. When the options send it elsewhere than before, it is not kept.
func keepSecret(from, to *tenant.ConnectionOptions) {
	same := from.ClientID == to.ClientID && from.Issuer == to.Issuer && from.DiscoveryURL == to.DiscoveryURL && from.TokenURL == to.TokenURL
	for _, name := range []string{"domain", "token_endpoint", "oidc_metadata", "base_url"} {
		same = same && string(from.Extra[name]) == string(to.Extra[name])
	}
	if !same {
		return
	}
	if to.ClientSecret == "" {
		to.ClientSecret = from.ClientSecret
	}
	if to.Apple == nil {
		to.Apple = from.Apple
	}
}

func (a *API) deleteConnection(ctx context.Context, q *request) (answer, error) {
	c, err := a.store.Connections.Get(ctx, q.id("connection"))
	if errors.Is(err, tenant.ErrNotFound) {
		return accepted(map[string]any{"deleted_at": timeText(a.now())})
	}
	if err != nil {
		return answer{}, err
	}
	open, err := a.openSessions(ctx, c.Name)
	if err != nil {
		return answer{}, err
	}
	if err := a.store.Connections.Delete(ctx, c.ID); err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return answer{}, err
	}
	for user, sessions := range open {
		a.ended(ctx, user, sessions)
	}
	return accepted(map[string]any{"deleted_at": timeText(a.now())})
}

// openSessions returns the sessions of the users of a connection, who go with it,
// when there is somebody to be told.
func (a *API) openSessions(ctx context.Context, connection string) (map[string][]*tenant.Session, error) {
	if a.cfg.SessionsEnded == nil {
		return nil, nil
	}
	users, err := a.usersWithSessions(ctx, connection)
	if err != nil {
		return nil, err
	}
	open := map[string][]*tenant.Session{}
	for _, id := range users {
		if open[id], err = a.store.SessionsOf(ctx, id); err != nil {
			return nil, err
		}
	}
	return open, nil
}

func (a *API) usersWithSessions(ctx context.Context, connection string) ([]string, error) {
	db := a.store.DB()
	rows, err := db.Read().QueryContext(ctx, `SELECT DISTINCT s.user_id FROM idp_sessions s JOIN idp_users u ON u.id = s.user_id
		WHERE u.connection = $1 AND s.expires_at > $2`, connection, a.now().UnixMilli())
	if err != nil {
		return nil, db.Wrap(err)
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, db.Wrap(rows.Err())
}

// timeText returns t as answers have it.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// connectionStatus says whether the connection can be reached. Nothing is asked
// of others for that.
func (a *API) connectionStatus(ctx context.Context, q *request) (answer, error) {
	if _, err := a.store.Connections.Get(ctx, q.id("connection")); err != nil {
		return answer{}, noConnection(err)
	}
	return ok(empty{})
}

func (a *API) listConnectionClients(ctx context.Context, q *request) (answer, error) {
	c, err := a.store.Connections.Get(ctx, q.id("connection"))
	if err != nil {
		return answer{}, noConnection(err)
	}
	q.query.Set("take", orText(q.query.Get("take"), "50"))
	return pages(q, "clients", c.EnabledClients, func(id string) string { return id }, func(id string) (object, error) {
		return object{"client_id": quoted(id)}, nil
	})
}

func (a *API) updateConnectionClients(ctx context.Context, q *request) (answer, error) {
	q.body = slices.Concat([]byte(`{"clients":`), q.body, []byte(`}`)) // the body is a bare array
	o, err := q.only(schema{"clients": {check: list(50, objectOf(2, 256)), needed: true}})
	if err != nil {
		return answer{}, err
	}
	var changes []struct {
		ClientID string `json:"client_id"`
		Status   *bool  `json:"status"`
	}
	if err := o.read("clients", &changes); err != nil {
		return answer{}, err
	}
	enabled := map[string]bool{}
	for _, c := range changes {
		if c.ClientID == "" || c.Status == nil {
			return answer{}, badProperty("clients", "Missing required property: client_id or status", "")
		}
		if _, err := a.store.Clients.Get(ctx, c.ClientID); err != nil {
			return answer{}, noClient(err)
		}
		enabled[c.ClientID] = *c.Status
	}
	if err := a.setEnabled(ctx, q.id("connection"), enabled); err != nil {
		return answer{}, noConnection(err)
	}
	return noContent()
}

// setEnabled adds clients to a connection, or takes them from it.
func (a *API) setEnabled(ctx context.Context, connection string, clients map[string]bool) error {
	_, err := a.store.Connections.Update(ctx, connection, func(c *tenant.Connection) error {
		kept := slices.DeleteFunc(slices.Clone(c.EnabledClients), func(id string) bool {
			on, named := clients[id]
			return named && !on
		})
		for id, on := range clients {
			if on && !slices.Contains(kept, id) {
				kept = append(kept, id)
			}
		}
		c.EnabledClients = kept
		return nil
	})
	return err
}

// deleteConnectionUser deletes the user of a database connection who logs in by
// an address.
func (a *API) deleteConnectionUser(ctx context.Context, q *request) (answer, error) {
	c, err := a.store.Connections.Get(ctx, q.id("connection"))
	if err != nil {
		return answer{}, noConnection(err)
	}
	address, err := emailAddress(q.query.Get("email"))
	if err != nil {
		return answer{}, badQuery("'Object didn't pass validation for format email' on property email.")
	}
	u, id, err := a.store.UserByLogin(ctx, c.Name, address)
	switch {
	case errors.Is(err, tenant.ErrNotFound):
		return noContent()
	case err != nil:
		return answer{}, err
	case u.ID != id.Provider+"|"+id.UserID:
		return answer{}, unsupported("The identity belongs to another user, unlink it first")
	}
	return a.endUser(ctx, u.ID)
}
