package permtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gatewright/gate/runtime/model"
)

// A want is what has to come of a request.
type want struct{ statuses []int } // any of them

func status(codes ...int) want { return want{statuses: codes} }

// refused reports whether nothing is to change.
func (w want) refused() bool { return w.statuses[0] >= http.StatusBadRequest }

// or adds further statuses that are right as well.
func (w want) or(codes ...int) want {
	w.statuses = append(slices.Clone(w.statuses), codes...)
	return w
}

func (w want) String() string {
	words := make([]string, len(w.statuses))
	for i, s := range w.statuses {
		words[i] = fmt.Sprint(s)
	}
	return strings.Join(words, " or ")
}

// denied is the answer to somebody without the right to an action at all.
func (k *kit) denied(s surface, c *caller, e *entity, action string) want {
	w := status(http.StatusForbidden)
	if c.unknown() && k.m.Authentication {
		w = status(http.StatusUnauthorized)
	}
	if _, ok := s.(*graphql); ok && e.nobody(action) {
		return w.or(http.StatusBadRequest) // the schema does not have it
	}
	return w
}

// grantTo is what the matrix has for a caller.
func (e *entity) grantTo(c *caller) *grant { return e.grant(c.kind, c.name) }

// in reports whether a row is in a cell of a caller.
func (c *caller) in(cell *cell, r *row) bool {
	return cell.has(standing{mine: c.owns(r), within: c.within(r)}, r.entity.holds(r.values))
}

// makes is in for a row that the caller is to make, which is of their tenant.
func (c *caller) makes(cell *cell, r *row) bool {
	return cell.has(standing{mine: c.owns(r), within: true}, r.entity.holds(r.values))
}

// onRow is what comes of an action on a row, were there nothing wrong with what is
// sent: 404 for one that get would not show, 403 for one that is shown.
func (k *kit) onRow(s surface, c *caller, r *row, action string) want {
	g := r.entity.grantTo(c)
	cell := g.Rows.at(action)
	switch {
	case !cell.admitted():
		return k.denied(s, c, r.entity, action)
	case !c.in(&g.Rows.View, r):
		return status(http.StatusNotFound)
	case !c.in(cell, r):
		return status(http.StatusForbidden)
	}
	return status(http.StatusOK)
}

// onField is what comes of a field that is sent with a row that may be written.
func (k *kit) onField(s surface, e *entity, f *model.Field, action string, allowed bool) want {
	name := e.design(f.Name)
	switch {
	case !s.takes(e, action, f.Name):
		return status(http.StatusBadRequest)
	case f.ReadOnly, e.owned(name) && !e.ruled(name), name == e.Tenant && !allowed:
		return status(http.StatusBadRequest)
	case !allowed:
		return status(http.StatusForbidden)
	}
	return status(http.StatusOK)
}

// readable returns the fields of a row that the caller reads, by get or by list.
func (k *kit) readable(s surface, c *caller, r *row, action string) map[string]bool {
	g := r.entity.grantTo(c)
	fields := map[string]bool{}
	for i := range r.entity.model.Fields {
		f := &r.entity.model.Fields[i]
		if gql, ok := s.(*graphql); ok && !gql.has(r.entity, f) {
			continue
		}
		if c.in(g.field(r.entity.design(f.Name)).at(action), r) {
			fields[f.Name] = true
		}
	}
	return fields
}

// answered returns the fields that the answer to a write shows: those that the
// caller reads, or of a row out of sight its id and what was sent.
func (k *kit) answered(s surface, c *caller, r *row, sent map[string]any) map[string]bool {
	g := r.entity.grantTo(c)
	if c.in(&g.Rows.View, r) {
		return k.readable(s, c, r, view)
	}
	fields := set(r.entity.id().Name)
	for name := range sent {
		f, ok := r.entity.model.Field(name)
		if gql, is := s.(*graphql); !ok || r.entity.model.Fields[f].Type == model.Password || is && !gql.has(r.entity, &r.entity.model.Fields[f]) {
			continue
		}
		fields[name] = true
	}
	return fields
}

// cellName is what errors call a cell.
func cellName(s surface, c *caller, action string, e *entity, key string) string {
	what := e.Name
	if key != "" {
		what += "." + key
	}
	return fmt.Sprintf("%s · %s · %s · %s", c, action, what, s)
}

// except reports whether a cell is one of those that are not tried.
func (k *kit) except(name string) bool {
	found := false
	for e := range k.cfg.Except {
		rest, ok := strings.CutPrefix(name, e)
		if ok && (rest == "" || strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, ".")) {
			k.used[e], found = true, true
		}
	}
	return found
}

// check compares an answer with what has to come of it, and reports whether it is
// that. About is what tells the row.
func (k *kit) check(cell string, w want, a answer, about string) bool {
	k.t.Helper()
	if slices.Contains(w.statuses, a.status) {
		return true
	}
	k.t.Errorf("%s: want %s, got %d (%s): %s", cell, w, a.status, about, a.text)
	return false
}

// checkShown compares the fields that are shown.
func (k *kit) checkShown(cell string, want, got map[string]bool, about string) {
	k.t.Helper()
	for _, name := range sorted(got) {
		if !want[name] {
			k.t.Errorf("%s: shows %s (%s)", cell, name, about)
		}
	}
	for _, name := range sorted(want) {
		if !got[name] {
			k.t.Errorf("%s: does not show %s (%s)", cell, name, about)
		}
	}
}

// about tells a row from others.
func (c *caller) about(r *row) string {
	what := "a row"
	switch {
	case r.entity.Owner == "":
	case c.owns(r):
		what = "a row of their own"
	case r.owner != "":
		what = "a row of somebody else"
	}
	what += c.where(r)
	if len(r.variant) == 0 {
		return what
	}
	var like []string
	for name := range r.variant {
		like = append(like, fmt.Sprintf("%s=%v", name, r.values[name]))
	}
	slices.Sort(like)
	return what + ", " + strings.Join(like, ", ")
}
