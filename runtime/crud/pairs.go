package crud

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// MaxPairs is how many rows one body can connect and disconnect.
const MaxPairs = 100

// A pairing is a row that is to be tied to the one that is written, or untied.
type pairing struct {
	rel  *relation
	far  any    // the id of the other row
	path string // tags.connect[0], for messages
	cut  bool
}

// many returns the relation of that name whose pairs are written with a row.
func (r *Resource[T]) many(name string) (*relation, bool) {
	rel, ok := r.relations[name]
	return rel, ok && rel.Through != nil
}

// pairings reads {"connect": [{"id": …}], "disconnect": [{"id": …}]}. Nothing else
// can be done to other rows here.
func (r *Resource[T]) pairings(ch *Change[T], rel *relation, raw json.RawMessage) model.Problems {
	members, err := model.Members(raw)
	if err != nil {
		return model.Problems{{Field: rel.Name, Code: model.CodeType, Message: "must be an object with connect or disconnect"}}
	}
	var problems model.Problems
	for _, m := range members {
		path := rel.Name + "." + m.Key
		if m.Key != "connect" && m.Key != "disconnect" {
			problems.Add(path, model.CodeUnknown, "is not among connect and disconnect")
			continue
		}
		var rows []json.RawMessage
		if json.Unmarshal(m.Value, &rows) != nil || rows == nil {
			problems.Add(path, model.CodeType, `must be a list: [{"id": …}]`)
			continue
		}
		if len(ch.pairs)+len(rows) > MaxPairs {
			problems.Add(path, model.CodeLimit, "at most "+strconv.Itoa(MaxPairs)+" rows are connected and disconnected at once")
			continue
		}
		for i, row := range rows {
			at := path + "[" + strconv.Itoa(i) + "]"
			far, problem, ok := rel.farID(row)
			if !ok {
				problem.Field = at
				problems = append(problems, problem)
				continue
			}
			ch.pairs = append(ch.pairs, pairing{rel, far, at, m.Key == "disconnect"})
		}
	}
	if !slices.Contains(ch.Links, rel.Name) {
		ch.Links = append(ch.Links, rel.Name)
	}
	return problems
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
