package query

import (
	"strconv"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/search"
)

// search finds the fields in which the caller may look for a text, which are those
// that they may read in every row, and its words.
func (r *resolver) search(needle string) ([]model.FieldID, []string) {
	if needle == "" {
		return nil, nil
	}
	if problem := pattern(needle); problem != "" {
		r.fail("", patternCode(needle), "the search "+problem)
		return nil, nil
	}
	words := search.Words(needle)
	if len(words) > MaxWords {
		r.fail("", model.CodeLimit, "the search has more than "+strconv.Itoa(MaxWords)+" words")
	}
	var fields []model.FieldID
	for i, f := range r.at.entity.Fields {
		if f.Searchable && r.at.readable.Has(model.FieldID(i)) && isText(&f) && !f.Secret() {
			fields = append(fields, model.FieldID(i))
		}
	}
	if fields == nil {
		r.fail("", model.CodeUnknown, r.at.entity.Name+" cannot be searched")
	}
	return fields, words
}

// search writes that a row has the words of the search in the fields of the plan, and
// in no others: a field that the caller may not read is part of no answer.
func (c *Compiler) search(s *Statement, p *Plan) {
	x := search.Index{Dialect: c.dialect, Table: c.entity.Table, ID: c.entity.Fields[c.entity.IDField()].Column}
	for _, f := range p.search {
		x.Columns = append(x.Columns, c.entity.Fields[f].Column)
	}
	s.text(x.Condition(c.alias(), p.words, func(v any) string {
		s.Args = append(s.Args, v)
		return "$" + strconv.Itoa(len(s.Args))
	}))
}

// alias is what a statement calls the table.
func (c *Compiler) alias() string { return "t" + strconv.Itoa(c.depth) }
