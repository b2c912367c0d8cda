package tenant_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func TestUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		ctx := t.Context()
		u := newUser("ada@example.com")
		u.Username, u.Identities[0].Username = "Ada", "ada"
		u.AppMetadata, u.UserMetadata = map[string]any{"plan": "gold"}, map[string]any{"n": 1.5}
		must(t, u.UnmarshalJSON([]byte(`{"multifactor":["guardian"]}`)))
		create(t, s, u)
		if !strings.HasPrefix(u.ID, "auth0|") || !u.CreatedAt.Equal(c.Now()) {
			t.Errorf("created %+v", u)
		}
		got, err := s.User(ctx, u.ID)
		must(t, err)
		if diff := cmp.Diff(u, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("came back different (-want +got):\n%s", diff)
		}
		for _, login := range []string{"ada@example.com", "ada"} {
			got, identity, err := s.UserByLogin(ctx, "db", login)
			if err != nil || got.ID != u.ID || identity.PasswordHash != "hash of ada@example.com" {
				t.Errorf("by %s: %+v, %v", login, identity, err)
			}
		}
		for _, login := range []string{"Ada", "ada@example.co", "", "%", "nobody"} {
			_, _, err := s.UserByLogin(ctx, "db", login)
			want(t, "by "+login, err, tenant.ErrNotFound)
		}
		_, _, err = s.UserByLogin(ctx, "staff", "ada")
		want(t, "in another connection", err, tenant.ErrNotFound)
		if list, err := s.UsersByEmail(ctx, "ada@example.com"); err != nil || len(list) != 1 {
			t.Errorf("by address: %v, %v", list, err)
		}

		c.advance(time.Minute)
		must(t, s.NoteLogin(ctx, u.ID, "192.0.2.1"))
		got, err = s.UpdateUser(ctx, u.ID, func(u *tenant.User) error {
			u.Blocked, u.Name, u.Identities[0].PasswordHash = true, "Countess", "new"
			return nil
		})
		must(t, err)
		if !got.Blocked || got.LoginsCount != 1 || got.LastIP != "192.0.2.1" || !got.LastLogin.Equal(c.Now()) || !got.UpdatedAt.Equal(c.Now()) {
			t.Errorf("changed %+v", got)
		}
		old := u.Identities[0]
		must(t, s.ReplaceHash(ctx, &old, "from the old password"))
		_, identity, err := s.UserByLogin(ctx, "db", "ada")
		if err != nil || identity.PasswordHash != "new" {
			t.Errorf("a rehash came after the change of password: %+v, %v", identity, err)
		}
		for name, change := range map[string]func(*tenant.User) error{
			"ID":       func(u *tenant.User) error { u.ID = "auth0|x"; return nil },
			"identity": func(u *tenant.User) error { u.Identities[0].UserID = "x"; return nil },
			"added":    func(u *tenant.User) error { u.Identities = append(u.Identities, tenant.Identity{}); return nil },
			"dropped":  func(u *tenant.User) error { u.Identities = nil; return nil },
		} {
			if _, err := s.UpdateUser(ctx, u.ID, change); err == nil {
				t.Errorf("%s was changed", name)
			}
		}
		_, err = s.UpdateUser(ctx, "auth0|nobody", func(*tenant.User) error { return nil })
		want(t, "nobody", err, tenant.ErrNotFound)
		stop := errors.New("stop")
		_, err = s.UpdateUser(ctx, u.ID, func(*tenant.User) error { return stop })
		want(t, "refused by its caller", err, stop)
	})
}

// TestUsers_unique: an address and a user name are one person's in a connection,
// and may be another's in another.
func TestUsers_unique(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		first := newUser("ada@example.com")
		first.Identities[0].Username = "ada"
		create(t, s, first)
		bob := create(t, s, newUser("bob@example.com"))
		users, identities := count(t, db, "idp_users"), count(t, db, "idp_identities")
		for name, change := range map[string]func(*tenant.User){
			"address":   func(*tenant.User) {},
			"user name": func(u *tenant.User) { u.Identities[0].Email, u.Identities[0].Username = "", "ada" },
			"identity":  func(u *tenant.User) { u.Identities[0].Email, u.Identities[0].UserID = "", first.Identities[0].UserID },
			"second":    func(u *tenant.User) { u.Identities = append(newUser("free@example.com").Identities, u.Identities...) },
		} {
			u := newUser("ada@example.com")
			change(u)
			want(t, name, s.CreateUser(ctx, u), tenant.ErrExists)
		}
		if count(t, db, "idp_users") != users || count(t, db, "idp_identities") != identities {
			t.Error("a user who was refused is half there")
		}
		_, err := s.UpdateUser(ctx, bob.ID, func(u *tenant.User) error { u.Identities[0].Email = "ada@example.com"; return nil })
		want(t, "changed to a taken address", err, tenant.ErrExists)
		staff := newUser("ada@example.com")
		staff.Identities[0].Connection = "staff"
		create(t, s, staff)
		if err := s.CreateUser(ctx, &tenant.User{Email: "x@example.com"}); err == nil {
			t.Error("a user without an identity was taken")
		}

		var winners atomic.Int32
		together(20, func(int) {
			switch err := s.CreateUser(ctx, newUser("eve@example.com")); {
			case err == nil:
				winners.Add(1)
			case !errors.Is(err, tenant.ErrExists):
				t.Error(err)
			}
		})
		if winners.Load() != 1 {
			t.Errorf("%d created at once", winners.Load())
		}
	})
}

