package auth0

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	actionObject  = "action"
	bindingObject = "action binding"

	// pollEvery and polls bound the wait for an action to be built.
	pollEvery = time.Second
	polls     = 60
)

// A wireAction is an action as the tenant has it.
type wireAction struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Code     string        `json:"code"`
	Runtime  string        `json:"runtime"`
	Status   string        `json:"status"`
	Triggers []wireTrigger `json:"supported_triggers"`
	Secrets  []wireSecret  `json:"secrets"`
	Deployed *struct {
		ID string `json:"id"`
	} `json:"deployed_version"`
	AllDeployed bool `json:"all_changes_deployed"`
}

type wireTrigger struct {
	ID      string `json:"id"`
	Version string `json:"version,omitempty"`
}

type wireSecret struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

func (a *wireAction) live() bool { return a.Deployed != nil && a.AllDeployed }

// findAction returns the action, nil when there is none. Under its default name
// it may also have the other one.
func (r *run) findAction(ctx context.Context, want *Action) (*wireAction, error) {
	all, err := pages(ctx, r.Tenant, apiPath("actions", "actions"), "actions", url.Values{}, func(a *wireAction) string { return a.ID })
	if err != nil {
		return nil, err
	}
	names := []string{want.Name}
	switch want.Name {
	case DefaultActionName:
		names = append(names, otherActionName)
	case otherActionName:
		names = append(names, DefaultActionName)
	}
	for _, name := range names {
		found := slices.DeleteFunc(slices.Clone(all), func(a wireAction) bool { return a.Name != name })
		a, err := only(actionObject, name, found, func(a *wireAction) string { return a.ID })
		if err != nil || a != nil {
			return a, err
		}
	}
	return nil, nil
}

// ours refuses an action that runs at another time.
func (a *wireAction) ours(want *Action) error {
	if !slices.ContainsFunc(a.Triggers, func(t wireTrigger) bool { return t.ID == want.Trigger }) {
		return fmt.Errorf("%w: the action %q is not one for %s", ErrConflict, a.Name, want.Trigger)
	}
	return nil
}

// made reports whether an action has the code that is deployed here: there is no
// place for another mark in one.
func (a *wireAction) made(want *Action) bool { return normal(a.Code) == normal(want.Code) }

func actionStep(want *Action) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		have, err := r.findAction(ctx, want)
		if err != nil {
			return nil, err
		}
		change := Change{Kind: Update, Object: actionObject, Name: want.Name}
		rq := request{method: http.MethodPatch}
		d := newDiff()
		if have == nil {
			change.Kind = Create
			have = &wireAction{}
			rq.method, rq.path = http.MethodPost, apiPath("actions", "actions")
			d.body["name"] = want.Name
			d.body["supported_triggers"] = []wireTrigger{{want.Trigger, triggerVersion(want.Trigger)}}
			d.add("trigger", "", want.Trigger)
		} else {
			if err := have.ours(want); err != nil {
				return nil, err
			}
			change.Name, r.action = have.Name, have.ID
			rq.path = apiPath("actions", "actions", have.ID)
		}
		if err := actionDiff(d, have, want); err != nil {
			return nil, err
		}
		change.Fields = d.fields
		if !d.empty() || !have.live() {
			change.Fields = append(change.Fields, FieldChange{"deployed", deployed(have), "all changes"})
		}
		if len(change.Fields) == 0 {
			return nil, nil
		}
		for _, s := range want.Secrets {
			rq.hide = append(rq.hide, s.Value)
		}
		if len(d.body) > 0 {
			rq.body = d.body
		}
		return &finding{change, func(ctx context.Context) error { return r.writeAction(ctx, rq) }}, nil
	}
}

func deployed(a *wireAction) string {
	switch {
	case a.ID == "":
		return ""
	case a.Deployed == nil:
		return "nothing"
	default:
		return "an earlier version"
	}
}

// triggerVersion returns the current version of a trigger.
func triggerVersion(trigger string) string {
	switch trigger {
	case "post-login":
		return "v3"
	case "password-reset-post-challenge", "custom-token-exchange", "custom-email-provider", "custom-phone-provider", "event-stream":
		return "v1"
	default:
		return "v2"
	}
}

func actionDiff(d *diff, have *wireAction, want *Action) error {
	if normal(have.Code) != normal(want.Code) {
		d.add("code", digest(have.Code), digest(want.Code))
		d.body["code"] = want.Code
	}
	// The tenant calls a runtime node22 or node22-actions.
	if strings.TrimSuffix(have.Runtime, "-actions") != want.Runtime {
		d.text("runtime", have.Runtime, want.Runtime)
	}
	var there, wanted []string
	for _, s := range have.Secrets {
		there = append(there, s.Name)
	}
	for _, s := range want.Secrets {
		wanted = append(wanted, s.Name)
	}
	for _, s := range union(there, wanted)[len(there):] {
		d.add("secrets", "", s)
	}
	if len(want.Secrets) == 0 || d.empty() {
		return nil
	}
	if foreign := union(wanted, there)[len(wanted):]; len(foreign) > 0 {
		return fmt.Errorf("%w: the action %q has the secrets %q besides, which a change would take away", ErrConflict, have.Name, foreign)
	}
	var secrets []wireSecret
	for _, s := range want.Secrets {
		secrets = append(secrets, wireSecret{s.Name, s.Value.Reveal()})
	}
	d.body["secrets"] = secrets
	return nil
}

