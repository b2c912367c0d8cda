package tenant_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// SES-05: what was ended stays ended. However an account comes to be under an ID
// that was there before, its epochs are others.
func TestSES05_epochsNeverRepeat(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		ada := create(t, s, newUser("ada@example.com"))
		bob := newUser("bob@example.com")
		create(t, s, bob)
		_, subject, _ := strings.Cut(bob.ID, "|")
		seen := map[int64]string{}
		note := func(how string) {
			t.Helper()
			u, err := s.User(ctx, bob.ID)
			must(t, err)
			if before, again := seen[u.Epoch]; again {
				t.Errorf("%s: epoch %d as %s", how, u.Epoch, before)
			}
			if u.Epoch <= 1<<40 {
				t.Errorf("%s: epoch %d could be one of before", how, u.Epoch)
			}
			seen[u.Epoch] = how
		}
		if note("made"); seen[bob.Epoch] == "" {
			t.Error("the user who was made does not know the epoch")
		}
		must(t, s.EndAll(ctx, bob.ID))
		note("ended")
		for range 2 {
			_, err := s.LinkIdentity(ctx, ada.ID, bob.ID)
			must(t, err)
			_, _, err = s.UnlinkIdentity(ctx, ada.ID, tenant.Database, subject)
			must(t, err)
			note("unlinked")
		}
		_, err := s.LinkIdentity(ctx, ada.ID, bob.ID)
		must(t, err)
		_, _, err = s.SetPassword(ctx, tenant.PasswordChange{UserID: ada.ID, Provider: tenant.Database, Subject: subject, Hash: "new"})
		must(t, err)
		note("split off by a reset")
		must(t, s.DeleteUser(ctx, bob.ID))
		again := newUser("other@example.com")
		again.Identities[0].UserID = subject
		create(t, s, again)
		note("made again")
	})
}

// SES-05, CLI-08: rows of before. Their epochs are none that a token of an earlier
// account can have, their sessions go on, and who is not verified may be anybody's.
func TestMigrations_strangers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ms := tenant.Migrations(db.Dialect())
		if _, err := db.Migrate(t.Context(), tenant.Component, ms[:4]); err != nil {
			t.Fatal(err)
		}
		must(t, db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			for subject, doc := range map[string]string{
				"no":    `{"email_verified":false,"user_metadata":{"email_verified":true}}`,
				"yes":   `{"email_verified":true,"user_metadata":{"email_verified":false}}`,
				"blank": `{"email_verified":false}`,
			} {
				id := "auth0|" + subject
				_, err := tx.ExecContext(ctx, `INSERT INTO idp_users
					(id, connection, email, name, blocked, doc, created_at, updated_at, last_login_at, last_ip, logins_count, epoch)
					VALUES ($1, 'db', $2, '', 0, $3, 1, 1, 0, '', 0, 3)`, id, subject+"@example.com", doc)
				if err != nil {
					return err
				}
				hash := sql.NullString{String: "hash", Valid: subject != "blank"}
				_, err = tx.ExecContext(ctx, `INSERT INTO idp_identities
					(provider, subject, connection, user_id, position, email, password_hash, password_at, social, profile, created_at)
					VALUES ('auth0', $1, 'db', $2, 0, $3, $4, 0, 0, 'null', 1)`, subject, id, subject+"@example.com", hash)
				if err != nil {
					return err
				}
				_, err = tx.ExecContext(ctx, `INSERT INTO idp_sessions
					(hash, id, user_id, doc, created_at, authenticated_at, used_at, idle_expires_at, expires_at, epoch)
					VALUES ($1, $2, $3, '{}', 1, 1, 1, 9000000000000, 9000000000000, 3)`, []byte(subject), subject, id)
				if err != nil {
					return err
				}
			}
			return nil
		}))
		s := open(t, db, nil)
		for subject, mark := range map[string]string{"no": tenant.NoBrowser, "yes": "", "blank": ""} {
			u, err := s.User(t.Context(), "auth0|"+subject)
			must(t, err)
			if u.Identities[0].Unproven != mark || u.Epoch < 1<<32 {
				t.Errorf("%s: %+v", subject, u)
			}
			if ses, err := s.Session(t.Context(), subject); err != nil || ses.Epoch != u.Epoch {
				t.Errorf("session of %s: %+v, %v", subject, ses, err)
			}
		}
	})
}
