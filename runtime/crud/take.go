package crud

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// PostgreSQL lets two transactions wait for each other for a second before it undoes
// one of them, and everybody who wants their rows waits with them. So whoever has a
// row and wants another one waits for a moment only, and is tried again: then the rows
// of the try before are taken first, in one order, in which nobody waits for each other.

// patience is how long a lock is waited for by who holds one, at the first try;
// twice as long at each that follows.
const patience = 50 * time.Millisecond

// A claim is a row that nobody else is to change.
type claim struct {
	of   *engine
	key  any
	lock query.Lock
}

func (c claim) same(of *engine, key any) bool { return c.of == of && c.key == key }

// claims are rows that a transaction wants for itself, and of which it holds some.
type claims struct {
	try     int     // of the transaction, counted from 1
	wanted  []claim // in this try, or in one before
	held    []claim
	hurried bool // it does not wait for long
}

// take reads a row for itself; nil if there is none.
func (t *transaction) take(ctx context.Context, c claim, filter query.Filter, columns model.FieldSet) (record, error) {
	mine := func(other claim) bool { return other.same(c.of, c.key) }
	has := slices.ContainsFunc(t.held, mine)
	if len(t.held) > 0 && !has && !t.hurried {
		wait := strconv.FormatInt(about(patience<<(t.try-1)).Milliseconds(), 10)
		if _, err := t.tx.ExecContext(ctx, "SET LOCAL lock_timeout = "+wait); err != nil {
			return record{}, err
		}
		t.hurried = true
	}
	row, err := c.of.fetch(ctx, c.key, filter, columns, c.lock)
	if err == nil && row.none() { // nobody's, or not for the caller
		return row, nil
	}
	if at := slices.IndexFunc(t.wanted, mine); at < 0 {
		t.wanted = append(t.wanted, c)
	} else {
		t.wanted[at].lock = max(t.wanted[at].lock, c.lock)
	}
	if err == nil && !has {
		t.held = append(t.held, c)
	}
	return row, err
}

// takeWanted takes the rows that tries before wanted.
func (t *transaction) takeWanted(ctx context.Context) error {
	rows := slices.Clone(t.wanted)
	sort.Slice(rows, func(i, j int) bool { // as in nested.go
		a, b := rows[i], rows[j]
		return cmp.Or(cmp.Compare(a.of.entity.Name, b.of.entity.Name), cmp.Compare(text(a.key), text(b.key))) < 0
	})
	for _, c := range rows {
		if _, err := t.take(ctx, c, query.Filter{}, model.Fields(c.of.entity.IDField())); err != nil {
			return err
		}
	}
	return nil
}
