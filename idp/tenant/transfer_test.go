package tenant_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/scrypt"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func connect(t testing.TB, s *tenant.Store) {
	t.Helper()
	must(t, s.Connections.Create(t.Context(), &tenant.Connection{ID: "con_1", Name: "db", Strategy: tenant.Database}))
	must(t, s.Connections.Create(t.Context(), &tenant.Connection{ID: "con_2", Name: "github", Strategy: "github"}))
}

const bcryptHash = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

func TestImportUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		ctx := t.Context()
		create(t, s, newUser("old@example.com"))
		sum, err := scrypt.Key([]byte("password"), []byte("salty-salt"), 16, 8, 1, 32)
		must(t, err)
		scrypted := fmt.Sprintf(`{"algorithm":"scrypt","hash":{"value":%q,"encoding":"hex"},"salt":{"value":"salty-salt","encoding":"utf8"},
			"keylen":32,"cost":16,"blockSize":8,"parallelization":1}`, hex.EncodeToString(sum))
		report, err := s.ImportUsers(ctx, strings.NewReader(`[
  {"email":"Ada@Example.com","email_verified":true,"user_id":"auth0|abc","password_hash":"`+bcryptHash+`",
   "app_metadata":{"plan":"gold"},"user_metadata":{"a":1},"given_name":"Ada","created_at":"2020-01-02T03:04:05.678Z"},
  {"email":"scrypt@example.com","custom_password_hash":`+scrypted+`},
  {"email":"old@example.com"},
  {"email":"not an address"},
  {"email":"x@example.com","password_hash":"5f4dcc3b5aa765d61d8327deb882cf99"},
  {"email":"y@example.com","custom_password_hash":{"algorithm":"md5","hash":{"value":"5f4dcc3b5aa765d61d8327deb882cf99","encoding":"hex"}}},
  {"email":"z@example.com","admin":true},
  {"email":"g@example.com","user_id":"github|42"},
  {"username":"OnlyName","user_id":"def"},
  {},
  5
]`), tenant.ImportOptions{Connection: "db"})
		must(t, err)
		if report.Inserted != 3 || report.Updated != 0 || report.Failed != 8 || report.Total != 11 {
			t.Errorf("report %+v", report)
		}
		var failed []string
		for _, e := range report.Errors {
			failed = append(failed, e.Error())
		}
		all := strings.Join(failed, "\n")
		for _, want := range []string{
			"line 6: user exists already", "line 7: is not an e-mail address", "line 8: hash of the password", `line 9: custom_password_hash: algorithm "md5" is not supported`,
			`line 10: unknown member "admin"`, `line 11: user of "github"`, "line 13: neither address nor user name", "line 14: is not a JSON object",
		} {
			if !strings.Contains(all, want) {
				t.Errorf("no %q in\n%s", want, all)
			}
		}
		if e := report.Errors[slices.IndexFunc(report.Errors, func(e tenant.RowError) bool { return e.Line == 7 })]; e.User != "not an address" {
			t.Errorf("the row that has no address is told as that of %q", e.User)
		}
		if strings.Contains(all, "5f4dcc") {
			t.Error("a hash is in the report")
		}
		u, identity, err := s.UserByLogin(ctx, "db", "ada@example.com")
		must(t, err)
		if u.ID != "auth0|abc" || !u.EmailVerified || u.AppMetadata["plan"] != "gold" || u.GivenName != "Ada" || identity.PasswordHash != bcryptHash ||
			u.CreatedAt.Format("2006-01-02T15:04:05.000") != "2020-01-02T03:04:05.678" || u.Extra != nil {
			t.Errorf("imported %+v, %+v", u, identity)
		}
		if _, identity, err = s.UserByLogin(ctx, "db", "onlyname"); err != nil || identity.UserID != "def" {
			t.Errorf("by user name: %+v, %v", identity, err)
		}
		_, identity, err = s.UserByLogin(ctx, "db", "scrypt@example.com")
		must(t, err)
		h, err := password.New(password.Config{})
		must(t, err)
		if ok, _, err := h.Verify(ctx, identity.PasswordHash, "password"); err != nil || !ok {
			t.Errorf("the password of before: %v", err)
		}
	})
}

