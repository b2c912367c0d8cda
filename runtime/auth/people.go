package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/outbound"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/identities"
)

// Users says that whom an issuer vouches for has an account here. The account is
// bound to "iss" and "sub" of the first token, and found by these two from then
// on, whatever address or name later tokens have.
//
// Somebody who comes for the first time gets an account that is there already
// only if the issuer says that the address is verified, nobody is bound to the
// account, and the address of the account was shown to be its owner's as well,
// or accounts have no other way to log in. Of an address that was not, whatever
// was attached to the account before is removed: password, sessions, keys.
//
// The zero value makes no accounts: only those are let in who have one.
type Users struct {
	// Create makes an account for somebody who has none, with the roles that
	// every account has.
	Create bool
	// Email is the field with the address; empty means [Config.Email].
	Email string
	// Fields maps fields of the account to what they are taken from: email,
	// email_verified, name, nickname, username, picture, sub, or the path of a
	// claim.
	Fields map[string]string
	// Defaults is a JSON object with the values of further fields. Fields win
	// over it, and it wins over the defaults of the design.
	Defaults string
	// VerifiedOnly refuses to make an account for an address that the issuer does
	// not say is verified.
	VerifiedOnly bool
	// Update brings the fields of Fields up to date when a new token comes, save
	// the address, unique fields, user names and roles.
	Update bool
	// Machines lets programs in that log in by themselves (client credentials).
	// They have no account: they may do what the permissions of their token say,
	// or its scope.
	Machines bool
	// FirstAdmin is an address: the first whom the issuer says it to be the
	// verified one of gets every role, once. The setting FIRST_ADMIN_EMAIL wins
	// over it, and where nobody logs in with a password ADMIN_EMAIL stands for it
	// too.
	FirstAdmin string
}

// A NewAccount is one that is about to be made.
type NewAccount struct {
	// Profile is what the issuer says.
	Profile Profile
	// Fields are the values of the account, by the names of its fields in JSON.
	// They may be changed, roles too.
	Fields map[string]any
}

// OnNewAccount has f called before an account is made for somebody whom an
// issuer vouches for. An error of it refuses the account: a [*gate.AuthError] is
// answered as it is, any other one means that it could not be decided. It is
// called outside of any transaction, and again if another request is faster.
// Call it before the service answers requests.
func (a *Auth) OnNewAccount(f func(context.Context, *NewAccount) error) {
	a.onNew = append(a.onNew, f)
}

// Identities returns who at the issuer is which account, nil unless tokens of one
// are taken and their bearers have accounts.
func (a *Auth) Identities() *identities.Store {
	if a.people == nil {
		return nil
	}
	return a.people.store
}

// people finds and makes the accounts of those whom an issuer vouches for.
type people struct {
	Users

	auth     *Auth
	store    *identities.Store
	client   *outbound.Client
	defaults map[string]any
	profile  string // the namespaced claim with the profile
	email    *model.Field
	byEmail  string // statement
	silence  string // statement: no password fits any more
	bound    memory // accounts by subject
	silent   memory // subjects of whom the issuer says nothing more
	told     memory // where an issuer tells who somebody is
	failing  memory // why it did not tell, by subject or for everybody
	granted  atomic.Bool
}

// errAgain means that somebody else was faster: what they did has to be seen.
var errAgain = errors.New("somebody else was faster")

// usePeople makes the accounts of the issuer ready.
func (a *Auth) usePeople(i *issuer) error {
	if a.cfg.OIDC == nil || a.cfg.OIDC.Users == nil {
		return nil
	}
	h := &people{Users: *a.cfg.OIDC.Users, auth: a, profile: a.cfg.OIDC.claimName(a.opts, "user"), defaults: map[string]any{}}
	var err error
	if h.store, err = identities.New(a.opts.DB, identities.Config{Now: a.opts.Now}); err != nil {
		return err
	}
	if h.client, err = outbound.New(outbound.Config{}); err != nil {
		return err
	}
	if h.Defaults != "" {
		d := json.NewDecoder(strings.NewReader(h.Defaults))
		d.UseNumber()
		if err := d.Decode(&h.defaults); err != nil {
			return fmt.Errorf("defaults of new accounts: %w", err)
		}
	}
	if h.Email == "" {
		h.Email = a.cfg.Email
	}
	if h.Email != "" {
		if h.email, err = field(a.entity.Entity(), h.Email); err != nil {
			return err
		}
		q := a.opts.DB.Dialect().Quote
		stored := "NULL"
		if a.accounts.password != nil {
			stored = q(a.accounts.password.Column)
			h.silence = "UPDATE " + q(a.accounts.entity.Table) + " SET " + stored + " = '' WHERE " + q(a.accounts.id.Column) + " = $1"
		}
		h.byEmail = "SELECT " + a.accounts.idText() + ", " + q(h.email.Column) + ", COALESCE(" + stored + ", '') FROM " +
			q(a.accounts.entity.Table) + " WHERE " + sameText(a.opts.DB.Dialect(), q(h.email.Column), h.email.Type) + " LIMIT 1"
	}
	a.people, i.people = h, h
	return nil
}

