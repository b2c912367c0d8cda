package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/gatewright/gate/idp/tenant"
)

// ready looks, before anything is written, for what this seed needs and is not
// here: the variables and the files of what is to be made. All of it is told.
func (p *planter) ready(s Seed) error {
	var missing []error
	need := func(what, name string, variables ...string) {
		for _, v := range variables {
			if v != "" && p.cfg.secretOf(v) == "" {
				missing = append(missing, fmt.Errorf("%s %s: the variable %s is not set", what, name, v))
			}
		}
	}
	for _, c := range s.Clients {
		switch found, err := p.findClient(c); {
		case err != nil:
			return fmt.Errorf("client %s: %w", c.Name, err)
		case found == nil:
			need("client", c.Name, c.SecretEnv)
		}
	}
	for _, c := range s.Connections {
		switch _, err := p.Tenant().Connections.ByName(p.ctx, c.Name); {
		case errors.Is(err, tenant.ErrNotFound):
			need("connection", c.Name, c.ClientSecretEnv)
		case err != nil:
			return fmt.Errorf("connection %s: %w", c.Name, err)
		}
	}
	for _, u := range s.Users {
		if !p.was(KindUser, s.connectionOf(u), u.Email) {
			need("user", u.Email, u.PasswordEnv)
		}
	}
	for _, a := range s.Actions {
		_, err := p.Tenant().Actions.ByName(p.ctx, a.Name)
		if err != nil && !errors.Is(err, tenant.ErrNotFound) {
			return fmt.Errorf("action %s: %w", a.Name, err)
		}
		if err == nil || p.was(KindAction, a.Name) {
			continue
		}
		if a.Code == "" {
			if _, err := os.ReadFile(p.cfg.path(a.File)); err != nil {
				missing = append(missing, fmt.Errorf("action %s: %w", a.Name, err))
			}
		}
		for _, v := range slices.Sorted(maps.Values(a.Secrets)) {
			need("action", a.Name, v)
		}
	}
	return errors.Join(missing...)
}

// connectionOf returns the connection of a user: the first one that keeps
// passwords unless said.
func (s Seed) connectionOf(u User) string {
	if u.Connection != "" {
		return u.Connection
	}
	if len(s.Connections) == 0 {
		return DefaultConnection
	}
	for _, c := range s.Connections {
		if c.isDatabase() {
			return c.Name
		}
	}
	return ""
}
