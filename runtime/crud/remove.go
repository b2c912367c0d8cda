package crud

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
)

// removeRecord answers [Resource.Remove].
func (r *engine) removeRecord(ctx context.Context, id string, opts []Option) (record, error) {
	c := callerFrom(ctx)
	row, err := r.remove(ctx, c, id, opts...)
	if err != nil {
		return record{}, err
	}
	r.clear(row, r.viewed(c, row, r.rules.visible(c))) // it was read through that filter
	return row, nil
}

// RemoveRow implements [Service].
func (r *engine) RemoveRow(ctx context.Context, id string, sel []string, opts ...Option) (Row, error) {
	c := callerFrom(ctx)
	if err := r.may(c, authz.Delete); err != nil {
		return Row{}, err
	}
	selected, err := r.selection(c, sel)
	if err != nil {
		return Row{}, err
	}
	row, err := r.remove(ctx, c, id, opts...)
	if err != nil {
		return Row{}, err
	}
	return r.answerRow(row, r.viewed(c, row, r.rules.visible(c)), selected), nil
}

func (r *engine) remove(ctx context.Context, c caller, id string, opts ...Option) (record, error) {
	if err := r.may(c, authz.Delete); err != nil {
		return record{}, err
	}
	filter, err := r.rules.reach(c, authz.Delete)
	if err != nil {
		return record{}, err
	}
	key, ok := r.parseID(id)
	if !ok {
		return record{}, notFound(id)
	}
	o := optionsOf(opts)
	var row record
	err = r.inTx(ctx, o, func(ctx context.Context, t *transaction) error {
		old, err := r.reachable(ctx, c, id, key, filter, query.ForRemoval)
		if err != nil {
			return err
		}
		row = old
		if err := r.unchanged(old, o.expect); err != nil {
			return err
		}
		if err := r.mayRemoveAccount(ctx, c, old); err != nil {
			return err
		}
		if len(r.checks) > 0 {
			if err := r.permit(ctx, Changed{Action: authz.Delete, ID: r.id(old), Set: r.entity.All(), Before: r.snapshot(old)}); err != nil {
				return err
			}
		}
		ch := &change{Action: authz.Delete, Row: r.form.clone(old), Old: old}
		if err := run(ctx, r.before[authz.Delete], ch); err != nil {
			return err
		}
		if err := r.erase(ctx, t, id, old, filter, o.expect); err != nil {
			return err
		}
		if err := run(ctx, r.after[authz.Delete], ch); err != nil {
			return err
		}
		r.tell(t, Changed{Action: authz.Delete, ID: r.id(old), Set: r.entity.All(), Before: r.snapshot(old)}, old)
		return nil
	})
	if errors.Is(err, errNeeded) && !o.part { // else the transaction may have failed
		return row, r.neededBy(ctx, key)
	}
	return row, err
}

// needed turns a broken foreign key into an answer.
func (r *engine) needed(err error) error {
	if r.db.Classify(err).Kind == store.ForeignKey {
		return stillNeeded()
	}
	return err
}

const neededMessage = "Other rows still point to this one"

// errNeeded is behind the answer that does not say yet what points to the row.
var errNeeded = errors.New("other rows point to this one")

func stillNeeded() error {
	return &gate.Error{Status: http.StatusConflict, Message: neededMessage, Err: errNeeded}
}

// neededBy is [stillNeeded] that names the keys by which rows point to this one: those
// by which the caller finds some in a list. Of others that they are there is all that
// is told.
func (r *engine) neededBy(ctx context.Context, key any) error {
	var by []string
	for _, ref := range r.references {
		e := ref.from.Entity()
		f := &e.Fields[ref.field]
		if f.OnDelete == model.Cascade || f.OnDelete == model.SetNull {
			continue
		}
		q := &query.Query{Where: query.Term{Field: f.Name, Op: query.Eq, Value: text(key)}, Limit: 1, NoTotal: true}
		if rows, err := ref.from.FindRows(ctx, q); err == nil && rows.Len() > 0 {
			by = append(by, e.Name+"."+f.Name)
		}
	}
	e := &gate.Error{Status: http.StatusConflict, Message: neededMessage}
	if by != nil {
		e.Message += ": " + strings.Join(by, ", ")
	}
	return e
}
