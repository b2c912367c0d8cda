package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/store"
)

// List returns the live keys of an account, the newest first, at most a hundred.
func (k *APIKeys) List(ctx context.Context, entity, subject string) ([]APIKey, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := k.db.Read().QueryContext(ctx, "SELECT "+keyColumns+` FROM gate_api_keys
		WHERE entity = $1 AND subject = $2 AND revoked_at IS NULL AND expires_at > $3
		ORDER BY created_at DESC, id LIMIT $4`, entity, subject, k.now().UnixMilli(), 2*maxKeys)
	if err != nil {
		return nil, fmt.Errorf("list api keys: %w", k.db.Wrap(err))
	}
	defer rows.Close()
	var list []APIKey
	for rows.Next() {
		var raw rawKey
		if err := raw.scan(rows); err != nil {
			return nil, fmt.Errorf("list api keys: %w", k.db.Wrap(err))
		}
		key, err := raw.key()
		if err != nil {
			return nil, fmt.Errorf("list api keys: %w", err)
		}
		list = append(list, key)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list api keys: %w", k.db.Wrap(err))
	}
	return list, nil
}

// Rotate makes a successor of a key of this account, which lives for as long as
// the key was to live, and returns its text, which is not shown again. The key
// itself goes on for the overlap, at most [MaxKeyOverlap], or until it expires;
// what it had succeeded ends now, so that two are live and no more. A key has one
// successor: [ErrKeyRotated] says that it has it. [ErrNoKey] says that the account
// has no such live key.
func (k *APIKeys) Rotate(ctx context.Context, entity, subject, id string, overlap time.Duration) (text string, key APIKey, err error) {
	switch {
	case overlap < 0 || overlap > MaxKeyOverlap:
		return "", APIKey{}, fmt.Errorf("rotate api key: overlap of %v is not between 0 and %v", overlap, MaxKeyOverlap)
	case !validKeyID(id):
		return "", APIKey{}, ErrNoKey
	}
	now := k.now()
	err = insist(ctx, k.db, func(ctx context.Context, tx *sql.Tx) error {
		if err := k.lockAccount(ctx, tx, entity, subject); err != nil {
			return err
		}
		old, err := lockKey(ctx, tx, entity, subject, id, now)
		if err != nil {
			return err
		}
		key = old
		key.CreatedAt, key.LastUsedAt = time.UnixMilli(now.UnixMilli()), time.Time{}
		key.ExpiresAt = key.CreatedAt.Add(old.ExpiresAt.Sub(old.CreatedAt))
		if text, err = k.insert(ctx, tx, &key, sql.NullString{String: id, Valid: true}); err != nil {
			return err
		}
		return retire(ctx, tx, id, now, overlap)
	})
	k.cache.dropIf(func(f *foundKey) bool { return f.Entity == entity && f.Subject == subject })
	switch {
	case errors.Is(err, ErrNoKey):
		return "", APIKey{}, ErrNoKey
	case k.db.Classify(err).Kind == store.Unique:
		return "", APIKey{}, ErrKeyRotated
	case err != nil:
		return "", APIKey{}, fmt.Errorf("rotate api key: %w", err)
	}
	return text, key, nil
}

// lockKey returns a live key of the account, which nobody else changes until the
// transaction is over.
func lockKey(ctx context.Context, tx *sql.Tx, entity, subject, id string, now time.Time) (APIKey, error) {
	var raw rawKey
	err := raw.scan(tx.QueryRowContext(ctx, `UPDATE gate_api_keys SET name = name
		WHERE id = $1 AND entity = $2 AND subject = $3 AND revoked_at IS NULL AND expires_at > $4
		RETURNING `+keyColumns, id, entity, subject, now.UnixMilli()))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return APIKey{}, ErrNoKey
	case err != nil:
		return APIKey{}, err
	}
	return raw.key()
}

