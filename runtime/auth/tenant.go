package auth

import (
	"context"
	"fmt"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// Tenants finds the entity of the tenants among those of the service. Where deleted
// tenants are kept, the accounts of one are let in nowhere, by log-in or by what
// they logged in with before, until it comes back; but for those that hold a role
// above tenants. In this process that counts at once, in others within five
// seconds. The server calls it once, when all entities are there.
func (a *Auth) Tenants(entities ...crud.Service) error {
	for _, r := range a.realms {
		if err := a.tenantsOf(r.accounts, entities); err != nil {
			return err
		}
	}
	return nil
}

func (a *Auth) tenantsOf(accounts *Accounts, entities []crud.Service) error {
	if accounts.tenant == nil {
		return nil
	}
	for _, s := range entities {
		e := s.Entity()
		if e.Name != accounts.tenant.To || e.SoftDeleteField() == model.NoField {
			continue
		}
		told, ok := s.(interface {
			OnChange(tell func(context.Context, crud.Changed))
		})
		if !ok {
			return fmt.Errorf("%s, which can be deleted and come back, tells nobody of its changes: accounts of deleted tenants would be let in", e.Name)
		}
		told.OnChange(func(_ context.Context, c crud.Changed) {
			if c.Action != authz.Update { // a tenant that comes back is told of as a new one
				accounts.cache.empty()
			}
		})
		accounts.above = a.opts.Policy.AcrossTenants
		accounts.questions(e)
	}
	return nil
}
