package throttle

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/store"
)

const (
	// maxConns bounds the connections that one throttle uses at once: a flood
	// of guesses at one account, whose rows are changed one after the other,
	// must not take those that others wait for.
	maxConns    = 4
	dbTimeout   = 3 * time.Second // a count that waits for longer is no answer
	deleteBatch = 1000
)

// database keeps records in rows that processes share.
type database struct {
	db    *store.DB
	size  int
	slots chan struct{}
}

// count looks first, so that what is refused, the most of a flood, locks no row
// and writes nothing.
func (d *database) count(ctx context.Context, now int64, counters []counter) (wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	if err := d.acquire(ctx); err != nil {
		return 0, err
	}
	defer d.release()
	records, err := d.look(ctx, counters, now)
	if err != nil {
		return 0, err
	}
	if wait := countAll(counters, records, now); wait > 0 && !anyMoved(records) {
		return wait, nil
	}
	err = d.locked(ctx, now, counters, func(records []*record) bool {
		wait = countAll(counters, records, now)
		return wait == 0 || anyMoved(records) // or it is moved again each time, and never passes
	})
	return wait, err
}

func anyMoved(records []*record) bool {
	return slices.ContainsFunc(records, func(r *record) bool { return r.moved })
}

func (d *database) change(ctx context.Context, now int64, counters []counter, f func([]*record) bool) error {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	if err := d.acquire(ctx); err != nil {
		return err
	}
	defer d.release()
	return d.locked(ctx, now, counters, f)
}

func (d *database) acquire(ctx context.Context) error {
	select {
	case d.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return d.db.Wrap(fmt.Errorf("wait for other attempts: %w", ctx.Err()))
	}
}

func (d *database) release() { <-d.slots }

// errKept ends a transaction that is to change nothing.
var errKept = errors.New("nothing to keep")

// locked calls f with the records, whose rows it locks, and writes them.
func (d *database) locked(ctx context.Context, now int64, counters []counter, f func([]*record) bool) error {
	err := d.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		// An update locks a row that is there, an insert one that is not.
		query := "INSERT INTO gate_throttle (key, state, expires_at) VALUES " + d.list(len(counters), "(%s, '', 0)") +
			" ON CONFLICT (key) DO UPDATE SET expires_at = gate_throttle.expires_at RETURNING key, state"
		records, err := d.records(ctx, tx, query, counters, now)
		if err != nil {
			return err
		}
		if !f(records) {
			return errKept
		}
		return d.write(ctx, tx, counters, records)
	})
	if errors.Is(err, errKept) {
		return nil
	}
	return err
}

// look returns the records as they are now.
func (d *database) look(ctx context.Context, counters []counter, now int64) ([]*record, error) {
	query := "SELECT key, state FROM gate_throttle WHERE key IN (" + d.list(len(counters), "%s") + ")"
	return d.records(ctx, d.db.Read(), query, counters, now)
}

// list returns n placeholders, each in a format.
func (d *database) list(n int, format string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, d.db.Dialect().Placeholder(i+1))
	}
	return strings.Join(list, ", ")
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// records runs a query for keys and states.
func (d *database) records(ctx context.Context, q querier, query string, counters []counter, now int64) ([]*record, error) {
	records := make([]*record, len(counters))
	index := make(map[string]int, len(counters))
	args := make([]any, len(counters))
	for i, c := range counters {
		records[i], index[c.key], args[i] = new(record), i, c.key
	}
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, d.db.Wrap(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key, state string
		if err := rows.Scan(&key, &state); err != nil {
			return nil, d.db.Wrap(err)
		}
		i := index[key]
		if records[i], err = decode(state); err != nil {
			return nil, err
		}
		counters[i].rule.prune(records[i], now)
	}
	return records, d.db.Wrap(rows.Err())
}

// write keeps the records whose rows are locked, and deletes the empty ones.
func (d *database) write(ctx context.Context, tx *sql.Tx, counters []counter, records []*record) error {
	var values, gone []string
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return d.db.Dialect().Placeholder(len(args))
	}
	for i, c := range counters {
		if !records[i].empty() {
			values = append(values, "("+arg(c.key)+", "+arg(records[i].encode())+", "+arg(c.rule.expires(records[i]))+")")
		}
	}
	if len(values) > 0 {
		query := "INSERT INTO gate_throttle (key, state, expires_at) VALUES " + //nolint:gosec // placeholders
			strings.Join(values, ", ") +
			" ON CONFLICT (key) DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at"
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	args = nil
	for i, c := range counters {
		if records[i].empty() {
			gone = append(gone, arg(c.key))
		}
	}
	if len(gone) == 0 {
		return nil
	}
	query := "DELETE FROM gate_throttle WHERE key IN (" + strings.Join(gone, ", ") + ")" //nolint:gosec // placeholders
	_, err := tx.ExecContext(ctx, query, args...)
	return err
}

func (d *database) sweep(ctx context.Context, now int64) (int, error) {
	n, err := d.deleteUpTo(ctx, now, -1)
	if err != nil {
		return n, err
	}
	var left int
	if err := d.db.Read().QueryRowContext(ctx, "SELECT count(*) FROM gate_throttle").Scan(&left); err != nil {
		return n, d.db.Wrap(err)
	}
	if left <= d.size {
		return n, nil
	}
	more, err := d.deleteUpTo(ctx, 1<<62, left-d.size)
	return n + more, err
}

// deleteUpTo deletes the rows that expire first, in batches, for the writer is
// needed by others: those that expire until then, at most limit if that is not
// negative.
func (d *database) deleteUpTo(ctx context.Context, until int64, limit int) (total int, err error) {
	query := "DELETE FROM gate_throttle WHERE key IN (SELECT key FROM gate_throttle WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2"
	if d.db.Dialect() == store.Postgres {
		query += " FOR UPDATE SKIP LOCKED" // attempts lock rows in an order of their own
	}
	for {
		batch := deleteBatch
		if limit >= 0 {
			batch = min(batch, limit-total)
		}
		res, err := d.db.Exec(ctx, query+")", until, batch)
		if err != nil {
			return total, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return total, d.db.Wrap(err)
		}
		total += int(n)
		if n < int64(batch) || total == limit {
			return total, nil
		}
	}
}
