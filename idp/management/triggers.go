package management

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
)

// A trigger is where actions may run.
type trigger struct {
	ID             string   `json:"id"`
	Version        string   `json:"version"`
	Status         string   `json:"status"`
	Runtimes       []string `json:"runtimes"`
	DefaultRuntime string   `json:"default_runtime"`
	Compatible     []string `json:"compatible_triggers"`
}

// triggers are those of [tenant.Triggers] as answers have them.
func triggers() []trigger {
	var list []trigger
	for _, t := range tenant.Triggers() {
		list = append(list, trigger{
			ID: t.ID, Version: t.Version, Status: map[bool]string{true: "CURRENT", false: "DEPRECATED"}[t.Current],
			Runtimes: []string{"node18-actions", "node22"}, DefaultRuntime: "node22", Compatible: []string{},
		})
	}
	return list
}

func (a *API) listTriggers(context.Context, *request) (answer, error) {
	return ok(map[string]any{"triggers": triggers()})
}

// knownTrigger returns the trigger in the path.
func knownTrigger(q *request) (string, error) {
	id := q.id("trigger")
	if tenant.CurrentTrigger(id) == "" {
		return "", absent("That trigger does not exist.", "")
	}
	return id, nil
}

func (a *API) listBindings(ctx context.Context, q *request) (answer, error) {
	id, err := knownTrigger(q)
	if err != nil {
		return answer{}, err
	}
	b, err := a.store.Bindings.Get(ctx, id)
	if errors.Is(err, tenant.ErrNotFound) {
		b = &tenant.Bindings{Trigger: id}
	} else if err != nil {
		return answer{}, err
	}
	return a.answerBindings(ctx, q, b)
}

func (a *API) answerBindings(ctx context.Context, q *request, b *tenant.Bindings) (answer, error) {
	all, err := a.store.Actions.List(ctx)
	if err != nil {
		return answer{}, err
	}
	actions := map[string]*tenant.Action{}
	for _, act := range all {
		actions[act.ID] = act
	}
	bound := slices.DeleteFunc(slices.Clone(b.List), func(item tenant.Binding) bool { return actions[item.ActionID] == nil })
	return wrapped(q, "bindings", bound, func(item tenant.Binding) (object, error) {
		act, err := showAction(actions[item.ActionID])
		if err != nil {
			return nil, err
		}
		o, err := view(item)
		if err != nil {
			return nil, err
		}
		delete(o, "action_id")
		o.set("action", act)
		o.set("trigger_id", b.Trigger)
		return o, nil
	})
}

