package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// A pendingAccount is an account that is made when its address is confirmed.
// Until then there is none: a log-in with its password is refused as one without
// an account is.
type pendingAccount struct {
	Connection string       `json:"connection"`
	Email      string       `json:"email"`
	Username   string       `json:"username,omitempty"`
	User       *tenant.User `json:"user"`
	Hash       string       `json:"hash"`
	// Browser is the hash of the cookie of the browser that chose the password.
	// Somebody who opens the letter elsewhere chooses another one: the password
	// may be that of a stranger who gave their address.
	Browser string `json:"browser"`
	Locales string `json:"locales,omitempty"`
}

// owner is the name under which what is pending for an address is kept.
func (n *pendingAccount) owner() string { return pendingOwner(n.Connection, n.Email) }

func pendingOwner(connection, email string) string {
	return "pending|" + hashText(connection+" "+email)
}

// pend keeps an account until its address is confirmed, and sends the letter. It
// returns [tenant.ErrExists] when the address has one.
func (p *Provider) pend(r *http.Request, c *tenant.Client, locales string, asked newUser, u *tenant.User) error {
	ctx := r.Context()
	_, _, err := p.tenant.UserByLogin(ctx, asked.Connection.Name, u.Email)
	if err == nil {
		return fmt.Errorf("user %w", tenant.ErrExists)
	}
	if !errors.Is(err, tenant.ErrNotFound) {
		return err
	}
	n := &pendingAccount{
		Connection: asked.Connection.Name, Email: u.Email, Username: u.Username, User: u, Hash: u.Identities[0].PasswordHash,
		Browser: asked.Browser, Locales: locales,
	}
	p.sendPending(r, c, n)
	return nil
}

// sendPending sends the letter that makes an account.
func (p *Provider) sendPending(r *http.Request, c *tenant.Client, n *pendingAccount) {
	clientID := ""
	if c != nil {
		clientID = c.ID
	}
	p.sendLetter(r, c, n.Locales, n.Email, func(ctx context.Context) (login.MailKind, login.Letter, bool, error) {
		data, err := json.Marshal(n)
		if err != nil {
			return "", login.Letter{}, false, err
		}
		// One at a time for an address: the newest.
		if err := p.tenant.VoidTokens(ctx, n.owner(), tenant.NewAccount); err != nil {
			return "", login.Letter{}, false, err
		}
		text := secret.Text()
		err = p.tenant.CreateToken(ctx, text, tenant.Token{
			Kind: tenant.NewAccount, UserID: n.owner(), ClientID: clientID, ExpiresAt: p.now().Add(verifyLife), Data: data,
		})
		link := p.base + "/u/email-verification?ticket=" + text.Reveal() + "#"
		return login.MailVerify, login.Letter{Account: n.Email, Link: link, Life: verifyLife}, err == nil, err
	})
}

// sendPendingAgain sends the letter again when something is pending for an
// address, and reports whether it is.
func (p *Provider) sendPendingAgain(r *http.Request, v *visit, conn *tenant.Connection, email string) (bool, error) {
	t, err := p.tenant.NewestToken(r.Context(), pendingOwner(conn.Name, email), tenant.NewAccount)
	if errors.Is(err, tenant.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	n := new(pendingAccount)
	if err := json.Unmarshal(t.Data, n); err != nil {
		return false, err
	}
	p.sendPending(r, v.client, n)
	return true, nil
}

// openPending returns what a link is to make.
func (p *Provider) openPending(ctx context.Context, text string) (*tenant.Token, *pendingAccount, error) {
	t, err := p.tenant.Token(ctx, tenant.NewAccount, secret.String(text))
	if errors.Is(err, tenant.ErrNotFound) || err == nil && !t.UsedAt.IsZero() {
		return nil, nil, &pageError{oauthError: refuse("invalid_request", "The link was used, is too old, or is not whole"), fault: login.FaultTicket}
	}
	if err != nil {
		return nil, nil, err
	}
	n := new(pendingAccount)
	return t, n, json.Unmarshal(t.Data, n)
}

// makePending makes an account whose address is confirmed by this link. In
// another browser than the one that chose the password a new one is chosen.
func (p *Provider) makePending(w http.ResponseWriter, r *http.Request, text string) {
	ctx := r.Context()
	t, n, err := p.openPending(ctx, text)
	if err == nil {
		_, err = p.tenant.UseToken(ctx, tenant.NewAccount, secret.String(text))
	}
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
	}
	c, err := p.tenant.Clients.Get(ctx, t.ClientID)
	if errors.Is(err, tenant.ErrNotFound) {
		c, err = nil, nil
	}
	if err == nil {
		err = p.register(r, c, conn, u)
	}
	if errors.Is(err, tenant.ErrExists) {
		err = tenant.ErrUsed // somebody was faster, with another letter
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
	page.Here = ""
	if err := p.pages(r).VerifyEmailDone(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// choosePassword leads to the page that sets the first password.
func (p *Provider) choosePassword(w http.ResponseWriter, r *http.Request, u *tenant.User, from *ticket) {
	k, _ := resetTicket(u, nil)
	k.ClientID, k.ResultURL, k.IncludeEmail = from.ClientID, from.ResultURL, from.IncludeEmail
	link, err := p.ticket(r.Context(), k, resetLife)
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	noStore(w)
	http.Redirect(w, r, link, http.StatusSeeOther) //nolint:gosec // a path of this provider
}
