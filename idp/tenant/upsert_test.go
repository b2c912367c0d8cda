package tenant_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// upsert imports rows of the connection db over who is there.
func upsert(t *testing.T, s *tenant.Store, rows string) tenant.ImportReport {
	t.Helper()
	report, err := s.ImportUsers(t.Context(), strings.NewReader(rows), tenant.ImportOptions{Connection: "db", Upsert: true})
	must(t, err)
	return report
}

// upserted imports one row, which has to change somebody, and returns them.
func upserted(t *testing.T, s *tenant.Store, id, row string) *tenant.User {
	t.Helper()
	if report := upsert(t, s, row); report.Updated != 1 || report.Failed != 0 {
		t.Fatalf("%s: %+v", row, report)
	}
	u, err := s.User(t.Context(), id)
	must(t, err)
	return u
}

// openThings are what somebody has who logged in: a session, a family of refresh
// tokens and a link on its way.
type openThings struct {
	session, link secret.String
	family        string
}

func logIn(t *testing.T, s *tenant.Store, u *tenant.User) openThings {
	t.Helper()
	var o openThings
	o.session = session(t, s, u, tenant.NewGrantID())
	f, _ := family(t, s, u, nil)
	o.family = f.ID
	o.link = secret.Text()
	must(t, s.CreateToken(t.Context(), o.link, tenant.Token{Kind: tenant.ResetTicket, UserID: u.ID, ExpiresAt: time.Now().Add(time.Hour)}))
	return o
}

// left says which of them go on.
func (o openThings) left(t *testing.T, s *tenant.Store) string {
	t.Helper()
	var left []string
	note := func(what string, live bool, err error) {
		t.Helper()
		if err == nil && live {
			left = append(left, what)
		} else if err != nil && !errors.Is(err, tenant.ErrNotFound) {
			t.Fatal(err)
		}
	}
	_, err := s.SessionBySecret(t.Context(), o.session)
	note("session", true, err)
	f, err := s.Family(t.Context(), o.family)
	note("refresh token", f != nil && f.RevokedAt.IsZero(), err)
	_, err = s.Token(t.Context(), tenant.ResetTicket, o.link)
	note("link", true, err)
	return strings.Join(left, ", ")
}

const everythingLeft = "session, refresh token, link"

// CLI-08: a stranger waits in an account. A row of the owner's, with a proof of the
// address, gives it to the owner and leaves nothing of the stranger's.
func TestCLI08_upsertHandsOver(t *testing.T) {
	for name, tt := range map[string]struct {
		row      string // members beside the address
		hash     string
		verified bool
	}{
		"verified":               {`"email_verified":true`, "", true},
		"hash":                   {`"password_hash":"` + bcryptHash + `"`, bcryptHash, false},
		"verified, with a hash":  {`"email_verified":true,"password_hash":"` + bcryptHash + `"`, bcryptHash, true},
		"verified, with profile": {`"email_verified":true,"name":"Ada","user_metadata":{"iban":"hers"}`, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				s := open(t, db, nil)
				connect(t, s)
				u := newUser("victim@example.com")
				u.Identities[0].Unproven = "browser"
				u.GivenName, u.FamilyName, u.Picture, u.PhoneNumber = "Eve", "Mallory", "https://evil.example/p.png", "+49123"
				u.UserMetadata = map[string]any{"iban": "stranger's", "note": "x"}
				u.AppMetadata = map[string]any{"plan": "free"}
				u.Identities = append(u.Identities, tenant.Identity{Connection: "github", Provider: "github", UserID: "666"})
				create(t, s, u)
				app(t, s, "client")
				must(t, s.AddConsent(t.Context(), u.ID, "client", "", []string{"read"}))
				o := logIn(t, s, u)

				got := upserted(t, s, u.ID, `{"email":"victim@example.com","app_metadata":{"customer":"C-1"},`+tt.row+`}`)
				if left := o.left(t, s); left != "" {
					t.Errorf("of the stranger are left: %s", left)
				}
				if len(got.Identities) != 1 || got.Identities[0].PasswordHash != tt.hash || got.EmailVerified != tt.verified {
					t.Errorf("the account %+v", got)
				}
				if proven := got.Identities[0].Unproven == ""; proven != tt.verified {
					t.Errorf("who made it: %q", got.Identities[0].Unproven)
				}
				if got.GivenName+got.FamilyName+got.Picture+got.PhoneNumber != "" || got.Name != "Ada" && got.Name != "victim@example.com" {
					t.Errorf("the stranger's profile: %+v", got)
				}
				if iban := got.UserMetadata["iban"]; got.UserMetadata["note"] != nil || iban != nil && iban != "hers" {
					t.Errorf("metadata of the stranger: %v", got.UserMetadata)
				}
				if diff := cmp.Diff(map[string]any{"plan": "free", "customer": "C-1"}, got.AppMetadata); diff != "" {
					t.Error(diff)
				}
				if allowed, err := s.Consent(t.Context(), u.ID, "client", ""); err != nil || allowed != nil {
					t.Errorf("allowed before: %v, %v", allowed, err)
				}
				if other, err := s.User(t.Context(), "github|666"); err != nil || other.EmailVerified {
					t.Errorf("the way in that was linked: %+v, %v", other, err)
				}
			})
		})
	}
}

