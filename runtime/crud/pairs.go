package crud

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// A pairing is a row that is to be tied to the one that is written, or untied.
type pairing struct {
	rel  *relation
	far  any    // the id of the other row
	path string // tags.connect[0], for messages
	cut  bool
}

// farID reads {"id": …}.
func (rel *relation) farID(raw json.RawMessage) (any, model.Problem, bool) {
	members, err := model.Members(raw)
	if err != nil || len(members) != 1 || members[0].Key != "id" {
		return nil, model.Problem{Code: model.CodeType, Message: `must be {"id": …}`}, false
	}
	value := string(members[0].Value)
	if json.Unmarshal(members[0].Value, &value) != nil {
		value = string(members[0].Value) // a number
	}
	e := rel.to.Entity()
	id, err := e.Fields[e.IDField()].Parse(value)
	if err != nil || id == nil {
		return nil, noSuchRow(""), false
	}
	return id, model.Problem{}, true
}

func noSuchRow(path string) model.Problem {
	return model.Problem{Field: path, Code: model.CodeNotFound, Message: "points to a row that does not exist"}
}

// pair writes the pairs of a row that was written in this transaction: to tie two
// rows takes the right to change the one, and to get the other. A row out of sight
// is refused in the words for one that does not exist.
func (r *Resource[T]) pair(ctx context.Context, t *transaction, c caller, row *T, pairs []pairing) error {
	c = r.beside(c, row)
	var problems model.Problems
	for _, p := range pairs {
		ok, err := p.rel.to.gettable(ctx, c, p.far)
		if err != nil {
			return err
		}
		if !ok {
			problems = append(problems, noSuchRow(p.path))
		}
	}
	if err := refused(problems); err != nil {
		return err
	}
	pairs = slices.Clone(pairs)
	slices.SortStableFunc(pairs, func(a, b pairing) int { return order(a.far, b.far) }) // for others who do the same
	s := r.statement()
	defer r.recycle(s)
	for _, p := range pairs {
		s.Reset()
		near := r.value(row, r.entity.IDField())
		if p.cut {
			query.Untie(s, r.db.Dialect(), p.rel.Through, near, p.far)
		} else {
			query.Tie(s, r.db.Dialect(), p.rel.Through, near, p.far)
		}
		if _, err := t.tx.ExecContext(ctx, string(s.SQL), s.Args...); err != nil {
			return r.written(fmt.Errorf("pairs of %s: %w", r.entity.Name, err))
		}
	}
	return nil
}

// order compares ids of one kind.
func order(a, b any) int {
	if x, ok := a.(int64); ok {
		y, _ := b.(int64)
		return cmp.Compare(x, y)
	}
	return cmp.Compare(text(a), text(b))
}
