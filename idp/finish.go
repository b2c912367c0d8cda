package idp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// codeLife is how long an authorization code waits (RFC 6749 §4.1.2).
const codeLife = time.Minute

// finish answers a request of somebody who is logged in: consent, actions, and
// the response.
func (p *Provider) finish(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, ses *tenant.Session, u *tenant.User) {
	ctx := r.Context()
	q.ScreenHint = "" // it said how to come in, and somebody has
	if q.UserID != "" && q.UserID != u.ID {
		// Somebody else than the one whom the client knows (OpenID Connect Core
		// 1.0 §3.1.2.2).
		p.respondError(w, r, q, c, refuse("login_required", "Somebody else logged in"))
		return
	}
	a, err := p.accessOf(ctx, c, u, q.Audience, q.Scope)
	if err != nil {
		p.halted(w, r, q, c, p.back(q, c, err))
		return
	}
	ask, err := p.needsConsent(ctx, q, c, u, a)
	if err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	if ask {
		if q.asks("none") {
			p.respondError(w, r, q, c, refuse("consent_required", "Consent required"))
			return
		}
		q.Browser = hashText(p.browser(w, r))
		p.consentPage(w, r, q, c, ses, u, a)
		return
	}
	event, err := p.loginEvent(r, q, c, ses, u, a)
	if err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	result, err := p.runPostLogin(ctx, event)
	if err != nil {
		p.halted(w, r, q, c, p.back(q, c, err))
		return
	}
	p.decide(w, r, q, c, ses, u, a, result)
}

// back makes a refusal one that goes back to the client; faults stay what they
// are, and so does the end of a log-in.
func (p *Provider) back(q *request, c *tenant.Client, err error) error {
	refused, fault := asOAuth(err)
	if fault || errors.Is(err, tenant.ErrEnded) {
		return err
	}
	return &backError{q, c, refused}
}

// decide does what actions said, and responds.
func (p *Provider) decide(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client,
	ses *tenant.Session, u *tenant.User, a access, result *actions.PostLoginResult,
) {
	ctx := r.Context()
	if err := p.saveMetadata(ctx, u, result.PrimaryUserID, result.AppMetadata, result.UserMetadata); err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	switch {
	case result.Deny != nil:
		p.record(r, "f", c, u, result.Deny.Reason, map[string]any{"action": result.Deny.Action})
		p.respondError(w, r, q, c, refuse("access_denied", result.Deny.Reason))
		return
	case result.Challenge != nil || result.Multifactor != nil && result.Multifactor.Provider != "none":
		// There is no second factor to ask for, and going on without one is what
		// the action forbids.
		p.record(r, "f", c, u, "An action asked for a second factor, which this provider does not have", nil)
		p.respondError(w, r, q, c, refuse("access_denied", "Multifactor authentication required"))
		return
	case undone(result) != "":
		p.respondError(w, r, q, c, p.refuseUndone(r, c, u, result))
		return
	case result.Redirect != nil:
		p.redirectForAction(w, r, q, c, ses, result)
		return
	case result.Session.Revoke, result.RefreshToken.Revoke, endsOf(&result.Session).over(p.now()):
		p.stopped(w, r, q, c, ses, result)
		return
	}
	if id := result.PrimaryUserID; id != "" && id != u.ID {
		var ask bool
		primary, err := p.primaryUser(ctx, u, id)
		if err == nil {
			a, ask, err = p.judgePrimary(ctx, q, c, primary)
		}
		if err == nil {
			ses, err = p.handSession(ctx, w, ses, primary)
		}
		if err != nil {
			p.halted(w, r, q, c, p.back(q, c, err))
			return
		}
		if u = primary; ask {
			q.Browser = hashText(p.browser(w, r))
			p.consentPage(w, r, q, c, ses, u, a)
			return
		}
	}
	if err := p.limitSession(ctx, ses, endsOf(&result.Session)); err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	a.apply(c, result.AccessToken.AddScope, result.AccessToken.RemoveScope)
	p.respond(w, r, q, c, ses, u, a, result)
}

// judgePrimary judges for the user whom an action made the one to log in what was
// judged before for the one who came: whom the client wants, what they may have,
// and whether they have allowed it; the answer of the other one is not theirs.
func (p *Provider) judgePrimary(ctx context.Context, q *request, c *tenant.Client, primary *tenant.User) (access, bool, error) {
	if q.UserID != "" && q.UserID != primary.ID {
		return access{}, false, refuse("login_required", "Somebody else logged in")
	}
	a, err := p.accessOf(ctx, c, primary, q.Audience, q.Scope)
	if err != nil {
		return a, false, err
	}
	q.Consented = false
	ask, err := p.needsConsent(ctx, q, c, primary, a)
	if err == nil && ask && q.asks("none") {
		err = refuse("consent_required", "Consent required")
	}
	return a, ask, err
}

