package tenant_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func TestADM05_exportUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		connect(t, s)
		ctx := t.Context()
		for i := range 1203 { // more than two batches, some of one millisecond
			if i%3 == 0 {
				c.advance(1e6)
			}
			u := newUser(fmt.Sprintf("u%d@example.com", i))
			u.Identities[0].PasswordHash = bcryptHash
			if i == 7 {
				u.Name, u.UserMetadata = "=HYPERLINK(\"x\")", map[string]any{"a": map[string]any{"b": 1}}
				u.Nickname = "x;=1\t+1\n@A1, -2;ok"
			}
			create(t, s, u)
		}
		var plain, hashes bytes.Buffer
		must(t, s.ExportUsers(ctx, &plain, tenant.ExportOptions{}))
		must(t, s.ExportUsers(ctx, &hashes, tenant.ExportOptions{Connection: "db", Hashes: true}))
		if n := strings.Count(plain.String(), "\n"); n != 1203 || strings.Contains(plain.String(), "$2b$") {
			t.Errorf("%d lines, or with hashes", n)
		}

		// What was written can be read into another tenant, and again.
		other := open(t, storetest.SQLite(t), nil)
		connect(t, other)
		for try, want := range []tenant.ImportReport{{Inserted: 1203, Total: 1203}, {Updated: 1203, Total: 1203}} {
			report, err := other.ImportUsers(ctx, bytes.NewReader(hashes.Bytes()), tenant.ImportOptions{Connection: "db", Upsert: true})
			if diff := cmp.Diff(want, report); err != nil || diff != "" {
				t.Errorf("import %d: %v\n%s", try, err, diff)
			}
		}
		_, identity, err := other.UserByLogin(ctx, "db", "u7@example.com")
		if err != nil || identity.PasswordHash != bcryptHash {
			t.Errorf("imported %+v, %v", identity, err)
		}

		var table bytes.Buffer
		must(t, s.ExportUsers(ctx, &table, tenant.ExportOptions{Format: tenant.CSV, Limit: 10, Fields: []tenant.ExportField{
			{Name: "email"}, {Name: "name", As: "＠Name"}, {Name: "user_metadata.a"}, {Name: "identities[0].connection"}, {Name: "identities[5].x.y"}, {Name: "nickname"},
		}}))
		records, err := csv.NewReader(&table).ReadAll()
		must(t, err)
		if diff := cmp.Diff([]string{"email", "'＠Name", "user_metadata.a", "identities[0].connection", "identities[5].x.y", "nickname"}, records[0]); diff != "" {
			t.Error(diff)
		}
		found := false
		for _, r := range records[1:] {
			found = found || cmp.Equal(r, []string{"u7@example.com", `'=HYPERLINK("x")`, `{"b":1}`, "db", "", "x;'=1\t'+1\n'@A1, -2;ok"})
		}
		if len(records) != 11 || !found {
			t.Errorf("records %v", records)
		}
		var chosen bytes.Buffer
		must(t, s.ExportUsers(ctx, &chosen, tenant.ExportOptions{Limit: 1, Fields: []tenant.ExportField{{Name: "email", As: "mail"}, {Name: "nothing"}}}))
		if !strings.HasPrefix(chosen.String(), `{"mail":"u`) {
			t.Errorf("chosen fields: %s", chosen.String())
		}
		if err := s.ExportUsers(ctx, io.Discard, tenant.ExportOptions{Format: "xml"}); err == nil {
			t.Error("unknown format: no error")
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if err := s.ExportUsers(cancelled, io.Discard, tenant.ExportOptions{}); err == nil {
			t.Error("cancelled: no error")
		}
	})
}

