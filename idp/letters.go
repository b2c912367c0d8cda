package idp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/store/throttle"
)

// confirmEmailPage says that a letter is on its way.
func (p *Provider) confirmEmailPage(w http.ResponseWriter, r *http.Request, v *visit, email string, notice login.Notice) {
	page := login.ConfirmEmailPage{
		Frame: p.frame(r, v.request, v.client), Form: p.pageForm(r, confirmPath, v.state), Email: email,
		Life: verifyLife, SentBy: p.cfg.MailFrom, Notice: notice, AnotherURL: another(r, v.state),
	}
	page.Here = p.sentPage(confirmPath, v, email)
	if err := p.pages(r).ConfirmEmail(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// showConfirmEmail says it once more, in another language.
func (p *Provider) showConfirmEmail(w http.ResponseWriter, r *http.Request, v *visit) {
	if v.request.Sent == "" {
		p.toLogin(w, r, v.request, v.client)
		return
	}
	p.confirmEmailPage(w, r, v, v.request.Sent, "")
}

// sentPage is where a page shows again that says that a letter was sent; empty
// when the request is too long to hold what it went to.
func (p *Provider) sentPage(path string, v *visit, to string) string {
	state := p.sentState(v, to)
	if state == "" {
		return ""
	}
	return here(path, state)
}

// sentState is the request of a page with what a letter was sent to; empty when
// that is too long.
func (p *Provider) sentState(v *visit, to string) string {
	q := *v.request
	q.Sent = to
	state, err := p.sealRequest(&q)
	if err != nil || len(state) > maxRequest {
		return ""
	}
	return state
}

// postConfirmEmail sends the letter again: to the address that the form was made
// for, whether or not it has an account.
func (p *Provider) postConfirmEmail(w http.ResponseWriter, r *http.Request, v *visit) {
	email := canonical(v.form[login.FieldEmail])
	conn, err := p.database(r.Context(), v.client, v.request.Connection)
	if err == nil && email != "" {
		p.sendLetter(r, v.client, v.request.Locales, email, func(ctx context.Context) (login.MailKind, login.Letter, bool, error) {
			u, _, err := p.tenant.UserByLogin(ctx, conn.Name, email)
			if errors.Is(err, tenant.ErrNotFound) || err == nil && (u.EmailVerified || u.Email != email) {
				return p.pendingAgain(ctx, v.client, conn, email, p.browserHash(r))
			}
			if err != nil {
				return "", login.Letter{}, false, err
			}
			return p.verificationLetter(ctx, u, v.client)
		})
	} else if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		p.faultPage(w, r, err)
		return
	}
	p.confirmEmailPage(w, r, v, email, login.NoticeSentAgain)
}

// sendVerification sends a letter with a link that confirms the address.
func (p *Provider) sendVerification(r *http.Request, u *tenant.User, c *tenant.Client, locales string) {
	if u.Email == "" || u.EmailVerified {
		return
	}
	p.sendLetter(r, c, locales, u.Email, func(ctx context.Context) (login.MailKind, login.Letter, bool, error) {
		return p.verificationLetter(ctx, u, c)
	})
}

// askedVerification sends the same letter for an administrator, who is told when
// it is not sent. There is a limit for each address, and none for the network
// that asks: administrators ask for many accounts from one place.
func (p *Provider) askedVerification(r *http.Request, u *tenant.User, c *tenant.Client) error {
	if u.EmailVerified {
		return management.ErrVerified
	}
	wait, err := p.asked.Allow(r.Context(), u.Email)
	if err != nil {
		return err
	}
	if wait > 0 {
		return &management.LimitError{RetryAfter: wait}
	}
	return p.queueLetter(r, c, "", u.Email, func(ctx context.Context) (login.MailKind, login.Letter, bool, error) {
		return p.verificationLetter(ctx, u, c)
	})
}

func (p *Provider) verificationLetter(ctx context.Context, u *tenant.User, c *tenant.Client) (login.MailKind, login.Letter, bool, error) {
	clientID := ""
	if c != nil {
		clientID = c.ID
	}
	link, err := p.ticket(ctx, ticket{Kind: tenant.EmailTicket, UserID: u.ID, Email: u.Email, ClientID: clientID}, verifyLife)
	return login.MailVerify, login.Letter{Account: u.Email, Link: link, Life: verifyLife}, err == nil, err
}

// sendLetter writes a letter in the background, where its time tells nothing.
// There are only so many to one address and on behalf of one network.
func (p *Provider) sendLetter(r *http.Request, c *tenant.Client, locales, to string,
	compose func(ctx context.Context) (login.MailKind, login.Letter, bool, error),
) {
	if err := p.sendLimited(r, p.letters, c, locales, to, compose); err != nil {
		p.log.ErrorContext(r.Context(), "letter was not sent", "err", err)
	}
}

// sendNotice does the same for what an owner has to know: letters that somebody
// else asked for do not use up its limit.
func (p *Provider) sendNotice(r *http.Request, to string, compose func(ctx context.Context) (login.MailKind, login.Letter, bool, error)) {
	if err := p.sendLimited(r, p.notices, nil, "", to, compose); err != nil {
		p.log.ErrorContext(r.Context(), "letter was not sent", "err", err)
	}
}

// sendLimited returns what keeps a letter from being written: a fault, and not that
// there were too many.
func (p *Provider) sendLimited(r *http.Request, limit *throttle.Limiter, c *tenant.Client, locales, to string,
	compose func(ctx context.Context) (login.MailKind, login.Letter, bool, error),
) error {
	ctx := r.Context()
	wait, err := limit.Allow(ctx, to)
	if err != nil {
		return err
	}
	if wait > 0 {
		p.log.WarnContext(ctx, "letter was not sent", "wait", wait)
		return nil
	}
	return p.queueLetter(r, c, locales, to, compose)
}

// queueLetter has a letter written and sent in the background.
func (p *Provider) queueLetter(r *http.Request, c *tenant.Client, locales, to string,
	compose func(ctx context.Context) (login.MailKind, login.Letter, bool, error),
) error {
	ctx := r.Context()
	words := p.configured(ctx).words
	language := words.Language(cmp.Or(locales, p.locales(r)), r.Header.Get("Accept-Language"))
	return p.mails.Later(ctx, func(ctx context.Context) (mail.Message, bool, error) {
		kind, letter, ok, err := compose(ctx)
		if err != nil || !ok {
			return mail.Message{}, false, err
		}
		if c != nil {
			letter.Application = c.Name
		}
		letter.Link = p.speaking(letter.Link, language)
		m, err := words.Write(kind, language, letter)
		if err != nil {
			return mail.Message{}, false, err
		}
		return outgoing(to, m), true, nil
	})
}

// A ticket is what a link in a letter stands for.
type ticket struct {
	Kind     tenant.TokenKind `json:"-"`
	UserID   string           `json:"-"`
	ClientID string           `json:"-"`
	alone    bool             // see [tenant.Token]
	// Email is the address that the letter goes to: a ticket is of no use after
	// a change of it.
	Email string `json:"email"`
	// Provider and Subject are the identity whose password it sets.
	Provider string `json:"provider,omitempty"`
	Subject  string `json:"subject,omitempty"`
	// UserEmail is the address of the user at the time.
	UserEmail    string `json:"user_email,omitempty"`
	ResultURL    string `json:"result_url,omitempty"`
	MarkVerified bool   `json:"mark_verified,omitempty"`
	// IncludeEmail adds the address to ResultURL.
	IncludeEmail bool `json:"include_email,omitempty"`
	// Confirmed says that the person has just confirmed the address.
	Confirmed bool `json:"confirmed,omitempty"`
	// Maker is who made it by the Management API, see [Provider.stands].
	Maker json.RawMessage `json:"maker,omitempty"`
}

// ticket stores a ticket and returns the link.
func (p *Provider) ticket(ctx context.Context, t ticket, life time.Duration) (string, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	text := secret.Text()
	err = p.tenant.CreateToken(ctx, text, tenant.Token{
		Kind: t.Kind, UserID: t.UserID, ClientID: t.ClientID, ExpiresAt: p.now().Add(life), Data: data, Alone: t.alone,
	})
	path := "/u/email-verification"
	if t.Kind == tenant.ResetTicket {
		path = "/u/reset-password"
	}
	return p.base + path + "?ticket=" + text.Reveal() + "#", err
}

// openTicket returns a ticket that was not used, with its user. One that somebody made
// by the Management API is good for as long as they may.
func (p *Provider) openTicket(ctx context.Context, kind tenant.TokenKind, text string) (*tenant.Token, *ticket, *tenant.User, error) {
	bad := &pageError{oauthError: refuse("invalid_request", "The link was used, is too old, or a part of it is missing"), fault: login.FaultTicket}
	t, err := p.tenant.Token(ctx, kind, secret.String(text))
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, nil, nil, bad
	}
	if err != nil {
		return nil, nil, nil, err
	}
	bad.restart = p.next(ctx, &ticket{ClientID: t.ClientID})
	if !t.UsedAt.IsZero() {
		return nil, nil, nil, bad
	}
	k := &ticket{Kind: kind, UserID: t.UserID, ClientID: t.ClientID}
	if err := json.Unmarshal(t.Data, k); err != nil {
		return nil, nil, nil, err
	}
	u, err := p.tenant.User(ctx, t.UserID)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && !k.fits(u) {
		return nil, nil, nil, bad
	}
	if err != nil {
		return nil, nil, nil, err
	}
	stands, err := p.stands(ctx, k.Maker, "create:user_tickets")
	if err == nil && !stands {
		err = bad
	}
	return t, k, u, err
}

