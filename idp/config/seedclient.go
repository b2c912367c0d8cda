package config

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// appType returns the kind of a client in the words of the Management API.
func (c Client) appType() string {
	return map[string]string{SPA: tenant.SPA, Native: tenant.Native, Web: tenant.RegularWeb, Machine: tenant.NonInteractive}[c.Type]
}

// client makes a client, or adds to the one that is there.
func (p *planter) client(c Client) error {
	found, err := p.findClient(c)
	if err != nil {
		return err
	}
	made, shown := false, secret.String("")
	if found == nil {
		if found, shown, made, err = p.newClient(c); err != nil {
			return err
		}
	} else if err := p.addAddresses(c, found); err != nil {
		return err
	}
	p.tell(KindClient, c.Name, found.ID, made, shown)
	p.clients[c.Name] = found.ID
	if c.Type != Machine {
		p.people = append(p.people, found.ID)
	}
	for _, l := range c.addresses() {
		p.noteAll(l.list, KindClient, c.Name, l.name)
	}
	return p.grants(c, found.ID, made)
}

// addresses are the lists of a client.
func (c Client) addresses() []namedList {
	return []namedList{
		{"callbacks", c.Callbacks, func(c *tenant.Client) *[]string { return &c.Callbacks }},
		{"allowed_logout_urls", c.LogoutURLs, func(c *tenant.Client) *[]string { return &c.LogoutURLs }},
		{"web_origins", c.WebOrigins, func(c *tenant.Client) *[]string { return &c.WebOrigins }},
	}
}

type namedList struct {
	name string
	list []string
	of   func(*tenant.Client) *[]string
}

// findClient returns the client with this ID or name, nil when there is none.
func (p *planter) findClient(c Client) (*tenant.Client, error) {
	all, err := p.Tenant().Clients.List(p.ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(t *tenant.Client) bool {
		return c.ID != "" && t.ID == c.ID || c.ID == "" && t.Name == c.Name && !t.Global
	})
	if i < 0 {
		return nil, nil //nolint:nilnil // there is none, and nothing is wrong
	}
	if all[i].AppType != c.appType() {
		return nil, fmt.Errorf("the client %s is there, as %s", all[i].ID, all[i].AppType)
	}
	return all[i], nil
}

// newClient makes a client, and returns its secret if it has one that was made
// up. It is made under one ID, however many processes make it and however often
// one is killed at it.
func (p *planter) newClient(c Client) (client *tenant.Client, shown secret.String, made bool, err error) {
	in := map[string]any{"name": c.Name, "app_type": c.appType()}
	for _, l := range c.addresses() {
		if len(l.list) > 0 {
			in[l.name] = l.list
		}
	}
	if c.SecretEnv != "" {
		value := p.cfg.secretOf(c.SecretEnv)
		if value == "" {
			return nil, "", false, fmt.Errorf("the variable %s is not set", c.SecretEnv)
		}
		in["client_secret"] = value.Reveal()
	}
	id := c.ID
	if id == "" {
		if id, err = p.begin(KindClient, c.Name); err != nil {
			return nil, "", false, err
		}
	}
	in["client_id"] = id // one write, which can be done again
	client = new(tenant.Client)
	err = p.post("clients", in, client)
	if refused, is := errors.AsType[*Refusal](err); is && refused.Status == http.StatusConflict {
		client, err = p.Tenant().Clients.Get(p.ctx, id) // another process was faster
		return client, "", false, err
	}
	if err != nil || c.SecretEnv != "" || client.AuthMethod == tenant.AuthNone {
		return client, "", err == nil, err
	}
	if client, err = p.Tenant().Clients.Get(p.ctx, id); err != nil {
		return nil, "", false, err
	}
	return client, secret.String(client.Secret), true, nil
}

