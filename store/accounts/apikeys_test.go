package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

func newKeys(t testing.TB, db *store.DB, c *clock, cfg accounts.APIKeysConfig) *accounts.APIKeys {
	t.Helper()
	if _, err := db.Migrate(t.Context(), accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
	cfg.Now = c.Now
	keys, err := accounts.NewAPIKeys(db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := keys.Close(); err != nil {
			t.Error(err)
		}
	})
	return keys
}

func wanted(subject string) accounts.NewKey {
	return accounts.NewKey{Entity: "user", Subject: subject, Name: "deploy", Scopes: []string{"read:items", gate.ScopeOwner}}
}

func createKey(t testing.TB, keys *accounts.APIKeys, n accounts.NewKey) (string, accounts.APIKey) {
	t.Helper()
	text, key, err := keys.Create(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return text, key
}

// expectKey expects the text to be that of a key, or of none if id is empty.
func expectKey(t testing.TB, keys *accounts.APIKeys, text, id string) {
	t.Helper()
	got, err := keys.Find(t.Context(), text)
	switch {
	case id == "" && (!errors.Is(err, gate.ErrInvalidCredentials) || got.ID != ""):
		t.Errorf("Find(%.80q) = %v, %v, want %v", text, got, err, gate.ErrInvalidCredentials)
	case id != "" && (err != nil || got.ID != id):
		t.Errorf("Find = %v, %v, want key %s", got, err, id)
	}
}

func TestKEY01_form(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		keys := newKeys(t, db, c, accounts.APIKeysConfig{Environment: "dev1"})
		text, key := createKey(t, keys, wanted("1"))
		if !regexp.MustCompile(`^gk_dev1_[a-z2-7]{16}_[A-Za-z0-9]{49}$`).MatchString(text) || !strings.Contains(text, key.ID) {
			t.Errorf("key %q with identifier %q", text, key.ID)
		}
		var stored string
		if err := db.Read().QueryRowContext(t.Context(), "SELECT secret_hash FROM gate_api_keys").Scan(&stored); err != nil {
			t.Fatal(err)
		}
		for _, hostile := range []string{
			"", "gk_", text[:len(text)-1], text + "A", strings.ToUpper(text), text[1:], " " + text, text + "\n", strings.Replace(text, "dev1", "live", 1),
			strings.Replace(text, "_"+key.ID, "_"+strings.Repeat("a", 16), 1), stored, strings.Repeat("A", 1<<20),
			strings.Replace(text, "gk_", "gk-", 1), text[:len(text)-1] + "\x00",
		} {
			expectKey(t, keys, hostile, "")
		}
		for range 2 { // asked of the database, then remembered
			expectKey(t, keys, text, key.ID)
		}
		live := newKeys(t, db, c, accounts.APIKeysConfig{})
		expectKey(t, live, text, "") // another environment
	})
}

// TestKEY01_typingErrors: what is mistyped is refused without the database.
func TestKEY01_typingErrors(t *testing.T) {
	db := storetest.SQLite(t)
	keys := newKeys(t, db, newClock(), accounts.APIKeysConfig{})
	text, _ := createKey(t, keys, wanted("1"))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for _, other := range "aZ0_" {
			if byte(other) == text[i] {
				continue
			}
			expectKey(t, keys, text[:i]+string(other)+text[i+1:], "")
		}
		if i > 0 && text[i] != text[i-1] {
			expectKey(t, keys, text[:i-1]+text[i:i+1]+text[i-1:i]+text[i+1:], "")
		}
	}
	if _, err := keys.Find(t.Context(), text); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, gate.ErrInvalidCredentials) {
		t.Errorf("Find of the key itself = %v, want %v", err, store.ErrUnavailable)
	}
}

// TestKEY01_wrongSecret: the identifier of a key that is remembered, with a
// secret that is not its own, is refused and leaves it as it was.
func TestKEY01_wrongSecret(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		keys := newKeys(t, db, newClock(), accounts.APIKeysConfig{})
		text, key := createKey(t, keys, wanted("1"))
		other, _ := createKey(t, keys, wanted("2"))
		mixed := accounts.SpliceKeys(text, other)
		for range 2 {
			expectKey(t, keys, mixed, "")
			expectKey(t, keys, text, key.ID)
		}
	})
}

