package management

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

func noAction(err error) error {
	return orConflict(orAbsent(err, "That action does not exist.", ""), "An action with the same name already exists", "")
}

const (
	// maxVersions is how many versions an action remembers.
	maxVersions = 50

	statusPending = "pending"
	statusBuilt   = "built"
	statusFailed  = "failed"
)

// showAction returns an action without the values of its secrets.
func showAction(act *tenant.Action) (object, error) {
	o, err := view(act)
	if err != nil {
		return nil, err
	}
	for name := range o {
		if strings.HasPrefix(name, "gate_") {
			delete(o, name)
		}
	}
	o.set("secrets", shownSecrets(act.Secrets))
	o.set("dependencies", shownDependencies(act.Dependencies))
	o.set("all_changes_deployed", deployed(act))
	delete(o, "deployed_version")
	if act.Deployed != nil {
		v, err := showVersion(act, act.Deployed)
		if err != nil {
			return nil, err
		}
		o.set("deployed_version", v)
		o.set("current_version", v)
	}
	return o, nil
}

// A shownSecret is a secret as answers have it.
type shownSecret struct {
	Name      string    `json:"name"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

func shownSecrets(list []tenant.ActionSecret) []shownSecret {
	shown := []shownSecret{}
	for _, s := range list {
		shown = append(shown, shownSecret{s.Name, s.UpdatedAt})
	}
	return shown
}

func shownDependencies(list []tenant.Dependency) []tenant.Dependency {
	if list == nil {
		return []tenant.Dependency{}
	}
	return list
}

// showVersion returns a version, which has the triggers of its action.
func showVersion(act *tenant.Action, v *tenant.ActionVersion) (object, error) {
	o, err := view(v)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]any{
		"secrets": shownSecrets(v.Secrets), "dependencies": shownDependencies(v.Dependencies), "status": statusBuilt,
		"deployed": act.Deployed != nil && act.Deployed.ID == v.ID, "built_at": v.CreatedAt, "updated_at": v.CreatedAt,
		"supported_triggers": act.Triggers, "errors": []string{}, "runtime": v.Runtime,
		"action": map[string]any{"id": act.ID, "name": act.Name, "supported_triggers": act.Triggers},
	} {
		o.set(name, value)
	}
	return o, nil
}

// deployed reports whether the version that runs is what the action says.
func deployed(act *tenant.Action) bool {
	d := act.Deployed
	return d != nil && d.Code == act.Code && d.Runtime == act.Runtime && slices.Equal(d.Dependencies, act.Dependencies) &&
		slices.EqualFunc(d.Secrets, act.Secrets, func(a, b tenant.ActionSecret) bool { return a.Name == b.Name && a.Value == b.Value })
}

func (a *API) listActions(ctx context.Context, q *request) (answer, error) {
	all, err := a.store.Actions.List(ctx)
	if err != nil {
		return answer{}, err
	}
	live, err := q.optional("deployed")
	if err != nil {
		return answer{}, err
	}
	trigger, name := q.query.Get("triggerId"), q.query.Get("actionName")
	installed := q.query.Get("installed") == "true"
	all = slices.DeleteFunc(all, func(act *tenant.Action) bool {
		return installed || trigger != "" && !act.Supports(trigger) || name != "" && act.Name != name ||
			live != nil && *live != (act.Deployed != nil)
	})
	return wrapped(q, "actions", all, showAction)
}

// wrapped answers with a page that always has totals around it. The member page
// is missing on the first.
func wrapped[T any](q *request, key string, all []T, show func(T) (object, error)) (answer, error) {
	p, err := q.page()
	if err != nil {
		return answer{}, err
	}
	from := min(p.start(), len(all))
	items := []object{}
	for _, v := range all[from:min(from+p.size, len(all))] {
		o, err := show(v)
		if err != nil {
			return answer{}, err
		}
		items = append(items, o)
	}
	body := map[string]any{key: items, "total": len(all), "per_page": p.size}
	if p.number > 0 {
		body["page"] = p.number
	}
	return answer{status: 200, body: body, link: q.pageLink(p, len(all))}, nil
}

func (a *API) getAction(ctx context.Context, q *request) (answer, error) {
	act, err := a.store.Actions.Get(ctx, q.id("action"))
	if err != nil {
		return answer{}, noAction(err)
	}
	o, err := showAction(act)
	return answer{status: 200, body: o}, err
}

func (a *API) createAction(ctx context.Context, q *request) (answer, error) {
	o, err := q.object(shape.Action())
	if err != nil {
		return answer{}, err
	}
	o.setDefault("code", `""`)
	o.setDefault("runtime", `"node22"`)
	act, err := into[tenant.Action](without(o, "deploy"))
	if err != nil {
		return answer{}, err
	}
	now := a.now().UTC().Truncate(time.Millisecond)
	act.ID, act.CreatedAt, act.UpdatedAt = newUUID(), now, now
	if err := act.Check(); err != nil {
		return answer{}, err
	}
	if err := takeSecrets(act, nil, now); err != nil {
		return answer{}, err
	}
	if err := a.build(ctx, act); err != nil {
		return answer{}, err
	}
	deploy := string(o["deploy"]) == "true"
	if deploy {
		if _, err := deployNow(act, now); err != nil {
			return answer{}, err
		}
	}
	if err := a.store.Actions.Create(ctx, act); err != nil {
		return answer{}, noAction(err)
	}
	shown, err := showAction(act)
	if err == nil && !deploy {
		shown.set("status", statusPending) // clients wait until a GET says built
	}
	return answer{status: 201, body: shown}, err
}

// takeSecrets gives the secrets of an action their values: those that come
// without one keep what they had.
func takeSecrets(act *tenant.Action, before []tenant.ActionSecret, now time.Time) error {
	if err := act.CheckSecrets(); err != nil {
		return err
	}
	for i := range act.Secrets {
		s := &act.Secrets[i]
		old := slices.IndexFunc(before, func(b tenant.ActionSecret) bool { return b.Name == s.Name })
		switch {
		case s.Value == "" && old < 0:
			return badProperty("secrets.value", "Missing required property: value", "")
		case s.Value == "" || old >= 0 && before[old].Value == s.Value:
			*s = before[old]
		default:
			s.UpdatedAt = now
		}
	}
	return nil
}

// build judges the code of an action, and notes what is wrong with it.
func (a *API) build(ctx context.Context, act *tenant.Action) error {
	act.Status = statusBuilt
	delete(act.Extra, "errors")
	if a.cfg.CheckAction == nil {
		return nil
	}
	problem, err := a.cfg.CheckAction(ctx, act)
	if err != nil {
		return err
	}
	if problem == "" {
		return nil
	}
	act.Status = statusFailed
	if act.Extra == nil {
		act.Extra = tenant.Extra{}
	}
	data, err := json.Marshal([]map[string]string{{"id": "code", "msg": shape.Cut(problem, 1000)}})
	act.Extra["errors"] = data
	return err
}

func (a *API) updateAction(ctx context.Context, q *request) (answer, error) {
	change, err := q.object(shape.Action().Patching())
	if err != nil {
		return answer{}, err
	}
	deploy := string(change["deploy"]) == "true"
	change = without(change, "deploy")
	act, err := a.changeAction(ctx, q.id("action"), func(act *tenant.Action, now time.Time) (*tenant.Action, error) {
		next, err := patched(act, change)
		if err != nil {
			return nil, err
		}
		if err := next.Check(); err != nil {
			return nil, err
		}
		if err := takeSecrets(next, act.Secrets, now); err != nil {
			return nil, err
		}
		if err := a.build(ctx, next); err != nil {
			return nil, err
		}
		if deploy {
			_, err = deployNow(next, now)
		}
		return next, err
	})
	if err != nil {
		return answer{}, noAction(err)
	}
	o, err := showAction(act)
	return answer{status: 200, body: o}, err
}

// errMoved means that an action was changed while its code was being judged.
const errMoved Error = "action was changed meanwhile"

// changeAction makes a new state of an action out of the one that is there.
// Judging code takes long, so it is done outside the transaction, anew when
// somebody else was faster.
func (a *API) changeAction(ctx context.Context, id string, change func(*tenant.Action, time.Time) (*tenant.Action, error)) (*tenant.Action, error) {
	now := a.now().UTC().Truncate(time.Millisecond)
	for range 3 {
		var seen json.RawMessage
		before, err := a.store.Actions.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if seen, err = before.MarshalJSON(); err != nil {
			return nil, err
		}
		copied := new(tenant.Action) // what a collection returns is shared
		if err := json.Unmarshal(seen, copied); err != nil {
			return nil, err
		}
		next, err := change(copied, now)
		if err != nil {
			return nil, err
		}
		next.UpdatedAt = now
		act, err := a.store.Actions.Update(ctx, id, func(act *tenant.Action) error {
			is, err := act.MarshalJSON()
			if err != nil {
				return err
			}
			if string(is) != string(seen) {
				return errMoved
			}
			*act = *next
			return nil
		})
		if !errors.Is(err, errMoved) {
			return act, err
		}
	}
	return nil, conflict("The action is being changed by others, try again", "")
}

func (a *API) deleteAction(ctx context.Context, q *request) (answer, error) {
	id := q.id("action")
	force, err := q.flag("force")
	if err != nil {
		return answer{}, err
	}
	if _, err := a.store.Actions.Get(ctx, id); err != nil {
		return answer{}, noAction(err)
	}
	all, err := a.store.Bindings.List(ctx)
	if err != nil {
		return answer{}, err
	}
	for _, b := range all {
		if !slices.ContainsFunc(b.List, func(item tenant.Binding) bool { return item.ActionID == id }) {
			continue
		}
		if !force {
			return answer{}, &problem{status: 400, message: "The action is bound to the trigger " + b.Trigger + "; unbind it first, or delete with force=true"}
		}
		if err := a.unbind(ctx, b.Trigger, id); err != nil {
			return answer{}, err
		}
	}
	if err := a.store.Actions.Delete(ctx, id); err != nil {
		return answer{}, noAction(err)
	}
	return noContent()
}
