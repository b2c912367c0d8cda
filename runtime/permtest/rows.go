package permtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/typo"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// An entity is one of the matrix and of the running service.
type entity struct {
	*matrixEntity

	said     *matrixEntity // as the matrix has it, also for others than call
	model    *model.Entity
	service  crud.Service
	variants []map[string]any // values that tell rows apart by the conditions of rules
	rows     []*row
	made     bool
	others   string // the key that says whose row it is, where that is nobody who calls
}

// A row is one that the test made.
type row struct {
	entity   *entity
	id       string
	owner    string // id of an account, empty without
	tenant   string // id of that to which it belongs, empty without
	left     bool   // by its owner, who is in another tenant
	stripped bool   // of the roles that every new one gets
	variant  map[string]any
	values   map[string]any // by their names in JSON
}

// maxVariants bounds the rows that differ by conditions alone.
const maxVariants = 8

// describe brings the matrix together with the entities of the service.
func (k *kit) describe() {
	k.t.Helper()
	services := map[string]crud.Service{}
	for _, s := range k.app.Entities() {
		services[s.Entity().Name] = s
	}
	for i := range k.m.Entities {
		m := &k.m.Entities[i]
		s := services[m.Name]
		if s == nil {
			k.t.Fatalf("the service has no entity %s: generate it again", m.Name)
		}
		e := &entity{matrixEntity: m, said: m, model: s.Entity(), service: s}
		e.variants = k.vary(e)
		k.entities = append(k.entities, e)
		if k.callsAs(e.model) {
			k.accounts = e
		}
		if m.Tenant != "" && e.named(m.Tenant) == e.id() {
			k.tenants = e
		}
	}
	k.disown()
}

// wire returns what a field or relation of the design is called in JSON.
func (e *entity) wire(name string) string {
	if _, ok := e.model.Field(name); ok {
		return name
	}
	if l, ok := e.model.Link(name); ok && l.Key != "" {
		return l.Key
	}
	return name
}

// design returns what the design calls a field.
func (e *entity) design(key string) string {
	for i := range e.model.Links {
		if l := &e.model.Links[i]; l.Key == key {
			return l.Name
		}
	}
	return key
}

// named returns the field of that name in the design.
func (e *entity) named(name string) *model.Field {
	f, ok := e.model.Field(e.wire(name))
	if !ok {
		return nil
	}
	return &e.model.Fields[f]
}

func (e *entity) id() *model.Field { return &e.model.Fields[e.model.IDField()] }

// key returns an id as the database takes it.
func (e *entity) key(id string) any {
	if e.id().ID == model.Serial {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			return n
		}
	}
	return id
}

// holds reports whether a row with these values is as the clauses say.
func (e *entity) holds(values map[string]any) func([]clause) bool {
	return func(where []clause) bool { return holds(where, values, e.wire) }
}

// vary returns values for each condition of the rules, of which it holds and of
// which it does not. Of a very long list of them it leaves some out.
func (k *kit) vary(e *entity) []map[string]any {
	list := []map[string]any{{}}
	put := func(v map[string]any) {
		switch {
		case slices.ContainsFunc(list, func(o map[string]any) bool { return fmt.Sprint(o) == fmt.Sprint(v) }):
		case len(list) < maxVariants:
			list = append(list, v)
		default:
			k.leftOut("rows of %s like %v: %d others are", e.Name, v, maxVariants-1)
		}
	}
	add := func(clauses []clause, not int) {
		v := map[string]any{}
		for i := range clauses {
			f := e.named(clauses[i].Field)
			if f == nil {
				k.leftOut("rows of %s by %s, which is no field of a row", e.Name, clauses[i].Field)
				return
			}
			met, ok := clauses[i].met(f, i == not)
			if !ok {
				k.leftOut("rows of %s by %s: there is no value to tell them apart", e.Name, clauses[i].Field)
				return
			}
			v[f.Name] = e.spelt(f, met)
		}
		put(v)
	}
	for _, where := range e.wheres() {
		add(where, -1)
		for i := range where {
			add(where, i)
		}
	}
	for _, where := range e.wheres() { // a rule may be about another value than it should be
		for i := range where {
			if f := e.named(where[i].Field); f != nil && f.Type == model.Enum {
				for _, other := range f.Values {
					put(map[string]any{f.Name: other})
				}
			}
		}
	}
	if len(list) > 1 {
		list = list[1:] // they say all that matters
	}
	return list
}

// spelt returns the value of a clause as it stands in JSON.
func (e *entity) spelt(f *model.Field, v any) any {
	if s, ok := v.(string); ok && (f.Type == model.DecimalType || f.Type == model.Integer || f.Type == model.Float) {
		return json.Number(s)
	}
	return v
}

