package tenant_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// signedUp returns a user whom a stranger may have made.
func signedUp(email string) *tenant.User {
	u := newUser(email)
	u.Identities[0].Unproven, u.Identities[0].PasswordHash = "browser", bcryptHash
	return u
}

// CLI-08: a hand-over takes what is there by then, in one transaction; a link that
// is under way comes before it and is undone, or after it and is refused.
func TestCLI08_handOverOrLink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		app(t, s, "client")
		for n := range 20 {
			u := signedUp(fmt.Sprintf("victim%d@example.com", n))
			u.EmailVerified = true // else no link would get that far
			u.Name, u.Nickname, u.GivenName, u.Picture = "Eve", "eve", "Eve", "https://evil.example/p.png"
			u.UserMetadata, u.AppMetadata = map[string]any{"iban": "hers"}, map[string]any{"plan": "free"}
			create(t, s, u)
			other := create(t, s, newUser(fmt.Sprintf("mallory%d@example.com", n)))
			must(t, s.AddConsent(t.Context(), u.ID, "client", "", []string{"read"}))
			start := make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() {
				<-start
				_, err := s.LinkIdentityIf(t.Context(), u.ID, other.ID, func(u, _ *tenant.User) error {
					if !u.LastPasswordReset.IsZero() {
						return tenant.ErrEnded
					}
					return nil
				})
				if err != nil && !errors.Is(err, tenant.ErrEnded) {
					t.Error(err)
				}
			})
			wg.Go(func() {
				<-start
				_, _, err := s.SetPassword(t.Context(), tenant.PasswordChange{
					UserID: u.ID, Provider: tenant.Database, Subject: u.Identities[0].UserID,
					Check: func(*tenant.User) (bool, error) { return true, nil },
				})
				if err != nil {
					t.Error(err)
				}
			})
			close(start)
			wg.Wait()
			got, err := s.User(t.Context(), u.ID)
			if err != nil || len(got.Identities) != 1 || got.Identities[0].PasswordHash != "" {
				t.Fatalf("%+v, %v", got, err)
			}
			if got.Name != got.Email || !strings.HasPrefix(got.Nickname, "victim") || got.GivenName+got.Picture != "" || got.UserMetadata != nil || got.AppMetadata["plan"] != "free" {
				t.Errorf("what is said of the owner: %+v", got)
			}
			if _, err := s.User(t.Context(), other.ID); err != nil {
				t.Errorf("the other account: %v", err)
			}
			if allowed, err := s.Consent(t.Context(), u.ID, "client", ""); err != nil || allowed != nil {
				t.Errorf("allowed before: %v, %v", allowed, err)
			}
		}
	})
}

// CLI-08: all of a hand-over or nothing of it.
func TestCLI08_handOverRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		u := newUser("ada@example.com")
		u.Identities = append(u.Identities, tenant.Identity{Connection: "github", Provider: "github", UserID: "666"})
		create(t, s, u)
		_, _, err := s.SetPassword(t.Context(), tenant.PasswordChange{
			UserID: u.ID, Provider: tenant.Database, Subject: u.Identities[0].UserID, Hash: "new",
			Check:  func(*tenant.User) (bool, error) { return true, nil },
			Change: func(*tenant.User) error { return tenant.ErrNotFound },
		})
		want(t, "refused", err, tenant.ErrNotFound)
		if got, err := s.User(t.Context(), u.ID); err != nil || len(got.Identities) != 2 || got.Identities[0].PasswordHash == "new" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// CLI-09: what a stranger may have made is not linked.
