package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/store"
)

// Promote has the next key sign from now on, in this process when it returns
// and in the others within a minute, makes the key after it, and describes the
// one that signs. The key that signed until now is retired.
//
// Verifiers elsewhere know the key when it was published for long enough, which
// [Config.AlwaysNext] sees to. When there is no next key, a new one signs that
// nobody has seen. Two processes that promote at the same moment promote one
// key.
func (k *Keyring) Promote(ctx context.Context) (Info, error) {
	k.refreshing.Lock()
	defer k.refreshing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	began := k.cfg.Now().Truncate(time.Millisecond)
	for try := range maxTries {
		if err := k.read(ctx); err != nil {
			return Info{}, fmt.Errorf("keyring: promote: %w", err)
		}
		now := k.cfg.Now()
		if i := current(k.rows, now); try > 0 && !k.rows[i].signsFrom.Before(began) {
			return k.info(i, now), k.apply(ctx) // another process did
		}
		id, err := k.promote(ctx, now)
		if err != nil && k.db.Classify(err).Kind == store.Unique {
			continue // another process made a key; look again
		}
		if err != nil {
			return Info{}, fmt.Errorf("keyring: promote: %w", err)
		}
		k.cfg.Logger.InfoContext(ctx, "signing key promoted by hand", "kid", id)
		if err := k.read(ctx); err != nil {
			return Info{}, fmt.Errorf("keyring: promote: %w", err)
		}
		if err := k.apply(ctx); err != nil {
			return Info{}, err
		}
		return k.describe(id, now)
	}
	return Info{}, fmt.Errorf("keyring: promote: %w", store.ErrUnavailable)
}

// promote has the last row sign, or a new one if that signs already, and adds
// the one after it. It returns the name of the one that signs.
func (k *Keyring) promote(ctx context.Context, now time.Time) (id string, err error) {
	var rows []*row
	if n := len(k.rows); n > 0 && k.rows[n-1].signsFrom.After(now) {
		id = k.rows[n-1].id
	} else {
		first, err := k.newRow(now)
		if err != nil {
			return "", err
		}
		id, rows = first.id, append(rows, first)
	}
	next, err := k.newRow(k.planned(now))
	if err != nil {
		return "", err
	}
	next.generation += int64(len(rows))
	rows = append(rows, next)
	return id, k.db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE gate_keys SET signs_from = $1 WHERE id = $2 AND signs_from > $1", now.UnixMilli(), id)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if _, err := tx.ExecContext(ctx, insertRow, k.values(r)...); err != nil {
				return err
			}
		}
		return nil
	})
}

// describe returns what is known of a key.
func (k *Keyring) describe(id string, now time.Time) (Info, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, r := range k.rows {
		if r.id == id {
			return k.info(i, now), nil
		}
	}
	return Info{}, fmt.Errorf("keyring: %q: %w", id, ErrNoKey) // removed in between
}

// hasten has the next key sign as soon as it has been published for long
// enough, and applies what is known.
func (k *Keyring) hasten(ctx context.Context, next row, now time.Time) error {
	from := next.createdAt.Add(k.cfg.PublishBefore)
	if from.Before(now) {
		from = now
	}
	if !k.cfg.AlwaysNext || !from.Before(next.signsFrom) {
		return k.apply(ctx)
	}
	_, err := k.db.Exec(ctx, "UPDATE gate_keys SET signs_from = $1 WHERE id = $2 AND signs_from > $1", from.UnixMilli(), next.id)
	if err == nil {
		err = k.read(ctx)
	}
	if err != nil {
		err = fmt.Errorf("keyring: rotate: %w", err)
	}
	return errors.Join(err, k.apply(ctx))
}
