package auth

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store/accounts"
)

// handOver gives an account to whoever reads the letters to its address: it is
// taken from those whom an issuer vouched for without calling the address
// verified, and from everybody when a change of address is undone. Whoever had
// the account that way may have set the password and made keys; these end too.
func (h *people) handOver(ctx context.Context, id string, what account.Arrival) error {
	if h == nil {
		return nil
	}
	strangers := 0
	err := crud.InTx(ctx, h.auth.opts.DB, func(ctx context.Context) (err error) {
		tx, _ := crud.Tx(ctx, h.auth.opts.DB)
		strangers, err = h.store.Unbind(ctx, tx, h.auth.cfg.Entity, id, what == account.TakenBack)
		if err != nil || strangers == 0 || what != account.Opened {
			return err // or it is the reader's own password
		}
		return h.takePassword(ctx, tx, id)
	})
	h.bound.dropText(id) // what may be done with it is judged anew
	if err != nil || strangers == 0 {
		return err
	}
	h.note(ctx, "identity.unbind", id, "")
	return h.endPast(ctx, id)
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

// endPast ends what was obtained by those who had an account before. The link that
// undoes a change of address stays: the one before may be the true owner's.
func (h *people) endPast(ctx context.Context, id string) error {
	a := h.auth
	h.bound.dropText(id)
	a.accounts.cache.drop(id)
	a.endSessions(ctx, id)
	a.revokeKeys(ctx, id)
	return a.tokens.Void(ctx, a.cfg.Entity, id, accounts.ResetPassword, accounts.VerifyEmail, accounts.ChangeEmail)
}
