package auth

import (
	"context"
	"database/sql"
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
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/identities"
)

// admit gives an account to somebody who comes for the first time.
func (h *people) admit(ctx context.Context, claims *jose.Claims, subject, token string) (string, error) {
	p := profileOf(claims, h.profile, subject)
	if p.Email == "" {
		if err := h.userInfo(ctx, &p, token); err != nil {
			return "", err
		}
	}
	ctx = authz.System(crud.WithoutPassword(ctx))
	there, err := h.findByEmail(ctx, h.auth.opts.DB.Read(), p.Email)
	if err != nil {
		return "", err
	}
	id := there.id
	if id != "" {
		switch _, err := h.store.Find(ctx, p.Issuer, subject); {
		case err == nil:
			return "", errAgain // it is theirs already: another request was faster
		case !errors.Is(err, identities.ErrUnknown):
			return "", err
		}
		err = h.link(ctx, &p, there)
	} else {
		id, err = h.create(ctx, &p)
		if err == nil && p.EmailVerified && p.Email != "" && h.email != nil { // nobody else was ever let in
			err = h.ownAddress(ctx, id, p.Email)
		}
	}
	if err != nil {
		return "", err
	}
	h.note(ctx, "identity.bind", id, p.Issuer)
	if err := h.proven(ctx, id, &p, p.EmailVerified); err != nil {
		return "", err
	}
	return id, nil
}

// ownAddress notes that nobody but the owner of its address made an account, if
// that is the address of the account.
func (h *people) ownAddress(ctx context.Context, account, email string) error {
	there, err := h.findByEmail(ctx, h.auth.opts.DB.Read(), email)
	if err != nil || there.id != account {
		return err
	}
	return h.auth.verified.SetOwned(ctx, h.auth.cfg.Entity, account, there.email)
}

// note writes into the trail who vouched for an account.
func (h *people) note(ctx context.Context, action, account, issuer string) {
	e := gate.AuditEvent{
		Action: action, Outcome: gate.Succeeded, Entity: h.auth.cfg.Entity, Subject: account, At: h.auth.opts.Now(),
		Details: map[string]string{"issuer": issuer},
	}
	e.Client, _ = gate.ClientFromContext(ctx)
	h.auth.trail.Record(ctx, e)
}

// An emailRow is an account that has an address.
type emailRow struct{ id, email, hash string }

// findByEmail returns the account with that address, the zero value if there is
// none.
func (h *people) findByEmail(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}, email string,
) (emailRow, error) {
	return h.rowByEmail(ctx, q, h.byEmail, email)
}

// holdByEmail is findByEmail within a transaction, until whose end nobody gives the
// account another address.
func (h *people) holdByEmail(ctx context.Context, tx *sql.Tx, email string) (emailRow, error) {
	query := h.byEmail
	if query != "" && h.auth.opts.DB.Dialect() == store.Postgres { // on SQLite the transaction has locked everything
		query += " FOR NO KEY UPDATE"
	}
	return h.rowByEmail(ctx, tx, query, email)
}