func TestUsers_delete(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		u := create(t, s, newUser("ada@example.com"))
		end := time.Now().Add(time.Hour)
		must(t, s.Roles.Create(ctx, &tenant.Role{ID: "r", Name: "r"}))
		must(t, s.APIs.Create(ctx, &tenant.API{ID: "a", Identifier: "x", Scopes: []tenant.APIScope{{Value: "read"}}}))
		must(t, s.AddRoles(ctx, u.ID, "r"))
		must(t, s.AddUserPermissions(ctx, u.ID, tenant.Permission{API: "x", Name: "read"}))
		app(t, s, "client")
		must(t, s.AddConsent(ctx, u.ID, "client", "x", []string{"read"}))
		must(t, s.CreateSession(ctx, secret.Text(), &tenant.Session{ID: "s", UserID: u.ID, Epoch: u.Epoch, IdleExpiresAt: end, ExpiresAt: end}))
		must(t, s.CreateToken(ctx, secret.Text(), tenant.Token{Kind: tenant.CodeToken, UserID: u.ID, ExpiresAt: end}))
		family(t, s, u, nil)
		must(t, s.DeleteUser(ctx, u.ID))
		must(t, s.DeleteUser(ctx, u.ID))
		for _, table := range []string{
			"idp_users", "idp_identities", "idp_user_roles", "idp_user_permissions", "idp_consents", "idp_sessions", "idp_tokens", "idp_refresh",
		} {
			if n := count(t, db, table); n != 0 {
				t.Errorf("%d rows left in %s", n, table)
			}
		}
	})
}

// TestIdentities_unlink: a linked identity keeps the profile it had and becomes a user
// again, without anything that is a right.
func TestIdentities_unlink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		primary := create(t, s, newUser("ada@example.com"))
		second := newUser("bob@example.com")
		second.Name, second.EmailVerified, second.AppMetadata = "Bob", true, map[string]any{"admin": true}
		create(t, s, second)
		third := newUser("third@example.com")
		third.Identities = []tenant.Identity{{
			Connection: "github", Provider: "github", UserID: "42", Social: true,
			Profile: map[string]any{"email": "third@github.example", "app_metadata": map[string]any{"admin": true}, "blocked": 5, "custom": "x"},
		}}
		create(t, s, third)
		must(t, s.Roles.Create(ctx, &tenant.Role{ID: "r", Name: "r"}))
		must(t, s.AddRoles(ctx, second.ID, "r"))

		_, err := s.LinkIdentity(ctx, primary.ID, primary.ID)
		want(t, "with itself", err, tenant.ErrExists)
		_, err = s.LinkIdentity(ctx, primary.ID, "auth0|nobody")
		want(t, "with nobody", err, tenant.ErrNotFound)
		u, err := s.LinkIdentity(ctx, second.ID, third.ID)
		must(t, err)
		u, err = s.LinkIdentity(ctx, primary.ID, u.ID)
		must(t, err)
		var providers []string
		for _, i := range u.Identities {
			providers = append(providers, i.Provider)
		}
		if diff := cmp.Diff([]string{"auth0", "auth0", "github"}, providers); diff != "" || u.AppMetadata != nil {
			t.Errorf("linked %+v (-want +got):\n%s", u, diff)
		}
		if name := u.Identities[1].Profile["name"]; name != "Bob" {
			t.Errorf("profile of the second: %v", u.Identities[1].Profile)
		}
		if email := u.Identities[2].Profile["email"]; email != "third@example.com" {
			t.Errorf("profile of the third, linked before: %v", u.Identities[2].Profile)
		}
		if roles, err := s.RolesOf(ctx, primary.ID); err != nil || len(roles) != 0 {
			t.Errorf("roles came along: %v, %v", roles, err)
		}
		_, err = s.User(ctx, second.ID)
		want(t, "the second as a user", err, tenant.ErrNotFound)
		if got, err := s.UserByIdentity(ctx, "github", "42"); err != nil || got.ID != primary.ID {
			t.Errorf("by identity: %+v, %v", got, err)
		}
		if got, _, err := s.UserByLogin(ctx, "db", "bob@example.com"); err != nil || got.ID != primary.ID {
			t.Errorf("by the login of the second: %v, %v", got, err)
		}

		// What another provider wrote into the profile gives no rights.
		_, err = s.UpdateUser(ctx, primary.ID, func(u *tenant.User) error {
			u.Identities[2].Profile = map[string]any{
				"email": "third@example.com", "app_metadata": map[string]any{"admin": true}, "blocked": false, "user_id": "auth0|x", "custom": 1,
			}
			return nil
		})
		must(t, err)
		_, _, err = s.UnlinkIdentity(ctx, primary.ID, "auth0", primary.Identities[0].UserID)
		want(t, "the primary one", err, tenant.ErrExists)
		_, _, err = s.UnlinkIdentity(ctx, primary.ID, "github", "43")
		want(t, "another's", err, tenant.ErrNotFound)
		u, _, err = s.UnlinkIdentity(ctx, primary.ID, "github", "42")
		must(t, err)
		if len(u.Identities) != 2 {
			t.Errorf("identities %v", u.Identities)
		}
		got, err := s.User(ctx, "github|42")
		must(t, err)
		if got.Email != "third@example.com" || got.AppMetadata != nil || got.Extra != nil || got.EmailVerified {
			t.Errorf("unlinked %+v", got)
		}
	})
}