// CLI-08: what proves nothing hands nothing over, and neither does a row of an
// account that nobody can have waited in.
func TestCLI08_upsertKeeps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		owned, waiting := create(t, s, newUser("ada@example.com")), create(t, s, signedUp("victim@example.com"))
		for row, u := range map[string]*tenant.User{
			`{"email":"ada@example.com","email_verified":true,"password_hash":"` + bcryptHash + `"}`: owned,
			`{"email":"victim@example.com","email_verified":false,"name":"x"}`:                       waiting,
			`{"email":"other@example.com","user_id":"` + waiting.ID + `","email_verified":true}`:     waiting,
		} {
			o := logIn(t, s, u)
			got := upserted(t, s, u.ID, row)
			if left := o.left(t, s); left != everythingLeft {
				t.Errorf("%s: left are %s", row, left)
			}
			if got.Identities[0].PasswordHash != u.Identities[0].PasswordHash || got.Identities[0].Unproven != u.Identities[0].Unproven {
				t.Errorf("%s: %+v", row, got)
			}
		}
	})
}

// CLI-08: a row speaks of its own address. Found by something else, the account
// is not verified by it.
func TestCLI08_upsertOfAnotherAddress(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		mallory := newUser("mallory@example.com")
		mallory.Username, mallory.Identities[0].Username = "honest", "honest"
		create(t, s, mallory)
		stranger := signedUp("stranger@example.com")
		stranger.Username, stranger.Identities[0].Username = "wanted", "wanted"
		create(t, s, stranger)
		for _, row := range []string{
			`{"email":"honest@example.com","username":"honest","email_verified":true,"app_metadata":{"plan":"gold"}}`,
			`{"username":"wanted","app_metadata":{"plan":"gold"}}`,
		} {
			if report := upsert(t, s, row); report.Failed != 1 || report.Updated != 0 {
				t.Errorf("%s: %+v", row, report)
			}
		}
		for _, u := range []*tenant.User{mallory, stranger} {
			if got, err := s.User(t.Context(), u.ID); err != nil || got.EmailVerified || got.AppMetadata != nil {
				t.Errorf("%+v, %v", got, err)
			}
		}
		got := upserted(t, s, mallory.ID, `{"email":"honest@example.com","user_id":"`+mallory.ID+`","email_verified":true,"name":"Mal"}`)
		if got.EmailVerified || got.Email != "mallory@example.com" || got.Name != "Mal" {
			t.Errorf("by ID: %+v", got)
		}
		if got = upserted(t, s, mallory.ID, `{"username":"honest","name":"M"}`); got.Name != "M" {
			t.Errorf("by name: %+v", got)
		}
		if got = upserted(t, s, mallory.ID, `{"email":"mallory@example.com","email_verified":true,"phone_verified":true}`); !got.EmailVerified || got.PhoneVerified {
			t.Errorf("by address: %+v", got)
		}
		upserted(t, s, mallory.ID, `{"email":"mallory@example.com","phone_number":"+4915111111111","phone_verified":true}`)
		if got = upserted(t, s, mallory.ID, `{"email":"mallory@example.com","phone_number":"+4915122222222"}`); got.PhoneVerified || got.PhoneNumber != "+4915122222222" {
			t.Errorf("another number: %+v", got)
		}
	})
}

