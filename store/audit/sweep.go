package audit

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"time"

	"github.com/gatewright/gate/store"
)

const sweepBatch = 500 // rows changed at once: the writer is needed by others

// Sweep deletes what is older than [Config.KeepFor] and failed log-ins older
// than 90 days, and cuts addresses older than 30 days to their network. It
// returns how many rows it deleted and how many it cut. A service calls it once
// a day or more often, in however many processes.
func (t *Trail) Sweep(ctx context.Context) (deleted, cut int, err error) {
	now := t.now()
	for _, old := range []struct {
		condition string
		before    time.Time
	}{
		{"", now.Add(-t.keepFor)},
		{"action = 'login' AND outcome = 0 AND ", now.Add(-min(keepFailed, t.keepFor))},
	} {
		n, err := t.deleteBefore(ctx, old.condition, old.before)
		deleted += n
		if err != nil {
			return deleted, cut, fmt.Errorf("sweep audit trail: %w", err)
		}
	}
	for {
		n, err := t.cutBefore(ctx, now.Add(-keepExact))
		cut += n
		if err != nil {
			return deleted, cut, fmt.Errorf("sweep audit trail: %w", err)
		}
		if n < sweepBatch {
			return deleted, cut, nil
		}
	}
}

func (t *Trail) deleteBefore(ctx context.Context, condition string, before time.Time) (total int, err error) {
	query := "DELETE FROM gate_audit WHERE id IN (SELECT id FROM gate_audit WHERE " + condition +
		"id < $1 ORDER BY id LIMIT $2" + t.skipLocked() + ")"
	for {
		res, err := t.db.Exec(ctx, query, idAt(before), sweepBatch)
		if err != nil {
			return total, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return total, t.db.Wrap(err)
		}
		total += int(n)
		if n < sweepBatch {
			return total, nil
		}
	}
}

// skipLocked ends a query for rows to change: what another process sweeps is
// left to it.
func (t *Trail) skipLocked() string {
	if t.db.Dialect() == store.Postgres {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// cutBefore cuts the addresses of one batch of rows.
func (t *Trail) cutBefore(ctx context.Context, before time.Time) (n int, err error) {
	err = t.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		whole, err := t.exactBefore(ctx, tx, before)
		if err != nil {
			return err
		}
		for id, address := range whole {
			_, err := tx.ExecContext(ctx, "UPDATE gate_audit SET address = $1, exact = 0 WHERE id = $2", coarse(address), id)
			if err != nil {
				return err
			}
		}
		n = len(whole)
		return nil
	})
	return n, err
}

// exactBefore returns addresses that are still whole, by the ID of their row.
func (t *Trail) exactBefore(ctx context.Context, tx *sql.Tx, before time.Time) (map[int64]string, error) {
	rows, err := tx.QueryContext(ctx,
		"SELECT id, address FROM gate_audit WHERE exact = 1 AND id < $1 ORDER BY id LIMIT $2"+t.skipLocked(), idAt(before), sweepBatch) //nolint:gosec // constants
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	whole := make(map[int64]string)
	for rows.Next() {
		var id int64
		var address string
		if err := rows.Scan(&id, &address); err != nil {
			return nil, err
		}
		whole[id] = address
	}
	return whole, rows.Err()
}

// coarse returns the network of an address, nothing for what is none.
func coarse(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	return networkOf(addr).String()
}
