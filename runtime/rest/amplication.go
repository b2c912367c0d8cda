package rest

import (
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// Amplication is the grammar of the services that Amplication generated, for the
// clients that they had:
//
//	?where[price][lt]=10&where[author][name][contains]=Ann
//	&orderBy[price]=desc&take=25&skip=50
//
// Operators are equals, not, in, notIn, lt, lte, gt, gte, contains, startsWith and
// endsWith, and isNull, which Amplication had no word for; like there, not and notIn
// leave out rows without a value. Groups are AND, OR and NOT. Of a relation to many
// where[items][some][name][equals]=figs is about one row, [none] and [every] are
// about all; of one to one where[author][name]=Ann, or where[author][is][name]=Ann,
// is about that row, and [isNot] about any other and none.
//
// A page is a list, and has [query.MaxLimit] rows when take does not say how many; a
// header Link leads to the next one. A row has under the name of a relation to one
// the id of the row there, {"author": {"id": …}}, and takes it so; the rows of a
// relation to many are those of a route of its own. The zero value is ready to use.
type Amplication struct{}

var _ dialect = Amplication{}

// Find implements [Grammar].
func (Amplication) Find(rawQuery string) (*query.Query, error) {
	q := &query.Query{Limit: query.MaxLimit, NoTotal: true}
	if rawQuery == "" {
		return q, nil
	}
	var rd reader
	for _, p := range parseQuery(rawQuery, &rd.problems).kids {
		switch p.name {
		case "where":
			q.Where = all(rd.members(p, 0))
		case "orderBy":
			q.Sort = rd.orderBy(p)
		case "skip":
			q.Skip = rd.number(p)
		case "take":
			q.Limit = rd.number(p)
			q.CountOnly = q.Limit == 0
		default:
			rd.unknown(p)
		}
	}
	if len(rd.problems) > 0 {
		return nil, badQuery(rd.problems)
	}
	return q, nil
}

// Get implements [Grammar]: there is nothing to ask but which row.
func (a Amplication) Get(rawQuery string) (*query.Selection, error) {
	_, err := a.Select(rawQuery)
	return &query.Selection{}, err
}

// Select implements [Grammar]: all fields are answered.
func (Amplication) Select(rawQuery string) ([]string, error) {
	if rawQuery == "" {
		return nil, nil
	}
	var rd reader
	for _, p := range parseQuery(rawQuery, &rd.problems).kids {
		rd.unknown(p)
	}
	if len(rd.problems) > 0 {
		return nil, badQuery(rd.problems)
	}
	return nil, nil
}

// AppendPage implements [Grammar].
func (a Amplication) AppendPage(dst []byte, page *crud.Rows) []byte {
	dst = append(dst, '[')
	for i := range page.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = a.appendRow(dst, page.At(i))
	}
	return append(dst, ']')
}

func (rd *reader) unknown(p *param) {
	rd.bad(p.name, model.CodeUnknown, "is not a parameter of this route")
}

// orderBy reads orderBy[price]=desc, or a list of such.
func (rd *reader) orderBy(p *param) []query.Sort {
	groups, listed := p.elements()
	if !listed {
		groups = []*param{p}
	}
	var by []query.Sort
	for _, g := range groups {
		if g.leaf || len(g.kids) == 0 {
			rd.bad(g.path, model.CodeMalformed, "must name a field: orderBy[field]=asc or desc")
			continue
		}
		for _, k := range g.kids {
			if !k.leaf || k.value != "asc" && k.value != "desc" {
				rd.bad(k.path, model.CodeNotInList, "must be asc or desc")
				continue
			}
			by = append(by, query.Sort{Field: k.name, Descending: k.value == "desc"})
		}
	}
	return by
}

// members reads what stands in brackets behind where, a group or a relation. What it
// returns holds together.
func (rd *reader) members(p *param, depth int) []query.Expr {
	if p.leaf || len(p.kids) == 0 {
		rd.bad(p.path, model.CodeMalformed, "must hold conditions: where[field][equals]=value")
		return nil
	}
	var list []query.Expr
	for _, k := range p.kids {
		list = append(list, rd.member(k, depth+1)...)
	}
	return list
}