// CLI-08: the row of a linked identity says nothing of the account that it is
// linked to.
func TestCLI08_upsertOfLinkedIdentity(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		primary, second := create(t, s, newUser("ada@example.com")), create(t, s, newUser("second@example.com"))
		second.Identities[0].PasswordHash = ""
		_, err := s.LinkIdentity(t.Context(), primary.ID, second.ID)
		must(t, err)
		before, err := s.User(t.Context(), primary.ID)
		must(t, err)
		row := `{"email":"second@example.com","email_verified":true,"name":"Second","blocked":true,"app_metadata":{"plan":"gold"}}`
		report := upsert(t, s, row)
		if report.Failed != 1 || !strings.Contains(report.Errors[0].Error(), primary.ID) {
			t.Errorf("%+v", report)
		}
		if got, err := s.User(t.Context(), primary.ID); err != nil || cmp.Diff(before, got) != "" {
			t.Errorf("%v, %v", cmp.Diff(before, got), err)
		}
	})
}

// SES-05: whoever an import blocks is out at once, and stays out when the block is
// taken back.
func TestSES05_upsertBlocks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		u := create(t, s, newUser("ada@example.com"))
		o := logIn(t, s, u)
		upserted(t, s, u.ID, `{"email":"ada@example.com","blocked":false}`)
		if left := o.left(t, s); left != everythingLeft {
			t.Errorf("after a row that changes nothing: %s", left)
		}
		if got := upserted(t, s, u.ID, `{"email":"ada@example.com","blocked":true}`); !got.Blocked || got.Epoch == u.Epoch {
			t.Errorf("%+v", got)
		}
		if left := o.left(t, s); left != "" {
			t.Errorf("left are %s", left)
		}
	})
}

// SES-05: the same of a dump that is put over a tenant.
func TestSES05_restoreBlocks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		for name, tt := range map[string]struct{ before, after, left string }{
			"nothing new": {`"blocked":false`, `"blocked":false`, everythingLeft},
			"a block":     {`"email_verified":false`, `"blocked":true,"email_verified":false`, ""},
			"a password":  {bcryptHash, strings.Replace(bcryptHash, "$10$", "$09$", 1), ""},
		} {
			u := newUser(strings.ReplaceAll(name, " ", "") + "@example.com")
			u.Identities[0].PasswordHash = bcryptHash
			create(t, s, u)
			o := logIn(t, s, u)
			var dump bytes.Buffer
			must(t, s.Export(t.Context(), &dump, tenant.DumpOptions{Secrets: true}))
			var text strings.Builder
			for line := range strings.Lines(dump.String()) {
				if strings.Contains(line, u.Email) {
					line = strings.Replace(line, tt.before, tt.after, 1)
				} else if strings.Contains(line, `{"user":`) {
					continue
				}
				text.WriteString(line)
			}
			if report, err := s.Import(t.Context(), strings.NewReader(text.String()), tenant.RestoreOptions{}); err != nil || report.Failed > 0 {
				t.Fatalf("%s: %+v, %v", name, report, err)
			}
			if left := o.left(t, s); left != tt.left {
				t.Errorf("%s: left are %q", name, left)
			}
		}
	})
}

