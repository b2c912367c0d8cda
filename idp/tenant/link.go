package tenant

import (
	"context"
	"database/sql"
	"fmt"
)

// LinkIdentity makes the identities of secondary those of primary, each with
// the profile that it had, and removes secondary with its metadata and roles, and logs
// it out. It returns [ErrBlocked] when one of them is blocked, and [ErrUnproven] when a
// stranger may have made one of them.
func (s *Store) LinkIdentity(ctx context.Context, primary, secondary string) (*User, error) {
	return s.LinkIdentityIf(ctx, primary, secondary, func(_, _ *User) error { return nil })
}

// LinkIdentityIf does the same if allow, which gets both users as they are then,
// returns no error. Its error comes back as it is.
func (s *Store) LinkIdentityIf(ctx context.Context, primary, secondary string, allow func(primary, secondary *User) error) (*User, error) {
	if primary == secondary {
		return nil, fmt.Errorf("user %w", ErrExists)
	}
	err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		first, second := min(primary, secondary), max(primary, secondary) // one order, so that no two wait for each other
		a, err := s.lockUser(ctx, tx, first)
		if err != nil {
			return err
		}
		b, err := s.lockUser(ctx, tx, second)
		if err != nil {
			return err
		}
		if a.ID != primary {
			a, b = b, a
		}
		if a.Blocked || b.Blocked {
			return fmt.Errorf("user %w", ErrBlocked) // an account that is kept out does not come in by another one
		}
		if a.unproven() || b.unproven() {
			return fmt.Errorf("user %w", ErrUnproven) // whoever proves the address would share the other account
		}
		if err := allow(a, b); err != nil {
			return err
		}
		if err := s.moveIdentities(ctx, tx, a, b); err != nil {
			return err
		}
		if _, err := s.logOut(ctx, tx, "user_id = $1", secondary); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM idp_tokens WHERE user_id = $1", secondary); err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, "DELETE FROM idp_users WHERE id = $1", secondary); err != nil {
			return err
		}
		return s.noteChange(ctx, tx, primary)
	})
	if err := s.userError(err); err != nil {
		return nil, err
	}
	return s.User(ctx, primary)
}

// noteChange sets the time of the last change of a user.
func (s *Store) noteChange(ctx context.Context, tx *sql.Tx, userID string) error {
	_, err := tx.ExecContext(ctx, "UPDATE idp_users SET updated_at = $2 WHERE id = $1", userID, millis(s.now()))
	return err
}

// moveIdentities gives the identities of b to a, after those it has. The one
// that b was created by takes the profile of b along; the others, linked
// before, have theirs.
func (s *Store) moveIdentities(ctx context.Context, tx *sql.Tx, a, b *User) error {
	var position int
	err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(position), 0) FROM idp_identities WHERE user_id = $1", a.ID).Scan(&position)
	if err != nil {
		return err
	}
	for i, id := range b.Identities {
		if i == 0 || len(id.Profile) == 0 {
			id.Profile = profileData(b)
		}
		profile, err := encodeProfile(id.Profile)
		if err != nil {
			return err
		}
		position++
		_, err = tx.ExecContext(ctx, `UPDATE idp_identities SET user_id = $3, position = $4, profile = $5
			WHERE provider = $1 AND subject = $2`, id.Provider, id.UserID, a.ID, position, profile)
		if err != nil {
			return err
		}
	}
	return nil
}

// profileData is what a linked identity keeps of the user it was.
func profileData(u *User) map[string]any {
	profile := map[string]any{"email": u.Email, "email_verified": u.EmailVerified, "name": u.Name}
	for name, value := range map[string]string{
		"nickname": u.Nickname, "picture": u.Picture, "username": u.Username, "given_name": u.GivenName, "family_name": u.FamilyName,
	} {
		if value != "" {
			profile[name] = value
		}
	}
	return profile
}

