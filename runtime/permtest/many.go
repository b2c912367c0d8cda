package permtest

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
)

// REST has further ways to the same rows: changes of many at once, by a condition; a
// deleted row that comes back; and the rows of one row. Of each there is one that is
// allowed and one that is not, where there are such rows.

// manifold tries them.
func (k *kit) manifold(s surface, c *caller, e *entity) {
	k.t.Helper()
	over, ok := s.(*rest)
	if !ok {
		return
	}
	if cell := cellName(s, c, update, e, ""); !k.except(cell) {
		k.patchesMany(cell, over, c, e)
	}
	if cell := cellName(s, c, remove, e, ""); !k.except(cell) {
		k.removesMany(cell, over, c, e)
		k.restores(cell, over, c, e)
	}
	for i := range e.model.Links {
		l := &e.model.Links[i]
		if cell := cellName(s, c, include, e, l.Name); l.Many && !k.except(cell) {
			k.related(cell, over, c, &lead{link: l, from: e, to: k.find(l.To), action: list})
		}
	}
}

// patchesMany sends one value for a row that the caller may change and one that they
// may not: that one is not among those that are chosen.
func (k *kit) patchesMany(cell string, s *rest, c *caller, e *entity) {
	k.t.Helper()
	yes, no := k.reachable(s, c, e, update)
	if e == k.accounts {
		yes = nil // how somebody logs in stays
	}
	f, body := k.harmless(s, e), map[string]any{}
	var sent *model.Field
	if yes != nil {
		if sent = k.sendsMany(s, c, yes); sent == nil {
			yes = nil
		} else if f = sent; k.takenTogether(e, f) {
			yes = nil // of which one value is for one row
		}
	}
	if f == nil {
		return
	}
	body[f.Name] = value(f, k.next())
	if yes != nil {
		v, changes := k.another(c, yes, f, status(http.StatusOK))
		if body[f.Name] = v; !changes {
			yes = nil
		}
	}
	if k.tryMany(cell, s, c, e, update, yes, no, body) && yes != nil {
		yes.values[f.Name] = body[f.Name]
	}
}

// sendsMany returns a field of a row that the caller may change; nil if there is none.
func (k *kit) sendsMany(s surface, c *caller, r *row) *model.Field {
	e := r.entity
	for i := range e.model.Fields {
		f := &e.model.Fields[i]
		name := e.design(f.Name)
		plain := !slices.Contains([]model.Type{model.Relation, model.Roles, model.Password, model.FileType, model.ID, model.CreatedAt, model.UpdatedAt}, f.Type)
		if plain && f.Name != e.model.Version && !k.except(cellName(s, c, update, e, name)) &&
			!k.onField(s, e, f, update, c.in(&e.grantTo(c).field(name).Update, r)).refused() {
			return f
		}
	}
	return nil
}

// takenTogether reports whether a field is unique, alone or with others.
func (k *kit) takenTogether(e *entity, f *model.Field) bool {
	return slices.ContainsFunc(e.uniques(), func(u model.Unique) bool { return slices.Contains(u.Fields, f.Name) })
}

// removesMany deletes a row that the caller may delete, and with it one that they may
// not.
func (k *kit) removesMany(cell string, s *rest, c *caller, e *entity) {
	k.t.Helper()
	like, no := k.reachable(s, c, e, remove)
	var yes *row
	if like != nil && e != k.accounts && e != k.tenants {
		yes = k.twin(like)
	}
	spare := no != nil && e != k.accounts && e != k.tenants
	if spare {
		no = k.twin(no) // what is deleted by mistake is missed by nothing that comes after
		spare = no != nil
	}
	k.tryMany(cell, s, c, e, remove, yes, no, nil)
	if yes != nil {
		k.drop(e, yes.id)
	}
	if spare {
		k.drop(e, no.id)
	}
}

// reachable returns a row that a caller chooses to do something with by a condition,
// and one that they do not; nil where there is none.
func (k *kit) reachable(s surface, c *caller, e *entity, action string) (yes, no *row) {
	g := e.grantTo(c)
	for _, r := range k.seenBy(c, e) {
		if !k.onRow(s, c, r, action).refused() && g.Rows.List.admitted() && c.in(&g.Rows.List, r) {
			if yes == nil {
				yes = r
			}
		} else if no == nil {
			no = r
		}
	}
	return yes, no
}

