package permtest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate/runtime/model"
)

// Where rows belong to tenants, callers come twice: from one tenant, and from
// none. Rows are there of theirs, of another, and of their own in another: an
// account that moves leaves such rows behind.

// most bounds the rows of one tenant that are tried with a caller to whom they are
// nobody's: of a tenant that is not theirs some tell as much as many.
func (k *kit) most(c *caller, r *row) int {
	const some = 2
	if r.entity.Tenant != "" && !c.above && r.tenant != c.tenant {
		return some
	}
	return maxVariants
}

// places returns a caller for each place that somebody of that kind can have.
func (k *kit) places(c caller) []*caller {
	if k.tenants == nil {
		return []*caller{&c}
	}
	in, out := c, c
	in.tenant, out.outside = k.home(), true
	if _, foreign := k.door.(*issuer); foreign && !k.vouched() {
		return []*caller{&in} // who is in none, without an account
	}
	return []*caller{&in, &out}
}

// strangers are the accounts that own rows and never call: of the callers' tenant,
// of another, and of none.
func (k *kit) strangers() []*caller {
	list := []*caller{{kind: signedIn, tenant: k.home()}}
	if k.tenants != nil {
		list = append(list, &caller{kind: signedIn, tenant: k.abroad()}, &caller{kind: signedIn, outside: true})
	}
	return list
}

func (k *kit) isAside(account string) bool {
	return slices.ContainsFunc(k.aside, func(c *caller) bool { return c.account == account })
}

// strangerIn returns the one in a tenant.
func (k *kit) strangerIn(tenant string) *caller {
	if i := slices.IndexFunc(k.aside, func(c *caller) bool { return c.tenant == tenant }); i >= 0 {
		return k.aside[i]
	}
	return k.stranger
}

// home is the tenant of the callers, abroad another one; empty without tenants.
func (k *kit) home() string {
	if k.tenants == nil {
		return ""
	}
	return k.tenants.rows[0].id
}

func (k *kit) abroad() string {
	if k.tenants == nil {
		return ""
	}
	return k.tenants.rows[1].id
}

// lives reports whether an account is in that tenant.
func (k *kit) lives(account, tenant string) bool {
	is := func(c *caller) bool { return c.account == account && c.tenant == tenant }
	return slices.ContainsFunc(k.callers, is) || slices.ContainsFunc(k.aside, is)
}

// A holder is whose a row is: an account, and a tenant.
type holder struct{ account, tenant string }

func (r *row) holder() holder { return holder{r.owner, r.tenant} }

// holders lists those that have rows of an entity.
func (k *kit) holders(e *entity) []holder {
	owned := e.Owner != "" && k.stranger != nil && k.stranger.account != ""
	switch {
	case e == k.tenants:
		return make([]holder, 2)
	case e.Tenant != "" && !owned:
		return []holder{{"", k.home()}, {"", k.abroad()}}
	case !owned:
		return []holder{{}}
	}
	list := []holder{{k.stranger.account, ""}}
	if e.Tenant != "" {
		list = []holder{{k.aside[0].account, k.home()}, {k.aside[1].account, k.abroad()}}
	}
	for _, c := range k.callers {
		switch {
		case c.account == "" || e.Tenant != "" && c.tenant == "": // the row would be of no tenant
		case e.Tenant == "":
			list = append(list, holder{c.account, ""})
		default:
			list = append(list, holder{c.account, c.tenant})
		}
	}
	return list
}

// holderIn returns the first holder of an entity in a tenant.
func (k *kit) holderIn(e *entity, tenant string) holder {
	list := k.holders(e)
	if i := slices.IndexFunc(list, func(h holder) bool { return h.tenant == tenant }); i >= 0 {
		return list[i]
	}
	return list[0]
}

// founds reports whether a key of a tenant leads to what belongs to one, which is
// made afterwards.
func (k *kit) founds(e *entity, f *model.Field) bool {
	return e == k.tenants && k.find(f.To).Tenant != ""
}

// strand makes rows of the callers' own in a tenant in which they are not. No door
// of the service lets that happen but that their account moves.
func (k *kit) strand(e *entity) {
	k.t.Helper()
	if e.Tenant == "" || e.Owner == "" || e.Owner == "id" || k.stranger == nil || k.owning(e).Unique {
		return
	}
	for _, c := range k.callers {
		if c.account != "" {
			if r := k.leave(e, c.account, e.variants[0]); r != nil {
				e.rows = append(e.rows, r)
			}
		}
	}
}