// UnlinkIdentity takes an identity from a user and makes a user of it again,
// without metadata and roles. Who came in by its connection is logged out: it
// returns the sessions that it ended. It returns [ErrNotFound] when the user has no
// such identity, and refuses to take the one that the ID comes from.
func (s *Store) UnlinkIdentity(ctx context.Context, userID, provider, subject string) (u *User, ended []*Session, err error) {
	err = s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		u, err := s.lockUser(ctx, tx, userID)
		if err != nil {
			return err
		}
		for _, i := range u.Identities {
			if i.Provider != provider || i.UserID != subject {
				continue
			}
			if u.ID == provider+"|"+subject || len(u.Identities) == 1 {
				return fmt.Errorf("the primary identity %w as a user of its own", ErrExists)
			}
			if err := s.splitOff(ctx, tx, i, u.Blocked); err != nil {
				return err
			}
			if ended, err = s.endWay(ctx, tx, i.Connection, "$1", userID); err != nil {
				return err
			}
			return s.noteChange(ctx, tx, userID)
		}
		return fmt.Errorf("identity %w", ErrNotFound)
	})
	if err := s.userError(err); err != nil {
		return nil, nil, err
	}
	u, err = s.User(ctx, userID)
	return u, ended, err
}

// ownProfile returns the user that an identity was. Of its profile, which
// another provider may have written, only what describes a person counts; and
// what it says of the address, only as long as that is the one to log in by.
func ownProfile(i Identity) *User {
	text := func(name string) string {
		value, _ := i.Profile[name].(string) // what is no text is left out
		return value
	}
	u := &User{
		Email: text("email"), Name: text("name"), Nickname: text("nickname"), Picture: text("picture"),
		Username: text("username"), GivenName: text("given_name"), FamilyName: text("family_name"),
	}
	u.EmailVerified, _ = i.Profile["email_verified"].(bool)
	if i.Email != "" && i.Email != u.Email {
		u.Email, u.EmailVerified = i.Email, false
	}
	return u
}

// splitOff makes a user of an identity, blocked as the one that it belonged to.
func (s *Store) splitOff(ctx context.Context, tx *sql.Tx, i Identity, blocked bool) error {
	u := ownProfile(i)
	u.ID = i.Provider + "|" + i.UserID
	doc, err := encodeUser(u)
	if err != nil {
		return err
	}
	now := millis(s.now())
	_, err = tx.ExecContext(ctx, `INSERT INTO idp_users
		(id, connection, email, name, blocked, doc, created_at, updated_at, last_login_at, last_ip, logins_count, epoch)
		VALUES ($1, $2, $3, $4, $7, $5, $6, $6, 0, '', 0, $8)`, u.ID, i.Connection, u.Email, cut(u.Name, 400), doc, now, bit(blocked), newEpoch())
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE idp_identities SET user_id = $3, position = 0 WHERE provider = $1 AND subject = $2",
		i.Provider, i.UserID, u.ID)
	return err
}

// detach takes from a user every identity but the one that the ID comes from,
// each of which becomes a user of its own, and what clients were allowed.
func (s *Store) detach(ctx context.Context, tx *sql.Tx, u *User) error {
	own := make([]Identity, 0, 1)
	for _, i := range u.Identities {
		if u.ID == i.Provider+"|"+i.UserID {
			own = append(own, i)
			continue
		}
		if err := s.splitOff(ctx, tx, i, u.Blocked); err != nil {
			return err
		}
	}
	u.Identities = own
	_, err := tx.ExecContext(ctx, "DELETE FROM idp_consents WHERE user_id = $1", u.ID)
	return err
}

// ownerOf returns the user whose password a change of the password of an identity
// of u is: u, or who the identity becomes. For whoever gets the letter need
// not be the one who linked an address that nobody had proven.
func (s *Store) ownerOf(ctx context.Context, tx *sql.Tx, u *User, provider, subject string) (*User, error) {
	for _, i := range u.Identities {
		switch {
		case i.Provider != provider || i.UserID != subject:
			continue
		case u.ID == provider+"|"+subject, len(u.Identities) == 1, i.Email == "", ownProfile(i).EmailVerified && i.Unproven == "":
			return u, nil
		}
		if err := s.splitOff(ctx, tx, i, u.Blocked); err != nil {
			return nil, err
		}
		if err := s.noteChange(ctx, tx, u.ID); err != nil {
			return nil, err
		}
		return s.lockUser(ctx, tx, provider+"|"+subject)
	}
	return nil, fmt.Errorf("identity %w", ErrNotFound)
}
