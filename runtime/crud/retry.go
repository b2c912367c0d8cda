package crud

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gatewright/gate/store"
)

const (
	// maxTries is how often a transaction runs at most, in the time that it has.
	maxTries = 8
	// The pause before the second try, twice as long before each that follows, up to
	// the longest, and up to half of it more or less: those that were undone together
	// would meet again. Without it the one that was undone is often back before the
	// one that it gave way to wakes up, and both are where they were.
	pause, longestPause = 20 * time.Millisecond, 500 * time.Millisecond
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
	case <-time.After(about(min(pause<<(try-1), longestPause))):
		return true
	}
}

// about returns a time that is half as long at least, and half as long again at most.
func about(d time.Duration) time.Duration { return d/2 + rand.N(d) } //nolint:gosec // nobody gains by a guess

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
