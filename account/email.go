package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/store/accounts"
)

// SendVerification has a link sent that confirms the address of p's account. It
// is nil, and nothing is sent, when the address is confirmed already.
func (f *Flows) SendVerification(ctx context.Context, p *gate.Principal) error {
	if err := f.person(p); err != nil {
		return err
	}
	if f.letters == nil {
		return errNoLetters()
	}
	return f.letters.askToConfirm(ctx, p.Subject)
}

// ResendVerification is [Flows.SendVerification] for whoever is not logged in:
// like [Flows.Forgot] it is answered alike whether or not there is an account.
func (f *Flows) ResendVerification(ctx context.Context, login string) error {
	login, err := canonical(login)
	if err != nil {
		return err
	}
	return f.post(ctx, func(ctx context.Context) (mail.Message, bool, error) {
		account, err := f.cfg.Users.ByLogin(ctx, login)
		if nobody(err) {
			f.record(ctx, "verification.send", "", nil, err)
			return mail.Message{}, false, nil
		}
		if err != nil {
			return mail.Message{}, false, fmt.Errorf("account: look up: %w", err)
		}
		return f.composeVerification(ctx, account.Subject)
	})
}

// AlreadyThere has the owner of an account told that somebody wanted to make another one
// under its login name, which is an address, with a link to set a new password. Pages
// answer then as if they had made one. Like [Flows.Forgot] it looks at nothing before
// it returns.
func (f *Flows) AlreadyThere(ctx context.Context, login string) error {
	login, err := canonical(login)
	if err != nil {
		return err
	}
	return f.post(ctx, func(ctx context.Context) (mail.Message, bool, error) {
		const action = "account.exists"
		account, err := f.cfg.Users.ByLogin(ctx, login)
		if err != nil {
			return mail.Message{}, false, unlessNobody(err)
		}
		h, err := f.load(ctx, account.Subject)
		if err != nil {
			return mail.Message{}, false, unlessNobody(err)
		}
		m, send, err := f.writeReset(ctx, h, "exists")
		f.recordSent(ctx, action, account.Subject, send, err)
		return m, send, err
	})
}

// unlessNobody is err unless it says that there is no such account.
func unlessNobody(err error) error {
	if nobody(err) {
		return nil
	}
	return fmt.Errorf("account: look up: %w", err)
}

func (f *Flows) composeVerification(ctx context.Context, subject string) (mail.Message, bool, error) {
	const action = "verification.send"
	h, err := f.load(ctx, subject)
	if nobody(err) {
		f.record(ctx, action, subject, nil, err)
		return mail.Message{}, false, nil
	}
	if err != nil || h.profile.EmailVerified || h.profile.Email == "" {
		return mail.Message{}, false, err
	}
	m, send, err := f.writeLink(ctx, accounts.VerifyEmail, h, h.profile.Email, "verify")
	f.recordSent(ctx, action, subject, send, err)
	return m, send, err
}

// writeLink writes a letter to address with a link about it.
func (f *Flows) writeLink(ctx context.Context, p accounts.Purpose, h holder, address, name string) (mail.Message, bool, error) {
	if ok, err := f.mayGet(ctx, address); err != nil || !ok {
		return mail.Message{}, false, err
	}
	link, life, err := f.link(ctx, p, h, address)
	if err != nil {
		return mail.Message{}, false, err
	}
	m, err := f.write(ctx, address, name, Letter{Account: h.profile.Email, Other: address, Link: link, Life: life})
	return m, err == nil, err
}

// recordSent records a letter that was written, or held back by its rate. One
// that could not be written is tried again.
func (f *Flows) recordSent(ctx context.Context, action, subject string, send bool, err error) {
	switch {
	case err != nil:
	case send:
		f.record(ctx, action, subject, nil, nil)
	default:
		f.record(ctx, action, subject, nil, &gate.AuthError{Code: gate.ErrTooManyRequests, Subject: subject})
	}
}

