package permtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// An entity is one of the matrix and of the running service.
type entity struct {
	*matrixEntity

	model    *model.Entity
	service  crud.Service
	variants []map[string]any // values that tell rows apart by the conditions of rules
	rows     []*row
	made     bool
}

// A row is one that the test made.
type row struct {
	entity  *entity
	id      string
	owner   string // id of an account, empty without
	variant map[string]any
	values  map[string]any // by their names in JSON
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
		e := &entity{matrixEntity: m, model: s.Entity(), service: s}
		e.variants = e.vary()
		k.entities = append(k.entities, e)
		if k.app.Auth != nil && m.Name == k.app.Auth.EntityName() {
			k.accounts = e
		}
	}
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
// which it does not.
func (e *entity) vary() []map[string]any {
	list := []map[string]any{{}}
	put := func(v map[string]any) {
		if !slices.ContainsFunc(list, func(o map[string]any) bool { return fmt.Sprint(o) == fmt.Sprint(v) }) && len(list) < maxVariants {
			list = append(list, v)
		}
	}
	add := func(clauses []clause, not int) {
		v := map[string]any{}
		for i := range clauses {
			f := e.named(clauses[i].Field)
			if f == nil {
				return
			}
			met, ok := clauses[i].met(f, i == not)
			if !ok {
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
		for i := range where { // a rule may be about another value than it should be
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
			if f := &e.model.Fields[i]; f.Type == model.Relation && f.Required == required {
				k.populate(k.find(f.To), waiting)
			}
		}
	}
	e.made = true
	if e == k.accounts {
		k.people()
		return
	}
	for _, owner := range k.owners(e) {
		for _, v := range e.variants {
			e.rows = append(e.rows, k.make(e, owner, v))
		}
	}
}

func (k *kit) find(name string) *entity {
	i := slices.IndexFunc(k.entities, func(e *entity) bool { return e.Name == name })
	if i < 0 {
		k.t.Fatalf("the matrix has no entity %s: generate the service again", name)
	}
	return k.entities[i]
}

// owners lists the accounts that have rows of an entity.
func (k *kit) owners(e *entity) []string {
	if e.Owner == "" || k.stranger == nil || k.stranger.account == "" {
		return []string{""}
	}
	list := []string{k.stranger.account}
	for _, c := range k.callers {
		if c.account != "" {
			list = append(list, c.account)
		}
	}
	return list
}

// make makes a row of that owner as the service itself.
func (k *kit) make(e *entity, owner string, variant map[string]any) *row {
	k.t.Helper()
	var err error
	for range 8 { // several fields may be unique together
		r := &row{entity: e, owner: owner, variant: variant, values: k.values(e, variant)}
		k.relate(r)
		if err = k.tryInsert(r); err == nil {
			return r
		}
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
		if _, said := r.variant[f.Name]; said {
			continue
		}
		to := k.find(f.To)
		switch {
		case e.wire(near) == f.Name && through:
			if r.owner != "" {
				r.values[f.Name] = k.owned(to, to.wire(far), r.owner).id
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
		made := k.make(to, k.owners(to)[0], to.variants[0])
		to.rows = append(to.rows, made)
		return made
	}
	if len(to.rows) == 0 {
		return nil
	}
	return to.rows[k.next()%len(to.rows)]
}

// owned returns a row whose field is that account.
func (k *kit) owned(e *entity, key, account string) *row {
	for _, r := range e.rows {
		if fmt.Sprint(r.values[key]) == account {
			return r
		}
	}
	r := k.make(e, account, map[string]any{key: k.accounts.key(account)})
	e.rows = append(e.rows, r)
	return r
}

// point fills in keys for which there was no row when theirs was made.
func (k *kit) point(r *row) {
	missing := map[string]any{}
	near, _, through := strings.Cut(r.entity.Owner, ".")
	for i := range r.entity.model.Fields {
		f := &r.entity.model.Fields[i]
		_, said := r.variant[f.Name]
		if f.Type != model.Relation || f.Unique || said || r.values[f.Name] != nil || r.entity.wire(near) == f.Name && through {
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
	others := 0
	for _, r := range e.rows {
		switch {
		case c.owns(r):
		case k.stranger != nil && r.owner != "" && r.owner != k.stranger.account && (e.Owner != "" || e == k.accounts):
			continue
		case others >= maxVariants:
			continue
		default:
			others++
		}
		list = append(list, r)
	}
	return list
}