// retire ends a key after the overlap, and the one before it now.
func retire(ctx context.Context, tx *sql.Tx, id string, now time.Time, overlap time.Duration) error {
	if _, err := tx.ExecContext(ctx, "UPDATE gate_api_keys SET expires_at = $1 WHERE id = $2 AND expires_at > $1",
		now.Add(overlap).UnixMilli(), id); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE gate_api_keys SET revoked_at = $1 WHERE revoked_at IS NULL AND expires_at > $1
		AND id = (SELECT predecessor FROM gate_api_keys WHERE id = $2)`, now.UnixMilli(), id)
	return err
}

// Revoke ends a key of this account. One that is somebody else's, has ended or
// never was is [ErrNoKey]: the three look alike.
func (k *APIKeys) Revoke(ctx context.Context, entity, subject, id string) error {
	if !validKeyID(id) {
		return ErrNoKey
	}
	n, err := affected(k.db, func() (sql.Result, error) {
		return k.db.Exec(ctx, `UPDATE gate_api_keys SET revoked_at = $1
			WHERE id = $2 AND entity = $3 AND subject = $4 AND revoked_at IS NULL AND expires_at > $1`,
			k.now().UnixMilli(), id, entity, subject)
	})
	k.cache.drop(id)
	switch {
	case err != nil:
		return fmt.Errorf("revoke api key: %w", err)
	case n == 0:
		return ErrNoKey
	}
	return nil
}

// RevokeSubject ends every key of an account, those too that are made at that
// moment, and returns how many there were that had not been revoked.
func (k *APIKeys) RevokeSubject(ctx context.Context, entity, subject string) (n int, err error) {
	err = insist(ctx, k.db, func(ctx context.Context, tx *sql.Tx) (err error) {
		n, err = k.revokeSubject(ctx, tx, entity, subject)
		return err
	})
	k.cache.dropIf(func(f *foundKey) bool { return f.Entity == entity && f.Subject == subject })
	if err != nil {
		return 0, fmt.Errorf("revoke api keys: %w", err)
	}
	return n, nil
}

// RevokeSubjectIn is [APIKeys.RevokeSubject] within a transaction of the caller, who
// calls told after the commit.
func (k *APIKeys) RevokeSubjectIn(ctx context.Context, tx *sql.Tx, entity, subject string) (told func(context.Context), err error) {
	if _, err := k.revokeSubject(ctx, tx, entity, subject); err != nil {
		return nil, fmt.Errorf("revoke api keys: %w", k.db.Wrap(err))
	}
	return func(context.Context) {
		k.cache.dropIf(func(f *foundKey) bool { return f.Entity == entity && f.Subject == subject })
	}, nil
}

func (k *APIKeys) revokeSubject(ctx context.Context, tx *sql.Tx, entity, subject string) (int, error) {
	if err := k.lockAccount(ctx, tx, entity, subject); err != nil {
		return 0, err
	}
	return affected(k.db, func() (sql.Result, error) {
		return tx.ExecContext(ctx, "UPDATE gate_api_keys SET revoked_at = $1 WHERE entity = $2 AND subject = $3 AND revoked_at IS NULL",
			k.now().UnixMilli(), entity, subject)
	})
}

// lockAccount lets one transaction at a time make keys of an account, or end them
// all. Locking the keys would not do: a statement that waits for one of them does
// not see the successor that it got in the meantime. SQLite has one writer anyway.
func (k *APIKeys) lockAccount(ctx context.Context, tx *sql.Tx, entity, subject string) error {
	if k.db.Dialect() != store.Postgres {
		return nil
	}
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "gate_api_keys "+entity+" "+subject)
	return err
}

// RevokeAll ends the keys of everyone, of [APIKeysConfig.Entity] if that is set,
// and returns how many there were. It works in batches: after an error the rest
// is still there, and the call is made again.
func (k *APIKeys) RevokeAll(ctx context.Context) (int, error) {
	total := 0
	for {
		n, err := k.revokeSome(ctx)
		k.cache.dropIf(func(*foundKey) bool { return true })
		total += n
		switch {
		case err != nil:
			return total, fmt.Errorf("revoke all api keys: %w", err)
		case n < batchSize:
			return total, nil
		}
	}
}

// revokeSome ends a batch of keys, while nobody makes any.
func (k *APIKeys) revokeSome(ctx context.Context) (n int, err error) {
	err = insist(ctx, k.db, func(ctx context.Context, tx *sql.Tx) error {
		if k.db.Dialect() == store.Postgres {
			if _, err := tx.ExecContext(ctx, "LOCK TABLE gate_api_keys IN SHARE ROW EXCLUSIVE MODE"); err != nil {
				return err
			}
		}
		n, err = affected(k.db, func() (sql.Result, error) {
			return tx.ExecContext(ctx, `UPDATE gate_api_keys SET revoked_at = $1 WHERE id IN
				(SELECT id FROM gate_api_keys WHERE revoked_at IS NULL AND expires_at > $1 AND ($2 = '' OR entity = $2) LIMIT $3)`,
				k.now().UnixMilli(), k.entity, batchSize)
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
