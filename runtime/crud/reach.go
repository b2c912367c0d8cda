package crud

import (
	"errors"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// reach tells what a caller may know of the rows that relations of an entity lead
// to, for conditions on them.
type reach struct {
	caller    caller
	relations map[string]*relation
	readable  model.FieldSet // of the entity, in each row
	path      string         // that leads to the entity
}

var _ query.Reach = reach{}

// onward returns the reach of a caller who may read these fields in each row.
func (r *engine) onward(c caller, readable model.FieldSet, path string) query.Reach {
	return reach{caller: c, relations: r.relations, readable: readable, path: path}
}

// Related implements [query.Reach]. A relation whose key the caller may not read
// in each row is none.
func (h reach) Related(name string) (*query.Relative, error) {
	rel, ok := h.relations[name]
	if !ok || !h.readable.Has(rel.near) {
		return nil, nil
	}
	to, err := rel.to.relative(h.caller, rel, below(h.path, name))
	if errors.Is(err, errHiddenKey) {
		return nil, nil
	}
	return to, err
}

// relative implements relative.
func (r *engine) relative(c caller, rel *relation, path string) (*query.Relative, error) {
	filter, fields, err := r.enter(c, rel, path)
	if err != nil {
		return nil, err
	}
	return &query.Relative{
		Link: rel.Link, Entity: r.entity, Rows: filter, Readable: fields.always, Reach: r.onward(c, fields.always, path),
	}, nil
}

// enter returns the rows, and the fields of them, that there are for a caller who
// comes by a relation: one row is asked for as get does, several as list does.
func (r *engine) enter(c caller, rel *relation, path string) (query.Filter, scope, error) {
	action := authz.View
	if rel.Many {
		action = authz.List
	}
	filter, err := r.rules.reach(c, action)
	if err != nil {
		return query.Nothing(), scope{}, refusedInclude(path, err)
	}
	fields := r.rules.fieldsFor(c, authz.View, filter)
	if rel.Inverse != "" && !fields.always.Has(rel.far) {
		return query.Nothing(), scope{}, errHiddenKey
	}
	return filter, fields, nil
}
