package accounts_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

// TestRename: what is kept of an account follows its entity, on both databases, and
// nothing of others does.
func TestRename(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		keys, err := accounts.NewAPIKeys(db, accounts.APIKeysConfig{Now: c.Now, Environment: "live"})
		if err != nil {
			t.Fatal(err)
		}
		exec := func(query string) {
			if _, err := db.Exec(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
		theirs, mine, other := login(t, s, c, "Sponsor/7"), login(t, s, c, "7"), login(t, s, c, "SponsorX/7")
		text, key, err := keys.Create(t.Context(), accounts.NewKey{Entity: "user", Subject: "Sponsor/7", Name: "a", Scopes: []string{"a:b"}, ExpiresAt: c.Now().AddDate(0, 1, 0)})
		if err != nil || text == "" {
			t.Fatal(err)
		}
		for _, subject := range []string{"Sponsor/7", "Sponsor/8", "Donor/8"} {
			exec("INSERT INTO gate_verified (entity, subject, address, verified_at) VALUES ('user', '" + subject + "', 'a@example.com', 1)")
		}
		list := func(table string) string {
			rows, err := db.Read().QueryContext(t.Context(), "SELECT entity, subject FROM "+table+" ORDER BY entity, subject")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var all []string
			for rows.Next() {
				var entity, subject string
				if err := rows.Scan(&entity, &subject); err != nil {
					t.Fatal(err)
				}
				all = append(all, entity+" "+subject)
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			return strings.Join(all, ", ")
		}
		for range 2 { // each start does it
			if err := accounts.RenameSubjects(t.Context(), db, "Sponsor/", "Donor/"); err != nil {
				t.Fatal(err)
			}
		}
		expectActive(t, s, theirs, "Donor/7", true)
		expectActive(t, s, mine, "7", true)
		expectActive(t, s, other, "SponsorX/7", true)
		if got := list("gate_api_keys"); got != "user Donor/7" {
			t.Errorf("the key %s is of %s", key.ID, got)
		}
		if got, want := list("gate_verified"), "user Donor/7, user Donor/8, user Sponsor/8"; got != want {
			t.Errorf("verified: %s, want %s", got, want)
		}
		if err := accounts.RenameEntity(t.Context(), db, "user", "member"); err != nil {
			t.Fatal(err)
		}
		if got, want := list("gate_api_keys"), "member Donor/7"; got != want {
			t.Errorf("the key is of %s, want %s", got, want)
		}
	})
}
