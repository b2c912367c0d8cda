package management

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

// Versions of actions: what bindings run.

// deployNow makes the action as it is the version that runs.
func deployNow(act *tenant.Action, now time.Time) (*tenant.ActionVersion, error) {
	if act.Status != statusBuilt {
		return nil, &problem{status: 400, message: "The action cannot be deployed: its status is " + act.Status, code: "operation_not_supported"}
	}
	v := tenant.ActionVersion{
		ID: newUUID(), Number: 1, Code: act.Code, Runtime: act.Runtime, CreatedAt: now,
		Dependencies: slices.Clone(act.Dependencies), Secrets: slices.Clone(act.Secrets),
	}
	if n := len(act.Versions); n > 0 {
		v.Number = act.Versions[n-1].Number + 1
	}
	act.Versions = append(act.Versions, v)
	if over := len(act.Versions) - maxVersions; over > 0 {
		act.Versions = slices.Delete(act.Versions, 0, over)
	}
	act.Deployed = &v
	return &v, nil
}

func (a *API) deployAction(ctx context.Context, q *request) (answer, error) {
	return a.deploy(ctx, q, deployNow)
}

// deployVersion makes an earlier version the newest, and the action what it was
// then.
func (a *API) deployVersion(ctx context.Context, q *request) (answer, error) {
	return a.deploy(ctx, q, func(act *tenant.Action, now time.Time) (*tenant.ActionVersion, error) {
		old, err := versionAt(act, q.id("version"))
		if err != nil {
			return nil, err
		}
		act.Code, act.Runtime, act.Status = old.Code, old.Runtime, statusBuilt
		act.Dependencies, act.Secrets = slices.Clone(old.Dependencies), slices.Clone(old.Secrets)
		delete(act.Extra, "errors")
		return deployNow(act, now)
	})
}

func (a *API) deploy(ctx context.Context, q *request, how func(*tenant.Action, time.Time) (*tenant.ActionVersion, error)) (answer, error) {
	now := a.now().UTC().Truncate(time.Millisecond)
	var v *tenant.ActionVersion
	act, err := a.store.Actions.Update(ctx, q.id("action"), func(act *tenant.Action) (err error) {
		v, err = how(act, now)
		return err
	})
	if err != nil {
		return answer{}, noAction(err)
	}
	o, err := showVersion(act, v)
	return answer{status: 200, body: o}, err
}

func versionAt(act *tenant.Action, id string) (*tenant.ActionVersion, error) {
	for i := range act.Versions {
		if act.Versions[i].ID == id {
			return &act.Versions[i], nil
		}
	}
	return nil, absent("That action version does not exist.", "")
}

func (a *API) listVersions(ctx context.Context, q *request) (answer, error) {
	act, err := a.store.Actions.Get(ctx, q.id("action"))
	if err != nil {
		return answer{}, noAction(err)
	}
	newest := slices.Clone(act.Versions)
	slices.Reverse(newest)
	return wrapped(q, "versions", newest, func(v tenant.ActionVersion) (object, error) { return showVersion(act, &v) })
}

func (a *API) getVersion(ctx context.Context, q *request) (answer, error) {
	act, err := a.store.Actions.Get(ctx, q.id("action"))
	if err != nil {
		return answer{}, noAction(err)
	}
	v, err := versionAt(act, q.id("version"))
	if err != nil {
		return answer{}, err
	}
	o, err := showVersion(act, v)
	return answer{status: 200, body: o}, err
}

// testAction runs an action as it stands, deployed or not, with an event.
func (a *API) testAction(ctx context.Context, q *request) (answer, error) {
	o, err := q.only(shape.Schema{"payload": {Check: shape.ObjectOf(1000, maxBody), Needed: true}})
	if err != nil {
		return answer{}, err
	}
	act, err := a.store.Actions.Get(ctx, q.id("action"))
	if err != nil {
		return answer{}, noAction(err)
	}
	if a.cfg.TestAction == nil {
		return answer{}, unsupported("Actions are not run here")
	}
	event := o["payload"]
	var inner struct {
		Event json.RawMessage `json:"event"`
	}
	if json.Unmarshal(event, &inner) == nil && len(inner.Event) > 0 {
		event = inner.Event
	}
	result, err := a.cfg.TestAction(ctx, act, event)
	if err != nil {
		return answer{}, err
	}
	return ok(map[string]json.RawMessage{"payload": result})
}