func TestKEY01_found(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		keys := newKeys(t, db, c, accounts.APIKeysConfig{})
		n := wanted("1")
		n.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.9/24"), netip.MustParsePrefix("2001:db8::/32")}
		text, made := createKey(t, keys, n)
		want := accounts.APIKey{
			ID: made.ID, Entity: "user", Subject: "1", Name: "deploy", Scopes: []string{"read:items", "owner"},
			Networks:  []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
			CreatedAt: c.Now(), ExpiresAt: c.Now().Add(90 * 24 * time.Hour),
		}
		ctx := gate.ContextWithClient(t.Context(), laptop)
		for _, tt := range []struct {
			name string
			find func() (accounts.APIKey, error)
		}{
			{"Create", func() (accounts.APIKey, error) { return made, nil }},
			{"Find", func() (accounts.APIKey, error) { return keys.Find(ctx, text) }},
			{"Find again", func() (accounts.APIKey, error) { return keys.Find(ctx, text) }},
		} {
			got, err := tt.find()
			if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateApproxTime(0)); diff != "" || err != nil {
				t.Errorf("%s (-want +got):\n%s%v", tt.name, diff, err)
			}
			got.Scopes[0] = "*" // the caller's own
		}
	})
}

func TestKEY03_networks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		keys := newKeys(t, db, newClock(), accounts.APIKeysConfig{})
		n := wanted("1")
		n.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
		text, _ := createKey(t, keys, n)
		for addr, good := range map[string]bool{
			"192.0.2.255": true, "::ffff:192.0.2.1": true, "2001:db8:ffff::1": true, "192.0.3.0": false, "2001:db9::1": false, "": false,
		} {
			ctx := t.Context()
			if addr != "" {
				ctx = gate.ContextWithClient(ctx, gate.Client{Address: netip.MustParseAddr(addr)})
			}
			_, err := keys.Find(ctx, text)
			if good != (err == nil) || !good && !errors.Is(err, gate.ErrInvalidCredentials) {
				t.Errorf("Find from %q = %v, want it good: %v", addr, err, good)
			}
		}
	})
}

func TestKEY03_expiry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		keys := newKeys(t, db, c, accounts.APIKeysConfig{})
		year := wanted("1")
		year.ExpiresAt = c.Now().AddDate(1, 0, 0)
		yearText, yearKey := createKey(t, keys, year)
		text, key := createKey(t, keys, wanted("1"))
		c.advance(90*24*time.Hour - time.Millisecond)
		expectKey(t, keys, text, key.ID) // and is remembered, but not past its end
		c.advance(time.Millisecond)
		expectKey(t, keys, text, "")
		expectKey(t, keys, yearText, yearKey.ID)
		_, err := keys.Find(t.Context(), text)
		if ae, ok := errors.AsType[*gate.AuthError](err); !ok || ae.Subject != "1" {
			t.Errorf("refusal %#v, want one that knows whose key it was", err)
		}
		if list, err := keys.List(t.Context(), "user", "1"); err != nil || len(list) != 1 || list[0].ID != yearKey.ID {
			t.Errorf("List = %v, %v, want %s alone", list, err, yearKey.ID)
		}
	})
}

