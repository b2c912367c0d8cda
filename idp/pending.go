package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/password"
)

// A pendingAccount is an account that is made when its address is confirmed.
// Until then there is none: a log-in with its password leads to the page that
// asks to confirm, and anything else is refused as without an account.
//
// A sign-up with an address that has an account leaves one as well, without a
// user: its password leads to the same page, so that nobody learns from it
// whether there was an account. There is no link to it.
type pendingAccount struct {
	Connection string       `json:"connection"`
	Email      string       `json:"email"`
	Username   string       `json:"username,omitempty"`
	User       *tenant.User `json:"user,omitempty"`
	Hash       string       `json:"hash"`
	// Browser is the hash of the cookie of the browser that chose the password.
	// Somebody who opens the letter elsewhere chooses another one: the password
	// may be that of a stranger who gave their address.
	Browser string `json:"browser"`
	Locales string `json:"locales,omitempty"`
}

// owner is the name under which what is pending for an address is kept.
func (n *pendingAccount) owner() string { return pendingOwner(n.Connection, n.Email, n.Browser) }

// pendingOwner has a name for each browser: whoever signs up with somebody else's
// address takes no other letter's place.
func pendingOwner(connection, email, browser string) string {
	return "pending|" + hashText(connection+" "+email+" "+browser)
}

// pend keeps an account until its address is confirmed, and sends the letter. It
// returns [tenant.ErrExists] when the address has one; its owner gets a letter.
//
// What is pending is kept before the letter is written, under a link that nobody
// has: there may be too many letters now, and whoever asks for it again gets one.
func (p *Provider) pend(r *http.Request, c *tenant.Client, locales string, asked newUser, u *tenant.User) error {
	ctx := r.Context()
	_, _, err := p.tenant.UserByLogin(ctx, asked.Connection.Name, u.Email)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return err
	}
	n := &pendingAccount{
		Connection: asked.Connection.Name, Email: u.Email, Hash: u.Identities[0].PasswordHash, Browser: asked.Browser, Locales: locales,
	}
	exists := err == nil
	if !exists {
		n.Username, n.User = u.Username, u
	}
	if _, err := p.keepPending(ctx, c, n, false); err != nil {
		return err
	}
	if err := p.sendPending(r, c, n); err != nil {
		return err
	}
	if exists {
		return fmt.Errorf("user %w", tenant.ErrExists)
	}
	return nil
}

// keepPending keeps what is pending, and returns the text of its link. One that is
// alone takes the place of those before it, for an address and a browser.
func (p *Provider) keepPending(ctx context.Context, c *tenant.Client, n *pendingAccount, alone bool) (secret.String, error) {
	clientID := ""
	if c != nil {
		clientID = c.ID
	}
	data, err := json.Marshal(n)
	if err != nil {
		return "", err
	}
	text := secret.Text()
	return text, p.tenant.CreateToken(ctx, text, tenant.Token{
		Kind: tenant.NewAccount, UserID: n.owner(), ClientID: clientID, ExpiresAt: p.now().Add(verifyLife), Data: data, Alone: alone,
	})
}

// sendPending sends the letter that makes an account, or tells its owner that
// there is one.
func (p *Provider) sendPending(r *http.Request, c *tenant.Client, n *pendingAccount) error {
	return p.sendLimited(r, p.letters, c, n.Locales, n.Email, func(ctx context.Context) (login.MailKind, login.Letter, bool, error) {
		return p.pendingLetter(ctx, c, n)
	})
}

// pendingLetter keeps what is pending under a new link, and writes the letter.
func (p *Provider) pendingLetter(ctx context.Context, c *tenant.Client, n *pendingAccount) (login.MailKind, login.Letter, bool, error) {
	text, err := p.keepPending(ctx, c, n, true)
	if n.User == nil {
		return login.MailExists, login.Letter{Account: n.Email, Link: p.beginning(ctx, c, "")}, err == nil, err
	}
	link := p.base + "/u/email-verification?ticket=" + text.Reveal() + "#"
	return login.MailVerify, login.Letter{Account: n.Email, Link: link, Life: verifyLife}, err == nil, err
}

// pendingFor returns what is pending for an address in a browser, or by an
// application, or [tenant.ErrNotFound].
func (p *Provider) pendingFor(ctx context.Context, conn *tenant.Connection, email, browser string) (*pendingAccount, error) {
	t, err := p.tenant.NewestToken(ctx, pendingOwner(conn.Name, email, browser), tenant.NewAccount)
	if errors.Is(err, tenant.ErrNotFound) {
		t, err = p.tenant.NewestToken(ctx, pendingOwner(conn.Name, email, ""), tenant.NewAccount)
	}
	if err != nil {
		return nil, err
	}
	n := new(pendingAccount)
	return n, json.Unmarshal(t.Data, n)
}

// pendingAgain writes the letter again when something is pending for an address
// in a browser.
func (p *Provider) pendingAgain(ctx context.Context, c *tenant.Client, conn *tenant.Connection, email, browser string) (login.MailKind, login.Letter, bool, error) {
	n, err := p.pendingFor(ctx, conn, email, browser)
	if errors.Is(err, tenant.ErrNotFound) {
		return "", login.Letter{}, false, nil
	}
	if err != nil {
		return "", login.Letter{}, false, err
	}
	return p.pendingLetter(ctx, c, n)
}

