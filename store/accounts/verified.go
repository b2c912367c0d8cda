package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gatewright/gate/store"
)

// Verified remembers which e-mail address of an account was shown to be read by
// its owner. An address counts as verified as long as it is the one that was:
// nothing has to be undone when the account gets another. It is safe for
// concurrent use; [NewVerified] makes one.
type Verified struct {
	db  *store.DB
	now func() time.Time
}

// VerifiedConfig configures [NewVerified]. The zero value is ready for use.
type VerifiedConfig struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// NewVerified returns a store in db, whose schema has the [Migrations].
func NewVerified(db *store.DB, cfg VerifiedConfig) (*Verified, error) {
	if db == nil {
		return nil, errors.New("verified addresses: no database")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Verified{db: db, now: cfg.Now}, nil
}

// Is reports whether address, spelt exactly so, is the verified one of the
// account.
func (v *Verified) Is(ctx context.Context, entity, subject, address string) (bool, error) {
	stored, _, err := v.row(ctx, entity, subject)
	return stored == address && address != "", err
}

// Owned is [Verified.Is] for an address that was set with [Verified.SetOwned].
func (v *Verified) Owned(ctx context.Context, entity, subject, address string) (bool, error) {
	stored, owned, err := v.row(ctx, entity, subject)
	return owned && stored == address && address != "", err
}

// row returns the address that was set, empty for none.
func (v *Verified) row(ctx context.Context, entity, subject string) (address string, owned bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var flag int
	err = v.db.Read().QueryRowContext(ctx, "SELECT address, owned FROM gate_verified WHERE entity = $1 AND subject = $2",
		entity, subject).Scan(&address, &flag)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("look up verified address: %w", v.db.Wrap(err))
	}
	return address, flag != 0, nil
}

// Set makes address the verified one of the account. An address that is owned
// stays so.
func (v *Verified) Set(ctx context.Context, entity, subject, address string) error {
	return v.set(ctx, entity, subject, address, 0)
}

// SetOwned is [Verified.Set] for an address of which it was shown besides that
// nobody but its owner has a way into the account: they made the account, or
// every way of before has ended.
func (v *Verified) SetOwned(ctx context.Context, entity, subject, address string) error {
	return v.set(ctx, entity, subject, address, 1)
}

func (v *Verified) set(ctx context.Context, entity, subject, address string, owned int) error {
	_, err := v.db.Exec(ctx, `INSERT INTO gate_verified (entity, subject, address, verified_at, owned) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (entity, subject) DO UPDATE SET verified_at = excluded.verified_at, address = excluded.address,
			owned = CASE WHEN gate_verified.address = excluded.address AND gate_verified.owned = 1 THEN 1 ELSE excluded.owned END`,
		entity, subject, address, v.now().UnixMilli(), owned)
	if err != nil {
		return fmt.Errorf("set verified address: %w", err)
	}
	return nil
}

// Clear forgets the verified address of the account, if it has one: when the
// account is deleted, for instance.
func (v *Verified) Clear(ctx context.Context, entity, subject string) error {
	_, err := v.db.Exec(ctx, "DELETE FROM gate_verified WHERE entity = $1 AND subject = $2", entity, subject)
	if err != nil {
		return fmt.Errorf("clear verified address: %w", err)
	}
	return nil
}
