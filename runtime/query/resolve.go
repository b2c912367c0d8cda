package query

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gatewright/gate/runtime/model"
)

// A Plan is a query that was found right: it names fields of the entity and
// holds typed values. It belongs to one request.
type Plan struct {
	Select    model.FieldSet
	Limit     int
	Skip      int
	CountOnly bool
	NoTotal   bool
	Cursor    *Cursor // nil pages by Skip

	entity *model.Entity
	where  node // nil: everything
	search []model.FieldID
	needle string
	words  []string // of it
	sort   []sortKey
	from   []any // where the cursor is, by keys; nil: at the beginning or the end
}

type sortKey struct {
	field      model.FieldID
	descending bool
}

// node is a resolved condition.
type node interface{ node() }

type (
	all    []node
	either []node
	not    struct{ inner node }
	// term compares a field with values: one, many for In and NotIn, none for
	// null.
	term struct {
		field  model.FieldID
		op     Op
		values []any
	}
	// never is a condition that no row fulfils.
	never struct{}
	// through is a condition on the row that a relation points to. Only filters
	// have it.
	through struct {
		relation model.FieldID
		to       *model.Entity
		far      node // nil: any row
	}
)

func (all) node()     {}
func (either) node()  {}
func (not) node()     {}
func (term) node()    {}
func (never) node()   {}
func (through) node() {}

// Resolve checks q against the entity and the fields that the caller may know:
// readable are those of every row, shown those that may be selected, which are
// more when some are readable in some rows only. Conditions on other rows need
// reach; where it is nil there are no relations. The error is a [model.Problems]
// with everything that is wrong, or what reach refused.
func Resolve(e *model.Entity, q *Query, readable, shown model.FieldSet, reach Reach) (*Plan, error) {
	r := resolver{at: standpoint{entity: e, readable: shown, reach: reach}, lenient: q.Lenient}
	p := &Plan{entity: e, CountOnly: q.CountOnly, NoTotal: q.NoTotal, Select: r.selection(q.Select)}
	r.at.readable = readable
	if q.Where != nil {
		p.where = r.expr(q.Where, 0)
	}
	p.search, p.words = r.search(q.Search)
	p.needle = q.Search
	p.sort = r.sort(q.Sort)
	p.Limit, p.Skip = r.page(q)
	p.Cursor = r.cursor(q)
	if r.refused != nil {
		return nil, r.refused
	}
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return p, nil
}

// ResolveSelect is [Resolve] for a question about one row.
func ResolveSelect(e *model.Entity, names []string, readable model.FieldSet) (model.FieldSet, error) {
	r := resolver{at: standpoint{entity: e, readable: readable}}
	s := r.selection(names)
	if len(r.problems) > 0 {
		return model.FieldSet{}, r.problems
	}
	return s, nil
}

type resolver struct {
	at        standpoint
	lenient   bool
	problems  model.Problems
	refused   error
	terms     int
	relations int
}

// standpoint is the entity whose fields are named, and how the way led there.
type standpoint struct {
	entity   *model.Entity
	readable model.FieldSet
	reach    Reach
	path     string // of relations, with a dot at its end
	depth    int
}

func (r *resolver) fail(name, code, message string) {
	if len(r.problems) >= MaxTerms {
		return
	}
	if name != "" {
		name = r.at.path + name
	}
	r.problems.Add(name, code, message)
}

// field finds a field that the caller may know. A secret one nobody may.
func (r *resolver) field(name string) (model.FieldID, *model.Field, bool) {
	id, ok := r.at.entity.Field(name)
	if !ok || !r.at.readable.Has(id) || r.at.entity.Fields[id].Secret() {
		r.fail(name, model.CodeUnknown, "is not a field of "+r.at.entity.Name)
		return 0, nil, false
	}
	return id, &r.at.entity.Fields[id], true
}

