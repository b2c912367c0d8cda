package tenant_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// IDP-13: a person whose sign-up began before their connection was deleted is not
// one of the next connection of that name.
func TestIDP13_signUpAfterConnection(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		c := &tenant.Connection{ID: "con", Name: "db", Strategy: tenant.Database}
		must(t, s.Connections.Create(ctx, c))
		must(t, s.CreateUserIn(ctx, c, newUser("ada@example.com"), tenant.Ticket{}))
		must(t, s.Connections.Delete(ctx, "con"))
		want(t, "after the deletion", s.CreateUserIn(ctx, c, newUser("bob@example.com"), tenant.Ticket{}), tenant.ErrNotFound)
		must(t, s.Connections.Create(ctx, &tenant.Connection{ID: "next", Name: "db", Strategy: tenant.Database}))
		want(t, "in the next one", s.CreateUserIn(ctx, c, newUser("bob@example.com"), tenant.Ticket{}), tenant.ErrNotFound)
	})
}

// IDP-13: a deletion that is under way is waited for.
func TestIDP13_signUpDuringDeletion(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if db.Dialect() != store.Postgres {
			return // there one transaction writes at a time
		}
		s := open(t, db, nil)
		c := &tenant.Connection{ID: "con", Name: "db", Strategy: tenant.Database}
		must(t, s.Connections.Create(t.Context(), c))
		done := make(chan error, 1)
		must(t, db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, "DELETE FROM idp_objects WHERE id = 'con'"); err != nil {
				return err
			}
			go func() { done <- s.CreateUserIn(t.Context(), c, newUser("ada@example.com"), tenant.Ticket{}) }()
			return someoneWaits(ctx, db, done)
		}))
		want(t, "after the deletion", <-done, tenant.ErrNotFound)
	})
}

// IDP-13: an import ends with its connection.
func TestIDP13_importAfterConnection(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		must(t, s.Connections.Create(ctx, &tenant.Connection{ID: "con", Name: "db", Strategy: tenant.Database}))
		in, out := io.Pipe()
		go func() {
			w := bufio.NewWriter(out)
			for n := range 450 {
				if n == 300 { // one batch is stored
					_ = w.Flush()
					if err := s.Connections.Delete(ctx, "con"); err != nil {
						t.Error(err)
					}
				}
				fmt.Fprintf(w, `{"email":"u%d@example.com"}`+"\n", n)
			}
			_ = w.Flush()
			_ = out.Close()
		}()
		report, err := s.ImportUsers(ctx, in, tenant.ImportOptions{Connection: "db"})
		want(t, "the import", err, tenant.ErrNotFound)
		_ = in.CloseWithError(io.ErrClosedPipe)
		var n int
		must(t, db.Read().QueryRowContext(ctx, "SELECT COUNT(*) FROM idp_users").Scan(&n))
		if n != 0 {
			t.Errorf("%d people of a connection that is gone; %+v", n, report)
		}
	})
}

// IDP-13: what a log-in for an API comes to after the API is gone is nothing for the
// next one of its identifier.
func TestIDP13_tokensAfterAPI(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		u := create(t, s, newUser("ada@example.com"))
		session(t, s, u, "session")
		app(t, s, "client")
		f := &tenant.Family{
			ID: tenant.NewGrantID(), UserID: u.ID, Epoch: u.Epoch, ClientID: "client", FamilyDetails: tenant.FamilyDetails{Audience: "https://a.example"},
		}
		_, err := s.CreateFamily(ctx, f)
		want(t, "a family", err, tenant.ErrEnded)
		code := secret.Text()
		must(t, s.CreateToken(ctx, code, tenant.Token{Kind: tenant.CodeToken, UserID: u.ID, ClientID: "client", ExpiresAt: time.Now().Add(time.Minute)}))
		x := &tenant.Exchange{
			Code: code, Data: []byte("{}"), Until: time.Now().Add(time.Minute), UserID: u.ID, Epoch: u.Epoch, SessionID: "session", Family: f,
		}
		_, err = s.Exchange(ctx, x)
		want(t, "an exchange", err, tenant.ErrEnded)
		must(t, s.APIs.Create(ctx, &tenant.API{ID: "a", Identifier: "https://a.example"}))
		text, err := s.Exchange(ctx, x)
		if err != nil || !strings.HasPrefix(text.Reveal(), "v1.") {
			t.Errorf("with the API: %v", err)
		}
	})
}

