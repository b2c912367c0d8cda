package tenant_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// holdings gives a user a session, a family and tokens of its grant.
func holdings(t *testing.T, s *tenant.Store, client string) (*tenant.User, *tenant.Family) {
	t.Helper()
	u := create(t, s, newUser(tenant.NewSubject()+"@example.com"))
	session(t, s, u, tenant.NewGrantID())
	f, _ := family(t, s, u, func(f *tenant.Family) { f.ClientID = client })
	for _, kind := range []tenant.TokenKind{tenant.OpaqueToken, tenant.ResetTicket} {
		must(t, s.CreateToken(t.Context(), secret.Text(), tenant.Token{
			Kind: kind, UserID: u.ID, ClientID: client, GrantID: f.ID, ExpiresAt: time.Now().Add(time.Hour),
		}))
	}
	return u, f
}

func session(t *testing.T, s *tenant.Store, u *tenant.User, id string) secret.String {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	ses := &tenant.Session{
		ID: id, UserID: u.ID, Epoch: u.Epoch, CreatedAt: now, AuthenticatedAt: now, UsedAt: now,
		IdleExpiresAt: now.Add(time.Hour), ExpiresAt: now.Add(time.Hour),
	}
	text := secret.Text()
	must(t, s.CreateSession(t.Context(), text, ses))
	return text
}

// TestSES05_lockOrder: whoever ends what a user has locks the row of the user
// first, and holds nothing while waiting for it. So no two wait for each other.
func TestSES05_lockOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if db.Dialect() != store.Postgres {
			return // there one transaction writes at a time
		}
		s := open(t, db, nil)
		for name, end := range map[string]func(u *tenant.User, f *tenant.Family) error{
			"all":      func(u *tenant.User, _ *tenant.Family) error { return s.EndAll(t.Context(), u.ID) },
			"grant":    func(_ *tenant.User, f *tenant.Family) error { return s.RevokeGrant(t.Context(), f.ID) },
			"families": func(u *tenant.User, _ *tenant.Family) error { return s.RevokeFamilies(t.Context(), u.ID, "", "") },
			"links": func(u *tenant.User, _ *tenant.Family) error {
				return s.CreateToken(t.Context(), secret.Text(), tenant.Token{Kind: tenant.ResetTicket, UserID: u.ID, Alone: true})
			},
			"user":   func(u *tenant.User, _ *tenant.Family) error { return s.DeleteUser(t.Context(), u.ID) },
			"client": func(_ *tenant.User, f *tenant.Family) error { return s.Clients.Delete(t.Context(), f.ClientID) },
			"connection": func(u *tenant.User, _ *tenant.Family) error {
				must(t, s.Connections.Create(t.Context(), &tenant.Connection{ID: "con", Name: u.Identities[0].Connection, Strategy: tenant.Database}))
				return s.Connections.Delete(t.Context(), "con")
			},
		} {
			t.Run(name, func(t *testing.T) {
				client := "client-" + name
				must(t, s.Clients.Create(t.Context(), &tenant.Client{ID: client, Name: client}))
				u, f := holdings(t, s, client)
				done := make(chan error, 1)
				err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
					if _, err := tx.ExecContext(ctx, "SELECT id FROM idp_users WHERE id = $1 FOR UPDATE", u.ID); err != nil {
						return err
					}
					go func() { done <- end(u, f) }()
					if err := someoneWaits(ctx, db, done); err != nil {
						return err
					}
					for _, table := range []string{"idp_sessions", "idp_refresh", "idp_tokens"} {
						if _, err := tx.ExecContext(ctx, "SELECT user_id FROM "+table+" WHERE user_id = $1 FOR UPDATE NOWAIT", u.ID); err != nil {
							return fmt.Errorf("%s is held while it waits: %w", table, err)
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				must(t, <-done)
			})
		}
	})
}