// tryMany chooses two rows by their ids, and reports whether the one was changed.
func (k *kit) tryMany(cell string, s *rest, c *caller, e *entity, action string, yes, no *row, body map[string]any) bool {
	k.t.Helper()
	g := e.grantTo(c)
	q, before := url.Values{}, map[*row]columns{}
	for _, r := range []*row{yes, no} {
		if r != nil {
			q.Add(e.id().Name+"[$in][]", r.id)
			before[r] = k.stored(e, r.id)
		}
	}
	if len(before) == 0 {
		return false
	}
	method, w, about := http.MethodDelete, status(http.StatusOK), "of several rows"
	if action == update {
		method = http.MethodPatch
	}
	switch id := g.field(e.design(e.id().Name)); {
	case !g.Rows.at(action).admitted():
		w = k.denied(s, c, e, action)
	case !g.Rows.List.admitted():
		w = k.denied(s, c, e, list)
	case !k.whole(c, e, &id.List, &g.Rows.List) || !k.whole(c, e, &id.View, &g.Rows.View):
		w = status(http.StatusBadRequest, http.StatusOK) // they are chosen by what is not read
	case yes == nil && action == update:
		w = status(http.StatusOK, http.StatusForbidden, http.StatusBadRequest) // nor may they send the field at all
	}
	var sent any
	if body != nil {
		sent = body
	}
	a := s.answer(s.do(c, method, s.path(e)+"?"+q.Encode(), sent))
	if yes != nil && spent(w, a) { // of one row a hook may refuse the same, as other cells tell
		if code, _ := s.do(c, method, s.one(e, yes.id), sent); code == a.status {
			return false
		}
	}
	ok := k.check(cell, w, a, about)
	if no != nil {
		k.unchanged(cell, e, no, before[no], about+", of which this is "+c.about(no))
	}
	if yes == nil || !ok {
		return false
	}
	if a.status >= http.StatusBadRequest {
		k.unchanged(cell, e, yes, before[yes], about)
		return false
	}
	if len(w.statuses) == 1 && len(differ(before[yes], k.stored(e, yes.id))) == 0 {
		k.t.Errorf("%s: answers %d and changes nothing (%s)", cell, a.status, about)
	}
	return true
}

// restores brings deleted rows back: one that the caller may delete, and one that they
// may not, which is there for nobody.
func (k *kit) restores(cell string, s *rest, c *caller, e *entity) {
	k.t.Helper()
	if e.model.SoftDelete == "" || e == k.accounts || e == k.tenants {
		return
	}
	tried := map[bool]bool{}
	for _, r := range k.seenBy(c, e) {
		w := k.onRow(s, c, r, remove)
		if tried[w.refused()] {
			continue
		}
		tried[w.refused()] = true
		if w.refused() && e.grantTo(c).Rows.Delete.admitted() {
			w = status(http.StatusNotFound)
		}
		gone := k.twin(r)
		if _, err := e.service.RemoveRow(authz.System(k.ctx()), gone.id, nil); err != nil {
			k.leftOut("restore · %s: that a row is removed: %v", e.Name, err)
			k.drop(e, gone.id)
			return
		}
		about := "restore, " + c.about(r)
		a := s.answer(s.do(c, http.MethodPost, s.one(e, gone.id)+"/restore", nil))
		k.check(cell, w, a, about)
		if back := k.stored(e, gone.id) != nil; back != (a.status < http.StatusBadRequest) {
			k.t.Errorf("%s: answers %d, and that the row is there is %t (%s)", cell, a.status, back, about)
		}
		k.drop(e, gone.id)
	}
}

// related lists the rows of one row on the route of the relation.
func (k *kit) related(cell string, s *rest, c *caller, x *lead) {
	k.t.Helper()
	g, far := x.from.grantTo(c), x.to.grantTo(c)
	rows := &far.Rows.List
	tried := map[bool]bool{}
	for _, r := range k.seenBy(c, x.from) {
		w := k.onRow(s, c, r, view)
		seen := !w.refused()
		if tried[seen] {
			continue
		}
		tried[seen] = true
		switch {
		case !g.Rows.View.admitted():
		case !rows.admitted():
			w = k.denied(s, c, x.to, list)
		case seen && x.link.Inverse != "" && !k.whole(c, x.to, far.field(x.to.design(x.link.Inverse)).at(list), rows):
			w = status(http.StatusNotFound)
		}
		about := c.about(r) + ", by the route of the relation"
		code, raw := s.do(c, http.MethodGet, s.one(x.from, r.id)+"/"+segment(x.link.Name)+"?$limit=100", nil)
		if !k.check(cell, w, s.answer(code, raw), about) || w.refused() {
			continue
		}
		var page map[string]any
		if err := decode(raw, &page); err != nil {
			k.t.Errorf("%s: answers no page (%s): %s", cell, about, short(raw))
			continue
		}
		k.checkRelated(cell, s, c, x, r, s.read(x, page))
	}
}

// checkRelated compares the rows that one leads to with those that are there.
func (k *kit) checkRelated(cell string, s surface, c *caller, x *lead, r *row, got led) {
	k.t.Helper()
	far := x.to.grantTo(c)
	if !far.field(x.to.design(x.to.id().Name)).List.same(&far.Rows.List) {
		return // the answer does not tell
	}
	for _, t := range x.to.rows {
		one, there := got.rows[t.id]
		about := c.about(r) + ", to " + c.about(t) + ", by the route of the relation"
		switch in := x.leads(r, t) && c.in(&far.Rows.List, t); {
		case there && !in:
			k.t.Errorf("%s: shows a row (%s)", cell, about)
		case !there && in && !got.part:
			k.t.Errorf("%s: does not show a row (%s)", cell, about)
		case there:
			k.checkShown(cell, k.readable(s, c, t, list), one.fields, about)
		}
	}
}