// whole fills a tenant with one of each.
func whole(t *testing.T, s *tenant.Store) *tenant.User {
	t.Helper()
	ctx := t.Context()
	connect(t, s)
	must(t, s.Clients.Create(ctx, read[tenant.Client](t, `{"client_id":"c1","name":"Web","client_secret":"TOPSECRET-1-of-the-thirty-two-bytes-that-it-has","mobile":{"x":1}}`)))
	must(t, s.APIs.Create(ctx, read[tenant.API](t, `{"id":"a1","name":"API","identifier":"https://api","scopes":[{"value":"read"}],"signing_secret":"TOPSECRET-2-of-the-thirty-two-bytes-that-it-has"}`)))
	must(t, s.Grants.Create(ctx, &tenant.ClientGrant{ID: "g1", ClientID: "c1", Audience: "https://api", Scope: []string{"read"}}))
	must(t, s.Roles.Create(ctx, &tenant.Role{ID: "r1", Name: "admin"}))
	p := tenant.Permission{API: "https://api", Name: "read"}
	must(t, s.AddRolePermissions(ctx, "r1", p))
	must(t, s.Actions.Create(ctx, read[tenant.Action](t, `{"id":"x1","name":"act","code":"1","supported_triggers":[{"id":"post-login","version":"v3"}],
		"deployed_version":{"id":"v1","number":1,"code":"1"},"secrets":[{"name":"K","value":"TOPSECRET-3"}]}`)))
	must(t, s.Bindings.Create(ctx, &tenant.Bindings{Trigger: "post-login", List: []tenant.Binding{{ID: "b1", ActionID: "x1"}}}))
	_, err := s.UpdateSettings(ctx, func(set *tenant.Settings) error {
		return set.UnmarshalJSON([]byte(`{"friendly_name":"Acme","gate_documents":{"emails/provider":{"pass":"TOPSECRET-4"},"branding":{"a":1}}}`))
	})
	must(t, err)
	u := newUser("ada@example.com")
	u.Identities[0].Username, u.Identities[0].PasswordHash = "ada", bcryptHash
	u.Identities = append(u.Identities, tenant.Identity{Connection: "github", Provider: "github", UserID: "42", Social: true})
	create(t, s, u)
	must(t, s.AddRoles(ctx, u.ID, "r1"))
	must(t, s.AddUserPermissions(ctx, u.ID, p))
	return u
}

// TestExport: a tenant comes out of its dump as it was, and importing it again
// changes nothing.
func TestExport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		u := whole(t, s)
		ctx := t.Context()
		var secrets, bare bytes.Buffer
		must(t, s.Export(ctx, &secrets, tenant.DumpOptions{Secrets: true}))
		must(t, s.Export(ctx, &bare, tenant.DumpOptions{}))
		if strings.Contains(bare.String(), "TOPSECRET") || strings.Contains(bare.String(), "$2b$") {
			t.Errorf("secrets in a dump without:\n%s", bare.String())
		}

		other := open(t, storetest.SQLite(t), c.Now)
		report, err := other.Import(ctx, bytes.NewReader(secrets.Bytes()), tenant.RestoreOptions{})
		if err != nil || report.Failed != 0 || report.Inserted != 9 || report.Updated != 1 {
			t.Fatalf("import: %+v, %v", report, err)
		}
		var again bytes.Buffer
		must(t, other.Export(ctx, &again, tenant.DumpOptions{Secrets: true}))
		if diff := cmp.Diff(secrets.String(), again.String()); diff != "" {
			t.Errorf("the dump of the copy differs (-want +got):\n%s", diff)
		}
		// Without secrets, over one that has them: they stay.
		for range 2 {
			if report, err = other.Import(ctx, bytes.NewReader(bare.Bytes()), tenant.RestoreOptions{}); err != nil || report.Failed != 0 || report.Inserted != 0 {
				t.Fatalf("again: %+v, %v", report, err)
			}
		}
		again.Reset()
		must(t, other.Export(ctx, &again, tenant.DumpOptions{Secrets: true}))
		if diff := cmp.Diff(secrets.String(), again.String()); diff != "" {
			t.Errorf("after an import without secrets (-want +got):\n%s", diff)
		}
		if _, identity, err := other.UserByLogin(ctx, "db", "ada"); err != nil || identity.PasswordHash != u.Identities[0].PasswordHash {
			t.Errorf("user %+v, %v", identity, err)
		}
	})
}

