package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
)

// users is the accounts as package account wants them.
type users struct {
	*Accounts

	realm *realm
}

var _ account.Users = users{}

// ByLogin implements [account.Users]. It finds those too who may not log in until
// they have confirmed their address.
func (u users) ByLogin(ctx context.Context, name string) (*gate.Account, error) {
	e, err := u.byName(ctx, name)
	if err != nil {
		return nil, err
	}
	found := e.account
	return &found, nil
}

// confirmed reports whether the address of an account is.
func (u users) confirmed(ctx context.Context, subject string) (bool, error) {
	p, err := u.Profile(ctx, subject)
	return p.EmailVerified, err
}

// Profile implements [account.Users].
func (u users) Profile(ctx context.Context, subject string) (account.Profile, error) {
	values, err := u.row(ctx, subject)
	if err != nil {
		return account.Profile{}, err
	}
	text := func(field string) string {
		var s string
		_ = json.Unmarshal(values[field], &s) // what is no text is not there
		return s
	}
	p := account.Profile{Subject: subject, Login: text(u.realm.fields.login), Email: text(u.realm.fields.email), Name: text("name")}
	p.EmailVerified, err = u.realm.auth.verified.Is(ctx, u.realm.auth.cfg.Entity, subject, p.Email)
	return p, err
}

// row returns the readable fields of an account.
func (u users) row(ctx context.Context, subject string) (map[string]json.RawMessage, error) {
	row, err := u.realm.entity.GetRow(authz.System(ctx), u.entity.Account(subject), nil)
	if isNotFound(err) {
		return nil, gate.ErrNotAuthenticated
	}
	if err != nil {
		return nil, err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(row.AppendJSON(nil), &values); err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	return values, nil
}

// SetPassword implements [account.Users].
func (u users) SetPassword(ctx context.Context, subject, old, hash string) error {
	key, ok := u.key(subject)
	if !ok || u.setPassword == "" {
		return gate.ErrNotAuthenticated
	}
	args := []any{hash, key, old}
	if u.touched != nil {
		args = append(args, u.touched.Bind(u.db.Dialect(), u.now().UTC().Truncate(time.Microsecond)))
	}
	res, err := u.db.Exec(ctx, u.setPassword, args...)
	u.cache.drop(subject)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil || n > 0 {
		return err
	}
	if _, err := u.read(ctx, "", u.byID, key); err != nil { // it is gone
		return err
	}
	return account.ErrChanged
}

// SetEmail implements [account.Users].
func (u users) SetEmail(ctx context.Context, subject, email string) error {
	body, err := json.Marshal(map[string]string{u.realm.fields.email: email})
	if err != nil {
		return err
	}
	_, err = u.realm.entity.PatchRow(authz.System(ctx), u.entity.Account(subject), body, nil)
	if e, ok := errors.AsType[*gate.Error](err); ok && e.Status == http.StatusConflict {
		return account.ErrTaken
	}
	if isNotFound(err) {
		return gate.ErrNotAuthenticated
	}
	return err
}

// ConfirmEmail implements [account.Users].
func (u users) ConfirmEmail(ctx context.Context, subject, email string, what account.Arrival) error {
	p, err := u.Profile(ctx, subject)
	if err != nil || p.Email != email {
		return err
	}
	if err := u.realm.auth.people.handOver(ctx, subject, what); err != nil {
		return err
	}
	if what == account.Opened {
		return u.realm.auth.verified.Set(ctx, u.realm.auth.cfg.Entity, subject, email)
	}
	return u.realm.auth.verified.SetOwned(ctx, u.realm.auth.cfg.Entity, subject, email)
}

// emailField returns the name of the field with the address for letters.
func emailField(e *model.Entity, said fields) string {
	if said.email != "" {
		return said.email
	}
	if f, err := field(e, said.login); err == nil && f.Type == model.Email {
		return f.Name
	}
	if f := e.Find(model.Email); f != model.NoField {
		return e.Fields[f].Name
	}
	return ""
}