// selection resolves names; the id always comes along, because clients keep
// rows by it.
func (r *resolver) selection(names []string) model.FieldSet {
	if len(names) == 0 {
		return r.at.readable
	}
	s := model.Fields(r.at.entity.IDField()).Intersect(r.at.readable)
	for _, name := range names {
		if id, ok := r.at.entity.Field(name); ok && r.lenient && !r.at.readable.Has(id) {
			continue
		}
		if id, _, ok := r.field(name); ok {
			s.Add(id)
		}
	}
	return s
}

func (r *resolver) sort(keys []Sort) []sortKey {
	if len(keys) > MaxSort {
		r.fail("", model.CodeLimit, "at most "+strconv.Itoa(MaxSort)+" fields can be sorted by")
		return nil
	}
	var out []sortKey
	for _, k := range keys {
		id, f, ok := r.field(k.Field)
		switch {
		case !ok:
		case f.Computed != nil:
			r.fail(k.Field, model.CodeType, "cannot be sorted by: it is computed when rows are read")
		case !sortable(f.Type):
			r.fail(k.Field, model.CodeType, "cannot be sorted by")
		case slices.ContainsFunc(out, func(o sortKey) bool { return o.field == id }):
			r.fail(k.Field, model.CodeFormat, "is sorted by twice")
		default:
			out = append(out, sortKey{field: id, descending: k.Descending})
		}
	}
	return out
}

func (r *resolver) page(q *Query) (limit, skip int) {
	if q.Limit < 0 {
		r.fail("", model.CodeTooSmall, "the limit must be 0 or more")
	}
	if q.Skip < 0 {
		r.fail("", model.CodeTooSmall, "the number of rows to skip must be 0 or more")
	}
	if q.Skip > MaxSkip {
		r.fail("", model.CodeLimit, "at most "+strconv.Itoa(MaxSkip)+" rows can be skipped")
	}
	switch {
	case q.CountOnly:
		return 0, q.Skip
	case q.Limit == 0:
		return DefaultLimit, q.Skip
	}
	return min(q.Limit, MaxLimit), q.Skip
}

// cursor leaves out the cursor of a page without rows, which begins nowhere.
func (r *resolver) cursor(q *Query) *Cursor {
	if q.Cursor != nil && q.Skip != 0 {
		r.fail("", model.CodeFormat, "rows are skipped by their number or by a cursor, not both")
	}
	if q.CountOnly {
		return nil
	}
	return q.Cursor
}

func (r *resolver) expr(x Expr, depth int) node {
	if depth > MaxDepth {
		r.fail("", model.CodeLimit, "conditions are nested more than "+strconv.Itoa(MaxDepth)+" deep")
		return nil
	}
	switch x := x.(type) {
	case And:
		return all(r.exprs(x, depth))
	case Or:
		return either(r.exprs(x, depth))
	case Not:
		return not{r.expr(x.Expr, depth+1)}
	case Term:
		return r.term(x)
	case Related:
		return r.related(x, depth)
	}
	r.fail("", model.CodeMalformed, "a condition is missing")
	return nil
}

func (r *resolver) exprs(list []Expr, depth int) []node {
	nodes := make([]node, 0, min(len(list), MaxTerms))
	for _, x := range list {
		if r.terms > MaxTerms || len(nodes) > MaxTerms {
			r.tooMany()
			break
		}
		nodes = append(nodes, r.expr(x, depth+1))
	}
	return nodes
}

func (r *resolver) tooMany() {
	message := "more than " + strconv.Itoa(MaxTerms) + " conditions"
	if !slices.ContainsFunc(r.problems, func(p model.Problem) bool { return p.Message == message }) {
		r.fail("", model.CodeLimit, message)
	}
}