// TestImport_names: objects that are there under another ID are those that the
// rest of the dump means.
func TestImport_names(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	u := whole(t, s)
	ctx := t.Context()
	var dump bytes.Buffer
	must(t, s.Export(ctx, &dump, tenant.DumpOptions{Secrets: true}))
	other := open(t, storetest.SQLite(t), nil)
	must(t, other.Roles.Create(ctx, &tenant.Role{ID: "mine", Name: "admin"}))
	must(t, other.Actions.Create(ctx, read[tenant.Action](t, `{"id":"mine","name":"act","code":"old","supported_triggers":[{"id":"post-login"}]}`)))
	must(t, other.APIs.Create(ctx, &tenant.API{ID: "mine", Name: "API", Identifier: "https://api"}))
	report, err := other.Import(ctx, bytes.NewReader(dump.Bytes()), tenant.RestoreOptions{})
	if err != nil || report.Failed != 0 {
		t.Fatalf("import: %+v, %v", report, err)
	}
	if roles, err := other.RolesOf(ctx, u.ID); err != nil || len(roles) != 1 || roles[0] != "mine" {
		t.Errorf("roles %v, %v", roles, err)
	}
	bindings, err := other.Bindings.Get(ctx, "post-login")
	if err != nil || bindings.List[0].ActionID != "mine" {
		t.Errorf("bindings %+v, %v", bindings, err)
	}
	if api, err := other.APIs.Get(ctx, "mine"); err != nil || api.System || len(api.Scopes) != 1 {
		t.Errorf("API %+v, %v", api, err)
	}
}

// TestImport_clientAsAPI: no API is called as a client is, whichever came first.
func TestImport_clientAsAPI(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	must(t, s.Clients.Create(t.Context(), &tenant.Client{ID: "c1", Name: "Web"}))
	must(t, s.APIs.Create(t.Context(), &tenant.API{ID: "a1", Name: "API", Identifier: "https://api"}))
	source := open(t, storetest.SQLite(t), nil)
	must(t, source.APIs.Create(t.Context(), &tenant.API{ID: "a2", Name: "As a client", Identifier: "c1"}))
	must(t, source.Clients.Create(t.Context(), &tenant.Client{ID: "https://api", Name: "As an API"}))
	var dump bytes.Buffer
	must(t, source.Export(t.Context(), &dump, tenant.DumpOptions{Secrets: true}))
	report, err := s.Import(t.Context(), &dump, tenant.RestoreOptions{ManagementAPI: "https://id.example/api/v2/"})
	if err != nil || report.Failed != 2 {
		t.Errorf("%+v %v", report, err)
	}
	if _, err := s.APIs.ByName(t.Context(), "c1"); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("an API with the ID of a client: %v", err)
	}
}

// An API that was there before its identifier was taken is restored as others are.
func TestImport_reservedSince(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	must(t, s.APIs.Create(t.Context(), &tenant.API{ID: "a1", Name: "Old", Identifier: "https://id.example/me"}))
	var dump bytes.Buffer
	must(t, s.Export(t.Context(), &dump, tenant.DumpOptions{Secrets: true}))
	options := tenant.RestoreOptions{ManagementAPI: "https://id.example/api/v2/"}
	if report, err := s.Import(t.Context(), bytes.NewReader(dump.Bytes()), options); err != nil || report.Failed != 0 || report.Updated == 0 {
		t.Errorf("where it is: %+v %v", report, err)
	}
	other := open(t, storetest.SQLite(t), nil)
	if report, err := other.Import(t.Context(), &dump, options); err != nil || report.Failed != 1 {
		t.Errorf("where it is not: %+v %v", report, err)
	}
}

