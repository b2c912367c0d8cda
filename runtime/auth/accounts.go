package auth

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/strategy/local"
)

// Accounts finds accounts in the rows of the auth entity. It reads them past
// the rules, for it is what the rules rest on; nothing of a row but identifier,
// roles, tenant and password hash leaves it. It is safe for concurrent use.
type Accounts struct {
	db       *store.DB
	entity   *model.Entity
	id       *model.Field
	login    *model.Field
	password *model.Field            // nil without
	roles    *model.Field            // nil without
	tenant   *model.Field            // nil without
	held     func([]string) []string // roles that count, with those that they hold; nil when all do, and none does
	// confirmed reports whether the address of an account is; nil when that does
	// not matter for logging in.
	confirmed func(ctx context.Context, subject string) (bool, error)

	// above reports whether somebody with these roles is not kept to a tenant, which
	// matters when theirs is deleted; nil when deleted tenants are not kept.
	above func(*gate.Principal) bool

	defaults []string    // the roles of an account whose entity keeps none
	others   []*Accounts // those of other entities that log in, of the accounts alone
	byID     string      // statements
	byLogin  string
	replace  string // of a hash by a better one of the same password

	setPassword string
	touched     *model.Field // when the row was changed; nil without
	cache       *cache
	now         func() time.Time
}

// newAccounts returns the accounts of an entity whose fields are those.
func newAccounts(db *store.DB, e *model.Entity, said fields, now func() time.Time) (*Accounts, error) {
	a := &Accounts{db: db, entity: e, cache: newCache(), now: now, id: &e.Fields[e.IDField()]}
	var err error
	if a.login, err = field(e, said.login); err != nil {
		return nil, err
	}
	if said.password != "" {
		if a.password, err = field(e, said.password); err != nil {
			return nil, err
		}
	}
	if said.roles != "" {
		if a.roles, err = field(e, said.roles); err != nil {
			return nil, err
		}
	}
	if f := e.TenantField(); f != model.NoField {
		a.tenant = &e.Fields[f]
	}
	a.questions(nil)
	q := db.Dialect().Quote
	if a.password != nil {
		a.replace = "UPDATE " + q(e.Table) + " SET " + q(a.password.Column) + " = $1 WHERE " +
			q(a.id.Column) + " = $2 AND " + q(a.password.Column) + " = $3"
		set := q(a.password.Column) + " = $1"
		if f := e.Find(model.UpdatedAt); f != model.NoField {
			a.touched = &e.Fields[f]
			set += ", " + q(a.touched.Column) + " = $4"
		}
		if f := e.VersionField(); f != model.NoField { // the row is another one now
			count := q(e.Fields[f].Column)
			set += ", " + count + " = " + count + " + 1"
		}
		a.setPassword = "UPDATE " + q(e.Table) + " SET " + set + " WHERE " + q(a.id.Column) + " = $2 AND COALESCE(" + q(a.password.Column) + ", '') = $3"
	}
	return a, nil
}

// questions writes the statements that read accounts. With the entity of the tenants
// they ask whether that of an account is deleted.
func (a *Accounts) questions(tenants *model.Entity) {
	q := a.db.Dialect().Quote
	columns := []string{a.idText(), "NULL", "NULL", "NULL", "1 = 0"}
	if a.password != nil {
		columns[1] = q(a.password.Column)
	}
	if a.roles != nil {
		columns[2] = q(a.roles.Column)
	}
	if a.tenant != nil {
		columns[3] = "CAST(" + q(a.tenant.Column) + " AS TEXT)"
	}
	if tenants != nil {
		id, gone := tenants.Fields[tenants.IDField()].Column, tenants.Fields[tenants.SoftDeleteField()].Column
		columns[4] = "EXISTS (SELECT 1 FROM " + q(tenants.Table) + " AS gone WHERE gone." + q(id) + " = " + q(a.entity.Table) + "." + q(a.tenant.Column) +
			" AND gone." + q(gone) + " IS NOT NULL)"
	}
	from := "SELECT " + strings.Join(columns, ", ") + " FROM " + q(a.entity.Table) + " WHERE "
	a.byID = from + q(a.id.Column) + " = $1"
	a.byLogin = from + sameText(a.db.Dialect(), q(a.login.Column), a.login.Type) + " LIMIT 1"
}

func field(e *model.Entity, name string) (*model.Field, error) {
	f, ok := e.Field(name)
	if !ok {
		return nil, fmt.Errorf("entity %s has no field %q", e.Name, name)
	}
	return &e.Fields[f], nil
}

// idText returns the id as text, which is how accounts are spoken of.
func (a *Accounts) idText() string {
	return "CAST(" + a.db.Dialect().Quote(a.id.Column) + " AS TEXT)"
}

// sameText compares a column with $1 the way its unique index does.
func sameText(d store.Dialect, column string, t model.Type) string {
	switch {
	case t != model.Email && t != model.Username:
		return column + " = $1"
	case d == store.SQLite:
		return column + " = $1 COLLATE NOCASE"
	default:
		return `lower(` + column + ` COLLATE "C") = lower($1 COLLATE "C")`
	}
}