// stopped answers a log-in that an action takes back with its session, or with
// the refresh token that it would have brought.
func (p *Provider) stopped(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, ses *tenant.Session, result *actions.PostLoginResult) {
	var err error
	switch {
	case result.Session.Revoke:
		err = p.revokeSession(r.Context(), ses.UserID, ses.ID, result.Session.KeepTokens)
	case endsOf(&result.Session).over(p.now()):
		err = p.endSession(r.Context(), ses.ID)
	}
	if err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	p.respondError(w, r, q, c, refuse("access_denied", cmp.Or(result.Session.RevokeReason, result.RefreshToken.RevokeReason)))
}

// A code is what an authorization code stands for.
type code struct {
	RedirectURI   string              `json:"r"`
	RedirectGiven bool                `json:"rg"`
	Challenge     string              `json:"ch"`
	Nonce         string              `json:"n"`
	Audience      string              `json:"a"`
	Scope         []string            `json:"s"`
	Permissions   []string            `json:"p"` // null: the token does not say them
	SID           string              `json:"sid"`
	AuthTime      time.Time           `json:"at"`
	Connection    string              `json:"cn"`
	Methods       []tenant.AuthMethod `json:"m"`
	AccessMore    map[string]any      `json:"am"`
	IDMore        map[string]any      `json:"im"`
	Epoch         int64               `json:"e"`
	Refresh       ends                `json:"re,omitzero"` // of the refresh token
	// Asked says that it was given to a client of others, for which people are asked.
	Asked bool `json:"ask,omitempty"`
}

// respond makes what the client asked for and sends it back.
func (p *Provider) respond(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client,
	ses *tenant.Session, u *tenant.User, a access, result *actions.PostLoginResult,
) {
	ctx := r.Context()
	i := &issuance{
		client: c, user: u, access: a, sid: ses.ID, authTime: ses.AuthenticatedAt, methods: ses.Methods, nonce: q.Nonce,
		grantID: tenant.NewGrantID(), epoch: ses.Epoch, atEndpoint: true, accessMore: result.AccessToken.Claims, idMore: result.IDToken,
		refresh: endsOf(&result.RefreshToken),
	}
	out := answer{}
	var issued *tenant.NewToken
	if q.wants("code") {
		var err error
		if issued, err = p.newCode(q, ses, i); err != nil {
			p.halted(w, r, q, c, err)
			return
		}
		i.code = issued.Text.Reveal()
		out.add("code", i.code)
	}
	if err := p.frontTokens(ctx, q, i, &out); err != nil {
		p.halted(w, r, q, c, p.back(q, c, err))
		return
	}
	_, idle, err := p.lives(ctx)
	if err == nil {
		until := firstTime(firstTime(result.Session.IdleExpiresAt, p.now().Add(idle)), ses.ExpiresAt)
		if issued != nil {
			err = p.tenant.TouchSessionWith(ctx, ses, c.ID, until, issued)
		} else {
			err = p.tenant.TouchSession(ctx, ses, c.ID, until)
		}
	}
	if err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	kind := "s"
	if q.asks("none") {
		kind = "ssa"
	}
	p.record(r, kind, c, u, "", nil)
	p.send(w, r, q, c, u, out)
}

// newCode makes an authorization code, which is good for nothing until it is
// stored.
func (p *Provider) newCode(q *request, ses *tenant.Session, i *issuance) (*tenant.NewToken, error) {
	data, err := json.Marshal(code{
		RedirectURI: q.RedirectURI, RedirectGiven: q.RedirectGiven, Challenge: q.Challenge, Nonce: q.Nonce,
		Audience: q.Audience, Scope: i.scope, Permissions: i.permissions, SID: ses.ID, AuthTime: ses.AuthenticatedAt,
		Connection: ses.Connection, Methods: ses.Methods, AccessMore: i.accessMore, IDMore: i.idMore, Epoch: ses.Epoch, Refresh: i.refresh,
		Asked: !i.client.FirstParty,
	})
	if err != nil {
		return nil, err
	}
	return &tenant.NewToken{Text: secret.Text(), Token: tenant.Token{
		Kind: tenant.CodeToken, UserID: i.user.ID, ClientID: i.client.ID, GrantID: i.grantID,
		ExpiresAt: p.now().Add(codeLife), Data: data, Epoch: &ses.Epoch,
	}}, nil
}

// answer are the parameters of a response, in their order.
type answer []struct{ name, value string }

func (a *answer) add(name, value string) {
	*a = append(*a, struct{ name, value string }{name, value})
}

// errorAnswer returns an error as parameters.
func errorAnswer(e *oauthError) answer {
	var out answer
	out.add("error", e.code)
	if e.description != "" {
		out.add("error_description", e.description)
	}
	return out
}

// endSession ends a session, and tells the clients that know it.
func (p *Provider) endSession(ctx context.Context, id string) error {
	ended, err := p.tenant.EndSession(ctx, id)
	if err == nil && ended != nil {
		p.tellLogout(ended)
	}
	return err
}
