package permtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/runtime/model"
)

// What is unique together are keys, and words and numbers of a few, most often, and what
// the test chooses for a row can be taken.

// apart gives a row the first of the choices with which no other row has the same
// together. It reports whether it changed something, and whether all is free then.
func (k *kit) apart(r *row, choices func(*model.Field) []any) (changed, free bool) {
	k.t.Helper()
	all := r.entity.uniques()
	for range 2 * len(all) { // what frees one list may be taken in another
		u := k.crowded(r)
		if u == nil {
			return changed, true
		}
		if !k.choose(r, u, choices) {
			return changed, false
		}
		changed = true
	}
	return changed, k.crowded(r) == nil
}

// crowded returns a list of which another row has the values of r; nil if there is none.
func (k *kit) crowded(r *row) *model.Unique {
	k.t.Helper()
	all := r.entity.uniques()
	if i := slices.IndexFunc(all, func(u model.Unique) bool { return k.taken(r, &u) }); i >= 0 {
		return &all[i]
	}
	return nil
}

// uniques are the lists of an entity, and the fields that are unique alone. Keys that
// are have a row of their own.
func (e *entity) uniques() []model.Unique {
	all := slices.Clone(e.model.Unique)
	for i := range e.model.Fields {
		if f := &e.model.Fields[i]; f.Unique && f.Type != model.ID && f.Type != model.Relation {
			all = append(all, model.Unique{Fields: []string{f.Name}})
		}
	}
	return all
}

// choose gives one field of a list another value, if it can be one that no list that
// the field is in minds.
func (k *kit) choose(r *row, u *model.Unique, choices func(*model.Field) []any) bool {
	k.t.Helper()
	e := r.entity
	near, _, _ := strings.Cut(e.Owner, ".")
	names := slices.Clone(u.Fields)
	cost := func(name string) int { // a key takes a row more; through which row it is owned stays if it can
		return boolean(e.named(e.design(name)).Type == model.Relation) + 2*boolean(name == e.wire(near))
	}
	slices.SortStableFunc(names, func(a, b string) int { return cost(a) - cost(b) })
	for _, name := range names {
		of := e.design(name)
		if _, said := r.variant[name]; said || of == e.Tenant || e.owned(of) {
			continue
		}
		for _, v := range choices(e.named(of)) {
			if !k.takenWith(r, name, v) {
				r.values[name] = v
				return true
			}
		}
	}
	return false
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// some are values of a field that is no key: all of them where there are but a few.
func (k *kit) some(f *model.Field) []any {
	switch f.Type {
	case model.Boolean:
		return []any{true, false}
	case model.Enum:
		list := make([]any, len(f.Values))
		for i, v := range f.Values {
			list[i] = v
		}
		return list
	}
	list := make([]any, 0, 200)
	for range cap(list) {
		if v := value(f, k.next()); v != nil {
			list = append(list, v)
		}
	}
	return list
}

// taken reports whether another row has the values of r in the fields of u.
func (k *kit) taken(r *row, u *model.Unique) bool {
	k.t.Helper()
	e, q := r.entity, k.app.DB.Dialect().Quote
	query, args := "SELECT count(*) FROM "+q(e.model.Table)+" WHERE ", []any{}
	for i, name := range u.Fields {
		f := e.named(e.design(name))
		v := k.kept(r, f)
		if v == nil {
			return false
		}
		args = append(args, v)
		query += q(f.Column) + " = $" + strconv.Itoa(i+1) + " AND "
	}
	if r.id == "" {
		return k.number(query+"true", args...) > 0
	}
	return k.number(query+q(e.id().Column)+" <> $"+strconv.Itoa(len(args)+1), append(args, e.key(r.id))...) > 0
}

// kept is the value of a field as the database has it: of what the service says
// itself, whose the row is and of which tenant.
func (k *kit) kept(r *row, f *model.Field) any {
	e := r.entity
	v := r.values[f.Name]
	switch of := e.design(f.Name); {
	case v != nil:
	case of == e.Tenant && r.tenant != "":
		v = r.tenant
	case of == e.Owner && r.owner != "":
		v = r.owner
	}
	switch n, number := v.(json.Number); {
	case v == nil:
		return nil
	case f.Type == model.Relation:
		return k.find(f.To).key(fmt.Sprint(v))
	case number:
		v = n.String()
	}
	v, err := f.Parse(v)
	if err != nil { // refused as a value, whoever else has it
		return nil
	}
	return f.Bind(k.app.DB.Dialect(), v)
}

// takenWith reports whether a row would have the same values together as another,
// were it changed so.
func (k *kit) takenWith(r *row, name string, v any) bool {
	k.t.Helper()
	changed := *r
	changed.values = maps.Clone(r.values)
	changed.values[name] = v
	return slices.ContainsFunc(r.entity.uniques(), func(u model.Unique) bool { return slices.Contains(u.Fields, name) && k.taken(&changed, &u) })
}

// alone reports whether an owner has one row of an entity at most.
func (e *entity) alone() bool {
	f := e.named(e.Owner)
	return f != nil && f.Type == model.Relation && f.Unique
}

// shareOwners lets owners have more than one row where they have one at most: of each
// kind there is one that is kept and one that goes. That there is but one is no rule
// about who may do what.
func (k *kit) shareOwners() {
	k.t.Helper()
	for _, e := range k.entities {
		if !e.alone() {
			continue
		}
		index := e.model.Table + "_" + e.named(e.Owner).Column + "_key"
		if _, err := k.app.DB.Exec(k.ctx(), "DROP INDEX "+k.app.DB.Dialect().Quote(index)); err != nil {
			k.t.Fatal(err)
		}
	}
}

// newly returns choices for a row that the service makes: of keys a new row.
func (k *kit) newly(r *row) func(*model.Field) []any {
	return func(f *model.Field) []any {
		k.t.Helper()
		if f.Type != model.Relation || f.Unique {
			return k.some(f)
		}
		if t := k.fresh(r, f); t != nil {
			return []any{t.entity.key(t.id)}
		}
		return nil
	}
}

// fresh makes a row for a key of r, to which no other leads; nil where there can be
// none.
func (k *kit) fresh(r *row, f *model.Field) *row {
	k.t.Helper()
	to := k.find(f.To)
	near, far, through := strings.Cut(r.entity.Owner, ".")
	switch {
	case !to.made || to == r.entity || to == k.tenants:
		return nil
	case to == k.accounts:
		t := k.idle(r.tenant)
		k.insert(t)
		k.patch(t, k.noRoles())
		return t
	case through && r.entity.wire(near) == f.Name && r.owner != "":
		return k.make(to, r.holder(), map[string]any{to.wire(far): k.accounts.key(r.owner)})
	}
	for _, v := range to.variants {
		if t := k.make(to, k.holderIn(to, r.tenant), v); k.fits(r, f, t) {
			return t
		}
	}
	return nil
}