// of returns the accounts that a subject is one of.
func (a *Accounts) of(subject string) *Accounts {
	for _, other := range a.others {
		if other.entity.Account(subject) != "" {
			return other
		}
	}
	return a
}

// key returns the argument for the id column.
func (a *Accounts) key(subject string) (any, bool) {
	id, ok := a.id.ID.Parse(a.entity.Account(subject))
	if !ok || a.id.ID != model.Serial {
		return id, ok
	}
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil
}

// Subject returns the account with that identifier as it is now, for strategies
// that recognise it by other means than a password. Those of [Auth.Accounts] know the
// subjects of [Config.Also] as well, and find only accounts by a login name. One
// that is not there is [gate.ErrNotAuthenticated]; any other error means that it
// could not tell. The principal is shared and must not be changed.
func (a *Accounts) Subject(ctx context.Context, id string) (*gate.Principal, error) {
	a = a.of(id)
	if e, ok := a.cache.subject(id, a.now()); ok {
		return e.principal, nil
	}
	key, ok := a.key(id)
	if !ok {
		return nil, gate.ErrNotAuthenticated
	}
	e, err := a.load(ctx, "", a.byID, key)
	if err != nil {
		return nil, err
	}
	return e.principal, nil
}

// ByLogin returns the account with that login name, for strategies that check
// passwords. E-mail addresses and user names compare without regard to case. A
// name that is not there is [gate.ErrNotAuthenticated]; any other error means
// that it could not tell.
func (a *Accounts) ByLogin(ctx context.Context, name string) (*gate.Account, error) {
	e, err := a.byName(ctx, name)
	if err != nil {
		return nil, err
	}
	account := e.account
	if a.confirmed == nil || account.Disabled {
		return &account, nil
	}
	confirmed, err := a.confirmed(ctx, account.Subject)
	if err != nil {
		return nil, err
	}
	account.Disabled = !confirmed
	return &account, nil
}

// Proof returns the [gate.Principal.Proof] of an account as it is now, without
// remembering anything.
func (a *Accounts) Proof(ctx context.Context, subject string) (string, error) {
	a = a.of(subject)
	key, ok := a.key(subject)
	if !ok {
		return "", gate.ErrNotAuthenticated
	}
	e, err := a.read(ctx, "", a.byID, key)
	if err != nil {
		return "", err
	}
	return local.Proof(e.account.PasswordHash), nil
}

// byName returns the account with that login.
func (a *Accounts) byName(ctx context.Context, login string) (*entry, error) {
	if e, ok := a.cache.login(login, a.now()); ok {
		return e, nil
	}
	return a.load(ctx, login, a.byLogin, login)
}

// load reads one account and remembers it.
func (a *Accounts) load(ctx context.Context, login, query string, arg any) (*entry, error) {
	epoch := a.cache.epoch()
	e, err := a.read(ctx, login, query, arg)
	if err == nil {
		a.cache.put(e, epoch, a.now())
	}
	return e, err
}

// read reads one account.
func (a *Accounts) read(ctx context.Context, login, query string, arg any) (*entry, error) {
	var (
		subject string
		hash    sql.NullString
		roles   []byte
		tenant  sql.NullString
		gone    bool
	)
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err := a.db.Read().QueryRowContext(ctx, query, arg).Scan(&subject, &hash, &roles, &tenant, &gone)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, gate.ErrNotAuthenticated
	case err != nil:
		return nil, fmt.Errorf("read account: %w", a.db.Wrap(err))
	}
	subject = a.entity.Subject(subject)
	acc := gate.Account{Subject: subject, PasswordHash: hash.String, Roles: a.defaults, Tenant: tenant.String}
	if a.roles != nil {
		acc.Roles = nil
		if roles != nil {
			if err := json.Unmarshal(roles, &acc.Roles); err != nil {
				return nil, fmt.Errorf("read account: roles: %w", err)
			}
		}
	}
	if a.held != nil {
		acc.Roles = a.held(acc.Roles)
	}
	e := &entry{account: acc, login: login, principal: &gate.Principal{Subject: subject, Roles: acc.Roles, Tenant: acc.Tenant}}
	if gone && !a.above(e.principal) {
		return nil, gate.ErrNotAuthenticated // it is let in again when its tenant comes back
	}
	return e, nil
}

// ReplaceHash sets the password hash of the account to next if it still is old.
// It is no error when it is not.
func (a *Accounts) ReplaceHash(ctx context.Context, subject, old, next string) error {
	key, ok := a.key(subject)
	if !ok || a.replace == "" {
		return nil
	}
	_, err := a.db.Exec(ctx, a.replace, next, key, old)
	a.cache.drop(subject)
	if err != nil {
		return fmt.Errorf("replace password hash: %w", err)
	}
	return nil
}

// any reports whether there is an account at all.
func (a *Accounts) any(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
},
) (bool, error) {
	var one int
	err := q.QueryRowContext(ctx, "SELECT 1 FROM "+a.db.Dialect().Quote(a.entity.Table)+" LIMIT 1").Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for accounts: %w", a.db.Wrap(err))
	}
	return true, nil
}
