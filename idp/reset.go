package idp

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store/throttle"
)

func (p *Provider) showForgot(w http.ResponseWriter, r *http.Request, v *visit) {
	page := login.ForgotPage{
		Frame: p.frame(r, v.request, v.client), Form: p.pageForm(r, "/u/reset-password/request", v.state),
		Identifier: v.request.LoginHint, Life: resetLife, LoginURL: "/u/login?state=" + v.state,
	}
	if err := p.pages(r).Forgot(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

func (p *Provider) postForgot(w http.ResponseWriter, r *http.Request, v *visit) {
	typed := v.form[login.FieldUsername]
	if typed == "" {
		page := login.ForgotPage{
			Frame: p.frame(r, v.request, v.client), Form: p.pageForm(r, "/u/reset-password/request", v.state), Life: resetLife,
			LoginURL: "/u/login?state=" + v.state, Problems: []login.Problem{{Code: login.MissingIdentifier}},
		}
		if err := p.pages(r).Forgot(w, r, http.StatusBadRequest, page); err != nil {
			p.faultPage(w, r, err)
		}
		return
	}
	conn, err := p.database(r.Context(), v.client, v.request.Connection)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		p.faultPage(w, r, err)
		return
	}
	if err == nil {
		p.sendReset(r, v.client, conn, v.request.Locales, typed)
	}
	notice := login.Notice("")
	if v.request.Sent == typed { // the form of the page that said so
		notice = login.NoticeSentAgain
	}
	p.forgotSentPage(w, r, v, typed, notice)
}

// showForgotSent says it once more, in another language.
func (p *Provider) showForgotSent(w http.ResponseWriter, r *http.Request, v *visit) {
	if v.request.Sent == "" {
		p.toLogin(w, r, v.request, v.client)
		return
	}
	p.forgotSentPage(w, r, v, v.request.Sent, "")
}

// forgotSentPage says that a letter is on its way, if there is such an account.
func (p *Provider) forgotSentPage(w http.ResponseWriter, r *http.Request, v *visit, typed string, notice login.Notice) {
	sent := p.sentState(v, typed)
	page := login.ForgotSentPage{
		Frame: p.frame(r, v.request, v.client), Form: p.pageForm(r, "/u/reset-password/request", cmp.Or(sent, v.state)), Identifier: typed, Notice: notice,
		Life: resetLife, SentBy: p.cfg.MailFrom, AnotherURL: "/u/reset-password/request?state=" + v.state, LoginURL: "/u/login?state=" + v.state,
	}
	if page.Here = ""; sent != "" {
		page.Here = here(forgotSentPath, sent)
	}
	if err := p.pages(r).ForgotSent(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// sendReset sends a link to set a new password, if there is such an account: to
// the address that is stored with the identity, whose password alone it sets.
func (p *Provider) sendReset(r *http.Request, c *tenant.Client, conn *tenant.Connection, locales, typed string) {
	name := canonical(typed)
	address := name
	p.recordRefused(r, &p.askedFor, "scpr", c, nil, "")
	if !strings.Contains(name, "@") {
		u, i, err := p.tenant.UserByLogin(r.Context(), conn.Name, name)
		if err != nil && !errors.Is(err, tenant.ErrNotFound) {
			p.log.ErrorContext(r.Context(), "letter was not sent", "err", err)
		}
		if err != nil {
			return
		}
		if address = cmp.Or(i.Email, u.Email); address == "" {
			return
		}
	}
	clientID := ""
	if c != nil {
		clientID = c.ID
	}
	p.sendLetter(r, c, locales, address, func(ctx context.Context) (login.MailKind, login.Letter, bool, error) {
		u, i, err := p.tenant.UserByLogin(ctx, conn.Name, name)
		if errors.Is(err, tenant.ErrNotFound) {
			return p.pendingAgain(ctx, c, conn, name, p.browserHash(r)) // they lost that letter
		}
		if err == nil && u.Blocked {
			return "", login.Letter{}, false, nil
		}
		if err != nil {
			return "", login.Letter{}, false, err
		}
		k, _ := resetTicket(u, i)
		if k.ClientID = clientID; k.Email != address {
			return "", login.Letter{}, false, nil // changed in between
		}
		k.alone = true
		link, err := p.ticket(ctx, k, resetLife)
		return login.MailReset, login.Letter{Account: k.Email, Link: link, Life: resetLife}, err == nil, err
	})
}

func (p *Provider) showReset(w http.ResponseWriter, r *http.Request) {
	p.resetPage(w, r, http.StatusOK, r.URL.Query().Get("ticket"))
}

func (p *Provider) resetPage(w http.ResponseWriter, r *http.Request, status int, text string, problems ...login.Problem) {
	t, k, u, err := p.openTicket(r.Context(), tenant.ResetTicket, text)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	conn, err := p.databaseOf(r.Context(), k, u)
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	both, err := p.loggedIn(r, u)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	page := login.ResetPage{
		Frame: p.ticketFrame(r, k), Account: accountName(u), Confirmed: k.Confirmed, Moved: k.own(u) && u.Moved() && !both && len(u.Identities) > 1, Policy: pagePolicy(conn), Expires: t.ExpiresAt, Problems: problems,
		Form: login.Form{Action: p.inLanguage(r, "/u/reset-password"), State: text, CSRF: p.csrf(p.browser(w, r))},
	}
	if err := p.pages(r).Reset(w, r, status, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// databaseOf returns the connection of the identity of a ticket.
func (p *Provider) databaseOf(ctx context.Context, k *ticket, u *tenant.User) (*tenant.Connection, error) {
	i := k.identity(u)
	if i == nil {
		return nil, tenant.ErrNotFound
	}
	return p.tenant.Connections.ByName(ctx, i.Connection)
}

// postReset sets a new password. Whoever was logged in is not any more.
func (p *Provider) postReset(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	form, err := p.ownForm(w, r)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	text, fresh := form[login.FieldState], login.Password(form.values())
	_, k, u, err := p.openTicket(ctx, tenant.ResetTicket, text)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	conn, err := p.databaseOf(ctx, k, u)
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	code := login.MissingPassword
	if fresh != "" {
		code = p.judge(ctx, conn, fresh, u.Email, u.Username, u.Name)
	}
	if code != "" {
		p.resetPage(w, r, http.StatusBadRequest, text, login.Problem{Code: code})
		return
	}
	over := false
	hash, err := p.hasher.Hash(ctx, fresh)
	if err == nil {
		u, over, err = p.setPassword(r, hash, secret.String(text), k, u)
	}
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	p.passwordChanged(r, u, conn, over)
	page := login.ResetDonePage{Frame: p.ticketFrame(r, k), ContinueURL: p.next(ctx, k)}
	page.Here = ""
	if err := p.pages(r).ResetDone(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// setPassword stores the hash of a new password, uses the ticket up, and ends
// what the old password led to; also what a stranger may have added, when the
// address is proven by that in another browser than the one that signed up, and
// further ways in, when the address was changed and whoever opened the letter is not
// logged in to the account.
func (p *Provider) setPassword(r *http.Request, hash string, text secret.String, k *ticket, u *tenant.User) (_ *tenant.User, over bool, _ error) {
	ctx, browser := r.Context(), p.browserHash(r)
	both, err := p.loggedIn(r, u)
	if err != nil {
		return nil, false, err
	}
	u, sessions, err := p.tenant.SetPassword(ctx, tenant.PasswordChange{
		UserID: k.UserID, Provider: k.Provider, Subject: k.Subject, Hash: hash, Ticket: tenant.Ticket{Kind: tenant.ResetTicket, Text: text},
		Check: func(u *tenant.User) (bool, error) {
			if !k.fits(u) {
				return false, tenant.ErrNotFound
			}
			over = k.proves(u) && maybeStranger(u, browser) || k.own(u) && u.Moved() && !both
			return over, nil
		},
		Change: func(u *tenant.User) error {
			if !k.proves(u) {
				return nil
			}
			u.Settle() // what was of somebody else is gone by now
			return confirm(u, k.Email)
		},
	})
	if err != nil {
		return nil, false, err
	}
	for _, ses := range sessions {
		p.tellLogout(ses)
	}
	// The password is set: what does not work from here on is for the log.
	err = errors.Join(p.throttle.Reset(ctx, throttle.Account(k.UserID)), p.throttle.Reset(ctx, throttle.Account(u.ID)))
	if err != nil {
		p.log.ErrorContext(ctx, "attempts to guess the password of before still count", "user_id", u.ID, "err", err)
	}
	return u, over, nil
}

// passwordChanged tells the owner and the actions, and the log whether the account
// has another owner now.
func (p *Provider) passwordChanged(r *http.Request, u *tenant.User, conn *tenant.Connection, over bool) {
	p.record(r, "scp", nil, u, handedOver(over), nil)
	client, _ := gate.ClientFromContext(r.Context())
	p.sendNotice(r, u.Email, func(context.Context) (login.MailKind, login.Letter, bool, error) {
		return login.MailPasswordChanged, login.Letter{Account: u.Email, When: p.now(), Where: addressText(client)}, u.Email != "", nil
	})
	p.runPostChangePassword(r, u, conn)
}