// ChangeEmail has a link sent to another address; the address counts once that
// link is confirmed, see [Flows.Confirm]. The person proves with the current
// password, or with a login of at most [Config.Fresh] ago, that it is them. An address
// that belongs to another account is answered like any other.
func (f *Flows) ChangeEmail(ctx context.Context, p *gate.Principal, email, current string) (err error) {
	if err := f.person(p); err != nil {
		return err
	}
	defer func() { f.record(ctx, "email_change.request", p.Subject, p, err) }()
	if err := f.permit(ctx, p, NewEmail); err != nil {
		return err
	}
	h, err := f.own(ctx, p)
	if err != nil {
		return err
	}
	if current != "" && h.account.PasswordHash != "" {
		err = f.prove(ctx, h.account, current)
	} else {
		err = f.fresh(p)
	}
	if err != nil {
		return err
	}
	address, err := mail.Canonical(email)
	if err != nil {
		return problems(http.StatusBadRequest, "This is not an e-mail address", "email", "format", "is not an e-mail address")
	}
	if err := f.cfg.Tokens.Void(ctx, f.cfg.Entity, p.Subject, accounts.ChangeEmail); err != nil {
		return unavailable(fmt.Errorf("void links: %w", err))
	}
	return f.post(ctx, func(ctx context.Context) (mail.Message, bool, error) {
		return f.writeLink(ctx, accounts.ChangeEmail, h, address, "change")
	})
}

// Confirm uses up the token of a letter to an address: the address of the
// account is then known to be right, or becomes that of the account if the
// letter was about a change. A change tells the former address, with a link
// that undoes it.
func (f *Flows) Confirm(ctx context.Context, token string) error {
	err := f.verify(ctx, token)
	if _, none := errors.AsType[*noLink](err); none {
		err = f.change(ctx, token)
	}
	return f.recordNoLink(ctx, err)
}

// recordNoLink records a link that does not work and returns the refusal of it.
func (f *Flows) recordNoLink(ctx context.Context, err error) error {
	none, ok := errors.AsType[*noLink](err)
	if !ok {
		return err
	}
	f.record(ctx, "email.verify", "", nil, none.error)
	return none.error
}

// noLink is a refusal before anything was known of the link.
type noLink struct{ error }

func (e *noLink) Unwrap() error { return e.error }

func (f *Flows) verify(ctx context.Context, token string) (err error) {
	t, _, err := f.opened(ctx, accounts.VerifyEmail, token)
	if err != nil {
		if errors.Is(err, gate.ErrBadRequest) {
			return &noLink{err}
		}
		return err
	}
	defer func() { f.record(ctx, "email.verify", t.Subject, nil, err) }()
	if err := f.redeem(ctx, accounts.VerifyEmail, token); err != nil {
		return err
	}
	if err := f.cfg.Users.ConfirmEmail(ctx, t.Subject, t.Address, Opened); err != nil {
		return unavailable(fmt.Errorf("confirm address: %w", err))
	}
	return nil
}

func (f *Flows) change(ctx context.Context, token string) (err error) {
	t, h, err := f.opened(ctx, accounts.ChangeEmail, token)
	if err != nil {
		if errors.Is(err, gate.ErrBadRequest) {
			return &noLink{err}
		}
		return err
	}
	defer func() { f.record(ctx, "email.change", t.Subject, nil, err) }()
	if err := f.redeem(ctx, accounts.ChangeEmail, token); err != nil {
		return err
	}
	notice := Letter{Account: h.profile.Email, Other: t.Address}
	if err := f.offerUndo(ctx, h, &notice); err != nil {
		return err
	}
	if err := f.setEmail(ctx, t.Subject, t.Address, Opened); err != nil {
		if notice.Link != "" {
			err = errors.Join(err, f.cfg.Tokens.Void(ctx, f.cfg.Entity, t.Subject, accounts.UndoEmailChange))
		}
		return err
	}
	if err := f.void(ctx, t.Subject); err != nil {
		return err
	}
	f.notify(ctx, h.profile.Email, "email-changed", notice)
	return nil
}

