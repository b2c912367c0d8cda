package rest

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// A Grammar says how queries and pages are spelt. It is used by many goroutines
// at once.
type Grammar interface {
	// Find reads the query string of a request for a page. Its error is a
	// [*gate.Error] with every problem.
	Find(rawQuery string) (*query.Query, error)
	// Get reads the query string of a request for one row: what of it to answer.
	Get(rawQuery string) (*query.Selection, error)
	// Select reads the query string of any other request: which fields of the
	// row to answer, nil for all.
	Select(rawQuery string) ([]string, error)
	// AppendPage appends a page as JSON to dst.
	AppendPage(dst []byte, page *crud.Rows) []byte
}

// Feathers is the common grammar of Feathers services:
//
//	?price[$lt]=10&$or[0][name][$contains]=fig&$or[1][name]=honey
//	&$sort[price]=-1&$select[]=name&$limit=25&$skip=50
//
// Operators are $ne, $in, $nin, $lt, $lte, $gt, $gte, $contains, $startsWith,
// $endsWith, $like and $null; groups are $or, $and and $not; $search looks for a text.
// author.name=Ann, or author[name]=Ann, is about the row that a relation leads to;
// of a relation to many items[$some][name]=figs is about one row of them,
// items[$none] about all and items[$every], too.
// A page is {total, limit, skip, data}, with $total=false the total is -1; with $after= or $before=, which take a cursor,
// or nothing for the first and the last page, {…, nextCursor, prevCursor}. $include=author,items.tags brings the rows
// that relations lead to, inside of the rows; $include[items][$limit]=5, and all
// other parameters of a page, choose among those of a relation to many. The zero
// value is ready to use.
type Feathers struct{}

var _ Grammar = Feathers{}

// operators returns the operator that a name stands for.
func operator(name string) (query.Op, bool) {
	switch name {
	case "$ne":
		return query.Ne, true
	case "$in":
		return query.In, true
	case "$nin":
		return query.NotIn, true
	case "$lt":
		return query.Lt, true
	case "$lte":
		return query.Lte, true
	case "$gt":
		return query.Gt, true
	case "$gte":
		return query.Gte, true
	case "$contains":
		return query.Contains, true
	case "$startsWith":
		return query.StartsWith, true
	case "$endsWith":
		return query.EndsWith, true
	case "$like":
		return query.Like, true
	case "$null":
		return query.Null, true
	}
	return 0, false
}

// reader turns params into a query and collects what is wrong with them.
type reader struct {
	problems model.Problems
	terms    int
}

// Find implements [Grammar].
func (Feathers) Find(rawQuery string) (*query.Query, error) {
	if rawQuery == "" {
		return &query.Query{}, nil
	}
	var rd reader
	q := rd.query(parseQuery(rawQuery, &rd.problems).kids)
	if len(rd.problems) > 0 {
		return nil, badQuery(rd.problems)
	}
	return q, nil
}

// query reads the parameters of a page.
func (rd *reader) query(params []*param) *query.Query {
	q := &query.Query{}
	var where []query.Expr
	for _, p := range params {
		switch p.name {
		case "$limit":
			q.Limit = rd.number(p)
			q.CountOnly = q.Limit == 0
		case "$skip":
			q.Skip = rd.number(p)
		case "$total":
			q.NoTotal = !rd.truth(p)
		case "$after", "$before":
			rd.cursor(q, p)
		case "$sort":
			q.Sort = rd.sort(p)
		case "$select":
			q.Select = rd.selected(p)
		case "$search":
			q.Search = rd.text(p)
		case "$include":
			q.Include = rd.included(p)
		default:
			where = append(where, rd.condition(p, 1)...)
		}
	}
	q.Where = all(where)
	return q
}