// normal returns code without what an editor adds on its way.
func normal(code string) string {
	return strings.TrimSpace(strings.ReplaceAll(code, "\r\n", "\n"))
}

// digest stands for code in a plan: foreign code may have secrets in it.
func digest(code string) string {
	if code == "" {
		return ""
	}
	code = normal(code)
	return fmt.Sprintf("%d lines, sha256 %.6x", strings.Count(code, "\n")+1, sha256.Sum256([]byte(code)))
}

// writeAction saves an action unless the request has no body, and makes what is
// saved live.
func (r *run) writeAction(ctx context.Context, rq request) error {
	if rq.body != nil {
		var made wireAction
		if err := r.do(ctx, rq, &made); err != nil {
			return err
		}
		if rq.method == http.MethodPost {
			r.action = made.ID
		}
	}
	if r.action == "" {
		return errNoID
	}
	built := func(a *wireAction) bool { return a.Status == "built" }
	if err := r.await(ctx, "built", built); err != nil {
		return err
	}
	if err := r.do(ctx, request{method: http.MethodPost, path: apiPath("actions", "actions", r.action, "deploy")}, nil); err != nil {
		return err
	}
	return r.await(ctx, "deployed", (*wireAction).live)
}

// await reads the action until it is done, for a bounded time.
func (r *run) await(ctx context.Context, what string, done func(*wireAction) bool) error {
	for range polls {
		var a wireAction
		if err := r.get(ctx, apiPath("actions", "actions", r.action), nil, &a); err != nil {
			return err
		}
		if a.Status == "failed" {
			return errors.New("the tenant could not build the action: its log says why")
		}
		if done(&a) {
			return nil
		}
		if err := r.wait(ctx, pollEvery); err != nil {
			return fmt.Errorf("wait until the action is %s: %w", what, err)
		}
	}
	return fmt.Errorf("the action is not %s after %s", what, polls*pollEvery)
}

func actionDelete(want *Action) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		have, err := r.findAction(ctx, want)
		if err != nil || have == nil {
			return nil, err
		}
		if err := have.ours(want); err != nil {
			return nil, err
		}
		if !have.made(want) {
			r.warn("the action %q stays: its code is not the one that is deployed here, so it may be somebody else's", have.Name)
			return nil, nil
		}
		change := Change{Kind: Delete, Object: actionObject, Name: have.Name, Reason: "at " + want.Trigger}
		return &finding{change, r.deletion(apiPath("actions", "actions", have.ID))}, nil
	}
}

// A wireBinding runs an action at a trigger; their order is that of the list.
type wireBinding struct {
	ID          string     `json:"id"`
	DisplayName string     `json:"display_name"`
	Action      wireAction `json:"action"`
}

func (r *run) bindings(ctx context.Context, trigger string) ([]wireBinding, error) {
	return pages(ctx, r.Tenant, apiPath("actions", "triggers", trigger, "bindings"), "bindings", url.Values{},
		func(b *wireBinding) string { return b.ID })
}

type bindingRef struct {
	DisplayName string `json:"display_name,omitempty"`
	Ref         struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"ref"`
}

func ref(kind, id, display string) bindingRef {
	b := bindingRef{DisplayName: display}
	b.Ref.Type, b.Ref.Value = kind, id
	return b
}

// bind replaces the bindings of a trigger, which is all that the API offers.
func (r *run) bind(ctx context.Context, trigger string, refs []bindingRef) error {
	return r.do(ctx, request{
		method: http.MethodPatch, path: apiPath("actions", "triggers", trigger, "bindings"),
		body: map[string]any{"bindings": refs},
	}, nil)
}

// refs returns the bindings as they are sent back to stay, in their order.
func refs(have []wireBinding) []bindingRef {
	out := make([]bindingRef, 0, len(have)+1)
	for i := range have {
		b := &have[i]
		if b.Action.ID == "" {
			out = append(out, ref("binding_id", b.ID, b.DisplayName))
			continue
		}
		out = append(out, ref("action_id", b.Action.ID, b.DisplayName))
	}
	return out
}

func bindingStep(want *Action) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		have, err := r.bindings(ctx, want.Trigger)
		if err != nil {
			return nil, err
		}
		if r.action != "" && slices.ContainsFunc(have, func(b wireBinding) bool { return b.Action.ID == r.action }) {
			return nil, nil
		}
		change := Change{Kind: Bind, Object: bindingObject, Name: want.Name, Reason: "at " + want.Trigger + ", behind what is there"}
		return &finding{change, func(ctx context.Context) error {
			if r.action == "" {
				return errNoID
			}
			return r.bind(ctx, want.Trigger, append(refs(have), ref("action_id", r.action, want.Name)))
		}}, nil
	}
}

func unbindStep(want *Action) step {
	return func(ctx context.Context, r *run) (*finding, error) {
		action, err := r.findAction(ctx, want)
		if err != nil || action == nil || !action.made(want) {
			return nil, err // actionDelete says that it stays
		}
		have, err := r.bindings(ctx, want.Trigger)
		if err != nil {
			return nil, err
		}
		rest := slices.DeleteFunc(slices.Clone(have), func(b wireBinding) bool { return b.Action.ID == action.ID })
		if len(rest) == len(have) {
			return nil, nil
		}
		change := Change{Kind: Unbind, Object: bindingObject, Name: action.Name, Reason: "at " + want.Trigger}
		return &finding{change, func(ctx context.Context) error { return r.bind(ctx, want.Trigger, refs(rest)) }}, nil
	}
}