// fits reports whether the address of a ticket is still that of what it is for:
// of the identity, or of the user.
func (k *ticket) fits(u *tenant.User) bool {
	if k.Kind != tenant.ResetTicket {
		return u.Email == k.Email
	}
	i := k.identity(u)
	return i != nil && cmp.Or(i.Email, u.Email) == k.Email && u.Email == k.UserEmail
}

// identity returns the identity of a ticket; nil when the user does not have it
// any more.
func (k *ticket) identity(u *tenant.User) *tenant.Identity {
	for n := range u.Identities {
		if i := &u.Identities[n]; i.Provider == k.Provider && i.UserID == k.Subject {
			return i
		}
	}
	return nil
}

// proves reports whether opening a letter to the address of a ticket proves the
// address of the user: when it is that, and the identity the user's own.
func (k *ticket) proves(u *tenant.User) bool {
	return k.MarkVerified && u.Email == k.Email && (k.Kind != tenant.ResetTicket || k.own(u))
}

// own reports whether a ticket sets the password of the identity that the ID of a user
// comes from.
func (k *ticket) own(u *tenant.User) bool { return u.ID == k.Provider+"|"+k.Subject }

// resetTicket returns the ticket for a link that sets the password of an
// identity; when none is named of the user's own, or else of the first one that has
// a password.
func resetTicket(u *tenant.User, i *tenant.Identity) (ticket, bool) {
	if own := u.Own(); i == nil && own != nil && own.Provider == tenant.Database {
		i = own
	}
	for n := range u.Identities {
		if own := &u.Identities[n]; i == nil && own.Provider == tenant.Database {
			i = own
		}
	}
	if i == nil {
		return ticket{}, false
	}
	return ticket{
		Kind: tenant.ResetTicket, UserID: u.ID, Provider: i.Provider, Subject: i.UserID, Email: cmp.Or(i.Email, u.Email), UserEmail: u.Email,
		MarkVerified: true,
	}, true
}

