package accounts_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

// rows counts the rows of the tables: sessions, refresh tokens, tokens, keys.
func rows(t *testing.T, db *store.DB) (n [4]int) {
	t.Helper()
	for i, table := range []string{"gate_sessions", "gate_refresh_tokens", "gate_tokens", "gate_api_keys"} {
		if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n[i]); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func TestAUD04_retention(t *testing.T) {
	day := 24 * time.Hour
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFamily(t, db, accounts.RefreshConfig{Grace: time.Second, Key: key}) // a session of 30 days, with two tokens
		f.use(t, f.first, laptop)
		login(t, f.Sessions, f.clock, "2") // one of an hour
		ended, err := accounts.NewRefreshTokens(f.Sessions, accounts.RefreshConfig{Now: f.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		id := login(t, f.Sessions, f.clock, "3") // and one that ends now, with a token
		if _, err := ended.Issue(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if err := f.End(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		tokens, _ := newTokens(t, db)
		issue(t, tokens, accounts.ResetPassword, claim("1")) // 30 minutes
		issue(t, tokens, accounts.Invitation, claim("1"))    // 7 days
		keys := newKeys(t, db, f.clock, accounts.APIKeysConfig{})
		createKey(t, keys, wanted("1")) // 90 days
		_, revoked := createKey(t, keys, wanted("1"))
		if err := keys.Revoke(t.Context(), "user", "1", revoked.ID); err != nil {
			t.Fatal(err)
		}

		begin := f.clock.Now()
		for _, step := range []struct {
			name string
			at   time.Duration
			want [4]int // what is left
		}{
			{"now", 0, [4]int{3, 3, 2, 2}},
			{"almost a day", day - time.Millisecond, [4]int{3, 3, 2, 2}},
			{"tokens of what ended", day, [4]int{3, 2, 2, 2}},
			{"reset token", day + accounts.ResetPasswordLife, [4]int{3, 2, 1, 2}},
			{"invitation", 8 * day, [4]int{3, 2, 0, 2}},
			{"ended session, revoked key", 30 * day, [4]int{2, 2, 0, 1}},
			{"session of an hour", 30*day + time.Hour, [4]int{1, 2, 0, 1}},
			{"tokens of what expired", 31 * day, [4]int{1, 0, 0, 1}},
			{"session of thirty days", 60 * day, [4]int{0, 0, 0, 1}},
			{"key", 120 * day, [4]int{}},
		} {
			before := rows(t, db)
			n, err := accounts.Sweep(t.Context(), db, begin.Add(step.at))
			if err != nil {
				t.Fatal(err)
			}
			got := rows(t, db)
			if diff := cmp.Diff(step.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", step.name, diff)
			}
			if sum(before)-sum(got) != n {
				t.Errorf("%s: %d rows deleted, %d gone", step.name, n, sum(before)-sum(got))
			}
		}
	})
}

func sum(n [4]int) int { return n[0] + n[1] + n[2] + n[3] }

// TestSweep_sealedChild: what is kept for a lost answer is kept for a minute.
func TestSweep_sealedChild(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFamily(t, db, accounts.RefreshConfig{Grace: time.Second, Key: key})
		sealed := func() (n int) {
			t.Helper()
			err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM gate_refresh_tokens WHERE sealed_child <> ''").Scan(&n)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		token := f.first
		for range 3 {
			token = f.use(t, token, laptop)
			if n := sealed(); n != 1 {
				t.Errorf("%d sealed tokens, want that of the direct parent", n)
			}
		}
		if _, err := accounts.Sweep(t.Context(), db, f.clock.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if n := sealed(); n != 0 {
			t.Errorf("%d sealed tokens after a minute", n)
		}
		f.use(t, token, laptop)
	})
}

func TestSweep_batches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokens, c := newTokens(t, db)
		issue(t, tokens, accounts.ResetPassword, claim("1"))
		if _, err := db.Exec(t.Context(), `INSERT INTO gate_tokens
			SELECT token_hash || n.a || '-' || m.a, purpose, entity, subject, address, version, data, created_at, expires_at, used_at
			FROM gate_tokens, (`+numbers(30)+`) n, (`+numbers(70)+`) m`); err != nil {
			t.Fatal(err)
		}
		if n, err := accounts.Sweep(t.Context(), db, c.Now().Add(48*time.Hour)); n != 2101 || err != nil {
			t.Errorf("Sweep = %d, %v, want 2101", n, err)
		}
		if n, err := accounts.Sweep(t.Context(), db, c.Now().Add(48*time.Hour)); n != 0 || err != nil {
			t.Errorf("Sweep again = %d, %v, want 0", n, err)
		}
	})
}