func (r *resolver) term(t Term) node {
	if r.terms++; r.terms > MaxTerms {
		r.tooMany()
		return nil
	}
	t.Value = model.Plain(t.Value)
	id, f, ok := r.field(t.Field)
	if !ok {
		return nil
	}
	if f.Computed != nil {
		r.fail(t.Field, model.CodeType, "cannot be compared: it is computed when rows are read")
		return nil
	}
	if !slices.Contains(operators(f.Type), t.Op) {
		r.fail(t.Field, model.CodeType, "cannot be compared like this, being of type "+f.Type.String())
		return nil
	}
	switch t.Op {
	case Null:
		return r.null(id, t)
	case In, NotIn:
		return r.list(id, f, t)
	case Contains, StartsWith, EndsWith, Like:
		if code, problem := wrongPattern(f, t); problem != "" {
			r.fail(t.Field, code, problem)
			return nil
		}
	}
	if t.Value == nil {
		if t.Op != Eq && t.Op != Ne {
			r.fail(t.Field, model.CodeType, "cannot be compared with null like this")
		}
		return term{field: id, op: t.Op}
	}
	v, ok := r.value(f, t.Value)
	if !ok {
		return nil
	}
	return term{field: id, op: t.Op, values: []any{v}}
}

func (r *resolver) null(id model.FieldID, t Term) node {
	switch t.Value {
	case true, "true":
		return term{field: id, op: Eq}
	case false, "false":
		return term{field: id, op: Ne}
	}
	r.fail(t.Field, model.CodeType, "must be true or false here")
	return nil
}

func (r *resolver) list(id model.FieldID, f *model.Field, t Term) node {
	list, ok := t.Value.([]any)
	if texts, is := t.Value.([]string); is {
		list, ok = make([]any, len(texts)), true
		for i, text := range texts {
			list[i] = text
		}
	}
	if !ok {
		r.fail(t.Field, model.CodeType, "must be a list here")
		return nil
	}
	if len(list) > MaxValues {
		r.fail(t.Field, model.CodeLimit, "at most "+strconv.Itoa(MaxValues)+" values can be listed")
		return nil
	}
	values := make([]any, 0, len(list))
	for _, x := range list {
		if x == nil {
			r.fail(t.Field, model.CodeType, "null cannot stand in a list")
			return nil
		}
		v, ok := r.value(f, x)
		if !ok {
			return nil
		}
		values = append(values, v)
	}
	return term{field: id, op: t.Op, values: values}
}

func (r *resolver) value(f *model.Field, v any) (any, bool) {
	v = model.Plain(v)
	if s, ok := v.(string); ok && utf8.RuneCountInString(s) > MaxText {
		r.fail(f.Name, model.CodeTooLong, "a value of more than "+strconv.Itoa(MaxText)+" characters cannot be compared with")
		return nil, false
	}
	out, err := f.ParseComparand(v)
	if err != nil {
		r.fail(f.Name, model.CodeFormat, err.Error())
		return nil, false
	}
	return out, true
}

// wrongPattern says what is wrong with what a text is looked for by.
func wrongPattern(f *model.Field, t Term) (code, problem string) {
	if f.Type == model.MultiEnum { // where it is a value as a whole
		return "", ""
	}
	s, _ := t.Value.(string)
	if problem := pattern(s); problem != "" {
		return patternCode(s), problem
	}
	if t.Op == Like {
		return wildcards(s)
	}
	return "", ""
}

// patternCode returns the code of what [pattern] says.
func patternCode(s string) string {
	switch n := utf8.RuneCountInString(s); {
	case n < MinPattern:
		return model.CodeTooShort
	case n > MaxText:
		return model.CodeTooLong
	}
	return model.CodeFormat
}

// pattern says what is wrong with a text to look for inside others.
func pattern(s string) string {
	switch n := utf8.RuneCountInString(s); {
	case n < MinPattern:
		return "must have at least " + strconv.Itoa(MinPattern) + " characters"
	case n > MaxText:
		return "must have at most " + strconv.Itoa(MaxText) + " characters"
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return "must be valid Unicode without the character NUL"
	}
	return ""
}