// rows makes the samples of all entities: those first that others need.
func (k *kit) rows() {
	k.t.Helper()
	if k.tenants != nil { // everybody is in one
		k.populate(k.tenants, nil)
	}
	for _, e := range k.entities {
		k.populate(e, nil)
	}
	for _, e := range k.entities { // what pointed to rows that were not there yet
		for _, r := range e.rows {
			k.point(r)
		}
	}
}

// populate makes the samples of an entity, after those of what it points to.
func (k *kit) populate(e *entity, waiting []*entity) {
	if e.made || slices.Contains(waiting, e) {
		return
	}
	waiting = append(waiting, e)
	for _, required := range []bool{true, false} {
		for i := range e.model.Fields {
			if f := &e.model.Fields[i]; f.Type == model.Relation && f.Required == required && !k.founds(e, f) {
				k.populate(k.find(f.To), waiting)
			}
		}
	}
	e.made = true
	if e == k.accounts {
		k.people()
		return
	}
	for _, h := range k.holders(e) {
		for _, v := range e.variants {
			e.rows = append(e.rows, k.make(e, h, v))
		}
	}
	k.strand(e)
}

func (k *kit) find(name string) *entity {
	i := slices.IndexFunc(k.entities, func(e *entity) bool { return e.Name == name })
	if i < 0 {
		k.t.Fatalf("the matrix has no entity %s: generate the service again", name)
	}
	return k.entities[i]
}

// make makes a row of that holder as the service itself.
func (k *kit) make(e *entity, h holder, variant map[string]any) *row {
	k.t.Helper()
	if e == k.tenants {
		h.tenant = "" // it is one itself
	}
	var err error
	var none *model.Unique
	for range 8 { // several fields may be unique together
		r := &row{entity: e, owner: h.account, tenant: h.tenant, variant: variant, values: k.values(e, variant)}
		k.relate(r)
		k.apart(r, k.newly(r))
		if err = k.tryInsert(r); err != nil && k.anew(r, r.values) {
			err = k.tryInsert(r)
		}
		if err == nil {
			k.mend(e, r.values)
			if e == k.tenants {
				r.tenant = r.id
			}
			k.strip(r) // others than call log in as it
			return r
		}
		none = k.crowded(r)
	}
	if none != nil && len(none.Fields) == 1 {
		k.t.Fatalf("a sample of %s cannot be made: %d rows have every value of %s, which is unique: the test keeps more rows. "+
			"Let the field have more values, or leave callers out by Except, in samples_test.go", e.Name, k.count(e), none.Fields[0])
	}
	k.unmade(e, err)
	return nil
}

// values returns new values for all fields of a row that anybody could write,
// keys apart.
func (k *kit) values(e *entity, variant map[string]any) map[string]any {
	n := k.next()
	values := map[string]any{}
	for i := range e.model.Fields {
		f := &e.model.Fields[i]
		if v := value(f, n); v != nil && !f.ReadOnly {
			values[f.Name] = v
		}
	}
	if k.plain {
		k.plain = false // the row, and not those to which it leads
		e.defaults(values)
	}
	if change := k.cfg.Samples[e.Name]; change != nil {
		change(n, values)
	}
	maps.Copy(values, variant)
	return values
}

// relate chooses what the keys of a row point to.
func (k *kit) relate(r *row) {
	k.t.Helper()
	e := r.entity
	near, far, through := strings.Cut(e.Owner, ".")
	for i := range e.model.Fields {
		f := &e.model.Fields[i]
		if f.Type != model.Relation {
			continue
		}
		if _, said := r.values[f.Name]; said { // by a condition, or a sample
			continue
		}
		to := k.find(f.To)
		switch {
		case e.wire(e.Tenant) == f.Name:
			if r.tenant != "" {
				r.values[f.Name] = r.tenant
			}
		case e.wire(near) == f.Name && through:
			if r.owner != "" {
				r.values[f.Name] = k.owned(r, f, to.wire(far)).id
			} else if target := k.target(f, r); target != nil {
				r.values[f.Name] = target.id
			}
		case e.wire(near) == f.Name:
			if r.owner != "" {
				r.values[f.Name] = r.owner
			} else if target := k.target(f, r); target != nil && f.Required {
				r.values[f.Name] = target.id
			}
		default:
			if target := k.target(f, r); target != nil {
				r.values[f.Name] = target.id
			}
		}
		if id, ok := r.values[f.Name].(string); ok {
			r.values[f.Name] = to.key(id)
		}
	}
}