// owning is the field that says whose a row is.
func (k *kit) owning(e *entity) *model.Field {
	near, _, _ := strings.Cut(e.Owner, ".")
	return e.named(near)
}

// leave makes one such row; nil where the row through which it would be owned is
// not there.
func (k *kit) leave(e *entity, account string, variant map[string]any) *row {
	k.t.Helper()
	f := k.owning(e)
	value := account
	if _, _, through := strings.Cut(e.Owner, "."); through {
		to := k.find(f.To)
		i := slices.IndexFunc(to.rows, func(t *row) bool { return t.left && t.owner == account })
		if i < 0 {
			return nil
		}
		value = to.rows[i].id
	}
	r := k.make(e, holder{k.aside[1].account, k.abroad()}, variant)
	q := k.app.DB.Dialect().Quote
	key := k.find(f.To).key(value)
	moved := &row{entity: e, id: r.id, owner: account, tenant: r.tenant, variant: r.variant, values: maps.Clone(r.values)}
	moved.values[f.Name] = key
	newly := k.newly(r)
	k.apart(moved, func(other *model.Field) []any {
		if other == f {
			return nil
		}
		return newly(other)
	})
	maps.DeleteFunc(moved.values, func(name string, v any) bool { return name == f.Name || equal(v, r.values[name]) })
	k.patch(r, moved.values)
	if _, err := k.app.DB.Exec(k.ctx(), "UPDATE "+q(e.model.Table)+" SET "+q(f.Column)+" = $1 WHERE "+q(e.id().Column)+" = $2", key, e.key(r.id)); err != nil {
		k.t.Fatal(err)
	}
	r.values[f.Name], r.owner, r.left = key, account, true
	return r
}

// twin makes another row like one.
func (k *kit) twin(r *row) *row {
	k.t.Helper()
	if r.left {
		return k.leave(r.entity, r.owner, r.variant)
	}
	return k.make(r.entity, r.holder(), r.variant)
}

// reaches reports whether a key of r can lead to t: rows of tenants lead to those
// of their own.
func (r *row) reaches(t *row) bool {
	return r.entity.Tenant == "" || t.entity.Tenant == "" || r.tenant != "" && r.tenant == t.tenant
}

// within reports whether a row is of the caller's tenant.
func (c *caller) within(r *row) bool { return r.tenant != "" && r.tenant == c.tenant }

// where tells of a row whether it is of the caller's tenant.
func (c *caller) where(r *row) string {
	switch {
	case r.entity.Tenant == "" || c.within(r):
		return ""
	case r.tenant == "":
		return " in no tenant"
	}
	return " of another tenant"
}

// whole reports whether a field is read in every row that is listed.
func (k *kit) whole(c *caller, e *entity, field, rows *cell) bool {
	if e.Tenant != "" && c.tenant == "" && !c.above {
		if field, rows = field.outside(), rows.outside(); rows.whole == none && len(rows.Parts) == 0 {
			return field.admitted() // of no row
		}
	}
	return field.same(rows) && field.admitted()
}

// namesTenant reports whether somebody says to which tenant a row belongs: of a new
// row, and of an account that moves.
func (k *kit) namesTenant(e *entity, action string) bool {
	return e.Tenant != "" && e != k.tenants && (action == create || action == update && e == k.accounts)
}

// signsUp reports whether everybody makes accounts, which are in no tenant then.
func (k *kit) signsUp(e *entity) bool {
	return e == k.accounts && slices.ContainsFunc(e.Rules, func(r rule) bool {
		return r.Action == create && r.Field == "" && slices.Contains(r.Words, "public")
	})
}

// mayMake reports whether a caller makes rows at all.
func (k *kit) mayMake(c *caller, e *entity) bool {
	cell := &e.grantTo(c).Rows.Create
	homeless := e.Tenant != "" && c.tenant == "" && !c.above && e != k.accounts // there is no tenant for the row
	return cell.admitted() && cell.Rows != none && !homeless
}

// newTenant is that to which a row belongs that a caller makes.
func (k *kit) newTenant(c *caller, e *entity) string {
	switch {
	case e.Tenant == "" || e == k.tenants || !c.above && k.signsUp(e):
		return ""
	case c.above:
		return k.home()
	}
	return c.tenant
}

