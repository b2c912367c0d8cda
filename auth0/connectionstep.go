package auth0

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

const connectionObject = "connection"

type wireConnection struct {
	ID             string   `json:"id"`
	Name           string   `json:"name"`
	EnabledClients []string `json:"enabled_clients"`
}

type connectionClient struct {
	ID     string `json:"client_id"`
	Status *bool  `json:"status,omitempty"`
}

// findConnection returns the connection of that name, nil when there is none.
func (r *run) findConnection(ctx context.Context, name string) (*wireConnection, error) {
	query := url.Values{"name": {name}, "fields": {"id,name,enabled_clients"}, "include_fields": {"true"}}
	all, err := list(ctx, r.Tenant, apiPath("connections"), "connections", query, func(c *wireConnection) string { return c.ID })
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c wireConnection) bool { return c.Name != name })
	return only(connectionObject, name, all, func(c *wireConnection) string { return c.ID })
}

// enabled returns the clients of a connection. Older tenants know them only as a
// list of the connection itself: then legacy is true.
func (r *run) enabled(ctx context.Context, c *wireConnection) (ids []string, legacy bool, err error) {
	clients, err := checkpoints[connectionClient](ctx, r.Tenant, apiPath("connections", c.ID, "clients"), "clients")
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusNotFound && e.Code != "inexistent_connection" {
		return c.EnabledClients, true, nil
	}
	for _, client := range clients {
		ids = append(ids, client.ID)
	}
	return ids, false, err
}

// setEnabled turns one client of a connection on or off.
func (r *run) setEnabled(ctx context.Context, c *wireConnection, legacy bool, client string, on bool) error {
	if client == "" {
		return errNoID
	}
	rq := request{method: http.MethodPatch, path: apiPath("connections", c.ID, "clients"), body: []connectionClient{{client, &on}}}
	if legacy {
		ids := slices.DeleteFunc(slices.Clone(c.EnabledClients), func(id string) bool { return id == client })
		if on {
			ids = append(ids, client)
		}
		rq.path, rq.body = apiPath("connections", c.ID), map[string]any{"enabled_clients": ids}
	}
	return r.do(ctx, rq, nil)
}

func connectionStep(name string) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		have, err := r.findConnection(ctx, name)
		if err != nil {
			return nil, err
		}
		if have == nil {
			return nil, fmt.Errorf("the tenant has no connection %q: make it first", name)
		}
		client, spa := r.result.ClientID, r.desired.SPA.Name
		f := &finding{change: Change{
			Kind: Bind, Object: connectionObject, Name: name,
			Fields: []FieldChange{{"clients", "", spa}},
		}, write: func(context.Context) error { return errNoID }}
		if client == "" { // still to be made
			return f, nil
		}
		ids, legacy, err := r.enabled(ctx, have)
		if err != nil || slices.Contains(ids, client) {
			return nil, err
		}
		f.write = func(ctx context.Context) error { return r.setEnabled(ctx, have, legacy, client, true) }
		return f, nil
	}
}

func disconnectStep(name string) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		client, err := r.findClient(ctx, r.desired.SPA.Name, spaType)
		if err != nil || client == nil {
			return nil, err
		}
		have, err := r.findConnection(ctx, name)
		if err != nil || have == nil {
			return nil, err
		}
		ids, legacy, err := r.enabled(ctx, have)
		if err != nil || !slices.Contains(ids, client.ID) {
			return nil, err
		}
		change := Change{Kind: Unbind, Object: connectionObject, Name: name, Fields: []FieldChange{{"clients", r.desired.SPA.Name, ""}}}
		return &finding{change, func(ctx context.Context) error { return r.setEnabled(ctx, have, legacy, client.ID, false) }}, nil
	}
}
