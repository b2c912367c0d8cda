package auth

import (
	"context"
	"fmt"
	"strings"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/identities"
)

// Renamed is an entity that logs in, and had another name.
type Renamed struct {
	// From and To are its keys, if it is that of the accounts; those of one of
	// [Config.Also] are what subjects start with: "Sponsor/" and "Donor/".
	From, To string
	// Table is the table that it had by the name of before, empty if that is the same.
	Table string
}

// follow gives what is kept of who logs in the names that entities have now.
func (c *Config) follow(ctx context.Context, db *store.DB) error {
	for _, r := range c.Renamed {
		if err := c.carry(ctx, db, r.From, r.To); err != nil {
			return err
		}
	}
	return nil
}

// Unfollow undoes what a start did for the entities whose tables a migration that was
// taken back gave their names of before.
func (c *Config) Unfollow(ctx context.Context, db *store.DB, down string) error {
	for _, r := range c.Renamed {
		if r.Table == "" || !strings.Contains(down, fmt.Sprintf(" RENAME TO %q;", r.Table)) {
			continue
		}
		if err := c.carry(ctx, db, r.To, r.From); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) carry(ctx context.Context, db *store.DB, from, to string) error {
	if strings.HasSuffix(from, "/") {
		return accounts.RenameSubjects(ctx, db, from, to)
	}
	if err := accounts.RenameEntity(ctx, db, from, to); err != nil || c.OIDC == nil || c.OIDC.Users == nil {
		return err
	}
	return identities.RenameEntity(ctx, db, from, to)
}
