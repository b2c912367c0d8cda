package tenant_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/store/storetest"
)

// together runs fn n times at once.
func together(n int, fn func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			fn(i)
		})
	}
	close(start)
	wg.Wait()
}

func TestRefresh_life(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		ctx := t.Context()
		u := create(t, s, newUser("ada@example.com"))
		must(t, s.APIs.Create(ctx, &tenant.API{ID: "api", Identifier: "https://api"}))
		end := c.Now().Add(24 * time.Hour)
		details := tenant.FamilyDetails{
			Audience: "https://api", Scope: []string{"openid", "read:x"}, AuthTime: c.Now(), Connection: "db",
			Methods: []tenant.AuthMethod{{Name: "pwd", At: c.Now()}}, Grants: []string{"authorization_code"}, Metadata: map[string]any{"a": "b"},
		}
		f, first := family(t, s, u, func(f *tenant.Family) {
			f.ExpiresAt, f.IdleExpiresAt, f.SessionID, f.FamilyDetails = end, c.Now().Add(time.Hour), "session", details
		})
		got, _, err := s.UseRefreshToken(ctx, first, "client", rotating(0))
		must(t, err)
		if diff := cmp.Diff(details, got.FamilyDetails); diff != "" || !got.ExpiresAt.Equal(end) || got.SessionID != "session" {
			t.Errorf("family %+v (-want +got):\n%s", got, diff)
		}

		_, current := family(t, s, u, func(f *tenant.Family) { f.ExpiresAt, f.IdleExpiresAt = end, c.Now().Add(time.Hour) })
		c.advance(time.Hour - time.Millisecond)
		_, current, err = s.UseRefreshToken(ctx, current, "client", rotating(0))
		must(t, err)
		c.advance(time.Hour)
		_, _, err = s.UseRefreshToken(ctx, current, "client", rotating(0))
		want(t, "after the idle end", err, tenant.ErrNotFound)

		_, current = family(t, s, u, func(f *tenant.Family) { f.ExpiresAt = c.Now().Add(time.Minute) })
		_, current, err = s.UseRefreshToken(ctx, current, "client", rotating(0))
		must(t, err)
		c.advance(time.Minute)
		_, _, err = s.UseRefreshToken(ctx, current, "client", rotating(0))
		want(t, "after the end", err, tenant.ErrNotFound)

		list, err := s.FamiliesOf(ctx, u.ID)
		must(t, err)
		if len(list) != 0 {
			t.Errorf("%d live families, want those that ended to be left out", len(list))
		}
		if _, err := s.Family(ctx, f.ID); err != nil {
			t.Errorf("family of before: %v", err)
		}
	})
}

// TestSES06_leeway: within the leeway the token before gets the very successor
// that was handed out; after it, and for those before that, the family ends.
func TestSES06_leeway(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		ctx := t.Context()
		u := create(t, s, newUser("ada@example.com"))
		_, first := family(t, s, u, nil)
		_, second, err := s.UseRefreshToken(ctx, first, "client", rotating(10*time.Second))
		must(t, err)
		c.advance(10 * time.Second)
		if _, again, err := s.UseRefreshToken(ctx, first, "client", rotating(10*time.Second)); err != nil || again != second {
			t.Errorf("within the leeway: %v, same %v", err, again == second)
		}
		_, third, err := s.UseRefreshToken(ctx, second, "client", rotating(10*time.Second))
		must(t, err)
		asked := false
		_, _, err = s.UseRefreshToken(ctx, first, "client", func(*tenant.Family) (tenant.Use, error) {
			asked = true
			return tenant.Use{}, errors.New("policy")
		})
		want(t, "the one before the one before", err, tenant.ErrReused)
		if asked {
			t.Error("a policy was asked about a token that was used up long ago")
		}
		_, _, err = s.UseRefreshToken(ctx, third, "client", rotating(10*time.Second))
		want(t, "the current one after reuse", err, tenant.ErrNotFound)

		// Not rotated: the leeway of the token before does not begin anew.
		_, first = family(t, s, u, nil)
		_, second, err = s.UseRefreshToken(ctx, first, "client", rotating(10*time.Second))
		must(t, err)
		c.advance(9 * time.Second)
		same, text, err := s.UseRefreshToken(ctx, second, "client", func(*tenant.Family) (tenant.Use, error) { return tenant.Use{}, nil })
		if err != nil || text != second || same == nil {
			t.Errorf("without rotation: %v, same %v", err, text == second)
		}
		c.advance(2 * time.Second)
		_, _, err = s.UseRefreshToken(ctx, first, "client", rotating(10*time.Second))
		want(t, "leeway after a use without rotation", err, tenant.ErrReused)
	})
}

