package account

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/throttle"
)

// Forgot has a link to set a new password sent to the account that logs in with
// this name, if there is one and it has an address. It returns before any of
// that is looked at, nil for every name that could be one, known or not, and
// when too many letters were asked for. A name that cannot be one is
// [gate.ErrBadRequest], a full queue [gate.ErrUnavailable].
func (f *Flows) Forgot(ctx context.Context, login string) error {
	login, err := canonical(login)
	if err != nil {
		return err
	}
	return f.post(ctx, func(ctx context.Context) (mail.Message, bool, error) { return f.composeReset(ctx, login) })
}

// canonical returns the one spelling of a login name. The case of a name that
// is not an address is for the look-up to fold.
func canonical(login string) (string, error) {
	login = norm.NFKC.String(strings.TrimSpace(login))
	if strings.Contains(login, "@") {
		address, err := mail.Canonical(login)
		if err != nil {
			return "", &gate.AuthError{Code: gate.ErrBadRequest, Message: "This is not an e-mail address", Err: err}
		}
		return address, nil
	}
	if login == "" || len(login) > 254 || !utf8.ValidString(login) || strings.ContainsFunc(login, unicode.IsControl) {
		return "", &gate.AuthError{Code: gate.ErrBadRequest, Message: "This cannot be the name of an account"}
	}
	return login, nil
}

func (f *Flows) composeReset(ctx context.Context, login string) (_ mail.Message, send bool, err error) {
	const action = "password.forgot"
	account, err := f.cfg.Users.ByLogin(ctx, login)
	if nobody(err) {
		f.record(ctx, action, "", nil, err)
		return mail.Message{}, false, nil
	}
	if err != nil {
		return mail.Message{}, false, fmt.Errorf("account: look up: %w", err)
	}
	h, err := f.load(ctx, account.Subject)
	if nobody(err) {
		f.record(ctx, action, account.Subject, nil, err)
		return mail.Message{}, false, nil
	}
	if err != nil {
		return mail.Message{}, false, err
	}
	m, send, err := f.writeReset(ctx, h, "reset")
	if err == nil && !send {
		err := &gate.AuthError{Code: gate.ErrTooManyRequests, Subject: account.Subject}
		f.record(ctx, action, account.Subject, nil, err)
		return m, false, nil
	}
	if err == nil {
		f.record(ctx, action, account.Subject, nil, nil)
	}
	return m, send, err
}

// writeReset writes a letter with a link to set a new password, to the address
// that is stored.
func (f *Flows) writeReset(ctx context.Context, h holder, name string) (mail.Message, bool, error) {
	if ok, err := f.mayGet(ctx, h.profile.Email); err != nil || !ok {
		return mail.Message{}, false, err
	}
	link, life, err := f.link(ctx, accounts.ResetPassword, h, h.profile.Email)
	if err != nil {
		return mail.Message{}, false, err
	}
	m, err := f.write(ctx, h.profile.Email, name, Letter{Account: h.profile.Email, Link: link, Life: life})
	return m, true, err
}

// errLink is the one answer to every link that does not work.
func errLink(cause error) error {
	return &gate.AuthError{
		Code:    gate.ErrBadRequest,
		Message: "This link cannot be used. It works once and for a limited time. Ask for a new one.",
		Err:     cause,
	}
}

// opened returns the account that a token belongs to, without using it up. The
// token of another account kind, or of an account whose password or address has
// changed since, is refused like one that is not there.
func (f *Flows) opened(ctx context.Context, p accounts.Purpose, text string) (accounts.Claim, holder, error) {
	if len(text) > maxToken {
		return accounts.Claim{}, holder{}, errLink(nil)
	}
	t, err := f.cfg.Tokens.Peek(ctx, p, text)
	if err == nil && t.Entity != f.cfg.Entity {
		err = gate.ErrInvalidCredentials
	}
	if err != nil {
		return accounts.Claim{}, holder{}, linkError(err)
	}
	h, err := f.load(ctx, t.Subject)
	if err != nil {
		return accounts.Claim{}, holder{}, linkError(err)
	}
	if t.Version != version(p, h) {
		return accounts.Claim{}, holder{}, errLink(nil)
	}
	return t, h, nil
}

// maxToken is more than any token is long.
const maxToken = 256

func linkError(err error) error {
	if nobody(err) || errors.Is(err, gate.ErrInvalidCredentials) && !errors.Is(err, gate.ErrUnavailable) {
		return errLink(err)
	}
	return unavailable(fmt.Errorf("look at link: %w", err))
}

// redeem uses the token up; of several callers one gets nil.
func (f *Flows) redeem(ctx context.Context, p accounts.Purpose, text string) error {
	if _, err := f.cfg.Tokens.Redeem(ctx, p, text); err != nil {
		return linkError(err)
	}
	return nil
}

