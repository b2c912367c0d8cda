package permtest

import (
	"net/http"

	"github.com/gatewright/gate/runtime/model"
)

// absent is an id that no row has.
func absent(f *model.Field) string {
	switch f.ID {
	case model.Serial:
		return "987654321"
	case model.CUID2:
		return "zzzzzzzzzzzzzzzzzzzzzzzz"
	case model.ULID:
		return "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
	}
	return "00000000-0000-7000-8000-000000000000"
}

// reads tries get.
func (k *kit) reads(s surface, c *caller, e *entity) {
	k.t.Helper()
	cell := cellName(s, c, view, e, "")
	if k.except(cell) {
		return
	}
	g := e.grantTo(c)
	for _, r := range k.seenBy(c, e) {
		w := k.onRow(s, c, r, view)
		a := s.get(c, e, r.id)
		if k.check(cell, w, a, c.about(r)) && !w.refused() {
			k.checkRow(cell, c, r, a, k.readable(s, c, r, view))
		}
	}
	w := status(http.StatusNotFound)
	if !g.Rows.View.admitted() {
		w = k.denied(s, c, e, view)
	}
	k.check(cell, w, s.get(c, e, absent(e.id())), "no row at all")
}

// checkRow checks the one row of an answer.
func (k *kit) checkRow(cell string, c *caller, r *row, a answer, want map[string]bool) {
	k.t.Helper()
	if len(a.rows) != 1 {
		k.t.Errorf("%s: answers no row (%s): %s", cell, c.about(r), a.text)
		return
	}
	if got := a.rows[0].id; got != "" && got != r.id {
		k.t.Errorf("%s: answers the row %s in place of %s", cell, got, r.id)
	}
	k.checkShown(cell, want, a.rows[0].fields, c.about(r))
}

// lists tries find: which rows there are, and what can be asked about fields.
func (k *kit) lists(s surface, c *caller, e *entity) {
	k.t.Helper()
	cell := cellName(s, c, list, e, "")
	if k.except(cell) {
		return
	}
	g := e.grantTo(c)
	if !g.Rows.List.admitted() {
		w := k.denied(s, c, e, list)
		k.check(cell, w, s.list(c, e), "all rows")
		k.check(cell, w.or(k.unknown(s)...), s.ask(c, e, filter, "nothingLikeThis"), "a filter by no field")
		return
	}
	a := s.list(c, e)
	if !k.check(cell, status(http.StatusOK), a, "all rows") {
		return
	}
	k.checkListed(cell, s, c, e, a)
	for i := range e.model.Fields {
		k.asks(s, c, e, g, &e.model.Fields[i])
	}
}

// unknown is what a surface says of a question about nothing, whoever asks.
func (k *kit) unknown(s surface) []int {
	if _, ok := s.(*graphql); ok {
		return []int{http.StatusBadRequest} // the document is not valid
	}
	return nil
}

// checkListed compares the rows of a list with those that the test made.
func (k *kit) checkListed(cell string, s surface, c *caller, e *entity, a answer) {
	k.t.Helper()
	g := e.grantTo(c)
	id := g.field(e.design(e.id().Name))
	if !id.List.same(&g.Rows.List) {
		k.leftOut("%s: which rows they are, as the answer does not tell", cell)
		return
	}
	listed := map[string]shown{}
	for _, r := range a.rows {
		listed[r.id] = r
	}
	for _, r := range e.rows {
		got, there := listed[r.id]
		switch in := c.in(&g.Rows.List, r); {
		case there && !in:
			k.t.Errorf("%s: lists %s", cell, c.about(r))
		case !there && in:
			k.t.Errorf("%s: does not list %s", cell, c.about(r))
		case there:
			k.checkShown(cell, k.readable(s, c, r, list), got.fields, c.about(r))
		}
	}
}

// asks tries to filter and sort by a field, and to select it: what is not readable
// in every row that is listed must not be told by their order, or by which they
// are.
func (k *kit) asks(s surface, c *caller, e *entity, g *grant, f *model.Field) {
	k.t.Helper()
	cell := cellName(s, c, list, e, e.design(f.Name))
	if k.except(cell) {
		return
	}
	may := g.field(e.design(f.Name))
	always := k.whole(c, e, &may.List, &g.Rows.List)
	ever := may.List.Rows != none
	for _, question := range []string{filter, sort, choose} {
		ok := always
		switch {
		case question == choose:
			ok = ever
		case f.Computed != nil:
			ok = false // whoever asks
		}
		if question == sort && ok && !sortable(f.Type) {
			continue
		}
		if _, chooses := s.(*rest); !chooses && question == choose {
			continue // GraphQL does it with every question, the other grammar never
		}
		w := status(http.StatusBadRequest)
		if ok {
			w = status(http.StatusOK)
		}
		k.check(cell, w, s.ask(c, e, question, f.Name), question)
	}
}
