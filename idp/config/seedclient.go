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
	made, shown := found == nil, secret.String("")
	if made {
		if found, shown, err = p.newClient(c); err != nil {
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
// up.
func (p *planter) newClient(c Client) (*tenant.Client, secret.String, error) {
	in := map[string]any{"name": c.Name, "app_type": c.appType()}
	for _, l := range c.addresses() {
		if len(l.list) > 0 {
			in[l.name] = l.list
		}
	}
	if c.SecretEnv != "" {
		value := p.cfg.secretOf(c.SecretEnv)
		if value == "" {
			return nil, "", fmt.Errorf("the variable %s is not set", c.SecretEnv)
		}
		in["client_secret"] = value.Reveal()
	}
	if c.ID != "" {
		return p.clientOfID(c, in)
	}
	made := new(tenant.Client)
	if err := p.post("clients", in, made); err != nil {
		return nil, "", err
	}
	// Names are not unique: of two processes that start at once one was faster.
	first, err := p.findClient(c)
	if err != nil || first.ID == made.ID {
		return p.shown(c, made, err)
	}
	return first, "", p.Admin.Do(p.ctx, http.MethodDelete, "clients/"+made.ID, nil, nil)
}

func (p *planter) shown(c Client, made *tenant.Client, err error) (*tenant.Client, secret.String, error) {
	if err != nil {
		return nil, "", err
	}
	if c.SecretEnv != "" || made.AuthMethod == tenant.AuthNone {
		return made, "", nil
	}
	stored, err := p.Tenant().Clients.Get(p.ctx, made.ID)
	if err != nil {
		return nil, "", err
	}
	return stored, secret.String(stored.Secret), nil
}

// clientOfID makes a client whose ID is chosen. The Management API chooses IDs
// itself, so the client is made there and then put under the other one.
func (p *planter) clientOfID(c Client, in map[string]any) (*tenant.Client, secret.String, error) {
	random := new(tenant.Client)
	if err := p.post("clients", in, random); err != nil {
		return nil, "", err
	}
	stored, err := p.Tenant().Clients.Get(p.ctx, random.ID)
	if err != nil {
		return nil, "", err
	}
	made := *stored
	made.ID = c.ID
	err = p.Tenant().Clients.Create(p.ctx, &made)
	if errors.Is(err, tenant.ErrExists) {
		err = nil // another process was faster
	}
	return p.shown(c, &made, errors.Join(err, p.Admin.Do(p.ctx, http.MethodDelete, "clients/"+random.ID, nil, nil)))
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
