package idptest

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/keyring"
)

// keys are the signing keys of providers that have ended. To make two RSA keys
// takes a provider a quarter of a second under the race detector, and few tests
// are about them. Providers that run at the same time never have the same ones,
// unless they share a database.
var keys = &pool{idle: make(map[kind][][]key)}

type pool struct {
	mu   sync.Mutex
	idle map[kind][][]key
}

// A kind is what keys depend on.
type kind struct {
	secret      string
	rotateEvery time.Duration
}

// A key is a row of the keyring.
type key struct {
	ring                string
	generation          int64
	id, algorithm, text string
	created, signs      int64 // Unix time in milliseconds
}

// take returns keys that no provider has, or nil.
func (p *pool) take(k kind) []key {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[k]
	if len(list) == 0 {
		return nil
	}
	p.idle[k] = list[:len(list)-1]
	return list[len(list)-1]
}

func (p *pool) put(k kind, rows []key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle[k] = append(p.idle[k], rows)
}

// open opens a provider with keys that were made before, if it has none and there
// are some.
func open(t testing.TB, db *store.DB, cfg idp.Config) (*idp.Provider, error) {
	t.Helper()
	ctx := t.Context()
	if _, err := db.Migrate(ctx, keyring.Component, keyring.Migrations(db.Dialect())); err != nil {
		return nil, err
	}
	old, err := read(ctx, db)
	if err != nil {
		return nil, err
	}
	if len(old) > 0 { // of a provider before, on the same database
		return idp.Open(ctx, db, cfg)
	}
	k := kind{string(cfg.Secret), cfg.RotateEvery}
	rows := keys.take(k)
	now := time.Now
	if cfg.Now != nil {
		now = cfg.Now
	}
	if err := write(ctx, db, rows, now()); err != nil {
		return nil, err
	}
	provider, err := idp.Open(ctx, db, cfg)
	if err != nil {
		return nil, err
	}
	if rows == nil {
		if rows, err = read(ctx, db); err != nil {
			return nil, err
		}
	}
	t.Cleanup(func() { keys.put(k, rows) })
	return provider, nil
}

func read(ctx context.Context, db *store.DB) (list []key, err error) {
	rows, err := db.Read().QueryContext(ctx,
		"SELECT ring, generation, id, algorithm, sealed, created_at, signs_from FROM gate_keys ORDER BY ring, generation")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k key
		if err := rows.Scan(&k.ring, &k.generation, &k.id, &k.algorithm, &k.text, &k.created, &k.signs); err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, rows.Err()
}

// write adds keys as if they had just been made.
func write(ctx context.Context, db *store.DB, list []key, now time.Time) error {
	if len(list) == 0 {
		return nil
	}
	const years = 100 * 365 * 24 * int64(time.Hour/time.Millisecond) // what is further away waits for somebody to ask for it
	last := slices.MaxFunc(list, func(a, b key) int { return cmp.Compare(a.created, b.created) })
	later := now.UnixMilli() - last.created
	return db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, k := range list {
			if k.signs-last.created < years {
				k.signs += later
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO gate_keys (ring, generation, id, algorithm, sealed, created_at, signs_from)
				VALUES ($1, $2, $3, $4, $5, $6, $7)`, k.ring, k.generation, k.id, k.algorithm, k.text, k.created+later, k.signs)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
