package graphql

import (
	"errors"
	"net/http"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// manyOf returns what a mutation does that answers a list: it changes the rows that
// where chooses, or removes them.
func manyOf(f *ast.FieldDefinition) (verb, error) {
	where := f.Arguments.ForName("where")
	switch {
	case where == nil || !where.Type.NonNull:
		return 0, errors.New("rows are chosen by where, which has to be there")
	case f.Arguments.ForName("input") != nil:
		return updateMany, nil
	}
	return removeMany, nil
}

// many changes or removes the rows that a filter chooses, and appends them.
func (x *execution) many(dst []byte, c *call, f selected, args map[string]any) ([]byte, error) {
	s := x.shape(c.entity, f.below)
	rows, err := x.changeMany(c, s, args)
	if err != nil {
		return nil, err
	}
	return x.rows(dst, s, rows, f.Alias), nil
}

func (x *execution) changeMany(c *call, s *shape, args map[string]any) (*crud.Rows, error) {
	q, body, err := x.choice(c, s, args)
	if err == nil {
		return x.apply(c, q, body)
	}
	// Who may not do this to any row is told that first. A choice that is none
	// reaches no database.
	if _, refusal := x.apply(c, &query.Query{}, []byte("{}")); forbids(refusal) {
		return nil, refusal
	}
	return nil, err
}

func (x *execution) apply(c *call, q *query.Query, body []byte) (*crud.Rows, error) {
	if c.action == removeMany {
		return c.service.RemoveRows(x.r.Context(), q, nil)
	}
	return c.service.PatchRows(x.r.Context(), q, body, nil)
}

// forbids reports whether an error is about who asks.
func forbids(err error) bool {
	e, ok := errors.AsType[*gate.Error](err)
	return ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// choice reads which rows are meant, and what is to become of them.
func (x *execution) choice(c *call, s *shape, args map[string]any) (*query.Query, []byte, error) {
	if i := slices.IndexFunc(s.fields, func(p property) bool { return p.link != nil }); i >= 0 {
		return nil, nil, badInput(s.fields[i].key, model.CodeFormat, "leads to other rows, and these come with no change of many: ask afterwards")
	}
	q, err := x.api.limits.entities.find(c.entity, map[string]any{"where": args["where"]})
	if err != nil {
		return nil, nil, err
	}
	q = &query.Query{Where: q.Where}
	if c.action == removeMany {
		return q, nil, nil
	}
	body, err := x.api.limits.entities.body(c.entity, args["input"])
	return q, body, err
}
