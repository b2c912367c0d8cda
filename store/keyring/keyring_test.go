package keyring_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/keyring"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/store/storetest"
)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

const (
	day       = 24 * time.Hour
	tokenLife = time.Hour
)

func config(c *clock) keyring.Config {
	return keyring.Config{
		Algorithm: jose.EdDSA, Secret: []byte("a secret for tests, 32 bytes long"), KeepFor: tokenLife,
		Now: c.Now, Logger: slog.New(slog.DiscardHandler),
	}
}

func open(t testing.TB, db *store.DB, cfg keyring.Config) *keyring.Keyring {
	t.Helper()
	if _, err := db.Migrate(t.Context(), keyring.Component, keyring.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Open(t.Context(), db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func refresh(t testing.TB, rings ...*keyring.Keyring) {
	t.Helper()
	for _, ring := range rings {
		if err := ring.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func sign(t testing.TB, ring *keyring.Keyring, c *clock) string {
	t.Helper()
	token, err := jose.Sign(ring.Keys().Signing(), jose.AccessTokenType, &jose.Claims{
		Issuer: "gate", Subject: "42", Audience: []string{"api"}, IssuedAt: c.Now(), Expiry: c.Now().Add(tokenLife),
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func verifier(t testing.TB, keys jose.KeySource, c *clock) *jose.Verifier {
	t.Helper()
	v, err := jose.NewVerifier(jose.VerifierConfig{
		Keys: keys, Issuer: "gate", Audience: []string{"api"}, Now: c.Now, CacheSize: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// states returns the names and states of the keys, the newest first.
func states(t testing.TB, ring *keyring.Keyring) (ids []string, states []keyring.State) {
	t.Helper()
	list, err := ring.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range list {
		ids, states = append(ids, info.ID), append(states, info.State)
	}
	return ids, states
}

func expectStates(t testing.TB, ring *keyring.Keyring, want ...keyring.State) []string {
	t.Helper()
	ids, got := states(t, ring)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	return ids
}

func published(ring *keyring.Keyring, kid string) bool {
	return bytes.Contains(ring.Keys().JWKS(), []byte(`"`+kid+`"`))
}

func TestOpen_refusals(t *testing.T) {
	db := storetest.SQLite(t)
	for name, change := range map[string]func(*keyring.Config){
		"no algorithm":          func(cfg *keyring.Config) { cfg.Algorithm = "" },
		"algorithm none":        func(cfg *keyring.Config) { cfg.Algorithm = "none" },
		"no secret":             func(cfg *keyring.Config) { cfg.Secret = nil },
		"short secret":          func(cfg *keyring.Config) { cfg.Secret = cfg.Secret[:31] },
		"no life of tokens":     func(cfg *keyring.Config) { cfg.KeepFor = 0 },
		"published too late":    func(cfg *keyring.Config) { cfg.PublishBefore = time.Minute },
		"negative publication":  func(cfg *keyring.Config) { cfg.PublishBefore = -time.Hour },
		"rotates while it does": func(cfg *keyring.Config) { cfg.RotateEvery = 90 * time.Minute },
		"no table":              func(*keyring.Config) {},
	} {
		cfg := config(newClock())
		change(&cfg)
		if _, err := keyring.Open(t.Context(), db, cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := keyring.Open(t.Context(), nil, config(newClock())); err == nil {
		t.Error("no database: no error")
	}
}

func TestOpen_algorithms(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		cfg := config(c)
		// Each time the algorithm changes the next key is made at once.
		for i, alg := range []jose.Algorithm{
			jose.HS256, jose.HS384, jose.HS512, jose.RS256, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
		} {
			cfg.Algorithm = alg
			ring := open(t, db, cfg)
			if i > 0 {
				c.advance(time.Hour)
				refresh(t, ring)
			}
			if got := ring.Keys().Signing().Algorithm(); got != alg {
				t.Errorf("%s: signs with %s", alg, got)
			}
			token := sign(t, ring, c)
			again := open(t, db, cfg) // as after a restart
			if _, err := verifier(t, again.Keys(), c).Verify(t.Context(), token); err != nil {
				t.Errorf("%s: after a restart: %v", alg, err)
			}
			if kid := ring.Keys().Signing().ID(); published(ring, kid) == strings.HasPrefix(string(alg), "HS") {
				t.Errorf("%s: published = %v", alg, published(ring, kid))
			}
		}
	})
}

// TestJKS08_rotation: published two key set lives before its first use, kept
// until its last token has expired, then gone.
func TestJKS08_rotation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		ring := open(t, db, config(c))
		old := expectStates(t, ring, keyring.Signing)[0]
		c.advance(90*day - time.Hour - time.Millisecond)
		expectStates(t, ring, keyring.Signing)
		c.advance(time.Millisecond)
		next := expectStates(t, ring, keyring.Next, keyring.Signing)[0]
		if !published(ring, next) || !published(ring, old) || ring.Keys().Signing().ID() != old {
			t.Error("an hour before: not published, or in use")
		}
		c.advance(time.Hour - time.Millisecond)
		refresh(t, ring)
		last := sign(t, ring, c)
		if ring.Keys().Signing().ID() != old {
			t.Error("used too early")
		}
		c.advance(time.Millisecond)
		expectStates(t, ring, keyring.Signing, keyring.Retired)
		if ring.Keys().Signing().ID() != next || !published(ring, old) {
			t.Error("not in use, or the old one is gone")
		}
		c.advance(tokenLife - time.Second)
		refresh(t, ring)
		if _, err := verifier(t, ring.Keys(), c).Verify(t.Context(), last); err != nil {
			t.Errorf("the last token of the old key: %v", err)
		}
		c.advance(time.Second + 2*time.Minute)
		expectStates(t, ring, keyring.Signing)
		refresh(t, ring)
		if _, ok := ring.Keys().ByID(old); ok || published(ring, old) || rows(t, db) != 1 {
			t.Errorf("the old key is still there, %d rows", rows(t, db))
		}
	})
}

func TestJKS08_byHand(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		cfg := config(c)
		cfg.RotateEvery, cfg.PublishBefore = -1, 10*time.Minute
		ring := open(t, db, cfg)
		c.advance(1000 * day)
		expectStates(t, ring, keyring.Signing)
		next, err := ring.Rotate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ring.Rotate(t.Context()); err != nil || again != next {
			t.Errorf("a second time: %q, %v, want %q", again, err, next)
		}
		if !published(ring, next) || ring.Keys().Signing().ID() == next {
			t.Error("not published, or in use at once")
		}
		c.advance(10 * time.Minute)
		refresh(t, ring)
		if ring.Keys().Signing().ID() != next {
			t.Error("not in use after ten minutes")
		}
	})
}

// TestJKS08_load: two replicas sign and verify each other's tokens while keys
// are rotated again and again: none is refused.
func TestJKS08_load(t *testing.T) {
	url := storetest.PostgresURL(t)
	c := newClock()
	cfg := config(c)
	cfg.RotateEvery = 2 * time.Hour
	var rings [2]*keyring.Keyring
	for i := range rings {
		rings[i] = open(t, another(t, url), cfg)
	}
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	var still sync.RWMutex // the clock stands still between signing and verifying
	var mu sync.Mutex
	signedBy := make(map[string]bool)
	for i, ring := range rings {
		v := verifier(t, rings[1-i].Keys(), c)
		wg.Go(func() {
			for ctx.Err() == nil {
				still.RLock()
				if _, err := v.Verify(ctx, sign(t, ring, c)); err != nil {
					t.Errorf("refused: %v", err)
				}
				still.RUnlock()
				mu.Lock()
				signedBy[ring.Keys().Signing().ID()] = true
				mu.Unlock()
			}
		})
	}
	for range 60 { // ten hours
		still.Lock()
		c.advance(10 * time.Minute)
		still.Unlock()
		refresh(t, rings[:]...)
	}
	stop()
	wg.Wait()
	if n := len(signedBy); n < 4 {
		t.Errorf("%d keys signed, want the load to see rotations", n)
	}
	if got := string(rings[0].Keys().JWKS()); got != string(rings[1].Keys().JWKS()) {
		t.Errorf("key sets differ:\n%s\n%s", got, rings[1].Keys().JWKS())
	}
}

// another opens a database as another process would.
func another(t *testing.T, url string) *store.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), url, postgres.Config{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// TestJKS08_oneMakes: replicas that start, rotate and remove at once have the
// same keys in the end.
func TestJKS08_oneMakes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		if _, err := db.Migrate(t.Context(), keyring.Component, keyring.Migrations(db.Dialect())); err != nil {
			t.Fatal(err)
		}
		rings := make([]*keyring.Keyring, 8)
		together := func(do func(i int) error) {
			t.Helper()
			var wg sync.WaitGroup
			for i := range rings {
				wg.Go(func() {
					if err := do(i); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		together(func(i int) (err error) {
			rings[i], err = keyring.Open(t.Context(), db, config(c))
			return err
		})
		agree := func(want ...keyring.State) []string {
			t.Helper()
			refresh(t, rings...)
			ids := expectStates(t, rings[0], want...)
			for _, ring := range rings {
				if got := ring.Keys().Signing().ID(); got != rings[0].Keys().Signing().ID() || string(ring.Keys().JWKS()) != string(rings[0].Keys().JWKS()) {
					t.Errorf("keys differ: %s signs", got)
				}
			}
			return ids
		}
		agree(keyring.Signing)
		kids := make([]string, len(rings))
		together(func(i int) (err error) {
			kids[i], err = rings[i].Rotate(t.Context())
			return err
		})
		for _, kid := range kids {
			if kid != kids[0] {
				t.Errorf("rotations made %v", kids)
				break
			}
		}
		ids := agree(keyring.Next, keyring.Signing)
		// The next key and the one that signs leaked; each replica is told of one.
		together(func(i int) error {
			err := rings[i].Remove(t.Context(), ids[i%2])
			if errors.Is(err, keyring.ErrNoKey) {
				return nil // another one was faster
			}
			return err
		})
		left, got := states(t, rings[0])
		refresh(t, rings...)
		if len(left) != 1 || got[0] != keyring.Signing || left[0] == ids[0] || left[0] == ids[1] {
			t.Errorf("left: %v %v, want one new key", left, got)
		}
		agree(keyring.Signing)
	})
}

func rows(t testing.TB, db *store.DB) (n int) {
	t.Helper()
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM gate_keys").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestJKS08_removal: a key that leaked is refused at once here, elsewhere when
// it is next read or a token with an unknown key comes.
func TestJKS08_removal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		here, there := open(t, db, config(c)), open(t, db, config(c))
		leaked := here.Keys().Signing().ID()
		token := sign(t, here, c)
		if err := here.Remove(t.Context(), "nobody's"); !errors.Is(err, keyring.ErrNoKey) {
			t.Errorf("Remove = %v, want %v", err, keyring.ErrNoKey)
		}
		if err := here.Remove(t.Context(), leaked); err != nil {
			t.Fatal(err)
		}
		if _, err := verifier(t, here.Keys(), c).Verify(t.Context(), token); !errors.Is(err, jose.ErrUnknownKey) {
			t.Errorf("its token: %v, want %v", err, jose.ErrUnknownKey)
		}
		if now := here.Keys().Signing(); now == nil || now.ID() == leaked || published(here, leaked) {
			t.Errorf("%v signs", now)
		}
		// A token of the new key makes the other replica look.
		if _, err := verifier(t, there, c).Verify(t.Context(), sign(t, here, c)); err != nil {
			t.Errorf("elsewhere: %v", err)
		}
		if _, ok := there.Keys().ByID(leaked); ok {
			t.Error("elsewhere the key is still good")
		}
		// With a next key that takes over, and the retired one does not sign again.
		next, err := here.Rotate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := here.Remove(t.Context(), here.Keys().Signing().ID()); err != nil {
			t.Fatal(err)
		}
		if got := here.Keys().Signing().ID(); got != next {
			t.Errorf("%s signs, want the next, %s", got, next)
		}
		if _, err := here.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Hour)
		ids := expectStates(t, here, keyring.Signing, keyring.Retired)
		if err := here.Remove(t.Context(), ids[0]); err != nil {
			t.Fatal(err)
		}
		if got := here.Keys().Signing().ID(); got == ids[0] || got == ids[1] {
			t.Errorf("%s signs, want a new one", got)
		}
	})
}

// TestJKS01_unknown: tokens with made-up keys do not reach the database more
// than once in ten seconds.
func TestJKS01_unknown(t *testing.T) {
	db := storetest.SQLite(t)
	c := newClock()
	ring := open(t, db, config(c))
	if _, err := ring.Key(t.Context(), "x", jose.EdDSA); !errors.Is(err, jose.ErrUnknownKey) {
		t.Errorf("Key = %v, want %v", err, jose.ErrUnknownKey)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.Key(t.Context(), "y", jose.EdDSA); !errors.Is(err, jose.ErrUnknownKey) {
		t.Errorf("at once again: %v, want %v without asking", err, jose.ErrUnknownKey)
	}
	c.advance(10 * time.Second)
	if _, err := ring.Key(t.Context(), "z", jose.EdDSA); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("later: %v, want %v", err, store.ErrUnavailable)
	}
	c.advance(10*time.Second - time.Millisecond)
	for _, kid := range []string{"z", "another"} { // nobody knows that there is no such key
		if _, err := ring.Key(t.Context(), kid, jose.EdDSA); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, jose.ErrUnknownKey) {
			t.Errorf("before it is asked again: %v, want %v", err, store.ErrUnavailable)
		}
	}
	if _, err := ring.Key(t.Context(), ring.Keys().Signing().ID(), jose.EdDSA); err != nil {
		t.Errorf("a known key: %v", err)
	}
}

// TestJKS08_unknownAtOnce: of many who bring the first tokens of a new key, each
// waits for the one look at the database, and none is told that there is no such
// key. The one who began it may be gone by then.
func TestJKS08_unknownAtOnce(t *testing.T) {
	db := storetest.SQLite(t)
	c := newClock()
	here, there := open(t, db, config(c)), open(t, db, config(c))
	kid, err := there.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Write().Conn(t.Context()) // the database hangs
	if err != nil {
		t.Fatal(err)
	}
	first, leave := context.WithCancel(t.Context())
	var began, ended sync.WaitGroup
	began.Add(20)
	for i := range 20 {
		ctx := t.Context()
		if i%2 == 0 {
			ctx = first
		}
		ended.Go(func() {
			began.Done()
			_, err := here.Key(ctx, kid, jose.EdDSA)
			if gone := ctx.Err() != nil && errors.Is(err, context.Canceled); err != nil && !gone {
				t.Errorf("Key = %v", err)
			}
		})
	}
	began.Wait()
	leave()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	ended.Wait()
	if _, err := here.Key(t.Context(), kid, jose.EdDSA); err != nil {
		t.Errorf("Key afterwards = %v", err)
	}
}

// TestJKS08_databaseDown: the change to the next key needs no database.
func TestJKS08_databaseDown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		ring := open(t, db, config(c))
		next, err := ring.Rotate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Hour)
		if err := ring.Refresh(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Refresh = %v, want %v", err, store.ErrUnavailable)
		}
		if got := ring.Keys().Signing().ID(); got != next {
			t.Errorf("%s signs, want %s", got, next)
		}
		if _, err := ring.Rotate(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Rotate = %v, want %v", err, store.ErrUnavailable)
		}
		if err := ring.Remove(t.Context(), next); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Remove = %v, want %v", err, store.ErrUnavailable)
		}
		if _, err := ring.List(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("List = %v, want %v", err, store.ErrUnavailable)
		}
	})
}

