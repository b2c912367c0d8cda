package permtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/accounts"
)

// ghost is a role of which no design knows.
const ghost = "ghost"

// A caller is somebody who calls.
type caller struct {
	kind, name string
	of         string // the entity as a row of which they log in, beside the accounts
	account    string // id; empty for whom there is none
	tenant     string // id of that in which the account is; empty for none
	outside    bool   // it is in none, where others are in one
	above      bool   // rules hold in all tenants
	headers    http.Header
	scopes     []string // of the key with which they come; nil without one
}

// String returns how errors name the caller.
func (c *caller) String() string {
	who := c.kind
	if c.name != "" {
		who = c.name
	}
	if c.outside {
		who += " in no tenant"
	}
	if c.of != "" {
		who += " of " + c.of
	}
	switch {
	case c.scopes != nil && c.kind == anonymous:
		who = "key for nothing"
	case c.scopes != nil:
		who = "key for " + who
	}
	return who
}

// unknown reports whether the service does not know who that is.
func (c *caller) unknown() bool { return c.kind == anonymous && c.scopes == nil }

// people makes the callers of the matrix, and with them the rows of the entity
// that holds the accounts.
func (k *kit) people() {
	k.t.Helper()
	known := append(k.known(), matrixCaller{Kind: signedIn, Name: ghost})
	for _, m := range known {
		for _, c := range k.places(caller{kind: m.Kind, name: m.Name, of: k.as.name(k.accounts), above: m.AcrossTenants}) {
			if m.Kind == anonymous || k.except(c.String()) {
				continue
			}
			if !k.possible(c) {
				if m.Kind == permission && k.keys() && k.granted(m.Name) {
					continue // that a key has
				}
				k.leftOut("%s: nobody can come as that here", c)
				continue
			}
			k.admit(c)
			k.callers = append(k.callers, c)
		}
	}
	for _, c := range k.programs() {
		if !k.except(c.String()) {
			k.admit(c)
			k.callers = append(k.callers, c)
		}
	}
	k.aside = k.strangers()
	k.stranger = k.aside[0]
	for _, c := range k.aside {
		k.admit(c)
	}
	k.bystanders()
}

// rolesField is the field of accounts with their roles.
func (k *kit) rolesField() (*model.Field, bool) {
	if k.accounts == nil {
		return nil, false
	}
	f := k.accounts.model.Find(model.Roles)
	if f == model.NoField {
		return nil, false
	}
	return &k.accounts.model.Fields[f], true
}

// possible reports whether somebody can come as that caller.
func (k *kit) possible(c *caller) bool {
	_, roles := k.rolesField()
	_, foreign := k.door.(*issuer)
	switch {
	case c.kind == permission:
		return k.door.gives(permission, c.name)
	case c.kind == role || c.name == ghost:
		return roles && (!foreign || k.vouched()) || c.kind == role && k.door.gives(role, c.name)
	}
	return true
}

// vouched reports whether whom the issuer vouches for has an account.
func (k *kit) vouched() bool {
	i, ok := k.door.(*issuer)
	return ok && i.cfg.Users != nil
}

// admit makes the account of a caller, and has them come in.
func (k *kit) admit(c *caller) {
	k.t.Helper()
	if c.scopes != nil {
		k.hand(c)
		return
	}
	r := k.account(c.tenant)
	k.accounts.rows = append(k.accounts.rows, r)
	if !k.door.makes() {
		k.insert(r)
		k.confirm(r)
	}
	_, foreign := k.door.(*issuer)
	alone := foreign && !k.vouched() // known by a token, and without an account
	if alone && !slices.Contains(k.aside, c) {
		c.tenant = ""
	}
	if c.account = r.id; alone {
		c.account = ""
	}
	var err error
	if c.headers, err = k.door.enter(c, r.values); err != nil {
		k.t.Fatalf("%s: %v", c, err)
	}
	if alone {
		if slices.Contains(k.aside, c) {
			c.account = r.id
		}
		return
	}
	if k.door.makes() {
		c.account = k.me(c)
		r.id = c.account
		k.complete(r)
	}
	k.give(c)
	r.owner = r.id
	if got := k.me(c); got != c.account {
		k.t.Fatalf("%s is somebody else: the account %q, want %q", c, got, c.account)
	}
}

// me asks the service who somebody is.
func (k *kit) me(c *caller) string {
	k.t.Helper()
	status, body := k.do(c, http.MethodGet, "/api/me", nil)
	var account map[string]any
	if status != http.StatusOK || decode(body, &account) != nil || account["id"] == nil {
		k.t.Fatalf("%s is not known to the service: %d %s", c, status, body)
	}
	return fmt.Sprint(account["id"])
}

// confirm notes that the address of an account is its owner's, where nobody logs
// in before that.
func (k *kit) confirm(r *row) {
	k.t.Helper()
	a := k.cfg.Service.Auth
	if a.Letters == nil || !a.Letters.Confirm {
		return
	}
	verified, err := accounts.NewVerified(k.app.DB, accounts.VerifiedConfig{})
	if err != nil {
		k.t.Fatal(err)
	}
	for i := range r.entity.model.Fields {
		f := &r.entity.model.Fields[i]
		if address, ok := r.values[f.Name].(string); ok && f.Type == model.Email {
			if err := verified.SetOwned(k.ctx(), k.app.Auth.EntityKey(), r.id, address); err != nil {
				k.t.Fatal(err)
			}
		}
	}
}

