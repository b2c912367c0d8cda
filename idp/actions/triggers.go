package actions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/internal/household"
)

// A Flow is what a log-in is, beyond its event.
type Flow struct {
	// CanRedirect is whether the user can be sent away: false for refreshes,
	// password grants and prompt=none.
	CanRedirect bool
	// Host is the host of the tenant, the issuer of session tokens.
	Host string
	// State is the parameter "state" that goes with a redirect, which the
	// session token has to name when the user comes back.
	State string
	// OpaqueAccessToken is whether the access token holds no claims; what
	// actions do to it is dropped.
	OpaqueAccessToken bool
}

// PostLogin runs the actions of post-login in their order until one of them
// refuses or pauses the flow. An error is a refusal: the log-in fails, whatever
// the result holds.
func (r *Runner) PostLogin(ctx context.Context, actions []Action, event PostLoginEvent, flow Flow) (PostLoginResult, error) {
	return r.postLogin(ctx, actions, event, flow, PostLoginResult{}, "")
}

// ContinuePostLogin goes on with a log-in that prior paused: after a redirect
// with onContinuePostLogin of the same action, after a challenge with the next
// one. The caller has made sure that the user came back with the right state,
// and has passed the challenge. event has the request with which the user came
// back. What was bound in front of that action meanwhile, or deployed anew, runs
// first: a rule that is bound is never left out. The result includes prior.
func (r *Runner) ContinuePostLogin(ctx context.Context, actions []Action, event PostLoginEvent, flow Flow, prior PostLoginResult) (PostLoginResult, error) {
	var id, resume string
	switch {
	case prior.Deny != nil:
		return PostLoginResult{}, errors.New("actions: the log-in was refused")
	case prior.Redirect != nil:
		id, resume = prior.Redirect.ActionID, prior.Redirect.ActionID
	case prior.Challenge != nil:
		id = prior.Challenge.ActionID
	default:
		return PostLoginResult{}, errors.New("actions: the log-in is not paused")
	}
	at := slices.IndexFunc(actions, func(a Action) bool { return a.ID == id })
	if at < 0 {
		return PostLoginResult{}, fmt.Errorf("actions: action %q, which paused the log-in, is gone", id)
	}
	if !slices.Contains(prior.Ran, actions[at].revision()) {
		resume = "" // it is another one now, and begins
	}
	prior.Redirect, prior.Challenge, prior.Roles = nil, nil, nil
	// What has run is done, up to an action that was bound meanwhile and paused, too.
	left := slices.DeleteFunc(slices.Clone(actions), func(a Action) bool { return a.ID != resume && slices.Contains(prior.Ran, a.revision()) })
	return r.postLogin(ctx, left, event, flow, prior, resume)
}

// revision names the code of an action.
func (a *Action) revision() string { return a.ID + "@" + strconv.Itoa(a.Version) }