func TestCLI09_linkUnproven(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		stranger, ada := create(t, s, signedUp("victim@example.com")), create(t, s, newUser("ada@example.com"))
		_, err := s.LinkIdentity(t.Context(), ada.ID, stranger.ID)
		want(t, "as secondary", err, tenant.ErrUnproven)
		_, err = s.LinkIdentity(t.Context(), stranger.ID, ada.ID)
		want(t, "as primary", err, tenant.ErrUnproven)
		_, err = s.UpdateUser(t.Context(), stranger.ID, func(u *tenant.User) error { u.EmailVerified = true; return nil })
		must(t, err)
		_, err = s.LinkIdentity(t.Context(), ada.ID, stranger.ID)
		must(t, err)
	})
}

// CLI-07: the address of a linked identity that was changed is proven by nothing.
func TestCLI07_linkedAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		second := newUser("second@example.com")
		second.EmailVerified = true
		primary := create(t, s, newUser("ada@example.com"))
		create(t, s, second)
		_, err := s.LinkIdentity(t.Context(), primary.ID, second.ID)
		must(t, err)
		change := tenant.PasswordChange{UserID: primary.ID, Provider: tenant.Database, Subject: second.Identities[0].UserID, Hash: "new"}
		if u, _, err := s.SetPassword(t.Context(), change); err != nil || u.ID != primary.ID {
			t.Errorf("of a proven address: %+v, %v", u, err)
		}
		_, err = s.UpdateUser(t.Context(), primary.ID, func(u *tenant.User) error { u.Identities[1].Email = "victim@example.com"; return nil })
		must(t, err)
		u, _, err := s.SetPassword(t.Context(), change)
		if err != nil || u.ID != second.ID || u.Email != "victim@example.com" || u.EmailVerified || len(u.Identities) != 1 {
			t.Errorf("of a changed address: %+v, %v", u, err)
		}
	})
}

// CLI-08: what a dump and an export with hashes say of a user says who signed up.
func TestCLI08_unprovenMoves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		u := create(t, s, signedUp("victim@example.com"))
		mark := func(name string, s *tenant.Store, mark string) {
			t.Helper()
			got, i, err := s.UserByLogin(t.Context(), "db", "victim@example.com")
			if err != nil || got.EmailVerified || i.Unproven != mark {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
		mark("stored", s, "browser")
		var dump, bare, rows bytes.Buffer
		must(t, s.Export(t.Context(), &dump, tenant.DumpOptions{Secrets: true}))
		must(t, s.Export(t.Context(), &bare, tenant.DumpOptions{}))
		must(t, s.ExportUsers(t.Context(), &rows, tenant.ExportOptions{Hashes: true}))
		for name, text := range map[string]string{"dump": dump.String(), "without secrets": bare.String()} {
			other := open(t, storetest.SQLite(t), nil)
			if report, err := other.Import(t.Context(), strings.NewReader(text), tenant.RestoreOptions{}); err != nil || report.Failed > 0 {
				t.Fatalf("%s: %+v, %v", name, report, err)
			}
			mark(name, other, "browser")
		}
		other := open(t, storetest.SQLite(t), nil)
		connect(t, other)
		if report, err := other.ImportUsers(t.Context(), &rows, tenant.ImportOptions{Connection: "db"}); err != nil || report.Inserted != 1 {
			t.Fatalf("%+v, %v", report, err)
		}
		mark("rows", other, "browser")
		// A dump without passwords leaves the stranger's where it is, and what is
		// known of it.
		text := strings.ReplaceAll(bare.String(), `"unproven":"browser"`, `"unproven":""`)
		if report, err := s.Import(t.Context(), strings.NewReader(text), tenant.RestoreOptions{}); err != nil || report.Failed > 0 {
			t.Fatalf("%+v, %v", report, err)
		}
		mark("put back", s, "browser")
		if got, err := s.User(t.Context(), u.ID); err != nil || got.Identities[0].PasswordHash != bcryptHash {
			t.Errorf("%+v, %v", got, err)
		}
		var plain bytes.Buffer
		must(t, s.ExportUsers(t.Context(), &plain, tenant.ExportOptions{}))
		if strings.Contains(plain.String(), "unproven") {
			t.Error(plain.String())
		}
	})
}
