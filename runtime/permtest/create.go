package permtest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate/runtime/model"
)

// A draft is a row that a caller is to make.
type draft struct {
	*row

	body map[string]any // what is sent
	want want
}

// creates tries to make rows: of each kind that conditions tell apart, and with
// each field.
func (k *kit) creates(s surface, c *caller, e *entity) {
	k.t.Helper()
	cell := cellName(s, c, create, e, "")
	if k.except(cell) || !sendable(s, e, create) {
		return
	}
	if !k.mayMake(c, e) {
		d := k.draft(s, c, e, e.variants[0], true)
		d.want = k.denied(s, c, e, create)
		k.tryCreate(cell, s, c, d)
		return
	}
	for _, v := range e.variants {
		k.tryCreate(cell, s, c, k.draft(s, c, e, v, true))
	}
	if strings.Contains(e.Owner, ".") && k.stranger != nil {
		k.tryCreate(cell, s, c, k.draft(s, c, e, e.variants[0], false))
	}
	k.createsWith(s, c, e)
	k.createsAcross(s, c, e)
}

// createsWith tries all fields that a caller may send at once, and each that they
// may not by itself.
func (k *kit) createsWith(s surface, c *caller, e *entity) {
	k.t.Helper()
	full := k.draft(s, c, e, e.variants[0], true)
	values := k.values(e, e.variants[0])
	for i := range e.model.Fields {
		f := &e.model.Fields[i]
		name := e.design(f.Name)
		if _, sent := full.body[f.Name]; sent {
			continue
		}
		may := &e.grantTo(c).field(name).Create
		allowed := c.makes(may, full.row)
		w := k.onField(s, e, f, create, allowed)
		if !w.refused() {
			if v, ok := k.valid(c, full.row, f, values); ok && !e.owned(name) {
				full.body[f.Name] = v
			}
			continue
		}
		cell := cellName(s, c, create, e, name)
		if k.except(cell) || full.want.refused() {
			continue
		}
		d := k.draft(s, c, e, e.variants[0], true)
		d.body[f.Name] = k.anything(f, values)
		d.want = w
		k.tryCreate(cell, s, c, d)
	}
	maps.Copy(full.values, full.body)
	if !full.want.refused() {
		full.judge(c, nil)
	}
	if cell := cellName(s, c, create, e, "*"); !k.except(cell) {
		k.tryCreate(cell, s, c, full)
	}
}

// sendable reports whether there is anything at all that a surface takes of a row:
// inputs of GraphQL have a member at least, or they are not there.
func sendable(s surface, e *entity, action string) bool {
	return slices.ContainsFunc(e.model.Fields, func(f model.Field) bool { return s.takes(e, action, f.Name) })
}

// valid returns a value for a field that a caller may write: of a key the id of a
// row that they see.
func (k *kit) valid(c *caller, r *row, f *model.Field, values map[string]any) (any, bool) {
	switch f.Type {
	case model.Relation:
		if v, said := values[f.Name]; said {
			return v, true
		}
		if f.Unique {
			return nil, false
		}
		t := k.visible(c, r, f)
		if t == nil {
			return nil, false
		}
		return t.entity.key(t.id), true
	case model.Roles:
		if c.scopes != nil { // to give roles takes a person who has just logged in
			return nil, false
		}
		if c.kind == role && r.entity == k.accounts {
			return []string{c.name}, true
		}
		return []string{}, true
	}
	v, ok := values[f.Name]
	return v, ok
}

// anything returns a value that is valid for a field: what is wrong with it is
// who sends it.
func (k *kit) anything(f *model.Field, values map[string]any) any {
	switch f.Type {
	case model.ID:
		return absent(f)
	case model.Relation:
		if to := k.find(f.To); len(to.rows) > 0 && to == k.tenants {
			return to.key(k.abroad())
		} else if len(to.rows) > 0 {
			return to.key(to.rows[0].id)
		}
		return absent(f)
	case model.CreatedAt, model.UpdatedAt:
		return "2026-01-01T12:00:00Z"
	case model.Roles:
		for _, c := range k.m.Callers {
			if c.Kind == role {
				return []string{c.Name}
			}
		}
		return []string{}
	}
	if v := values[f.Name]; v != nil {
		return v
	}
	return value(f, k.next())
}

// visible returns a row that a key of r may point to as the caller sees it, of
// the same owner where the key says whose row it is; nil if there is none.
func (k *kit) visible(c *caller, r *row, f *model.Field) *row {
	to := k.find(f.To)
	near, far, through := strings.Cut(r.entity.Owner, ".")
	g := to.grantTo(c)
	n := k.next()
	for i := range to.rows {
		t := to.rows[(i+n)%len(to.rows)]
		if through && r.entity.wire(near) == f.Name && fmt.Sprint(t.values[to.wire(far)]) != r.owner {
			continue
		}
		if g.Rows.View.admitted() && c.in(&g.Rows.View, t) && t.id != r.id && r.reaches(t) && k.fits(r, f, t) {
			return t
		}
	}
	return nil
}

// draft is the least that a caller has to send for a row that is as variant says,
// and what has to come of it. With mine it is the caller's own where that is for
// them to say.
func (k *kit) draft(s surface, c *caller, e *entity, variant map[string]any, mine bool) *draft {
	return k.draftIn(s, c, e, variant, mine, k.newTenant(c, e))
}