// member reads one of them: a group, a field with its value or operators, or a
// relation. The words of operators say which: a field of another row that is called
// like one stands behind is, or some.
func (rd *reader) member(p *param, depth int) []query.Expr {
	if depth > query.MaxDepth {
		rd.bad(p.path, model.CodeLimit, "is nested too deep")
		return nil
	}
	switch p.name {
	case "AND":
		return one(query.And(rd.alternatives(p, depth)))
	case "OR":
		return one(query.Or(rd.alternatives(p, depth)))
	case "NOT":
		return one(query.Not{Expr: query.Or(rd.alternatives(p, depth))})
	}
	if p.leaf {
		return rd.term(p, p.name, query.Eq, p.value)
	}
	var terms, same []query.Expr
	for _, k := range p.kids {
		quantity, counted := amount(k.name)
		switch {
		case counted:
			terms = append(terms, rd.some(p.name, quantity, k, depth)...)
		case k.name == "is":
			terms = append(terms, related(p.name, rd.members(k, depth))...)
		case k.name == "isNot":
			for _, is := range related(p.name, rd.members(k, depth)) {
				terms = append(terms, query.Not{Expr: is})
			}
		case filters(k.name):
			terms = append(terms, rd.filter(p.name, k)...)
		default:
			same = append(same, rd.member(k, depth+1)...)
		}
	}
	return append(terms, related(p.name, same)...)
}

// alternatives reads what stands behind a group: conditions, or a list of such, of
// which each is one.
func (rd *reader) alternatives(p *param, depth int) []query.Expr {
	groups, listed := p.elements()
	if !listed {
		groups = []*param{p}
	}
	var list []query.Expr
	for _, g := range groups {
		if inner := all(rd.members(g, depth)); inner != nil {
			list = append(list, inner)
		}
	}
	return list
}

// some reads conditions on the rows of a relation to many.
func (rd *reader) some(relation string, quantity query.Quantifier, p *param, depth int) []query.Expr {
	inner := all(rd.members(p, depth))
	if inner == nil {
		return nil
	}
	return one(query.Related{Relation: relation, Quantifier: quantity, Where: inner})
}

// amount returns the quantifier that a name stands for.
func amount(name string) (query.Quantifier, bool) {
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

// The operators whose values are no mere values.
const (
	wordMode   = "mode"
	wordIsNull = "isNull"
)

// comparison returns the operator that a name stands for.
func comparison(name string) (query.Op, bool) {
	switch name {
	case "equals":
		return query.Eq, true
	case "not":
		return query.Ne, true
	case "in":
		return query.In, true
	case "notIn":
		return query.NotIn, true
	case "lt":
		return query.Lt, true
	case "lte":
		return query.Lte, true
	case "gt":
		return query.Gt, true
	case "gte":
		return query.Gte, true
	case "contains":
		return query.Contains, true
	case "startsWith":
		return query.StartsWith, true
	case "endsWith":
		return query.EndsWith, true
	case wordIsNull:
		return query.Null, true
	}
	return 0, false
}

// filters reports whether a name is that of an operator.
func filters(name string) bool {
	_, ok := comparison(name)
	return ok || name == wordMode
}

// filter reads what stands behind a field: [lt]=10.
func (rd *reader) filter(field string, p *param) []query.Expr {
	if p.name == wordMode {
		if !p.leaf || p.value != "default" {
			rd.bad(p.path, model.CodeUnknown, "can be default alone: texts compare with case, but those of e-mail addresses and user names, which compare without")
		}
		return nil
	}
	op, _ := comparison(p.name)
	var value any = p.value
	switch {
	case op == query.In || op == query.NotIn:
		texts, ok := p.texts()
		if !ok {
			rd.bad(p.path, model.CodeMalformed, "must be a list: where["+shown(field)+"]["+p.name+"][0]=value")
			return nil
		}
		list := make([]any, len(texts))
		for i, text := range texts {
			list[i] = text
		}
		value = list
	case !p.leaf:
		rd.bad(p.path, model.CodeType, "must be a value")
		return nil
	case op == query.Null:
		if p.value != "true" && p.value != "false" {
			rd.bad(p.path, model.CodeType, "must be true or false")
			return nil
		}
		value = p.value == "true"
	}
	terms := rd.term(p, field, op, value)
	if op == query.Ne || op == query.NotIn { // of what is null SQL says neither, and so did Amplication
		terms = append(terms, query.Term{Field: field, Op: query.Null, Value: false})
	}
	return terms
}