// addAddresses adds to a client the addresses that were never added to it.
func (p *planter) addAddresses(c Client, found *tenant.Client) error {
	change := map[string]any{}
	for _, l := range c.addresses() {
		all := slices.Clone(*l.of(found))
		for _, s := range p.fresh(false, l.list, KindClient, c.Name, l.name) {
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
		if len(all) > len(*l.of(found)) {
			change[l.name] = all
		}
	}
	if len(change) == 0 {
		return nil
	}
	return p.patch("clients/"+found.ID, change)
}

// grants gives a client the scopes of its own.
func (p *planter) grants(c Client, id string, made bool) error {
	for name, scopes := range c.Grants {
		audience := name
		if name == ManagementAPI {
			audience = p.Issuer() + "api/v2/"
		}
		api, err := p.Tenant().APIs.ByName(p.ctx, audience)
		if err != nil {
			return fmt.Errorf("API %s: %w", audience, err)
		}
		if slices.Contains(scopes, "*") {
			scopes = nil
			for _, s := range api.Scopes {
				scopes = append(scopes, s.Value)
			}
		}
		if err := p.grant(id, audience, p.fresh(made, scopes, KindClient, c.Name, "grant", audience)); err != nil {
			return err
		}
		p.noteAll(scopes, KindClient, c.Name, "grant", audience)
	}
	return nil
}

func (p *planter) grant(id, audience string, scopes []string) error {
	if len(scopes) == 0 {
		return nil
	}
	g, err := p.Tenant().Grants.ByName(p.ctx, id+" "+audience)
	if errors.Is(err, tenant.ErrNotFound) {
		return p.post("client-grants", map[string]any{"client_id": id, "audience": audience, "scope": scopes}, nil)
	}
	if err != nil {
		return err
	}
	all := slices.Clone(g.Scope)
	for _, s := range scopes {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	if len(all) == len(g.Scope) {
		return nil
	}
	return p.patch("client-grants/"+g.ID, map[string]any{"scope": all})
}

// connection makes a connection, or lets further clients use it.
func (p *planter) connection(c Connection) error {
	found, err := p.Tenant().Connections.ByName(p.ctx, c.Name)
	made := errors.Is(err, tenant.ErrNotFound)
	clients := p.people
	if c.Clients != nil {
		clients = nil
		for _, name := range c.Clients {
			clients = append(clients, p.clients[name])
		}
	}
	if made {
		found, err = p.newConnection(c, clients)
	}
	if err != nil {
		return err
	}
	p.tell(KindConnection, c.Name, found.ID, made, "")
	var change []map[string]any
	for _, id := range p.fresh(made, clients, KindConnection, c.Name) {
		if !slices.Contains(found.EnabledClients, id) {
			change = append(change, map[string]any{"client_id": id, "status": true})
		}
	}
	if len(change) > 0 {
		if err := p.patch("connections/"+found.ID+"/clients", change); err != nil {
			return err
		}
	}
	p.noteAll(clients, KindConnection, c.Name)
	return nil
}

func (p *planter) newConnection(c Connection, clients []string) (*tenant.Connection, error) {
	options := map[string]any{}
	maps.Copy(options, c.Options)
	set := func(name, value string) {
		if value != "" {
			options[name] = value
		}
	}
	set("issuer", c.Issuer)
	set("client_id", c.ClientID)
	set("passwordPolicy", c.PasswordPolicy)
	if c.ClientSecretEnv != "" {
		value := p.cfg.secretOf(c.ClientSecretEnv)
		if value == "" {
			return nil, fmt.Errorf("the variable %s is not set", c.ClientSecretEnv)
		}
		set("client_secret", value.Reveal())
	}
	if len(c.Scope) > 0 {
		options["scope"] = c.Scope
	}
	if c.ClosedSignup {
		options["disable_signup"] = true
	}
	if c.RequiresUsername {
		options["requires_username"] = true
	}
	if i := c.Imitation; i != nil {
		options["imitation"] = true
		set("client_id", i.ClientID)
		set("client_secret", i.ClientSecret.Reveal())
		set("issuer", i.Issuer)
		set("authorizationURL", i.AuthorizationURL)
		set("tokenURL", i.TokenURL)
		set("userInfoURL", i.UserInfoURL)
		set("tenant_domain", i.Tenant)
		if len(i.Tenants) > 0 {
			options["tenants"] = i.Tenants
		}
	}
	strategy := c.Strategy
	if strategy == "" {
		strategy = tenant.Database
	}
	if clients == nil {
		clients = []string{}
	}
	made := new(tenant.Connection)
	err := p.post("connections", map[string]any{"name": c.Name, "strategy": strategy, "options": options, "enabled_clients": clients}, made)
	if r, ok := errors.AsType[*Refusal](err); ok && c.ClientSecretEnv != "" && strings.Contains(r.Message, "options.client_secret") {
		err = fmt.Errorf("the variable %s: %w", c.ClientSecretEnv, err)
	}
	return made, err
}