// draftIn is draft for a tenant.
func (k *kit) draftIn(s surface, c *caller, e *entity, variant map[string]any, mine bool, tenant string) *draft {
	g := e.grantTo(c)
	r := &row{entity: e, owner: c.account, tenant: tenant, variant: variant, values: map[string]any{}}
	if !mine || strings.Contains(e.Owner, ".") && k.stranger != nil && (c.account == "" || tenant != "" && !k.lives(c.account, tenant)) {
		r.owner = k.strangerIn(tenant).account
	}
	d := &draft{row: r, body: map[string]any{}, want: status(http.StatusCreated)}
	var wrong []int
	values := k.values(e, variant)
	near, _, through := strings.Cut(e.Owner, ".")
	for i := range e.model.Fields {
		f := &e.model.Fields[i]
		name := e.design(f.Name)
		may := &g.field(name).Create
		_, varies := variant[f.Name]
		owner := name == near && !through && e.Owner != "id" || f.Name == e.others
		switch {
		case name == e.Tenant && f.Type == model.Relation:
			k.nameTenant(s, c, d, f)
		case f.ReadOnly, f.Type == model.Roles, owner && !f.Required && !varies:
		case owner:
			if c.account == "" || f.Name == e.others { // nobody whose it could be
				wrong = append(wrong, http.StatusBadRequest)
			}
		case may.Rows == none && g.Rows.Create.Rows != none || !s.takes(e, create, f.Name):
			if r.values[f.Name] = f.Default; f.Required && f.Default == nil && f.Type != model.Password {
				wrong = append(wrong, http.StatusBadRequest)
			}
		case !f.Required && !varies && (!through || name != near), f.Default != nil && !varies:
			r.values[f.Name] = f.Default
		case f.Type == model.Relation && !varies && values[f.Name] != nil:
			d.body[f.Name] = values[f.Name]
		case f.Type == model.Relation:
			t := k.visible(c, r, f)
			if f.Unique {
				t = k.untaken(c, r, f)
			}
			if t == nil {
				wrong = append(wrong, http.StatusBadRequest)
				d.body[f.Name] = k.anything(f, values)
				continue
			}
			d.body[f.Name] = t.entity.key(t.id)
		case f.Type == model.Password || values[f.Name] != nil || varies:
			d.body[f.Name] = values[f.Name]
		}
	}
	if owner := e.named(near); owner != nil && !through && e.Owner != "id" {
		r.owner = c.account
	}
	if e.Owner == "id" {
		r.owner = ""
	}
	maps.Copy(r.values, d.body)
	d.judge(c, wrong)
	return d
}

// judge says what has to come of a draft with which that much is wrong already.
func (d *draft) judge(c *caller, wrong []int) {
	g := d.entity.grantTo(c)
	beyond := !c.makes(&g.Rows.Create, d.row)
	for name := range d.body {
		beyond = beyond || !c.makes(&g.field(d.entity.design(name)).Create, d.row)
	}
	if beyond {
		wrong = append(wrong, http.StatusForbidden)
	}
	if d.want = status(http.StatusCreated); len(wrong) > 0 {
		d.want = status(wrong...)
	}
}

// settled gives a draft other values where some are taken together, and says what has
// to come of it then.
func (k *kit) settled(c *caller, d *draft) {
	k.t.Helper()
	maps.Copy(d.values, d.body)
	changed, free := k.apart(d.row, func(f *model.Field) []any {
		if _, sent := d.body[f.Name]; !sent {
			return nil
		}
		if f.Type != model.Relation {
			return k.some(f)
		}
		if t := k.untaken(c, d.row, f); t != nil {
			return []any{t.entity.key(t.id)}
		}
		return nil
	})
	for name := range d.body {
		d.body[name] = d.values[name]
	}
	if changed {
		d.judge(c, nil)
	}
	if !free && !d.want.refused() {
		d.want = status(http.StatusConflict)
	}
}

// tryCreate sends a draft.
func (k *kit) tryCreate(cell string, s surface, c *caller, d *draft) {
	k.t.Helper()
	e := d.entity
	if !d.want.refused() {
		k.settled(c, d)
	}
	before := k.count(e)
	a := s.create(c, e, d.body)
	if spent(d.want, a) && k.anew(d.row, d.body) {
		maps.Copy(d.values, d.body)
		before = k.count(e)
		a = s.create(c, e, d.body)
	}
	after := k.count(e)
	k.mend(e, d.values)
	about := "with " + strings.Join(keys(d.body), ", ")
	ok := k.check(cell, d.want, a, about)
	if a.status >= http.StatusBadRequest && after != before {
		k.t.Errorf("%s: refused with %d, and there is a row more (%s)", cell, a.status, about)
	}
	if a.status >= http.StatusBadRequest {
		return
	}
	if len(a.rows) == 1 && a.rows[0].id != "" {
		d.id = a.rows[0].id
		if ok && !d.want.refused() {
			k.checkShown(cell, k.answered(s, c, d.row, d.body), a.rows[0].fields, about)
		}
		k.drop(e, d.id)
	} else {
		k.t.Errorf("%s: the answer does not say the id of the new row (%s): %s", cell, about, a.text)
	}
}

func keys(m map[string]any) []string {
	names := map[string]bool{}
	for n := range m {
		names[n] = true
	}
	return sorted(names)
}
