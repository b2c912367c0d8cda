package keyring_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/keyring"
	"github.com/gatewright/gate/store/storetest"
)

// TestJKS08_rings: two rings in one database know nothing of each other.
func TestJKS08_rings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		plain, named := config(c), config(c)
		named.Ring, named.Algorithm = "es256", jose.ES256
		a, b := open(t, db, plain), open(t, db, named)
		if a.Keys().Signing().Algorithm() != jose.EdDSA || b.Keys().Signing().Algorithm() != jose.ES256 {
			t.Fatal("rings sign with each other's algorithm")
		}
		if _, err := b.Key(t.Context(), a.Keys().Signing().ID(), jose.EdDSA); !errors.Is(err, jose.ErrUnknownKey) {
			t.Errorf("a key of the other ring: %v", err)
		}
		if _, err := b.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.Remove(t.Context(), a.Keys().Signing().ID()); !errors.Is(err, keyring.ErrNoKey) {
			t.Errorf("removed by the other ring: %v", err)
		}
		expectStates(t, a, keyring.Signing)
		expectStates(t, b, keyring.Next, keyring.Signing)

		// A row that is moved into the other ring does not open there.
		if _, err := db.Exec(t.Context(), "UPDATE gate_keys SET ring = '', generation = generation + 100 WHERE ring = 'es256'"); err != nil {
			t.Fatal(err)
		}
		if err := a.Refresh(t.Context()); !errors.Is(err, keyring.ErrWrongSecret) {
			t.Errorf("rows of another ring: %v, want ErrWrongSecret", err)
		}
	})
}

func TestOpen_ringName(t *testing.T) {
	db := storetest.SQLite(t)
	for _, name := range []string{"Upper", "a b", "a'; DROP TABLE gate_keys", "ä", string(make([]byte, 64))} {
		cfg := config(newClock())
		cfg.Ring = name
		if _, err := keyring.Open(t.Context(), db, cfg); err == nil || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestMigrations_rows: keys from before there were rings go on signing.
func TestMigrations_rows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		all := keyring.Migrations(db.Dialect())
		if _, err := db.Migrate(t.Context(), "other", all); err != nil { // what a key row looks like
			t.Fatal(err)
		}
		ring, err := keyring.Open(t.Context(), db, config(c))
		if err != nil {
			t.Fatal(err)
		}
		old := ring.Keys().Signing().ID()
		for _, statement := range []string{
			"CREATE TABLE kept AS SELECT generation, id, algorithm, sealed, created_at, signs_from FROM gate_keys",
			"DROP TABLE gate_keys",
		} {
			if _, err := db.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.Migrate(t.Context(), keyring.Component, all[:1]); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(t.Context(), "INSERT INTO gate_keys SELECT generation, id, algorithm, sealed, created_at, signs_from FROM kept"); err != nil {
			t.Fatal(err)
		}
		again := open(t, db, config(c))
		if got := again.Keys().Signing().ID(); got != old {
			t.Errorf("signs with %s, want the key of before, %s", got, old)
		}
		if _, err := again.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		expectStates(t, again, keyring.Next, keyring.Signing)
	})
}

// TestJKS08_promote: next becomes current, current previous, and there is a new
// next at once, which is published before it signs.
func TestJKS08_promote(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		cfg := config(c)
		cfg.AlwaysNext, cfg.RotateEvery = true, -1
		ring := open(t, db, cfg)
		ids := expectStates(t, ring, keyring.Next, keyring.Signing)
		next, first := ids[0], ids[1]
		if !published(ring, next) {
			t.Error("the next key is not published")
		}
		c.advance(10000 * day)
		expectStates(t, ring, keyring.Next, keyring.Signing) // by hand alone
		token := sign(t, ring, c)

		info, err := ring.Promote(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.ID != next || info.State != keyring.Signing || !info.SignsFrom.Equal(c.Now()) {
			t.Errorf("promoted %+v, want %s", info, next)
		}
		ids = expectStates(t, ring, keyring.Next, keyring.Signing, keyring.Retired)
		if ids[1] != next || ids[2] != first || ring.Keys().Signing().ID() != next || !published(ring, ids[0]) {
			t.Errorf("keys %v, signing %s", ids, ring.Keys().Signing().ID())
		}
		if _, err := verifier(t, ring.Keys(), c).Verify(t.Context(), token); err != nil {
			t.Errorf("a token of the key before: %v", err)
		}
		list, err := ring.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !list[0].SignsFrom.IsZero() || !list[1].GoneAt.IsZero() || !list[2].GoneAt.Equal(c.Now().Add(tokenLife+2*time.Minute)) {
			t.Errorf("times of %+v", list)
		}
		c.advance(tokenLife + 2*time.Minute)
		expectStates(t, ring, keyring.Next, keyring.Signing)

		// The one that signs leaks: the next takes over, and there is another one.
		if err := ring.Remove(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		if got := expectStates(t, ring, keyring.Next, keyring.Signing); got[1] != ids[0] {
			t.Errorf("signs %s, want %s", got[1], ids[0])
		}
	})
}

