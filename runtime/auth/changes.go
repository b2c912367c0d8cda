package auth

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/throttle"
)

// judge refuses changes of accounts that take more than a log-in, and ends what a
// change ends in its own transaction: a change that cannot end it is not made.
func (r *realm) judge(ctx context.Context, c crud.Changed) error {
	c.ID = r.entity.Entity().Subject(c.ID) // which is how everything here speaks of accounts
	if err := r.stepUp(ctx, c); err != nil || c.Action == authz.Create {
		return err
	}
	tx, ok := crud.Tx(ctx, r.auth.opts.DB)
	if !ok {
		return errors.New("an account is changed outside of a transaction")
	}
	return r.endIn(ctx, tx, c)
}

// stepUp refuses what takes an account over, or away, to whoever has not logged
// in for a while: a stolen token is not enough for it, nor is an API key.
func (r *realm) stepUp(ctx context.Context, c crud.Changed) error {
	if c.Action == authz.Delete && r.auth.people != nil {
		if err := r.auth.people.forgetIn(ctx, c.ID); err != nil { // is undone with the rest if it is refused below
			return err
		}
	}
	switch {
	case authz.IsSystem(ctx),
		c.Action == authz.Create && !r.changes(c.Set, r.fields.roles) && !r.moves(c.Set),
		c.Action == authz.Update && !r.delicate(c.Set):
		return nil
	}
	p, _ := gate.PrincipalFromContext(ctx)
	if err := p.RequireFresh(r.auth.cfg.StepUp, r.auth.opts.Now()); err != nil || c.Action != authz.Update || r.auth.letters == nil {
		return err
	}
	// Where there are letters, an address counts when it was confirmed, and a
	// password is for its owner to choose.
	var problems model.Problems
	switch own := p.Subject == c.ID; {
	case own && r.changes(c.Set, r.fields.email):
		problems.Add(r.fields.email, model.CodeReadOnly, "is changed by PUT "+AccountPath+"/email, and counts when it was confirmed")
	case !own && r.changes(c.Set, r.fields.password):
		problems.Add(r.fields.password, model.CodeReadOnly, "is for its owner to set, with the letter that POST "+AccountPath+"/password/forgot sends")
	default:
		return nil
	}
	return &gate.Error{Status: http.StatusBadRequest, Message: "Some fields are wrong", Errors: problems}
}

// delicate reports whether a change of these fields changes who may log in, or
// as what.
func (r *realm) delicate(set model.FieldSet) bool {
	return r.changes(set, r.fields.login) || r.readdresses(set) ||
		r.changes(set, r.fields.password) || r.changes(set, r.fields.roles) || r.moves(set)
}

// readdresses reports whether a change of these fields gives an account another
// address: whoever reads the letters to it sets a new password, and whoever an
// issuer says it belongs to may get the account. Where there are neither letters
// nor such an issuer, an address that nobody logs in with is a field like others.
func (r *realm) readdresses(set model.FieldSet) bool {
	return r.auth.letters != nil && r.changes(set, r.fields.email) || r.auth.people != nil && r.changes(set, r.auth.people.Email)
}

// moves reports whether a change of these fields changes the tenant of an account.
func (r *realm) moves(set model.FieldSet) bool {
	f := r.entity.Entity().TenantField()
	return f != model.NoField && set.Has(f)
}

func (r *realm) changes(set model.FieldSet, name string) bool {
	f, ok := r.entity.Entity().Field(name)
	return ok && set.Has(f)
}