// Get implements [Grammar].
func (Feathers) Get(rawQuery string) (*query.Selection, error) {
	sel := &query.Selection{}
	if rawQuery == "" {
		return sel, nil
	}
	var rd reader
	for _, p := range parseQuery(rawQuery, &rd.problems).kids {
		switch p.name {
		case "$select":
			sel.Fields = rd.selected(p)
		case "$include":
			sel.Include = rd.included(p)
		default:
			rd.bad(p.name, model.CodeUnknown, "is not a parameter of this route")
		}
	}
	if len(rd.problems) > 0 {
		return nil, badQuery(rd.problems)
	}
	return sel, nil
}

// Select implements [Grammar].
func (Feathers) Select(rawQuery string) ([]string, error) {
	if rawQuery == "" {
		return nil, nil
	}
	var rd reader
	var fields []string
	for _, p := range parseQuery(rawQuery, &rd.problems).kids {
		if p.name == "$select" {
			fields = rd.selected(p)
			continue
		}
		rd.bad(p.name, model.CodeUnknown, "is not a parameter of this route")
	}
	if len(rd.problems) > 0 {
		return nil, badQuery(rd.problems)
	}
	return fields, nil
}

// AppendPage implements [Grammar].
func (Feathers) AppendPage(dst []byte, page *crud.Rows) []byte {
	dst = append(dst, `{"total":`...)
	dst = strconv.AppendInt(dst, page.Total, 10)
	dst = append(dst, `,"limit":`...)
	dst = strconv.AppendInt(dst, int64(page.Limit), 10)
	dst = append(dst, `,"skip":`...)
	dst = strconv.AppendInt(dst, int64(page.Skip), 10)
	dst = append(dst, `,"data":`...)
	dst = page.AppendJSON(dst)
	if page.Paged {
		dst = appendCursor(append(dst, `,"nextCursor":`...), page.Next)
		dst = appendCursor(append(dst, `,"prevCursor":`...), page.Previous)
	}
	return append(dst, '}')
}

// appendCursor appends a cursor, null where there is no such page.
func appendCursor(dst []byte, cursor string) []byte {
	if cursor == "" {
		return append(dst, "null"...)
	}
	return model.AppendString(dst, cursor)
}

func badQuery(problems model.Problems) error {
	return &gate.Error{Status: http.StatusBadRequest, Message: "The query is not valid", Errors: problems}
}

func (rd *reader) bad(name, code, message string) {
	rd.problems.Add(shown(name), code, message)
}

// number reads a whole number from 0 on. One that is beyond any ceiling becomes
// the greatest there is.
func (rd *reader) number(p *param) int {
	n, err := strconv.ParseUint(p.value, 10, 31)
	if p.leaf && (err == nil || errors.Is(err, strconv.ErrRange)) {
		return int(n)
	}
	rd.bad(p.name, model.CodeType, "must be a whole number from 0 on")
	return 0
}

func (rd *reader) truth(p *param) bool {
	if !p.leaf || p.value != "true" && p.value != "false" {
		rd.bad(p.path, model.CodeType, "must be true or false")
	}
	return p.value == "true"
}

// cursor reads where a page begins, or ends.
func (rd *reader) cursor(q *query.Query, p *param) {
	if q.Cursor != nil {
		rd.bad(p.name, model.CodeFormat, "stands beside the other cursor: a page begins after a row or ends before one")
		return
	}
	q.Cursor = &query.Cursor{Text: rd.text(p), Before: p.name == "$before"}
}

func (rd *reader) text(p *param) string {
	if !p.leaf {
		rd.bad(p.name, model.CodeType, "must be a text")
	}
	return p.value
}

func (rd *reader) sort(p *param) []query.Sort {
	if p.leaf || len(p.kids) == 0 {
		rd.bad(p.name, model.CodeMalformed, "must name a field: $sort[field]=1 or -1")
		return nil
	}
	var by []query.Sort
	for _, k := range p.kids {
		if !k.leaf || k.value != "1" && k.value != "-1" {
			rd.bad(k.path, model.CodeNotInList, "must be 1 or -1")
			continue
		}
		by = append(by, query.Sort{Field: k.name, Descending: k.value == "-1"})
	}
	return by
}