func (r *Runner) postLogin(ctx context.Context, actions []Action, event PostLoginEvent, flow Flow, result PostLoginResult, resume string) (PostLoginResult, error) {
	leave, err := r.turn(ctx, event.User.UserID+" at "+event.Client.ClientID)
	if err != nil {
		return PostLoginResult{}, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	ran := result.Ran
	result.Ran = nil
	state := newDecision(r, &flow, result)
	for i := range actions {
		a := &actions[i]
		in := event
		in.User.AppMetadata = merged(event.User.AppMetadata, state.result.AppMetadata)
		in.User.UserMetadata = merged(event.User.UserMetadata, state.result.UserMetadata)
		in.Request = stripped(in.Request)
		if event.Transaction != nil {
			transaction := *event.Transaction
			transaction.Metadata = merged(transaction.Metadata, state.result.TransactionMetadata)
			in.Transaction = &transaction
		}
		t := &task{action: a, trigger: TriggerPostLogin, function: "onExecutePostLogin", tenant: event.Tenant.ID}
		if a.ID == resume && resume != "" {
			t.function, t.optional = "onContinuePostLogin", true
		}
		if t.event, err = asMap(in); err != nil {
			return PostLoginResult{}, err
		}
		t.flow = flow.wire(&in)
		records, err := r.execute(ctx, t)
		if err != nil {
			return PostLoginResult{}, err
		}
		if err := state.apply(ctx, a, records); err != nil {
			return PostLoginResult{}, err
		}
		ran = append(ran, a.revision())
		if state.result.Paused() {
			state.result.Ran = ran
			if event.Authorization != nil {
				state.result.Roles = event.Authorization.Roles
			}
		}
		if state.result.Deny != nil || state.result.Paused() {
			break
		}
	}
	return state.result, nil
}

func (f *Flow) wire(e *PostLoginEvent) map[string]any {
	parameters := map[string]any{}
	maps.Copy(parameters, e.Request.Query)
	maps.Copy(parameters, e.Request.Body)
	return map[string]any{
		"can_redirect": f.CanRedirect, "host": f.Host, "state": f.State,
		"user_id": e.User.UserID, "ip": e.Request.IP, "parameters": parameters,
	}
}

// CredentialsExchange runs the actions of credentials-exchange until one
// refuses. An error is a refusal.
func (r *Runner) CredentialsExchange(ctx context.Context, actions []Action, event CredentialsExchangeEvent) (CredentialsExchangeResult, error) {
	leave, err := r.turn(ctx, event.Client.ClientID)
	if err != nil {
		return CredentialsExchangeResult{}, err
	}
	defer leave()
	event.Request = stripped(event.Request)
	state := newDecision(r, &Flow{}, PostLoginResult{})
	err = r.simple(ctx, actions, TriggerCredentialsExchange, event.Tenant, state, func() (map[string]any, error) {
		in := event
		in.AccessToken.CustomClaims = merged(event.AccessToken.CustomClaims, state.result.AccessToken.Claims)
		return asMap(in)
	})
	if err != nil {
		return CredentialsExchangeResult{}, err
	}
	return CredentialsExchangeResult{Deny: state.result.Deny, AccessToken: state.result.AccessToken}, nil
}

// PreUserRegistration runs the actions of pre-user-registration until one
// refuses. An error is a refusal.
func (r *Runner) PreUserRegistration(ctx context.Context, actions []Action, event RegistrationEvent) (PreRegistrationResult, error) {
	addr, _ := netip.ParseAddr(event.Request.IP) // none is one, too
	leave, err := r.turn(ctx, "sign-up from "+household.Of(addr))
	if err != nil {
		return PreRegistrationResult{}, err
	}
	defer leave()
	event.Request = stripped(event.Request)
	state := newDecision(r, &Flow{}, PostLoginResult{})
	err = r.simple(ctx, actions, TriggerPreUserRegistration, event.Tenant, state, func() (map[string]any, error) {
		in := event
		in.User.UserID = "" // there is none yet
		in.User.AppMetadata = merged(event.User.AppMetadata, state.result.AppMetadata)
		in.User.UserMetadata = merged(event.User.UserMetadata, state.result.UserMetadata)
		return asMap(in)
	})
	if err != nil {
		return PreRegistrationResult{}, err
	}
	return PreRegistrationResult{
		Deny: state.result.Deny, AppMetadata: state.result.AppMetadata, UserMetadata: state.result.UserMetadata,
	}, nil
}

// PostUserRegistration runs all actions of post-user-registration. It is to be
// called after the answer to the user; the error joins those of the actions.
func (r *Runner) PostUserRegistration(ctx context.Context, actions []Action, event RegistrationEvent) error {
	event.Request = stripped(event.Request)
	event.User.AppMetadata = merged(event.User.AppMetadata, nil)
	event.User.UserMetadata = merged(event.User.UserMetadata, nil)
	return r.notify(ctx, actions, TriggerPostUserRegistration, event.Tenant, event)
}

// PostChangePassword runs all actions of post-change-password. It is to be called
// after the answer to the user; the error joins those of the actions.
func (r *Runner) PostChangePassword(ctx context.Context, actions []Action, event ChangePasswordEvent) error {
	event.Request = stripped(event.Request)
	event.User.AppMetadata = merged(event.User.AppMetadata, nil)
	event.User.UserMetadata = merged(event.User.UserMetadata, nil)
	return r.notify(ctx, actions, TriggerPostChangePassword, event.Tenant, event)
}

// simple runs the actions of a trigger without pauses.
func (r *Runner) simple(ctx context.Context, actions []Action, trigger Trigger, tenant Tenant, state *decision, event func() (map[string]any, error)) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	state.trigger = trigger
	for i := range actions {
		t := &task{action: &actions[i], trigger: trigger, tenant: tenant.ID}
		t.function, _ = function(trigger)
		var err error
		if t.event, err = event(); err != nil {
			return err
		}
		records, err := r.execute(ctx, t)
		if err != nil {
			return err
		}
		if err := state.apply(ctx, t.action, records); err != nil {
			return err
		}
		if state.result.Deny != nil {
			return nil
		}
	}
	return nil
}

// notify runs all actions of a trigger that decides nothing.
func (r *Runner) notify(ctx context.Context, actions []Action, trigger Trigger, tenant Tenant, event any) error {
	var failures []error
	for i := range actions {
		state := newDecision(r, &Flow{}, PostLoginResult{})
		failures = append(failures, r.simple(ctx, actions[i:i+1], trigger, tenant, state, func() (map[string]any, error) {
			return asMap(event)
		}))
	}
	return errors.Join(failures...)
}

// asMap is the event as JSON has it, a copy of its own for each action.
func asMap(event any) (map[string]any, error) {
	text, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("actions: event: %w", err)
	}
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("actions: event: %w", err)
	}
	members := make(map[string]any, len(raw)+1)
	for name, value := range raw {
		members[name] = value
	}
	return members, nil
}

// merged is base with patch, one level deep. It is never nil.
func merged(base, patch map[string]any) map[string]any {
	all := make(map[string]any, len(base)+len(patch))
	maps.Copy(all, base)
	for name, value := range patch {
		if value == nil {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	return all
}

// confidential are parameters that no action sees.
func confidential(name string) bool {
	switch strings.ToLower(name) {
	case "password", "new_password", "client_secret", "client_assertion", "assertion", "code", "code_verifier",
		"refresh_token", "access_token", "id_token", "id_token_hint", "subject_token", "actor_token", "token",
		"mfa_token", "otp", "oob_code", "binding_code", "recovery_code", "auth_req_id", "device_code":
		return true
	default:
		return false
	}
}

// stripped is a request without what actions must not see, and without nil maps.
func stripped(r Request) Request {
	strip := func(m map[string]any) map[string]any {
		clean := make(map[string]any, len(m))
		for name, value := range m {
			if !confidential(name) {
				clean[name] = value
			}
		}
		return clean
	}
	r.Query, r.Body = strip(r.Query), strip(r.Body)
	if r.GeoIP == nil {
		r.GeoIP = map[string]any{}
	}
	return r
}