// complete fills in what the issuer did not say of an account.
func (k *kit) complete(r *row) {
	k.t.Helper()
	rest := map[string]any{}
	i, _ := k.door.(*issuer)
	for n := range r.entity.model.Fields {
		f := &r.entity.model.Fields[n]
		_, told := i.cfg.Users.Fields[f.Name]
		if v := r.values[f.Name]; v != nil && !told && f.Name != i.cfg.Users.Email && f.Type != model.Password && f.Type != model.Email {
			rest[f.Name] = v
		}
	}
	delete(r.values, passwordKey(r.entity.model))
	k.patch(r, rest)
}

func passwordKey(e *model.Entity) string {
	if f := e.Find(model.Password); f != model.NoField {
		return e.Fields[f].Name
	}
	return ""
}

// give makes the roles of an account those of the caller and no others.
func (k *kit) give(c *caller) {
	k.t.Helper()
	f, ok := k.rolesField()
	if !ok || c.account == "" {
		return
	}
	r := &row{entity: k.accounts, id: c.account, values: map[string]any{}}
	roles := []string{}
	if c.kind == role {
		roles = append(roles, c.name)
	}
	k.patch(r, map[string]any{f.Name: roles})
	if c.name == ghost && c.kind == signedIn { // no door of the service lets that in
		q := k.app.DB.Dialect().Quote
		_, err := k.app.DB.Exec(k.ctx(), "UPDATE "+q(k.accounts.model.Table)+" SET "+q(f.Column)+" = $1 WHERE "+q(k.accounts.id().Column)+" = $2",
			`["`+strings.Join(append([]string{ghost}, k.foreign()...), `","`)+`"]`, k.accounts.key(c.account))
		if err != nil {
			k.t.Fatal(err)
		}
	}
}

// account is a row of somebody who is to call, in that tenant.
func (k *kit) account(tenant string) *row {
	r := &row{entity: k.accounts, tenant: tenant, variant: k.accounts.variants[0], values: k.values(k.accounts, k.accounts.variants[0])}
	k.relate(r)
	return r
}

// idle is a row of somebody who never comes, and needs no password for that: to hash
// one takes longer than all else that is done with the row.
func (k *kit) idle(tenant string) *row {
	r := k.account(tenant)
	delete(r.values, passwordKey(k.accounts.model))
	return r
}

// bystanders makes accounts that nobody comes with: one for each condition, and
// one with every role, so that no other is the last that has one: the service
// keeps that.
func (k *kit) bystanders() {
	k.t.Helper()
	for _, v := range k.accounts.variants[1:] {
		r := &row{entity: k.accounts, tenant: k.home(), variant: v, values: k.values(k.accounts, v)}
		k.relate(r)
		k.insert(r)
		r.owner = k.stranger.account // nobody else is tried with them
		k.accounts.rows = append(k.accounts.rows, r)
	}
	f, ok := k.rolesField()
	if !ok {
		return
	}
	r := k.idle(k.home())
	k.insert(r)
	r.owner = r.id
	k.patch(r, map[string]any{f.Name: k.everyRole()})
	k.accounts.rows = append(k.accounts.rows, r)
}

// patch changes a row as the service itself.
func (k *kit) patch(r *row, values map[string]any) {
	k.t.Helper()
	if err := k.tryPatch(r, values); err != nil {
		k.t.Fatalf("a sample of %s cannot be changed (%s): %v", r.entity.Name, strings.Join(slices.Sorted(maps.Keys(values)), ", "), err)
	}
}

func (k *kit) tryPatch(r *row, values map[string]any) error {
	if len(values) == 0 {
		return nil
	}
	body, err := json.Marshal(values)
	if err != nil {
		return err
	}
	if _, err := r.entity.service.PatchRow(authz.System(k.ctx()), r.id, body, nil); err != nil {
		return err
	}
	maps.Copy(r.values, values)
	return nil
}

// insert makes a row as the service itself.
func (k *kit) insert(r *row) {
	k.t.Helper()
	if err := k.tryInsert(r); err != nil {
		k.unmade(r.entity, err)
	}
}

// unmade ends the test: a row that nobody may refuse was refused.
func (k *kit) unmade(e *entity, err error) {
	k.t.Helper()
	why := err.Error()
	if refusal, ok := errors.AsType[*gate.Error](err); ok && refusal.Errors != nil {
		why = fmt.Sprintf("%s: %v", why, refusal.Errors)
	}
	if slices.ContainsFunc(e.model.Fields, func(f model.Field) bool { return f.Type == model.Relation }) {
		k.t.Fatalf("a sample of %s cannot be made: %s: give it values by Samples, or say by Targets to which rows its keys may lead, in samples_test.go", e.Name, why)
	}
	k.t.Fatalf("a sample of %s cannot be made: %s: give it values by Samples, in samples_test.go", e.Name, why)
}

func (k *kit) tryInsert(r *row) error {
	body, err := json.Marshal(r.values)
	if err != nil {
		return err
	}
	made, err := r.entity.service.CreateRow(authz.System(crud.WithoutPassword(k.ctx())), body, nil)
	r.id = made.ID
	return err
}
