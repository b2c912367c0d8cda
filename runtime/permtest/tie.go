package permtest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/gatewright/gate/runtime/model"
)

// ends are two rows that a relation can make a pair.
type ends struct {
	link      *model.Link
	near, far *row
}

// ties tries to connect rows by relations of which a table keeps the pairs, and to
// disconnect them.
func (k *kit) ties(s surface, c *caller, e *entity) {
	k.t.Helper()
	g := e.grantTo(c)
	for i := range g.Links {
		l, ok := e.model.Link(g.Links[i].Name)
		if !ok || l.Through == nil || !s.takes(e, update, l.Name) {
			continue
		}
		cell := cellName(s, c, tie, e, l.Name)
		if k.except(cell) {
			continue
		}
		to := k.find(l.To)
		tried := map[string]bool{}
		for _, near := range k.seenBy(c, e) {
			for _, far := range k.seenBy(c, to) {
				x := &ends{l, near, far}
				w := k.onTie(s, c, &g.Links[i], x)
				if kind := w.String() + c.about(near) + c.about(far); !tried[kind] {
					tried[kind] = true
					k.tryTie(cell, s, c, x, w)
				}
			}
		}
		k.createsTied(cell, s, c, e, &g.Links[i], l)
	}
}

// onTie is what comes of connecting two rows, and of disconnecting them: it changes
// the one, and the other as well where the pairs are of that. Whoever changes no row
// at one of the ends is told that first.
func (k *kit) onTie(s surface, c *caller, l *link, x *ends) want {
	w := k.onRow(s, c, x.near, update)
	changes := func(r *row) bool { return r.entity.grantTo(c).Rows.Update.admitted() }
	if changes(x.near) && (!w.refused() || x.link.Through.Inverse != "" && !changes(x.far)) {
		return k.onFar(s, c, l, x.link, x.near.reaches(x.far), x.far)
	}
	return w
}

// onFar is what comes of it at the other end.
func (k *kit) onFar(s surface, c *caller, may *link, l *model.Link, reaches bool, far *row) want {
	w := status(http.StatusOK)
	if l.Through.Inverse != "" {
		w = k.onRow(s, c, far, update)
	} else if !c.in(&may.Far, far) {
		w = status(http.StatusNotFound)
	}
	if w.statuses[0] == http.StatusNotFound || !w.refused() && !reaches {
		return status(http.StatusBadRequest) // in the words for a row that does not exist
	}
	return w
}

// pairing is what is sent for one row at the other end.
func pairing(l *model.Link, verb string, far *row) map[string]any {
	return map[string]any{l.Name: map[string]any{verb: []any{map[string]any{"id": far.entity.key(far.id)}}}}
}

func (k *kit) tryTie(cell string, s surface, c *caller, x *ends, w want) {
	k.t.Helper()
	verbs := []string{"connect", "disconnect"}
	if !x.near.reaches(x.far) {
		verbs = verbs[:1] // they are no pair, and the service itself cannot make them one
	}
	for _, verb := range verbs {
		about := verb + ", " + c.about(x.near) + " and of the other " + c.about(x.far)
		k.tryVerb(cell, x, verb, w, about, func() answer {
			return s.update(c, x.near.entity, x.near.id, pairing(x.link, verb, x.far))
		})
		over, ok := s.(*rest)
		if !ok {
			continue
		}
		own := w
		if verb == "disconnect" && slices.Equal(w.statuses, []int{http.StatusBadRequest}) {
			own = status(http.StatusNotFound) // the row is in the path
		}
		k.tryVerb(cell, x, verb, own, about+", by the route of the relation", func() answer { return over.tie(c, x, verb) })
	}
	k.service(x, "disconnect")
}

// tryVerb tries one way to connect two rows, or to disconnect them, and looks at what
// came of it.
func (k *kit) tryVerb(cell string, x *ends, verb string, w want, about string, try func() answer) {
	k.t.Helper()
	k.service(x, map[string]string{"connect": "disconnect", "disconnect": "connect"}[verb])
	a := try()
	k.check(cell, w, a, about)
	done := k.tied(x) == (verb == "connect")
	switch refused := a.status >= http.StatusBadRequest; {
	case refused && done:
		k.t.Errorf("%s: refused with %d, and done (%s)", cell, a.status, about)
	case !refused && !done:
		k.t.Errorf("%s: answers %d, and nothing is done (%s)", cell, a.status, about)
	}
}

// tie connects two rows by the routes of their relation, or disconnects them.
func (s *rest) tie(c *caller, x *ends, verb string) answer {
	path := s.one(x.near.entity, x.near.id) + "/" + segment(x.link.Name)
	if verb == "disconnect" {
		return s.answer(s.do(c, http.MethodDelete, path+"/"+url.PathEscape(x.far.id), nil))
	}
	return s.answer(s.do(c, http.MethodPost, path, map[string]any{"id": x.far.entity.key(x.far.id)}))
}

// segment is what a relation is called in paths: liked-by for likedBy.
func segment(name string) string {
	var b strings.Builder
	for _, c := range name {
		if unicode.IsUpper(c) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// service ties two rows as the service itself, or unties them.
func (k *kit) service(x *ends, verb string) {
	k.t.Helper()
	if !x.near.reaches(x.far) {
		return
	}
	k.patch(&row{entity: x.near.entity, id: x.near.id, values: map[string]any{}}, pairing(x.link, verb, x.far))
}

// createsTied tries to make a row that is connected at once.
func (k *kit) createsTied(cell string, s surface, c *caller, e *entity, may *link, l *model.Link) {
	k.t.Helper()
	if !may.Create.admitted() || !k.mayMake(c, e) || !sendable(s, e, create) {
		return
	}
	tried := map[string]bool{}
	for _, far := range k.seenBy(c, k.find(l.To)) {
		d := k.draft(s, c, e, e.variants[0], true)
		other := k.onFar(s, c, may, l, d.reaches(far), far)
		if tried[other.String()] || d.want.refused() {
			continue
		}
		tried[other.String()] = true
		if l.Through.Inverse != "" && !c.in(&e.grantTo(c).Rows.View, d.row) && !other.refused() {
			other = status(http.StatusBadRequest) // it is a change of the far row, which is tied to what they do not see
		}
		if other.refused() {
			d.want = other
		}
		maps.Copy(d.body, pairing(l, "connect", far))
		k.tryCreate(cell, s, c, d)
	}
}