// IDP-13: what a log-in to a client comes to after the client is gone is nothing for the
// next one of its ID.
func TestIDP13_tokensAfterClient(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		u := create(t, s, newUser("ada@example.com"))
		ses, err := s.SessionBySecret(ctx, session(t, s, u, "session"))
		must(t, err)
		code := secret.Text()
		token := func(kind tenant.TokenKind, text secret.String) error {
			return s.CreateToken(ctx, text, tenant.Token{Kind: kind, UserID: u.ID, ClientID: "app", ExpiresAt: time.Now().Add(time.Minute)})
		}
		things := map[string]func() error{
			"a family": func() error {
				_, err := s.CreateFamily(ctx, &tenant.Family{ID: tenant.NewGrantID(), UserID: u.ID, Epoch: u.Epoch, ClientID: "app"})
				return err
			},
			"a code": func() error { return token(tenant.CodeToken, secret.Text()) },
			"a code of a session": func() error {
				return s.TouchSessionWith(ctx, ses, "app", ses.IdleExpiresAt, &tenant.NewToken{Text: secret.Text(), Token: tenant.Token{
					Kind: tenant.CodeToken, UserID: u.ID, ClientID: "app", ExpiresAt: time.Now().Add(time.Minute),
				}})
			},
			"an opaque token": func() error { return token(tenant.OpaqueToken, secret.Text()) },
			"a consent":       func() error { return s.AddConsent(ctx, u.ID, "app", "", []string{"openid"}) },
		}
		must(t, s.Clients.Create(ctx, &tenant.Client{ID: "app", Name: "App"}))
		for _, store := range things {
			must(t, store())
		}
		must(t, token(tenant.CodeToken, code))
		must(t, s.Clients.Delete(ctx, "app"))
		for name, store := range things {
			want(t, name, store(), tenant.ErrEnded)
		}
		must(t, s.Clients.Create(ctx, &tenant.Client{ID: "app", Name: "App"}))
		_, err = s.Exchange(ctx, &tenant.Exchange{
			Code: code, Data: []byte("{}"), Until: time.Now().Add(time.Minute), UserID: u.ID, Epoch: u.Epoch, SessionID: "session",
			Family: &tenant.Family{ID: tenant.NewGrantID(), UserID: u.ID, Epoch: u.Epoch, ClientID: "app"},
		})
		want(t, "an exchange", err, tenant.ErrNotFound)
		for _, table := range []string{"idp_refresh", "idp_tokens", "idp_consents"} {
			var n int
			must(t, db.Read().QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n))
			if n != 0 {
				t.Errorf("%s has %d rows of a client that is gone", table, n)
			}
		}
	})
}

// IDP-13: what is stored for a client waits for a deletion of it that is under way, and a
// consent for that of the API, too.
func TestIDP13_deletionUnderWay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if db.Dialect() != store.Postgres {
			return // there one transaction writes at a time
		}
		s := open(t, db, nil)
		u := create(t, s, newUser("ada@example.com"))
		for name, tt := range map[string]struct {
			gone  string
			store func(ctx context.Context) error
		}{
			"a family": {"app", func(ctx context.Context) error {
				_, err := s.CreateFamily(ctx, &tenant.Family{ID: tenant.NewGrantID(), UserID: u.ID, Epoch: u.Epoch, ClientID: "app"})
				return err
			}},
			"a code": {"app", func(ctx context.Context) error {
				return s.CreateToken(ctx, secret.Text(), tenant.Token{Kind: tenant.CodeToken, UserID: u.ID, ClientID: "app", ExpiresAt: time.Now().Add(time.Minute)})
			}},
			"a consent": {"app", func(ctx context.Context) error { return s.AddConsent(ctx, u.ID, "app", "", []string{"openid"}) }},
			"a consent at an API": {"api", func(ctx context.Context) error {
				return s.AddConsent(ctx, u.ID, "app", "https://a.example", []string{"read"})
			}},
		} {
			t.Run(name, func(t *testing.T) {
				must(t, s.Clients.Create(t.Context(), &tenant.Client{ID: "app", Name: "App"}))
				must(t, s.APIs.Create(t.Context(), &tenant.API{ID: "api", Identifier: "https://a.example"}))
				done := make(chan error, 1)
				must(t, db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
					if _, err := tx.ExecContext(ctx, "DELETE FROM idp_objects WHERE id = $1", tt.gone); err != nil {
						return err
					}
					go func() { done <- tt.store(t.Context()) }()
					return someoneWaits(ctx, db, done)
				}))
				want(t, "after the deletion", <-done, tenant.ErrEnded)
				_, err := db.Exec(t.Context(), "DELETE FROM idp_objects WHERE id IN ('app', 'api')")
				must(t, err)
			})
		}
	})
}