// wantedBindings reads a body of bindings, and finds their actions.
func (a *API) wantedBindings(ctx context.Context, q *request, trigger string) ([]tenant.Binding, error) {
	o, err := q.only(shape.Schema{"bindings": {Check: shape.List(shape.MaxBindings, shape.ObjectOf(6, 65536)), Needed: true}})
	if err != nil {
		return nil, err
	}
	var items []struct {
		Ref struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"ref"`
		DisplayName string            `json:"display_name"`
		Secrets     []json.RawMessage `json:"secrets"`
	}
	if err := o.read("bindings", &items); err != nil {
		return nil, err
	}
	current, err := a.store.Bindings.Get(ctx, trigger)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return nil, err
	}
	var list []tenant.Binding
	for _, item := range items {
		act, err := a.actionBy(ctx, item.Ref.Type, item.Ref.Value, current)
		if err == nil {
			err = act.CheckBinding(trigger)
		}
		switch {
		case err != nil:
			return nil, err
		case len(item.Secrets) > 0:
			return nil, unsupported("Bindings have no secrets of their own here; give them to the action")
		case slices.ContainsFunc(list, func(b tenant.Binding) bool { return b.ActionID == act.ID }):
			return nil, &problem{status: 400, message: "The action " + shape.Cut(act.Name, 64) + " is there twice", code: "invalid_body"}
		case len(item.DisplayName) > 255:
			return nil, badProperty("bindings.display_name", "String is too long", "")
		}
		list = append(list, tenant.Binding{ActionID: act.ID, DisplayName: cmp.Or(item.DisplayName, act.Name)})
	}
	return list, nil
}

// actionBy returns the action that a reference names.
func (a *API) actionBy(ctx context.Context, kind, value string, current *tenant.Bindings) (*tenant.Action, error) {
	missing := func(err error) error {
		if errors.Is(err, tenant.ErrNotFound) {
			return &problem{status: 400, message: "The action " + shape.Cut(value, 64) + " does not exist", code: "invalid_body"}
		}
		return err
	}
	var act *tenant.Action
	err := error(tenant.ErrNotFound)
	switch kind {
	case "action_id":
		act, err = a.store.Actions.Get(ctx, value)
	case "action_name":
		act, err = a.store.Actions.ByName(ctx, value)
	case "binding_id":
		if current == nil {
			break
		}
		for _, b := range current.List {
			if b.ID == value {
				act, err = a.store.Actions.Get(ctx, b.ActionID)
			}
		}
	default:
		return nil, badProperty("bindings.ref.type", "No enum match for: "+shape.Cut(kind, 32), "")
	}
	return act, missing(err)
}

// replaceBindings makes a list the bindings of a trigger.
func (a *API) replaceBindings(ctx context.Context, q *request) (answer, error) {
	return a.bind(ctx, q, func(_, wanted []tenant.Binding) []tenant.Binding { return wanted })
}

// appendBindings adds to the bindings of a trigger what is not among them. Auth0
// has no such operation: there, whoever adds one has to send all others back.
func (a *API) appendBindings(ctx context.Context, q *request) (answer, error) {
	return a.bind(ctx, q, func(current, wanted []tenant.Binding) []tenant.Binding {
		list := slices.Clone(current)
		for _, w := range wanted {
			if !slices.ContainsFunc(list, func(b tenant.Binding) bool { return b.ActionID == w.ActionID }) {
				list = append(list, w)
			}
		}
		return list
	})
}

func (a *API) bind(ctx context.Context, q *request, merge func(current, wanted []tenant.Binding) []tenant.Binding) (answer, error) {
	id, err := knownTrigger(q)
	if err != nil {
		return answer{}, err
	}
	wanted, err := a.wantedBindings(ctx, q, id)
	if err != nil {
		return answer{}, err
	}
	now := a.now().UTC().Truncate(time.Millisecond)
	b, err := a.updateBindings(ctx, id, func(b *tenant.Bindings) error {
		before := b.List
		if b.List = merge(before, wanted); len(b.List) > shape.MaxBindings {
			return badProperty("bindings", fmt.Sprintf("Array is too long (%d), maximum %d", len(b.List), shape.MaxBindings), "")
		}
		for i := range b.List {
			item := &b.List[i]
			was := slices.IndexFunc(before, func(old tenant.Binding) bool { return old.ActionID == item.ActionID })
			if was >= 0 {
				item.ID, item.CreatedAt = before[was].ID, before[was].CreatedAt
			} else {
				item.ID, item.CreatedAt = newUUID(), now
			}
			item.UpdatedAt = now
		}
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	return a.answerBindings(ctx, q, b)
}

// updateBindings changes the bindings of a trigger, which may have none yet.
func (a *API) updateBindings(ctx context.Context, id string, change func(*tenant.Bindings) error) (*tenant.Bindings, error) {
	b, err := a.store.Bindings.Update(ctx, id, change)
	if !errors.Is(err, tenant.ErrNotFound) {
		return b, err
	}
	err = a.store.Bindings.Create(ctx, &tenant.Bindings{Trigger: id, List: []tenant.Binding{}})
	if err != nil && !errors.Is(err, tenant.ErrExists) {
		return nil, err
	}
	return a.store.Bindings.Update(ctx, id, change)
}

// unbind takes an action from a trigger.
func (a *API) unbind(ctx context.Context, trigger, action string) error {
	_, err := a.updateBindings(ctx, trigger, func(b *tenant.Bindings) error {
		b.List = slices.DeleteFunc(b.List, func(item tenant.Binding) bool { return item.ActionID == action })
		return nil
	})
	return err
}
