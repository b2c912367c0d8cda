package tenant_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func read[T any, P interface {
	*T
	UnmarshalJSON([]byte) error
}](t testing.TB, text string) *T {
	t.Helper()
	o := new(T)
	must(t, P(o).UnmarshalJSON([]byte(text)))
	return o
}

func TestCollection_extra(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		c := read[tenant.Client](t, `{"client_id":"c1","client_secret":"hush","name":"Web","mobile":{"ios":{"team_id":"x"}}}`)
		must(t, s.Clients.Create(ctx, c))
		got, err := s.Clients.Get(ctx, "c1")
		must(t, err)
		if string(got.Extra["mobile"]) != `{"ios":{"team_id":"x"}}` || got.Secret != "hush" {
			t.Errorf("got %+v", got)
		}
		want(t, "twice", s.Clients.Create(ctx, c), tenant.ErrExists)
		_, err = s.Clients.Get(ctx, "c2")
		want(t, "another", err, tenant.ErrNotFound)
		if err := s.Clients.Create(ctx, new(tenant.Client)); err == nil {
			t.Error("a client without an ID was taken")
		}
		if _, err := s.Clients.Update(ctx, "c1", func(c *tenant.Client) error { c.ID = "c9"; return nil }); err == nil {
			t.Error("the ID was changed")
		}
		stop := errors.New("stop")
		_, err = s.Clients.Update(ctx, "c1", func(c *tenant.Client) error { c.Name = "no"; return stop })
		want(t, "refused by its caller", err, stop)
		if got, err := s.Clients.Get(ctx, "c1"); err != nil || got.Name != "Web" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// TestUnmarshal: a patch replaces what it has and nothing else.
func TestUnmarshal(t *testing.T) {
	const before = `{"client_id":"c","name":"n","description":"d","global":true,"callbacks":["a","b"],
		"jwt_configuration":{"lifetime_in_seconds":5,"secret_encoded":true},"client_metadata":{"a":"1"},"mobile":1}`
	for _, tt := range []struct{ patch, want string }{
		{`{}`, before},
		{`{"description":null}`, strings.Replace(before, `"description":"d",`, ``, 1)},
		{`{"global":null}`, strings.Replace(before, `"global":true`, `"global":false`, 1)},
		{`{"callbacks":["c"]}`, strings.Replace(before, `["a","b"]`, `["c"]`, 1)},
		{`{"jwt_configuration":{"alg":"RS256"}}`, strings.Replace(before, `"lifetime_in_seconds":5,"secret_encoded":true`, `"alg":"RS256"`, 1)},
		{`{"client_metadata":{"b":"2"}}`, strings.Replace(before, `"a":"1"`, `"b":"2"`, 1)},
		{`{"mobile":null}`, strings.Replace(before, `,"mobile":1`, ``, 1)},
		{`{"GLOBAL":false}`, strings.Replace(before, `"mobile":1`, `"mobile":1,"GLOBAL":false`, 1)},
	} {
		got := read[tenant.Client](t, before)
		must(t, got.UnmarshalJSON([]byte(tt.patch)))
		if diff := cmp.Diff(read[tenant.Client](t, tt.want), got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.patch, diff)
		}
	}
	for _, wrong := range []string{`[]`, `{"name":5}`, `{"callbacks":"x"}`, `{`} {
		if err := new(tenant.Client).UnmarshalJSON([]byte(wrong)); err == nil {
			t.Errorf("%s was read", wrong)
		}
	}
}