func TestKEY03_refusals(t *testing.T) {
	c := newClock()
	db := storetest.SQLite(t)
	keys := newKeys(t, db, c, accounts.APIKeysConfig{Entity: "user"})
	for name, change := range map[string]func(*accounts.NewKey){
		"no subject":       func(n *accounts.NewKey) { n.Subject = "" },
		"no entity":        func(n *accounts.NewKey) { n.Entity = "" },
		"other entity":     func(n *accounts.NewKey) { n.Entity = "admin" },
		"no name":          func(n *accounts.NewKey) { n.Name = "\x00\n" },
		"no scopes":        func(n *accounts.NewKey) { n.Scopes = nil },
		"empty scope":      func(n *accounts.NewKey) { n.Scopes = []string{""} },
		"two in a scope":   func(n *accounts.NewKey) { n.Scopes = []string{"read:items write:items"} },
		"long scope":       func(n *accounts.NewKey) { n.Scopes = []string{strings.Repeat("x", 101)} },
		"many scopes":      func(n *accounts.NewKey) { n.Scopes = strings.Fields(strings.Repeat("x ", 101)) },
		"more than a year": func(n *accounts.NewKey) { n.ExpiresAt = c.Now().AddDate(1, 0, 0).Add(time.Second) },
		"expired":          func(n *accounts.NewKey) { n.ExpiresAt = c.Now() },
		"no network":       func(n *accounts.NewKey) { n.Networks = []netip.Prefix{{}} },
		"many networks":    func(n *accounts.NewKey) { n.Networks = make([]netip.Prefix, 21) },
		"long subject":     func(n *accounts.NewKey) { n.Subject = strings.Repeat("x", 256) },
	} {
		t.Run(name, func(t *testing.T) {
			n := wanted("1")
			change(&n)
			if text, _, err := keys.Create(t.Context(), n); err == nil || text != "" {
				t.Errorf("Create = %q, %v, want an error", text, err)
			}
		})
	}
	for name, cfg := range map[string]accounts.APIKeysConfig{
		"environment":      {Environment: "Live"},
		"underscore":       {Environment: "a_b"},
		"long environment": {Environment: strings.Repeat("x", 17)},
		"cache":            {CacheFor: 6 * time.Second},
	} {
		if _, err := accounts.NewAPIKeys(db, cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := accounts.NewAPIKeys(nil, accounts.APIKeysConfig{}); err == nil {
		t.Error("no database: no error")
	}
}

func TestKEY03_rotate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		keys := newKeys(t, db, c, accounts.APIKeysConfig{})
		firstText, first := createKey(t, keys, wanted("1"))
		expectKey(t, keys, firstText, first.ID)
		rotate := func(subject, id string, overlap time.Duration) (string, accounts.APIKey, error) {
			return keys.Rotate(t.Context(), "user", subject, id, overlap)
		}
		for name, err := range map[string]error{
			"somebody else's": third(rotate("2", first.ID, time.Hour)),
			"unknown":         third(rotate("1", strings.Repeat("a", 16), time.Hour)),
			"hostile":         third(rotate("1", "' OR 1=1 --", time.Hour)),
		} {
			if !errors.Is(err, accounts.ErrNoKey) {
				t.Errorf("%s: %v, want %v", name, err, accounts.ErrNoKey)
			}
		}
		for _, overlap := range []time.Duration{-1, accounts.MaxKeyOverlap + 1} {
			if err := third(rotate("1", first.ID, overlap)); err == nil || errors.Is(err, accounts.ErrNoKey) {
				t.Errorf("overlap of %v: %v", overlap, err)
			}
		}

		c.advance(24 * time.Hour)
		secondText, second, err := rotate("1", first.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if second.Name != "deploy" || len(second.Scopes) != 2 || !second.ExpiresAt.Equal(c.Now().Add(90*24*time.Hour)) || !second.LastUsedAt.IsZero() {
			t.Errorf("successor = %+v", second)
		}
		expectKey(t, keys, firstText, first.ID)
		expectKey(t, keys, secondText, second.ID)
		if err := third(rotate("1", first.ID, time.Hour)); !errors.Is(err, accounts.ErrKeyRotated) {
			t.Errorf("Rotate again = %v, want %v", err, accounts.ErrKeyRotated)
		}
		thirdText, last, err := rotate("1", second.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		expectKey(t, keys, firstText, "") // two are live, and no more
		expectKey(t, keys, secondText, second.ID)
		expectKey(t, keys, thirdText, last.ID)
		c.advance(time.Hour)
		expectKey(t, keys, secondText, "")
		expectKey(t, keys, thirdText, last.ID)
		if list, err := keys.List(t.Context(), "user", "1"); err != nil || len(list) != 1 || list[0].ID != last.ID {
			t.Errorf("List = %v, %v, want %s alone", list, err, last.ID)
		}
	})
}

func third[A, B any](_ A, _ B, err error) error { return err }

func TestKEY03_rotateAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		keys := newKeys(t, db, newClock(), accounts.APIKeysConfig{})
		_, key := createKey(t, keys, wanted("1"))
		var mu sync.Mutex
		var wg sync.WaitGroup
		good := 0
		for range 20 {
			wg.Go(func() {
				err := third(keys.Rotate(t.Context(), "user", "1", key.ID, time.Hour))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					good++
				case !errors.Is(err, accounts.ErrKeyRotated):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if good != 1 {
			t.Errorf("%d successors, want 1", good)
		}
	})
}

func TestKEY03_revoke(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		here, there := newKeys(t, db, c, accounts.APIKeysConfig{}), newKeys(t, db, c, accounts.APIKeysConfig{})
		text, key := createKey(t, here, wanted("1"))
		for _, tt := range []struct{ entity, subject, id string }{
			{"user", "2", key.ID}, {"admin", "1", key.ID}, {"user", "1", ""}, {"user", "1", strings.Repeat("a", 16)},
		} {
			if err := here.Revoke(t.Context(), tt.entity, tt.subject, tt.id); !errors.Is(err, accounts.ErrNoKey) {
				t.Errorf("Revoke(%v) = %v, want %v", tt, err, accounts.ErrNoKey)
			}
		}
		expectKey(t, here, text, key.ID)
		expectKey(t, there, text, key.ID)
		if err := here.Revoke(t.Context(), "user", "1", key.ID); err != nil {
			t.Fatal(err)
		}
		expectKey(t, here, text, "")
		c.advance(5 * time.Second)
		expectKey(t, there, text, "")
		if err := here.Revoke(t.Context(), "user", "1", key.ID); !errors.Is(err, accounts.ErrNoKey) {
			t.Errorf("Revoke again = %v, want %v", err, accounts.ErrNoKey)
		}

		for name, revoke := range map[string]func() (int, error){
			"RevokeSubject": func() (int, error) { return here.RevokeSubject(t.Context(), "user", "1") },
			"RevokeAll":     func() (int, error) { return here.RevokeAll(t.Context()) },
		} {
			t.Run(name, func(t *testing.T) {
				text, key := createKey(t, here, wanted("1"))
				other, otherKey := createKey(t, here, wanted("2"))
				expectKey(t, here, text, key.ID)
				expectKey(t, here, other, otherKey.ID)
				n, err := revoke()
				all := name == "RevokeAll"
				if err != nil || n < 1 || !all && n != 1 {
					t.Errorf("%s = %d, %v", name, n, err)
				}
				expectKey(t, here, text, "")
				if all {
					otherKey.ID = ""
				}
				expectKey(t, here, other, otherKey.ID)
			})
		}
	})
}

