package permtest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gatewright/gate/runtime/model"
)

// includes tries the relations of an entity: the rows that they lead to come with
// those that are listed, by the rules of their own entity, and nobody asks about a
// field of theirs that they may not read. Of GraphQL see [kit.follows].
func (k *kit) includes(s surface, c *caller, e *entity) {
	k.t.Helper()
	if over, ok := s.(*graphql); ok {
		k.follows(over, c, e)
		return
	}
	over, includes := s.(*rest)
	_, asks := s.(*amplication) // which has no words to include them
	g := e.grantTo(c)
	if !includes && !asks || !g.Rows.List.admitted() {
		return
	}
	for i := range e.model.Links {
		l := &e.model.Links[i]
		cell := cellName(s, c, include, e, l.Name)
		if k.except(cell) {
			continue
		}
		x := &lead{link: l, from: e, to: k.find(l.To), action: view}
		if l.Many {
			x.action = list
		}
		if includes {
			undo := k.tieFor(c, x)
			w := k.onLead(s, c, x, false)
			a, found := over.include(c, x)
			if k.check(cell, w, a, "all rows") && !w.refused() {
				k.checkIncluded(cell, s, c, x, found)
			}
			undo()
		}
		k.asksBeyond(cell, s, c, x)
	}
}

// include is the action of cells about relations.
const include = "include"

// A lead is a relation that is followed from rows that are listed.
type lead struct {
	link     *model.Link
	from, to *entity
	action   string // on the rows at the other end

	near *row // which is tied, where a table keeps the pairs
	fars []*row
}

// key is the field of this end that the relation goes by.
func (x *lead) key() string {
	if x.link.Key != "" {
		return x.link.Key
	}
	return x.from.id().Name
}

// onLead is what comes of following a relation, and with ask of a question about
// what it leads to, which takes that the key is read in every row.
func (k *kit) onLead(s surface, c *caller, x *lead, ask bool) want {
	g, far := x.from.grantTo(c), x.to.grantTo(c)
	near := g.field(x.from.design(x.key()))
	rows := far.Rows.at(x.action)
	switch {
	case near.List.Rows == none, ask && !k.whole(c, x.from, &near.List, &g.Rows.List):
		return status(http.StatusBadRequest)
	case !rows.admitted():
		return k.denied(s, c, x.to, x.action)
	case x.link.Inverse != "" && !k.whole(c, x.to, far.field(x.to.design(x.link.Inverse)).at(x.action), rows):
		return status(http.StatusBadRequest)
	}
	return status(http.StatusOK)
}

// tieFor ties a row to some at the other end, where a table keeps the pairs, until
// what it returns is called.
func (k *kit) tieFor(c *caller, x *lead) (undo func()) {
	k.t.Helper()
	if x.link.Through == nil {
		return func() {}
	}
	for _, r := range k.seenBy(c, x.from) {
		if c.in(&x.from.grantTo(c).Rows.List, r) {
			x.near = r
			break
		}
	}
	if x.near != nil {
		for _, t := range k.seenBy(c, x.to) {
			if x.near.reaches(t) && t != x.near {
				x.fars = append(x.fars, t)
				k.service(&ends{x.link, x.near, t}, "connect")
			}
		}
	}
	return func() {
		k.t.Helper()
		for _, t := range x.fars {
			k.service(&ends{x.link, x.near, t}, "disconnect")
		}
	}
}

// leads reports whether the relation leads from one row to another.
func (x *lead) leads(r, t *row) bool {
	switch {
	case x.link.Key != "":
		return equal(r.values[x.link.Key], t.entity.key(t.id))
	case x.link.Inverse != "":
		return equal(t.values[x.link.Inverse], r.entity.key(r.id))
	}
	return r == x.near && slices.Contains(x.fars, t)
}