// TestCollection_processes: a change is seen at once by the process that makes
// it, and within a second by another one.
func TestCollection_processes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		a, b := open(t, db, c.Now), open(t, db, c.Now)
		ctx := t.Context()
		seen := func(s *tenant.Store) string {
			t.Helper()
			role, err := s.Roles.Get(ctx, "r1")
			if errors.Is(err, tenant.ErrNotFound) {
				return ""
			}
			must(t, err)
			return role.Name
		}
		if seen(a) != "" || seen(b) != "" {
			t.Fatal("not empty")
		}
		must(t, a.Roles.Create(ctx, &tenant.Role{ID: "r1", Name: "one"}))
		if seen(a) != "one" || seen(b) != "" {
			t.Errorf("after the change: %q, %q", seen(a), seen(b))
		}
		c.advance(time.Second)
		if seen(b) != "one" {
			t.Error("not seen after a second")
		}
		_, err := b.Roles.Update(ctx, "r1", func(r *tenant.Role) error { r.Name = "two"; return nil })
		must(t, err)
		c.advance(time.Second)
		if seen(a) != "two" {
			t.Error("change not seen after a second")
		}
		must(t, b.Roles.Delete(ctx, "r1"))
		want(t, "deleted twice", b.Roles.Delete(ctx, "r1"), tenant.ErrNotFound)
		c.advance(time.Second)
		if seen(a) != "" || seen(b) != "" {
			t.Error("deleted, and still there")
		}
	})
}

// TestCollection_atOnce: updates at once lose nothing, and each call sees what
// was changed before it began.
func TestCollection_atOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		must(t, s.APIs.Create(t.Context(), &tenant.API{ID: "1", Identifier: "https://api"}))
		var made atomic.Int32
		together(20, func(i int) {
			before := int(made.Load())
			api, err := s.APIs.ByName(t.Context(), "https://api")
			if err != nil || len(api.Scopes) < before {
				t.Errorf("%d scopes, %v; %d were made", len(api.Scopes), err, before)
			}
			_, err = s.APIs.Update(t.Context(), "1", func(a *tenant.API) error {
				a.Scopes = append(a.Scopes, tenant.APIScope{Value: string(rune('a' + i))})
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			made.Add(1)
		})
		api, err := s.APIs.Get(t.Context(), "1")
		must(t, err)
		if len(api.Scopes) != 20 {
			t.Errorf("%d scopes, want 20", len(api.Scopes))
		}
	})
}

// TestCollection_busy: who asks while this process changes objects all the time
// gets what there was, and does not wait until the changes are over.
func TestCollection_busy(t *testing.T) {
	var armed, changing atomic.Bool
	var asked atomic.Int32
	var s *tenant.Store
	s = open(t, storetest.SQLite(t), func() time.Time {
		// Of each two times that it is asked, the second is by the look.
		if armed.Load() && !changing.Load() && asked.Add(1)%2 == 0 {
			changing.Store(true)
			_, err := s.APIs.Update(t.Context(), "1", func(a *tenant.API) error { return nil })
			changing.Store(false)
			if err != nil {
				t.Error(err)
			}
		}
		return time.Now()
	})
	must(t, s.APIs.Create(t.Context(), &tenant.API{ID: "1", Identifier: "https://api"}))
	armed.Store(true)
	if _, err := s.APIs.Get(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("looked %d times", n/2)
	}
}

// TestCollection_away: without the database nothing is known, and nobody hangs.
func TestCollection_away(t *testing.T) {
	c := newClock()
	db := storetest.SQLite(t)
	s := open(t, db, c.Now)
	if _, err := s.Clients.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	must(t, db.Close())
	if _, err := s.Clients.List(t.Context()); err != nil {
		t.Errorf("what was read a moment ago: %v", err)
	}
	c.advance(time.Second)
	together(50, func(int) {
		_, err := s.Clients.Get(t.Context(), "c")
		if err == nil || errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("without the database: %v", err)
		}
	})
}