func TestKEY03_lastUse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		keys := newKeys(t, db, c, accounts.APIKeysConfig{})
		text, _ := createKey(t, keys, wanted("1"))
		begin := c.Now()
		for _, step := range []struct{ advance, want time.Duration }{
			{time.Second, time.Second}, {59 * time.Second, time.Second}, {time.Second, 61 * time.Second},
		} {
			c.advance(step.advance)
			again := newKeys(t, db, c, accounts.APIKeysConfig{})
			if _, err := again.Find(t.Context(), text); err != nil {
				t.Fatal(err)
			}
			if err := again.Close(); err != nil { // waits for the write
				t.Fatal(err)
			}
			list, err := keys.List(t.Context(), "user", "1")
			if err != nil || len(list) != 1 || !list[0].LastUsedAt.Equal(begin.Add(step.want)) {
				t.Errorf("List = %v, %v, want one used %v after its making", list, err, step.want)
			}
		}
	})
}

func TestCreateKey_bounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		keys := newKeys(t, db, c, accounts.APIKeysConfig{})
		for range 50 {
			createKey(t, keys, wanted("1"))
		}
		if _, _, err := keys.Create(t.Context(), wanted("1")); !errors.Is(err, accounts.ErrTooManyKeys) {
			t.Errorf("Create = %v, want %v", err, accounts.ErrTooManyKeys)
		}
		createKey(t, keys, wanted("2"))
		for range 120 {
			_, key := createKey(t, keys, wanted("3"))
			if err := keys.Revoke(t.Context(), "user", "3", key.ID); err != nil {
				t.Fatal(err)
			}
		}
		var rows int
		if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM gate_api_keys WHERE subject = '3'").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows > 101 {
			t.Errorf("%d rows of revoked keys, want at most 101", rows)
		}
	})
}

// TestAPIKeys_entity: two kinds of accounts may have the same identifiers.
func TestAPIKeys_entity(t *testing.T) {
	db, c := storetest.SQLite(t), newClock()
	users, admins := newKeys(t, db, c, accounts.APIKeysConfig{Entity: "user"}), newKeys(t, db, c, accounts.APIKeysConfig{Entity: "admin"})
	text, key := createKey(t, users, wanted("1"))
	expectKey(t, admins, text, "")
	if n, err := admins.RevokeAll(t.Context()); n != 0 || err != nil {
		t.Errorf("RevokeAll = %d, %v, want 0", n, err)
	}
	expectKey(t, users, text, key.ID)
}

func TestLOG16_apiKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		keys := newKeys(t, db, newClock(), accounts.APIKeysConfig{})
		text, key := createKey(t, keys, wanted("1"))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for name, err := range map[string]error{
			"Find":          second(keys.Find(gone, text)),
			"Create":        third(keys.Create(gone, wanted("1"))),
			"List":          second(keys.List(gone, "user", "1")),
			"Rotate":        third(keys.Rotate(gone, "user", "1", key.ID, 0)),
			"Revoke":        keys.Revoke(gone, "user", "1", key.ID),
			"RevokeSubject": second(keys.RevokeSubject(gone, "user", "1")),
			"RevokeAll":     second(keys.RevokeAll(gone)),
		} {
			if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, accounts.ErrNoKey) || errors.Is(err, gate.ErrInvalidCredentials) {
				t.Errorf("%s = %v, want %v", name, err, store.ErrUnavailable)
			}
		}
		expectKey(t, keys, text, key.ID)
	})
}

// FuzzFind: whatever is presented, nothing but a key made here is found.
func FuzzFind(f *testing.F) {
	keys := newKeys(f, storetest.SQLite(f), newClock(), accounts.APIKeysConfig{})
	text, _ := createKey(f, keys, wanted("1"))
	for _, seed := range []string{text, text[:20], "gk_live_", fmt.Sprintf("gk_live_%016d_%049d", 0, 0)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, presented string) {
		if _, err := keys.Find(t.Context(), presented); (err == nil) != (presented == text) {
			t.Errorf("Find(%q) = %v", presented, err)
		}
	})
}
