package crud

import (
	"context"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/query"
)

// A Snapshot is a row at one moment, read once to be shown to many, each of
// whom sees what [Service.GetRow] would have answered in that moment. The zero
// value is no row, which nobody sees. A Snapshot is immutable and safe for
// concurrent use.
type Snapshot struct{ row viewer }

// viewer is a row with the rules of its entity.
type viewer interface {
	view(ctx context.Context) (Row, bool)
}

// View returns the row as the caller in ctx may get it, and false when the
// caller may not get it at all, or there is none. It asks nothing of the
// database: a row of which only that knows whether the caller may get it is not
// shown. Who the caller is, is for the context to say as for every other
// method here; it is not asked whether their credentials still hold.
func (s Snapshot) View(ctx context.Context) (Row, bool) {
	if s.row == nil {
		return Row{}, false
	}
	return s.row.view(ctx)
}

// Exists reports whether there is a row.
func (s Snapshot) Exists() bool { return s.row != nil }

// Snapshot reads the row with that id, whoever asks: it is [Snapshot.View] that
// judges who sees it. A row that does not exist is the zero Snapshot, not an
// error.
func (r *engine) Snapshot(ctx context.Context, id string) (Snapshot, error) {
	if err := r.ready(); err != nil {
		return Snapshot{}, err
	}
	key, ok := r.parseID(id)
	if !ok {
		return Snapshot{}, nil
	}
	fields := r.rules.systemFields(authz.View)
	row, err := r.one(ctx, key, query.Filter{}, fields, query.Unlocked)
	if err != nil || row.none() {
		return Snapshot{}, r.answer(err)
	}
	return r.snapshot(row), nil
}

func (r *engine) snapshot(row record) Snapshot { return Snapshot{&held{r, row}} }

// held is a row that nobody changes any more.
type held struct {
	resource *engine
	row      record
}

// view judges as get does, with the row at hand.
func (h *held) view(ctx context.Context) (Row, bool) {
	r, c := h.resource, callerFrom(ctx)
	filter, err := r.rules.reach(c, authz.View)
	if err != nil {
		return Row{}, false
	}
	if holds, known := filter.Match(r.values(h.row)); !holds || !known {
		return Row{}, false // of what only the database knows nothing is shown
	}
	fields := r.rules.fieldsFor(c, authz.View, filter)
	return r.answerRow(h.row, r.shown(h.row, fields.ever, &fields), r.entity.All()), true
}