// CLI-08: a stranger waited where a row comes from. What is imported unverified with
// a password is unproven here, too; what was verified there is not.
func TestCLI08_importedUnverified(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		ada := newUser("ada@example.com")
		ada.EmailVerified = true
		create(t, s, ada)
		for row, unproven := range map[string]bool{
			`{"user_id":"1","email":"a@example.com","email_verified":false,"password_hash":"` + bcryptHash + `"}`: true,
			`{"user_id":"2","email":"b@example.com","password_hash":"` + bcryptHash + `"}`:                        true,
			`{"user_id":"3","email":"c@example.com","email_verified":true,"password_hash":"` + bcryptHash + `"}`:  false,
			`{"user_id":"4","email":"d@example.com","email_verified":false}`:                                      false,
			`{"user_id":"5","username":"nameonly","password_hash":"` + bcryptHash + `"}`:                          false,
		} {
			if report := upsert(t, s, row); report.Inserted != 1 {
				t.Fatalf("%s: %+v", row, report)
			}
			id := "auth0|" + row[len(`{"user_id":"`):][:1]
			u, err := s.User(t.Context(), id)
			if err != nil || (u.Identities[0].Unproven != "") != unproven {
				t.Errorf("%s: %+v, %v", row, u, err)
			}
			_, err = s.LinkIdentity(t.Context(), ada.ID, id)
			if refused := errors.Is(err, tenant.ErrUnproven); refused != unproven || !refused && err != nil {
				t.Errorf("%s: linked: %v", row, err)
			}
		}
		// The same row again is no proof, and does not end what goes on. One that was
		// verified there meanwhile is.
		u, err := s.User(t.Context(), "auth0|1")
		must(t, err)
		o := logIn(t, s, u)
		upserted(t, s, u.ID, `{"email":"a@example.com","password_hash":"`+bcryptHash+`"}`)
		if left := o.left(t, s); left != everythingLeft {
			t.Errorf("after the same row: %s", left)
		}
		got := upserted(t, s, u.ID, `{"email":"a@example.com","email_verified":true,"password_hash":"`+bcryptHash+`"}`)
		if left := o.left(t, s); left != "" || !got.EmailVerified || got.Identities[0].Unproven != "" {
			t.Errorf("after a proof: %s, %+v", left, got)
		}
	})
}

// A member twice is one thing to one program and another to the next.
func TestImportUsers_twice(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	connect(t, s)
	for _, row := range []string{
		`{"email":"a@example.com","email":"b@example.com"}`,
		`{"email":"a@example.com","email_verified":false,"email_verified":true}`,
		`{"email":"a@example.com","app_metadata":{"plan":"free","plan":"gold"}}`,
		`{"email":"a@example.com","app_metadata":{"plan":"free","Plan":"gold"}}`,
	} {
		report := upsert(t, s, row)
		if report.Failed != 1 || !strings.Contains(report.Errors[0].Error(), "twice") {
			t.Errorf("%s: %+v", row, report)
		}
	}
	if _, total, err := s.SearchUsers(t.Context(), tenant.UserQuery{Limit: 10, Total: true}); err != nil || total != 0 {
		t.Errorf("%d, %v", total, err)
	}
}

// AUD-01: whom an import changed is in the log, and each account that it handed
// over under the name of its user. What is only added is not.
func TestAUD01_upsert(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		u := newUser("victim@example.com")
		u.Identities[0].Unproven = "browser"
		create(t, s, u)
		known := newUser("known@example.com")
		create(t, s, known)
		_, err := s.ImportUsers(t.Context(), strings.NewReader(`{"email":"victim@example.com","email_verified":true}
			{"email":"known@example.com","name":"K"}
			{"email":"new@example.com"}`), tenant.ImportOptions{Connection: "db", Upsert: true, Job: "job_1"})
		must(t, err)
		must(t, s.FlushLogs(t.Context()))
		list, _, err := s.SearchLogs(t.Context(), tenant.LogQuery{Q: "type:sapi"})
		must(t, err)
		if len(list) != 2 {
			t.Fatalf("%d entries", len(list))
		}
		over, all := list[0], list[1]
		if over.UserID != u.ID || over.Details["job"] != "job_1" || !strings.Contains(over.Description, "handed over") {
			t.Errorf("%+v", over)
		}
		if diff := cmp.Diff(map[string]any{"job": "job_1", "users": []any{u.ID, known.ID}}, all.Details); diff != "" || all.Connection != "db" {
			t.Errorf("%+v\n%s", all, diff)
		}
	})
}
