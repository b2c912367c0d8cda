package tenant

import (
	"context"
	"database/sql"
	"maps"
	"slices"
)

// lockImported locks what an import of users changes before it changes anything,
// each kind in one order: their connections, which then stay, and where no other
// import adds users meanwhile, and those of the users who are there already. The
// order of a file is anybody's: two that follow theirs would wait for each other.
func (s *Store) lockImported(ctx context.Context, tx *sql.Tx, users []*User) error {
	connections := map[string]bool{}
	var ids, providers, subjects, of, emails, names []string
	for _, u := range users {
		ids = append(ids, u.ID)
		for _, i := range u.Identities {
			connections[i.Connection] = true
			providers, subjects = append(providers, i.Provider), append(subjects, i.UserID)
			of, emails, names = append(of, i.Connection), append(emails, i.Email), append(names, i.Username)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(connections)) {
		if _, err := s.held(ctx, tx, kindConnection, name, " FOR NO KEY UPDATE"); err != nil {
			return err
		}
	}
	return s.lockUsers(ctx, tx, `SELECT unnest($1::text[])
		UNION SELECT user_id FROM idp_identities WHERE (provider, subject) IN (SELECT * FROM unnest($2::text[], $3::text[]))
		UNION SELECT user_id FROM idp_identities WHERE (connection, email) IN (SELECT * FROM unnest($4::text[], $5::text[]))
		UNION SELECT user_id FROM idp_identities WHERE (connection, username) IN (SELECT * FROM unnest($4::text[], $6::text[]))`,
		ids, providers, subjects, of, emails, names)
}
