package crud

import (
	"context"

	"github.com/gatewright/gate/authz"
)

// A Reach says which rows an action reaches.
type Reach string

// The reaches. The zero value is no row.
const (
	AllRows  Reach = "all"
	SomeRows Reach = "some" // those that a rule chooses: one's own, of one's tenant, under a condition
)

// May is what a caller may do with the rows of an entity, by the rules alone: what a
// hook refuses is not known before it is tried.
type May struct {
	View   Reach `json:"view,omitempty"`
	List   Reach `json:"list,omitempty"`
	Create Reach `json:"create,omitempty"`
	Update Reach `json:"update,omitempty"`
	Delete Reach `json:"delete,omitempty"`
	// Fields are those that the caller may read or write in some row at least.
	Fields MayFields `json:"fields"`
}

// MayFields are names of fields, in the order of the entity and never nil.
type MayFields struct {
	View   []string `json:"view"`
	Create []string `json:"create"`
	Update []string `json:"update"`
}

// May returns what the caller of ctx may do, false if that is nothing.
func (r *engine) May(ctx context.Context) (May, bool) {
	c := callerFrom(ctx)
	m := May{Fields: MayFields{View: []string{}, Create: []string{}, Update: []string{}}}
	for _, x := range []struct {
		action authz.Action
		reach  *Reach
		fields *[]string
	}{
		{authz.View, &m.View, &m.Fields.View},
		{authz.List, &m.List, &m.Fields.View},
		{authz.Create, &m.Create, &m.Fields.Create},
		{authz.Update, &m.Update, &m.Fields.Update},
		{authz.Delete, &m.Delete, nil},
	} {
		rows, err := r.rules.reach(c, x.action)
		if err != nil {
			continue
		}
		*x.reach = SomeRows
		if rows.Unlimited() {
			*x.reach = AllRows
		}
		if x.fields == nil || len(*x.fields) > 0 {
			continue
		}
		action := x.action
		if action == authz.List { // which shows what view does
			action = authz.View
		}
		for f := range r.rules.fieldsFor(c, action, rows).ever.All() {
			*x.fields = append(*x.fields, r.entity.Fields[f].Name)
		}
	}
	return m, m.View != "" || m.List != "" || m.Create != "" || m.Update != "" || m.Delete != ""
}