// waits reports whether a sign-up with this address and password, in this browser
// or by an application, waits for its confirmation: with the same work, whether or
// not anything waits.
func (p *Provider) waits(ctx context.Context, conn *tenant.Connection, email, browser, text string) (bool, error) {
	if p.cfg.Signup != SignupConfirm {
		return false, nil
	}
	hash := ""
	n, err := p.pendingFor(ctx, conn, email, browser)
	switch {
	case err == nil:
		hash = n.Hash
	case !errors.Is(err, tenant.ErrNotFound):
		return false, err
	}
	ok, _, err := p.hasher.Verify(ctx, hash, text)
	if errors.Is(err, password.ErrMalformed) || errors.Is(err, password.ErrTooLong) {
		return false, nil
	}
	return ok, err
}

// openPending returns what a link is to make. Where nobody may sign up any more it
// makes nothing.
func (p *Provider) openPending(ctx context.Context, text string) (*tenant.Token, *pendingAccount, error) {
	t, err := p.tenant.Token(ctx, tenant.NewAccount, secret.String(text))
	if errors.Is(err, tenant.ErrNotFound) || err == nil && !t.UsedAt.IsZero() {
		return nil, nil, &pageError{oauthError: refuse("invalid_request", "The link was used, is too old, or a part of it is missing"), fault: login.FaultTicket}
	}
	if err != nil {
		return nil, nil, err
	}
	n := new(pendingAccount)
	if err := json.Unmarshal(t.Data, n); err != nil {
		return nil, nil, err
	}
	if n.User == nil {
		return nil, nil, errors.New("the link of a sign-up that has none was opened")
	}
	conn, err := p.tenant.Connections.ByName(ctx, n.Connection)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && !p.signupOpen(conn) {
		return nil, nil, &pageError{oauthError: refuse("invalid_request", "Sign-up was closed after the letter was sent"), fault: login.FaultSignupClosed}
	}
	return t, n, err
}

// makePending makes an account whose address is confirmed by this link. In
// another browser than the one that chose the password a new one is chosen.
func (p *Provider) makePending(w http.ResponseWriter, r *http.Request, text string) {
	ctx := r.Context()
	t, n, err := p.openPending(ctx, text)
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	conn, err := p.tenant.Connections.ByName(ctx, n.Connection)
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	u := n.User
	u.EmailVerified = true
	i := &u.Identities[0]
	i.Email, i.Username = n.Email, n.Username
	here := n.Browser != "" && n.Browser == p.browserHash(r)
	if here {
		i.PasswordHash, i.PasswordAt = n.Hash, p.now()
	} else {
		unsaid(u)
	}
	c, err := p.tenant.Clients.Get(ctx, t.ClientID)
	if errors.Is(err, tenant.ErrNotFound) {
		c, err = nil, nil
	}
	if err == nil {
		err = p.registerWith(r, c, conn, u, tenant.Ticket{Kind: tenant.NewAccount, Text: secret.String(text)})
	}
	if errors.Is(err, tenant.ErrExists) {
		err = p.faster(ctx, n)
	}
	if err != nil {
		p.ticketError(w, r, err)
		return
	}
	p.record(r, "sv", c, u, "", nil)
	k := &ticket{ClientID: t.ClientID, Email: n.Email}
	if !here {
		p.choosePassword(w, r, u, k)
		return
	}
	page := login.VerifyEmailDonePage{Frame: p.ticketFrame(r, k), Email: n.Email, ContinueURL: p.next(ctx, k)}
	page.Here = verified(text)
	if err := p.pages(r).VerifyEmailDone(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// faster says why an account is there already: by another letter to the same
// address, or by somebody else who took the user name.
func (p *Provider) faster(ctx context.Context, n *pendingAccount) error {
	if n.Username == "" {
		return tenant.ErrUsed
	}
	switch _, _, have := p.tenant.UserByLogin(ctx, n.Connection, strings.ToLower(n.Email)); {
	case have == nil:
		return tenant.ErrUsed
	case !errors.Is(have, tenant.ErrNotFound):
		return have
	}
	return &pageError{
		oauthError: refuse("invalid_request", "Somebody else took the user name meanwhile"), fault: login.FaultNameTaken,
	}
}

// unsaid takes from a new account what whoever signed up said of the person: they
// need not be who opened the letter. What actions added stays.
func unsaid(u *tenant.User) {
	n := newUser{Connection: &tenant.Connection{}, Email: u.Email, Username: u.Username}
	bare := n.user()
	bare.ID, bare.Identities, bare.EmailVerified, bare.AppMetadata = u.ID, u.Identities, u.EmailVerified, u.AppMetadata
	*u = *bare
}

// choosePassword leads to the page that sets the first password.
func (p *Provider) choosePassword(w http.ResponseWriter, r *http.Request, u *tenant.User, from *ticket) {
	k, _ := resetTicket(u, nil)
	k.ClientID, k.ResultURL, k.IncludeEmail, k.Confirmed, k.Maker = from.ClientID, from.ResultURL, from.IncludeEmail, true, from.Maker
	link, err := p.ticket(r.Context(), k, resetLife)
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	noStore(w)
	http.Redirect(w, r, p.inLanguage(r, strings.TrimSuffix(link, "#"))+"#", http.StatusSeeOther) //nolint:gosec // a path of this provider
}
