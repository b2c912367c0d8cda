package idp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// bound returns the deployed actions of a trigger in their order.
//
// Bindings and actions are remembered apart, so that this process may know a rule
// that another one made in halves. Then the database is asked: a log-in without a
// rule that was there at all times would be one that the rule forbids.
func (p *Provider) bound(ctx context.Context, trigger actions.Trigger) ([]actions.Action, error) {
	list, err := boundBy(ctx, trigger, p.tenant.Bindings.Get, p.tenant.Actions.Get)
	if errors.Is(err, errHalf) {
		list, err = boundBy(ctx, trigger, p.tenant.Bindings.Stored, p.tenant.Actions.Stored)
	}
	if err == nil && len(list) > 0 && p.cfg.Actions == nil {
		err = errors.New("an action is bound to " + string(trigger) + ", and nothing runs actions here")
	}
	return list, err
}

// errHalf is the answer for a binding without a deployed action.
var errHalf = errors.New("it is not there, or not deployed: bind what is to run, and nothing else")

// boundBy returns the deployed actions of a trigger, or errHalf.
func boundBy(ctx context.Context, trigger actions.Trigger, bindings func(context.Context, string) (*tenant.Bindings, error), action func(context.Context, string) (*tenant.Action, error)) ([]actions.Action, error) {
	b, err := bindings(ctx, string(trigger))
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []actions.Action
	for _, binding := range b.List {
		a, err := action(ctx, binding.ActionID)
		if errors.Is(err, tenant.ErrNotFound) || err == nil && a.Deployed == nil {
			err = fmt.Errorf("action %s of the trigger %s: %w", binding.ActionID, trigger, errHalf)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, runnable(a))
	}
	return list, nil
}

// runnable returns an action as it was deployed.
func runnable(a *tenant.Action) actions.Action {
	secrets := map[string]string{}
	for _, s := range a.Deployed.Secrets {
		secrets[s.Name] = s.Value
	}
	return actions.Action{
		ID: a.ID, Name: a.Name, Code: a.Deployed.Code, Secrets: secrets, Runtime: a.Deployed.Runtime, Version: a.Deployed.Number,
	}
}

// A postLogin is what the actions of post-login are called with.
type postLogin struct {
	event actions.PostLoginEvent
	flow  actions.Flow
}

// runPostLogin runs the actions of post-login. One that fails refuses the
// log-in.
func (p *Provider) runPostLogin(ctx context.Context, e *postLogin) (*actions.PostLoginResult, error) {
	list, err := p.bound(ctx, actions.TriggerPostLogin)
	if err != nil || len(list) == 0 {
		return &actions.PostLoginResult{}, err
	}
	result, err := p.cfg.Actions.PostLogin(ctx, list, e.event, e.flow)
	if err != nil {
		return nil, p.actionFailed(ctx, actions.TriggerPostLogin, err)
	}
	return &result, nil
}

// actionFailed logs what went wrong with an action. The person learns that it
// did, and no more: one that is wrong refuses. Where it could not run, or nobody
// waited for its end, nothing was decided.
func (p *Provider) actionFailed(ctx context.Context, trigger actions.Trigger, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	if errors.Is(err, actions.ErrBusy) || errors.Is(err, actions.ErrClosed) {
		if e, ok := errors.AsType[*actions.Error](err); ok && e.Message != "" {
			p.recordAction(ctx, trigger, err) // it ran, and may be the one that keeps the others waiting
		}
		p.log.WarnContext(ctx, "action could not run: there are too many at a time, or this process ends", "trigger", string(trigger), "error", err)
		return &oauthError{
			status: http.StatusServiceUnavailable, code: "temporarily_unavailable",
			description: "Many people are logging in right now.", retryAfter: actionsBusy,
		}
	}
	p.recordAction(ctx, trigger, err)
	if _, ok := errors.AsType[*actions.Error](err); ok && !errors.Is(err, actions.ErrWorker) {
		return refuse("access_denied", "The log-in was stopped by an action that failed.")
	}
	return err
}

// actionsBusy is when it is worth another try after no action could run.
const actionsBusy = 5 * time.Second

func (p *Provider) recordAction(ctx context.Context, trigger actions.Trigger, err error) {
	p.log.ErrorContext(ctx, "action failed", "trigger", string(trigger), "error", err)
	p.tenant.Record(ctx, tenant.Log{
		Type: "actions_execution_failed", Description: err.Error(), Hostname: p.host,
		Details: map[string]any{"trigger": string(trigger)},
	})
}

