package accounts_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/store/storetest"
)

// handOut runs every way to come by a secret, and returns them all, used and
// unused.
func handOut(t *testing.T, db *store.DB) []string {
	t.Helper()
	f := newFamily(t, db, accounts.RefreshConfig{Grace: 10 * time.Second, Key: key})
	secrets := []string{f.first}
	for range 3 {
		secrets = append(secrets, f.use(t, secrets[len(secrets)-1], laptop))
	}
	f.use(t, secrets[2], laptop) // within the grace: the sealed child is there
	_, cookie := browser(t, f.Sessions, f.clock, "1")
	ended, cookieOfEnded := browser(t, f.Sessions, f.clock, "1")
	if err := f.End(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, cookie, cookieOfEnded)

	tokens, _ := newTokens(t, db)
	for p := range lives {
		used := issue(t, tokens, p, claim("1"))
		if _, err := tokens.Redeem(t.Context(), p, used); err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, used, issue(t, tokens, p, claim("1")))
	}

	keys := newKeys(t, db, f.clock, accounts.APIKeysConfig{})
	text, old := createKey(t, keys, wanted("1"))
	if _, err := keys.Find(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	next, _, err := keys.Rotate(t.Context(), "user", "1", old.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{text, next} {
		_, hidden, _ := strings.Cut(strings.TrimPrefix(text, "gk_live_"), "_")
		secrets = append(secrets, text, hidden[:43])
	}
	return secrets
}

// expectNone looks for secrets in a dump, as text and in other spellings.
func expectNone(t *testing.T, dump []byte, secrets []string) {
	t.Helper()
	if !bytes.Contains(dump, []byte("Browser/1")) || len(secrets) < 20 {
		t.Fatalf("the dump of %d bytes does not hold what is stored, or %d secrets are not all", len(dump), len(secrets))
	}
	lower := bytes.ToLower(dump)
	for _, secret := range secrets {
		spellings := [][]byte{[]byte(secret), []byte(secret[:24]), []byte(hex.EncodeToString([]byte(secret)))}
		if raw, err := base64.RawURLEncoding.DecodeString(secret); err == nil {
			spellings = append(spellings, raw, []byte(hex.EncodeToString(raw)))
		}
		for _, spelling := range spellings {
			if bytes.Contains(dump, spelling) || bytes.Contains(lower, spelling) {
				t.Errorf("the database holds %q as %q", secret, spelling)
			}
		}
	}
}

// TestSES01_dump: whoever reads the database logs in as nobody.
func TestSES01_dump(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		db, err := sqlite.Open(t.Context(), filepath.Join(dir, "test.db"), sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		secrets := handOut(t, db)
		var dump []byte
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) < 2 {
			t.Fatalf("files %v, %v, want the database and its log", files, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dump = append(dump, data...)
		}
		expectNone(t, dump, secrets)
	})
	t.Run("postgresql", func(t *testing.T) {
		db := storetest.Postgres(t)
		secrets := handOut(t, db)
		var dump []byte
		for _, table := range []string{"gate_sessions", "gate_refresh_tokens", "gate_tokens", "gate_api_keys"} {
			var rows string
			err := db.Read().QueryRowContext(t.Context(), "SELECT string_agg(t::text, E'\\n') FROM "+table+" t").Scan(&rows)
			if err != nil {
				t.Fatal(err)
			}
			dump = append(dump, rows...)
		}
		expectNone(t, dump, secrets)
	})
}

// TestSES01_digestsLogNobodyIn: what a dump does hold is good for nothing.
func TestSES01_digestsLogNobodyIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		handOut(t, db)
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		refresh, err := accounts.NewRefreshTokens(s, accounts.RefreshConfig{Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		tokens, _ := newTokens(t, db)
		keys := newKeys(t, db, c, accounts.APIKeysConfig{})
		for _, column := range []string{
			"id FROM gate_sessions", "secret_hash FROM gate_sessions WHERE secret_hash IS NOT NULL", "token_hash FROM gate_refresh_tokens",
			"sealed_child FROM gate_refresh_tokens WHERE sealed_child <> ''", "token_hash FROM gate_tokens", "secret_hash FROM gate_api_keys",
			"id FROM gate_api_keys",
		} {
			var value string
			if err := db.Read().QueryRowContext(t.Context(), "SELECT "+column+" LIMIT 1").Scan(&value); err != nil {
				t.Fatalf("%s: %v", column, err)
			}
			raw, _ := hex.DecodeString(value)
			for _, presented := range []string{value, value[:min(43, len(value))], base64.RawURLEncoding.EncodeToString(raw)} {
				expectSecret(t, s, presented, "")
				expectKey(t, keys, presented, "")
				expectToken(t, tokens, accounts.ResetPassword, presented, false)
				if _, _, err := refresh.Use(t.Context(), presented, gate.Client{}); err == nil {
					t.Errorf("%s works as a refresh token", column)
				}
			}
		}
	})
}
