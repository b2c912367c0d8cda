package rest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// quantifier returns the quantifier that a name stands for.
func quantifier(name string) (query.Quantifier, bool) {
	switch name {
	case "$some":
		return query.SomeRow, true
	case "$none":
		return query.NoRow, true
	case "$every":
		return query.EveryRow, true
	}
	return 0, false
}

// onward reads author.name[$ne]=Ann: a condition on the row that a relation leads
// to. Of a relation to many it is about one of the rows, each such parameter by
// itself.
func (rd *reader) onward(p *param, relation, name string, depth int) []query.Expr {
	switch {
	case relation == "" || name == "" || strings.HasPrefix(name, "."):
		rd.bad(p.path, model.CodeMalformed, "must name a relation and a field: author.name")
		return nil
	case strings.Count(name, ".") >= query.MaxRelatedDepth:
		rd.bad(p.path, model.CodeLimit, "leads through more than "+strconv.Itoa(query.MaxRelatedDepth)+" relations")
		return nil
	}
	inner := *p
	inner.name = name
	return related(relation, rd.condition(&inner, depth+1))
}

// inside reads what stands in brackets behind a name: operators of a field, or
// conditions on the rows that a relation leads to. All of the latter are about the
// same row.
func (rd *reader) inside(p *param, depth int) []query.Expr {
	var terms, same []query.Expr
	for _, k := range p.kids {
		quantity, counted := quantifier(k.name)
		switch {
		case counted:
			if where := rd.group(k, depth); where != nil {
				terms = append(terms, query.Related{Relation: p.name, Quantifier: quantity, Where: where})
			}
		case !strings.HasPrefix(k.name, "$") || k.name == "$or" || k.name == "$and" || k.name == "$not":
			same = append(same, rd.condition(k, depth+1)...)
		default:
			terms = append(terms, rd.operation(p.name, k)...)
		}
	}
	return append(terms, related(p.name, same)...)
}

func related(relation string, conditions []query.Expr) []query.Expr {
	if len(conditions) == 0 {
		return nil
	}
	return one(query.Related{Relation: relation, Where: all(conditions)})
}

// segment returns what a relation is called in paths: liked-by for likedBy.
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

// findRelated answers a page of the rows that a relation leads to.
func (h *handlers) findRelated(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		q, err := h.grammar.Find(r.URL.RawQuery)
		if err != nil {
			// Who may not ask is told that first.
			if _, refusal := h.service.FindRelated(r.Context(), r.PathValue("id"), name, &query.Query{CountOnly: true, NoTotal: true}); refusal != nil {
				return refusal
			}
			return err
		}
		rows, err := h.service.FindRelated(r.Context(), r.PathValue("id"), name, q)
		if err != nil {
			return err
		}
		return h.page(w, r, rows)
	}
}

// createRelated makes a row that belongs to the one of the path.
func (h *handlers) createRelated(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		fields, body, err := h.change(r)
		if _, keyed := r.Header["Idempotency-Key"]; err == nil && keyed {
			err = badHeader("Idempotency-Key is for the route of the rows themselves, with the key of this one in the body")
		}
		if err != nil {
			return h.first(r, authz.View, err)
		}
		row, err := h.service.CreateRelated(r.Context(), r.PathValue("id"), name, body, fields)
		if err != nil {
			return err
		}
		w.Header().Set("Location", h.prefix+"/"+row.Entity().Path+"/"+url.PathEscape(row.ID))
		mark(w, row)
		h.answer(w, r, http.StatusCreated, row)
		return nil
	}
}
