package idp

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
)

// Where sign-up is open, whoever signs up need not own the address: a stranger
// may wait in an account for its owner to come. So the first proof of the address
// ends what was there before, unless it is given in the browser that signed up.

// maybeStranger reports whether somebody else than the person in a browser may
// have signed up as a user whose address nobody has confirmed.
func maybeStranger(u *tenant.User, browser string) bool {
	own := u.Own()
	if u.EmailVerified || own == nil || own.Unproven == "" || u.Moved() {
		return false // an administrator made the account, or its owner proved an address once
	}
	return browser == "" || own.Unproven != browser
}

// mayConfirm reports whether a letter that is opened in a browser may confirm the
// address of a user. Who comes from another provider may have said any address
// there, and their account cannot be handed over: whoever opens the letter has to
// be logged in to it.
func (p *Provider) mayConfirm(r *http.Request, u *tenant.User, k *ticket) error {
	if own := u.Own(); own != nil && own.Provider == tenant.Database {
		return nil
	}
	here, err := p.loggedIn(r, u)
	if err != nil {
		return err
	}
	if !here {
		page := &pageError{oauthError: refuse("access_denied", "The account of the link is not logged in here"), fault: login.FaultLogInFirst}
		page.client, page.restart = p.entrance(r.Context(), u, k)
		return page
	}
	return nil
}

// loggedIn reports whether a user is logged in to their account in the browser of a
// request.
func (p *Provider) loggedIn(r *http.Request, u *tenant.User) (bool, error) {
	_, current, err := p.currentSession(r)
	return current != nil && current.ID == u.ID, err
}

// entrance returns where the user of a link logs in: at the application that it is
// about, else at the first of ours that takes them. It is empty when none has a page.
func (p *Provider) entrance(ctx context.Context, u *tenant.User, k *ticket) (*tenant.Client, string) {
	meant, err := p.tenant.Clients.Get(ctx, k.ClientID)
	if err == nil {
		if where := p.beginning(ctx, meant, ""); where != "" {
			return meant, where
		}
	}
	all, err := p.tenant.Clients.List(ctx)
	if err != nil {
		return nil, "" // the page says what to do without
	}
	for _, c := range all {
		takes := func(i tenant.Identity) bool {
			ok, err := p.admits(ctx, c, i.Connection)
			return ok && err == nil
		}
		if !c.FirstParty || c.Global || !slices.ContainsFunc(u.Identities, takes) {
			continue
		}
		if where := p.beginning(ctx, c, ""); where != "" {
			return c, where
		}
	}
	return nil, ""
}

// handOver gives an account to the owner of its address: the address is confirmed,
// and the password, sessions, tokens, further ways in and what was said of the
// person before are no more.
func (p *Provider) handOver(ctx context.Context, u *tenant.User, email string, by tenant.Ticket) (*tenant.User, error) {
	provider, subject, _ := strings.Cut(u.ID, "|")
	u, sessions, err := p.tenant.SetPassword(ctx, tenant.PasswordChange{
		UserID: u.ID, Provider: provider, Subject: subject, Ticket: by,
		Check:  func(*tenant.User) (bool, error) { return true, nil },
		Change: func(u *tenant.User) error { return confirm(u, email) },
	})
	if err != nil {
		return nil, err
	}
	for _, ses := range sessions {
		p.tellLogout(ses)
	}
	return u, nil
}

// confirm notes that an address is confirmed, if it is still that of the user. The
// tenant forgets by whom the account was made.
func confirm(u *tenant.User, email string) error {
	if u.Email != email {
		return tenant.ErrNotFound
	}
	u.EmailVerified = true
	return nil
}
