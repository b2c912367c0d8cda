package management

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

func noConnection(err error) error {
	return orConflict(orAbsent(err, "The connection does not exist", "inexistent_connection"), "A connection with the same name already exists", "")
}

// showConnection returns a connection as callers see it: without its secrets.
func showConnection(c *tenant.Connection) (object, error) {
	o, err := view(c)
	if err != nil {
		return nil, err
	}
	o["options"], err = maskedOptions(o["options"])
	return o, err
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
	return pages(q, "connections", all, func(c *tenant.Connection) string { return c.ID }, showConnection)
}

func (a *API) getConnection(ctx context.Context, q *request) (answer, error) {
	c, err := a.store.Connections.Get(ctx, q.id("connection"))
	if err != nil {
		return answer{}, noConnection(err)
	}
	o, err := showConnection(c)
	return answer{status: 200, body: q.pick(o)}, err
}

func (a *API) createConnection(ctx context.Context, q *request) (answer, error) {
	o, err := q.object(shape.Connection())
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
	if err := keepSecrets(&tenant.Connection{}, c); err != nil {
		return answer{}, err
	}
	if err := a.checkConnection(c); err != nil {
		return answer{}, err
	}
	if err := a.knownClients(ctx, c.EnabledClients); err != nil {
		return answer{}, err
	}
	if err := a.findConnection(ctx, c); err != nil {
		return answer{}, err
	}
	if err := a.store.Connections.Create(ctx, c); err != nil {
		return answer{}, noConnection(err)
	}
	shown, err := showConnection(c)
	return answer{status: 201, body: shown}, err
}

// knownClients refuses those of a list that are not there, and names up to ten.
func (a *API) knownClients(ctx context.Context, ids []string) error {
	var unknown []string
	for _, id := range ids {
		if len(unknown) == 10 {
			break
		}
		_, err := a.store.Clients.Get(ctx, id)
		if errors.Is(err, tenant.ErrNotFound) { // or another process made it just now
			_, err = a.store.Clients.Stored(ctx, id)
		}
		switch {
		case errors.Is(err, tenant.ErrNotFound):
			unknown = append(unknown, shape.Cut(id, 64))
		case err != nil:
			return err
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return badProperty("enabled_clients", "There is no such client: "+strings.Join(unknown, ", "), "")
}

// checkConnection judges a connection that was written: what would fail at the next
// log-in is refused now.
func (a *API) checkConnection(c *tenant.Connection) error {
	if err := c.Check(); err != nil || a.cfg.CheckConnection == nil {
		return err
	}
	return a.cfg.CheckConnection(c)
}

// findConnection asks for the names of hosts. No transaction is open meanwhile.
func (a *API) findConnection(ctx context.Context, c *tenant.Connection) error {
	if a.cfg.FindConnection == nil {
		return nil
	}
	return a.cfg.FindConnection(ctx, c)
}

func databaseDefaults(options object) {
	for name, value := range map[string]string{
		"mfa": `{"active":true,"return_enroll_settings":true}`, "passwordPolicy": `"good"`, "strategy_version": "2",
		"authentication_methods": `{"password":{"enabled":true},"passkey":{"enabled":false}}`, "brute_force_protection": "true",
	} {
		options.setDefault(name, value)
	}
}

func (a *API) updateConnection(ctx context.Context, q *request) (answer, error) {
	change, err := q.object(shape.Connection().Patching().Reserve("name", "strategy"))
	if err != nil {
		return answer{}, err
	}
	c, err := a.store.Connections.Get(ctx, q.id("connection"))
	if err != nil {
		return answer{}, noConnection(err)
	}
	next, leads, err := a.changedConnection(c, change)
	if err == nil {
		before := c.EnabledClients
		err = a.knownClients(ctx, slices.DeleteFunc(slices.Clone(next.EnabledClients), func(id string) bool { return slices.Contains(before, id) }))
	}
	if err == nil && leads {
		err = a.findConnection(ctx, next)
	}
	if err != nil {
		return answer{}, err
	}
	c, err = a.store.Connections.Update(ctx, c.ID, func(c *tenant.Connection) error {
		next, _, err := a.changedConnection(c, change)
		if err != nil {
			return err
		}
		*c = *next
		return nil
	})
	if err != nil {
		return answer{}, noConnection(err)
	}
	shown, err := showConnection(c)
	return answer{status: 200, body: shown}, err
}

// changedConnection returns a connection as a change leaves it, and whether its
// options are others: with those of before it goes on, whatever would be said of them
// today.
func (a *API) changedConnection(c *tenant.Connection, change object) (next *tenant.Connection, leads bool, err error) {
	if next, err = patched(c, change); err != nil {
		return nil, false, err
	}
	if err := keepSecrets(c, next); err != nil {
		return nil, false, err
	}
	before, err := json.Marshal(c.Options)
	if err != nil {
		return nil, false, err
	}
	after, err := json.Marshal(next.Options)
	if err != nil {
		return nil, false, err
	}
	if bytes.Equal(before, after) {
		return next, false, next.Check()
	}
	return next, true, a.checkConnection(next)
}

func (a *API) deleteConnection(ctx context.Context, q *request) (answer, error) {
	c, err := a.store.Connections.Get(ctx, q.id("connection"))
	if errors.Is(err, tenant.ErrNotFound) {
		return accepted(map[string]any{"deleted_at": timeText(a.now())})
	}
	if err != nil {
		return answer{}, err
	}
	// The sessions of its users end with it, and clients hear of that as of others.
	if err := a.store.Connections.Delete(ctx, c.ID); err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return answer{}, err
	}
	return accepted(map[string]any{"deleted_at": timeText(a.now())})
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
	q.query.Set("take", cmp.Or(q.query.Get("take"), "50"))
	return pages(q, "clients", c.EnabledClients, func(id string) string { return id }, func(id string) (object, error) {
		return object{"client_id": quoted(id)}, nil
	})
}

func (a *API) updateConnectionClients(ctx context.Context, q *request) (answer, error) {
	q.body = slices.Concat([]byte(`{"clients":`), q.body, []byte(`}`)) // the body is a bare array
	o, err := q.only(shape.Schema{"clients": {Check: shape.List(50, shape.ObjectOf(2, 256)), Needed: true}})
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
	address, err := tenant.CanonicalEmail(q.query.Get("email"))
	if err != nil || address == "" {
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
