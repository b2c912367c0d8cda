package idp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// Where sign-up is open, whoever signs up need not own the address: a stranger
// may wait in an account for its owner to come. So the first proof of the address
// ends what was there before, unless it is given in the browser that signed up.

// unproven remembers that somebody signed up with an address that nobody had
// confirmed, in the browser that the data name.
const unproven tenant.TokenKind = "unproven"

// unprovenLife is for as long as anybody may come to confirm an address.
const unprovenLife = 10 * 365 * 24 * time.Hour

// unprovenOwner is the name under which the sign-up of a user is kept: not that of
// the user, for what ends everything of theirs does not prove the address.
func unprovenOwner(userID string) string { return "unproven|" + hashText(userID) }

// rememberSignup remembers in which browser an account is made.
func (p *Provider) rememberSignup(r *http.Request, userID string) error {
	data, err := json.Marshal(p.browserHash(r))
	if err != nil {
		return err
	}
	return p.tenant.CreateToken(r.Context(), secret.Text(), tenant.Token{
		Kind: unproven, UserID: unprovenOwner(userID), ExpiresAt: p.now().Add(unprovenLife), Data: data,
	})
}

// maybeStranger reports whether somebody else than the person in this browser may
// have signed up as a user whose address nobody has confirmed.
func (p *Provider) maybeStranger(r *http.Request, u *tenant.User) (bool, error) {
	if u.EmailVerified {
		return false, nil
	}
	t, err := p.tenant.NewestToken(r.Context(), unprovenOwner(u.ID), unproven)
	if errors.Is(err, tenant.ErrNotFound) {
		return false, nil // an administrator made the account
	}
	if err != nil {
		return false, err
	}
	var browser string
	err = json.Unmarshal(t.Data, &browser)
	return browser == "" || browser != p.browserHash(r), err
}

// proven forgets a sign-up whose address is confirmed.
func (p *Provider) proven(ctx context.Context, u *tenant.User) error {
	return p.tenant.VoidTokens(ctx, unprovenOwner(u.ID), unproven)
}

// detach takes from a user what a stranger may have added: further ways in, each
// of which becomes a user of its own, and what applications were allowed.
func (p *Provider) detach(ctx context.Context, u *tenant.User) error {
	for _, i := range u.Identities {
		if i.Provider+"|"+i.UserID == u.ID {
			continue
		}
		if _, err := p.tenant.UnlinkIdentity(ctx, u.ID, i.Provider, i.UserID); err != nil && !errors.Is(err, tenant.ErrNotFound) {
			return err
		}
	}
	return p.tenant.DeleteConsents(ctx, u.ID, "")
}

// detachStranger does the same before a new password proves the address, when
// somebody else may have signed up.
func (p *Provider) detachStranger(r *http.Request, u *tenant.User) error {
	stranger, err := p.maybeStranger(r, u)
	if err != nil || !stranger {
		return err
	}
	return p.detach(r.Context(), u)
}

// handOver gives an account to the owner of its address: the address is confirmed,
// and the password, sessions and tokens from before are no more.
func (p *Provider) handOver(ctx context.Context, u *tenant.User, email string) (*tenant.User, error) {
	if err := p.detach(ctx, u); err != nil {
		return nil, err
	}
	provider, subject, _ := strings.Cut(u.ID, "|")
	u, sessions, err := p.tenant.SetPassword(ctx, tenant.PasswordChange{
		UserID: u.ID, Provider: provider, Subject: subject,
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

// confirm notes that an address is confirmed, if it is still that of the user.
func confirm(u *tenant.User, email string) error {
	if u.Email != email {
		return tenant.ErrNotFound
	}
	u.EmailVerified = true
	return nil
}