// TestSES06_parallel: thirty uses of one token at once hand out one successor.
func TestSES06_parallel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		u := create(t, s, newUser("ada@example.com"))
		_, first := family(t, s, u, nil)
		var mu sync.Mutex
		handed := map[secret.String]int{}
		together(30, func(int) {
			_, text, err := s.UseRefreshToken(t.Context(), first, "client", rotating(time.Minute))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			handed[text]++
		})
		if len(handed) != 1 {
			t.Errorf("%d different successors", len(handed))
		}
		for text := range handed {
			if _, _, err := s.UseRefreshToken(t.Context(), text, "client", rotating(0)); err != nil {
				t.Errorf("the successor: %v", err)
			}
		}
	})
}

// TestSES06_oneWinner: without a leeway one of thirty wins, and the others end
// the family.
func TestSES06_oneWinner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		u := create(t, s, newUser("ada@example.com"))
		f, first := family(t, s, u, nil)
		var mu sync.Mutex
		var winners []secret.String
		together(30, func(int) {
			_, text, err := s.UseRefreshToken(t.Context(), first, "client", rotating(0))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				winners = append(winners, text)
			case !errors.Is(err, tenant.ErrReused) && !errors.Is(err, tenant.ErrNotFound):
				t.Error(err)
			}
		})
		if len(winners) != 1 {
			t.Fatalf("%d winners", len(winners))
		}
		_, _, err := s.UseRefreshToken(t.Context(), winners[0], "client", rotating(0))
		want(t, "the winner's token", err, tenant.ErrNotFound)
		got, err := s.Family(t.Context(), f.ID)
		must(t, err)
		if got.RevokedAt.IsZero() {
			t.Error("the family goes on")
		}
	})
}

// TestSES07_bound: tokens are bound to their client, and a family that was
// revoked is over.
func TestSES07_bound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		u := create(t, s, newUser("ada@example.com"))
		f, first := family(t, s, u, nil)
		_, _, err := s.UseRefreshToken(ctx, first, "other", rotating(0))
		want(t, "another client", err, tenant.ErrNotFound)
		if _, _, err := s.UseRefreshToken(ctx, first, "client", rotating(0)); err != nil {
			t.Errorf("its own client after that: %v", err)
		}
		must(t, s.RevokeGrant(ctx, f.ID))
		_, err = s.FindRefreshToken(ctx, first)
		want(t, "revoked", err, tenant.ErrNotFound)

		f, _ = family(t, s, u, func(f *tenant.Family) { f.SessionID = "one" })
		kept, _ := family(t, s, u, func(f *tenant.Family) { f.SessionID = "two" })
		opaque := map[string]secret.String{f.ID: secret.Text(), kept.ID: secret.Text()}
		for grant, text := range opaque {
			must(t, s.CreateToken(ctx, text, tenant.Token{Kind: tenant.OpaqueToken, UserID: u.ID, ClientID: "client", GrantID: grant, ExpiresAt: time.Now().Add(time.Hour)}))
		}
		must(t, s.RevokeFamilies(ctx, u.ID, "client", "one"))
		if stored(t, s, opaque[f.ID]) || !stored(t, s, opaque[kept.ID]) {
			t.Error("the access tokens that end are not those of the refresh tokens that do")
		}
		list, err := s.FamiliesOf(ctx, u.ID)
		must(t, err)
		if len(list) != 1 || list[0].ID != kept.ID {
			t.Errorf("live: %v, want %s and not %s", list, kept.ID, f.ID)
		}
		_, err = s.CreateFamily(ctx, &tenant.Family{ID: tenant.NewGrantID(), UserID: "auth0|nobody", ClientID: "client"})
		want(t, "of nobody", err, tenant.ErrEnded)
		for _, id := range []string{"", "short", strings.Repeat("A", 23), "!!!!!!!!!!!!!!!!!!!!!!"} {
			if _, err := s.CreateFamily(ctx, &tenant.Family{ID: id, UserID: u.ID}); err == nil {
				t.Errorf("ID %q was taken", id)
			}
		}
	})
}