// offerUndo puts a link that undoes the change into the notice. While one is on
// its way there is no second: whoever has the account for a while could change
// the address twice, and undo the owner's undoing.
func (f *Flows) offerUndo(ctx context.Context, h holder, notice *Letter) error {
	if h.profile.Email == "" {
		return nil
	}
	pending, err := f.cfg.Tokens.Pending(ctx, accounts.UndoEmailChange, f.cfg.Entity, h.profile.Subject)
	if err != nil {
		return unavailable(fmt.Errorf("look for links: %w", err))
	}
	if pending {
		return nil
	}
	if notice.Link, notice.Life, err = f.link(ctx, accounts.UndoEmailChange, h, h.profile.Email); err != nil {
		return unavailable(err)
	}
	return nil
}

// setEmail sets an address that a letter has reached.
func (f *Flows) setEmail(ctx context.Context, subject, address string, what Arrival) error {
	switch err := f.cfg.Users.SetEmail(ctx, subject, address); {
	case errors.Is(err, ErrTaken):
		return &gate.Error{Status: http.StatusConflict, Message: "Another account has this address", Err: err}
	case err != nil:
		return unavailable(fmt.Errorf("set address: %w", err))
	}
	if err := f.cfg.Users.ConfirmEmail(ctx, subject, address, what); err != nil {
		return unavailable(fmt.Errorf("confirm address: %w", err))
	}
	return nil
}

// takenBack says what the owner of an address does whose account was taken over,
// and in whose name another one was opened.
const takenBack = "Everybody is logged out of your account and its password works no longer. " +
	"But another account has your address now. Ask for a new password with that address, log in to that account, " +
	"give it another address, and open this link again."

// Undo gives the account its former address back. Whoever did the change is
// locked out first: the password works no longer, all sessions and API keys end,
// and every other link is void. Then the address is set, and a link to set a new
// password goes to it.
//
// The link is used up by success alone. If another account has taken the former
// address by now, everybody is locked out, and the link works once that account
// has given it up; that is a [gate.Error] of status 409.
func (f *Flows) Undo(ctx context.Context, token string) (err error) {
	subject := ""
	defer func() { f.record(ctx, "email.undo", subject, nil, err) }()
	t, h, err := f.opened(ctx, accounts.UndoEmailChange, token)
	if err != nil {
		return err
	}
	subject = t.Subject
	if err := f.lockOut(ctx, h); err != nil {
		return err
	}
	if err := f.revokeKeys(ctx, subject); err != nil {
		return err
	}
	if err := f.setEmail(ctx, subject, t.Address, TakenBack); err != nil {
		if errors.Is(err, ErrTaken) {
			err = &gate.Error{Status: http.StatusConflict, Message: takenBack, Err: err}
		}
		return err
	}
	if err := f.redeem(ctx, accounts.UndoEmailChange, token); err != nil {
		return err
	}
	if err := f.void(ctx, subject, accounts.UndoEmailChange); err != nil {
		return err
	}
	f.forgetFailures(ctx, subject)
	f.sendUndone(ctx, subject)
	return nil
}

// lockOut gives an account a password that nobody knows, also while somebody else
// goes on changing it.
func (f *Flows) lockOut(ctx context.Context, h holder) error {
	hash, err := f.cfg.Hasher.Hash(ctx, rand.Text()+rand.Text())
	if err != nil {
		return busy(fmt.Errorf("hash password: %w", err))
	}
	for range 4 {
		if err = f.setPassword(ctx, h.account, hash, ""); !errors.Is(err, ErrChanged) {
			return err
		}
		if h, err = f.load(ctx, h.profile.Subject); err != nil {
			return unavailable(err)
		}
	}
	return unavailable(ErrChanged)
}

func (f *Flows) sendUndone(ctx context.Context, subject string) {
	if f.cfg.Mailer == nil {
		return
	}
	err := f.cfg.Mailer.Later(ctx, func(ctx context.Context) (mail.Message, bool, error) {
		h, err := f.load(ctx, subject)
		if err != nil {
			if nobody(err) { // disabled, or gone
				err = nil
			}
			return mail.Message{}, false, err
		}
		return f.writeReset(ctx, h, "email-undone")
	})
	if err != nil {
		f.cfg.Logger.ErrorContext(ctx, "notice not sent", "notice", "email-undone", "err", err)
	}
}
