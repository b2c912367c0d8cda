package crud

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/gatewright/gate/store"
)

const (
	// maxTries is how often a transaction runs at most.
	maxTries = 3
	// pause is before the second try, and twice before the third. Without it the
	// one that was undone is often back before the one that it gave way to wakes
	// up, and both are where they were.
	pause = 50 * time.Millisecond
)

// retries reports whether transactions on db are tried again. A SQLite that is
// locked was waited for already.
func retries(db *store.DB) bool { return db.Dialect() == store.Postgres }

// again reports whether a transaction whose try ended with err runs once more: the
// database undid it to let another one pass, as it does with one of two that wait
// for each other. It returns when that one has passed, or so it is hoped.
func again(ctx context.Context, db *store.DB, try int, err error) bool {
	if try == maxTries || !retries(db) || !db.Classify(err).Retry {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Duration(try) * pause):
		return true
	}
}

// fresh returns a copy of a change for one run of its transaction: what the
// service and its hooks make of it ends with that run.
func (r *engine) fresh(ch *change) *change {
	if !retries(r.db) {
		return ch
	}
	own := *ch
	own.Row = r.form.row()
	own.Links, own.pairs = slices.Clone(ch.Links), slices.Clone(ch.pairs)
	if ch.at.rows != nil { // bodies inside of others are read, and counted, in each run
		named := *ch.at.rows
		own.at.rows = &named
	}
	for f := range r.entity.All().All() {
		field, p := r.field(own.Row, f)
		switch v := r.value(ch.Row, f).(type) {
		case []string:
			field.Store(p, slices.Clone(v))
		case json.RawMessage:
			field.Store(p, slices.Clone(v))
		default:
			field.Store(p, v)
		}
	}
	return &own
}

// freshDraft is [Resource.fresh] for a row that is created.
func (r *engine) freshDraft(d *draft) *draft {
	if !retries(r.db) {
		return d
	}
	own := *d
	own.change = *r.fresh(&d.change)
	return &own
}
