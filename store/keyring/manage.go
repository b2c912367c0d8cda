package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store"
)

// A State is what a key is there for now.
type State string

// The states, in the order in which a key goes through them.
const (
	Next    State = "next"    // published, for verifiers to know it
	Signing State = "signing" // signs and verifies
	Retired State = "retired" // verifies what it signed
)

// Info describes a key, without its secret.
type Info struct {
	ID        string
	Algorithm jose.Algorithm
	State     State
	CreatedAt time.Time
	// SignsFrom is when it began or begins to sign; zero for one that waits for
	// [Keyring.Promote].
	SignsFrom time.Time
	// GoneAt is when its last token has expired and it is deleted; zero while
	// nobody knows when the key after it begins to sign.
	GoneAt time.Time
}

// List returns the keys, the newest first, as they are in the database.
func (k *Keyring) List(ctx context.Context) ([]Info, error) {
	if err := k.Refresh(ctx); err != nil {
		return nil, err
	}
	now := k.cfg.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []Info
	for i := range slices.Backward(k.rows) {
		if info := k.info(i, now); info.GoneAt.IsZero() || now.Before(info.GoneAt) {
			list = append(list, info)
		}
	}
	return list, nil
}

// info describes row i.
func (k *Keyring) info(i int, now time.Time) Info {
	r := &k.rows[i]
	info := Info{ID: r.id, Algorithm: r.algorithm, State: Signing, CreatedAt: r.createdAt}
	switch signing := current(k.rows, now); {
	case i > signing:
		info.State = Next
	case i < signing:
		info.State = Retired
	}
	if r.signsFrom.Before(never) {
		info.SignsFrom = r.signsFrom
	}
	if gone := k.over(k.rows, i); gone.Before(never) {
		info.GoneAt = gone
	}
	return info
}

// Rotate makes the next key, which signs after [Config.PublishBefore], and
// returns its name. When there is a next key already it is that; one that is
// there because of [Config.AlwaysNext] signs as soon as it has been published
// for long enough.
func (k *Keyring) Rotate(ctx context.Context) (kid string, err error) {
	k.refreshing.Lock()
	defer k.refreshing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	for range maxTries {
		if err := k.read(ctx); err != nil {
			return "", fmt.Errorf("keyring: rotate: %w", err)
		}
		now := k.cfg.Now()
		from := now
		if n := len(k.rows); n > 0 {
			if last := k.rows[n-1]; last.signsFrom.After(now) {
				return last.id, k.hasten(ctx, last, now)
			}
			from = now.Add(k.cfg.PublishBefore)
		}
		if err := k.add(ctx, from); err != nil {
			return "", fmt.Errorf("keyring: rotate: %w", err)
		}
	}
	return "", fmt.Errorf("keyring: rotate: %w", store.ErrUnavailable)
}

// Remove deletes a key because it leaked, or [ErrNoKey]. Its tokens are refused
// by this process when Remove returns, by others within a minute. When it was
// the one that signs, the next key, or a new one, signs from now on.
func (k *Keyring) Remove(ctx context.Context, kid string) error {
	k.refreshing.Lock()
	defer k.refreshing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	for range maxTries {
		if err := k.read(ctx); err != nil {
			return fmt.Errorf("keyring: remove: %w", err)
		}
		i := slices.IndexFunc(k.rows, func(r row) bool { return r.id == kid })
		if i < 0 {
			return errors.Join(fmt.Errorf("keyring: remove %q: %w", kid, ErrNoKey), k.apply(ctx))
		}
		err := k.remove(ctx, i)
		if err != nil && k.db.Classify(err).Kind != store.Unique {
			return fmt.Errorf("keyring: remove: %w", err)
		}
		if err != nil {
			continue // another process made a key; look again
		}
		k.cfg.Logger.WarnContext(ctx, "signing key removed by hand", "kid", kid)
		err = k.read(ctx)
		if err == nil && k.cfg.AlwaysNext {
			err = k.extend(ctx)
		}
		if err != nil {
			err = fmt.Errorf("keyring: remove: %w", err)
		}
		return errors.Join(err, k.apply(ctx))
	}
	return fmt.Errorf("keyring: remove: %w", store.ErrUnavailable)
}
