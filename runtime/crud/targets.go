package crud

import (
	"context"

	"github.com/gatewright/gate/runtime/model"
)

// checkTargets refuses keys of rows that the caller may not get, in the same
// words as keys of rows that do not exist.
func (r *engine) checkTargets(ctx context.Context, c caller, row record, set model.FieldSet) error {
	c = r.beside(c, row)
	var problems model.Problems
	for f := range set.All() {
		target, id := r.targets[f], r.value(row, f)
		if target == nil || id == nil {
			continue
		}
		ok, err := target.gettable(ctx, c, id)
		if err != nil {
			return err
		}
		if !ok {
			problems.Add(r.entity.Fields[f].Name, model.CodeNotFound, "points to a row that does not exist")
		}
	}
	return refused(problems)
}

// unread returns the keys among the fields that were sent which the caller may not read
// of the row as it was. They are judged even if they say what it said already: else the
// answer would tell that they do.
func (r *engine) unread(c caller, old record, sent model.FieldSet) model.FieldSet {
	var keys model.FieldSet
	for f := range r.targets {
		if sent.Has(f) {
			keys.Add(f)
		}
	}
	if keys.Empty() {
		return keys
	}
	return keys.Without(r.viewed(c, old, r.rules.visible(c)))
}

// asked is which keys of a row were judged, and what all of them said then.
type asked struct {
	set  model.FieldSet
	keys map[model.FieldID]string
}

// ask judges keys that the caller sent before hooks see them: what these tell about a
// row that one points to, they would tell of one that the caller may not get.
func (r *engine) ask(ctx context.Context, c caller, row record, set model.FieldSet) (asked, error) {
	if err := r.checkTargets(ctx, c, row, set); err != nil {
		return asked{}, err
	}
	a := asked{set, make(map[model.FieldID]string, len(r.targets))}
	for f := range r.targets {
		a.keys[f] = text(r.value(row, f))
	}
	return a, nil
}

// unasked returns those of the keys that are to be judged still: hooks have set them
// since, or the row into another tenant.
func (r *engine) unasked(a asked, row record, set model.FieldSet) model.FieldSet {
	if f := r.entity.TenantField(); r.targets[f] != nil && a.keys[f] != text(r.value(row, f)) {
		return set
	}
	for f, key := range a.keys {
		if a.set.Has(f) && key == text(r.value(row, f)) {
			set.Remove(f)
		}
	}
	return set
}