// principal returns the account behind a token that was verified, with what the
// token gives besides.
func (h *people) principal(ctx context.Context, p *gate.Principal, token string) (*gate.Principal, error) {
	subject := strings.TrimPrefix(p.Subject, p.Issuer+"|")
	if isMachine(p.Claims, subject) {
		if !h.Machines {
			return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "Tokens of programs are not taken here", Subject: p.Subject}
		}
		if claim(p.Claims.Extra, h.auth.cfg.OIDC.PermissionsClaim) == nil { // what a program asks for is what it was granted
			p.Permissions = permissions(words(p.Claims.Extra["scope"]))
		}
		return p, nil
	}
	if strings.HasSuffix(subject, "@clients") {
		// Called like a program, and not shown to be one: neither that nor a person.
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "The subject of the access token is not its client", Subject: p.Subject}
	}
	id, err := h.account(ctx, p.Claims, subject, token)
	if err != nil {
		return nil, err
	}
	own, err := h.auth.accounts.Subject(ctx, id)
	switch {
	case errors.Is(err, gate.ErrNotAuthenticated) && !errors.Is(err, gate.ErrUnavailable):
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "invalid token", Subject: id, Err: identities.ErrRemoved}
	case err != nil:
		return nil, unavailable(err)
	}
	p.Subject, p.Tenant = id, own.Tenant
	for _, role := range own.Roles {
		if !slices.Contains(p.Roles, role) {
			p.Roles = append(p.Roles, role)
		}
	}
	p.AuthenticatedAt = authTime(p, h.auth.cfg.OIDC.claimName(h.auth.opts, "auth_time"))
	return p, nil
}

// account returns the account of a subject, which it makes if need be.
func (h *people) account(ctx context.Context, claims *jose.Claims, subject, token string) (string, error) {
	if id, ok := h.bound.get(subject, h.auth.opts.Now()); ok {
		return id, nil
	}
	for range 4 {
		found, err := h.store.Find(ctx, claims.Issuer, subject)
		switch {
		case err == nil:
			err = h.refresh(ctx, found, claims)
		case errors.Is(err, identities.ErrUnknown):
			found.Account, err = h.admit(ctx, claims, subject, token)
		case errors.Is(err, identities.ErrRemoved):
			return "", &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "invalid token", Err: err}
		}
		if errors.Is(err, errAgain) {
			continue
		}
		if err != nil {
			return "", h.refused(ctx, subject, decided(err))
		}
		h.bound.put(subject, found.Account, h.auth.opts.Now(), cacheFor)
		return found.Account, nil
	}
	return "", h.refused(ctx, subject, h.refusal("another account has one of its values", subject))
}

// refused logs why somebody gets no account: the answer does not say it.
func (h *people) refused(ctx context.Context, subject string, err error) error {
	if errors.Is(err, gate.ErrUnavailable) {
		return err // the edge logs faults
	}
	h.auth.opts.Logger.InfoContext(ctx, "account refused", "subject", subject, "err", err)
	return err
}

// decided keeps refusals and makes everything else a failure to decide.
func decided(err error) error {
	if _, ok := errors.AsType[*gate.AuthError](err); ok {
		return err
	}
	return unavailable(err)
}

// refusal is 403: who it is is known, but there is no account for them. The
// reason may tell about accounts of others, so only the log has it.
func (h *people) refusal(reason, subject string) error {
	return &gate.AuthError{
		Code: gate.ErrForbidden, Message: "There is no account for you here. Confirm your e-mail address, or ask whoever runs the service",
		Subject: subject, Err: errors.New(reason),
	}
}
