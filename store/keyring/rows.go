package keyring

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store"
)

// A row is a key as it is stored, opened.
type row struct {
	generation int64
	id         string
	algorithm  jose.Algorithm
	sealed     string
	createdAt  time.Time
	signsFrom  time.Time
	key        *jose.Key
}

const maxTries = 5 // when other processes make keys at the same time

// never is when a key signs that waits for [Keyring.Promote].
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// current returns the index of the row that signs now. When the first is from a
// process whose clock is ahead, it is that.
func current(rows []row, now time.Time) int {
	for i := len(rows) - 1; i > 0; i-- {
		if !rows[i].signsFrom.After(now) {
			return i
		}
	}
	return 0
}

// over returns when the last token of row i has expired, whichever process
// signed it; far away while nothing is known of a row after it.
func (k *Keyring) over(rows []row, i int) time.Time {
	until := never
	for _, r := range rows[i+1:] {
		if r.signsFrom.Before(until) {
			until = r.signsFrom
		}
	}
	return until.Add(k.cfg.KeepFor + margin)
}

// read reads the rows and opens those that are new.
func (k *Keyring) read(ctx context.Context) error {
	rows, err := k.stored(ctx)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", k.db.Wrap(err))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	opened := make(map[string]row, len(k.rows))
	for _, r := range k.rows {
		opened[r.id] = r
	}
	for i := range rows {
		r := &rows[i]
		if known, ok := opened[r.id]; ok && known.sealed == r.sealed && known.algorithm == r.algorithm {
			r.key = known.key
			continue
		}
		if r.key, err = k.seal.open(r.id, r.algorithm, r.sealed); err != nil {
			return err
		}
	}
	k.rows = rows
	return nil
}

func (k *Keyring) stored(ctx context.Context) ([]row, error) {
	// From the writer: what was just written has to be seen.
	found, err := k.db.Write().QueryContext(ctx,
		"SELECT generation, id, algorithm, sealed, created_at, signs_from FROM gate_keys WHERE ring = $1 ORDER BY generation",
		k.cfg.Ring)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var rows []row
	for found.Next() {
		var r row
		var created, from int64
		if err := found.Scan(&r.generation, &r.id, &r.algorithm, &r.sealed, &created, &from); err != nil {
			return nil, err
		}
		r.createdAt, r.signsFrom = time.UnixMilli(created), time.UnixMilli(from)
		rows = append(rows, r)
	}
	return rows, found.Err()
}

// extend makes the next key when it is time, and deletes those that are over.
func (k *Keyring) extend(ctx context.Context) error {
	for range maxTries {
		now := k.cfg.Now()
		from, due := k.due(now)
		if !due {
			return k.deleteOver(ctx, now)
		}
		if err := k.add(ctx, from); err != nil {
			return err
		}
		if err := k.read(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("make signing key: %w", store.ErrUnavailable)
}

// due reports whether the next key is to be made, and from when on it signs.
func (k *Keyring) due(now time.Time) (from time.Time, due bool) {
	if len(k.rows) == 0 {
		return now, true
	}
	last := k.rows[len(k.rows)-1]
	from = now.Add(k.cfg.PublishBefore)
	made := last.signsFrom.After(now)
	switch {
	case last.algorithm != k.cfg.Algorithm && (!made || k.cfg.AlwaysNext):
		return from, true
	case made:
		return from, false
	}
	planned := k.planned(last.signsFrom)
	if planned.After(from) {
		return planned, k.cfg.AlwaysNext
	}
	return from, true
}

// planned returns when the key after one that signs from then on has its turn.
func (k *Keyring) planned(signsFrom time.Time) time.Time {
	if k.cfg.RotateEvery < 0 {
		return never
	}
	return signsFrom.Add(k.cfg.RotateEvery)
}

// add makes a key that signs from then on, unless another process has made one
// in the meantime.
func (k *Keyring) add(ctx context.Context, from time.Time) error {
	r, err := k.newRow(from)
	if err != nil {
		return err
	}
	res, err := k.db.Exec(ctx, insertRow+" ON CONFLICT DO NOTHING", k.values(r)...)
	if err != nil {
		return fmt.Errorf("store signing key: %w", err)
	}
	if n, err := res.RowsAffected(); err == nil && n == 1 {
		k.cfg.Logger.InfoContext(ctx, "signing key made", "kid", r.id, "signs_from", from)
	}
	return nil
}

const insertRow = `INSERT INTO gate_keys (ring, generation, id, algorithm, sealed, created_at, signs_from)
	VALUES ($1, $2, $3, $4, $5, $6, $7)`

func (k *Keyring) values(r *row) []any {
	return []any{k.cfg.Ring, r.generation, r.id, string(r.algorithm), r.sealed, r.createdAt.UnixMilli(), r.signsFrom.UnixMilli()}
}

// newRow makes a key, the next after those that are known.
func (k *Keyring) newRow(from time.Time) (*row, error) {
	id, sealed, err := k.seal.generate(k.cfg.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	r := &row{generation: 1, id: id, algorithm: k.cfg.Algorithm, sealed: sealed, createdAt: k.cfg.Now(), signsFrom: from}
	if n := len(k.rows); n > 0 {
		r.generation = k.rows[n-1].generation + 1
	}
	return r, nil
}

func (k *Keyring) deleteOver(ctx context.Context, now time.Time) error {
	for i, r := range k.rows {
		if now.Before(k.over(k.rows, i)) {
			continue
		}
		if _, err := k.db.Exec(ctx, "DELETE FROM gate_keys WHERE id = $1", r.id); err != nil {
			return fmt.Errorf("delete signing key: %w", err)
		}
	}
	return nil
}

// remove deletes row i and, when it signs, has another one sign.
func (k *Keyring) remove(ctx context.Context, i int) error {
	now := k.cfg.Now()
	var next *row
	if i == current(k.rows, now) && i == len(k.rows)-1 {
		var err error
		if next, err = k.newRow(now); err != nil {
			return err
		}
	}
	return k.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM gate_keys WHERE id = $1", k.rows[i].id); err != nil {
			return err
		}
		if next != nil {
			_, err := tx.ExecContext(ctx, insertRow, k.values(next)...)
			return err
		}
		if i != current(k.rows, now) {
			return nil
		}
		_, err := tx.ExecContext(ctx, "UPDATE gate_keys SET signs_from = $1 WHERE id = $2 AND signs_from > $1",
			now.UnixMilli(), k.rows[i+1].id)
		return err
	})
}
