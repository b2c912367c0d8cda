package graphql

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// The members of a filter that join others. No field is called so: they start
// with a small letter.
const (
	groupAnd = "AND"
	groupOr  = "OR"
	groupNot = "NOT"
)

// quantifier returns the quantifier that a member of a filter on the rows of a
// relation to many stands for.
func quantifier(name string) (query.Quantifier, bool) {
	switch name {
	case "some":
		return query.SomeRow, true
	case "none":
		return query.NoRow, true
	case "every":
		return query.EveryRow, true
	}
	return 0, false
}

// maxGroups bounds groups inside each other, so that the way to the limit of
// package query is short.
const maxGroups = 2 * query.MaxDepth

// operator returns the operator that a name stands for.
func operator(name string) query.Op {
	switch name {
	case "eq":
		return query.Eq
	case "ne":
		return query.Ne
	case "in":
		return query.In
	case "nin":
		return query.NotIn
	case "lt":
		return query.Lt
	case "lte":
		return query.Lte
	case "gt":
		return query.Gt
	case "gte":
		return query.Gte
	case "contains":
		return query.Contains
	case "startsWith":
		return query.StartsWith
	case "endsWith":
		return query.EndsWith
	case "like":
		return query.Like
	case "null":
		return query.Null
	}
	return 0
}

// entities are those of the schema, by their names.
type entities map[string]*model.Entity

// find makes the query of a list or a count. Fields come as they were named:
// whether the caller may know them is for package query to say.
func (es entities) find(e *model.Entity, args map[string]any) (*query.Query, error) {
	q := &query.Query{Lenient: true, NoTotal: true}
	if where, ok := args["where"].(map[string]any); ok {
		expr, err := es.condition(e, where, 0)
		if err != nil {
			return nil, err
		}
		q.Where = expr
	}
	q.Search, _ = args["search"].(string)
	if by, ok := args["orderBy"].([]any); ok {
		sort, err := order(by)
		if err != nil {
			return nil, err
		}
		q.Sort = sort
	}
	var err error
	if q.Skip, err = number(args["skip"]); err != nil {
		return nil, err
	}
	if limit := args["limit"]; limit != nil {
		if q.Limit, err = number(limit); err != nil {
			return nil, err
		}
		q.CountOnly = q.Limit == 0
	}
	q.Cursor, err = cursor(args)
	return q, err
}

// number reads an Int; nil is 0.
func number(v any) (int, error) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, nil
	}
	i, err := n.Int64()
	return int(i), err
}

func order(by []any) ([]query.Sort, error) {
	var sort []query.Sort
	for _, element := range by {
		one, _ := element.(map[string]any)
		if len(one) != 1 {
			return nil, badInput("", model.CodeMalformed, "each element of orderBy must name one field")
		}
		for name, direction := range one {
			if direction == nil {
				return nil, badInput(name, model.CodeNotInList, "must be asc or desc")
			}
			sort = append(sort, query.Sort{Field: name, Descending: direction == "desc"})
		}
	}
	return sort, nil
}

// condition makes the condition of a filter: all of its members hold.
func (es entities) condition(e *model.Entity, where map[string]any, depth int) (query.Expr, error) {
	if depth > maxGroups {
		return nil, badInput("", model.CodeLimit, "conditions are nested too deep")
	}
	if len(where) == 0 { // or all that it had were variables that are not there
		return nil, badInput("where", model.CodeRequired, "must have a member, for it would find every row; leave where out to find them")
	}
	var all query.And
	for _, name := range slices.Sorted(maps.Keys(where)) {
		expr, err := es.member(e, name, where[name], depth)
		if err != nil {
			return nil, err
		}
		all = append(all, expr)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (es entities) member(e *model.Entity, name string, v any, depth int) (query.Expr, error) {
	if v == nil { // left out and null would mean the same, and select every row
		return nil, badInput(name, model.CodeRequired, "must not be null; {null: true} finds rows without a value")
	}
	switch name {
	case groupAnd:
		if list, _ := v.([]any); len(list) == 0 { // OR of nothing finds nothing
			return nil, badInput(name, model.CodeRequired, "must have a condition, for it would find every row")
		}
		parts, err := es.conditions(e, v, depth)
		return query.And(parts), err
	case groupOr:
		parts, err := es.conditions(e, v, depth)
		return query.Or(parts), err
	case groupNot:
		inner, _ := v.(map[string]any)
		expr, err := es.condition(e, inner, depth+1)
		return query.Not{Expr: expr}, err
	}
	operators, _ := v.(map[string]any)
	if len(operators) == 0 {
		return nil, badInput(name, model.CodeRequired, "must compare with something; a variable that is not sent compares with nothing")
	}
	if l, ok := e.Link(name); ok {
		return es.related(l, operators, depth)
	}
	var terms query.And
	for _, op := range slices.Sorted(maps.Keys(operators)) {
		value, err := comparand(e, name, operators[op])
		if err != nil {
			return nil, err
		}
		terms = append(terms, query.Term{Field: name, Op: operator(op), Value: value})
	}
	if len(terms) == 1 {
		return terms[0], nil
	}
	return terms, nil
}

// related makes the condition on the rows that a relation leads to.
func (es entities) related(l *model.Link, where map[string]any, depth int) (query.Expr, error) {
	to := es[l.To]
	if !l.Many {
		expr, err := es.condition(to, where, depth+1)
		return query.Related{Relation: l.Name, Where: expr}, err
	}
	var all query.And
	for _, name := range slices.Sorted(maps.Keys(where)) {
		quantity, _ := quantifier(name)
		inner, _ := where[name].(map[string]any)
		expr, err := es.condition(to, inner, depth+1)
		if err != nil {
			return nil, err
		}
		all = append(all, query.Related{Relation: l.Name, Quantifier: quantity, Where: expr})
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (es entities) conditions(e *model.Entity, v any, depth int) ([]query.Expr, error) {
	list, _ := v.([]any)
	var parts []query.Expr
	for _, element := range list {
		object, _ := element.(map[string]any)
		expr, err := es.condition(e, object, depth+1)
		if err != nil {
			return nil, err
		}
		parts = append(parts, expr)
	}
	return parts, nil
}

// comparand makes a value of what a field is compared with: numbers in the
// digits that were sent, values of enums as they are stored.
func comparand(e *model.Entity, name string, v any) (any, error) {
	switch v := v.(type) {
	case nil, bool:
		return v, nil
	case json.Number:
		return v.String(), nil
	case string:
		return stored(e, name, v), nil
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			value, err := comparand(e, name, element)
			if err != nil {
				return nil, err
			}
			out[i] = value
		}
		return out, nil
	}
	return nil, errors.New("graphql: a comparison with a value of another kind")
}

// stored returns the value of an enum that a name in GraphQL stands for, which
// has _ where that has -. No two values of an enum differ in that alone.
func stored(e *model.Entity, field, name string) string {
	id, ok := e.Field(field)
	if !ok || !strings.Contains(name, "_") {
		return name
	}
	for _, v := range e.Fields[id].Values { // which no other types have
		if strings.ReplaceAll(v, "-", "_") == name {
			return v
		}
	}
	return name
}