// TestImport_otherIssuer: the Management API of a tenant is named after its
// issuer. In another it is the one there, with all that was granted at it.
func TestImport_otherIssuer(t *testing.T) {
	const theirs, own = "https://old.example/api/v2/", "https://new.example/api/v2/"
	system := func(id, identifier string, scopes ...string) *tenant.API {
		a := &tenant.API{ID: id, Name: "Auth0 Management API", Identifier: identifier, System: true}
		for _, v := range scopes {
			a.Scopes = append(a.Scopes, tenant.APIScope{Value: v})
		}
		return a
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		u := whole(t, s)
		ctx := t.Context()
		must(t, s.APIs.Create(ctx, system("sys-old", theirs, "read:users", "read:gone")))
		must(t, s.Grants.Create(ctx, &tenant.ClientGrant{ID: "g2", ClientID: "c1", Audience: theirs, Scope: []string{"read:users"}}))
		must(t, s.AddRolePermissions(ctx, "r1", tenant.Permission{API: theirs, Name: "read:users"}))
		must(t, s.AddUserPermissions(ctx, u.ID, tenant.Permission{API: theirs, Name: "read:users"}))
		_, err := s.Clients.Update(ctx, "c1", func(c *tenant.Client) error {
			return c.UnmarshalJSON([]byte(`{"refresh_token":{"rotation_type":"rotating","expiration_type":"expiring","policies":[{"audience":"` + theirs + `","scope":["read:users"]}]}}`))
		})
		must(t, err)
		_, err = s.UpdateSettings(ctx, func(set *tenant.Settings) error { set.DefaultAudience = theirs; return nil })
		must(t, err)
		var dump bytes.Buffer
		must(t, s.Export(ctx, &dump, tenant.DumpOptions{Secrets: true}))

		for name, prepare := range map[string]func(o *tenant.Store){
			"new": func(*tenant.Store) {},
			"after an import that kept the name": func(o *tenant.Store) {
				_, err := o.Import(ctx, bytes.NewReader(dump.Bytes()), tenant.RestoreOptions{})
				must(t, err)
			},
		} {
			other := open(t, storetest.SQLite(t), c.Now)
			must(t, other.APIs.Create(ctx, system("sys-new", own, "read:users", "read:new")))
			prepare(other)
			var first bytes.Buffer
			for range 2 {
				report, err := other.Import(ctx, bytes.NewReader(dump.Bytes()), tenant.RestoreOptions{ManagementAPI: own})
				if err != nil || report.Failed != 0 {
					t.Fatalf("%s: %+v, %v", name, report, err)
				}
				var after bytes.Buffer
				must(t, other.Export(ctx, &after, tenant.DumpOptions{Secrets: true}))
				_, body, _ := strings.Cut(after.String(), "\n")
				if first.Len() > 0 && first.String() != body {
					t.Errorf("%s: a second import changed something (-first +second):\n%s", name, cmp.Diff(first.String(), body))
				}
				first.Reset()
				first.WriteString(body)
			}
			if name == "new" && strings.Contains(first.String(), theirs) {
				t.Errorf("the old issuer is left in\n%s", first.String())
			}
			api, err := other.APIs.Get(ctx, "sys-new")
			if err != nil || !api.System || api.Identifier != own || !api.Defines("read:new") || api.Defines("read:gone") {
				t.Errorf("%s: API %+v, %v", name, api, err)
			}
			g, err := other.Grants.ByName(ctx, "c1 "+own)
			if err != nil || !cmp.Equal(g.Scope, []string{"read:users"}) {
				t.Errorf("%s: grant %+v, %v", name, g, err)
			}
			want := tenant.Permission{API: own, Name: "read:users"}
			for whose, read := range map[string]func() ([]tenant.Permission, error){
				"role": func() ([]tenant.Permission, error) { return other.RolePermissions(ctx, "r1") },
				"user": func() ([]tenant.Permission, error) { return other.UserPermissions(ctx, u.ID) },
			} {
				if list, err := read(); err != nil || !slices.Contains(list, want) {
					t.Errorf("%s: permissions of the %s are %v, %v", name, whose, list, err)
				}
			}
			if set, err := other.Settings(ctx); err != nil || set.DefaultAudience != own {
				t.Errorf("%s: default audience %v, %v", name, set, err)
			}
		}
	})
}