// TestSecrets_sealed: no secret of an object is in the database as it is, it comes
// back as it was, and it belongs to its object.
func TestSecrets_sealed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		client := read[tenant.Client](t, `{"client_id":"c1","name":"a","client_secret":"TOPSECRET-1"}`)
		other := read[tenant.Client](t, `{"client_id":"c2","name":"b","client_secret":"sealed:TOPSECRET-2"}`)
		api := read[tenant.API](t, `{"id":"a1","identifier":"x","name":"x","signing_secret":"TOPSECRET-3","allow_offline_access":false}`)
		connection := read[tenant.Connection](t, `{"id":"con_1","name":"apple","strategy":"apple","enabled_clients":[],"options":{
			"client_id":"visible","client_secret":"TOPSECRET-4","app_secret":"TOPSECRET-5","apple":{"key":"TOPSECRET-6"},
			"configuration":{"password":"TOPSECRET-7"},"password_history":{"enable":true}}}`)
		action := read[tenant.Action](t, `{"id":"act","name":"act","supported_triggers":[],"code":"","dependencies":[],"status":"built",
			"secrets":[{"name":"A","value":"TOPSECRET-8"}],"deployed_version":{"id":"v","number":1,"code":"","secrets":[{"name":"A","value":"TOPSECRET-9"}]},
			"gate_versions":[{"id":"v","number":1,"code":"","secrets":[{"name":"A","value":"TOPSECRET-10"}]}]}`)
		must(t, s.Clients.Create(ctx, client))
		must(t, s.Clients.Create(ctx, other))
		must(t, s.APIs.Create(ctx, api))
		must(t, s.Connections.Create(ctx, connection))
		must(t, s.Actions.Create(ctx, action))
		_, err := s.UpdateSettings(ctx, func(set *tenant.Settings) error {
			return set.UnmarshalJSON([]byte(`{"gate_documents":{"emails/provider":{"smtp_pass":"TOPSECRET-11"},"branding":{"colors":{}}}}`))
		})
		must(t, err)
		rows := strings.Join(dump(t, db), "\n")
		if strings.Contains(rows, "TOPSECRET") {
			t.Errorf("a secret is in the database:\n%s", rows)
		}
		if !strings.Contains(rows, "visible") || !strings.Contains(rows, "password_history") || !strings.Contains(rows, "colors") {
			t.Error("what is no secret is sealed")
		}

		again := openWith(t, db, tenant.Config{})
		gotClient, err := again.Clients.Get(ctx, "c2")
		must(t, err)
		gotConnection, err := again.Connections.Get(ctx, "con_1")
		must(t, err)
		gotAction, err := again.Actions.Get(ctx, "act")
		must(t, err)
		settings, err := again.Settings(ctx)
		must(t, err)
		for _, pair := range [][2]any{{other, gotClient}, {connection, gotConnection}, {action, gotAction}} {
			if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
				t.Errorf("came back different (-want +got):\n%s", diff)
			}
		}
		if got := string(settings.Documents["emails/provider"]); got != `{"smtp_pass":"TOPSECRET-11"}` {
			t.Errorf("document %s", got)
		}

		_, err = tenant.Open(ctx, db, tenant.Config{Secret: []byte(strings.Repeat("w", 32))})
		want(t, "another secret", err, tenant.ErrWrongSecret)

		// A sealed secret does not open in another row.
		if _, err := db.Exec(ctx, "UPDATE idp_objects SET doc = (SELECT doc FROM idp_objects WHERE id = 'c1') WHERE id = 'c2'"); err != nil {
			t.Fatal(err)
		}
		_, err = openWith(t, db, tenant.Config{}).Clients.List(ctx)
		want(t, "rows exchanged", err, tenant.ErrWrongSecret)
		if _, err := db.Exec(ctx, `UPDATE idp_objects SET doc = '{"client_id":"c2","client_secret":"plain"}' WHERE id = 'c2'`); err != nil {
			t.Fatal(err)
		}
		if _, err = openWith(t, db, tenant.Config{}).Clients.List(ctx); err == nil {
			t.Error("a secret that is not sealed was read")
		}
	})
}

