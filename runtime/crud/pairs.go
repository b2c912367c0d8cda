package crud

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"

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

// elsewhere reports whether the pairs of the relation are of the rows at its other
// end.
func (rel *relation) elsewhere() bool { return rel.Through != nil && rel.Through.Inverse != "" }

// elsewhere does what a body says about a pair that is of the other row: it is a
// change of that, as it is where the body is of that. It returns the id of that.
func (n *nested) elsewhere(ctx context.Context, c caller, at nesting, key any) (any, error) {
	switch to, name := n.rel.to, n.rel.Through.Inverse; n.verb {
	case connect:
		return n.far, to.tie(ctx, c, n.far, name, key)
	case disconnect:
		return n.far, to.untie(ctx, c, n.far, name, key)
	default:
		return to.bearTied(ctx, c, n.body, at.deeper(), name, key)
	}
}

// tie implements relative.
func (r *engine) tie(ctx context.Context, c caller, id any, name string, far any) error {
	return r.tied(ctx, c, id, pairing{r.relations[name], far, "", false})
}

// untie implements relative.
func (r *engine) untie(ctx context.Context, c caller, id any, name string, far any) error {
	return r.tied(ctx, c, id, pairing{r.relations[name], far, "", true})
}

// tied changes the row with that id by a pair.
func (r *engine) tied(ctx context.Context, c caller, id any, p pairing) error {
	_, err := r.update(ctx, c, text(id), r.paired(p, func(model.FieldSet, string) (*change, model.Problems, error) {
		return r.newChange(), nil, nil
	}), false, asPart)
	return err
}

// bearTied implements relative.
func (r *engine) bearTied(ctx context.Context, c caller, body json.RawMessage, at nesting, name string, far any) (any, error) {
	if err := r.mayBe(c, create); err != nil {
		return nil, err
	}
	d, err := r.create(ctx, c, r.paired(pairing{r.relations[name], far, "", false}, r.fromJSON(body, at)), asPart)
	if err != nil {
		return nil, err
	}
	return r.value(d.Row, r.entity.IDField()), nil
}

// paired is an input with a pair as if it had been sent.
func (r *engine) paired(p pairing, in input) input {
	return func(writable model.FieldSet, id string) (*change, model.Problems, error) {
		ch, problems, err := in(writable, id)
		if err == nil {
			ch.pairs = append(ch.pairs, p)
			if !slices.Contains(ch.Links, p.rel.Name) {
				ch.Links = append(ch.Links, p.rel.Name)
			}
		}
		return ch, problems, err
	}
}

// pair writes the pairs of a row that was written in this transaction: to tie two
// rows takes the right to change the one whose pairs they are, and to get the other.
// A row out of sight is refused in the words for one that does not exist.
func (r *engine) pair(ctx context.Context, t *transaction, c caller, row record, pairs []pairing) error {
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
	sort.SliceStable(pairs, func(i, j int) bool { return order(pairs[i].far, pairs[j].far) < 0 }) // for others who do the same
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
