package tenant_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
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
  {"email":"y@example.com","custom_password_hash":{"algorithm":"md4","hash":{"value":"5f4dcc3b5aa765d61d8327deb882cf99","encoding":"hex"}}},
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
			"line 6: user exists already", "line 7: email: Object didn't pass validation for format email", "line 8: password_hash: ", `line 9: custom_password_hash: algorithm "md4" is not supported; there are argon2, bcrypt, hmac, md5`,
			`line 10: admin: Additional properties not allowed`, `line 11: user_id: user of "github"`, "line 13: email: Missing required property", "line 14: is not a JSON object",
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

// TestImportUsers_digests imports hashes of fast functions, as Auth0 takes them.
func TestImportUsers_digests(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	connect(t, s)
	h, err := password.New(password.Config{})
	must(t, err)
	for i, tt := range []struct{ hash, password, problem string }{
		{`{"algorithm":"md5","hash":{"value":"5f4dcc3b5aa765d61d8327deb882cf99","encoding":"hex"}}`, "password", ""},
		{`{"algorithm":"MD5","hash":{"value":"X03MO1qnZdYdgyfeuILPmQ==","encoding":"base64"},"salt":{"value":"7061","encoding":"hex","position":"prefix"}}`, "ssword", ""},
		{`{"algorithm":"sha1","hash":{"value":"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8","encoding":"hex"},"salt":{"value":"word","position":"suffix"}}`, "pass", ""},
		{`{"algorithm":"hmac","hash":{"value":"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79","encoding":"hex","digest":"sha1","key":{"value":"SmVmZQ==","encoding":"base64"}}}`, "what do ya want for nothing?", ""},
		{`{"algorithm":"sha256","hash":{"value":"5f4dcc3b5aa765d61d8327deb882cf99","encoding":"hex"}}`, "", "sum"},
		{`{"algorithm":"md5","hash":{"value":"5f4dcc3b5aa765d61d8327deb882cf99"}}`, "", "needs the encoding hex or base64"},
		{`{"algorithm":"md5","hash":{"value":"5f4dcc3b5aa765d61d8327deb882cf99","encoding":"hex"},"salt":{"value":"x"}}`, "", "position of the salt"},
		{`{"algorithm":"md5","hash":{"value":"5f4dcc3b5aa765d61d8327deb882cf99","encoding":"hex","digest":"md5"}}`, "", "of hmac"},
		{`{"algorithm":"hmac","hash":{"value":"5f4dcc3b5aa765d61d8327deb882cf99","encoding":"hex","digest":"md5"}}`, "", "needs a digest and a key"},
		{`{"algorithm":"hmac","hash":{"value":"5f4dcc3b5aa765d61d8327deb882cf99","encoding":"hex","digest":"whirlpool","key":{"value":"x"}}}`, "", "unknown function"},
		{`{"algorithm":"md5","password":{"encoding":"utf16le"},"hash":{"value":"5f4dcc3b5aa765d61d8327deb882cf99","encoding":"hex"}}`, "", "utf8 is"},
	} {
		email := fmt.Sprintf("u%d@example.com", i)
		report, err := s.ImportUsers(t.Context(), strings.NewReader(`[{"email":"`+email+`","custom_password_hash":`+tt.hash+`}]`), tenant.ImportOptions{Connection: "db"})
		must(t, err)
		if tt.problem != "" {
			if report.Failed != 1 || !strings.Contains(report.Errors[0].Error(), tt.problem) || strings.Contains(report.Errors[0].Error(), "5f4dcc") {
				t.Errorf("%s: %+v", tt.hash, report)
			}
			continue
		}
		_, identity, err := s.UserByLogin(t.Context(), "db", email)
		must(t, err)
		if ok, rehash, err := h.Verify(t.Context(), identity.PasswordHash, tt.password); err != nil || !ok || !rehash {
			t.Errorf("%s: %t, to be replaced %t, %v", tt.hash, ok, rehash, err)
		}
	}
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

// TestImportUsers_identifiers: the names of a user may stand in a list alone.
func TestImportUsers_identifiers(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	connect(t, s)
	for _, tt := range []struct {
		name, row, id, email, phone, refused string
		verified                             bool
	}{
		{
			name: "beside", id: "auth0|60425dc43519d90068f82973", email: "user@example.com",
			row: `{"_id":{"$oid":"60425dc43519d90068f82973"},"email":"user@example.com","email_verified":false,"identifiers":[{"type":"email","value":"user@example.com","verified":true}],"passwordHash":"` + bcryptHash + `"}`,
		},
		{
			name: "alone", id: "auth0|own-42", email: "alone@example.com", phone: "+15550100", verified: true,
			row: `{"_id":{"$oid":"60425dc43519d90068f82974"},"alt_id":"own-42","identifiers":[{"type":"email","value":"Alone@example.com","verified":true},{"type":"email","value":"second@example.com","verified":false},{"type":"phone_number","value":"+15550100","verified":false}]}`,
		},
		{
			name: "of another address", id: "auth0|3", email: "own@example.com",
			row: `{"user_id":"auth0|3","email":"own@example.com","identifiers":[{"type":"email","value":"victim@example.com","verified":true}]}`,
		},
		{name: "unknown", row: `{"email":"x@example.com","identifiers":[{"type":"passport","value":"1"}]}`, refused: "identifiers[0].type: has to be email"},
		{name: "empty", row: `{"email":"x@example.com","identifiers":[{"type":"email"}]}`, refused: "identifiers[0].value: is empty"},
		{name: "no list", row: `{"email":"x@example.com","identifiers":"x"}`, refused: "identifiers: "},
		{name: "an ID of elsewhere", row: `{"email":"x@example.com","alt_id":"google-oauth2|1"}`, refused: "who logs in there"},
	} {
		report, err := s.ImportUsers(t.Context(), strings.NewReader(tt.row), tenant.ImportOptions{Connection: "db"})
		must(t, err)
		if tt.refused != "" {
			if report.Failed != 1 || !strings.Contains(fmt.Sprint(report.Errors), tt.refused) {
				t.Errorf("%s: %+v", tt.name, report)
			}
			continue
		}
		u, err := s.User(t.Context(), tt.id)
		if err != nil || u.Email != tt.email || u.EmailVerified != tt.verified || u.PhoneNumber != tt.phone {
			t.Errorf("%s: %+v, %v, %+v", tt.name, u, err, report)
		}
	}
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