// TestRefresh_bounded: the oldest families of a user at a client end, never the
// one that was just made.
func TestRefresh_bounded(t *testing.T) {
	s := open(t, storetest.SQLite(t), newClock().Now) // all in one millisecond
	u := create(t, s, newUser("ada@example.com"))
	opaque := map[string]secret.String{}
	for range tenant.MaxFamilies + 20 {
		f, text := family(t, s, u, nil)
		if _, err := s.FindRefreshToken(t.Context(), text); err != nil {
			t.Fatalf("the one just made: %v", err)
		}
		opaque[f.ID] = secret.Text()
		must(t, s.CreateToken(t.Context(), opaque[f.ID], tenant.Token{
			Kind: tenant.OpaqueToken, UserID: u.ID, ClientID: f.ClientID, GrantID: f.ID, ExpiresAt: newClock().Now().Add(time.Hour),
		}))
	}
	list, err := s.FamiliesOf(t.Context(), u.ID)
	must(t, err)
	if len(list) != tenant.MaxFamilies {
		t.Errorf("%d live families, want %d", len(list), tenant.MaxFamilies)
	}
	for _, f := range list {
		_, err := s.Token(t.Context(), tenant.OpaqueToken, opaque[f.ID])
		must(t, err)
		delete(opaque, f.ID)
	}
	for _, text := range opaque {
		_, err := s.Token(t.Context(), tenant.OpaqueToken, text)
		want(t, "opaque token of a family that ended", err, tenant.ErrNotFound)
	}
}

// TestSES01_dump: who has the database but not the secret makes no token, and
// who has the secret but not the row none either.
func TestSES01_dump(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		u := create(t, s, newUser("ada@example.com"))
		f, text := family(t, s, u, nil)
		must(t, s.FlushLogs(t.Context()))
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text.Reveal(), "v1."))
		must(t, err)
		for _, row := range dump(t, db) {
			if strings.Contains(row, text.Reveal()) || strings.Contains(row, string(raw[24:])) {
				t.Error("the token is in the database")
			}
		}
		// Another secret on the same row, as an attacker with a dump would have it.
		_, err = tenant.Open(t.Context(), db, tenant.Config{Secret: []byte(strings.Repeat("x", 32))})
		want(t, "another secret", err, tenant.ErrWrongSecret)
		// The same secret, another nonce.
		if _, err := db.Exec(t.Context(), "UPDATE idp_refresh SET nonce = $1 WHERE id = $2", make([]byte, 32), f.ID); err != nil {
			t.Fatal(err)
		}
		_, err = s.FindRefreshToken(t.Context(), text)
		want(t, "another nonce", err, tenant.ErrNotFound)
	})
}

// dump returns all rows of all tables as text.
func dump(t *testing.T, db *store.DB) (rows []string) {
	t.Helper()
	for _, table := range []string{
		"idp_objects", "idp_users", "idp_identities", "idp_sessions", "idp_tokens", "idp_refresh", "idp_revoked", "idp_consents", "idp_logs",
	} {
		rows = append(rows, dumpTable(t, db, table)...)
	}
	return rows
}

func dumpTable(t *testing.T, db *store.DB, table string) (rows []string) {
	t.Helper()
	found, err := db.Read().QueryContext(t.Context(), "SELECT * FROM "+table)
	must(t, err)
	defer found.Close()
	columns, err := found.Columns()
	must(t, err)
	for found.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		must(t, found.Scan(into...))
		rows = append(rows, fmt.Sprintf("%s %s", table, values))
	}
	must(t, found.Err())
	return rows
}

func FuzzRefreshToken(f *testing.F) {
	s := open(f, storetest.SQLite(f), nil)
	u := create(f, s, newUser("ada@example.com"))
	_, text := family(f, s, u, nil)
	for _, seed := range []string{"", "v1.", text.Reveal(), text.Reveal() + "=", text.Reveal() + "\n", text.Reveal()[:70], "v2" + text.Reveal()[2:]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		_, err := s.FindRefreshToken(t.Context(), secret.String(in))
		if (err == nil) != (in == text.Reveal()) {
			t.Fatalf("%q: %v", in, err)
		}
		if err != nil && !errors.Is(err, tenant.ErrNotFound) {
			t.Fatalf("%q: %v is not a refusal", in, err)
		}
	})
}

