package auth

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/identities"
)

// handOver gives an account to whoever reads the letters to its address: it is
// taken from those whom an issuer vouched for without calling the address
// verified, with a new password also from those of whom it was an address of before,
// and from everybody when a change of address is undone. Whoever had the account that
// way may have set the password and made keys; these end too.
func (h *people) handOver(ctx context.Context, id string, what account.Arrival) error {
	if h == nil {
		return nil
	}
	from := map[account.Arrival]identities.Circle{
		account.Opened: identities.Unverified, account.PasswordSet: identities.Strangers, account.TakenBack: identities.Everybody,
	}[what]
	strangers := 0
	err := crud.InTx(ctx, h.auth.opts.DB, func(ctx context.Context) (err error) {
		tx, _ := crud.Tx(ctx, h.auth.opts.DB)
		strangers, err = h.store.Unbind(ctx, tx, h.auth.cfg.Entity, id, from)
		if err != nil || strangers == 0 {
			return err
		}
		if what == account.Opened { // else it is the reader's own password
			if err := h.takePassword(ctx, tx, id); err != nil {
				return err
			}
		}
		return h.endPast(ctx, tx, id)
	})
	h.bound.dropText(id) // what may be done with it is judged anew
	if err != nil || strangers == 0 {
		return err
	}
	h.note(ctx, "identity.unbind", id, "")
	return nil
}

// takePassword takes the password off an account: none fits any more.
func (h *people) takePassword(ctx context.Context, tx *sql.Tx, id string) error {
	if h.silence == "" {
		return nil
	}
	key, _ := h.auth.accounts.key(id)
	if _, err := tx.ExecContext(ctx, h.silence, key); err != nil {
		return fmt.Errorf("take the password off an account: %w", h.auth.opts.DB.Wrap(err))
	}
	return nil
}

// endPast ends what was obtained by those who had an account before, in the
// transaction that takes it from them: both, or neither. The link that undoes a
// change of address stays: the one before may be the true owner's.
func (h *people) endPast(ctx context.Context, tx *sql.Tx, id string) error {
	a := h.auth
	if a.refresh != nil {
		if err := a.refresh.EndSubjectIn(ctx, tx, a.cfg.Entity, id); err != nil {
			return err
		}
	}
	told, err := a.sessions.EndSubjectIn(ctx, tx, a.cfg.Entity, id)
	if err != nil {
		return err
	}
	crud.OnCommit(ctx, a.opts.DB, told)
	if a.apiKeys != nil {
		if told, err = a.apiKeys.RevokeSubjectIn(ctx, tx, a.cfg.Entity, id); err != nil {
			return err
		}
		crud.OnCommit(ctx, a.opts.DB, told)
	}
	crud.OnCommit(ctx, a.opts.DB, func(context.Context) {
		h.bound.dropText(id)
		a.accounts.cache.drop(id)
	})
	return a.tokens.VoidIn(ctx, tx, a.cfg.Entity, id, pastLinks()...)
}

// pastLinks are the links in letters that whoever had an account before may hold.
func pastLinks() []accounts.Purpose {
	return []accounts.Purpose{accounts.ResetPassword, accounts.VerifyEmail, accounts.ChangeEmail}
}

// voidIn voids the links that a change of an account makes void, in the
// transaction of the change: with another password or address those that are on
// their way. Of an address of before an issuer's word counts no more. Who looks
// after accounts has the last word, else the owner may undo a change of address.
func (r *realm) voidIn(ctx context.Context, tx *sql.Tx, c crud.Changed) error {
	address := r.changes(c.Set, r.fields.login) || r.readdresses(c.Set)
	if !address && !r.changes(c.Set, r.fields.password) {
		return nil
	}
	purposes := pastLinks()
	if address && r.auth.byAnother(ctx, c.ID) {
		purposes = append(purposes, accounts.UndoEmailChange)
	}
	if address && r.auth.people != nil {
		if err := r.auth.people.store.Moved(ctx, tx, r.auth.cfg.Entity, c.ID); err != nil {
			return err
		}
	}
	return r.auth.tokens.VoidIn(ctx, tx, r.auth.cfg.Entity, c.ID, purposes...)
}

// byAnother reports whether a change of an account is made by somebody else than
// its owner, who is not the service itself.
func (a *Auth) byAnother(ctx context.Context, id string) bool {
	caller, _ := gate.PrincipalFromContext(ctx)
	return !authz.IsSystem(ctx) && (caller == nil || caller.Subject != id)
}