// Reset sets the password of the account that the token was sent to. It ends
// all its sessions and API keys, voids its other links, takes its address for
// confirmed, forgets its failed logins and tells it; it logs nobody in. A password that is refused leaves the link
// working, and is a [gate.Error] of status 400 with the reasons.
func (f *Flows) Reset(ctx context.Context, token, newPassword string) (err error) {
	subject := ""
	defer func() { f.record(ctx, "password.reset", subject, nil, err) }()
	_, h, err := f.opened(ctx, accounts.ResetPassword, token)
	if err != nil {
		return err
	}
	subject = h.profile.Subject
	if err := f.permit(ctx, &gate.Principal{Subject: subject}, NewPassword); err != nil {
		return err
	}
	hash, err := f.hash(ctx, h.profile, newPassword)
	if err != nil {
		return err
	}
	if err := f.redeem(ctx, accounts.ResetPassword, token); err != nil {
		return err
	}
	if err := f.setPassword(ctx, h.account, hash, ""); err != nil {
		if errors.Is(err, ErrChanged) { // which ends the link
			return errLink(err)
		}
		return err
	}
	// Whoever had the account before may have made keys.
	if err := f.revokeKeys(ctx, subject); err != nil {
		return err
	}
	// The letter arrived.
	if err := f.cfg.Users.ConfirmEmail(ctx, subject, h.profile.Email, PasswordSet); err != nil && h.profile.Email != "" {
		return unavailable(fmt.Errorf("confirm address: %w", err))
	}
	f.forgetFailures(ctx, subject)
	f.notify(ctx, h.profile.Email, "password-changed", Letter{Account: h.profile.Email})
	return nil
}

// hash judges a new password and hashes it.
func (f *Flows) hash(ctx context.Context, profile Profile, newPassword string) (string, error) {
	err := f.cfg.Policy.Check(newPassword, profile.Login, profile.Email, profile.Name, f.cfg.Service)
	if refused, ok := errors.AsType[*password.PolicyError](err); ok {
		return "", badPassword(refused.Reasons...)
	}
	if errors.Is(err, password.ErrMalformed) || errors.Is(err, password.ErrTooLong) {
		return "", badPassword("must be text")
	}
	if err != nil {
		return "", unavailable(fmt.Errorf("judge password: %w", err))
	}
	if f.cfg.Breach != nil && f.cfg.Breach.Leaked(ctx, newPassword) {
		return "", badPassword("appears in lists of leaked passwords")
	}
	hash, err := f.cfg.Hasher.Hash(ctx, newPassword)
	if err != nil {
		return "", busy(fmt.Errorf("hash password: %w", err))
	}
	return hash, nil
}

// busy is an error of the hasher; it may know when to come back.
func busy(err error) error {
	e := &gate.AuthError{Code: gate.ErrUnavailable, Err: err}
	if b, ok := errors.AsType[*password.BusyError](err); ok {
		e.RetryAfter = b.RetryAfter
	}
	return e
}

func badPassword(reasons ...string) error {
	return problems(http.StatusBadRequest, "The password "+strings.Join(reasons, ", and "), "password", "weak", reasons...)
}

// setPassword sets a hash, unless the account has another one than when it was
// loaded, which is [ErrChanged], and ends what was obtained with the one before.
func (f *Flows) setPassword(ctx context.Context, a *gate.Account, hash, keep string) error {
	err := f.cfg.Users.SetPassword(ctx, a.Subject, a.PasswordHash, hash)
	if errors.Is(err, ErrChanged) {
		return err
	}
	if err != nil {
		return unavailable(fmt.Errorf("set password: %w", err))
	}
	if err := f.endSessions(ctx, a.Subject, keep); err != nil {
		return err
	}
	return f.void(ctx, a.Subject)
}

// endSessions ends every session but keep, and every refresh token. Where the
// refresh tokens of a session cannot be ended without it, it is not kept.
func (f *Flows) endSessions(ctx context.Context, subject, keep string) error {
	var except []string
	if keep != "" && f.cfg.RefreshTokens != nil {
		if _, err := f.cfg.RefreshTokens.EndSubject(ctx, f.cfg.Entity, subject); err != nil {
			return unavailable(fmt.Errorf("end refresh tokens: %w", err))
		}
		except = []string{keep}
	}
	if _, err := f.cfg.Sessions.EndSubject(ctx, f.cfg.Entity, subject, except...); err != nil {
		return unavailable(fmt.Errorf("end sessions: %w", err))
	}
	return nil
}

// void voids the links that are on their way, except the one that undoes a
// change of address: it is older than whoever took the account over.
func (f *Flows) void(ctx context.Context, subject string, more ...accounts.Purpose) error {
	purposes := append([]accounts.Purpose{accounts.ResetPassword, accounts.VerifyEmail, accounts.ChangeEmail}, more...)
	if err := f.cfg.Tokens.Void(ctx, f.cfg.Entity, subject, purposes...); err != nil {
		return unavailable(fmt.Errorf("void links: %w", err))
	}
	return nil
}

// forgetFailures lets the owner in whom somebody else's failures had shut out.
func (f *Flows) forgetFailures(ctx context.Context, subject string) {
	t, ok := f.cfg.Throttle.(interface {
		Reset(ctx context.Context, account string) error
	})
	if !ok {
		return
	}
	if err := t.Reset(ctx, throttle.Account(subject)); err != nil {
		f.cfg.Logger.WarnContext(ctx, "failed logins not forgotten", "subject", subject, "err", err)
	}
}