// applyWithoutBrowser does what actions said where nobody can be asked anything.
func (p *Provider) applyWithoutBrowser(r *http.Request, u *tenant.User, i *issuance, audience string, scope []string, result *actions.PostLoginResult) error {
	ctx := r.Context()
	if err := p.saveMetadata(ctx, u, result.PrimaryUserID, result.AppMetadata, result.UserMetadata); err != nil {
		return err
	}
	switch {
	case result.Deny != nil:
		return refuse("access_denied", result.Deny.Reason)
	case result.Challenge != nil, result.Multifactor != nil && result.Multifactor.Provider != "none":
		return refuse("mfa_required", "Multifactor authentication required")
	case undone(result) != "":
		return p.refuseUndone(r, i.client, u, result)
	case result.Redirect != nil:
		return refuse("interaction_required", "An action wants to send the person elsewhere")
	}
	if id := result.PrimaryUserID; id != "" && id != u.ID {
		primary, err := p.primaryUser(ctx, u, id)
		if err != nil {
			return err
		}
		if i.access, err = p.accessOf(ctx, i.client, primary, audience, scope); err != nil {
			return err
		}
		if !i.client.FirstParty { // what the other user allowed is not allowed by this one
			switch allowed, err := p.allowed(ctx, i.client, primary, audience, i.access); {
			case err != nil:
				return err
			case !allowed:
				return refuse("consent_required", "Consent required")
			}
		}
		i.user, i.epoch = primary, primary.Epoch
	}
	i.apply(i.client, result.AccessToken.AddScope, result.AccessToken.RemoveScope)
	i.accessMore, i.idMore, i.refresh = result.AccessToken.Claims, result.IDToken, endsOf(&result.RefreshToken)
	return nil
}

// refuseUndone refuses a log-in of which an action wants what this provider does
// not do, and writes down what that is.
func (p *Provider) refuseUndone(r *http.Request, c *tenant.Client, u *tenant.User, result *actions.PostLoginResult) *oauthError {
	call := undone(result)
	p.record(r, "f", c, u, "An action called "+call+", which this provider does not do", nil)
	return refuse("access_denied", "An action asked for "+call+", which is not supported")
}