// endIn ends what a change of an account ends: with a new password and without the
// account itself its sessions, with other roles its refresh tokens. In another
// tenant it has none of the keys that were made for the old one, either.
func (r *realm) endIn(ctx context.Context, tx *sql.Tx, c crud.Changed) error {
	if err := r.voidIn(ctx, tx, c); err != nil {
		return err
	}
	gone, password, moved := c.Action == authz.Delete, r.changes(c.Set, r.fields.password), r.moves(c.Set)
	if !gone && !password && !moved && !r.changes(c.Set, r.fields.roles) {
		return nil
	}
	if r.auth.refresh != nil {
		if err := r.auth.refresh.EndSubjectIn(ctx, tx, r.auth.cfg.Entity, c.ID); err != nil {
			return err
		}
	}
	if !gone && !password {
		return r.auth.revokeKeysIn(ctx, tx, c.ID, moved)
	}
	caller, _ := gate.PrincipalFromContext(ctx)
	own := caller != nil && caller.Subject == c.ID
	var except []string
	if own && !gone && caller.SessionID != "" {
		except = append(except, caller.SessionID)
	}
	told, err := r.auth.sessions.EndSubjectIn(ctx, tx, r.auth.cfg.Entity, c.ID, except...)
	if err != nil {
		return err
	}
	crud.OnCommit(ctx, r.auth.opts.DB, told)
	return r.auth.revokeKeysIn(ctx, tx, c.ID, gone || moved || !own && !authz.IsSystem(ctx)) // the account is taken back from somebody
}

// revokeKeysIn ends the API keys of an account when that is needed.
func (a *Auth) revokeKeysIn(ctx context.Context, tx *sql.Tx, subject string, needed bool) error {
	if a.apiKeys == nil || !needed {
		return nil
	}
	told, err := a.apiKeys.RevokeSubjectIn(ctx, tx, a.cfg.Entity, subject)
	if err == nil {
		crud.OnCommit(ctx, a.opts.DB, told)
	}
	return err
}

// changed follows the changes of accounts, after the commit. It ends sessions and
// tokens once more, for what hooks of the service changed after realm.judge.
func (r *realm) changed(ctx context.Context, c crud.Changed) {
	c.ID = r.entity.Entity().Subject(c.ID)
	if c.Action == authz.Create {
		r.auth.note(ctx, "account.create", c.ID)
		r.auth.welcome(ctx, c.ID)
		return
	}
	r.accounts.cache.drop(c.ID)
	// The change is made whether or not its sender still waits for the answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if c.Action == authz.Delete {
		r.auth.note(ctx, "account.delete", c.ID)
		if r.auth.people != nil {
			r.auth.people.bound.dropText(c.ID)
		}
		r.auth.endSessions(ctx, c.ID)
		r.auth.forget(ctx, c.ID)
		return
	}
	if r.moves(c.Set) {
		r.auth.note(ctx, "tenant.change", c.ID)
		r.auth.endRefresh(ctx, c.ID)
		r.auth.revokeKeys(ctx, c.ID)
	}
	if r.changes(c.Set, r.fields.roles) {
		r.auth.note(ctx, "roles.change", c.ID)
		// Roles are read for each request, so the access token may live out its
		// minutes. It is not renewed: who holds other rights logs in anew.
		r.auth.endRefresh(ctx, c.ID)
	}
	caller, _ := gate.PrincipalFromContext(ctx)
	byAnother := r.auth.byAnother(ctx, c.ID)
	if login, address := r.changes(c.Set, r.fields.login), r.readdresses(c.Set); login || address {
		if login {
			r.auth.note(ctx, "login.change", c.ID)
		} else {
			r.auth.note(ctx, "address.change", c.ID)
		}
		purposes := pastLinks()
		if byAnother {
			purposes = append(purposes, accounts.UndoEmailChange)
		}
		if err := r.auth.tokens.Void(ctx, r.auth.cfg.Entity, c.ID, purposes...); err != nil {
			r.auth.opts.Logger.ErrorContext(ctx, "links in letters not made void", "subject", c.ID, "err", err)
		}
	}
	if !r.changes(c.Set, r.fields.password) {
		return
	}
	r.auth.note(ctx, "password.change", c.ID)
	if err := r.flows.PasswordChanged(ctx, c.ID); err != nil {
		r.auth.opts.Logger.ErrorContext(ctx, "links in letters not made void", "subject", c.ID, "err", err)
	}
	if caller != nil && caller.Subject == c.ID && caller.SessionID != "" {
		r.auth.endSessions(ctx, c.ID, caller.SessionID)
		return
	}
	r.auth.endSessions(ctx, c.ID)
	if byAnother { // the account is taken back from somebody
		r.auth.revokeKeys(ctx, c.ID)
	}
}