func TestAccess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		u := create(t, s, newUser("ada@example.com"))
		api := &tenant.API{ID: "a", Identifier: "https://api", Scopes: []tenant.APIScope{{Value: "read"}, {Value: "write"}}}
		must(t, s.APIs.Create(ctx, api))
		must(t, s.APIs.Create(ctx, &tenant.API{ID: "b", Identifier: "other", Scopes: []tenant.APIScope{{Value: "delete"}}}))
		must(t, s.Roles.Create(ctx, &tenant.Role{ID: "r1", Name: "one"}))
		must(t, s.Roles.Create(ctx, &tenant.Role{ID: "r2", Name: "two"}))
		read, write := tenant.Permission{API: "https://api", Name: "read"}, tenant.Permission{API: "https://api", Name: "write"}
		must(t, s.AddRolePermissions(ctx, "r1", read, tenant.Permission{API: "other", Name: "delete"}))
		must(t, s.AddUserPermissions(ctx, u.ID, write, write))
		want(t, "unknown scope", s.AddUserPermissions(ctx, u.ID, tenant.Permission{API: "https://api", Name: "x"}), tenant.ErrNotFound)
		want(t, "unknown API", s.AddRolePermissions(ctx, "r1", read, tenant.Permission{API: "x", Name: "read"}), tenant.ErrNotFound)
		want(t, "unknown role", s.AddRolePermissions(ctx, "r9", read), tenant.ErrNotFound)
		want(t, "unknown user", s.AddUserPermissions(ctx, "auth0|nobody", read), tenant.ErrNotFound)
		want(t, "unknown role of a user", s.AddRoles(ctx, u.ID, "r1", "r9"), tenant.ErrNotFound)
		want(t, "role of an unknown user", s.AddRoles(ctx, "auth0|nobody", "r1"), tenant.ErrNotFound)
		permissions := func(want ...string) {
			t.Helper()
			got, err := s.PermissionsOf(ctx, u.ID, api)
			must(t, err)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("permissions (-want +got):\n%s", diff)
			}
		}
		permissions("write")
		must(t, s.AddRoles(ctx, u.ID, "r1", "r2"))
		permissions("read", "write")
		if n, err := s.CountUsersOf(ctx, "r1"); err != nil || n != 1 {
			t.Errorf("users with the role: %d, %v", n, err)
		}
		if list, n, err := s.UsersWithRole(ctx, "r1", 0, 10); err != nil || n != 1 || len(list) != 1 || list[0].ID != u.ID {
			t.Errorf("users with the role: %v, %v", list, err)
		}
		must(t, s.RemoveUserPermissions(ctx, u.ID, write))
		permissions("read")
		updated, err := s.APIs.Update(ctx, "a", func(a *tenant.API) error { a.Scopes = a.Scopes[1:]; return nil })
		must(t, err)
		api = updated
		permissions() // the API defines it no more
		must(t, s.RemoveRolePermissions(ctx, "r1", read))
		if list, err := s.RolePermissions(ctx, "r1"); err != nil || len(list) != 1 {
			t.Errorf("permissions of the role: %v, %v", list, err)
		}
		must(t, s.RemoveRoles(ctx, u.ID, "r1", "r9"))
		if list, err := s.RolesOf(ctx, u.ID); err != nil || len(list) != 1 || list[0] != "r2" {
			t.Errorf("roles %v, %v", list, err)
		}

		app(t, s, "c")
		must(t, s.AddConsent(ctx, u.ID, "c", "https://api", []string{"read", "write"}))
		must(t, s.AddConsent(ctx, u.ID, "c", "https://api", []string{"read", "delete"}))
		if got, err := s.Consent(ctx, u.ID, "c", "https://api"); err != nil || strings.Join(got, " ") != "read write delete" {
			t.Errorf("consent %v, %v", got, err)
		}
		if got, err := s.Consent(ctx, u.ID, "other", "https://api"); err != nil || got != nil {
			t.Errorf("consent to another client: %v, %v", got, err)
		}
		must(t, s.RevokeConsents(ctx, u.ID, "", ""))
		if got, err := s.Consent(ctx, u.ID, "c", "https://api"); err != nil || got != nil {
			t.Errorf("consent that was taken back: %v, %v", got, err)
		}
	})
}