// checkIncluded compares the rows that came with others with those that are there.
func (k *kit) checkIncluded(cell string, s surface, c *caller, x *lead, found map[string]led) {
	k.t.Helper()
	g, far := x.from.grantTo(c), x.to.grantTo(c)
	rows := far.Rows.at(x.action)
	id := x.to.design(x.to.id().Name)
	if !far.field(id).at(x.action).same(rows) {
		k.leftOut("%s: which rows they are, as the answer does not tell", cell)
		return
	}
	near := g.field(x.from.design(x.key()))
	for _, r := range x.from.rows {
		got, listed := found[r.id]
		if !listed {
			continue
		}
		open := c.in(&near.List, r)
		for _, t := range x.to.rows {
			one, there := got.rows[t.id]
			about := c.about(r) + ", to " + c.about(t)
			switch in := open && x.leads(r, t) && c.in(rows, t); {
			case there && !in:
				k.t.Errorf("%s: shows a row (%s)", cell, about)
			case !there && in && !got.part && (x.link.Many || !x.to.alone()): // which has one of them
				k.t.Errorf("%s: does not show a row (%s)", cell, about)
			case there:
				want := k.readable(s, c, t, x.action)
				if _, ok := s.(*graphql); ok { // which has what was asked for
					maps.DeleteFunc(want, func(name string, _ bool) bool { _, asked := one.fields[name]; return !asked })
				}
				k.checkShown(cell, want, one.fields, about)
			}
		}
	}
}

// asksBeyond tries to find rows by what a relation leads to: by each field there that
// is not read in every row, and by one that is.
func (k *kit) asksBeyond(cell string, s surface, c *caller, x *lead) {
	k.t.Helper()
	open := k.onLead(s, c, x, true)
	far := x.to.grantTo(c)
	rows := far.Rows.at(x.action)
	tried := false
	for i := range x.to.model.Fields {
		f := &x.to.model.Fields[i]
		name := x.to.design(f.Name)
		if !sortable(f.Type) {
			continue
		}
		w := open
		if reads := k.whole(c, x.to, far.field(name).at(x.action), rows); reads && tried {
			continue
		} else if tried = tried || reads; !reads && !w.refused() {
			w = status(http.StatusBadRequest)
		}
		k.check(cell, w, s.ask(c, x.from, filter, x.link.Name+"."+f.Name), filter+" by "+f.Name)
		if open.refused() {
			return // whichever field it is
		}
	}
}

// include lists rows with what a relation leads to: the rows by the ids of those that
// they came with.
func (s *rest) include(c *caller, x *lead) (answer, map[string]led) {
	s.t.Helper()
	const size, inner = 40, 100 // the most rows that one answer may have are fixed
	found := map[string]led{}
	q := "&$include=" + url.QueryEscape(x.link.Name)
	if x.link.Many {
		q = "&$include[" + url.QueryEscape(x.link.Name) + "][$limit]=" + strconv.Itoa(inner)
	}
	for skip := 0; ; skip += size {
		var page struct {
			Total int
			Data  []map[string]any
		}
		status, raw := s.do(c, http.MethodGet, s.path(x.from)+"?$limit="+strconv.Itoa(size)+"&$skip="+strconv.Itoa(skip)+q, nil)
		a := s.answer(status, raw)
		if status != http.StatusOK {
			return a, found
		}
		if err := decode(raw, &page); err != nil {
			s.t.Errorf("%s answers no page: %s", s.path(x.from), a.text)
			return a, found
		}
		for _, m := range page.Data {
			if id := m[x.from.id().Name]; id != nil {
				found[fmt.Sprint(id)] = s.read(x, m[x.link.Name])
			}
		}
		if skip+size >= page.Total || len(page.Data) == 0 {
			return a, found
		}
	}
}

// led is what a relation led to from one row.
type led struct {
	rows map[string]shown
	part bool // there are more

	refused bool // with an error of its own
}

// read reads what a row has under the name of a relation.
func (s *rest) read(x *lead, v any) led {
	m, _ := v.(map[string]any)
	list := []any{v}
	out := led{rows: map[string]shown{}}
	if x.link.Many {
		list, _ = m["data"].([]any)
		out.part = m != nil && fmt.Sprint(m["total"]) != strconv.Itoa(len(list))
	}
	for _, one := range list {
		if m, ok := one.(map[string]any); ok {
			r := s.rowOf(x.to, m)
			out.rows[r.id] = r
		}
	}
	return out
}
