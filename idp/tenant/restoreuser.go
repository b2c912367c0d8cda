package tenant

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// user checks a user and puts them into the batch.
func (in *restoration) user(ctx context.Context, n int, l *dumpLine) error {
	if err := in.check(ctx, l); err != nil {
		if errors.Is(err, errUnavailable) || ctx.Err() != nil {
			return err
		}
		in.report.fail(n, rowName(l.User), err)
		return nil
	}
	in.users = append(in.users, restoredUser{*l, n})
	if len(in.users) < importBatch {
		return nil
	}
	return in.flush(ctx)
}

// check judges a user by what is here, and puts the IDs here in place of those in
// the dump.
func (in *restoration) check(ctx context.Context, l *dumpLine) error {
	if err := in.identities(ctx, l); err != nil {
		return err
	}
	if err := l.User.fit(); err != nil {
		return err
	}
	for i, role := range l.Roles {
		if id, ok := in.roles[role]; ok {
			l.Roles[i] = id
		}
		if _, err := in.s.Roles.Get(ctx, l.Roles[i]); err != nil {
			return about("roles", err)
		}
	}
	in.permissions(l.Permissions)
	return about("permissions", in.s.unknownPermission(ctx, l.Permissions))
}

// identities gives the identities of a user what they log in by, and judges them.
func (in *restoration) identities(ctx context.Context, l *dumpLine) error {
	u := l.User
	if len(u.Identities) == 0 || len(u.Identities) > maxIdentities || len(l.Logins) > len(u.Identities) {
		return wrong("identities", fmt.Sprintf("Array has to have 1 to %d items, and logins not more", maxIdentities))
	}
	seen := map[string]bool{}
	for i := range u.Identities {
		id, path := &u.Identities[i], fmt.Sprintf("identities[%d].", i)
		c, err := in.s.Connections.ByName(ctx, id.Connection)
		if err != nil {
			return about(path+"connection", err)
		}
		if i < len(l.Logins) {
			login := l.Logins[i]
			id.Email, id.Username, id.PasswordHash, id.PasswordAt = login.Email, login.Username, login.PasswordHash, login.PasswordAt
			id.Unproven = login.Unproven
		}
		if err := id.fit(c); err != nil {
			return about(path, err)
		}
		key := id.Provider + "|" + id.UserID
		if seen[key] {
			return wrong(path+"user_id", "Array items are not unique")
		}
		seen[key] = true
	}
	if !seen[u.ID] {
		return wrong("user_id", "is not that of an identity")
	}
	return nil
}

// flush stores the users of the batch. Its rows count when it is stored.
func (in *restoration) flush(ctx context.Context) error {
	batch := in.users
	in.users = nil
	if len(batch) == 0 {
		return nil
	}
	report := in.report
	err := in.s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		report = in.report
		users := make([]*User, 0, len(batch))
		for _, r := range batch {
			users = append(users, r.User)
		}
		if err := in.s.lockImported(ctx, tx, users); err != nil {
			return err
		}
		for i := range batch {
			if err := in.store(ctx, tx, &batch[i], &report); err != nil {
				return err
			}
		}
		return nil
	})
	switch wrapped := in.s.db.Wrap(err); {
	case err == nil:
		in.report = report
		return nil
	case ctx.Err() != nil || errors.Is(wrapped, errUnavailable):
		return fmt.Errorf("import users: %w", wrapped)
	case len(batch) == 1:
		in.report.fail(batch[0].line, rowName(batch[0].User), wrapped)
		return nil
	}
	for _, u := range batch {
		in.users = []restoredUser{u}
		if err := in.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// store adds a user, or puts them in the place of the one with the same ID.
func (in *restoration) store(ctx context.Context, tx *sql.Tx, r *restoredUser, report *ImportReport) error {
	u := r.User
	done, err := in.s.insertUser(ctx, tx, u)
	if err != nil {
		return err
	}
	if !done {
		ids, err := in.s.sameUsers(ctx, tx, u)
		if err != nil {
			return err
		}
		if len(ids) != 1 || ids[0] != u.ID {
			report.fail(r.line, rowName(u), fmt.Errorf("ID, identity, address or user name of another user %w", ErrExists))
			return nil
		}
		if err := in.replace(ctx, tx, u); err != nil {
			return err
		}
	}
	for _, role := range r.Roles {
		_, err := tx.ExecContext(ctx, "INSERT INTO idp_user_roles (user_id, role_id) VALUES ($1, $2) ON CONFLICT DO NOTHING", u.ID, role)
		if err != nil {
			return err
		}
	}
	for _, p := range r.Permissions {
		_, err := tx.ExecContext(ctx, `INSERT INTO idp_user_permissions (user_id, api, name) VALUES ($1, $2, $3)
			ON CONFLICT DO NOTHING`, u.ID, p.API, p.Name)
		if err != nil {
			return err
		}
	}
	if done {
		report.Inserted++
	} else {
		report.Updated++
	}
	return nil
}

// replace puts a user in the place of the one with the same ID. Passwords that
// the dump does not have stay, and so do identities. A password that stays is
// still that of whoever signed up. One that is another, or a block, ends what the
// user has open.
func (in *restoration) replace(ctx context.Context, tx *sql.Tx, u *User) error {
	old, err := in.s.lockUser(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	replaced := *u // the row stays as it was read, for another run
	replaced.Identities = slices.Clone(u.Identities)
	u = &replaced
	ends := u.Blocked && !old.Blocked
	for i := range u.Identities {
		id := &u.Identities[i]
		for _, have := range old.Identities {
			if have.Provider != id.Provider || have.UserID != id.UserID {
				continue
			}
			if id.PasswordHash == "" {
				id.PasswordHash, id.PasswordAt = have.PasswordHash, have.PasswordAt
				id.Unproven = cmp.Or(id.Unproven, have.Unproven)
			}
			ends = ends || id.PasswordHash != have.PasswordHash
		}
		if _, err := insertIdentity(ctx, tx, u.ID, len(old.Identities)+i, id, in.s.now()); err != nil {
			return err
		}
	}
	if ends {
		if _, err := in.s.endAll(ctx, tx, u.ID); err != nil {
			return err
		}
	}
	return in.s.saveUser(ctx, tx, u)
}
