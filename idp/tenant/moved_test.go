package tenant_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// movedTo gives a user another address, which nobody has proven.
func movedTo(t *testing.T, s *tenant.Store, u *tenant.User, email string) *tenant.User {
	t.Helper()
	u, err := s.UpdateUser(t.Context(), u.ID, func(u *tenant.User) error {
		u.Email, u.EmailVerified = email, false
		u.Identities[0].Email = email
		return nil
	})
	must(t, err)
	return u
}

func verify(t *testing.T, s *tenant.Store, u *tenant.User) *tenant.User {
	t.Helper()
	u, err := s.UpdateUser(t.Context(), u.ID, func(u *tenant.User) error { u.EmailVerified = true; return nil })
	must(t, err)
	return u
}

// CLI-08: that the address of an account was changed is known until whoever has the
// account has shown that the address is theirs, also in a copy of the account.
func TestCLI08_moved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		u := newUser("mallory@example.com")
		u.EmailVerified, u.Identities[0].PasswordHash = true, bcryptHash
		u = create(t, s, u)
		if movedTo(t, s, u, "mallory@example.com").Moved() {
			t.Error("the address is the same")
		}
		movedTo(t, s, verify(t, s, u), "victim@example.com")
		if !verify(t, s, u).Moved() {
			t.Error("the mark goes with the proof of the address")
		}
		var dump, rows bytes.Buffer
		must(t, s.Export(t.Context(), &dump, tenant.DumpOptions{Secrets: true}))
		must(t, s.ExportUsers(t.Context(), &rows, tenant.ExportOptions{Hashes: true}))
		copied := func(name string, in func(other *tenant.Store) (tenant.ImportReport, error)) {
			t.Helper()
			other := open(t, storetest.SQLite(t), nil)
			if report, err := in(other); err != nil || report.Failed > 0 {
				t.Fatalf("%s: %+v, %v", name, report, err)
			}
			if got, err := other.User(t.Context(), u.ID); err != nil || !got.Moved() || !got.EmailVerified {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		copied("rows", func(other *tenant.Store) (tenant.ImportReport, error) {
			connect(t, other)
			return other.ImportUsers(t.Context(), &rows, tenant.ImportOptions{Connection: "db"})
		})
		copied("dump", func(other *tenant.Store) (tenant.ImportReport, error) {
			return other.Import(t.Context(), &dump, tenant.RestoreOptions{})
		})
		settled, err := s.UpdateUser(t.Context(), u.ID, func(u *tenant.User) error { u.Settle(); return nil })
		if err != nil || settled.Moved() {
			t.Errorf("%+v, %v", settled, err)
		}
	})
}

// CLI-08: whoever sets the password of an account by a letter to an address that it
// was given shares it with nobody who had it, as little as where that account was
// linked to another one meanwhile.
func TestCLI08_movedTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		change := func(id string, u *tenant.User) tenant.PasswordChange {
			return tenant.PasswordChange{UserID: id, Provider: tenant.Database, Subject: u.Identities[0].UserID, Hash: "new", Check: func(u *tenant.User) (bool, error) { return u.Moved(), nil }}
		}
		u := newUser("mallory@example.com")
		u.EmailVerified, u.GivenName, u.UserMetadata = true, "Ada", map[string]any{"plan": "gold"}
		u.Identities = append(u.Identities, tenant.Identity{Connection: "github", Provider: "github", UserID: "666"})
		create(t, s, u)
		movedTo(t, s, u, "victim@example.com")
		got, _, err := s.SetPassword(t.Context(), change(u.ID, u))
		if err != nil || len(got.Identities) != 1 || got.GivenName != "Ada" || got.UserMetadata == nil {
			t.Errorf("%+v, %v", got, err)
		}

		linked, mine := create(t, s, newUser("eve@example.com")), create(t, s, newUser("own@example.com"))
		_, err = s.LinkIdentity(t.Context(), mine.ID, movedTo(t, s, linked, "other@example.com").ID)
		want(t, "before the letter", err, tenant.ErrUnproven)
		verify(t, s, linked)
		_, err = s.LinkIdentity(t.Context(), mine.ID, linked.ID)
		must(t, err)
		if got, _, err = s.SetPassword(t.Context(), change(mine.ID, linked)); err != nil || got.ID != linked.ID {
			t.Errorf("the account of both: %+v, %v", got, err)
		}
	})
}

// CLI-08: a row of the owner of an address does not go to whoever has an account that
// was given it. A row that names the account is about that.
func TestCLI08_movedUpsert(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		u := newUser("mallory@example.com")
		u.EmailVerified, u.Identities[0].PasswordHash = true, bcryptHash
		u = create(t, s, u)
		movedTo(t, s, u, "victim@example.com")
		for _, name := range []string{"unproven", "proven by a letter"} {
			report := upsert(t, s, `{"email":"victim@example.com","email_verified":true,"app_metadata":{"plan":"hers"}}`)
			if report.Failed != 1 || len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Error(), "user_id") {
				t.Errorf("%s: %+v", name, report)
			} else if e, ok := errors.AsType[*tenant.FieldError](report.Errors[0]); !ok || e.Field != "email" {
				t.Errorf("%s: %v", name, report.Errors[0])
			}
			verify(t, s, u)
		}
		got := upserted(t, s, u.ID, `{"user_id":"`+u.ID+`","email":"victim@example.com","email_verified":true,"app_metadata":{"plan":"hers"}}`)
		if !got.Moved() || got.AppMetadata["plan"] != "hers" || got.Identities[0].PasswordHash != bcryptHash {
			t.Errorf("%+v", got)
		}
	})
}