// TestImportUsers_upsert: an import changes the profile of who is there and never their
// password.
func TestImportUsers_upsert(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		ctx := t.Context()
		u := newUser("ada@example.com")
		u.AppMetadata = map[string]any{"keep": "1", "drop": "1"}
		create(t, s, u)
		bob := newUser("bob@example.com")
		bob.Identities[0].PasswordHash = ""
		create(t, s, bob)
		rows := `{"email":"ada@example.com","name":"Countess","password_hash":"` + bcryptHash + `","app_metadata":{"drop":null,"new":2}}

{"email":"bob@example.com","user_id":"` + bob.ID + `","password_hash":"` + bcryptHash + `","blocked":true}
{"email":"ada@example.com","user_id":"` + bob.ID + `"}
{broken
{"email":"new@example.com"}
`
		report, err := s.ImportUsers(ctx, strings.NewReader(rows), tenant.ImportOptions{Connection: "db", Upsert: true})
		must(t, err)
		if report.Inserted != 1 || report.Updated != 2 || report.Failed != 2 || report.Total != 5 {
			t.Errorf("report %+v", report)
		}
		if len(report.Errors) != 2 || report.Errors[0].Line+report.Errors[1].Line != 4+5 {
			t.Errorf("errors %v, want lines 4 and 5", report.Errors)
		}
		got, identity, err := s.UserByLogin(ctx, "db", "ada@example.com")
		must(t, err)
		if diff := cmp.Diff(map[string]any{"keep": "1", "new": 2.0}, got.AppMetadata); diff != "" || got.Name != "Countess" {
			t.Errorf("changed %+v\n%s", got, diff)
		}
		if identity.PasswordHash != "hash of ada@example.com" {
			t.Error("the import took over the password")
		}
		got, identity, err = s.UserByLogin(ctx, "db", "bob@example.com")
		if err != nil || identity.PasswordHash != bcryptHash || !got.Blocked {
			t.Errorf("changed %+v, %+v, %v", got, identity, err)
		}
	})
}

