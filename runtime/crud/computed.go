package crud

import (
	"fmt"

	"github.com/gatewright/gate/runtime/model"
)

func (r *engine) computes(f model.FieldID, set func(row, from record)) {
	computed := r.entity.Computed()
	if !computed.Has(f) {
		panic(fmt.Sprintf("crud: field %d of %s is not computed", f, r.entity.Name))
	}
	if r.computed == nil {
		r.computed = map[model.FieldID]func(row, from record){}
	}
	r.computed[f] = set
}

// checkComputed finds computed fields that nothing computes.
func (r *engine) checkComputed() error {
	for f := range r.entity.Computed().All() {
		if r.computed[f] == nil {
			return fmt.Errorf("field %q is computed, and nothing says how: call the method of App that begins with Compute%s for it in app/hooks.go", r.entity.Fields[f].Name, r.entity.Name)
		}
	}
	return nil
}

// compute sets the computed fields of a row among those of a set. A value that its
// field could not have is a fault of the service.
func (r *engine) compute(row record, set model.FieldSet) error {
	for f := range set.Intersect(r.entity.Computed()).All() {
		from := r.form.row()
		for need := range r.entity.Needs(f).All() {
			r.copy(from, row, need)
		}
		r.computed[f](row, from)
		field, p := r.field(row, f)
		if problem, ok := field.Check(p); !ok {
			return fmt.Errorf("crud: what was computed for %s.%s of the row %s %s", r.entity.Name, field.Name, r.id(row), problem.Message)
		}
	}
	return nil
}

// recompute sets the computed fields of a row that was changed, and adds those that
// differ to what changed.
func (r *engine) recompute(row, old record, changed *model.FieldSet) error {
	computed := r.entity.Computed()
	if err := r.compute(row, computed); err != nil {
		return err
	}
	for f := range computed.All() {
		if !same(r.value(row, f), r.value(old, f)) {
			changed.Add(f)
		}
	}
	return nil
}
