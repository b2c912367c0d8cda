package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store/throttle"
)

// ChangePassword sets the password of p's account, which proves with the current
// one that it is them; an account without a password proves it with a login of
// at most [Config.Fresh] ago. It ends every other session and every refresh token,
// voids links on their way and tells the address.
//
// The current password counts as a login: a wrong one is
// [gate.ErrInvalidCredentials], too many are [gate.ErrTooManyRequests]. A new
// one that is refused is a [gate.Error] of status 400 with the reasons. Of several
// changes at the same time one is made; the others are a [gate.Error] of status
// 409.
func (f *Flows) ChangePassword(ctx context.Context, p *gate.Principal, current, newPassword string) (err error) {
	if err := f.person(p); err != nil {
		return err
	}
	defer func() { f.record(ctx, "password.change", p.Subject, p, err) }()
	if err := f.permit(ctx, p, NewPassword); err != nil {
		return err
	}
	h, err := f.own(ctx, p)
	if err != nil {
		return err
	}
	if h.account.PasswordHash == "" {
		err = f.fresh(p)
	} else {
		err = f.prove(ctx, h.account, current)
	}
	if err != nil {
		return err
	}
	hash, err := f.hash(ctx, h.profile, newPassword)
	if err != nil {
		return err
	}
	if err := f.setPassword(ctx, h.account, hash, p.SessionID); err != nil {
		if errors.Is(err, ErrChanged) {
			return &gate.Error{Status: http.StatusConflict, Message: "The password was changed a moment ago", Err: err}
		}
		return err
	}
	f.notify(ctx, h.profile.Email, "password-changed", Letter{Account: h.profile.Email})
	return nil
}

// own returns the account of p.
func (f *Flows) own(ctx context.Context, p *gate.Principal) (holder, error) {
	h, err := f.load(ctx, p.Subject)
	if err != nil && !nobody(err) {
		return holder{}, unavailable(err)
	}
	return h, err
}

// prove checks the current password, under the throttle of the login.
func (f *Flows) prove(ctx context.Context, account *gate.Account, current string) (err error) {
	if err := password.CheckText(current); err != nil {
		return &gate.AuthError{Code: gate.ErrBadRequest, Message: "The current password cannot be one", Err: err}
	}
	done, err := f.cfg.Throttle.Begin(ctx, throttle.Account(account.Subject))
	if err != nil {
		if errors.Is(err, gate.ErrTooManyRequests) {
			return err
		}
		return unavailable(fmt.Errorf("count attempts: %w", err))
	}
	result := gate.Undecided
	defer func() { done(result) }()
	ok, _, err := f.cfg.Hasher.Verify(ctx, account.PasswordHash, current)
	if err != nil {
		return busy(fmt.Errorf("check password: %w", err))
	}
	if !ok {
		result = gate.Failed
		return &gate.AuthError{
			Code: gate.ErrInvalidCredentials, Message: "The current password is not right", Subject: account.Subject,
		}
	}
	result = gate.Succeeded
	return nil
}

// PasswordChanged is for a password that was changed elsewhere, by whoever may:
// it makes links in letters void that were on their way, and tells the person.
func (f *Flows) PasswordChanged(ctx context.Context, subject string) error {
	if err := f.void(ctx, subject); err != nil {
		return err
	}
	profile, err := f.cfg.Users.Profile(ctx, subject)
	if err != nil {
		return unavailable(fmt.Errorf("profile: %w", err))
	}
	f.notify(ctx, profile.Email, "password-changed", Letter{Account: profile.Email})
	return nil
}
