package crud

import (
	"context"
	"slices"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// A Linked is a row that a relation leads to, and that a change connected, disconnected
// or made there: of many, or by pairs. Where a row keeps the key itself, it is a field
// that differs.
type Linked struct {
	rel *relation
	id  any
}

// Sight reads that row as it is now, whoever asks. What it returns reports whether the
// caller in ctx could list the row as one that the relation leads to, where memory
// tells: as [Snapshot.View] judges, it asks nothing more of the database.
func (l Linked) Sight(ctx context.Context) (func(ctx context.Context) bool, error) {
	return l.rel.to.sight(ctx, l.rel, l.id)
}

// sight implements relative.
func (r *engine) sight(ctx context.Context, rel *relation, id any) (func(ctx context.Context) bool, error) {
	row, err := r.one(ctx, id, query.Filter{}, r.rules.judging(), query.Unlocked)
	if err != nil {
		return nil, r.answer(err)
	}
	return func(ctx context.Context) bool {
		if row.none() {
			return false
		}
		filter, _, err := r.enter(callerFrom(ctx), rel, "")
		if err != nil {
			return false
		}
		holds, known := filter.Match(r.values(row))
		return holds && known
	}, nil
}

// judging returns the fields that tell who gets and lists a row.
func (r *rules) judging() model.FieldSet {
	set := model.Fields(r.entity.IDField())
	for _, f := range []model.FieldID{r.entity.OwnerField(), r.entity.TenantField()} {
		if f != model.NoField {
			set.Add(f)
		}
	}
	for _, way := range slices.Concat(r.actions[authz.View], r.actions[authz.List]) {
		set = set.Union(way.rows.Fields())
	}
	return set
}
