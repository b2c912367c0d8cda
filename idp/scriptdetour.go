package idp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// A detour is a log-in whose person an action sent away.
type detour struct {
	Request   *request                 `json:"q"`
	SessionID string                   `json:"s"`
	Result    *actions.PostLoginResult `json:"r"`
	State     string                   `json:"st"`
}

// detourLife is how long a person may be away.
const detourLife = 20 * time.Minute

// redirectForAction sends the person to where an action wants them.
func (p *Provider) redirectForAction(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, ses *tenant.Session, result *actions.PostLoginResult) {
	if q.asks("none") {
		p.respondError(w, r, q, c, refuse("interaction_required", "Interaction required"))
		return
	}
	q.Browser = hashText(p.browser(w, r))
	text := secret.Text()
	data, err := json.Marshal(detour{Request: q, SessionID: ses.ID, Result: result})
	if err == nil {
		err = p.tenant.CreateToken(r.Context(), text, tenant.Token{
			Kind: tenant.Redirection, UserID: ses.UserID, ClientID: c.ID, ExpiresAt: p.now().Add(detourLife), Data: data,
		})
	}
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	var out answer
	out.add("state", text.Reveal())
	noStore(w)
	target := withParameters(result.Redirect.URL, out, false)
	if r.Method == http.MethodPost {
		if err := p.pages(r).Hop(w, r, http.StatusOK, login.HopPage{Frame: p.frame(r, nil, c), Target: target}); err != nil {
			p.faultPage(w, r, err)
		}
		return
	}
	http.Redirect(w, r, target, http.StatusFound)
}

// continueRedirect goes on with a log-in when the person comes back.
func (p *Provider) continueRedirect(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	in, err := queryParams(r)
	body := params{}
	if err == nil && r.Method == http.MethodPost {
		body, err = bodyParams(w, r)
	}
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	state := in["state"]
	if state == "" {
		state = body["state"]
	}
	// Another browser must not be able to use up a state that it found.
	t, err := p.tenant.Token(ctx, tenant.Redirection, secret.String(state))
	var d detour
	if err == nil {
		err = json.Unmarshal(t.Data, &d)
	}
	if err == nil && d.Request.Browser != p.browserHash(r) {
		err = errTransaction
	}
	if err == nil {
		_, err = p.tenant.UseToken(ctx, tenant.Redirection, secret.String(state))
	}
	if errors.Is(err, tenant.ErrUsed) || errors.Is(err, tenant.ErrNotFound) {
		err = errTransaction
	}
	if err != nil {
		p.expiredPage(w, r, d.Request, err)
		return
	}
	p.resume(w, r, &d, state, in, body)
}

func (p *Provider) resume(w http.ResponseWriter, r *http.Request, d *detour, state string, in, body params) {
	ctx := r.Context()
	q := d.Request
	c, err := p.clientOf(ctx, q)
	if err != nil {
		p.expiredPage(w, r, q, err)
		return
	}
	ses, u, err := p.currentSession(r)
	switch {
	case err != nil:
		p.faultPage(w, r, err)
		return
	case ses == nil || ses.ID != d.SessionID:
		p.expiredPage(w, r, q, errTransaction)
		return
	}
	if ok, err := p.admits(ctx, c, ses.Connection); err != nil || !ok {
		p.expiredPage(w, r, q, cmp.Or(err, errTransaction))
		return
	}
	a, err := p.accessOf(ctx, c, u, q.Audience, q.Scope)
	if err != nil {
		p.halted(w, r, q, c, p.back(q, c, err))
		return
	}
	ask, err := p.moreToAllow(ctx, q, c, u, a)
	if err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	if ask {
		p.consentPage(w, r, q, c, ses, u, a)
		return
	}
	e, err := p.loginEvent(r, q, c, ses, u, a)
	if err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	if e.event.Authentication == nil { // no action is there any more
		p.expiredPage(w, r, q, errTransaction)
		return
	}
	taken := func(role string) bool { return !slices.Contains(e.event.Authorization.Roles, role) }
	if slices.ContainsFunc(d.Result.Roles, taken) { // one that was given meanwhile is often why the person was away
		p.finish(w, r, q, c, ses, u)
		return
	}
	for name, value := range in {
		e.event.Request.Query[name] = value
	}
	for name, value := range body {
		e.event.Request.Body[name] = value
	}
	e.flow.State = state
	bound, err := p.bound(ctx, actions.TriggerPostLogin)
	if err != nil || p.cfg.Actions == nil {
		p.halted(w, r, q, c, errors.Join(err, errTransaction))
		return
	}
	result, err := p.cfg.Actions.ContinuePostLogin(ctx, bound, e.event, e.flow, *d.Result)
	if err != nil {
		p.halted(w, r, q, c, p.back(q, c, p.actionFailed(ctx, actions.TriggerPostLogin, err)))
		return
	}
	p.decide(w, r, q, c, ses, u, a, &result)
}

// moreToAllow reports whether a client would get more than the person was asked for
// before an action sent them away: a permission that came meanwhile. That the request
// or the address of the client wants them to be asked is no reason any more.
func (p *Provider) moreToAllow(ctx context.Context, q *request, c *tenant.Client, u *tenant.User, a access) (bool, error) {
	asked := *q
	asked.Prompt = slices.DeleteFunc(slices.Clone(q.Prompt), func(s string) bool { return s == "consent" })
	if asks, err := p.needsConsent(ctx, &asked, c, u, a); err != nil || !asks {
		return false, err
	}
	ok, err := p.allowed(ctx, c, u, q.Audience, a)
	return !ok, err
}