func (p *Provider) showVerifyEmail(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("ticket")
	t, k, _, err := p.openTicket(r.Context(), tenant.EmailTicket, text)
	if isTicketError(err) {
		var n *pendingAccount
		if t, n, err = p.openPending(r.Context(), text); err == nil {
			k = &ticket{ClientID: t.ClientID, Email: n.Email}
		}
	}
	if isTicketError(err) && p.confirmedAlready(w, r, text) {
		return
	}
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	page := login.VerifyEmailPage{
		Frame: p.ticketFrame(r, k), Email: k.Email, Expires: t.ExpiresAt,
		Form: login.Form{Action: p.inLanguage(r, "/u/email-verification"), State: text, CSRF: p.csrf(p.browser(w, r))},
	}
	if err := p.pages(r).VerifyEmail(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// confirmedAlready says of a link that cannot be used that its address is confirmed:
// by the link itself, or another letter to the address. Whoever has the link was
// written to, and learns no more than that.
func (p *Provider) confirmedAlready(w http.ResponseWriter, r *http.Request, text string) bool {
	ctx := r.Context()
	u, k, err := p.confirmedBy(ctx, secret.String(text))
	if err != nil || !u.EmailVerified || u.Email != k.Email {
		return false
	}
	page := login.VerifyEmailDonePage{Frame: p.ticketFrame(r, k), Email: u.Email, ContinueURL: p.next(ctx, k)}
	if err := p.pages(r).VerifyEmailDone(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
	return true
}

// verified is the path at which the page of an address that a link confirmed is shown
// again, see [Provider.confirmedAlready].
func verified(text string) string { return "/u/email-verification?ticket=" + url.QueryEscape(text) }

// confirmedBy returns whose address a link confirmed that was used, of an account that
// there was or that it made.
func (p *Provider) confirmedBy(ctx context.Context, text secret.String) (*tenant.User, *ticket, error) {
	k := new(ticket)
	t, err := p.tenant.Token(ctx, tenant.EmailTicket, text)
	made := errors.Is(err, tenant.ErrNotFound)
	if made {
		t, err = p.tenant.Token(ctx, tenant.NewAccount, text)
	}
	if err == nil && t.UsedAt.IsZero() {
		err = tenant.ErrNotFound
	}
	if err != nil {
		return nil, nil, err
	}
	var u *tenant.User
	if made {
		n := new(pendingAccount)
		if err := json.Unmarshal(t.Data, n); err != nil {
			return nil, nil, err
		}
		k.Email = n.Email
		u, _, err = p.tenant.UserByLogin(ctx, n.Connection, n.Email)
	} else if err = json.Unmarshal(t.Data, k); err == nil {
		u, err = p.tenant.User(ctx, t.UserID)
	}
	k.ClientID = t.ClientID
	return u, k, err
}

func (p *Provider) ticketFrame(r *http.Request, k *ticket) login.Frame {
	f := p.frame(r, nil, nil)
	if c, err := p.tenant.Clients.Get(r.Context(), k.ClientID); err == nil {
		f.Application = c.Name
	}
	if result := pageURL(k.ResultURL); result != "" {
		f.Targets = []string{result}
	}
	return f
}

// inLanguage returns the path of the next page of somebody who has chosen a
// language on the one before, to go on in that.
func (p *Provider) inLanguage(r *http.Request, path string) string {
	chosen := r.URL.Query().Get(login.FieldLocales)
	if chosen == "" {
		return path
	}
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return path + sep + login.FieldLocales + "=" + p.pages(r).Language(chosen, r.Header.Get("Accept-Language"))
}

// next is where a person goes after a link did its work.
func (p *Provider) next(ctx context.Context, k *ticket) string {
	switch result := pageURL(k.ResultURL); {
	case result != "" && k.IncludeEmail:
		var out answer
		out.add("email", k.Email)
		return withParameters(result, out, false)
	case result != "":
		return result
	}
	c, err := p.tenant.Clients.Get(ctx, k.ClientID)
	if err != nil {
		c = nil // nobody asked for it, or they are gone
	}
	return p.beginning(ctx, c, "")
}

func (p *Provider) postVerifyEmail(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	form, err := p.ownForm(w, r)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	_, k, u, err := p.openTicket(ctx, tenant.EmailTicket, form[login.FieldState])
	if isTicketError(err) {
		p.makePending(w, r, form[login.FieldState])
		return
	}
	stranger, both := err == nil && maybeStranger(u, p.browserHash(r)), false
	if err == nil {
		err = p.mayConfirm(r, u, k)
	}
	if err == nil && u.Moved() {
		both, err = p.loggedIn(r, u)
	}
	if err == nil {
		u, err = p.confirmAddress(ctx, u, k.Email, stranger, both, tenant.Ticket{Kind: tenant.EmailTicket, Text: secret.String(form[login.FieldState])})
	}
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	p.record(r, "sv", nil, u, handedOver(stranger), nil)
	if stranger {
		p.choosePassword(w, r, u, k)
		return
	}
	page := login.VerifyEmailDonePage{Frame: p.ticketFrame(r, k), Email: u.Email, ContinueURL: p.next(ctx, k)}
	page.Here = verified(form[login.FieldState])
	if err := p.pages(r).VerifyEmailDone(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// handedOver says in the log that an account has another owner now.
func handedOver(over bool) string {
	if !over {
		return ""
	}
	return "The account was handed over to who opened the letter: what was there before has ended"
}

// confirmAddress notes that a user owns an address, and takes the account from
// whoever had it before when that may be a stranger. With both the user is logged in
// to the account, too. The ticket is used up by it.
func (p *Provider) confirmAddress(ctx context.Context, u *tenant.User, email string, stranger, both bool, by tenant.Ticket) (*tenant.User, error) {
	if stranger {
		return p.handOver(ctx, u, email, by)
	}
	u, _, err := p.tenant.ChangeUser(ctx, u.ID, func(u *tenant.User) (tenant.Ending, error) {
		if both {
			u.Settle()
		}
		return tenant.Ending{Ticket: by}, confirm(u, email)
	})
	return u, err
}

// isTicketError reports whether a link is refused, as opposed to a fault.
func isTicketError(err error) bool {
	var page *pageError
	return errors.As(err, &page) && page.fault == login.FaultTicket
}

func (p *Provider) ticketError(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, tenant.ErrUsed) || errors.Is(err, tenant.ErrNotFound) {
		err = &pageError{oauthError: refuse("invalid_request", "The link was used, is too old, or a part of it is missing"), fault: login.FaultTicket}
	}
	p.errorPage(w, r, err)
}