// nameTenant puts the tenant of a draft into its body where the caller has to say.
func (k *kit) nameTenant(s surface, c *caller, d *draft, f *model.Field) {
	if d.tenant == "" {
		return
	}
	d.values[f.Name] = k.tenants.key(d.tenant)
	if c.above && s.takes(d.entity, create, f.Name) {
		d.body[f.Name] = d.values[f.Name]
	}
}

// keyed reports whether a field is a key by which rows of two tenants could meet.
func (k *kit) keyed(e *entity, f *model.Field) bool {
	return f.Type == model.Relation && e.Tenant != "" && k.find(f.To).Tenant != "" && e.design(f.Name) != e.Tenant
}

// beyond returns a row to which a key of r must not lead, because it is of another
// tenant; nil if there is none.
func (k *kit) beyond(r *row, f *model.Field) *row {
	rows := k.find(f.To).rows
	i := slices.IndexFunc(rows, func(t *row) bool { return t.tenant != "" && !r.reaches(t) && k.fits(r, f, t) })
	if i < 0 {
		return nil
	}
	return rows[i]
}

// createsAcross tries to make rows that point to those of another tenant, and, as
// who stands above tenants, rows of another.
func (k *kit) createsAcross(s surface, c *caller, e *entity) {
	k.t.Helper()
	if e.Tenant == "" || e == k.tenants {
		return
	}
	g := e.grantTo(c)
	for i := range e.model.Fields {
		f := &e.model.Fields[i]
		name := e.design(f.Name)
		cell := cellName(s, c, create, e, name)
		d := k.draft(s, c, e, e.variants[0], true)
		if d.want.refused() || !k.keyed(e, f) || f.ReadOnly || k.except(cell) {
			continue
		}
		t := k.beyond(d.row, f)
		if t == nil || k.onField(s, e, f, create, c.makes(&g.field(name).Create, d.row)).refused() {
			continue
		}
		d.body[f.Name] = t.entity.key(t.id)
		d.want = status(http.StatusBadRequest)
		if near, _, through := strings.Cut(e.Owner, "."); near == name && through {
			d.want = d.want.or(http.StatusForbidden) // nor is it theirs
		}
		k.tryCreate(cell+", to a row of another tenant", s, c, d)
	}
	if c.above && !k.except(cellName(s, c, create, e, e.Tenant)) {
		d := k.draftIn(s, c, e, e.variants[0], true, k.abroad())
		k.tryCreate(cellName(s, c, create, e, e.Tenant), s, c, d)
	}
}

// updatesAcross tries to have a row point to one of another tenant; and to move an
// account.
func (k *kit) updatesAcross(cell string, s surface, c *caller, r *row, f *model.Field) {
	k.t.Helper()
	e := r.entity
	if k.onField(s, e, f, update, c.in(&e.grantTo(c).field(e.design(f.Name)).Update, r)).refused() {
		return
	}
	if e == k.accounts && e.design(f.Name) == e.Tenant {
		if !c.owns(r) && r.tenant == k.home() {
			k.moves(cell, s, c, f)
		}
		return
	}
	if !k.keyed(e, f) {
		return
	}
	t := k.beyond(r, f)
	if t == nil {
		return
	}
	about := c.about(r) + ", to a row of another tenant"
	before := k.stored(e, r.id)
	w := status(http.StatusBadRequest)
	if near, _, through := strings.Cut(e.Owner, "."); near == e.design(f.Name) && through {
		w = w.or(http.StatusForbidden)
	}
	k.check(cell, w, s.update(c, e, r.id, map[string]any{f.Name: t.entity.key(t.id)}), about)
	k.unchanged(cell, e, r, before, about)
}

// moves tries to bring an account into another tenant.
func (k *kit) moves(cell string, s surface, c *caller, f *model.Field) {
	k.t.Helper()
	r := k.idle(k.home())
	for i := range r.entity.model.Fields { // what it points to would have to go along
		if key := &r.entity.model.Fields[i]; key.Type == model.Relation && key.Name != f.Name && !key.Required {
			delete(r.values, key.Name)
		}
	}
	k.insert(r)
	k.patch(r, k.noRoles())
	before := k.stored(r.entity, r.id)
	a := s.update(c, r.entity, r.id, map[string]any{f.Name: k.tenants.key(k.abroad())})
	if k.check(cell, status(http.StatusOK), a, "to another tenant") && !slices.Contains(differ(before, k.stored(r.entity, r.id)), f.Column) {
		k.t.Errorf("%s: answers %d and moves nobody", cell, a.status)
	}
	k.drop(r.entity, r.id)
}