func TestImportUsers_files(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	connect(t, s)
	for name, tt := range map[string]struct {
		file  string
		total int
		err   string
	}{
		"empty":            {"", 0, ""},
		"space":            {" \n\t\n", 0, ""},
		"mark":             {"\xef\xbb\xbf[{\"email\":\"mark@example.com\"}]", 1, ""},
		"empty array":      {"[]", 0, ""},
		"cut array":        {"[\n{\"email\":\"cut@example.com\"},\n{\"em", 1, "line 2"},
		"broken array":     {"[\n{\"email\":\"b@example.com\"} nonsense]", 1, "line 2"},
		"after the array":  {"[]\n[]", 0, "line 2"},
		"long line":        {`{"email":"` + strings.Repeat("a", 2<<20) + "\"}\n{\"email\":\"after@example.com\"}", 2, ""},
		"long element":     {`[{"email":"` + strings.Repeat("a", 2<<20) + `"},{"email":"after2@example.com"}]`, 2, ""},
		"endless element":  {`[{"email":"` + strings.Repeat("a", 8<<20), 0, "row longer"},
		"array of nothing": {"[null]", 1, ""},
	} {
		report, err := s.ImportUsers(t.Context(), strings.NewReader(tt.file), tenant.ImportOptions{Connection: "db"})
		if report.Total != tt.total || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
	for connection, target := range map[string]error{"nothing": tenant.ErrNotFound, "github": nil} {
		_, err := s.ImportUsers(t.Context(), strings.NewReader("[]"), tenant.ImportOptions{Connection: connection})
		if err == nil || target != nil && !errors.Is(err, target) {
			t.Errorf("into %s: %v", connection, err)
		}
	}
}

// TestImportUsers_auth0: the rows of Auth0's own exports, with hashes as its
// support sends them.
func TestImportUsers_auth0(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	connect(t, s)
	report, err := s.ImportUsers(t.Context(), strings.NewReader(`{"_id":{"$oid":"60425dc43519d90068f82973"},"email_verified":false,"email":"test@contoso.com","passwordHash":"`+bcryptHash+`","password_set_date":{"$date":"2021-03-05T16:32:00.000Z"},"tenant":"contoso","connection":"Username-Password-Authentication","_tmp_is_unique":true}
{"user_id":"auth0|60425da93519d90068f82966","email":"two@contoso.com","name":"Two","nickname":"two","created_at":"2021-03-05T16:32:00.000Z","updated_at":"2021-03-05T16:32:00.000Z","picture":"https://x/y.png","identities":[{"connection":"db","user_id":"60425da93519d90068f82966","provider":"auth0","isSocial":false}],"logins_count":3,"last_ip":"192.0.2.1","last_login":"2021-03-05T16:32:00.000Z"}
`), tenant.ImportOptions{Connection: "db"})
	must(t, err)
	if report.Inserted != 2 {
		t.Fatalf("report %+v", report)
	}
	u, identity, err := s.UserByLogin(t.Context(), "db", "test@contoso.com")
	if err != nil || u.ID != "auth0|60425dc43519d90068f82973" || identity.PasswordHash != bcryptHash || identity.PasswordAt.Year() != 2021 {
		t.Errorf("imported %+v, %+v, %v", u, identity, err)
	}
}

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
			{Name: "email"}, {Name: "name", As: "＠Name"}, {Name: "user_metadata.a"}, {Name: "identities[0].connection"}, {Name: "identities[5].x.y"},
		}}))
		records, err := csv.NewReader(&table).ReadAll()
		must(t, err)
		if diff := cmp.Diff([]string{"email", "'＠Name", "user_metadata.a", "identities[0].connection", "identities[5].x.y"}, records[0]); diff != "" {
			t.Error(diff)
		}
		found := false
		for _, r := range records[1:] {
			found = found || cmp.Equal(r, []string{"u7@example.com", `'=HYPERLINK("x")`, `{"b":1}`, "db", ""})
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
	must(t, s.Clients.Create(ctx, read[tenant.Client](t, `{"client_id":"c1","name":"Web","client_secret":"TOPSECRET-1","mobile":{"x":1}}`)))
	must(t, s.APIs.Create(ctx, read[tenant.API](t, `{"id":"a1","name":"API","identifier":"https://api","scopes":[{"value":"read"}],"signing_secret":"TOPSECRET-2"}`)))
	must(t, s.Grants.Create(ctx, &tenant.ClientGrant{ID: "g1", ClientID: "c1", Audience: "https://api", Scope: []string{"read"}}))
	must(t, s.Roles.Create(ctx, &tenant.Role{ID: "r1", Name: "admin"}))
	p := tenant.Permission{API: "https://api", Name: "read"}
	must(t, s.AddRolePermissions(ctx, "r1", p))
	must(t, s.Actions.Create(ctx, read[tenant.Action](t, `{"id":"x1","name":"act","code":"1","secrets":[{"name":"K","value":"TOPSECRET-3"}]}`)))
	must(t, s.Bindings.Create(ctx, &tenant.Bindings{Trigger: "post-login", List: []tenant.Binding{{ID: "b1", ActionID: "x1"}}}))
	_, err := s.UpdateSettings(ctx, func(set *tenant.Settings) error {
		return set.UnmarshalJSON([]byte(`{"friendly_name":"Acme","gate_documents":{"emails/provider":{"pass":"TOPSECRET-4"},"branding":{"a":1}}}`))
	})
	must(t, err)
	u := newUser("ada@example.com")
	u.Identities[0].Username = "ada"
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
		if strings.Contains(bare.String(), "TOPSECRET") || strings.Contains(bare.String(), "hash of") {
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
	must(t, other.Actions.Create(ctx, read[tenant.Action](t, `{"id":"mine","name":"act","code":"old"}`)))
	must(t, other.APIs.Create(ctx, &tenant.API{ID: "mine", Identifier: "https://api", System: true}))
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
	if api, err := other.APIs.Get(ctx, "mine"); err != nil || !api.System || len(api.Scopes) != 1 {
		t.Errorf("API %+v, %v", api, err)
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

func FuzzImport(f *testing.F) {
	s := open(f, storetest.SQLite(f), nil)
	connect(f, s)
	f.Add([]byte(`[{"email":"a@example.com"}]`))
	f.Add([]byte("{\"email\":\"a@example.com\",\"custom_password_hash\":{\"algorithm\":\"scrypt\",\"cost\":16}}\n{"))
	f.Add([]byte(`{"gate_tenant":{"version":1}}` + "\n" + `{"user":{"user_id":"auth0|1","identities":[{"connection":"db","provider":"auth0","user_id":"1"}]},"logins":[{}]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		report, err := s.ImportUsers(t.Context(), bytes.NewReader(file), tenant.ImportOptions{Connection: "db", Upsert: true})
		if errors.Is(err, store.ErrUnavailable) || report.Inserted+report.Updated+report.Failed != report.Total {
			t.Fatalf("%+v, %v", report, err)
		}
		report, err = s.Import(t.Context(), bytes.NewReader(file), tenant.RestoreOptions{})
		if errors.Is(err, store.ErrUnavailable) || report.Inserted+report.Updated+report.Failed != report.Total {
			t.Fatalf("%+v, %v", report, err)
		}
	})
}

// One document that the database does not read must not break the search for
// all.
func TestImportUsers_depth(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		deep := strings.Repeat("[", 1100) + strings.Repeat("]", 1100)
		report, err := s.ImportUsers(t.Context(), strings.NewReader(`[{"email":"d@example.com","user_metadata":{"x":`+deep+`}}]`), tenant.ImportOptions{Connection: "db"})
		if err != nil || report.Failed != 1 || report.Inserted != 0 {
			t.Errorf("%+v, %v", report, err)
		}
		if _, _, err := s.SearchUsers(t.Context(), tenant.UserQuery{Q: "nickname:bob", Limit: 10}); err != nil {
			t.Error(err)
		}
	})
}

// An import changes the users of its connection and nobody else's.
func TestImportUsers_otherConnection(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	connect(t, s)
	must(t, s.Connections.Create(t.Context(), &tenant.Connection{ID: "con_3", Name: "other", Strategy: tenant.Database}))
	bob := create(t, s, newUser("bob@example.com"))
	_, subject, _ := strings.Cut(bob.ID, "|")
	report, err := s.ImportUsers(t.Context(), strings.NewReader(`[{"email":"zz@example.com","user_id":"`+subject+`","blocked":true}]`),
		tenant.ImportOptions{Connection: "other", Upsert: true})
	must(t, err)
	if report.Updated != 0 || report.Failed != 1 {
		t.Errorf("%+v", report)
	}
	if u, err := s.User(t.Context(), bob.ID); err != nil || u.Blocked {
		t.Errorf("%+v, %v", u, err)
	}
}