func (h *people) rowByEmail(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}, query, email string,
) (emailRow, error) {
	var r emailRow
	if query == "" || email == "" || strings.ContainsRune(email, 0) {
		return r, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err := q.QueryRowContext(ctx, query, email).Scan(&r.id, &r.email, &r.hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("look for an account: %w", h.auth.opts.DB.Wrap(err))
	}
	return r, nil
}

// link binds somebody to an account that is there already. Unless nobody but the
// owner of its address had a way into it, every way of before ends: a letter that
// its owner opened does not say who set the password.
func (h *people) link(ctx context.Context, p *Profile, there emailRow) error {
	if !p.EmailVerified {
		return h.refusal("an account has the address, which the issuer does not call verified", p.Subject)
	}
	entity := h.auth.cfg.Entity
	proven, err := h.auth.verified.Is(ctx, entity, there.id, there.email)
	if err != nil {
		return err
	}
	owned, err := h.auth.verified.Owned(ctx, entity, there.id, there.email)
	if err != nil {
		return err
	}
	if !proven && h.auth.passwordLogins {
		return h.refusal("an account has the address and a password, and never showed that the address is its own", p.Subject)
	}
	strangers := 0
	err = crud.InTx(ctx, h.auth.opts.DB, func(ctx context.Context) (err error) {
		strangers, err = h.linkIn(ctx, p, there, owned)
		if err != nil || owned && strangers == 0 {
			return err
		}
		tx, _ := crud.Tx(ctx, h.auth.opts.DB)
		return h.endPast(ctx, tx, there.id)
	})
	if err == nil && !owned && strangers == 0 && !h.auth.passwordLogins { // nobody was ever let in
		err = h.auth.verified.SetOwned(ctx, entity, there.id, there.email)
	}
	return err
}

// linkIn is the part of link within a transaction. It returns how many lose the
// account who were let in without its address of now being verified.
func (h *people) linkIn(ctx context.Context, p *Profile, there emailRow, owned bool) (strangers int, err error) {
	tx, _ := crud.Tx(ctx, h.auth.opts.DB)
	now, err := h.holdByEmail(ctx, tx, p.Email)
	if err != nil {
		return 0, err
	}
	if now != there {
		return 0, errAgain
	}
	if strangers, err = h.store.Unbind(ctx, tx, h.auth.cfg.Entity, there.id, identities.Strangers); err != nil {
		return 0, err
	}
	bound, err := h.store.Bound(ctx, tx, h.auth.cfg.Entity, there.id)
	if err != nil {
		return 0, err
	}
	if bound {
		return 0, h.refusal("an account has the address, and somebody else is bound to it", p.Subject)
	}
	if there.hash != "" && (!owned || strangers > 0) {
		if err := h.takePassword(ctx, tx, there.id); err != nil {
			return 0, err
		}
	}
	return strangers, h.bind(ctx, tx, p, there.id)
}

func (h *people) bind(ctx context.Context, tx *sql.Tx, p *Profile, account string) error {
	err := h.store.Bind(ctx, tx, identities.Identity{
		Issuer: p.Issuer, Subject: p.Subject, Entity: h.auth.cfg.Entity, Account: account, ProfileAt: p.Claims.IssuedAt,
		Verified: p.EmailVerified,
	})
	if errors.Is(err, identities.ErrTaken) {
		return errAgain
	}
	return err
}

// create makes an account, in one transaction with what binds it.
func (h *people) create(ctx context.Context, p *Profile) (id string, err error) {
	switch {
	case !h.Create:
		return "", h.refusal("nobody made one", p.Subject)
	case (h.VerifiedOnly || h.mayBeFirst(p)) && !p.EmailVerified:
		return "", h.refusal("the issuer does not call the address verified", p.Subject)
	case h.email != nil && h.email.Required && p.Email == "":
		return "", &gate.AuthError{Code: gate.ErrForbidden, Message: "The access token does not say your e-mail address", Subject: p.Subject}
	}
	account := &NewAccount{Profile: *p, Fields: maps.Clone(h.defaults)}
	if h.email != nil && p.Email != "" {
		account.Fields[h.Email] = p.Email
	}
	maps.Copy(account.Fields, h.fields(p))
	for _, f := range h.auth.onNew {
		if err := f(ctx, account); err != nil {
			return "", err
		}
	}
	body, err := json.Marshal(account.Fields)
	if err != nil {
		return "", fmt.Errorf("make an account: %w", err)
	}
	err = crud.InTx(ctx, h.auth.opts.DB, func(ctx context.Context) error {
		row, err := h.auth.entity.CreateRow(ctx, body, nil)
		if err != nil {
			return err
		}
		id = row.ID
		tx, _ := crud.Tx(ctx, h.auth.opts.DB)
		return h.bind(ctx, tx, p, id)
	})
	return id, h.made(err, p.Subject)
}

// made says what became of making an account.
func (h *people) made(err error, subject string) error {
	e, ok := errors.AsType[*gate.Error](err)
	switch {
	case !ok:
		return err
	case e.Status == http.StatusConflict:
		return errAgain
	case e.Status == http.StatusBadRequest:
		return h.refusal(explain(err).Error(), subject)
	}
	return err
}

// fields returns what the profile says of the fields of an account. Texts that
// are too long are cut, and what a field cannot hold at all is left out unless
// the account needs it.
func (h *people) fields(p *Profile) map[string]any {
	e := h.auth.entity.Entity()
	out := map[string]any{}
	for name, source := range h.Fields {
		f, err := field(e, name)
		v := p.value(source)
		if err != nil || v == nil {
			continue
		}
		if text, ok := v.(string); ok && f.MaxLength > 0 && len([]rune(text)) > f.MaxLength {
			v = string([]rune(text)[:f.MaxLength])
		}
		if !f.Required && !fits(f, v) {
			continue
		}
		out[name] = v
	}
	return out
}

// fits reports whether a field can hold what a claim says.
func fits(f *model.Field, v any) bool {
	if n, ok := v.(json.Number); ok {
		v = n.String()
	}
	if f.Type == model.JSON {
		v = asJSON(v)
	}
	_, err := f.Parse(v)
	return err == nil
}