// someoneWaits returns when a statement waits for a lock.
func someoneWaits(ctx context.Context, db *store.DB, done <-chan error) error {
	for {
		select {
		case err := <-done:
			return errors.Join(errors.New("it did not wait for the row of the user"), err)
		default:
		}
		var n int
		err := db.Read().QueryRowContext(ctx, `SELECT COUNT(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
		if err != nil || n > 0 {
			return err
		}
	}
}

// TestSES05_endingsAtOnce: what ends the same things at the same moment succeeds.
func TestSES05_endingsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		var wg sync.WaitGroup
		for range 8 {
			u, f := holdings(t, s, "client")
			for name, end := range map[string]func() error{
				"all":      func() error { return s.EndAll(t.Context(), u.ID) },
				"grant":    func() error { return s.RevokeGrant(t.Context(), f.ID) },
				"families": func() error { return s.RevokeFamilies(t.Context(), u.ID, "client", "") },
				"links": func() error {
					return s.CreateToken(t.Context(), secret.Text(), tenant.Token{Kind: tenant.ResetTicket, UserID: u.ID, Alone: true})
				},
			} {
				wg.Go(func() {
					if err := end(); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
		}
		wg.Wait()
	})
}

// TestStore_again: a transaction that the database undid to let another one pass
// runs again, but not for ever.
func TestStore_again(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if db.Dialect() != store.Postgres {
			return
		}
		s := open(t, db, nil)
		u := create(t, s, newUser("ada@example.com"))
		for _, statement := range []string{
			"CREATE SEQUENCE tries", // a rollback does not turn it back
			`CREATE FUNCTION lose() RETURNS trigger AS $$ BEGIN
				IF nextval('tries') <= TG_ARGV[0]::int THEN RAISE EXCEPTION 'lost' USING ERRCODE = '40P01'; END IF;
				RETURN NEW; END $$ LANGUAGE plpgsql`,
			"CREATE TRIGGER lose BEFORE UPDATE ON idp_users FOR EACH ROW EXECUTE FUNCTION lose(2)",
		} {
			if _, err := db.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		u, err := s.UpdateUser(t.Context(), u.ID, func(u *tenant.User) error {
			u.Name += "!"
			return nil
		})
		if err != nil || strings.Count(u.Name, "!") != 1 {
			t.Fatalf("after two deadlocks: %+v, %v", u, err)
		}
		for _, statement := range []string{
			"DROP TRIGGER lose ON idp_users",
			"CREATE TRIGGER lose BEFORE UPDATE ON idp_users FOR EACH ROW EXECUTE FUNCTION lose(1000)",
		} {
			if _, err := db.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		want(t, "one deadlock after the other", s.EndAll(t.Context(), u.ID), store.ErrUnavailable)
	})
}

// TestImport_lockOrder: an import locks users in the order of everybody else, not
// in that of its file, and one import at a time adds users to a connection. So no
// two wait for each other.
func TestImport_lockOrder(t *testing.T) {
	const header = `{"gate_tenant":{"version":1}}` + "\n"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if db.Dialect() != store.Postgres {
			return // there one transaction writes at a time
		}
		s := open(t, db, nil)
		connect(t, s)
		var rows, dump strings.Builder
		for _, name := range []string{"c", "b", "a"} {
			u := newUser(name + "@example.com")
			u.Identities[0].UserID, u.Identities[0].Username = name, name
			create(t, s, u)
			fmt.Fprintf(&dump, `{"user":{"user_id":"auth0|%s","identities":[{"connection":"db","provider":"auth0","user_id":"%[1]s"}]},"logins":[{"email":"%[1]s@example.com","username":"%[1]s"}]}`+"\n", name)
		}
		rows.WriteString(`{"user_id":"c","email":"other@example.com"}` + "\n" + `{"email":"b@example.com"}` + "\n" + `{"username":"a"}` + "\n")
		for name, run := range map[string]func() (tenant.ImportReport, error){
			"users": func() (tenant.ImportReport, error) {
				return s.ImportUsers(t.Context(), strings.NewReader(rows.String()), tenant.ImportOptions{Connection: "db", Upsert: true})
			},
			"tenant": func() (tenant.ImportReport, error) {
				return s.Import(t.Context(), strings.NewReader(header+dump.String()), tenant.RestoreOptions{})
			},
		} {
			t.Run(name, func(t *testing.T) {
				importing := func() error {
					report, err := run()
					if err == nil && report.Updated != 3 {
						err = fmt.Errorf("imported %+v", report)
					}
					return err
				}
				waits(t, db, importing, "SELECT id FROM idp_users WHERE id = 'auth0|a' FOR UPDATE",
					"SELECT id FROM idp_users WHERE id IN ('auth0|b', 'auth0|c') FOR UPDATE NOWAIT")
				waits(t, db, importing, "SELECT id FROM idp_objects WHERE kind = 'connection' AND name = 'db' FOR NO KEY UPDATE",
					"SELECT id FROM idp_users FOR UPDATE NOWAIT")
			})
		}
	})
}

// waits holds what one statement locks, and is sure that run waits for it and holds
// nothing of what the other one locks.
func waits(t *testing.T, db *store.DB, run func() error, hold, free string) {
	t.Helper()
	done := make(chan error, 1)
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, hold); err != nil {
			return err
		}
		go func() { done <- run() }()
		if err := someoneWaits(ctx, db, done); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, free)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", hold, err)
	}
	must(t, <-done)
}
