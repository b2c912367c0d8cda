package permtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate/runtime/model"
)

// updates tries to change each field of rows, the caller's own and others.
func (k *kit) updates(s surface, c *caller, e *entity) {
	k.t.Helper()
	cell := cellName(s, c, update, e, "")
	if k.except(cell) {
		return
	}
	for _, r := range k.seenBy(c, e) {
		w := k.onRow(s, c, r, update)
		if w.refused() {
			f := k.harmless(s, e)
			if f == nil {
				continue // nobody may change anything, and no document could say so
			}
			k.tryUpdate(cell, s, c, r, f, w)
			if rest, ok := s.(*rest); ok {
				before := k.stored(e, r.id)
				k.check(cell, w, rest.replace(c, e, r.id, map[string]any{}), "PUT, "+c.about(r))
				k.unchanged(cell, e, r, before, "PUT, "+c.about(r))
			}
			for i := range e.model.Fields {
				k.unsends(cell, s, c, r, &e.model.Fields[i], w)
			}
			continue
		}
		for i := range e.model.Fields {
			if e.model.Fields[i].Name != e.model.Version { // which says what is changed, and is not
				k.updatesField(s, c, r, &e.model.Fields[i])
			}
		}
	}
	w := status(http.StatusNotFound)
	if !e.grantTo(c).Rows.Update.admitted() {
		w = k.denied(s, c, e, update)
	}
	if f := k.harmless(s, e); f != nil {
		k.check(cell, w, s.update(c, e, absent(e.id()), map[string]any{f.Name: value(f, k.next())}), "no row at all")
	}
}

// harmless returns a field whose value can be sent, whoever may.
func (k *kit) harmless(s surface, e *entity) *model.Field {
	for i := range e.model.Fields {
		f := &e.model.Fields[i]
		if !f.ReadOnly && f.Type != model.Relation && f.Type != model.Roles && f.Type != model.Password && s.takes(e, update, f.Name) {
			return f
		}
	}
	return nil
}

// updatesField tries to change one field of a row that the caller may change.
func (k *kit) updatesField(s surface, c *caller, r *row, f *model.Field) {
	k.t.Helper()
	e := r.entity
	name := e.design(f.Name)
	cell := cellName(s, c, update, e, name)
	if k.except(cell) || k.elsewhere(c, r, f) {
		return
	}
	k.updatesAcross(cell, s, c, r, f)
	allowed := c.in(&e.grantTo(c).field(name).Update, r)
	w := k.onField(s, e, f, update, allowed)
	if !w.refused() && e == k.accounts && c.scopes != nil && k.delicate(f) {
		k.tryUpdate(cell, s, c, r, f, status(http.StatusForbidden)) // that takes a person who has just logged in
		return
	}
	if !w.refused() && e == k.accounts && c.owns(r) && k.signsIn(f) {
		d := k.double(s, c) // who they are must not change for what comes after
		k.tryUpdate(cell, s, d.caller, d.row, f, w)
		k.greet(d)
		return
	}
	k.tryUpdate(cell, s, c, r, f, w)
	k.unsends(cell, s, c, r, f, w)
}

// elsewhere reports whether what the matrix allows goes through another route:
// with letters an address is confirmed, and a password is for its owner.
func (k *kit) elsewhere(c *caller, r *row, f *model.Field) bool {
	if r.entity != k.accounts || k.cfg.Service.Auth.Letters == nil {
		return false
	}
	return f.Type == model.Email && c.owns(r) || f.Type == model.Password && !c.owns(r)
}

// signsIn reports whether somebody proves with the field who they are.
func (k *kit) signsIn(f *model.Field) bool {
	return f.Name == k.as.login || f.Name == k.as.password || f.Type == model.Password || f.Type == model.Email
}

// delicate reports whether a change of the field changes who may log in.
func (k *kit) delicate(f *model.Field) bool {
	a := k.cfg.Service.Auth
	return f.Name == k.as.login || f.Name == k.as.password || f.Type == model.Email && (a.Letters != nil || a.OIDC != nil && a.OIDC.Users != nil)
}

// tryUpdate sends another value for a field of a row.
func (k *kit) tryUpdate(cell string, s surface, c *caller, r *row, f *model.Field, w want) {
	k.t.Helper()
	e := r.entity
	v, changes := k.another(c, r, f, w)
	if !w.refused() && !changes && k.leadsAside(c, r, f) {
		w = status(http.StatusBadRequest)
	}
	before := k.stored(e, r.id)
	sent := map[string]any{f.Name: v}
	a := s.update(c, e, r.id, sent)
	if spent(w, a) && k.anew(r, sent) {
		v = sent[f.Name]
		a = s.update(c, e, r.id, sent)
	}
	k.mend(e, sent)
	ok := k.check(cell, w, a, c.about(r))
	if a.status >= http.StatusBadRequest {
		k.unchanged(cell, e, r, before, c.about(r))
		return
	}
	if f.Type == model.FileType {
		k.fetches(r, f)
	}
	after := k.stored(e, r.id)
	changed := differ(before, after)
	if ok && changes && !slices.Contains(changed, f.Column) && !k.hasValue(r, f, v) {
		k.t.Errorf("%s: answers %d and changes nothing (%s)", cell, a.status, c.about(r))
	}
	if changes {
		r.values[f.Name] = v
	}
	if ok && !w.refused() {
		k.checkRow(cell, c, r, a, k.answered(s, c, r, map[string]any{f.Name: v}))
	}
	if f.Type == model.Roles {
		k.patch(&row{entity: e, id: r.id, values: map[string]any{}}, map[string]any{f.Name: k.rolesOf(r)})
	}
}

