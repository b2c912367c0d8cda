package permtest

import (
	"net/http"
	"slices"

	"github.com/gatewright/gate/runtime/model"
)

// deletes tries to delete rows, the caller's own and others.
func (k *kit) deletes(s surface, c *caller, e *entity) {
	k.t.Helper()
	cell := cellName(s, c, remove, e, "")
	if k.except(cell) {
		return
	}
	for _, r := range k.seenBy(c, e) {
		if e == k.tenants && r.id == c.tenant && !k.onRow(s, c, r, remove).refused() {
			continue // with it goes everybody who is in it
		}
		who, target := k.expendable(s, c, r)
		w := k.onRow(s, who, target, remove)
		if e == k.accounts && c.scopes != nil && !w.refused() {
			w = status(http.StatusForbidden) // that takes a person who has just logged in
		}
		k.tryDelete(cell, s, who, target, w)
		if target != r {
			k.drop(e, target.id)
		}
	}
	w := status(http.StatusNotFound)
	if !e.grantTo(c).Rows.Delete.admitted() {
		w = k.denied(s, c, e, remove)
	}
	k.check(cell, w, s.remove(c, e, absent(e.id())), "no row at all")
}

// expendable returns a row like r, and who may do with it what the caller may with
// r: what is deleted by mistake is missed by nothing that comes after.
func (k *kit) expendable(s surface, c *caller, r *row) (*caller, *row) {
	k.t.Helper()
	switch {
	case r.entity != k.accounts:
		return c, k.twin(r)
	case c.owns(r) && !k.onRow(s, c, r, remove).refused():
		d := k.double(s, c)
		return d.caller, d.row
	case c.owns(r):
		return c, r
	}
	target := k.idle(r.tenant)
	k.insert(target)
	k.patch(target, k.noRoles())
	target.owner = k.stranger.account
	return c, target
}

// noRoles are the values of an account that has no role.
func (k *kit) noRoles() map[string]any {
	if f, ok := k.rolesField(); ok {
		return map[string]any{f.Name: []string{}}
	}
	return nil
}

// strip takes the roles from a row that every new one gets.
func (k *kit) strip(r *row) {
	k.t.Helper()
	f := r.entity.model.Find(model.Roles)
	if f == model.NoField {
		return
	}
	before := k.stored(r.entity, r.id)
	k.patch(r, map[string]any{r.entity.model.Fields[f].Name: []string{}})
	r.stripped = slices.Contains(differ(before, k.stored(r.entity, r.id)), r.entity.model.Fields[f].Column)
}

func (k *kit) tryDelete(cell string, s surface, c *caller, r *row, w want) {
	k.t.Helper()
	before := k.stored(r.entity, r.id)
	a := s.remove(c, r.entity, r.id)
	ok := k.check(cell, w, a, c.about(r))
	if a.status >= http.StatusBadRequest {
		k.unchanged(cell, r.entity, r, before, c.about(r))
		return
	}
	if k.stored(r.entity, r.id) != nil {
		k.t.Errorf("%s: answers %d, and the row is there (%s)", cell, a.status, c.about(r))
	}
	if ok && !w.refused() {
		k.checkRow(cell, c, r, a, k.readable(s, c, r, view))
	}
}
