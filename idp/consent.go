package idp

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
)

// consentPage asks whether a client may have what it asks for.
func (p *Provider) consentPage(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, ses *tenant.Session, u *tenant.User, a access) {
	q.Asked = &asked{SessionID: ses.ID, Scope: consented(a)}
	state, err := p.sealRequest(q)
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	page := login.ConsentPage{
		Frame: p.frame(r, q, c), Account: accountName(u), ThirdParty: !c.FirstParty,
		Form: login.Form{Action: consentPath, State: state, CSRF: p.csrf(p.browser(w, r))},
	}
	if len(state) <= maxRequest {
		page.Here = here(consentPath, state)
	}
	if page.SwitchURL, err = p.switchURL(q); err != nil {
		p.faultPage(w, r, err)
		return
	}
	for _, s := range a.scope {
		if s == "openid" {
			continue
		}
		item := login.Scope{Name: s}
		if a.api != nil {
			for _, known := range a.api.Scopes {
				if known.Value == s {
					item.Description, item.Changes = known.Description, !strings.HasPrefix(s, "read:")
				}
			}
		}
		page.Scopes = append(page.Scopes, item)
	}
	if err := p.pages(r).Consent(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// switchURL is where somebody else logs in for the same request, empty when it is
// for one person alone. The session goes on until they have: whoever comes back is
// asked as before.
func (p *Provider) switchURL(q *request) (string, error) {
	if q.UserID != "" {
		return "", nil
	}
	other := *q
	other.Asked, other.LoginHint, other.ScreenHint = nil, "", ""
	other.Prompt = append(slices.Clone(q.Prompt), "login") // another provider asks, too
	state, err := p.sealRequest(&other)
	return "/u/login?state=" + state, err
}

// askedOf returns the session and the person who was asked, and what was shown to
// them. Without them it answers the request, and ok is false.
func (p *Provider) askedOf(w http.ResponseWriter, r *http.Request, v *visit) (ses *tenant.Session, u *tenant.User, shown *asked, ok bool) {
	q := v.request
	ses, u, err := p.currentSession(r)
	if err != nil {
		p.faultPage(w, r, err)
		return nil, nil, nil, false
	}
	shown, q.Asked = q.Asked, nil
	ok, err = p.serves(r.Context(), q, v.client, ses, u)
	if err != nil {
		p.faultPage(w, r, err)
		return nil, nil, nil, false
	}
	if !ok || shown == nil || ses.ID != shown.SessionID {
		p.toLogin(w, r, q, v.client)
		return nil, nil, nil, false
	}
	return ses, u, shown, true
}

// showConsent asks once more, in another language.
func (p *Provider) showConsent(w http.ResponseWriter, r *http.Request, v *visit) {
	ses, u, _, ok := p.askedOf(w, r, v)
	if !ok {
		return
	}
	a, err := p.accessOf(r.Context(), v.client, u, v.request.Audience, v.request.Scope)
	if err != nil {
		p.halted(w, r, v.request, v.client, p.back(v.request, v.client, err))
		return
	}
	p.consentPage(w, r, v.request, v.client, ses, u, a)
}

// postConsent takes the decision of the person who is logged in: the answer is
// that of the person who was asked, and to what was shown.
func (p *Provider) postConsent(w http.ResponseWriter, r *http.Request, v *visit) {
	ctx := r.Context()
	q := v.request
	ses, u, shown, ok := p.askedOf(w, r, v)
	if !ok {
		return
	}
	switch v.form[login.FieldDecision] {
	case login.DecisionAllow:
	case login.DecisionDeny:
		p.respondError(w, r, q, v.client, refuse("access_denied", "User did not authorize the request"))
		return
	default:
		p.errorPage(w, r, &pageError{oauthError: refuse("invalid_request", "The form has no decision"), fault: login.FaultForm})
		return
	}
	a, err := p.accessOf(ctx, v.client, u, q.Audience, q.Scope)
	if err == nil {
		err = p.tenant.AddConsent(ctx, u.ID, v.client.ID, q.Audience, shown.Scope)
	}
	if err != nil {
		p.halted(w, r, q, v.client, p.back(q, v.client, err))
		return
	}
	q.Consented = containsAll(shown.Scope, consented(a)) // else there is more by now, and they are asked again
	p.finish(w, r, q, v.client, ses, u)
}