func TestJKS08_dump(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, alg := range []jose.Algorithm{jose.EdDSA, jose.HS256} {
			c := newClock()
			cfg := config(c)
			cfg.Algorithm = alg
			ring := open(t, db, cfg)
			token := sign(t, ring, c)
			var sealed string
			err := db.Read().QueryRowContext(t.Context(), "SELECT sealed FROM gate_keys WHERE id = $1", ring.Keys().Signing().ID()).Scan(&sealed)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := base64.StdEncoding.DecodeString(sealed)
			if err != nil {
				t.Fatal(err)
			}
			if key, err := x509.ParsePKCS8PrivateKey(raw); err == nil {
				t.Errorf("%s: the row holds %T", alg, key)
			}
			if key, err := jose.NewHMACKey(ring.Keys().Signing().ID(), jose.HS256, raw); err == nil {
				forger, err := jose.NewKeySet(key)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := verifier(t, forger, c).Verify(t.Context(), token); err == nil {
					t.Errorf("%s: the row holds the secret", alg)
				}
			}
			if _, err := db.Exec(t.Context(), "DELETE FROM gate_keys"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestJKS08_public(t *testing.T) {
	db := storetest.SQLite(t)
	cfg := config(newClock())
	for _, alg := range []jose.Algorithm{jose.RS256, jose.ES256, jose.EdDSA, jose.HS256} {
		cfg.Algorithm = alg
		ring := open(t, db, cfg)
		var doc struct{ Keys []map[string]any }
		if err := json.Unmarshal(ring.Keys().JWKS(), &doc); err != nil {
			t.Fatal(err)
		}
		for _, key := range doc.Keys {
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
				if _, ok := key[private]; ok {
					t.Errorf("%s: %q is public", alg, private)
				}
			}
		}
		if _, err := db.Exec(t.Context(), "DELETE FROM gate_keys"); err != nil {
			t.Fatal(err)
		}
		if want := 1; alg != jose.HS256 && len(doc.Keys) != want {
			t.Errorf("%s: %d keys, want %d", alg, len(doc.Keys), want)
		}
	}
}

func TestOpen_wrongSecret(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		good := open(t, db, config(c))
		token := sign(t, good, c)
		cfg := config(c)
		cfg.Secret = []byte("another secret, 32 bytes long too")
		c.advance(100 * day) // a rotation is due
		if _, err := keyring.Open(t.Context(), db, cfg); !errors.Is(err, keyring.ErrWrongSecret) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Open = %v, want %v", err, keyring.ErrWrongSecret)
		}
		if n := rows(t, db); n != 1 {
			t.Errorf("%d rows, want the one that was there", n)
		}
		c.advance(-100 * day)
		if _, err := verifier(t, open(t, db, config(c)).Keys(), c).Verify(t.Context(), token); err != nil {
			t.Errorf("with the right secret: %v", err)
		}
	})
}

