package crud

import (
	"context"
	"database/sql"
)

// An Option changes how the methods of [Service] and [Resource] make one change.
type Option func(*options)

type options struct {
	expect expected
	last   func(ctx context.Context, tx *sql.Tx, ids []string) error
	file   *fileChange
	part   bool // a change that this one is a part of, and that fails with it
}

func optionsOf(list []Option) options {
	var o options
	for _, set := range list {
		set(&o)
	}
	return o
}

// asPart says that a change is made by another one, whose failure undoes both: what it
// writes is not a part of the transaction by itself.
func asPart(o *options) { o.part = true }

// BeforeCommit has fn run last in the transaction that makes rows, with their ids;
// its error undoes them and becomes the answer. Changes of rows that are there take
// no notice of it.
func BeforeCommit(fn func(ctx context.Context, tx *sql.Tx, ids []string) error) Option {
	return func(o *options) { o.last = fn }
}

// finish ends a transaction that made rows.
func (o *options) finish(ctx context.Context, t *transaction, ids ...string) error {
	if o.last == nil {
		return nil
	}
	return o.last(ctx, t.tx, ids)
}
