package auth

import (
	"context"
	"net/http"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
)

// permit holds what somebody does with their own account against the rule of the
// field, as a PATCH would. The rule of the entity is for those who look after
// accounts: it does not keep anybody from their own password.
func (r *realm) permit(ctx context.Context, p *gate.Principal, c account.Change) error {
	name := r.fields.email
	if c == account.NewPassword {
		name = r.fields.password
		if !r.auth.passwordLogins {
			return &gate.AuthError{Code: gate.ErrForbidden, Message: "Nobody logs in here with a password", Subject: p.Subject}
		}
	}
	f, err := field(r.entity.Entity(), name)
	if err != nil {
		return &gate.AuthError{Code: gate.ErrForbidden, Message: "Accounts have no such field", Subject: p.Subject, Err: err}
	}
	if f.Update == nil && !f.ReadOnly {
		return nil
	}
	rule, err := authz.ParseRule(f.Update...)
	if err != nil {
		return err // cannot be: the entity was checked when it was made
	}
	if p.Roles == nil && p.Strategy == "" { // who opened a letter is the account, and nobody has looked it up
		if p, err = r.accounts.Subject(ctx, p.Subject); err != nil {
			return err
		}
	}
	decision := r.auth.opts.Policy.Decide(p, rule)
	if !f.ReadOnly && (decision == authz.Allowed || decision == authz.OwnRows) {
		return nil
	}
	return &gate.Error{Status: http.StatusForbidden, Errors: model.Problems{
		{Field: f.Name, Code: model.CodeForbidden, Message: "needs a right that you do not have"},
	}}
}
