package tenant_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestIDP13_tokensOfAPI: the refresh tokens of an API go with it, those of
// others stay.
func TestIDP13_tokensOfAPI(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		u := create(t, s, newUser("ada@example.com"))
		api := &tenant.API{ID: "a", Identifier: "https://a.example"}
		must(t, s.APIs.Create(t.Context(), api))
		must(t, s.APIs.Create(t.Context(), &tenant.API{ID: "b", Identifier: "https://b.example"}))
		tokens := map[string]bool{"": true, "https://b.example": true, api.Identifier: false} // whether they stay
		ids := map[string]string{}
		for audience := range tokens {
			f, _ := family(t, s, u, func(f *tenant.Family) { f.Audience = audience })
			ids[audience] = f.ID
		}
		must(t, s.APIs.Delete(t.Context(), "a"))
		must(t, s.APIs.Create(t.Context(), api))
		got := map[string]bool{}
		for audience, id := range ids {
			_, err := s.Family(t.Context(), id)
			got[audience] = err == nil
		}
		if diff := cmp.Diff(tokens, got); diff != "" {
			t.Errorf("tokens that stay (-want +got):\n%s", diff)
		}
	})
}

// TestIDP13_oldTokensOfAPI: tokens from before there was a column for their
// audience go with their API, too.
func TestIDP13_oldTokensOfAPI(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const before = 3
		if _, err := db.Migrate(t.Context(), tenant.Component, tenant.Migrations(db.Dialect())[:before]); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{
			`INSERT INTO idp_users (id, connection, email, name, blocked, doc, created_at, updated_at, last_login_at, last_ip, logins_count)
				VALUES ('auth0|1', 'db', '', '', 0, '{}', 0, 0, 0, '', 0)`,
			`INSERT INTO idp_objects (kind, id, name, doc, created_at, updated_at)
				VALUES ('api', 'a', 'https://a.example/?b&c', '{"id":"a","identifier":"https://a.example/?b&c"}', 0, 0)`,
			`INSERT INTO idp_refresh (id, nonce, user_id, client_id, session_id, generation, rotated_at, created_at, expires_at, idle_expires_at, revoked_at, doc)
				VALUES ('none', 'x', 'auth0|1', 'c', '', 1, 0, 0, 0, 0, 0, '{"auth_time":"2026-11-21T12:00:00Z"}'),
				('its', 'x', 'auth0|1', 'c', '', 1, 0, 0, 0, 0, 0, '{"audience":"https://a.example/?b\u0026c","auth_time":"2026-11-21T12:00:00Z"}'),
				('gone', 'x', 'auth0|1', 'c', '', 1, 0, 0, 0, 0, 0, '{"audience":"https://gone.example","auth_time":"2026-11-21T12:00:00Z"}')`,
		} {
			if _, err := db.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, db, nil)
		there := func() (list []string) {
			for _, id := range []string{"none", "its", "gone"} {
				if _, err := s.Family(t.Context(), id); err == nil {
					list = append(list, id)
				}
			}
			return list
		}
		if diff := cmp.Diff([]string{"none", "its"}, there()); diff != "" {
			t.Errorf("after the migration (-want +got):\n%s", diff)
		}
		must(t, s.APIs.Delete(t.Context(), "a"))
		if diff := cmp.Diff([]string{"none"}, there()); diff != "" {
			t.Errorf("without the API (-want +got):\n%s", diff)
		}
	})
}