// TestJKS08_promoteAtOnce: eight processes promote one key, and have the same
// keys then.
func TestJKS08_promoteAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		cfg := config(c)
		cfg.AlwaysNext, cfg.RotateEvery = true, -1
		rings := make([]*keyring.Keyring, 8)
		for i := range rings {
			rings[i] = open(t, db, cfg)
		}
		next := expectStates(t, rings[0], keyring.Next, keyring.Signing)[0]
		c.advance(time.Hour)
		refresh(t, rings...)
		start := make(chan struct{})
		promoted := make([]string, len(rings))
		var wg sync.WaitGroup
		for i, ring := range rings {
			wg.Go(func() {
				<-start
				info, err := ring.Promote(t.Context())
				if err != nil {
					t.Error(err)
				}
				promoted[i] = info.ID
			})
		}
		close(start)
		wg.Wait()
		// Those that came when another had finished promote a further key: that
		// is what they were asked. None signs with a key that is not in the row.
		if promoted[0] == "" {
			t.Error("nothing promoted")
		}
		refresh(t, rings...)
		want := rings[0].Keys().Signing().ID()
		for _, ring := range rings {
			if got := ring.Keys().Signing().ID(); got != want {
				t.Errorf("signs with %s, another with %s", got, want)
			}
		}
		if _, ok := rings[0].Keys().ByID(next); !ok {
			t.Error("the key that was next is gone")
		}
	})
}

// TestJKS08_alwaysNext: with rotation by time the next key is there from the
// first moment, and Rotate brings it forward.
func TestJKS08_alwaysNext(t *testing.T) {
	db := storetest.SQLite(t)
	c := newClock()
	cfg := config(c)
	cfg.AlwaysNext = true
	ring := open(t, db, cfg)
	next := expectStates(t, ring, keyring.Next, keyring.Signing)[0]
	c.advance(90*day - time.Millisecond)
	refresh(t, ring)
	if ring.Keys().Signing().ID() == next {
		t.Error("in use too early")
	}
	c.advance(time.Millisecond)
	after := expectStates(t, ring, keyring.Next, keyring.Signing, keyring.Retired)
	if after[1] != next || !published(ring, after[0]) {
		t.Errorf("keys %v, want %s to sign", after, next)
	}
	if kid, err := ring.Rotate(t.Context()); err != nil || kid != after[0] {
		t.Fatalf("rotate: %s, %v", kid, err)
	}
	c.advance(time.Hour - time.Millisecond)
	refresh(t, ring)
	if ring.Keys().Signing().ID() != next {
		t.Error("in use before it was published for an hour")
	}
	c.advance(time.Millisecond)
	refresh(t, ring)
	if ring.Keys().Signing().ID() != after[0] {
		t.Error("not in use after an hour")
	}

	// Another algorithm does not wait for the key that is next.
	cfg.Algorithm = jose.ES256
	ring = open(t, db, cfg)
	c.advance(time.Hour)
	refresh(t, ring)
	if got := ring.Keys().Signing().Algorithm(); got != jose.ES256 {
		t.Errorf("signs with %s", got)
	}
	c.advance(tokenLife + 2*time.Minute)
	expectStates(t, ring, keyring.Next, keyring.Signing)
}