func BenchmarkCreateUser(b *testing.B) {
	s := open(b, storetest.SQLite(b), nil)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.CreateUser(b.Context(), newUser(tenant.NewSubject()+"@example.com")); err != nil {
			b.Fatal(err)
		}
	}
}

// TestUsersWithRole: a role is given to all or to nobody, and its users come in
// pages with their number.
func TestUsersWithRole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		ctx := t.Context()
		must(t, s.Roles.Create(ctx, &tenant.Role{ID: "r1", Name: "one"}))
		must(t, s.Roles.Create(ctx, &tenant.Role{ID: "r2", Name: "two"}))
		var all []string
		for i := range 250 { // more than one statement
			all = append(all, create(t, s, newUser(fmt.Sprintf("u%d@example.com", i))).ID)
		}
		want(t, "somebody who is not there", s.AddUsersToRole(ctx, "r1", append(slices.Clone(all), "auth0|nobody")...), tenant.ErrNotFound)
		want(t, "a role that is not there", s.AddUsersToRole(ctx, "nothing", all...), tenant.ErrNotFound)
		if list, n, err := s.UsersWithRole(ctx, "r1", 0, 10); err != nil || n != 0 || len(list) != 0 {
			t.Fatalf("after refusals %d of %d, %v", len(list), n, err)
		}
		must(t, s.AddUsersToRole(ctx, "r1", all[:3]...))
		must(t, s.AddUsersToRole(ctx, "r1", append(all, all[0])...)) // again, and one twice
		must(t, s.AddUsersToRole(ctx, "r2", all[0]))
		must(t, s.AddUsersToRole(ctx, "r2"))
		slices.Sort(all)
		var got []string
		for offset := 0; ; offset += 100 {
			list, n, err := s.UsersWithRole(ctx, "r1", offset, 100)
			if err != nil || n != len(all) {
				t.Fatalf("total %d, %v", n, err)
			}
			if len(list) == 0 {
				break
			}
			for _, u := range list {
				if got = append(got, u.ID); u.Email == "" {
					t.Errorf("no address of %s", u.ID)
				}
			}
		}
		if diff := cmp.Diff(all, got); diff != "" {
			t.Error(diff)
		}
		p := tenant.Permission{API: "https://api", Name: "read"}
		must(t, s.APIs.Create(ctx, &tenant.API{ID: "a1", Identifier: p.API, Scopes: []tenant.APIScope{{Value: p.Name}}}))
		must(t, s.AddRolePermissions(ctx, "r2", p))
		first, err := s.PermissionsByRole(ctx, "auth0|nobody")
		if err != nil || len(first) != 0 {
			t.Errorf("of nobody: %v, %v", first, err)
		}
		list, _, err := s.UsersWithRole(ctx, "r2", 0, 10)
		must(t, err)
		byRole, err := s.PermissionsByRole(ctx, list[0].ID)
		if diff := cmp.Diff(map[string][]tenant.Permission{"r2": {p}}, byRole); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
}