// revokeKeys ends the API keys of an account.
func (a *Auth) revokeKeys(ctx context.Context, subject string) {
	if a.apiKeys == nil {
		return
	}
	if _, err := a.apiKeys.RevokeSubject(ctx, a.cfg.Entity, subject); err != nil {
		a.opts.Logger.ErrorContext(ctx, "API keys not revoked", "subject", subject, "err", err)
	}
}

// endSessions ends the sessions of an account, save those listed, and every
// refresh token.
func (a *Auth) endSessions(ctx context.Context, subject string, except ...string) {
	if _, err := a.sessions.EndSubject(ctx, a.cfg.Entity, subject, except...); err != nil {
		a.opts.Logger.ErrorContext(ctx, "sessions not ended", "subject", subject, "err", err)
	}
	a.endRefresh(ctx, subject)
}

// welcome asks whoever made an account to confirm its address.
func (a *Auth) welcome(ctx context.Context, subject string) {
	if a.letters == nil || authz.IsSystem(ctx) {
		return
	}
	if err := a.flows.SendVerification(context.WithoutCancel(ctx), &gate.Principal{Subject: subject}); err != nil {
		a.opts.Logger.ErrorContext(ctx, "letter to confirm an address not sent", "subject", subject, "err", err)
	}
}

// endRefresh ends the refresh tokens of an account.
func (a *Auth) endRefresh(ctx context.Context, subject string) {
	if a.refresh == nil {
		return
	}
	if _, err := a.refresh.EndSubject(ctx, a.cfg.Entity, subject); err != nil {
		a.opts.Logger.ErrorContext(ctx, "refresh tokens not ended", "subject", subject, "err", err)
	}
}

// note writes what happened to an account into the trail.
func (a *Auth) note(ctx context.Context, action, subject string) {
	e := gate.AuditEvent{Action: action, Outcome: gate.Succeeded, Subject: subject, At: a.opts.Now()}
	e.Client, _ = gate.ClientFromContext(ctx)
	if p, ok := gate.PrincipalFromContext(ctx); ok {
		e.SessionID, e.Strategy = p.SessionID, p.Strategy
		if p.Subject != subject {
			e.Actor = p.Subject
		}
	}
	entityTrail{a}.Record(ctx, e)
}

// withDevice tells the throttle about the device of a request.
func (a *Auth) withDevice(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token := throttle.DeviceCookie(r); token != "" {
			r = r.WithContext(throttle.ContextWithDevice(r.Context(), token))
		}
		next.ServeHTTP(w, r)
	})
}

// rememberDevice lets a browser that logged in do so again while strangers have
// used up the account's attempts.
func (a *Auth) rememberDevice(ctx context.Context, h http.Header, r *gate.Result) {
	if a.throttle.Knows(ctx, throttle.Account(r.Principal.Subject)) {
		return // one device is one budget of attempts
	}
	token, expires := a.throttle.IssueDevice(throttle.Account(r.Principal.Subject))
	throttle.SetDeviceCookie(headerWriter{h}, token, expires)
}

// headerWriter is what sets a cookie wants, of which it uses the header.
type headerWriter struct{ header http.Header }

func (w headerWriter) Header() http.Header       { return w.header }
func (w headerWriter) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }
func (w headerWriter) WriteHeader(int)           {}

// Login answers logins and log-outs with access tokens.
func (a *Auth) Login() http.Handler { return a.withDevice(a.service.Handler()) }

// Session answers logins and log-outs of browsers, which get a cookie; nil
// without [Config.Cookies].
func (a *Auth) Session() (http.Handler, error) {
	if a.cfg.Cookies == nil {
		return nil, nil //nolint:nilnil // the doc says so
	}
	h, err := a.service.SessionHandler(gate.CookieConfig{
		ExpiresIn: a.cfg.Cookies.ExpiresIn, IdleFor: a.cfg.Cookies.IdleFor,
		TrustedOrigins: a.TrustedOrigins(), Strategies: a.proofs,
	})
	if err != nil {
		return nil, err
	}
	return a.withDevice(h), nil
}