func (rd *reader) selected(p *param) []string {
	fields, ok := p.texts()
	if p.leaf {
		fields = strings.Split(p.value, ",")
	}
	if !ok || len(fields) > query.MaxTerms {
		rd.bad(p.name, model.CodeMalformed, "must be a list of fields: $select[]=name&$select[]=price")
		return nil
	}
	return fields
}

// condition reads one member of a group: a field with its value or operators,
// or a group inside the group. What it returns holds together.
func (rd *reader) condition(p *param, depth int) []query.Expr {
	if depth > query.MaxDepth {
		rd.bad(p.path, model.CodeLimit, "is nested too deep")
		return nil
	}
	switch p.name {
	case "$or":
		return one(query.Or(rd.groups(p, depth)))
	case "$and":
		return one(query.And(rd.groups(p, depth)))
	case "$not":
		if inner := rd.group(p, depth); inner != nil {
			return one(query.Not{Expr: inner})
		}
		return nil
	}
	if strings.HasPrefix(p.name, "$") {
		rd.bad(p.name, model.CodeUnknown, "is not a parameter of this route")
		return nil
	}
	if relation, name, ok := strings.Cut(p.name, "."); ok {
		return rd.onward(p, relation, name, depth)
	}
	if p.leaf {
		return rd.term(p, p.name, query.Eq, p.value)
	}
	return rd.inside(p, depth)
}

func one(e query.Expr) []query.Expr { return []query.Expr{e} }

// groups reads the list behind $or and $and.
func (rd *reader) groups(p *param, depth int) []query.Expr {
	elements, ok := p.elements()
	if !ok {
		rd.bad(p.path, model.CodeMalformed, "must be a list: "+p.name+"[0][field]=value")
		return nil
	}
	var exprs []query.Expr
	for _, e := range elements {
		if inner := rd.group(e, depth); inner != nil {
			exprs = append(exprs, inner)
		}
	}
	return exprs
}

// group reads an object of conditions; nil if there is something wrong with it.
func (rd *reader) group(p *param, depth int) query.Expr {
	if p.leaf || len(p.kids) == 0 {
		rd.bad(p.path, model.CodeMalformed, "must hold conditions, not a value")
		return nil
	}
	var conditions []query.Expr
	for _, k := range p.kids {
		conditions = append(conditions, rd.condition(k, depth+1)...)
	}
	return all(conditions)
}

// all returns the condition that all of these hold, nil for none. It adds no
// level where there is but one, for levels are counted.
func all(conditions []query.Expr) query.Expr {
	switch len(conditions) {
	case 0:
		return nil
	case 1:
		return conditions[0]
	}
	return query.And(conditions)
}

// operation reads what stands behind a field: [$lt]=10.
func (rd *reader) operation(field string, p *param) []query.Expr {
	op, known := operator(p.name)
	if !known {
		rd.bad(p.path, model.CodeUnknown, "is not an operator")
		return nil
	}
	switch op {
	case query.In, query.NotIn:
		texts, ok := p.texts()
		if !ok {
			rd.bad(p.path, model.CodeMalformed, "must be a list: "+shown(field)+"["+p.name+"][]=value")
			return nil
		}
		values := make([]any, len(texts))
		for i, text := range texts {
			values[i] = text
		}
		return rd.term(p, field, op, values)
	case query.Null:
		return rd.term(p, field, op, rd.truth(p))
	default:
		if !p.leaf {
			rd.bad(p.path, model.CodeType, "must be a value")
			return nil
		}
		return rd.term(p, field, op, p.value)
	}
}

func (rd *reader) term(p *param, field string, op query.Op, value any) []query.Expr {
	if rd.terms++; rd.terms > query.MaxTerms {
		if rd.terms == query.MaxTerms+1 {
			rd.bad(p.path, model.CodeLimit, "is one condition too many")
		}
		return nil
	}
	return one(query.Term{Field: field, Op: op, Value: value})
}