// TestSweep_sealedIndex: what is erased every few minutes is found by an index.
func TestSweep_sealedIndex(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newTokens(t, db) // and with it the schema
		var plan strings.Builder
		err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			explain := "EXPLAIN QUERY PLAN "
			if db.Dialect() == store.Postgres {
				explain = "EXPLAIN "
				if _, err := tx.ExecContext(ctx, "SET LOCAL enable_seqscan = off"); err != nil { // the table is empty
					return err
				}
			}
			rows, err := tx.QueryContext(ctx, explain+`SELECT token_hash FROM gate_refresh_tokens
				WHERE sealed_child <> '' AND used_at <= $1 ORDER BY used_at LIMIT $2`, 1, 1)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				line := []any{new(string), new(string), new(string), new(string)}
				if db.Dialect() == store.Postgres {
					line = line[:1]
				}
				if err := rows.Scan(line...); err != nil {
					return err
				}
				plan.WriteString(*line[len(line)-1].(*string) + "\n")
			}
			return rows.Err()
		})
		if err != nil || !strings.Contains(plan.String(), "gate_refresh_tokens_sealed") {
			t.Errorf("plan %v:\n%s", err, &plan)
		}
	})
}

// TestSweep_sealedBatches: others need not wait for the last row to be erased.
func TestSweep_sealedBatches(t *testing.T) {
	db := storetest.Postgres(t)
	f := newFamily(t, db, accounts.RefreshConfig{Grace: time.Second, Key: key})
	f.use(t, f.first, laptop)
	if _, err := db.Exec(t.Context(), `INSERT INTO gate_refresh_tokens
		(token_hash, session_id, generation, issued_at, expires_at, used_at, sealed_child)
		SELECT 'x' || n.a || '-' || m.a, session_id, n.a * 1000 + m.a, issued_at, expires_at, used_at + 1, sealed_child
		FROM gate_refresh_tokens, (`+numbers(40)+`) n, (`+numbers(50)+`) m WHERE used_at IS NOT NULL`); err != nil {
		t.Fatal(err)
	}
	sealed := func() (n int) {
		t.Helper()
		err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM gate_refresh_tokens WHERE sealed_child <> ''").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if _, err := db.Exec(t.Context(), "UPDATE gate_refresh_tokens SET used_at = used_at + 1 WHERE token_hash = 'x1-1'"); err != nil {
		t.Fatal(err)
	}
	var swept error
	var sweep sync.WaitGroup
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		// The row that comes last is in use by somebody.
		if _, err := tx.ExecContext(ctx, "UPDATE gate_refresh_tokens SET used_at = used_at WHERE token_hash = 'x1-1'"); err != nil {
			return err
		}
		sweep.Go(func() { _, swept = accounts.Sweep(t.Context(), db, f.clock.Now().Add(2*time.Minute)) })
		waitLocked(t, db, 1)
		if n := sealed(); n != 1 {
			t.Errorf("%d sealed while the last row is in use, want that one", n)
		}
		return nil
	})
	sweep.Wait()
	if err != nil || swept != nil {
		t.Fatal(err, swept)
	}
	if n := sealed(); n != 0 {
		t.Errorf("%d sealed, want 0", n)
	}
}

func TestLOG16_sweep(t *testing.T) {
	if _, err := accounts.Sweep(t.Context(), nil, time.Now()); err == nil {
		t.Error("no database: no error")
	}
	db := storetest.SQLite(t)
	newTokens(t, db)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := accounts.Sweep(gone, db, time.Now()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Sweep = %v, want %v", err, store.ErrUnavailable)
	}
}