func TestOpen_refusals(t *testing.T) {
	db := storetest.SQLite(t)
	for name, open := range map[string]func() error{
		"no database": func() error {
			_, err := tenant.Open(t.Context(), nil, tenant.Config{Secret: masterSecret()})
			return err
		},
		"no secret": func() error { _, err := tenant.Open(t.Context(), db, tenant.Config{}); return err },
		"short secret": func() error {
			_, err := tenant.Open(t.Context(), db, tenant.Config{Secret: make([]byte, 31)})
			return err
		},
		"no tables": func() error {
			_, err := tenant.Open(t.Context(), db, tenant.Config{Secret: masterSecret()})
			return err
		},
	} {
		if open() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSettings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		if set, err := s.Settings(t.Context()); err != nil || set.FriendlyName != "" {
			t.Fatalf("at first: %+v, %v", set, err)
		}
		together(8, func(i int) { // the first time at once
			_, err := s.UpdateSettings(t.Context(), func(set *tenant.Settings) error {
				set.EnabledLocales = append(set.EnabledLocales, string(rune('a'+i)))
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		set, err := s.Settings(t.Context())
		must(t, err)
		if len(set.EnabledLocales) != 8 {
			t.Errorf("locales %v, want eight", set.EnabledLocales)
		}
	})
}

// TestDelete_dependents: what hung on an object does not come back with the
// next one of the same name.
func TestDelete_dependents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		makeAll := func() {
			t.Helper()
			must(t, s.Clients.Create(ctx, &tenant.Client{ID: "client"}))
			must(t, s.APIs.Create(ctx, &tenant.API{ID: "a", Identifier: "https://api", Scopes: []tenant.APIScope{{Value: "read"}}}))
			must(t, s.Connections.Create(ctx, &tenant.Connection{ID: "con", Name: "db", Strategy: tenant.Database}))
			must(t, s.Roles.Create(ctx, &tenant.Role{ID: "r", Name: "r"}))
		}
		makeAll()
		must(t, s.Connections.Create(ctx, &tenant.Connection{
			ID: "gh", Name: "github", Strategy: "github", EnabledClients: []string{"other", "client"},
			Options: tenant.ConnectionOptions{ClientID: "client", ClientSecret: "hush"},
		}))
		p := tenant.Permission{API: "https://api", Name: "read"}
		must(t, s.Grants.Create(ctx, &tenant.ClientGrant{ID: "g", ClientID: "client", Audience: "https://api"}))
		must(t, s.AddRolePermissions(ctx, "r", p))
		u := create(t, s, newUser("ada@example.com"))
		must(t, s.AddUserPermissions(ctx, u.ID, p))
		must(t, s.AddRoles(ctx, u.ID, "r"))
		_, text := family(t, s, u, nil)

		must(t, s.Clients.Delete(ctx, "client"))
		if grants, err := s.Grants.List(ctx); err != nil || len(grants) != 0 {
			t.Errorf("grants of a client that is gone: %v, %v", grants, err)
		}
		_, err := s.FindRefreshToken(ctx, text)
		want(t, "refresh token of a client that is gone", err, tenant.ErrNotFound)
		if c, err := s.Connections.Get(ctx, "gh"); err != nil || !slices.Equal(c.EnabledClients, []string{"other"}) || c.Options.ClientSecret != "hush" || c.Options.ClientID != "client" {
			t.Errorf("connection of a client that is gone: %+v, %v", c, err)
		}
		must(t, s.APIs.Delete(ctx, "a"))
		must(t, s.Roles.Delete(ctx, "r"))
		must(t, s.Connections.Delete(ctx, "con"))
		makeAll()
		_, err = s.User(ctx, u.ID)
		want(t, "user of a connection that is gone", err, tenant.ErrNotFound)
		if err := s.CreateUser(ctx, u); err != nil {
			t.Fatal(err)
		}
		api, err := s.APIs.Get(ctx, "a")
		must(t, err)
		must(t, s.AddRoles(ctx, u.ID, "r"))
		if got, err := s.PermissionsOf(ctx, u.ID, api); err != nil || len(got) != 0 {
			t.Errorf("permissions came back: %v, %v", got, err)
		}
	})
}