// The test binary runs itself as the child that is killed.
const childVariable = "GATE_TEST_TENANT_CHILD"

func TestMain(m *testing.M) {
	path := os.Getenv(childVariable)
	if path == "" {
		os.Exit(m.Run())
	}
	if err := refreshForever(path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// refreshForever reads a token and prints its successors, each after the one
// before was answered.
func refreshForever(path string) error {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, path, sqlite.Config{})
	if err != nil {
		return err
	}
	s, err := tenant.Open(ctx, db, tenant.Config{Secret: masterSecret()})
	if err != nil {
		return err
	}
	in, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	text := secret.String(strings.TrimSpace(in))
	for {
		if _, text, err = s.UseRefreshToken(ctx, text, "client", rotating(0)); err != nil {
			return err
		}
		fmt.Println(text.Reveal())
	}
}

// TestSES06_kill: after kill -9 at any point either the last token that was
// answered is the current one or its successor, and never both.
func TestSES06_kill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tenant.db")
	db, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	must(t, err)
	defer db.Close()
	s := open(t, db, nil)
	u := create(t, s, newUser("ada@example.com"))
	old, next := 0, 0
	for range 12 {
		f, first := family(t, s, u, nil)
		answered := killed(t, path, first)
		before, err := s.Family(t.Context(), f.ID)
		must(t, err)
		if !before.RevokedAt.IsZero() {
			t.Fatal("the family ended")
		}
		_, err = s.FindRefreshToken(t.Context(), answered)
		switch {
		case err == nil: // the last answer is the current token
			old++
			if _, _, err := s.UseRefreshToken(t.Context(), answered, "client", rotating(0)); err != nil {
				t.Errorf("the current token: %v", err)
			}
		case errors.Is(err, tenant.ErrNotFound): // its successor is, and was not answered
			next++
			if _, _, err := s.UseRefreshToken(t.Context(), answered, "client", rotating(time.Hour)); err != nil {
				t.Errorf("the successor of the last answer: %v", err)
			}
		default:
			t.Fatal(err)
		}
	}
	t.Logf("current after the kill: the answered one %d times, its successor %d times", old, next)
}

// killed starts a child that refreshes, kills it, and returns the last token
// that it answered.
func killed(t *testing.T, path string, first secret.String) secret.String {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childVariable+"="+path)
	cmd.Stdin = strings.NewReader(first.Reveal() + "\n")
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	last, left := first, 1+rand.IntN(40)
	for lines.Scan() {
		last = secret.String(lines.Text())
		if left--; left == 0 {
			must(t, cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); err == nil || left > 0 {
		t.Fatalf("the child ended by itself: %v, %d to go", err, left)
	}
	return last
}

func BenchmarkUseRefreshToken(b *testing.B) {
	s := open(b, storetest.SQLite(b), nil)
	u := create(b, s, newUser("ada@example.com"))
	_, text := family(b, s, u, nil)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if _, text, err = s.UseRefreshToken(b.Context(), text, "client", rotating(0)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}

// What ended while the answer to a token in its leeway was made has ended.
func TestSES06_endedInLeeway(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, newClock().Now)
		for name, end := range map[string]func(ctx context.Context, f *tenant.Family) error{
			"everything": func(ctx context.Context, f *tenant.Family) error { return s.EndAll(ctx, f.UserID) },
			"the grant":  func(ctx context.Context, f *tenant.Family) error { return s.RevokeGrant(ctx, f.ID) },
		} {
			_, first := family(t, s, create(t, s, newUser(strings.ReplaceAll(name, " ", "")+"@example.com")), nil)
			_, _, err := s.UseRefreshToken(t.Context(), first, "client", rotating(time.Minute))
			must(t, err)
			_, text, err := s.UseRefreshToken(t.Context(), first, "client", func(f *tenant.Family) (tenant.Use, error) {
				return tenant.Use{Rotate: true, Leeway: time.Minute, Then: func() (*tenant.NewToken, error) { return nil, end(t.Context(), f) }}, nil
			})
			if !errors.Is(err, tenant.ErrNotFound) || text != "" {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