// target returns a row that a key may point to, another one for another row; nil
// if there is none yet.
func (k *kit) target(f *model.Field, r *row) *row {
	to := k.find(f.To)
	if f.Unique {
		if !to.made || to == r.entity || to == k.accounts {
			if f.Required {
				k.t.Fatalf("%s.%s: a sample would need a row of %s of its own: make it by Samples", r.entity.Name, f.Name, f.To)
			}
			return nil
		}
		made := k.make(to, k.holderIn(to, r.tenant), to.variants[0])
		to.rows = append(to.rows, made)
		return made
	}
	rows := slices.DeleteFunc(slices.Clone(to.rows), func(t *row) bool { return t.left || !r.reaches(t) || !k.fits(r, f, t) })
	if len(rows) == 0 {
		return nil
	}
	return rows[k.next()%len(rows)]
}

// owned returns a row for a key of r by which r is owned, as the key of that one
// says.
func (k *kit) owned(r *row, f *model.Field, key string) *row {
	e, h := k.find(f.To), r.holder()
	for _, t := range e.rows {
		if !f.Unique && fmt.Sprint(t.values[key]) == h.account && (e.Tenant == "" || t.tenant == h.tenant) && k.fits(r, f, t) {
			return t
		}
	}
	t := k.make(e, h, map[string]any{key: k.accounts.key(h.account)})
	if !f.Unique {
		e.rows = append(e.rows, t)
	}
	return t
}

// checkTargets refuses names of keys that are not there.
func (k *kit) checkTargets() {
	k.t.Helper()
	var names []string
	for _, e := range k.entities {
		for i := range e.model.Fields {
			if f := &e.model.Fields[i]; f.Type == model.Relation {
				names = append(names, e.Name+"."+e.design(f.Name))
			}
		}
	}
	for name := range k.cfg.Targets {
		if slices.Contains(names, name) {
			continue
		}
		hint := ": no entity has one"
		if near := typo.Nearest(name, names); near != "" {
			hint = fmt.Sprintf(", did you mean %q?", near)
		} else if len(names) > 0 {
			hint = ": " + names[0] + " is one"
		}
		k.t.Fatalf("Targets names %q, and there is no such key%s", name, hint)
	}
}

// fits reports whether a key of r may lead to t, for all that is said of it.
func (k *kit) fits(r *row, f *model.Field, t *row) bool {
	ok := k.cfg.Targets[r.entity.Name+"."+r.entity.design(f.Name)]
	return ok == nil || ok(t.values)
}

// untaken makes a row for a key of which no two lead to the same; nil where the
// caller does not see it, or it could not be of the right owner.
func (k *kit) untaken(c *caller, r *row, f *model.Field) *row {
	k.t.Helper()
	to := k.find(f.To)
	if to == k.accounts || to.Tenant != "" && r.tenant == "" || to.Owner != "" && (r.owner == "" || to.Tenant != "" && !k.lives(r.owner, r.tenant)) {
		return nil
	}
	t := k.make(to, r.holder(), to.variants[0])
	if !c.in(&to.grantTo(c).Rows.View, t) {
		return nil
	}
	return t
}

// point fills in keys for which there was no row when theirs was made.
func (k *kit) point(r *row) {
	missing := map[string]any{}
	near, _, through := strings.Cut(r.entity.Owner, ".")
	for i := range r.entity.model.Fields {
		f := &r.entity.model.Fields[i]
		_, said := r.values[f.Name]
		if f.Type != model.Relation || f.Unique || said || r.entity.wire(near) == f.Name && through || r.entity.wire(r.entity.Tenant) == f.Name {
			continue
		}
		to := k.find(f.To)
		if r.entity.wire(near) == f.Name {
			if r.owner != "" {
				missing[f.Name] = to.key(r.owner)
			}
		} else if target := k.target(f, r); target != nil && target != r {
			missing[f.Name] = to.key(target.id)
		}
	}
	k.patch(r, missing)
}

// owns reports whether a row is the caller's own.
func (c *caller) owns(r *row) bool {
	if c.scopes != nil && !slices.Contains(c.scopes, gate.ScopeOwner) {
		return false // what is the account's is not its key's
	}
	switch r.entity.Owner {
	case "":
		return false
	case "id":
		return c.account != "" && r.id == c.account
	}
	return c.account != "" && r.owner == c.account
}

// seenBy returns the rows of an entity that are tried with a caller: their own, and
// those that are nobody's who calls.
func (k *kit) seenBy(c *caller, e *entity) []*row {
	var list []*row
	others := map[string]int{} // by tenant
	for _, r := range e.rows {
		switch {
		case c.owns(r):
		case k.stranger != nil && r.owner != "" && r.owner != c.account && !k.isAside(r.owner) && (e.Owner != "" || e == k.accounts):
			continue
		case others[r.tenant] >= k.most(c, r):
			continue
		default:
			others[r.tenant]++
		}
		list = append(list, r)
	}
	return list
}
