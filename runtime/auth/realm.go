package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/store/throttle"
)

// Also is an entity beside that of the accounts whose rows log in. Its rows are other
// people than the accounts, also where their ids are the same: their subject is the
// name of the entity, a slash and the id, see [model.Entity.Subject].
type Also struct {
	// Entity is the key in answers: "customer".
	Entity string
	// Strategy is the name of the strategy that their passwords log in with:
	// "local-customer".
	Strategy string
	// Login, Password and Roles are the names of the fields that hold what somebody
	// logs in with, the password and the roles.
	Login, Password, Roles string
}

// fields are the names of those by which accounts log in.
type fields struct{ login, password, roles, email string }

// A realm is an entity whose rows log in: that of the accounts, or one beside it.
type realm struct {
	auth     *Auth
	key      string // in answers
	fields   fields
	entity   Entity
	accounts *Accounts
	flows    *account.Flows
}

// checkAlso refuses what does not go together yet.
func (c *Config) checkAlso() error {
	if len(c.Also) == 0 {
		return nil
	}
	if c.OIDC != nil || c.Letters != nil {
		return errors.New("several entities log in: that does not go together with the tokens of an issuer, or with letters")
	}
	keys := []string{c.Entity, "accessToken", "refreshToken", "authentication"}
	for _, also := range c.Also {
		if also.Login == "" || also.Password == "" || also.Roles == "" || also.Entity == "" || slices.Contains(keys, also.Entity) {
			return fmt.Errorf("the entity %q, which logs in too, lacks a login, a password, roles or a name of its own", also.Entity)
		}
		keys = append(keys, also.Entity)
	}
	return nil
}

// useAll makes the realms.
func (a *Auth) useAll(e Entity, also []Entity) error {
	if len(also) != len(a.cfg.Also) {
		return fmt.Errorf("%d entities log in beside the accounts, and there are %d", len(a.cfg.Also), len(also))
	}
	main, err := a.use(e, a.cfg.Entity, fields{a.cfg.Login, a.cfg.Password, a.cfg.Roles, a.cfg.Email})
	if err != nil {
		return err
	}
	if e.Entity().LogsIn {
		return fmt.Errorf("%s holds the accounts, and logs in beside them", e.Entity().Name)
	}
	for _, one := range append([]Entity{e}, also...) {
		if one.Entity().Tenant != "" && len(also) > 0 {
			return fmt.Errorf("several entities log in, and rows of %s belong to tenants: that does not go together", one.Entity().Name)
		}
	}
	a.accounts, a.entity, a.cfg.Email = main.accounts, e, main.fields.email
	for i, other := range also {
		if !other.Entity().LogsIn {
			return fmt.Errorf("%s logs in beside the accounts, and does not say so", other.Entity().Name)
		}
		said := a.cfg.Also[i]
		r, err := a.use(other, said.Entity, fields{said.Login, said.Password, said.Roles, ""})
		if err != nil {
			return err
		}
		a.accounts.others = append(a.accounts.others, r.accounts)
	}
	for _, r := range a.realms {
		if err := r.openFlows(); err != nil {
			return err
		}
		r.entity.OnChange(r.changed)
		r.entity.Check(r.judge)
	}
	a.flows = main.flows
	if l := a.cfg.Letters; l != nil && l.Confirm {
		main.accounts.confirmed = users{main.accounts, main}.confirmed
	}
	return nil
}

// use makes a realm without its flows.
func (a *Auth) use(e Entity, key string, said fields) (*realm, error) {
	found, err := newAccounts(a.opts.DB, e.Entity(), said, a.opts.Now)
	if err != nil {
		return nil, err
	}
	kind := e.Entity().Kind()
	found.defaults = a.opts.Policy.Defaults(kind)
	if kind != "" {
		found.held = func(roles []string) []string { return a.opts.Policy.HeldBy(kind, roles) }
	}
	for _, role := range a.opts.Policy.Roles() {
		if len(role.Inherits) > 0 && kind == "" {
			found.held = a.opts.Policy.Held
		}
	}
	said.email = emailField(e.Entity(), said)
	r := &realm{auth: a, key: key, fields: said, entity: e, accounts: found}
	a.realms = append(a.realms, r)
	return r, nil
}

// realm returns that of a principal, which is that of the accounts for who has none.
func (a *Auth) realm(p *gate.Principal) *realm {
	if p != nil && len(a.realms) > 0 {
		for _, r := range a.realms[1:] {
			if r.entity.Entity().Account(p.Subject) != "" {
				return r
			}
		}
	}
	return a.realms[0]
}

// entityOf returns the key of an account in answers.
func (a *Auth) entityOf(p *gate.Principal) string {
	if len(a.realms) == 0 {
		return a.cfg.Entity
	}
	return a.realm(p).key
}

// An entityTrail notes what happens to an account under the entity whose row it is. The
// engine and what people do with their accounts know that of the accounts alone.
type entityTrail struct{ auth *Auth }

// Record implements [gate.Auditor].
func (t entityTrail) Record(ctx context.Context, e gate.AuditEvent) {
	e.Entity = t.auth.entityOf(&gate.Principal{Subject: e.Subject})
	for _, also := range t.auth.cfg.Also {
		if e.Subject == "" && e.Strategy == also.Strategy {
			e.Entity = also.Entity // whoever it was, that is the log-in they were refused at
		}
	}
	t.auth.trail.Record(ctx, e)
}

// AccountsOf returns the accounts of an entity of [Config.Also], for the strategy that
// they log in with; nil if there is none of that name.
func (a *Auth) AccountsOf(entity string) *Accounts {
	for _, r := range a.realms {
		if e := r.entity.Entity(); e.LogsIn && e.Name == entity {
			return r.accounts
		}
	}
	return nil
}

// ThrottleOf returns what slows guessing down at the log-in of an entity of
// [Config.Also]. Names that nobody has are counted by themselves there, or a name that
// is closed at one log-in would tell at the other whether somebody has it.
func (a *Auth) ThrottleOf(entity string) gate.Throttle { return apart{a.throttle, entity + "/"} }

// apart counts names that nobody has by themselves.
type apart struct {
	*throttle.Throttle

	kind string
}

// Begin implements [gate.Throttle].
func (t apart) Begin(ctx context.Context, key string) (func(gate.Outcome), error) {
	if name, unknown := strings.CutPrefix(key, "login:"); unknown {
		key = "login:" + t.kind + name // the names of the accounts are in lower case, and kinds are not
	}
	return t.Throttle.Begin(ctx, key)
}