// TestOpen_tampered: whoever can write the table cannot give a key another
// name or algorithm, nor exchange two.
func TestOpen_tampered(t *testing.T) {
	db := storetest.SQLite(t)
	for name, stmt := range map[string]string{
		"name":      "UPDATE gate_keys SET id = 'x'",
		"algorithm": "UPDATE gate_keys SET algorithm = 'HS256'",
		"sealed":    "UPDATE gate_keys SET sealed = 'AAAA'",
		"no base64": "UPDATE gate_keys SET sealed = '!'",
	} {
		open(t, db, config(newClock()))
		if _, err := db.Exec(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
		if _, err := keyring.Open(t.Context(), db, config(newClock())); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := db.Exec(t.Context(), "DELETE FROM gate_keys"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := sqlite.Open(t.Context(), ":memory:", sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		cfg := config(nil)
		cfg.Now = nil // that of the bubble
		cfg.RotateEvery = 24 * time.Hour
		ring, other := open(t, db, cfg), open(t, db, cfg)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for _, r := range []*keyring.Keyring{ring, other} {
			running.Go(func() { r.Run(ctx) })
		}
		first := ring.Keys().Signing().ID()
		time.Sleep(23*time.Hour + 2*time.Minute)
		synctest.Wait()
		if n := strings.Count(string(other.Keys().JWKS()), `"kid"`); n != 2 {
			t.Errorf("%d keys published an hour before, want 2", n)
		}
		time.Sleep(58*time.Minute + 90*time.Second)
		synctest.Wait()
		second := ring.Keys().Signing().ID()
		if second == first || other.Keys().Signing().ID() != second {
			t.Errorf("%s and %s sign, want the next", second, other.Keys().Signing().ID())
		}
		if err := ring.Remove(ctx, second); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if _, ok := other.Keys().ByID(second); ok {
			t.Error("a minute after its removal elsewhere the key is still good")
		}
		stop()
		running.Wait()
	})
}

// TestRun_logs: a database that is away is said once a minute, not more.
func TestRun_logs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := sqlite.Open(t.Context(), ":memory:", sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cfg := config(nil)
		cfg.Now, cfg.Logger = nil, slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelError}))
		ring := open(t, db, cfg)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { ring.Run(ctx) })
		time.Sleep(10*time.Minute + time.Second)
		stop()
		running.Wait()
		if n := strings.Count(out.String(), "signing keys not read"); n != 11 {
			t.Errorf("%d lines in ten minutes, want 11:\n%s", n, &out)
		}
	})
}

func TestErrors(t *testing.T) {
	if got := fmt.Sprint(keyring.ErrWrongSecret, "; ", keyring.ErrNoKey); got != "signing keys were sealed with another secret; no such signing key" {
		t.Error(got)
	}
}