// primaryUser returns the user whom an action made the one to log in: the
// current identity has to be among theirs.
func (p *Provider) primaryUser(ctx context.Context, u *tenant.User, id string) (*tenant.User, error) {
	primary, err := p.liveUser(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, mine := range u.Identities {
		for _, theirs := range primary.Identities {
			if mine.Provider == theirs.Provider && mine.UserID == theirs.UserID {
				return primary, nil
			}
		}
	}
	return nil, refuse("access_denied", "The primary user does not have the identity that logged in")
}

// handSession goes on with a session for the primary user: with the user who
// was linked to them theirs has ended.
func (p *Provider) handSession(ctx context.Context, w http.ResponseWriter, ses *tenant.Session, primary *tenant.User) (*tenant.Session, error) {
	own, text := *ses, secret.Text()
	own.ID, own.UserID, own.Epoch, own.Clients = tenant.NewGrantID(), primary.ID, primary.Epoch, nil
	if err := p.tenant.CreateSession(ctx, text, &own); err != nil {
		return nil, err
	}
	return &own, p.keepSession(ctx, w, text, own.ExpiresAt.Sub(p.now()))
}

// saveMetadata writes what actions changed.
func (p *Provider) saveMetadata(ctx context.Context, u *tenant.User, primary string, app, user actions.MetadataPatch) error {
	if len(app) == 0 && len(user) == 0 {
		return nil
	}
	change := func(u *tenant.User) error {
		tenant.MergeMetadata(&u.AppMetadata, app)
		tenant.MergeMetadata(&u.UserMetadata, user)
		return nil
	}
	saved, err := p.tenant.UpdateUser(ctx, u.ID, change)
	if errors.Is(err, tenant.ErrNotFound) && primary != "" { // the action linked them
		if _, err = p.primaryUser(ctx, u, primary); err == nil {
			saved, err = p.tenant.UpdateUser(ctx, primary, change)
		}
	}
	if err != nil {
		return err
	}
	u.AppMetadata, u.UserMetadata, u.UpdatedAt = saved.AppMetadata, saved.UserMetadata, saved.UpdatedAt
	return nil
}

// runCredentialsExchange runs the actions of a token for a client, and returns
// the claims that they added.
func (p *Provider) runCredentialsExchange(r *http.Request, c *tenant.Client, a access) (map[string]any, error) {
	ctx := r.Context()
	bound, err := p.bound(ctx, actions.TriggerCredentialsExchange)
	if err != nil || len(bound) == 0 || a.api.System {
		return nil, err
	}
	result, err := p.cfg.Actions.CredentialsExchange(ctx, bound, actions.CredentialsExchangeEvent{
		AccessToken: actions.ExchangeToken{CustomClaims: map[string]any{}, Scope: orNone(a.scope)},
		Client:      clientEvent(c), Request: p.requestEvent(r), ResourceServer: &actions.ResourceServer{Identifier: a.api.Identifier},
		Transaction: &actions.Transaction{RequestedScopes: orNone(a.scope), UILocales: []string{}, ACRValues: []string{}},
		Tenant:      actions.Tenant{ID: p.tenantID()},
	})
	if err != nil {
		return nil, p.actionFailed(ctx, actions.TriggerCredentialsExchange, err)
	}
	if result.Deny != nil {
		return nil, refuse(result.Deny.Code, result.Deny.Reason)
	}
	return result.AccessToken.Claims, nil
}

func (p *Provider) registration(r *http.Request, c *tenant.Client, conn *tenant.Connection, u *tenant.User) actions.RegistrationEvent {
	e := actions.RegistrationEvent{
		User:       userEvent(u),
		Connection: actions.Connection{ID: conn.ID, Name: conn.Name, Strategy: conn.Strategy, Metadata: conn.Metadata},
		Request:    p.requestEvent(r), Tenant: actions.Tenant{ID: p.tenantID()},
	}
	if c != nil {
		client := clientEvent(c)
		e.Client = &client
	}
	return e
}

func (p *Provider) runPreRegistration(r *http.Request, c *tenant.Client, conn *tenant.Connection, u *tenant.User) (actions.PreRegistrationResult, error) {
	ctx := r.Context()
	var result actions.PreRegistrationResult
	bound, err := p.bound(ctx, actions.TriggerPreUserRegistration)
	if err != nil || len(bound) == 0 {
		return result, err
	}
	e := p.registration(r, c, conn, u)
	e.User.UserID, e.User.Identities = "", nil
	result, err = p.cfg.Actions.PreUserRegistration(ctx, bound, e)
	if err != nil {
		return result, p.actionFailed(ctx, actions.TriggerPreUserRegistration, err)
	}
	if result.Deny != nil {
		return result, &deniedError{reason: result.Deny.Reason, message: result.Deny.UserMessage}
	}
	return result, nil
}

// runPostRegistration runs in the background: it stops nobody.
func (p *Provider) runPostRegistration(r *http.Request, c *tenant.Client, conn *tenant.Connection, u *tenant.User) {
	e := p.registration(r, c, conn, new(*u)) // a copy: the log-in goes on with u
	p.runBehind(r, actions.TriggerPostUserRegistration, func(ctx context.Context, bound []actions.Action) error {
		return p.cfg.Actions.PostUserRegistration(ctx, bound, e)
	})
}

func (p *Provider) runPostChangePassword(r *http.Request, u *tenant.User, conn *tenant.Connection) {
	e := p.registration(r, nil, conn, new(*u))
	p.runBehind(r, actions.TriggerPostChangePassword, func(ctx context.Context, bound []actions.Action) error {
		return p.cfg.Actions.PostChangePassword(ctx, bound, actions.ChangePasswordEvent{
			User: e.User, Connection: e.Connection, Request: e.Request, Tenant: e.Tenant,
		})
	})
}

// runBehind runs actions that nobody waits for.
func (p *Provider) runBehind(r *http.Request, trigger actions.Trigger, run func(context.Context, []actions.Action) error) {
	ctx := context.WithoutCancel(r.Context())
	bound, err := p.bound(ctx, trigger)
	if err != nil {
		p.log.ErrorContext(ctx, "actions were not run", "trigger", string(trigger), "error", err)
		return
	}
	if len(bound) == 0 {
		return
	}
	begun := p.behind.begin(func() {
		if err := run(ctx, bound); err != nil {
			p.recordAction(ctx, trigger, err) // nobody else hears of it
		}
	})
	if !begun {
		p.log.ErrorContext(ctx, "actions were not run", "trigger", string(trigger), "error", actions.ErrClosed)
	}
}