// leadsAside reports whether a key that the caller does not read leads to a row that
// they do not see: to send it as it is must not tell them so.
func (k *kit) leadsAside(c *caller, r *row, f *model.Field) bool {
	if f.Type != model.Relation || c.in(&r.entity.grantTo(c).field(r.entity.design(f.Name)).View, r) {
		return false
	}
	to := k.find(f.To)
	view := &to.grantTo(c).Rows.View
	return slices.ContainsFunc(to.rows, func(t *row) bool {
		return equal(to.key(t.id), r.values[f.Name]) && (!view.admitted() || !c.in(view, t))
	})
}

// unchanged sees that a row is as it was.
func (k *kit) unchanged(cell string, e *entity, r *row, before columns, about string) {
	k.t.Helper()
	after := k.stored(e, r.id)
	switch changed := differ(before, after); {
	case after == nil && before != nil:
		k.t.Errorf("%s: refused, and the row is gone (%s)", cell, about)
	case len(changed) > 0:
		k.t.Errorf("%s: refused, and changed %s (%s)", cell, strings.Join(changed, ", "), about)
	}
}

// another returns a value to send for a field, and whether it changes the row. It
// leaves the row one of which the same conditions hold.
func (k *kit) another(c *caller, r *row, f *model.Field, w want) (any, bool) {
	e := r.entity
	switch f.Type {
	case model.Relation:
		if !w.refused() {
			if e.design(f.Name) == e.Tenant {
				return r.values[f.Name], false
			}
			return k.sameOr(c, r, f)
		}
		return k.anything(f, nil), false
	case model.Roles:
		if w.refused() {
			return k.anything(f, nil), true
		}
		if c.kind == role && e == k.accounts && !c.owns(r) {
			return []string{c.name}, k.isAside(r.owner)
		}
		return k.rolesOf(r), false
	case model.ID, model.CreatedAt, model.UpdatedAt:
		return k.anything(f, nil), false
	}
	wheres := e.wheres()
	for range 4 + len(f.Values) {
		v := k.values(e, nil)[f.Name]
		if v == nil || equal(v, r.values[f.Name]) {
			continue
		}
		values := maps.Clone(r.values)
		values[f.Name] = v
		if k.takenWith(r, f.Name, v) {
			continue
		}
		same := func(where []clause) bool { return e.holds(values)(where) == e.holds(r.values)(where) }
		if !slices.ContainsFunc(wheres, func(where []clause) bool { return !same(where) }) {
			return v, true
		}
	}
	if v := r.values[f.Name]; v != nil || !f.Required {
		return v, false
	}
	return value(f, k.next()), false
}

// sameOr returns another row for a key that the caller may set, or the same one:
// whose row it is stays.
func (k *kit) sameOr(c *caller, r *row, f *model.Field) (any, bool) {
	e := r.entity
	near, _, through := strings.Cut(e.Owner, ".")
	if !f.Unique && (e.wire(near) != f.Name || through) && r.values[f.Name] != nil {
		if t := k.visible(c, r, f); t != nil {
			v := t.entity.key(t.id)
			if k.takenWith(r, f.Name, v) {
				return r.values[f.Name], false
			}
			return v, !equal(v, r.values[f.Name])
		}
	}
	return r.values[f.Name], false
}

// rolesOf returns the roles of an account that the test gave it.
func (k *kit) rolesOf(r *row) []string {
	for _, c := range k.callers {
		switch {
		case r.entity != k.accounts || c.account != r.id:
		case c.scopes != nil:
			return k.everyRole()
		case c.kind == role:
			return []string{c.name}
		}
	}
	return []string{}
}

// A double is somebody who may do what a caller may, and whose account may come to
// harm.
type double struct {
	*caller
	*row
}

// double returns the one for a caller and a surface.
func (k *kit) double(s surface, c *caller) *double {
	k.t.Helper()
	name := cellName(s, c, "", k.accounts, "")
	if d := k.doubles[name]; d != nil {
		return d
	}
	d := &double{caller: &caller{kind: c.kind, name: c.name, of: c.of, tenant: c.tenant, outside: c.outside, above: c.above, scopes: c.scopes}}
	k.admit(d.caller)
	last := len(k.accounts.rows) - 1
	d.row = k.accounts.rows[last]
	k.accounts.rows = k.accounts.rows[:last]
	k.doubles[name] = d
	return d
}

// greet lets a double in anew who sends a name and a password with each request.
func (k *kit) greet(d *double) {
	k.t.Helper()
	p, ok := k.door.(*password)
	if !ok || p.path != "" || d.scopes != nil {
		return
	}
	var err error
	if d.headers, err = p.enter(d.caller, d.values); err != nil {
		k.t.Fatal(err)
	}
}