func TestImport_refusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		create(t, s, newUser("taken@example.com"))
		const header = `{"gate_tenant":{"version":1,"exported_at":"2026-11-21T12:00:00Z","secrets":false}}` + "\n"
		for _, file := range []string{`{"client":{"client_id":"c"}}`, `{"gate_tenant":{"version":2}}`, `[1]`, `x`} {
			if _, err := s.Import(t.Context(), strings.NewReader(file), tenant.RestoreOptions{}); err == nil {
				t.Errorf("%s was imported", file)
			}
		}
		for _, line := range []string{
			`{"client_grant":{"id":"g","client_id":"nobody","audience":"x"}}`,
			`{"role":{"role":{"id":"r","name":"r"},"permissions":[{"resource_server_identifier":"x","permission_name":"y"}]}}`,
			`{"bindings":{"trigger_id":"post-login","bindings":[{"id":"b","action_id":"nothing"}]}}`,
			`{"client":{"name":"no ID"}}`,
			`{"api":{"id":"a"}}`,
			`{}`,
			`{"client":5}`,
			`{"user":{"user_id":"auth0|1"}}`,
			`{"user":{"user_id":"auth0|1","identities":[{"connection":"nothing","provider":"auth0","user_id":"1"}]}}`,
			`{"user":{"user_id":"auth0|1","identities":[{"connection":"db","provider":"auth0","user_id":"1"}]},"roles":["r9"]}`,
			`{"user":{"user_id":"auth0|1","identities":[{"connection":"db","provider":"auth0","user_id":"1"}]},"permissions":[{"resource_server_identifier":"x","permission_name":"y"}]}`,
			`{"user":{"user_id":"auth0|1","identities":[{"connection":"db","provider":"auth0","user_id":"1"}]},"logins":[{"email":"taken@example.com"}]}`,
		} {
			report, err := s.Import(t.Context(), strings.NewReader(header+line+"\n"), tenant.RestoreOptions{})
			if err != nil || report.Failed != 1 || report.Total != 1 || len(report.Errors) != 1 || report.Errors[0].Line != 2 {
				t.Errorf("%s: %+v, %v", line, report, err)
			}
		}
		if count(t, db, "idp_users") != 1 || count(t, db, "idp_user_roles") != 0 {
			t.Error("something of what was refused is there")
		}
	})
}

// PWD-04: a hash that would keep everybody waiting is no user's, whichever way it
// comes in.
func TestPWD04_costlyHashes(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	u := whole(t, s)
	costly := "$2b$14$" + bcryptHash[7:]
	report, err := s.ImportUsers(t.Context(), strings.NewReader(`{"email":"costly@example.com","email_verified":true,"password_hash":"`+costly+`"}`),
		tenant.ImportOptions{Connection: "db"})
	must(t, err)
	if report.Failed != 1 || len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Error(), "password_hash") {
		t.Errorf("a row: %+v", report)
	}
	var dump bytes.Buffer
	must(t, s.Export(t.Context(), &dump, tenant.DumpOptions{Secrets: true}))
	was := u.Identities[0].PasswordHash
	altered := strings.ReplaceAll(dump.String(), was, costly)
	if altered == dump.String() {
		t.Fatalf("the dump does not hold %s", was)
	}
	report, err = s.Import(t.Context(), strings.NewReader(altered), tenant.RestoreOptions{})
	must(t, err)
	if report.Failed != 1 || len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Error(), "password_hash") {
		t.Errorf("a dump: %+v", report)
	}
	if _, identity, err := s.UserByLogin(t.Context(), "db", "ada"); err != nil || identity.PasswordHash != was {
		t.Errorf("%+v, %v", identity, err)
	}
}
