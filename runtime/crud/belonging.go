package crud

import (
	"context"
	"net/http"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/query"
)

// FindRelated implements [Service].
func (r *engine) FindRelated(ctx context.Context, id, name string, q *query.Query) (*Rows, error) {
	c := callerFrom(ctx)
	rel, err := r.many(c, name, authz.List)
	if err != nil {
		return nil, err
	}
	key, err := r.parent(ctx, c, id)
	if err != nil {
		return nil, err
	}
	return rel.to.findBelonging(ctx, c, rel, key, q)
}

// CreateRelated implements [Service].
func (r *engine) CreateRelated(ctx context.Context, id, name string, body []byte, sel []string, opts ...Option) (Row, error) {
	c := callerFrom(ctx)
	rel, err := r.many(c, name, authz.Create)
	if err != nil {
		return Row{}, err
	}
	if rel.Inverse == "" {
		return Row{}, &gate.Error{Status: http.StatusMethodNotAllowed}
	}
	key, err := r.parent(ctx, c, id)
	if err != nil {
		return Row{}, err
	}
	return rel.to.createBelonging(ctx, c, rel, key, body, sel, opts...)
}

// many returns the relation to many of that name. It answers 401 and 403 to who
// may not get the row at this end of it, or not do that to those at the other.
func (r *engine) many(c caller, name string, action authz.Action) (*relation, error) {
	if err := r.may(c, authz.View); err != nil {
		return nil, err
	}
	rel, ok := r.relations[name]
	if !ok || !rel.Many {
		return nil, &gate.Error{Status: http.StatusNotFound}
	}
	return rel, rel.to.may(c, action)
}

// parent returns the id of a row that the caller may get.
func (r *engine) parent(ctx context.Context, c caller, id string) (any, error) {
	key, ok := r.parseID(id)
	if !ok {
		return nil, notFound(id)
	}
	switch there, err := r.gettable(ctx, c, key); {
	case err != nil:
		return nil, r.answer(err)
	case !there:
		return nil, notFound(id)
	}
	return key, nil
}

// findBelonging implements relative.
func (r *engine) findBelonging(ctx context.Context, c caller, rel *relation, key any, q *query.Query) (*Rows, error) {
	filter, fields, err := r.enter(c, rel, rel.Name)
	if err != nil { // a key that the caller may not read
		return nil, &gate.Error{Status: http.StatusNotFound}
	}
	var belongs query.Filter
	of := text(key)
	if rel.Inverse != "" {
		belongs, of = query.Equals(r.entity, rel.far, of), rel.Inverse+"="+of
	} else {
		belongs, of = query.Tied(rel.Through, key), rel.Through.Table+"."+rel.Through.Near+"="+of
	}
	rows, _, err := r.findIn(ctx, c, q, query.Every(filter, belongs), fields, of)
	return rows, err
}

// createBelonging implements relative.
func (r *engine) createBelonging(ctx context.Context, c caller, rel *relation, key any, body []byte, sel []string, opts ...Option) (Row, error) {
	selected, err := r.selection(c, sel)
	if err != nil {
		return Row{}, err
	}
	d, err := r.create(ctx, c, r.within(c, body, outermost(), rel.far, key), opts...)
	if err != nil {
		return Row{}, err
	}
	return r.answerRow(d.Row, r.answered(ctx, c, d.Row, d.sent), selected), nil
}
