package permtest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gatewright/gate/internal/hashcost"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store"
)

// open starts the service on an empty database, until the test ends.
func (k *kit) open() {
	k.t.Helper()
	s := k.cfg.Service
	build := s.Build
	s.Build = func(a *server.App) error {
		k.app = a
		return build(a)
	}
	o := config.Options{Addr: "127.0.0.1:0", Database: k.database(&s)}
	o.Environ = []string{
		"AUTH_SECRET=" + rand.Text() + rand.Text() + rand.Text(), "PUBLIC_URL=http://localhost", "LOG_LEVEL=error",
		"MAIL_URL=smtp://127.0.0.1:9", "MAIL_FROM=no-reply@permtest.example", "METRICS_ADDR=off",
	}
	if s.Auth != nil {
		// Who signs tokens, and who sends letters, is not what is tried here.
		auth := *s.Auth
		if auth.KeyFile() {
			jwt := *auth.JWT
			jwt.Algorithm = jose.HS256
			auth.JWT = &jwt
		}
		auth.Breach = nil
		hashcost.Lower() // before the service makes the hasher
		s.Auth = &auth
		o.SecretBytes = auth.SecretBytes()
	}
	k.door = k.doorOf(&s)
	o.Environ = slices.Concat(o.Environ, k.door.settings(), k.cfg.Settings)
	cfg, err := config.Load(o)
	if err != nil {
		k.t.Fatal(err)
	}
	srv, err := server.Open(k.ctx(), s, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		k.t.Fatal(err)
	}
	ts := httptest.NewServer(srv.Handler())
	k.url = ts.URL
	k.t.Cleanup(func() {
		ts.Close()
		if err := srv.Close(); err != nil {
			k.t.Error(err)
		}
	})
}

// database returns the address of an empty one, of the kind that the service
// has: one with a file of its own says where that is.
func (k *kit) database(s *server.Service) string {
	k.t.Helper()
	if s.Database != "" {
		return filepath.Join(k.t.TempDir(), "permissions.db")
	}
	at := postgresServer()
	if at == "" {
		k.t.Skipf("%s names no server: the URL of one whose user may create databases", EnvPostgres)
	}
	u, err := url.Parse(at)
	if err != nil {
		k.t.Fatalf("%s is no URL", EnvPostgres)
	}
	name := "gate_permissions_" + strings.ToLower(rand.Text())
	open := s.Open
	if s.Connect != nil {
		open = func(ctx context.Context, url string) (*store.DB, error) { return s.Connect(ctx, url, server.Pool{}) }
	}
	run := func(ctx context.Context, statement string) {
		db, err := open(ctx, at)
		if err != nil {
			k.t.Fatal(err)
		}
		if _, err := db.Write().ExecContext(ctx, statement); err != nil {
			k.t.Error(err)
		}
		if err := db.Close(); err != nil {
			k.t.Error(err)
		}
	}
	run(k.ctx(), "CREATE DATABASE "+name)
	k.t.Cleanup(func() { run(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") }) // the context of the test has ended by then
	u.Path = "/" + name
	return u.String()
}
