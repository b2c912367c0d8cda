package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/identities"
)

// refresh does what the first sight of a new token asks for. That the token was
// seen is noted last: what failed is done when it comes again.
func (h *people) refresh(ctx context.Context, found identities.Identity, claims *jose.Claims) error {
	p := profileOf(claims, h.profile, found.Subject)
	fresh := claims.IssuedAt.Unix() > found.ProfileAt.Unix()
	if !fresh && !h.mayBeFirst(&p) {
		return nil
	}
	system := authz.System(ctx)
	if fresh && p.object != nil {
		if err := h.update(system, found.Account, &p); err != nil {
			return err
		}
	}
	if err := h.proven(ctx, found.Account, &p, found.Verified); err != nil || !fresh {
		return err
	}
	_, err := h.store.Updated(system, found.Issuer, found.Subject, claims.IssuedAt)
	return err
}

// update brings an account up to date.
func (h *people) update(ctx context.Context, account string, p *Profile) error {
	if !h.Update {
		return nil
	}
	e := h.auth.entity.Entity()
	row, err := users{h.auth.accounts, h.auth.realms[0]}.row(ctx, account)
	if err != nil {
		return err
	}
	changes := h.fields(p)
	maps.DeleteFunc(changes, func(name string, v any) bool {
		f, err := field(e, name)
		return err != nil || f.Unique || f.Type == model.Email || f.Type == model.Username || f.Type == model.Roles ||
			string(row[name]) == string(asJSON(v))
	})
	if len(changes) == 0 {
		return nil
	}
	body, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("update account: %w", err)
	}
	_, err = h.auth.entity.PatchRow(ctx, account, body, nil)
	if refused, ok := errors.AsType[*gate.Error](err); ok && refused.Status < http.StatusInternalServerError {
		h.auth.opts.Logger.WarnContext(ctx, "account not brought up to date", "subject", account, "err", explain(err))
		return nil
	}
	return err
}

// proven takes note of an address that the issuer calls verified: it is that of
// the account, or makes the first administrator.
func (h *people) proven(ctx context.Context, account string, p *Profile, noted bool) error {
	if !p.EmailVerified || p.Email == "" || h.email == nil {
		return nil
	}
	ctx = authz.System(ctx)
	there, err := h.findByEmail(ctx, h.auth.opts.DB.Read(), p.Email)
	if err != nil || there.id != account {
		return err
	}
	known, err := h.auth.verified.Is(ctx, h.auth.cfg.Entity, account, there.email)
	if err == nil && !known {
		err = h.auth.verified.Set(ctx, h.auth.cfg.Entity, account, there.email)
	}
	if err == nil && !noted {
		err = h.noteProof(ctx, account, p)
	}
	if err != nil {
		return err
	}
	return h.firstAdministrator(ctx, account, there.email, p)
}

// noteProof notes that an issuer calls the address verified that the account still
// has: a change of it waits, or is waited for.
func (h *people) noteProof(ctx context.Context, account string, p *Profile) error {
	return crud.InTx(ctx, h.auth.opts.DB, func(ctx context.Context) error {
		tx, _ := crud.Tx(ctx, h.auth.opts.DB)
		now, err := h.holdByEmail(ctx, tx, p.Email)
		if err != nil || now.id != account {
			return err
		}
		return h.store.Prove(ctx, tx, p.Issuer, p.Subject)
	})
}

// mayBeFirst reports whether somebody has the address of the first administrator,
// and this process does not know of one.
func (h *people) mayBeFirst(p *Profile) bool {
	address := h.auth.firstAdmin(h.FirstAdmin)
	return address != "" && strings.EqualFold(address, p.Email) && !h.granted.Load() && h.auth.cfg.Roles != ""
}

// firstAdministrator gives every role to the first owner of the address that the
// operator named. An account into which somebody else may have had a way does not
// get them, whatever has ended since.
func (h *people) firstAdministrator(ctx context.Context, account, email string, p *Profile) error {
	a := h.auth
	if !h.mayBeFirst(p) {
		return nil
	}
	const name = "administrator"
	if done, err := h.store.Granted(ctx, a.cfg.Entity, name); err != nil || done {
		h.granted.Store(done)
		return err
	}
	owned, err := a.verified.Owned(ctx, a.cfg.Entity, account, email)
	if err != nil {
		return err
	}
	if !owned {
		a.opts.Logger.WarnContext(ctx, "the account of the first administrator may have been made by somebody else, and gets no roles: "+
			"its owner sets the password anew by letter, or an administrator gives the roles", "subject", account)
		return nil
	}
	roles := []string{}
	for _, role := range a.opts.Policy.Roles() {
		roles = append(roles, role.Name)
	}
	body, err := json.Marshal(map[string][]string{a.cfg.Roles: roles})
	if err != nil {
		return err
	}
	given := false
	err = crud.InTx(ctx, a.opts.DB, func(ctx context.Context) error {
		tx, _ := crud.Tx(ctx, a.opts.DB)
		if given, err = h.store.Grant(ctx, tx, a.cfg.Entity, name, account); err != nil || !given {
			return err
		}
		_, err := a.entity.PatchRow(ctx, account, body, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("first administrator: %w", err)
	}
	h.granted.Store(true)
	if given {
		a.opts.Logger.InfoContext(ctx, "first administrator", "subject", account)
		h.note(ctx, "administrator.first", account, p.Issuer)
	}
	return nil
}

// forgetIn has the identities of an account that is being deleted end with it.
func (h *people) forgetIn(ctx context.Context, account string) error {
	tx, ok := crud.Tx(ctx, h.auth.opts.DB)
	if !ok {
		return errors.New("an account is deleted outside of a transaction")
	}
	return h.store.Remove(ctx, tx, h.auth.cfg.Entity, account)
}
